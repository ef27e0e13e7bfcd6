//! What a file says to an app, and how that changes while the app runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use openflow::TableId;
use tokio::sync::watch;

use super::file::{self, FileError};
use crate::app::{App, AppFactory};
use crate::desired::Owner;
use crate::server::Controller;

/// What an app is told to do: what its file says, as of now. All instances of an app share it.
#[derive(Debug)]
pub struct Config<C>(watch::Receiver<Arc<C>>);

impl<C> Clone for Config<C> {
    fn clone(&self) -> Self {
        Config(self.0.clone())
    }
}

impl<C> Config<C> {
    /// One that stays as it is.
    pub fn fixed(config: C) -> Config<C> {
        Config(watch::channel(Arc::new(config)).1)
    }

    /// As of now; apps are told by [`App::reload`] when to look again.
    pub fn get(&self) -> Arc<C> {
        self.0.borrow().clone()
    }
}

/// The tables of a switch that an app has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Where packets come to it; the first of its own.
    pub own: TableId,
    /// Where what it lets through goes on: the table of the app behind it, or one that is empty.
    pub next: TableId,
}

/// The priority of what an app in front does with all that it does not choose: above the flows of apps that forward, which
/// may be left from an earlier run.
pub(super) const REST: u16 = 0x6fff;

impl Tables {
    /// Who owns what an app with this cookie puts here: its flows bear the cookie with the number of the first table.
    pub(super) fn owner(self, cookie: u64) -> Owner {
        Owner::new(cookie | u64::from(self.own.0), u64::MAX)
    }

    /// One of an app's own tables, by its number from 0: an app that has several says so where it is listed.
    pub(super) fn nth(self, number: u8) -> TableId {
        TableId(self.own.0.saturating_add(number))
    }
}

/// An app that a file configures.
pub(super) trait FileApp: App + Sized {
    /// What a file says, read and found to be in order.
    type Settings: Send + Sync + 'static;
    /// Whether it cannot do its work before the links between switches are found.
    const NEEDS_LINKS: bool = false;

    /// Reads a file's text; `path` is for the errors.
    fn read(text: &str, path: &Path) -> Result<Self::Settings, FileError>;

    /// An instance for a switch.
    fn make(config: Config<Self::Settings>, tables: Tables) -> Self;
}

/// The app as its file says.
pub(super) fn from_file<A: FileApp>(
    name: &str,
    path: &Path,
    tables: Tables,
) -> Result<(AppFactory, Source), FileError> {
    let settings = A::read(&file::read(path)?, path)?;
    let (sender, receiver) = watch::channel(Arc::new(settings));
    let config = Config(receiver);
    let sender = Arc::new(sender);
    let source = Source {
        path: path.to_owned(),
        read: Arc::new(move |path| {
            let settings = Arc::new(A::read(&file::read(path)?, path)?);
            let sender = sender.clone();
            Ok(Box::new(move || {
                sender.send_replace(settings);
            }))
        }),
    };
    let factory = AppFactory::new(name, move || A::make(config.clone(), tables));
    Ok((if A::NEEDS_LINKS { factory.needing_links() } else { factory }, source))
}

/// Puts in force what was read.
type Commit = Box<dyn FnOnce() + Send>;

/// Reads a file anew.
type Reread = dyn Fn(&Path) -> Result<Commit, FileError> + Send + Sync;

/// A file and what reads it.
#[derive(Clone)]
pub(super) struct Source {
    path: PathBuf,
    read: Arc<Reread>,
}

/// The files of the apps that run.
#[derive(Clone, Default)]
pub struct Files(pub(super) Vec<Source>);

impl Files {
    /// Whether no app has a file.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads them all anew, and has the apps of `controller` go by them: on each switch, what differs is changed. Returns
    /// how many files there are.
    ///
    /// # Errors
    /// For the first file that cannot be taken. Then everything stays as it was.
    pub fn reload(&self, controller: &Controller) -> Result<usize, FileError> {
        let read = |source: &Source| (source.read)(&source.path);
        let commits = self.0.iter().map(read).collect::<Result<Vec<Commit>, FileError>>()?;
        let count = commits.len();
        commits.into_iter().for_each(|commit| commit());
        controller.reload();
        Ok(count)
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|source| &source.path)).finish()
    }
}
