//! `flowbed clean`.

use anyhow::Result;

use super::Outcome;

pub(crate) fn run() -> Result<Outcome> {
    let swept = testbed::sweep()?;
    for name in &swept.swept {
        println!("swept {name}");
    }
    for name in &swept.running {
        println!("{name} is up and was left alone");
    }
    if swept.swept.is_empty() {
        println!("nothing to sweep");
    }
    for failure in &swept.failures {
        eprintln!("flowbed: {}", failure.with_sources());
    }
    Ok(if swept.failures.is_empty() { Outcome::Good } else { Outcome::Failed })
}
