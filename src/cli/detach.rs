//! `flowbed up --detach`: the network goes on in the background when it is up.
//!
//! The process that is called starts another, shows what that one prints, and ends when it says that all is up. Until
//! then both belong to the terminal: Ctrl-C ends both.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Outcome;

/// What tells the process in the background that it is the one.
pub(crate) const FLAG: &str = "--in-background";

/// What it prints when it leaves (ASCII's end of transmission).
const LEAVING: u8 = 0x04;

/// The name of its log, in the run directory.
pub(crate) const LOG: &str = "log";

/// Starts this program once more with the same arguments, and waits until it has left or ended.
pub(crate) fn launch() -> Result<Outcome> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg(FLAG)
        // What it logs later goes to a file.
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start a process in the background")?;
    let mut from = child.stdout.take().context("the process in the background has no output")?;
    let mut out = io::stdout().lock();
    let mut block = [0; 4096];
    loop {
        let count = from.read(&mut block).context("cannot read what the process in the background says")?;
        let said = &block[..count];
        let left = said.last() == Some(&LEAVING);
        let text = &said[..count - usize::from(left)];
        out.write_all(text).and_then(|()| out.flush()).context("cannot write to standard output")?;
        if left {
            return Ok(Outcome::Good);
        }
        if count == 0 {
            break;
        }
    }
    // It has said on standard error what went wrong.
    let status = child.wait().context("cannot wait for the process in the background")?;
    if status.success() {
        bail!("the network ended before it was left alone");
    }
    Ok(Outcome::Failed)
}

/// Leaves the terminal, and the process that waits for this: all that is written from now on goes to a log in the run
/// directory.
pub(crate) fn leave(directory: &Path) -> Result<()> {
    let path = directory.join(LOG);
    let leave = || -> io::Result<()> {
        let log = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        // Ours is no leader of a process group: we were started by a program that does not make groups.
        nix::unistd::setsid()?;
        let mut out = io::stdout();
        out.write_all(&[LEAVING]).and_then(|()| out.flush())?;
        nix::unistd::dup2_stdout(&log)?;
        nix::unistd::dup2_stderr(&log)?;
        Ok(())
    };
    leave().with_context(|| format!("cannot go to the background with a log in {}", path.display()))
}
