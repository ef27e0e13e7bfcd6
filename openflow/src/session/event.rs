//! What a session tells its driver, and the ways in which a request or a connection ends.

use bytes::Bytes;
use thiserror::Error;

use crate::error::{DecodeError, EncodeError, ErrorMsg};
use crate::ids::Xid;
use crate::message::{Body, Message};
use crate::msg::features::Features;
use crate::multipart::MultipartBody;

/// Something the caller must know.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a box would cost every packet-in an allocation")]
pub enum Event {
    /// Switch's end: the versions are agreed.
    Open,
    /// Controller's end: the handshake is over; this is who is there.
    Ready(Features),
    /// A message that answers nothing: packet-in, flow-removed, port-status, the error of a message
    /// that was sent without tracking; at the switch's end every request.
    Message(Message),
    /// The one answer to a tracked request or modification.
    Answer {
        /// Of the request.
        xid: Xid,
        /// The reply, or why there is none.
        result: Result<Reply, RequestError>,
    },
    /// A message in a sound frame that could not be read. The connection goes on; a switch's end
    /// would answer it with `error.to_error_kind()`.
    Undecodable {
        /// The whole message.
        frame: Bytes,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The session is over.
    Closed(CloseReason),
}

/// A good answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The modification was carried out, or the barrier reached.
    Done,
    /// The reply to a request that has one.
    Body(Box<Body>),
    /// All parts of a multipart reply.
    Multipart(MultipartBody),
}

/// Why a request has no good answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum RequestError {
    /// The switch's own error for this very message.
    #[error("the switch refused it: {}", .0.kind)]
    Refused(ErrorMsg),
    /// No answer in time.
    #[error("no answer from the switch in time")]
    Timeout,
    /// The connection ended first; whether the switch carried it out is not known.
    #[error("the connection to the switch ended before its answer came")]
    Disconnected,
    /// An answer came that is none.
    #[error("the switch answered with something unreadable: {0}")]
    BadReply(String),
    /// A multipart reply outgrew [`Config::max_multipart_parts`](super::Config::max_multipart_parts).
    #[error("the reply has more than {0} parts; ask for less at a time")]
    TooManyParts(usize),
    /// It could not even be sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
}

/// Why a message could not be sent.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SendError {
    /// The handshake is not over.
    #[error("the handshake with the switch is not over yet")]
    NotReady,
    /// The connection is closed.
    #[error("the connection to the switch is closed")]
    Closed,
    /// Too many requests wait for their answers.
    #[error("{0} requests wait for answers already; wait for some of them")]
    TooManyOutstanding(usize),
    /// OpenFlow defines no reply to it.
    #[error("{0} has no reply to wait for: send it, or have it acknowledged as a modification")]
    NoReplyDefined(&'static str),
    /// The message cannot be put into bytes.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CloseReason {
    /// The peer closed the connection.
    #[error("the peer closed the connection")]
    Eof,
    /// The transport failed.
    #[error("the connection failed: {0}")]
    Transport(String),
    /// We closed it.
    #[error("closed here: {0}")]
    Local(&'static str),
    /// The byte stream makes no sense.
    #[error("the peer does not speak OpenFlow: {0}")]
    Garbled(String),
    /// No version in common.
    #[error("the peer offers OpenFlow wire versions {offered:?}; this end speaks only 4 (OpenFlow 1.3)")]
    Version {
        /// Wire versions of its hello.
        offered: Vec<u8>,
    },
    /// The first message was not a hello.
    #[error("the peer began with {0} in place of a hello")]
    NoHello(&'static str),
    /// The peer answered the handshake with an error.
    #[error("the peer refused the handshake: {}", .0.kind)]
    Refused(ErrorMsg),
    /// The handshake took too long.
    #[error("the peer did not finish the handshake in time")]
    HandshakeTimeout,
    /// No sign of life.
    #[error("the peer fell silent: no answer to an echo request")]
    Silent,
}
