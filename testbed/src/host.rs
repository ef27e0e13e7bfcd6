//! A host of a running testbed.

use std::ffi::OsStr;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use crate::cgroup::HostGroups;
use crate::error::Error;
use crate::sandbox::{Child, NetNs, Output};
use crate::terminal;
use crate::topology::Limits;
use crate::view::{HostView, InterfaceView};

/// A host: a network namespace and the interfaces in it.
#[derive(Debug, Clone)]
pub struct Host {
    pub(crate) view: HostView,
    pub(crate) namespace: NetNs,
    /// What limits its processes, if anything does.
    pub(crate) groups: Option<Arc<HostGroups>>,
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
        self.namespace.output(self.command(argv)?).await
    }

    /// Starts a command that shares this process's terminal or other standard streams. It dies
    /// when the [`Child`] is dropped.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn spawn<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<Child, Error> {
        self.namespace.spawn(self.command(argv)?).await
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

    /// Changes what the host's processes may have, while they run. `None` for what is not to be limited any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] for a limit of a kind that the host had none of when the network came up;
    /// [`Error::System`] for one that the kernel refuses: less memory than is in use, say.
    pub fn set_limits(&self, limits: &Limits) -> Result<(), Error> {
        match &self.groups {
            Some(groups) => groups.set(limits),
            None if limits.is_none() => Ok(()),
            None => Err(Error::Unavailable {
                what: format!("{} had no limits when the network came up", self.name()),
                remedy: "give it some in the topology".to_owned(),
            }),
        }
    }

    /// Kills what runs in it.
    pub(crate) async fn end_processes(&self) -> Result<(), Error> {
        self.namespace.end_processes().await
    }

    fn command<S: AsRef<OsStr>>(&self, argv: &[S]) -> Result<Command, Error> {
        let (program, arguments) = argv.split_first().ok_or_else(|| Error::BadName {
            kind: "program",
            name: String::new(),
            why: "give the command to run",
        })?;
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(groups) = &self.groups {
            groups.confine(&mut command);
        }
        Ok(command)
    }
}
