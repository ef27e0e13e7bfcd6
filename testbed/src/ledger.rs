//! The ledger: what the kernel does not reclaim by itself when this process dies.
//!
//! Namespaces, interfaces, sockets and processes of a testbed end with the process that holds
//! them. What would stay (files, cgroups, named namespaces) is written here *before* it is made,
//! so that after any death the next start, or `flowbed clean`, can undo it: in reverse order, by
//! exact path, never by a pattern.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The ledger's file name in a run directory.
pub const FILE_NAME: &str = "ledger";

/// Something that outlives its maker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Entry {
    /// A directory with all that is in it. It must be the testbed's own.
    Directory(PathBuf),
    /// A file, socket or pipe outside of the directories above.
    File(PathBuf),
    /// A cgroup: emptied by the end of its processes, removed by `rmdir` (`cgroups(7)`).
    Cgroup(PathBuf),
    /// A name for a namespace: a bind mount on a file (`ip-netns(8)`).
    NamedNamespace(PathBuf),
}

impl Entry {
    /// Undoes the entry. What is not there (any more) counts as undone.
    ///
    /// # Errors
    /// The kernel's; the entry is then still to be undone.
    pub fn undo(&self) -> Result<(), Error> {
        let (path, result) = match self {
            Entry::Directory(path) => (path, std::fs::remove_dir_all(path)),
            Entry::File(path) => (path, std::fs::remove_file(path)),
            Entry::Cgroup(path) => (path, remove_group(path)),
            Entry::NamedNamespace(path) => {
                use nix::mount::{MntFlags, umount2};
                // Not mounted (any more) is as good; the file may be there all the same.
                let _ = umount2(path, MntFlags::MNT_DETACH);
                (path, std::fs::remove_file(path))
            }
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(Error::system("remove", path.display().to_string())),
        }
    }
}

/// Removes a control group. The kernel says that it is in use until the last of its processes, though killed, is gone for
/// good, and tells no other way when that is: so it is tried again for a second.
fn remove_group(path: &Path) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match std::fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// An append-only list of [`Entry`]s, one JSON value a line.
///
/// It guards against the death of the process, not of the machine: a restart empties the run
/// directory's file system anyway, so nothing is synced to disk.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// Makes an empty ledger in `directory`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn create(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(FILE_NAME);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::system("create", path.display().to_string()))?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Writes an entry down. Call it *before* making the thing.
    ///
    /// # Errors
    /// The kernel's; then do not make the thing.
    pub fn record(&self, entry: &Entry) -> Result<(), Error> {
        let mut line = serde_json::to_string(entry)
            .map_err(|error| Error::Record { path: self.path.clone(), why: error.to_string() })?;
        line.push('\n');
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // One write: a death in the middle leaves at most one unfinished last line.
        file.write_all(line.as_bytes()).map_err(Error::system("write", self.path.display().to_string()))
    }

    /// Records `path` and makes that directory (0700) with its missing parents.
    ///
    /// # Errors
    /// The kernel's.
    pub fn make_directory(&self, path: &Path) -> Result<(), Error> {
        use std::os::unix::fs::DirBuilderExt;
        self.record(&Entry::Directory(path.to_owned()))?;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(path)
            .map_err(Error::system("create", path.display().to_string()))
    }

    /// What the ledger in `directory` says, in the order written. No ledger is an empty one; an
    /// unfinished last line (its thing was never made) is left out.
    ///
    /// # Errors
    /// When the file cannot be read or a finished line is no entry.
    pub fn read(directory: &Path) -> Result<Vec<Entry>, Error> {
        let path = directory.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::system("read", path.display().to_string())(error)),
        };
        let finished = text.rfind('\n').map_or("", |end| &text[..end]);
        finished
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .map_err(|error| Error::Record { path: path.clone(), why: error.to_string() })
            })
            .collect()
    }

    /// Undoes all that the ledger in `directory` says, last first; returns how many things that
    /// were, and the failures. It goes on after a failure.
    pub fn undo_all(directory: &Path) -> (usize, Vec<Error>) {
        match Self::read(directory) {
            Ok(entries) => {
                let failures: Vec<_> = entries.iter().rev().filter_map(|entry| entry.undo().err()).collect();
                (entries.len() - failures.len(), failures)
            }
            Err(error) => (0, vec![error]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_undone_last_first() {
        let scratch = tempfile::tempdir().unwrap();
        let ledger = Ledger::create(scratch.path()).unwrap();
        let outer = scratch.path().join("outer");
        ledger.make_directory(&outer).unwrap();
        let file = outer.join("socket");
        ledger.record(&Entry::File(file.clone())).unwrap();
        std::fs::write(&file, "x").unwrap();
        let read = Ledger::read(scratch.path()).unwrap();
        assert_eq!(read, [Entry::Directory(outer.clone()), Entry::File(file)]);
        let (undone, failures) = Ledger::undo_all(scratch.path());
        assert_eq!((undone, failures.len()), (2, 0));
        assert!(!outer.exists());
        // Again: nothing is there any more, which is no failure.
        assert_eq!(Ledger::undo_all(scratch.path()).0, 2);
    }

    #[test]
    fn an_unfinished_last_line_is_left_out_and_garbage_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(FILE_NAME);
        std::fs::write(&path, "{\"file\":\"/a\"}\n{\"fi").unwrap();
        assert_eq!(Ledger::read(scratch.path()).unwrap(), [Entry::File("/a".into())]);
        std::fs::write(&path, "rm -rf /\n").unwrap();
        assert!(matches!(Ledger::read(scratch.path()), Err(Error::Record { .. })));
    }
}
