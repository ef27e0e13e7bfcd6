//! `flowbed exec HOST -- CMD`: a command in a host of a network that another process runs.

use std::ffi::OsString;

use anyhow::Result;

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The network, if more than one is up (see `flowbed ls`)
    #[arg(long, short, value_name = "NAME")]
    name: Option<String>,
    /// The host
    host: String,
    /// The command and its arguments
    #[arg(last = true, required = true, num_args = 1..)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    // Becomes the command: terminal, signals and exit status are its own.
    match testbed::exec(args.name.as_deref(), &args.host, &args.command)? {}
}
