//! `flowbed topology`: what a topology's text or file stands for.

use std::io::{self, Write};

use anyhow::{Context, Result};
use testbed::Topology;

use super::Outcome;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `flowbed up --topo` takes: a shape, or a file
    topology: String,
    /// TOML that `flowbed up --file` reads, JSON with the same keys, or a graph for Graphviz
    #[arg(long, value_enum, default_value = "toml")]
    format: Format,
}

/// How a topology is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Toml,
    Json,
    Dot,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    print(&Topology::open(&args.topology)?, args.format, &mut io::stdout())?;
    Ok(Outcome::Good)
}

/// Writes a topology with everything said that follows from the rest: ports, addresses, datapath ids.
pub(crate) fn print(topology: &Topology, format: Format, out: &mut dyn Write) -> Result<()> {
    let topology = topology.filled()?;
    let text = match format {
        Format::Toml => topology.to_toml(),
        Format::Json => format!("{:#}\n", topology.to_json()),
        Format::Dot => topology.to_dot(),
    };
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write it")
}
