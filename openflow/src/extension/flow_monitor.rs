//! Flow monitors: a controller is told of changes of the flows that interest it (ONF EXT-187, "Flow Monitor
//! Extension"; `ovs-ofctl(8)`, `monitor`).
//!
//! The request is a multipart one; its answer brings the flows that there are, if they are asked for. What changes later
//! comes as further multipart replies with transaction id 0.

use bytes::{BufMut, BytesMut};

use super::PART;
use crate::error::{DecodeError, EncodeError};
use crate::ids::{PortNo, TableId, Xid};
use crate::instruction::Instructions;
use crate::msg::flow_removed::FlowRemovedReason;
use crate::oxm::Match;
use crate::wire::{Reader, Wire, patch_len, put_zeros, wire_enum, wire_flags};

/// By which a monitor is named (ONF EXT-187); the controller's choice, for its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorId(pub u32);

wire_flags! {
    /// What a monitor tells (ONF EXT-187, `ONFFMF_*`). Open vSwitch wants one of add, delete and modify at least.
    MonitorFlags: u16 {
        /// The flows that there are when it begins.
        const INITIAL = 1;
        /// Flows that are added.
        const ADD = 2;
        /// Flows that go.
        const DELETE = 4;
        /// Flows that change.
        const MODIFY = 8;
        /// What the flows do, too.
        const ACTIONS = 16;
        /// In full what this very controller changes too; else that comes as
        /// [`FlowUpdate::Abbreviated`].
        const OWN = 32;
    }
}

/// Asks to be told of changes of flows (ONF EXT-187).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowMonitorRequest {
    /// The monitor that this begins.
    pub id: MonitorId,
    /// What it tells.
    pub flags: MonitorFlags,
    /// Of flows with an output to this port; [`PortNo::ANY`] asks for none.
    pub out_port: PortNo,
    /// Of flows of this table; [`TableId::ALL`] is all of them.
    pub table: TableId,
    /// Of flows not wider than this match.
    pub match_: Match,
}

/// The length that stands beside a match, whose own header counts and whose padding does not.
fn match_len(matched: &Match) -> u16 {
    // A match that is too long for it is an error when it is written itself.
    (4 + matched.as_bytes().len()) as u16
}

/// Reads a match that is as long as was said before.
fn read_match(r: &mut Reader<'_>, stated: u16) -> Result<Match, DecodeError> {
    let matched = Match::decode(r)?;
    match stated == match_len(&matched) {
        true => Ok(matched),
        false => Err(DecodeError::BadLength { part: PART, length: stated.into() }),
    }
}

impl Wire for FlowMonitorRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = MonitorId(r.u32()?);
        let flags = MonitorFlags::from_bits_retain(r.u16()?);
        let length = r.u16()?;
        let out_port = PortNo(r.u32()?);
        let table = TableId(r.u8()?);
        r.skip(3)?;
        Ok(FlowMonitorRequest { id, flags, out_port, table, match_: read_match(r, length)? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.id.0);
        out.put_u16(self.flags.bits());
        out.put_u16(match_len(&self.match_));
        out.put_u32(self.out_port.0);
        out.put_u8(self.table.0);
        put_zeros(out, 3);
        self.match_.encode(out)
    }
}

wire_enum! {
    /// What became of a flow (ONF EXT-187, `ONFFME_*`).
    FlowUpdateEvent: u16 {
        /// It was added, or was there when the monitor began.
        Added = 0, "ADDED";
        /// It went.
        Deleted = 1, "DELETED";
        /// What it does has changed.
        Modified = 2, "MODIFIED";
    }
}

/// A change that a monitor tells (ONF EXT-187).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowUpdate {
    /// A flow, and what became of it.
    Full(Box<MonitoredFlow>),
    /// What the message with this transaction id, one of the controller's own, asked for.
    Abbreviated(Xid),
}

/// A flow of which a monitor tells (ONF EXT-187).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoredFlow {
    /// What became of it.
    pub event: FlowUpdateEvent,
    /// Why it went. Of no meaning where it did not go: [`MonitoredFlow::removed_because`] has it where it has one.
    pub reason: FlowRemovedReason,
    /// Its priority.
    pub priority: u16,
    /// Seconds without packets until it goes; 0 is never.
    pub idle_timeout: u16,
    /// Seconds until it goes; 0 is never.
    pub hard_timeout: u16,
    /// Its table.
    pub table: TableId,
    /// Its cookie.
    pub cookie: u64,
    /// What it matches.
    pub match_: Match,
    /// What it does, if the monitor tells that.
    pub instructions: Instructions,
}

impl MonitoredFlow {
    /// Why it went, if it did.
    pub fn removed_because(&self) -> Option<FlowRemovedReason> {
        (self.event == FlowUpdateEvent::Deleted).then_some(self.reason)
    }
}

/// The event of an abbreviated update.
const ABBREVIATED: u16 = 3;

impl Wire for FlowUpdate {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut inner = r.nested(length, 2, PART)?;
        let r = &mut inner;
        let update = match r.u16()? {
            ABBREVIATED => FlowUpdate::Abbreviated(Xid(r.u32()?)),
            event => {
                let (reason, priority) = (r.u16()?.into(), r.u16()?);
                let (idle_timeout, hard_timeout) = (r.u16()?, r.u16()?);
                let (match_len, table) = (r.u16()?, TableId(r.u8()?));
                r.skip(1)?;
                FlowUpdate::Full(Box::new(MonitoredFlow {
                    event: event.into(),
                    reason,
                    priority,
                    idle_timeout,
                    hard_timeout,
                    table,
                    cookie: r.u64()?,
                    match_: read_match(r, match_len)?,
                    instructions: Instructions::read(r)?,
                }))
            }
        };
        inner.finish()?;
        Ok(update)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 2);
        match self {
            FlowUpdate::Abbreviated(xid) => {
                out.put_u16(ABBREVIATED);
                out.put_u32(xid.0);
            }
            FlowUpdate::Full(flow) => {
                out.put_u16(flow.event.into());
                out.put_u16(flow.reason.into());
                out.put_u16(flow.priority);
                out.put_u16(flow.idle_timeout);
                out.put_u16(flow.hard_timeout);
                out.put_u16(match_len(&flow.match_));
                out.put_u8(flow.table.0);
                put_zeros(out, 1);
                out.put_u64(flow.cookie);
                flow.match_.encode(out)?;
                flow.instructions.write(out)?;
            }
        }
        patch_len(out, start, start, PART)
    }
}
