//! What a session is told at its start.

use std::time::Duration;

/// Which end of the connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Asks for the features after the hello; ready when they are there.
    Controller,
    /// Open after the hello; answers requests through [`Session::reply`](super::Session::reply).
    Switch,
}

/// What becomes of messages that can be read and do not keep to OpenFlow 1.3 ([`Message::check`](crate::Message::check)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// They pass as they came, for there are more peers that go their own ways than that keep to the letter.
    #[default]
    Lenient,
    /// They are [`Event::Undecodable`](super::Event::Undecodable).
    Strict,
}

/// Deadlines and bounds of a session. The fields may be set before use.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which end this is.
    pub end: End,
    /// How messages are taken that do not keep to OpenFlow 1.3.
    pub strictness: Strictness,
    /// From the start to the end of the handshake.
    pub handshake_timeout: Duration,
    /// A peer that was quiet for so long is sent an echo request.
    pub echo_interval: Duration,
    /// A peer that stays silent for so long after it is given up.
    pub echo_timeout: Duration,
    /// A request without an answer for so long fails with a timeout. For a multipart reply: since its
    /// last part.
    pub request_timeout: Duration,
    /// Requests and modifications that may wait for their answers at one time.
    pub max_outstanding: usize,
    /// Entries that a gathered multipart reply may have.
    pub max_multipart_parts: usize,
}

impl Config {
    /// The controller's end, with deadlines that suit a switch in a network of this planet.
    pub fn controller() -> Config {
        Config {
            end: End::Controller,
            strictness: Strictness::Lenient,
            handshake_timeout: Duration::from_secs(10),
            echo_interval: Duration::from_secs(5),
            echo_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            max_outstanding: 1 << 18,
            // A part is one message of at most 64 kB: 256 MB of statistics, some million flows.
            max_multipart_parts: 4096,
        }
    }

    /// The switch's end, with the same deadlines.
    pub fn switch() -> Config {
        Config { end: End::Switch, ..Config::controller() }
    }
}
