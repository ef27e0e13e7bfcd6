//! `flowbed down`: ends networks that other processes run.

use std::time::Duration;

use anyhow::Result;

use super::Outcome;

/// A thousand switches end well within that.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The networks (see `flowbed ls`); the only one there is, if none is named
    names: Vec<String>,
    /// All of this user's networks
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let networks = if args.all {
        testbed::list()?.into_iter().filter(|network| network.alive).collect()
    } else if args.names.is_empty() {
        vec![testbed::find(None)?]
    } else {
        args.names.iter().map(|name| testbed::find(Some(name))).collect::<Result<Vec<_>, _>>()?
    };
    let mut outcome = Outcome::Good;
    for network in &networks {
        match network.end(PATIENCE) {
            Ok(()) => say!("{} is down", network.name)?,
            Err(error) => {
                eprintln!("flowbed: {}", error.with_sources());
                outcome = Outcome::Failed;
            }
        }
    }
    if networks.is_empty() {
        say!("no network is up")?;
    }
    Ok(outcome)
}
