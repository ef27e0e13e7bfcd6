//! Getting the privileges that a testbed needs, as root or in a user namespace of our own.

use std::fs;
use std::io;
use std::sync::OnceLock;

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, getegid, geteuid};

use crate::error::Error;

/// Where the privileges come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privileges {
    /// The process had them already.
    Root,
    /// The process entered a user namespace, in which it has them.
    UserNamespace,
}

/// The user as the machine knows it, kept from before a user namespace made it 0.
static MACHINE_UID: OnceLock<u32> = OnceLock::new();

/// Capabilities that everything here needs (`capabilities(7)`): their bit numbers and names.
const NEEDED: [(u32, &str); 3] = [(12, "CAP_NET_ADMIN"), (13, "CAP_NET_RAW"), (21, "CAP_SYS_ADMIN")];

/// The user id as the machine knows it, also after [`enter`] mapped it to 0.
pub(crate) fn machine_uid() -> u32 {
    *MACHINE_UID.get_or_init(|| geteuid().as_raw())
}

/// The needed capabilities that the process lacks in its own user namespace.
pub(crate) fn lacking() -> Result<Vec<&'static str>, Error> {
    let path = "/proc/thread-self/status";
    let status = fs::read_to_string(path).map_err(Error::system("read", path))?;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    Ok(NEEDED.iter().filter(|(bit, _)| effective & (1 << bit) == 0).map(|(_, name)| *name).collect())
}

/// Gains the privileges that a testbed needs. Call it first in `main`, before any thread exists.
///
/// A process with `CAP_SYS_ADMIN`, `CAP_NET_ADMIN` and `CAP_NET_RAW` stays as it is: what it
/// makes belongs to its own user namespace. Any other enters a new user namespace in which its
/// user is root (`user_namespaces(7)`). Its files, and its network namespace, stay the machine's.
///
/// Not for a process that is to call the crate's `exec`, which enters the running testbed's.
///
/// # Errors
/// [`Error::Unavailable`] where the machine does not let users have user namespaces, naming the
/// setting and the remedy; [`Error::System`] for the rest, also when other threads run already.
pub fn enter() -> Result<Privileges, Error> {
    let uid = machine_uid();
    let gid = getegid();
    if lacking()?.is_empty() {
        return Ok(Privileges::Root);
    }
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| match errno {
        nix::Error::EINVAL => Error::Unavailable {
            what: "cannot enter a user namespace: other threads run already".to_owned(),
            remedy: "call testbed::enter first in main, before any runtime".to_owned(),
        },
        _ => refused(errno.into()),
    })?;
    map_self("setgroups", "deny")?;
    map_self("uid_map", &format!("0 {uid} 1"))?;
    map_self("gid_map", &format!("0 {gid} 1"))?;
    try_network_namespace().map_err(refused)?;
    Ok(Privileges::UserNamespace)
}

fn map_self(file: &str, text: &str) -> Result<(), Error> {
    let path = format!("/proc/self/{file}");
    match fs::write(&path, text) {
        // AppArmor lets the namespace be made and then denies every right in it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(refused(error)),
        other => other.map_err(Error::system("write", path)),
    }
}

/// Whether a network namespace can be made, tried in a child that ends at once.
pub(crate) fn try_network_namespace() -> io::Result<()> {
    // SAFETY: the child makes two system calls and ends; it touches no heap and no lock.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let errno = match unshare(CloneFlags::CLONE_NEWNET) {
                Ok(()) => 0,
                Err(errno) => errno as i32,
            };
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(errno) }
        }
        ForkResult::Parent { child } => match waitpid(child, None)? {
            WaitStatus::Exited(_, 0) => Ok(()),
            WaitStatus::Exited(_, errno) => Err(io::Error::from_raw_os_error(errno)),
            _ => Err(io::Error::from(io::ErrorKind::Interrupted)),
        },
    }
}

/// Which of the machine's settings stands against user namespaces, and what to do about it.
pub(crate) fn obstacle() -> Option<(&'static str, &'static str)> {
    let set_to = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    if set_to("/proc/sys/user/max_user_namespaces", "0") {
        return Some((
            "user namespaces are switched off (user.max_user_namespaces = 0)",
            "run as root, or let root set: sysctl -w user.max_user_namespaces=15000",
        ));
    }
    if set_to("/proc/sys/user/max_net_namespaces", "0") {
        return Some((
            "network namespaces are switched off (user.max_net_namespaces = 0)",
            "let root set: sysctl -w user.max_net_namespaces=15000",
        ));
    }
    if set_to("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return Some((
            "user namespaces are kept from ordinary users (kernel.unprivileged_userns_clone = 0)",
            "run as root, or let root set: sysctl -w kernel.unprivileged_userns_clone=1",
        ));
    }
    if set_to("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return Some((
            "AppArmor keeps user namespaces from ordinary programs \
             (kernel.apparmor_restrict_unprivileged_userns = 1)",
            "run as root, give the binary an AppArmor profile with `userns,`, or let root set: \
             sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ));
    }
    None
}

fn refused(error: io::Error) -> Error {
    match obstacle() {
        Some((what, remedy)) => Error::Unavailable { what: what.to_owned(), remedy: remedy.to_owned() },
        None => Error::Unavailable {
            what: format!("the kernel refuses a user namespace: {error}"),
            remedy: "run as root, or allow user namespaces (in a container, its seccomp profile \
                     must allow unshare and clone)"
                .to_owned(),
        },
    }
}
