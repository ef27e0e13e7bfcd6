//! The command line: one file a subcommand.

/// Writes a line to standard output. A reader that went away is an error like any other, so that
/// what is up is taken down in order.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::write_out(format_args!("{}\n", format_args!($($text)*))) };
}

mod attached;
mod clean;
mod control;
mod controller;
mod dashboard;
mod decode;
mod detach;
mod doctor;
mod down;
mod exec;
mod inspect;
mod ls;
mod report;
mod scenarios;
mod shell;
mod signals;
mod terminal;
mod test;
mod topology;
mod trace;
mod up;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Program, test and watch software-defined networks.
#[derive(Debug, Parser)]
#[command(name = "flowbed", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring a network up, run apps and tests on it, then a shell
    Up(Box<up::Args>),
    /// Print a topology as TOML, JSON or a graph for Graphviz
    Topology(topology::Args),
    /// Run the controller alone, for switches of any make
    Controller(controller::Args),
    /// Print OpenFlow messages: hex, a raw stream or a capture
    #[command(long_about = decode::ABOUT)]
    Decode(decode::Args),
    /// Run scenario files: what must become of packets in a network
    Test(scenarios::Args),
    /// Show the way of a packet through tables and switches
    #[command(long_about = trace::ABOUT)]
    Trace(trace::Args),
    /// Print the JSON Schema of a kind of file
    Schema(scenarios::SchemaArgs),
    /// Run a command in a host of a running network, from another shell
    Exec(exec::Args),
    /// Open the shell of a running network, or execute one line of it
    Shell(attached::Args),
    /// List the networks that are up
    Ls(ls::Args),
    /// Print all there is to know of a running network, as JSON
    Inspect(inspect::Args),
    /// Take a running network down
    Down(down::Args),
    /// Sweep away what networks that died have left behind
    Clean,
    /// Check what this machine can do
    Doctor(doctor::Args),
}

/// How a command that ran to its end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    Failed,
    /// What it was given makes no sense.
    Broken,
}

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    // RUST_LOG=flowbed_controller=debug and the like; without it, what a person should know of.
    let filter = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::try_new(directives),
        _ => EnvFilter::try_new("warn"),
    };
    let filter = match filter {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("flowbed: RUST_LOG is not understood ({error}); try RUST_LOG=flowbed_controller=debug");
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
    let outcome = match cli.command {
        Command::Up(args) => up::run(*args),
        Command::Topology(args) => topology::run(&args),
        Command::Controller(args) => controller::run(args),
        Command::Decode(args) => decode::run(&args),
        Command::Test(args) => scenarios::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Schema(args) => scenarios::schema(&args),
        Command::Exec(args) => exec::run(&args),
        Command::Shell(args) => attached::run(&args),
        Command::Ls(args) => ls::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Down(args) => down::run(&args),
        Command::Clean => clean::run(),
        Command::Doctor(args) => doctor::run(&args),
    };
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Ok(Outcome::Broken) => ExitCode::from(2),
        Err(error) => {
            eprintln!("flowbed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output.
fn write_out(text: fmt::Arguments<'_>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_fmt(text).and_then(|()| out.flush()).context("cannot write to standard output")
}

/// Reads an address to listen on.
fn listening_address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| "expected ADDRESS:PORT, such as 127.0.0.1:8080; port 0 is any free port".to_owned())
}
