//! What can be wrong with bytes from a peer, and with a message that is to be sent; and the errors
//! of the protocol itself, by name.

use std::fmt;

use crate::ids::PortNo;
use crate::oxm::MatchError;

pub use crate::msg::error::{
    BadAction, BadInstruction, BadMatch, BadRequest, ErrorKind, ErrorMsg, FlowModFailed, GroupModFailed,
    HelloFailed, MeterModFailed, PortModFailed, QueueOpFailed, RoleRequestFailed, SwitchConfigFailed,
    TableFeaturesFailed, TableModFailed,
};

/// The part of a message in which something was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A message, by its name (`OFPT_FLOW_MOD`).
    Message(&'static str),
    /// A hello element (OF 1.3.5 §7.5.1).
    HelloElement,
    /// A match or one of its fields (OF 1.3.5 §7.2.3).
    Match,
    /// An action (OF 1.3.5 §7.2.5).
    Action,
    /// An instruction (OF 1.3.5 §7.2.4).
    Instruction,
    /// A group bucket (OF 1.3.5 §7.3.4.2).
    Bucket,
    /// A meter band (OF 1.3.5 §7.3.4.4).
    MeterBand,
    /// A queue or one of its properties (OF 1.3.5 §7.2.2).
    Queue,
    /// An entry of a multipart body, by the name of the kind (`OFPMP_FLOW`).
    Multipart(&'static str),
    /// A table feature property (OF 1.3.5 §7.3.5.5.2).
    TableProperty,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Message(name) | Part::Multipart(name) => name,
            Part::HelloElement => "hello element",
            Part::Match => "match",
            Part::Action => "action",
            Part::Instruction => "instruction",
            Part::Bucket => "group bucket",
            Part::MeterBand => "meter band",
            Part::Queue => "queue",
            Part::TableProperty => "table feature property",
        })
    }
}

/// Bytes from a peer that are no OpenFlow 1.3 message. The peer's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame is shorter than the eight bytes of a header, or not as long as it says.
    #[error("frame of {actual} bytes states a length of {stated}; split the stream with frame::next")]
    Frame {
        /// Length in the header, bytes; 0 when there is not even a header.
        stated: usize,
        /// Length of what was given, bytes.
        actual: usize,
    },
    /// A message of another protocol version than 1.3 (wire 4), neither hello nor error.
    #[error(
        "message of type {msg_type} has wire version {version}; only version 4 (OpenFlow 1.3) is spoken here"
    )]
    Version {
        /// The version byte of the header.
        version: u8,
        /// The type byte of the header.
        msg_type: u8,
    },
    /// A structure ends before its last member.
    #[error("{part}: {needed} bytes needed, {left} left")]
    Truncated {
        /// Where.
        part: Part,
        /// Bytes that the next member takes.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// Bytes are left after the last member.
    #[error("{part}: {left} bytes left over")]
    Trailing {
        /// Where.
        part: Part,
        /// How many bytes.
        left: usize,
    },
    /// A stated length is impossible: below the minimum, beyond the parent, not aligned.
    #[error("{part}: length {length} is impossible here")]
    BadLength {
        /// Where.
        part: Part,
        /// The length, bytes.
        length: usize,
    },
    /// A match that is not made of OXM fields (`OFPMT_OXM`).
    #[error("match type {kind} is not OXM (1)")]
    MatchType {
        /// The match type.
        kind: u16,
    },
    /// A field carries a mask and can't have one.
    #[error("match field {field} can't be masked")]
    Mask {
        /// Name of the field in Open vSwitch's words.
        field: &'static str,
    },
    /// A number that OpenFlow 1.3 does not name. Only [`Message::check`](crate::Message::check) says so.
    #[error("{what} {number} has no name in OpenFlow 1.3")]
    Unnamed {
        /// Of what it is the number.
        what: &'static str,
        /// The number.
        number: u32,
        /// How a switch refuses it.
        refusal: ErrorKind,
    },
    /// A number that OpenFlow 1.3 has, but not here. Only [`Message::check`](crate::Message::check) says so.
    #[error("{what} {number:#x} can't be here ({refusal})")]
    Misplaced {
        /// Of what it is the number.
        what: &'static str,
        /// The number.
        number: u32,
        /// How a switch refuses it.
        refusal: ErrorKind,
    },
    /// An action that can't stand where it does. Only [`Message::check`](crate::Message::check) says so.
    #[error("action {action} can't be here ({})", ErrorKind::from(*.refusal))]
    Action {
        /// The action, in Open vSwitch's words.
        action: String,
        /// How a switch refuses it.
        refusal: BadAction,
    },
    /// An action that does not fit the packets that come to it. Only [`Message::check`](crate::Message::check) says so.
    #[error("action {action} needs {needs}; match that, or do before what makes the packets so")]
    Inconsistent {
        /// The action, in Open vSwitch's words.
        action: String,
        /// What the packets would have to be, in Open vSwitch's words.
        needs: String,
    },
    /// A match that makes no sense as a whole. Only [`Message::check`](crate::Message::check) says so.
    #[error(transparent)]
    Unsound(MatchError),
}

