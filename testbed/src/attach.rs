//! Entering the hosts of a running testbed from another process.

use std::convert::Infallible;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::libc;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, raise, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, execvp, fork, getpid};

use crate::cgroup;
use crate::error::Error;
use crate::running::{Running, choose};
use crate::state;
use crate::terminal;

/// Runs `argv` in a host of a running testbed, in the place of this process: on its terminal,
/// with its signals, and with its exit status, with which this process then ends. The command
/// ends with the testbed.
///
/// `name` may be left out where one testbed runs. Call it without [`crate::enter`] before, and
/// while the process has no other threads: it enters the testbed's user namespace.
///
/// # Errors
/// [`Error::Unknown`], with the testbeds or hosts there are; [`Error::Unavailable`] when the
/// testbed is another user's; [`Error::System`] when the command cannot be started.
pub fn exec<S: AsRef<OsStr>>(name: Option<&str>, host: &str, argv: &[S]) -> Result<Infallible, Error> {
    let argv = c_strings(argv)?;
    let has_host = |testbed: &Running| testbed.hosts.iter().any(|known| known == host);
    let state = state::read(&choose(name, has_host)?.directory)?;
    let Some(found) = state.hosts.iter().find(|known| known.name == host) else {
        return Err(Error::Unknown {
            kind: "host",
            name: host.to_owned(),
            known: state.hosts.into_iter().map(|host| host.name).collect(),
        });
    };
    // All are opened before the first is entered: afterwards paths may mean something else.
    let open = |path: String| File::open(&path).map(OwnedFd::from).map_err(Error::system("open", path));
    let user = open(format!("/proc/{}/ns/user", state.pid))?;
    let net = open(format!("/proc/{}/fd/{}", state.pid, found.netns))?;
    let pids = open(format!("/proc/{}/ns/pid", state.init))?;
    let mounts = match state.own_mounts {
        true => Some(open(format!("/proc/{}/ns/mnt", state.init))?),
        false => None,
    };
    if !same_file(&format!("/proc/{}/ns/user", state.pid), "/proc/self/ns/user") {
        setns(&user, CloneFlags::CLONE_NEWUSER)
            .map_err(Error::system("enter", "the testbed's user namespace"))?;
    }
    setns(&pids, CloneFlags::CLONE_NEWPID).map_err(Error::system("enter", "the testbed's pid namespace"))?;
    setns(&net, CloneFlags::CLONE_NEWNET).map_err(Error::system("enter", host))?;

    // From here on signals are taken one by one, none is missed between fork and wait.
    let before = block(&relayed());
    // SAFETY: the caller keeps to a single thread, so the child may do anything a program may.
    match unsafe { fork() }.map_err(Error::system("start", "a process"))? {
        ForkResult::Child => {
            let error = become_command(mounts.as_ref(), &found.doors, &before, &argv);
            eprintln!("flowbed: cannot run {} in {host}: {}", argv[0].to_string_lossy(), error.desc());
            // What shells answer for a command that cannot be run.
            let status = match error {
                nix::Error::ENOENT => 127,
                _ => 126,
            };
            // SAFETY: ends the child; the parent's buffers and exit handlers are not its to run.
            unsafe { libc::_exit(status) }
        }
        ForkResult::Parent { child } => end_as(follow(child)),
    }
}

fn c_strings<S: AsRef<OsStr>>(argv: &[S]) -> Result<Vec<CString>, Error> {
    let bad = |name: &OsStr, why| Error::BadName {
        kind: "program",
        name: name.to_string_lossy().into_owned(),
        why,
    };
    if argv.is_empty() {
        return Err(bad(OsStr::new(""), "give the command to run"));
    }
    argv.iter()
        .map(|word| {
            CString::new(word.as_ref().as_bytes()).map_err(|_| bad(word.as_ref(), "it contains a NUL byte"))
        })
        .collect()
}

fn same_file(a: &str, b: &str) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &str| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
}

/// In the child: becomes the command, or says why not.
fn become_command(
    mounts: Option<&OwnedFd>,
    doors: &[PathBuf],
    mask: &SigSet,
    argv: &[CString],
) -> nix::Error {
    let enter = || -> nix::Result<()> {
        // The process that we were started from may be killed: so are we then.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        cgroup::enter(doors)
            .map_err(|error| nix::Error::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))?;
        if let Some(mounts) = mounts {
            let directory = nix::unistd::getcwd();
            setns(mounts, CloneFlags::CLONE_NEWNS)?;
            if let Ok(directory) = directory {
                nix::unistd::chdir(&directory)?;
            }
        }
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(mask), None)?;
        execvp(&argv[0], argv).map(|never| match never {})
    };
    enter().err().unwrap_or(nix::Error::UnknownErrno)
}

/// The signals that are the command's business.
fn relayed() -> SigSet {
    [
        Signal::SIGCHLD,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGTSTP,
        Signal::SIGCONT,
        Signal::SIGWINCH,
    ]
    .into_iter()
    .collect()
}

fn block(signals: &SigSet) -> SigSet {
    let mut before = SigSet::empty();
    // Cannot fail: both sets are valid and the operation is.
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(signals), Some(&mut before));
    before
}

/// Waits for the child, passing on what is sent to us meanwhile.
fn follow(child: Pid) -> WaitStatus {
    let signals = relayed();
    loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::StillAlive) | Err(nix::Error::EINTR) => {}
            Ok(WaitStatus::Stopped(..)) => {
                // Stop with it, so that the shell above us sees its job stopped; go on with it.
                terminal::reclaim();
                let _ = kill(getpid(), Signal::SIGSTOP);
                let _ = kill(child, Signal::SIGCONT);
                continue;
            }
            Ok(status) => return status,
            Err(_) => return WaitStatus::Exited(child, 1),
        }
        let (signal, origin) = next_signal(&signals);
        let from_terminal = origin == libc::SI_KERNEL;
        match signal {
            Some(Signal::SIGCHLD) | None => {}
            // The terminal sends these to the whole foreground group: the child has it already.
            Some(_) if from_terminal => {}
            Some(signal) => {
                let _ = kill(child, signal);
            }
        }
    }
}

/// The next of the blocked signals, and where it comes from (`si_code`, `sigaction(2)`).
fn next_signal(signals: &SigSet) -> (Option<Signal>, i32) {
    // SAFETY: siginfo_t is plain data that the call fills; the set is valid.
    let (number, info) = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let number = libc::sigwaitinfo(signals.as_ref(), &raw mut info);
        (number, info)
    };
    (Signal::try_from(number).ok(), info.si_code)
}

/// Ends this process as the child ended.
fn end_as(status: WaitStatus) -> ! {
    terminal::reclaim();
    match status {
        WaitStatus::Exited(_, code) => std::process::exit(code),
        WaitStatus::Signaled(_, signal, _) => {
            // No second core file.
            let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
            // SAFETY: the default action runs no code of ours.
            let _ = unsafe { nix::sys::signal::signal(signal, nix::sys::signal::SigHandler::SigDfl) };
            let mut set = SigSet::empty();
            set.add(signal);
            let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&set), None);
            let _ = raise(signal);
            std::process::exit(128 + signal as i32)
        }
        _ => std::process::exit(1),
    }
}
