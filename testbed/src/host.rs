//! A host of a running testbed.

use std::ffi::OsStr;
use std::process::{Command, ExitStatus};

use crate::error::Error;
use crate::sandbox::{Child, NetNs, Output};
use crate::terminal;
use crate::view::{HostView, InterfaceView};

/// A host: a network namespace and the interfaces in it.
#[derive(Debug, Clone)]
pub struct Host {
    pub(crate) view: HostView,
    pub(crate) namespace: NetNs,
}

impl Host {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.view.name
    }

    /// Its interfaces in the order of the links, `lo` left out.
    #[must_use]
    pub fn interfaces(&self) -> &[InterfaceView] {
        &self.view.interfaces
    }

    /// Its network namespace.
    #[must_use]
    pub fn namespace(&self) -> &NetNs {
        &self.namespace
    }

    /// Runs a command to its end, without input, and gathers what it writes.
    ///
    /// # Errors
    /// When it cannot be started. A failure of the command itself is in the output's status.
    pub async fn run<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<Output, Error> {
        self.namespace.output(command(argv)?).await
    }

    /// Starts a command that shares this process's terminal or other standard streams. It dies
    /// when the [`Child`] is dropped.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn spawn<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<Child, Error> {
        self.namespace.spawn(command(argv)?).await
    }

    /// Runs a command on this process's terminal until it ends, or this is dropped, and takes the terminal back
    /// afterwards: a shell in the host may have put its own process group in the foreground.
    ///
    /// # Errors
    /// When it cannot be started or waited for.
    pub async fn interact<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<ExitStatus, Error> {
        let _foreground = terminal::Reclaimed;
        // Dropped first: it ends before the terminal is taken back.
        let mut child = self.spawn(argv).await?;
        child.wait().await.map_err(Error::system("wait for", "the command"))
    }
}

fn command<S: AsRef<OsStr>>(argv: &[S]) -> Result<Command, Error> {
    let (program, arguments) = argv.split_first().ok_or_else(|| Error::BadName {
        kind: "program",
        name: String::new(),
        why: "give the command to run",
    })?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}
