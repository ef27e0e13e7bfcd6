//! What can go wrong in a testbed, told as operation, object and source.
//!
//! The display of an error never repeats its source: walk
//! [`source`](std::error::Error::source) (as `anyhow`'s `{:#}` does) for the whole story.

use std::io;
use std::path::PathBuf;

use crate::topology::{FileError, SpecError, TopologyError};

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused an operation.
    #[error("cannot {operation} {object}")]
    System {
        /// The verb: `create`, `open`, `enter`.
        operation: &'static str,
        /// What it was done to.
        object: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },

    /// The machine lacks something; `remedy` is what its owner can do.
    #[error("{what}; {remedy}")]
    Unavailable {
        /// What is missing.
        what: String,
        /// What to do about it.
        remedy: String,
    },

    /// The topology's text (`--topo`) could not be read.
    #[error(transparent)]
    Spec(#[from] SpecError),

    /// The topology file could not be read.
    #[error(transparent)]
    File(#[from] FileError),

    /// The topology contradicts itself.
    #[error(transparent)]
    Topology(#[from] TopologyError),

    /// A switch, or the Open vSwitch instance under all of them, failed.
    #[error("{what}")]
    Switch {
        /// What was being done.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A testbed of that name runs already.
    #[error("a testbed named {name} runs already{}; choose another name", owner(*pid))]
    NameTaken {
        /// The testbed's name.
        name: String,
        /// The process that owns it, where it has said so yet.
        pid: Option<i32>,
    },

    /// Nothing by that name; `known` lists what there is.
    #[error("no {kind} named {name}; there is {}", listed(known))]
    Unknown {
        /// `host`, `testbed`, `switch`, `link`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },

    /// A name that cannot be used.
    #[error("bad {kind} name {name:?}: {why}")]
    BadName {
        /// `testbed`, `host`.
        kind: &'static str,
        /// The name as given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },

    /// A record in the run directory is not as this program writes it.
    #[error("cannot read {}: {why}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },

    /// Something did not happen in time.
    #[error("{what} did not happen within {seconds} s")]
    TimedOut {
        /// What was awaited.
        what: String,
        /// How long, in seconds.
        seconds: f64,
    },

    /// The first process of the testbed's pid namespace was killed; the kernel ended all others of it.
    #[error(
        "flowbed-init, the testbed's first process, was killed, and with it every process in the network"
    )]
    InitDied,

    /// The thread that enters namespaces has ended; the testbed is being taken down.
    #[error("the testbed is being taken down")]
    Ended,

    /// A step failed, and undoing the ones before it failed too.
    #[error("{failed}; besides, could not clean up: {}", joined(uncleaned))]
    Uncleaned {
        /// The failure itself.
        failed: Box<Error>,
        /// What is still there, and why.
        uncleaned: Vec<Error>,
    },
}

impl Error {
    /// For `map_err`: wraps the kernel's answer with what was being done to what.
    pub fn system<E: Into<io::Error>>(
        operation: &'static str,
        object: impl Into<String>,
    ) -> impl FnOnce(E) -> Error {
        let object = object.into();
        move |source| Error::System { operation, object, source: source.into() }
    }

    /// For `map_err`: a failure of a switch or of Open vSwitch while doing `what`.
    pub fn switch<E>(what: impl Into<String>) -> impl FnOnce(E) -> Error
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let what = what.into();
        move |source| Error::Switch { what, source: source.into() }
    }

    /// This error and all its sources on one line, for where a chain of errors cannot go.
    #[must_use]
    pub fn with_sources(&self) -> String {
        let sources = std::iter::successors(std::error::Error::source(self), |error| error.source());
        sources.fold(self.to_string(), |text, source| format!("{text}: {source}"))
    }

    /// This error, together with what could not be cleaned up after it.
    #[must_use]
    pub fn with_uncleaned(self, uncleaned: Vec<Error>) -> Error {
        if uncleaned.is_empty() {
            return self;
        }
        Error::Uncleaned { failed: Box::new(self), uncleaned }
    }
}

fn owner(pid: Option<i32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

pub(crate) fn listed(known: &[String]) -> String {
    match known {
        [] => "none".to_owned(),
        _ => known.join(", "),
    }
}

/// Each error with its sources on one line: these are not on the `source` chain.
fn joined(errors: &[Error]) -> String {
    errors.iter().map(Error::with_sources).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_operation_object_and_what_stayed() {
        let failed = Error::system("create", "namespace of h1")(io::Error::from_raw_os_error(28));
        let stayed = Error::system("remove", "/run/flowbed/x")(io::Error::from_raw_os_error(13));
        let text = failed.with_uncleaned(vec![stayed]).to_string();
        assert!(text.starts_with("cannot create namespace of h1; besides, could not clean up: "));
        assert!(text.contains("cannot remove /run/flowbed/x: Permission denied"));
    }
}
