//! The run directory of a testbed: its lock, its ledger and its state, for other processes to see.
//!
//! `BASE/NAME/lock` is locked (`flock(2)`) as long as the testbed's process lives, however it
//! ends. Whoever gets the lock may sweep the directory. `BASE/.lock` is held while directories
//! are made and swept, so that nobody sweeps one that is just being made.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::sandbox::privileges::machine_uid;
use crate::state;

const LOCK: &str = "lock";

/// Longest path of a run directory, in bytes: leaves room for the sockets in it, whose paths
/// cannot be longer than 107 (`unix(7)`).
const LONGEST: usize = 70;

/// Where all of this user's testbeds have their directories: `$FLOWBED_RUN_DIR` if set; else
/// `/run/flowbed` for root; else `$XDG_RUNTIME_DIR/flowbed`, or `/tmp/flowbed-UID`.
#[must_use]
pub fn base() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("FLOWBED_RUN_DIR") {
        return path.into();
    }
    let uid = machine_uid();
    if uid == 0 {
        return "/run/flowbed".into();
    }
    set("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| fs::metadata(path).is_ok_and(|meta| meta.uid() == geteuid().as_raw()))
        .map_or_else(|| format!("/tmp/flowbed-{uid}").into(), |path| path.join("flowbed"))
}

/// A run directory that this process owns. Dropping it undoes the ledger and removes it.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    name: String,
    ledger: Ledger,
    /// Dropped last: until then nobody else sweeps.
    _lock: Flock<OwnedFd>,
    removed: bool,
}

