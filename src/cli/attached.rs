//! `flowbed shell`: the shell of a network that another process runs.

use std::io::{self, IsTerminal};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result};

use super::Outcome;
use super::control::Client;
use super::shell::{HostCommand, Next, Prompt};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The network, if more than one is up (see `flowbed ls`)
    #[arg(long, short, value_name = "NAME")]
    name: Option<String>,
    /// A line to execute, instead of those that are typed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    line: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let network = testbed::find(args.name.as_deref())?;
    let mut shell = Shell { client: Client::connect(&network)?, name: network.name };
    if !args.line.is_empty() {
        return match shell.execute(&args.line.join(" "))? {
            Some(true) | None => Ok(Outcome::Good),
            Some(false) => Ok(Outcome::Failed),
        };
    }
    if !io::stdin().is_terminal() {
        return shell.read_script();
    }
    say!("help lists the commands; exit or Ctrl-D leaves, and {} stays up", shell.name)?;
    let mut prompt = Prompt::new(shell.client.words()?).context("cannot use the terminal")?;
    while let Some(line) = prompt.line() {
        match shell.execute(&line) {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => eprintln!("{error:#}"),
        }
    }
    Ok(Outcome::Good)
}

struct Shell {
    client: Client,
    name: String,
}

impl Shell {
    /// Executes one line; whether all went well, and `None` if the shell is to be left.
    fn execute(&mut self, line: &str) -> Result<Option<bool>> {
        let (output, next) = self.client.line(line)?;
        super::write_out(format_args!("{output}"))?;
        Ok(match next? {
            Next::Go => Some(true),
            Next::GoFailed => Some(false),
            Next::Exit => None,
            Next::InHost(command) => Some(self.in_host(&command)?),
        })
    }

    /// Executes what standard input says, as `--pre` does: one that fails does not keep the others from being done, one
    /// that is not understood does.
    fn read_script(&mut self) -> Result<Outcome> {
        let mut outcome = Outcome::Good;
        for line in io::stdin().lines() {
            match self.execute(&line.context("cannot read standard input")?)? {
                Some(true) => {}
                Some(false) => outcome = Outcome::Failed,
                None => break,
            }
        }
        Ok(outcome)
    }

    /// Runs a command in a host, on this terminal.
    fn in_host(&self, command: &HostCommand) -> Result<bool> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut exec = Command::new(program);
        exec.args(["exec", "--name", &self.name, &command.host, "--"]).args(command.argv());
        let status: ExitStatus = exec.status().context("cannot start a process")?;
        if !status.success() {
            eprintln!("{}: {status}", command.program());
        }
        Ok(status.success())
    }
}