impl DecodeError {
    /// The error with which a switch answers such a message (OF 1.3.5 §7.4.4).
    pub fn to_error_kind(&self) -> ErrorKind {
        let part = match self {
            DecodeError::Frame { .. } => return ErrorKind::BadRequest(BadRequest::BadLen),
            DecodeError::Version { .. } => return ErrorKind::BadRequest(BadRequest::BadVersion),
            DecodeError::MatchType { .. } => return ErrorKind::BadMatch(BadMatch::BadType),
            DecodeError::Mask { .. } => return ErrorKind::BadMatch(BadMatch::BadMask),
            DecodeError::Unnamed { refusal, .. } | DecodeError::Misplaced { refusal, .. } => return *refusal,
            DecodeError::Action { refusal, .. } => return (*refusal).into(),
            DecodeError::Inconsistent { .. } => return BadAction::MatchInconsistent.into(),
            DecodeError::Unsound(error) => return error.to_error_kind(),
            DecodeError::Truncated { part, .. }
            | DecodeError::Trailing { part, .. }
            | DecodeError::BadLength { part, .. } => *part,
        };
        match part {
            Part::Match => ErrorKind::BadMatch(BadMatch::BadLen),
            Part::Action => ErrorKind::BadAction(BadAction::BadLen),
            Part::Instruction => ErrorKind::BadInstruction(BadInstruction::BadLen),
            Part::Bucket => ErrorKind::GroupModFailed(GroupModFailed::BadBucket),
            Part::MeterBand => ErrorKind::MeterModFailed(MeterModFailed::BadBand),
            Part::TableProperty => ErrorKind::TableFeaturesFailed(TableFeaturesFailed::BadLen),
            Part::HelloElement => ErrorKind::HelloFailed(HelloFailed::Incompatible),
            Part::Message(_) | Part::Queue | Part::Multipart(_) => ErrorKind::BadRequest(BadRequest::BadLen),
        }
    }
}

/// A message that can't be put on the wire. The caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A message or a part of it is longer than its length field can say.
    #[error("{part} of {length} bytes is longer than the {max} the wire can say; split it")]
    TooLong {
        /// Which part.
        part: Part,
        /// Its length, bytes.
        length: usize,
        /// The longest that is possible, bytes.
        max: usize,
    },
    /// A port that an action of Open vSwitch can't name, for it has 16 bits.
    #[error("port {port} has no number of 16 bits, which this action of Open vSwitch has")]
    Port {
        /// Which port.
        port: PortNo,
    },
    /// More bits of a field than this action of Open vSwitch can name.
    #[error("{bits} bits of a field, of which this action of Open vSwitch can name 64; name fewer")]
    Bits {
        /// How many bits.
        bits: u16,
    },
    /// A value that its bytes have no room for, or that would be read as something else.
    #[error("{why}")]
    Unsayable {
        /// What stands against it.
        why: &'static str,
    },
    /// An opaque part whose length with its header is no multiple of eight, where it must be.
    #[error("opaque {part} takes {length} bytes with its header; fill it up to a multiple of 8")]
    Misaligned {
        /// Which part.
        part: Part,
        /// Its length with the header, bytes.
        length: usize,
    },
}
