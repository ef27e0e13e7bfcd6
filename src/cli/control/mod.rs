//! How other processes reach a running network: a socket in its run directory, which only its owner may enter.
//!
//! Who connects writes requests, each a line of JSON, and gets a line of JSON for each, in their order.

mod client;
mod server;

pub(crate) use client::Client;
pub(crate) use server::Server;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shell::Next;
use super::trace::{Packet, Way};

/// The socket's name in the run directory.
const SOCKET: &str = "control";

/// The most bytes of a line, of requests and of answers: a network of a thousand hosts is described in one.
const LONGEST_LINE: u64 = 64 << 20;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Do what a line of the shell says.
    Line(String),
    /// What a line of the shell may begin with or contain, for completion.
    Words,
    /// What the network is.
    Inspect,
    /// The way of a packet.
    Trace(Packet),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// To [`Request::Line`].
    Line {
        /// What there is to show.
        output: String,
        /// What is to be done now, or what went wrong.
        next: Result<Next, String>,
    },
    /// To [`Request::Words`].
    Words(Vec<String>),
    /// To [`Request::Trace`]: its text and its object, or why there is none.
    Trace(Result<Way, String>),
    /// To [`Request::Inspect`]: the object that `flowbed inspect` prints.
    Network(Value),
    /// What was asked is not understood: the asker is another version of the program.
    Unknown(String),
}
