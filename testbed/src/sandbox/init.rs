//! The first process of a testbed's pid namespace.
//!
//! When it ends, the kernel ends every other process of the namespace (`pid_namespaces(7)`), also
//! daemons that no longer have a parent of ours. It ends with us, by `PR_SET_PDEATHSIG`, and has a
//! [last act](super::last_act) then. It also carries a mount namespace with a `/proc` that shows the
//! testbed's processes alone.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{ForkResult, Pid, fork, pipe2, read};

use super::child::open_pidfd;
use super::last_act;
use crate::error::Error;

/// What the parent knows of the running init.
#[derive(Debug)]
pub(crate) struct Init {
    /// As seen from our pid namespace.
    pub(crate) pid: Pid,
    /// Readable once it has ended (`pidfd_open(2)`).
    pub(crate) pidfd: OwnedFd,
    /// The mount namespace with the private `/proc`; `None` where the kernel does not let us
    /// mount one (inside a container whose own `/proc` is masked): children then see the machine's.
    pub(crate) mounts: Option<OwnedFd>,
    /// Whether there is a pid namespace, so that its end is the end of all children.
    pub(crate) ends_children: bool,
}

/// The signal that tells of the parent's death. Not SIGTERM, with which all that bears a name like
/// ours may be asked to end: then the parent takes its network down, and us last.
const PARENT_DIED: libc::c_int = libc::SIGUSR1;

const READY: u8 = 1;
const READY_WITHOUT_MOUNTS: u8 = 2;

/// Makes a pid namespace for the calling thread's future children and starts its init. Where the
/// machine has none to give (a container that forbids it, a kernel without), children are the
/// machine's and each dies with us by itself; only daemons that left their parent may stay.
///
/// Afterwards the calling thread can start processes, but no more threads (`clone(2)`, EINVAL).
pub(crate) fn start() -> Result<Init, Error> {
    let named = || "the testbed's first process".to_owned();
    let unshared = unshare(CloneFlags::CLONE_NEWPID);
    if let Err(errno) = unshared {
        tracing::warn!(
            error = errno.desc(),
            "no pid namespace to be had: daemons started in hosts may outlive the testbed"
        );
    }
    let pipe = pipe2(OFlag::O_CLOEXEC);
    let (ready_read, ready_write) = pipe.map_err(Error::system("create a pipe to", named()))?;
    // SAFETY: the child only makes system calls on memory that it owns: it does not allocate,
    // lock or unwind, as fork in a process with other threads demands (signal-safety(7)).
    let pid = match unsafe { fork() }.map_err(Error::system("start", named()))? {
        ForkResult::Child => be_init(&ready_write),
        ForkResult::Parent { child } => child,
    };
    drop(ready_write);
    let mut answer = [0];
    let mounts = match read(&ready_read, &mut answer) {
        Ok(1) if answer[0] == READY => {
            let path = format!("/proc/{pid}/ns/mnt");
            let file = std::fs::File::open(&path).map_err(Error::system("open", path))?;
            Some(OwnedFd::from(file))
        }
        Ok(1) => {
            tracing::info!("no private /proc can be mounted: hosts see the machine's processes");
            None
        }
        Ok(_) => {
            return Err(Error::system("start", named())(io::Error::from(io::ErrorKind::UnexpectedEof)));
        }
        Err(errno) => return Err(Error::system("start", named())(errno)),
    };
    let pidfd = open_pidfd(pid.as_raw()).map_err(Error::system("follow", named()))?;
    Ok(Init { pid, pidfd, mounts, ends_children: unshared.is_ok() })
}

/// The child's life: never returns.
fn be_init(ready: &OwnedFd) -> ! {
    // SAFETY: plain system calls with constant, NUL-terminated or stack arguments. Nothing here
    // touches the heap or a lock that another thread of the parent may have held at the fork.
    unsafe {
        // Handlers of the parent must not run here: they would write to descriptors it shares.
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
        // Without a pid namespace of its own there is nothing that it could end.
        let is_first = libc::getpid() == 1;
        let parent_died = if is_first { PARENT_DIED } else { libc::SIGKILL };
        libc::prctl(libc::PR_SET_PDEATHSIG, parent_died);
        libc::prctl(libc::PR_SET_NAME, c"flowbed-init".as_ptr());
        libc::setsid();
        // Orphans of the namespace come to us; ignoring SIGCHLD reaps them (wait(2)).
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
        libc::chdir(c"/".as_ptr());
        let mounted = libc::unshare(libc::CLONE_NEWNS) == 0
            && mount(c"none", c"/", None, libc::MS_REC | libc::MS_SLAVE)
            && mount(c"proc", c"/proc", Some(c"proc"), libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC);
        let answer = if mounted { READY } else { READY_WITHOUT_MOUNTS };
        libc::dup2(ready.as_raw_fd(), 0);
        // Whatever else was inherited (sockets, namespaces, the terminal) must not live on here.
        libc::syscall(libc::SYS_close_range, 1_u32, u32::MAX, 0_u32);
        // A parent that died before PR_SET_PDEATHSIG sends no signal any more, but it closed the
        // only other end of this pipe before that: the write fails (EPIPE; SIGPIPE is blocked).
        if libc::write(0, (&raw const answer).cast(), 1) != 1 {
            libc::_exit(0);
        }
        libc::close(0);
        let mut awaited = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut awaited);
        libc::sigaddset(&mut awaited, PARENT_DIED);
        loop {
            let got = libc::sigwaitinfo(&awaited, std::ptr::null_mut());
            if got == PARENT_DIED && is_first {
                last_act::end_namespace();
                libc::_exit(0);
            }
        }
    }
}

/// `mount(2)` without allocation.
///
/// # Safety
/// Only that of the system call: all arguments are constants.
unsafe fn mount(
    source: &std::ffi::CStr,
    target: &std::ffi::CStr,
    kind: Option<&std::ffi::CStr>,
    flags: libc::c_ulong,
) -> bool {
    let kind = kind.map_or(std::ptr::null(), std::ffi::CStr::as_ptr);
    // SAFETY: the strings are NUL-terminated and live through the call.
    unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind, flags, std::ptr::null()) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_ends_when_its_parent_died_before_it_could_ask_for_the_signal() {
        let (ready_read, ready_write) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        // What the death of the parent does to the pipe.
        drop(ready_read);
        // SAFETY: the child makes system calls alone, as in `start`.
        let pid = match unsafe { fork() }.expect("a process") {
            ForkResult::Child => be_init(&ready_write),
            ForkResult::Parent { child } => child,
        };
        // SAFETY: plain system calls; the child has not been waited for, so its id is its own.
        let ended = unsafe {
            let pidfd = libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) as i32;
            let mut watched = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
            let ended = libc::poll(&raw mut watched, 1, 10_000) == 1;
            libc::kill(pid.as_raw(), libc::SIGKILL);
            libc::close(pidfd);
            ended
        };
        nix::sys::wait::waitpid(pid, None).expect("a child of ours");
        assert!(ended, "an init without a parent lives on");
    }
}
