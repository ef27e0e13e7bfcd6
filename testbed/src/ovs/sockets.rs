//! Ends a daemon with many packet sockets quickly.
//!
//! The kernel waits for an RCU grace period (some 10 ms) whenever a packet socket is closed, and
//! closes those of a process that ends in a row: `ovs-vswitchd` with 600 ports takes 8 to 12 s to
//! be gone. If the sockets are held by us as well, its end closes none of them; we then close
//! them side by side, and the waits overlap. When we are killed ourselves, the testbed's first
//! process does the same.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use nix::libc;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;

use crate::sandbox::send_signal;

/// Threads that close. They only wait: more of them than processors is what makes it fast.
const CLOSERS: usize = 64;

/// How long a killed daemon may take until it has let go of its descriptors. Some milliseconds,
/// as none of them is the last.
const PATIENCE: u16 = 2_000;

/// The quick end of a daemon, which comes when this is dropped. Blocks meanwhile: 0.2 s with
/// 600 ports here.
#[derive(Debug)]
pub(super) struct QuickEnd {
    pid: i32,
    pidfd: OwnedFd,
}

impl QuickEnd {
    /// For the process `pid`, which `pidfd` must stand for.
    pub(super) fn new(pid: i32, pidfd: BorrowedFd<'_>) -> std::io::Result<Self> {
        Ok(Self { pid, pidfd: pidfd.try_clone_to_owned()? })
    }
}

impl Drop for QuickEnd {
    fn drop(&mut self) {
        let pidfd = self.pidfd.as_fd();
        // Stopped, it makes no more sockets while we take those there are.
        let stopped = send_signal(pidfd, Signal::SIGSTOP);
        let held = take(self.pid, pidfd);
        if let Err(error) = stopped.and_then(|()| send_signal(pidfd, Signal::SIGKILL)) {
            tracing::debug!(%error, pid = self.pid, "cannot kill");
        }
        // Readable once it has ended (pidfd_open(2)): only then is each socket ours alone.
        let mut ended = [PollFd::new(pidfd, PollFlags::POLLIN)];
        while let Err(nix::Error::EINTR) = poll(&mut ended, PATIENCE) {}
        release(held);
    }
}

/// Takes a copy of every socket of the process. It needs the right to trace it
/// (`pidfd_getfd(2)`), which a parent has by default; what cannot be had is left out, and only
/// makes its end slower.
fn take(pid: i32, pidfd: BorrowedFd<'_>) -> Vec<OwnedFd> {
    let directory = PathBuf::from(format!("/proc/{pid}/fd"));
    let Ok(entries) = fs::read_dir(&directory) else {
        return Vec::new();
    };
    let mut sockets = Vec::new();
    for entry in entries.flatten() {
        let is_socket =
            fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if is_socket {
            match take_one(pidfd, number) {
                Some(socket) => sockets.push(socket),
                // No right, or no room for more: the same for the next.
                None => break,
            }
        }
    }
    sockets
}

fn take_one(pidfd: BorrowedFd<'_>, number: libc::c_int) -> Option<OwnedFd> {
    // SAFETY: the system call takes integers only; pidfd is open for the call's duration.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) };
    let fd = libc::c_int::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: a descriptor just made for us (close-on-exec), owned by nobody else.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Closes them side by side; returns when all are closed. Blocks.
fn release(mut sockets: Vec<OwnedFd>) {
    let share = sockets.len().div_ceil(CLOSERS);
    if share == 0 {
        return;
    }
    std::thread::scope(|scope| {
        while sockets.len() > share {
            let some = sockets.split_off(sockets.len() - share);
            let closer = std::thread::Builder::new().stack_size(64 << 10);
            // Without a thread they are closed here: the closure was dropped, slower all the same.
            if let Err(error) = closer.spawn_scoped(scope, move || drop(some)) {
                tracing::debug!(%error, "no thread to close sockets");
            }
        }
        drop(sockets);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_is_taken_stays_open_until_it_is_released() {
        // SAFETY: integers only; the result is checked and then owned by nobody else.
        let own = unsafe {
            let pid = libc::getpid();
            let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
            assert!(fd >= 0);
            OwnedFd::from_raw_fd(i32::try_from(fd).unwrap())
        };
        let (here, mut there) = UnixStream::pair().unwrap();
        let taken = take_one(own.as_fd(), here.as_raw_fd()).unwrap();
        drop(here);
        there.set_nonblocking(true).unwrap();
        let mut byte = [0];
        assert_eq!(there.read(&mut byte).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        release(vec![taken]);
        assert_eq!(there.read(&mut byte).unwrap(), 0);
    }
}
