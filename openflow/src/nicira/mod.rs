//! Open vSwitch's own actions (`ovs-actions(7)`): on the wire they are an experimenter's, Nicira's.
//!
//! An action that would be written otherwise than it came is not read as one of these: it stays an
//! [`Action::Experimenter`](crate::Action), so that nothing of it is lost.

mod conntrack;
mod controller;
mod field;
mod learn;
mod sayable;
mod wire;

use bytes::Bytes;

pub use self::conntrack::{Conntrack, Nat, NatAddresses, NatKind, Zone};
pub use self::controller::Controller;
pub use self::field::{ActionField, FieldHeader, Subfield};
pub(crate) use self::learn::value_len;
pub use self::learn::{Learn, LearnFlags, LearnLimit, LearnSource, LearnSpec, LearnTarget};
pub(crate) use self::wire::widen;
use crate::action::{Action, Actions};
use crate::error::{BadAction, DecodeError};
use crate::ids::{PortNo, TableId};
use crate::oxm::OxmField;

/// The experimenter's id of Nicira, who made Open vSwitch (`nicira-ext.h`).
pub const NICIRA: u32 = 0x2320;

/// A number that has no name among Nicira's, or that can't be there: the action is none of these, and stays bytes.
fn nameless(what: &'static str, number: impl Into<u32>) -> DecodeError {
    DecodeError::Unnamed { what, number: number.into(), refusal: BadAction::BadExpType.into() }
}

/// How deep actions may stand in actions: a clone in a clone, and so on. Deeper ones stay bytes.
pub(crate) const MOST_NESTED: u8 = 16;

/// One of Open vSwitch's own actions (`ovs-actions(7)`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NxAction {
    /// Looks the packet up again (`resubmit`).
    Resubmit {
        /// As if it had come in there; [`PortNo::IN_PORT`] is where it did. 16 bits on the wire.
        in_port: PortNo,
        /// In this table; [`TableId::ALL`] is the one where the action stands. `None` is the older
        /// form of the action that can't name one.
        table: Option<TableId>,
        /// With the addresses of the packet that began the connection.
        original_direction: bool,
    },
    /// Sets the tunnel's id, 32 bits (`set_tunnel`).
    SetTunnel(u32),
    /// Sets the tunnel's id, 64 bits (`set_tunnel64`).
    SetTunnel64(u64),
    /// Back to the queue of before `set_queue`.
    PopQueue,
    /// Copies bits (`move`). As many are copied as both have; they have as many.
    Move {
        /// From here.
        from: Subfield,
        /// To there.
        to: Subfield,
    },
    /// Sets up to 64 bits of a field (`load`).
    Load {
        /// Which bits.
        to: Subfield,
        /// To what.
        value: u64,
    },
    /// Sets the bits of a field that its mask has.
    SetField(OxmField),
    /// Does nothing; its bytes, 6 more than a multiple of eight, are for who reads it (`note`).
    Note(Bytes),
    /// Out of the port that these bits tell (`output:FIELD`).
    OutputField {
        /// The port's number.
        from: Subfield,
        /// To the controller: bytes of the packet to send.
        max_len: u16,
    },
    /// Out of a port, cut to a length in bytes (`output(port=,max_len=)`). 16 bits of the port are
    /// on the wire.
    OutputTruncated {
        /// Which port.
        port: PortNo,
        /// How many bytes are left of the packet.
        max_len: u32,
    },
    /// Adds or changes a flow (`learn`).
    Learn(Learn),
    /// Ends the work on the packet (`exit`).
    Exit,
    /// Timeouts of the flow once TCP's connection ends, in seconds (`fin_timeout`).
    FinTimeout {
        /// Without packets.
        idle: u16,
        /// In any case.
        hard: u16,
    },
    /// To the controller (`controller`).
    Controller(Controller),
    /// Counts the TTL down; packets whose TTL is over go to these controllers (`dec_ttl(IDS)`).
    DecTtl(Vec<u16>),
    /// Puts bits on the stack (`push`).
    Push(Subfield),
    /// Takes bits off the stack (`pop`).
    Pop(Subfield),
    /// One of the clauses of a conjunction (`conjunction`).
    Conjunction {
        /// Which conjunction: what `conj_id` is then.
        id: u32,
        /// Which of its clauses, from 0 on.
        clause: u8,
        /// How many clauses it has.
        clauses: u8,
    },
    /// Through the connection tracker (`ct`).
    Conntrack(Conntrack),
    /// Network address translation, in the actions of a `ct` (`nat`).
    Nat(Nat),
    /// Forgets what is known of the connection (`ct_clear`).
    CtClear,
    /// Does these to a copy of the packet (`clone`).
    Clone(Actions),
    /// Sets a bit to whether the packet is longer than this, in bytes (`check_pkt_larger`).
    CheckPacketLarger {
        /// The length in bytes, its Ethernet header counted.
        length: u16,
        /// The bit.
        to: Subfield,
    },
}

impl From<NxAction> for Action {
    fn from(action: NxAction) -> Action {
        Action::Nicira(Box::new(action))
    }
}

impl NxAction {
    /// Looks the packet up again in a table (`resubmit(,TABLE)`).
    pub fn resubmit(table: TableId) -> NxAction {
        NxAction::Resubmit { in_port: PortNo::IN_PORT, table: Some(table), original_direction: false }
    }
}
