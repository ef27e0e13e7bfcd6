//! Flows and their counters (OF 1.3.5 §7.3.5.2, §7.3.5.3).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{GroupId, PortNo, TableId};
use crate::instruction::Instructions;
use crate::msg::flow_mod::FlowModFlags;
use crate::msg::flow_removed::Age;
use crate::oxm::Match;
use crate::wire::{Reader, Wire, patch_len, put_zeros};

/// Which flows are meant (OF 1.3.5 §7.3.5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowStatsRequest {
    /// Of this table; [`TableId::ALL`] is all of them.
    pub table: TableId,
    /// With an output to this port; [`PortNo::ANY`] asks for none.
    pub out_port: PortNo,
    /// With an output to this group; [`GroupId::ANY`] asks for none.
    pub out_group: GroupId,
    /// With this cookie,
    pub cookie: u64,
    /// as far as these bits go.
    pub cookie_mask: u64,
    /// Not wider than this match.
    pub match_: Match,
}

impl FlowStatsRequest {
    /// All flows of all tables.
    pub fn all() -> FlowStatsRequest {
        FlowStatsRequest {
            table: TableId::ALL,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            cookie: 0,
            cookie_mask: 0,
            match_: Match::new(),
        }
    }

    /// All flows of one table.
    pub fn table(table: impl Into<TableId>) -> FlowStatsRequest {
        FlowStatsRequest { table: table.into(), ..FlowStatsRequest::all() }
    }
}

impl Default for FlowStatsRequest {
    fn default() -> Self {
        FlowStatsRequest::all()
    }
}

impl Wire for FlowStatsRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = TableId(r.u8()?);
        r.skip(3)?;
        let out_port = PortNo(r.u32()?);
        let out_group = GroupId(r.u32()?);
        r.skip(4)?;
        Ok(FlowStatsRequest {
            table,
            out_port,
            out_group,
            cookie: r.u64()?,
            cookie_mask: r.u64()?,
            match_: Match::decode(r)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.table.0);
        put_zeros(out, 3);
        out.put_u32(self.out_port.0);
        out.put_u32(self.out_group.0);
        put_zeros(out, 4);
        out.put_u64(self.cookie);
        out.put_u64(self.cookie_mask);
        self.match_.encode(out)
    }
}

/// A flow with its counters (OF 1.3.5 §7.3.5.2). A counter that the switch does not keep is all ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowStats {
    /// The table that it is in.
    pub table: TableId,
    /// How long it has been there.
    pub age: Age,
    /// Its priority.
    pub priority: u16,
    /// Seconds without a packet after which it goes; 0 is never.
    pub idle_timeout: u16,
    /// Seconds after which it goes; 0 is never.
    pub hard_timeout: u16,
    /// How it is kept.
    pub flags: FlowModFlags,
    /// The controller's mark on it.
    pub cookie: u64,
    /// Packets that it took.
    pub packet_count: u64,
    /// Bytes that it took.
    pub byte_count: u64,
    /// Which packets it takes.
    pub match_: Match,
    /// What becomes of them.
    pub instructions: Instructions,
}

impl Wire for FlowStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut r = r.nested(length, 2, Part::Multipart("OFPMP_FLOW"))?;
        let table = TableId(r.u8()?);
        r.skip(1)?;
        let age = Age::read(&mut r)?;
        let priority = r.u16()?;
        let idle_timeout = r.u16()?;
        let hard_timeout = r.u16()?;
        let flags = FlowModFlags::from_bits_retain(r.u16()?);
        r.skip(4)?;
        Ok(FlowStats {
            table,
            age,
            priority,
            idle_timeout,
            hard_timeout,
            flags,
            cookie: r.u64()?,
            packet_count: r.u64()?,
            byte_count: r.u64()?,
            match_: Match::decode(&mut r)?,
            instructions: Instructions::read(&mut r)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 2);
        out.put_u8(self.table.0);
        put_zeros(out, 1);
        self.age.write(out);
        out.put_u16(self.priority);
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.flags.bits());
        put_zeros(out, 4);
        out.put_u64(self.cookie);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.match_.encode(out)?;
        self.instructions.write(out)?;
        patch_len(out, start, start, Part::Multipart("OFPMP_FLOW"))
    }
}

/// Counters of flows, added up (OF 1.3.5 §7.3.5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AggregateStats {
    /// Packets that they took.
    pub packet_count: u64,
    /// Bytes that they took.
    pub byte_count: u64,
    /// How many flows.
    pub flow_count: u32,
}

impl Wire for AggregateStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let packet_count = r.u64()?;
        let byte_count = r.u64()?;
        let flow_count = r.u32()?;
        r.skip(4)?;
        Ok(AggregateStats { packet_count, byte_count, flow_count })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        out.put_u32(self.flow_count);
        put_zeros(out, 4);
        Ok(())
    }
}
