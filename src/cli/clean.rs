//! `flowbed clean`.

use anyhow::Result;

use super::Outcome;

pub(crate) fn run() -> Result<Outcome> {
    let swept = testbed::sweep()?;
    for name in &swept.swept {
        say!("swept {name}")?;
    }
    for name in &swept.running {
        say!("{name} is up and was left alone")?;
    }
    if swept.swept.is_empty() {
        say!("nothing to sweep")?;
    }
    for failure in &swept.failures {
        eprintln!("flowbed: {}", failure.with_sources());
    }
    Ok(if swept.failures.is_empty() { Outcome::Good } else { Outcome::Failed })
}
