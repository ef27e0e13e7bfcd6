//! A process in a namespace: followed by its pidfd, ended with its handle.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::Arc;

use nix::libc;
use nix::sys::signal::Signal;
use tokio::io::AsyncReadExt;

use super::readiness::readable;
use super::thread::Orphans;

/// What a finished command left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// All that it wrote to its standard error.
    pub stderr: Vec<u8>,
}

/// A running child. Dropping it kills the process.
#[derive(Debug)]
pub struct Child {
    /// `None` only in `drop`.
    inner: Option<std::process::Child>,
    pidfd: OwnedFd,
    status: Option<ExitStatus>,
    orphans: Arc<Orphans>,
}

impl Child {
    /// The process id, as this process sees it. Signal through [`Child::signal`], which cannot
    /// hit another process that came to bear the number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.inner().id().cast_signed()
    }

    /// The process's descriptor (`pidfd_open(2)`): readable once the process has ended.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// The writing end of its standard input, if that was asked to be a pipe.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.inner_mut().stdin.take()
    }

    /// The reading end of its standard output, if that was asked to be a pipe.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.inner_mut().stdout.take()
    }

    /// The reading end of its standard error, if that was asked to be a pipe.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.inner_mut().stderr.take()
    }

    /// Sends a signal. A process that has ended already is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        send_signal(self.pidfd(), signal)
    }

    /// Kills the process (SIGKILL); wait for it afterwards.
    ///
    /// # Errors
    /// The kernel's.
    pub fn kill(&self) -> io::Result<()> {
        self.signal(Signal::SIGKILL)
    }

    /// The exit status, if the process has ended.
    ///
    /// # Errors
    /// The kernel's.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.inner_mut().try_wait()?;
        }
        Ok(self.status)
    }

    /// Waits for the end of the process. Cancelling loses nothing.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        let pidfd = readable(self.pidfd.try_clone()?)?;
        loop {
            let mut ready = pidfd.readable().await?;
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            ready.clear_ready();
        }
    }

    /// Waits for the end while gathering what is written to the pipes that were asked for.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn output(mut self) -> io::Result<Output> {
        drop(self.take_stdin());
        let out = self.take_stdout();
        let err = self.take_stderr();
        let read_out = async {
            let mut bytes = Vec::new();
            if let Some(pipe) = out {
                let mut pipe = tokio::process::ChildStdout::from_std(pipe)?;
                pipe.read_to_end(&mut bytes).await?;
            }
            io::Result::Ok(bytes)
        };
        let read_err = async {
            let mut bytes = Vec::new();
            if let Some(pipe) = err {
                let mut pipe = tokio::process::ChildStderr::from_std(pipe)?;
                pipe.read_to_end(&mut bytes).await?;
            }
            io::Result::Ok(bytes)
        };
        let (stdout, stderr) = tokio::try_join!(read_out, read_err)?;
        let status = self.wait().await?;
        Ok(Output { status, stdout, stderr })
    }

    fn inner(&self) -> &std::process::Child {
        self.inner.as_ref().expect("taken only by drop")
    }

    fn inner_mut(&mut self) -> &mut std::process::Child {
        self.inner.as_mut().expect("taken only by drop")
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        if self.status.is_none() {
            if let Err(error) = self.kill() {
                tracing::warn!(pid = inner.id(), %error, "cannot kill a child");
            }
            self.orphans.add(inner);
        }
    }
}

/// Where a child comes to stand, beside the namespaces that it is born into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The mount namespace with the testbed's own `/proc`.
    pub(super) mounts: Option<i32>,
    /// Whether init ends it when we die; else it must end by itself.
    pub(super) ended_by_init: bool,
}

/// Starts `command` from the calling thread, which must be the namespace thread: the child stands
/// in its network namespace and is born into its pid namespace.
pub(super) fn spawn(mut command: Command, place: Place, orphans: &Arc<Orphans>) -> io::Result<Child> {
    orphans.reap();
    // SAFETY: the closure makes only system calls with stack memory, as pre_exec demands.
    unsafe {
        command.pre_exec(move || enter_before_exec(place));
    }
    let mut inner = command.spawn()?;
    match open_pidfd(inner.id().cast_signed()) {
        Ok(pidfd) => Ok(Child { inner: Some(inner), pidfd, status: None, orphans: Arc::clone(orphans) }),
        Err(error) => {
            // Not followed means not owned: do not leave it running.
            let _ = inner.kill();
            let _ = inner.wait();
            Err(error)
        }
    }
}

/// In the child, between fork and exec: die with the parent, see the testbed's own `/proc`.
fn enter_before_exec(place: Place) -> io::Result<()> {
    let checked = |result: libc::c_int| match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: system calls on a descriptor that the parent keeps open and on a stack buffer
    // whose length is passed; getcwd writes a NUL-terminated path into it.
    unsafe {
        if !place.ended_by_init {
            checked(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
        }
        let Some(mounts) = place.mounts else {
            return Ok(());
        };
        let mut directory = [0 as libc::c_char; libc::PATH_MAX as usize];
        let known = !libc::getcwd(directory.as_mut_ptr(), directory.len()).is_null();
        // Entering a mount namespace moves to its root (setns(2)): go back where we were.
        checked(libc::setns(mounts, libc::CLONE_NEWNS))?;
        if known {
            checked(libc::chdir(directory.as_ptr()))?;
        }
    }
    Ok(())
}

/// Signals the process behind a pidfd; one that has ended already is no error.
pub(crate) fn send_signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    // SAFETY: the descriptor is open for the call's duration; no siginfo is passed.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal as libc::c_int,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    match done {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            error => Err(error),
        },
    }
}

pub(crate) fn open_pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the system call takes two integers; a non-negative result is a new descriptor.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).unwrap_or(-1);
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, owned by nobody else. pidfd_open sets close-on-exec.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
