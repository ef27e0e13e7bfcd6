//! `flowbed ls`.

use anyhow::Result;

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object a network
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    // What died is swept by the next start.
    let running: Vec<_> = testbed::list()?.into_iter().filter(|network| network.alive).collect();
    if args.json {
        for network in &running {
            say!(
                "{}",
                serde_json::json!({ "name": network.name, "pid": network.pid, "hosts": network.hosts })
            )?;
        }
    } else if running.is_empty() {
        say!("no network is up")?;
    } else {
        say!("{:<20} {:>8}  HOSTS", "NAME", "PID")?;
        for network in &running {
            say!("{:<20} {:>8}  {}", network.name, network.pid, network.hosts.join(" "))?;
        }
    }
    Ok(Outcome::Good)
}
