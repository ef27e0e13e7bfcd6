//! What can go wrong between us and a database server.

use std::io;
use std::time::Duration;

use super::value::BadValue;

/// A failure of a request or a monitor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first connection failed.
    #[error("cannot connect to the database server")]
    Connect(#[source] io::Error),

    /// The connection was lost while the request was under way, or has not come back yet. Whether
    /// the request was carried out is unknown.
    #[error("lost the database server before it answered {method}: {why}")]
    Disconnected {
        /// The request's method (RFC 7047 §4.1).
        method: &'static str,
        /// How the connection ended.
        why: String,
    },

    /// No answer in time. Whether the request was carried out is unknown.
    #[error("the database server did not answer {method} within {} s", after.as_secs_f64())]
    TimedOut {
        /// The request's method.
        method: &'static str,
        /// The limit.
        after: Duration,
    },

    /// The server answered the request as a whole with an error.
    #[error("the database server refused {method}: {reason}")]
    Refused {
        /// The request's method.
        method: &'static str,
        /// The server's error object.
        reason: String,
    },

    /// The server's answer is not what the request asks for.
    #[error("cannot read the answer to {method}")]
    Answer {
        /// The request's method.
        method: &'static str,
        /// What is wrong with it.
        #[source]
        source: BadValue,
    },

    /// The transaction was not carried out; nothing of it was.
    #[error(transparent)]
    Transaction(#[from] TransactionError),

    /// The client has ended: every handle is gone, or its runtime is.
    #[error("the database client has ended")]
    Ended,
}

/// Why a transaction was not carried out (RFC 7047 §4.1.3, §5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// One operation failed; those before it were undone, those after it not tried.
    #[error("operation {index} ({operation}): {}", told(error, details))]
    Operation {
        /// Its place in the transaction, from 0.
        index: usize,
        /// What it was, as `insert Bridge`.
        operation: String,
        /// The server's error, such as `constraint violation`.
        error: String,
        /// The server's explanation; may be empty.
        details: String,
    },

    /// All operations were fine, their sum was not (such as a reference to a missing row).
    #[error("commit: {}", told(error, details))]
    Commit {
        /// The server's error, such as `referential integrity violation`.
        error: String,
        /// The server's explanation; may be empty.
        details: String,
    },
}

fn told(error: &str, details: &str) -> String {
    match details {
        "" => error.to_owned(),
        _ => format!("{error}: {details}"),
    }
}
