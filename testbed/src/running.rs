//! Running testbeds, as other processes see them: listing them, finding the one that is meant, and ending it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use crate::error::Error;
use crate::rundir::{base, directories, is_alive};
use crate::sandbox::{open_pidfd, send_signal};
use crate::state;

/// A testbed that has a run directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Its name.
    pub name: String,
    /// The process that owns it; 0 while it is being brought up.
    pub pid: i32,
    /// Its hosts' names.
    pub hosts: Vec<String>,
    /// Whether that process lives. The directory of one that does not is swept by the next
    /// start, or by [`crate::sweep`].
    pub alive: bool,
    /// Its run directory, which only its owner may enter.
    pub directory: PathBuf,
}

/// This user's testbeds, by name.
///
/// # Errors
/// When the base directory cannot be read.
pub fn list() -> Result<Vec<Running>, Error> {
    let entries = directories(&base())?;
    entries
        .into_iter()
        .map(|(name, directory)| {
            let state = state::read(&directory).ok();
            Ok(Running {
                name,
                alive: is_alive(&directory)?,
                pid: state.as_ref().map_or(0, |state| state.pid),
                hosts: state
                    .map_or_else(Vec::new, |state| state.hosts.into_iter().map(|host| host.name).collect()),
                directory,
            })
        })
        .collect()
}

/// The running testbed with this name; without a name, the only one there is.
///
/// # Errors
/// [`Error::Unknown`], with the testbeds there are; [`Error::Unavailable`] where none runs, or several do and none is
/// named.
pub fn find(name: Option<&str>) -> Result<Running, Error> {
    choose(name, |_| false)
}

/// As [`find`]; of several of which none is named, the only one that is `likely`.
pub(crate) fn choose(name: Option<&str>, likely: impl Fn(&Running) -> bool) -> Result<Running, Error> {
    let mut alive = list()?;
    alive.retain(|testbed| testbed.alive);
    let known: Vec<_> = alive.iter().map(|testbed| testbed.name.clone()).collect();
    let at = match name {
        Some(name) => match known.iter().position(|one| one == name) {
            Some(at) => at,
            None => return Err(Error::Unknown { kind: "testbed", name: name.to_owned(), known }),
        },
        None if alive.is_empty() => {
            return Err(Error::Unavailable {
                what: "no testbed runs".to_owned(),
                remedy: "bring one up with `flowbed up`".to_owned(),
            });
        }
        None if alive.len() == 1 => 0,
        None => {
            let mut fit = (0..alive.len()).filter(|at| likely(&alive[*at]));
            match (fit.next(), fit.next()) {
                (Some(at), None) => at,
                _ => {
                    return Err(Error::Unavailable {
                        what: format!("several testbeds run: {}", known.join(", ")),
                        remedy: "name the one that is meant: --name NAME".to_owned(),
                    });
                }
            }
        }
    };
    Ok(alive.swap_remove(at))
}

impl Running {
    /// Asks its process to end (SIGTERM) and waits until it and all that it made are gone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while it is being brought up; [`Error::TimedOut`] where it does not end `within` that time;
    /// [`Error::System`] where it cannot be signalled.
    pub fn end(&self, within: Duration) -> Result<(), Error> {
        if self.pid == 0 {
            return Err(Error::Unavailable {
                what: format!("{} is just being brought up", self.name),
                remedy: "try again in a moment, or end the `flowbed up` that does it".to_owned(),
            });
        }
        let object = || format!("process {} of {}", self.pid, self.name);
        let process = match open_pidfd(self.pid) {
            Ok(process) => process,
            Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => return Ok(()),
            Err(error) => return Err(Error::system("hold", object())(error)),
        };
        // Held first and looked at afterwards: the number may have come to be another's.
        if !is_alive(&self.directory)? {
            return Ok(());
        }
        send_signal(process.as_fd(), Signal::SIGTERM).map_err(Error::system("signal", object()))?;
        if has_ended(&process, within).map_err(Error::system("wait for", object()))? {
            return Ok(());
        }
        Err(Error::TimedOut { what: format!("the end of {}", object()), seconds: within.as_secs_f64() })
    }
}

/// Whether the process ends `within` that time.
fn has_ended(process: &OwnedFd, within: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout) {
            Ok(0) if left.is_zero() => return Ok(false),
            Ok(0) | Err(nix::Error::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}