impl RunDir {
    /// Sweeps dead testbeds' directories and makes one for a new testbed: `name`, or the first
    /// free of `net1`, `net2`, ...
    pub(crate) fn claim(name: Option<&str>) -> Result<Self, Error> {
        if let Some(name) = name {
            check_name(name)?;
        }
        let base = base();
        make_base(&base)?;
        let _base_lock = lock_base(&base)?;
        for failure in sweep_locked(&base)?.failures {
            tracing::warn!(error = failure.with_sources(), "cannot sweep a dead testbed");
        }
        let numbered = (1..).map(|n| format!("net{n}"));
        let candidates: Box<dyn Iterator<Item = String>> = match name {
            Some(name) => Box::new(std::iter::once(name.to_owned())),
            None => Box::new(numbered),
        };
        for candidate in candidates {
            let path = base.join(&candidate);
            if path.as_os_str().len() > LONGEST {
                return Err(Error::Unavailable {
                    what: format!("the run directory's path {} is too long", path.display()),
                    remedy: format!("set FLOWBED_RUN_DIR, or choose a shorter name: {LONGEST} bytes at most"),
                });
            }
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Self::furnish(path, candidate),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if name.is_some() {
                        let pid = state::read(&path).ok().map(|state| state.pid);
                        return Err(Error::NameTaken { name: candidate, pid });
                    }
                }
                Err(error) => {
                    return Err(Error::system("create", directory_object(&path))(error));
                }
            }
        }
        Err(Error::Ended)
    }

    fn furnish(path: PathBuf, name: String) -> Result<Self, Error> {
        let object = || path.display().to_string();
        let file = open_lock(&path, Missing::Create).map_err(Error::system("open", object()))?;
        // The directory is new, so nobody can own it; whoever just looks whether we live has the lock for a moment
        // (`is_alive`), so waiting is all right.
        let lock = Flock::lock(OwnedFd::from(file), FlockArg::LockExclusive)
            .map_err(|(_, errno)| Error::system("lock", object())(errno))?;
        Ok(Self { ledger: Ledger::create(&path)?, path, name, _lock: lock, removed: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Undoes the ledger and removes the directory; returns what could not be.
    pub(crate) fn remove(&mut self) -> Vec<Error> {
        if std::mem::replace(&mut self.removed, true) {
            return Vec::new();
        }
        remove(&self.path).1
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        for error in self.remove() {
            tracing::warn!(error = error.with_sources(), "cannot clean up; `flowbed clean` will try again");
        }
    }
}

/// Undoes a directory's ledger, then removes it; keeps it if something is still to be undone.
fn remove(path: &Path) -> (usize, Vec<Error>) {
    let (undone, mut failures) = Ledger::undo_all(path);
    if failures.is_empty()
        && let Err(error) = fs::remove_dir_all(path)
    {
        failures.push(Error::system("remove", path.display().to_string())(error));
    }
    (undone, failures)
}

/// What a sweep did.
#[derive(Debug, Default)]
pub struct SweepReport {
    /// Names of the dead testbeds that were swept.
    pub swept: Vec<String>,
    /// Names of the testbeds that run, and were left alone.
    pub running: Vec<String>,
    /// What could not be cleaned.
    pub failures: Vec<Error>,
}

/// Sweeps what dead testbeds of this user left. Those that run are left alone.
///
/// # Errors
/// When the base directory cannot be read or is not this user's alone.
pub fn sweep() -> Result<SweepReport, Error> {
    let base = base();
    if !base.exists() {
        return Ok(SweepReport::default());
    }
    make_base(&base)?;
    let _base_lock = lock_base(&base)?;
    sweep_locked(&base)
}

fn sweep_locked(base: &Path) -> Result<SweepReport, Error> {
    let mut report = SweepReport::default();
    for (name, path) in directories(base)? {
        match is_alive(&path) {
            Ok(true) => report.running.push(name),
            Ok(false) => {
                let (_, failures) = remove(&path);
                if failures.is_empty() {
                    report.swept.push(name);
                }
                report.failures.extend(failures);
            }
            Err(error) => report.failures.push(error),
        }
    }
    Ok(report)
}

/// The run directories there are, in order of their names.
pub(crate) fn directories(base: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let reading = || directory_object(base);
    let entries = match fs::read_dir(base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::system("read", reading())(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::system("read", reading()))?;
        // Nothing else is ours: no link is followed, no foreign file touched.
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = entry.file_name().into_string().unwrap_or_default();
        if is_directory && check_name(&name).is_ok() {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the directory's process lives: it holds the lock.
pub(crate) fn is_alive(path: &Path) -> Result<bool, Error> {
    match open_lock(path, Missing::Fail) {
        Ok(file) => Ok(try_lock(file).map_err(Error::system("lock", path.display().to_string()))?.is_none()),
        // Its maker died between mkdir and the lock, or it was removed meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::system("open", path.display().to_string())(error)),
    }
}

enum Missing {
    Create,
    Fail,
}

fn open_lock(directory: &Path, missing: Missing) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(matches!(missing, Missing::Create))
        .truncate(false)
        .mode(0o600)
        .open(directory.join(LOCK))
}

/// The lock, or `None` where another process has it.
fn try_lock(file: File) -> io::Result<Option<Flock<OwnedFd>>> {
    match Flock::lock(OwnedFd::from(file), FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::Error::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

fn lock_base(base: &Path) -> Result<Flock<OwnedFd>, Error> {
    let path = base.join(".lock");
    let object = || path.display().to_string();
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(Error::system("open", object()))?;
    // Held for milliseconds only, so waiting is all right.
    Flock::lock(OwnedFd::from(file), FlockArg::LockExclusive)
        .map_err(|(_, errno)| Error::system("lock", object())(errno))
}

/// Makes the base directory, or checks that nobody else can have put things into it.
fn make_base(base: &Path) -> Result<(), Error> {
    let object = || directory_object(base);
    DirBuilder::new().mode(0o700).recursive(true).create(base).map_err(Error::system("create", object()))?;
    let meta = fs::symlink_metadata(base).map_err(Error::system("look at", object()))?;
    if !meta.is_dir() || meta.uid() != geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        return Err(Error::Unavailable {
            what: format!("{} is not a directory that only this user can write to", base.display()),
            remedy: "set FLOWBED_RUN_DIR to one that is, or to one that does not exist yet".to_owned(),
        });
    }
    Ok(())
}

/// What errors call a directory whose place the user can choose.
fn directory_object(path: &Path) -> String {
    format!("the run directory {} (set FLOWBED_RUN_DIR for another place)", path.display())
}

fn check_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=32).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('-') {
        return Ok(());
    }
    Err(Error::BadName {
        kind: "testbed",
        name: name.to_owned(),
        why: "it must have 1 to 32 letters, digits, `-` and `_`, no `-` first",
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Whether somebody waits for a lock on this file (proc_locks(5)): nothing announces that.
    fn is_awaited(file: &Path) -> bool {
        let inode = format!(":{} ", fs::metadata(file).expect("it exists").ino());
        let locks = fs::read_to_string("/proc/locks").expect("readable");
        locks.lines().any(|line| line.contains("->") && line.contains(&inode))
    }

    #[test]
    fn who_looks_whether_a_testbed_lives_does_not_hinder_its_start() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path().join("net1");
        fs::create_dir(&path).expect("a folder");
        // What `is_alive` does, only longer.
        let file = open_lock(&path, Missing::Create).expect("a file");
        let look = try_lock(file).expect("a lock").expect("free");
        let starting = std::thread::spawn({
            let path = path.clone();
            move || RunDir::furnish(path, "net1".to_owned())
        });
        while !starting.is_finished() && !is_awaited(&path.join(LOCK)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(look);
        let made = starting.join().expect("no panic").expect("nobody else owns it");
        assert!(is_alive(made.path()).expect("readable"));
    }
}
