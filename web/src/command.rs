//! What a browser may ask for.

use tokio::sync::oneshot;

use crate::view::LinkState;

/// A request from the page or the REST API to whoever owns the network.
#[derive(Debug)]
#[non_exhaustive]
pub enum Command {
    /// Take a link up or down.
    SetLink {
        /// The [`Link::id`](crate::view::Link::id) of a link that is, or was just now, in the published network.
        id: String,
        /// The state that it shall have.
        state: LinkState,
        /// Takes the outcome. Who asked waits for 10 seconds at most; dropping it counts as a failure.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such link.
    #[error("there is no link \"{id}\": GET /api/v1/links lists them")]
    UnknownLink {
        /// What was asked for.
        id: String,
    },
    /// The link was discovered, not made, so that nobody here can change it.
    #[error("link \"{id}\" is not part of a network that flowbed made, so its state can only be watched")]
    NotControllable {
        /// The link.
        id: String,
    },
    /// It was tried and failed.
    #[error("could not change link \"{id}\": {reason}")]
    Failed {
        /// The link.
        id: String,
        /// The cause, for a person to read.
        reason: String,
    },
}
