//! What can go wrong with Open vSwitch.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::ovsdb;

/// A failure of the private Open vSwitch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part of Open vSwitch is not on the machine.
    #[error("{what} is not installed; install the package openvswitch-switch")]
    Missing {
        /// The program or file.
        what: &'static str,
    },

    /// The device that userspace bridges need for their own port cannot be opened.
    #[error("cannot open /dev/net/tun, which userspace Open vSwitch bridges need; {remedy}")]
    Tun {
        /// What the machine's owner can do.
        remedy: &'static str,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },

    /// The control sockets would not fit into a socket address (`unix(7)`).
    #[error(
        "the run directory {} is too long for Open vSwitch's control sockets; \
         set FLOWBED_RUN_DIR to a shorter one",
        .0.display()
    )]
    LongPath(PathBuf),

    /// The kernel refused an operation.
    #[error("cannot {operation} {object}")]
    System {
        /// The verb.
        operation: &'static str,
        /// What it was done to.
        object: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },

    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] Box<crate::Error>),

    /// The database's file could not be made.
    #[error("ovsdb-tool could not create a database ({status}): {said}")]
    Create {
        /// How the program ended.
        status: ExitStatus,
        /// What it wrote.
        said: String,
    },

    /// A daemon ended, though nobody asked it to.
    #[error("{program} ended by itself ({status}); the end of its log:\n{log}")]
    Died {
        /// Which one.
        program: &'static str,
        /// How it ended; `unknown` where nobody could wait for it.
        status: String,
        /// The last lines of its log.
        log: String,
    },

    /// A daemon does not listen on its socket.
    #[error("{program} was not ready within {} s; the end of its log:\n{log}", after.as_secs_f64())]
    NotReady {
        /// Which one.
        program: &'static str,
        /// How long we waited.
        after: Duration,
        /// The last lines of its log.
        log: String,
    },

    /// The database refused, or did not answer.
    #[error("cannot {doing}")]
    Database {
        /// What was to be changed.
        doing: String,
        /// The database client's error.
        #[source]
        source: ovsdb::Error,
    },

    /// `ovs-vswitchd` has not carried a change out.
    #[error("ovs-vswitchd did not {doing} within {} s", after.as_secs_f64())]
    NotApplied {
        /// What was to be changed.
        doing: String,
        /// How long we waited.
        after: Duration,
    },

    /// A port that Open vSwitch could not open, or not under the number asked for.
    #[error("port {port} of bridge {bridge}: {said}")]
    Port {
        /// The bridge.
        bridge: String,
        /// The network interface.
        port: String,
        /// Open vSwitch's words.
        said: String,
    },

    /// No bridge of that name in this instance.
    #[error("there is no bridge named {0}")]
    UnknownBridge(String),

    /// No port of that name on that bridge.
    #[error("bridge {bridge} has no port named {port}")]
    UnknownPort {
        /// The bridge.
        bridge: String,
        /// The name asked for.
        port: String,
    },

    /// Bridges that did not reach a controller in time.
    #[error("not connected to a controller within {} s: {}", after.as_secs_f64(), listed(bridges))]
    NotConnected {
        /// The bridges, with what they tried.
        bridges: Vec<Unconnected>,
        /// How long we waited.
        after: Duration,
    },

    /// What could not be taken down.
    #[error("could not take Open vSwitch down: {}", .0.join("; "))]
    Left(Vec<String>),
}

/// A bridge without a connection to a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unconnected {
    /// The bridge.
    pub bridge: String,
    /// Its controllers' targets.
    pub targets: Vec<String>,
    /// What Open vSwitch says of the last attempt, such as `Connection refused`.
    pub last_error: Option<String>,
}

impl fmt::Display for Unconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bridge)?;
        match (self.targets.as_slice(), &self.last_error) {
            ([], _) => write!(f, " (has no controller)"),
            (targets, None) => write!(f, " ({})", targets.join(", ")),
            (targets, Some(error)) => write!(f, " ({}: {error})", targets.join(", ")),
        }
    }
}

fn listed(bridges: &[Unconnected]) -> String {
    const READABLE: usize = 8;
    let mut text = bridges.iter().take(READABLE).map(Unconnected::to_string).collect::<Vec<_>>().join(", ");
    if bridges.len() > READABLE {
        text.push_str(&format!(" and {} more", bridges.len() - READABLE));
    }
    text
}

impl Error {
    pub(super) fn system(
        operation: &'static str,
        object: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Error {
        let object = object.into();
        move |source| Error::System { operation, object, source }
    }

    pub(super) fn database(doing: impl Into<String>) -> impl FnOnce(ovsdb::Error) -> Error {
        let doing = doing.into();
        move |source| Error::Database { doing, source }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Error::Sandbox(Box::new(error))
    }
}
