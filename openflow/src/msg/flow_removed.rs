//! Flows that went (OF 1.3.5 §7.4.2).

use std::time::Duration;

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::ids::TableId;
use crate::oxm::Match;
use crate::wire::{Reader, Wire, wire_enum};

/// A flow went that was added with `SEND_FLOW_REM` (OF 1.3.5 §7.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRemoved {
    /// The controller's mark on the flow.
    pub cookie: u64,
    /// Its priority.
    pub priority: u16,
    /// Why it went.
    pub reason: FlowRemovedReason,
    /// The table that it was in.
    pub table: TableId,
    /// How long it was there.
    pub age: Age,
    /// Its idle timeout, seconds; 0 is none.
    pub idle_timeout: u16,
    /// Its hard timeout, seconds; 0 is none.
    pub hard_timeout: u16,
    /// Packets that it took.
    pub packet_count: u64,
    /// Bytes that it took.
    pub byte_count: u64,
    /// Its match.
    pub match_: Match,
}

wire_enum! {
    /// Why a flow went (`OFPRR_*`, OF 1.3.5 §7.4.2): 8 bits in a flow-removed, 16 in what a flow monitor tells.
    FlowRemovedReason: u16 {
        /// No packet for its idle timeout.
        IdleTimeout = 0, "idle";
        /// Its hard timeout is over.
        HardTimeout = 1, "hard";
        /// A flow-mod deleted it.
        Delete = 2, "delete";
        /// Its group was deleted.
        GroupDelete = 3, "group_delete";
    }
}

/// How long something has been there, to the nanosecond, as the wire says it (OF 1.3.5 §7.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Age {
    /// Whole seconds.
    pub secs: u32,
    /// Nanoseconds beyond; Open vSwitch says all ones in both where it does not know.
    pub nanos: u32,
}

impl Age {
    /// As a duration.
    pub fn to_duration(self) -> Duration {
        Duration::from_secs(self.secs.into()) + Duration::from_nanos(self.nanos.into())
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Age, DecodeError> {
        Ok(Age { secs: r.u32()?, nanos: r.u32()? })
    }

    pub(crate) fn write(self, out: &mut BytesMut) {
        out.put_u32(self.secs);
        out.put_u32(self.nanos);
    }
}

impl From<Duration> for Age {
    /// More than 2^32 seconds become the most that the wire can say.
    fn from(duration: Duration) -> Age {
        match u32::try_from(duration.as_secs()) {
            Ok(secs) => Age { secs, nanos: duration.subsec_nanos() },
            Err(_) => Age { secs: u32::MAX, nanos: 999_999_999 },
        }
    }
}

impl Wire for FlowRemoved {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(FlowRemoved {
            cookie: r.u64()?,
            priority: r.u16()?,
            reason: u16::from(r.u8()?).into(),
            table: TableId(r.u8()?),
            age: Age::read(r)?,
            idle_timeout: r.u16()?,
            hard_timeout: r.u16()?,
            packet_count: r.u64()?,
            byte_count: r.u64()?,
            match_: Match::decode(r)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u64(self.cookie);
        out.put_u16(self.priority);
        let reason = u8::try_from(u16::from(self.reason))
            .map_err(|_| EncodeError::Unsayable { why: "the reason of a flow-removed has 8 bits" })?;
        out.put_u8(reason);
        out.put_u8(self.table.0);
        self.age.write(out);
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.match_.encode(out)
    }
}
