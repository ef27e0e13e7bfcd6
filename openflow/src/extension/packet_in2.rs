//! Packet-ins of the second format, which say what a packet-in of OpenFlow 1.3 can't (`nicira-ext.h`,
//! `NXT_PACKET_IN2`).

use bytes::{BufMut, Bytes, BytesMut};

use super::PART;
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{BufferId, PortNo, TableId};
use crate::msg::packet_in::PacketInReason;
use crate::oxm::Match;
use crate::wire::{Reader, pad_from, patch_len, wire_enum};

wire_enum! {
    /// Forms of packet-ins (`nicira-ext.h`, `NXPIF_*`).
    PacketInFormat: u32 {
        /// The protocol's own.
        Standard = 0, "standard";
        /// Open vSwitch's first.
        Nxt = 1, "nxt_packet_in";
        /// Open vSwitch's second, [`PacketIn2`].
        Nxt2 = 2, "nxt_packet_in2";
    }
}

/// A packet for the controller, as properties of which each may be missing (`nicira-ext.h`, `NXPINT_*`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PacketIn2 {
    /// The packet from its Ethernet header on, or the start of it, at least one byte; shares the frame's memory.
    pub packet: Bytes,
    /// Length of the whole packet in bytes, where `packet` is less; never below its length.
    pub full_len: Option<u32>,
    /// Where the switch keeps the packet, if it does.
    pub buffer: Option<BufferId>,
    /// Table of the flow that sent it.
    pub table: Option<TableId>,
    /// Cookie of the flow that sent it.
    pub cookie: Option<u64>,
    /// Why it was sent.
    pub reason: Option<PacketInReason>,
    /// The packet's pipeline fields: ingress port, metadata, tunnel, registers, connection.
    pub metadata: Option<Match>,
    /// What the switch needs to go on with the packet; for the switch alone to read.
    pub continuation: Option<Bytes>,
    /// What the action [`Controller`](crate::nicira::Controller) gave with it.
    pub userdata: Option<Bytes>,
    /// Properties that have no name here; they are written behind the others.
    pub unknown: Vec<PacketInProperty>,
}

/// A property of a [`PacketIn2`] of which this crate knows no meaning (`nicira-ext.h`, `NXPINT_*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketInProperty {
    /// Its type.
    pub kind: u16,
    /// What is in it, without its header and padding; shares the frame's memory.
    pub body: Bytes,
}

/// Types of properties (`NXPINT_*`).
mod property {
    pub(super) const PACKET: u16 = 0;
    pub(super) const FULL_LEN: u16 = 1;
    pub(super) const BUFFER_ID: u16 = 2;
    pub(super) const TABLE_ID: u16 = 3;
    pub(super) const COOKIE: u16 = 4;
    pub(super) const REASON: u16 = 5;
    pub(super) const METADATA: u16 = 6;
    pub(super) const USERDATA: u16 = 7;
    pub(super) const CONTINUATION: u16 = 8;
}

impl PacketIn2 {
    /// The port on which the packet came in, if it is told.
    pub fn in_port(&self) -> Option<PortNo> {
        self.metadata.as_ref().and_then(Match::ingress)
    }

    /// Properties may come in any order; the last of a kind counts, as Open vSwitch has it. So it has that there must be
    /// a packet, and that it is not longer than the whole of it.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<PacketIn2, DecodeError> {
        let mut packet = PacketIn2::default();
        while !r.is_empty() {
            let (kind, length) = (r.u16()?, r.u16()?);
            let mut inner = r.nested_padded(length, 4, PART)?;
            match kind {
                property::PACKET => packet.packet = inner.opaque(),
                property::FULL_LEN => packet.full_len = Some(inner.u32()?),
                property::BUFFER_ID => packet.buffer = BufferId::from_wire(inner.u32()?),
                property::TABLE_ID => packet.table = Some(TableId(inner.u8()?)),
                property::COOKIE => {
                    inner.skip(4)?;
                    packet.cookie = Some(inner.u64()?);
                }
                property::REASON => packet.reason = Some(inner.u8()?.into()),
                property::METADATA => packet.metadata = Some(Match::from_tlvs(inner.remainder())?),
                property::USERDATA => packet.userdata = Some(inner.opaque()),
                property::CONTINUATION => {
                    inner.skip(4)?;
                    packet.continuation = Some(inner.opaque());
                }
                _ => packet.unknown.push(PacketInProperty { kind, body: inner.opaque() }),
            }
            inner.finish()?;
        }
        match packet.impossible_length() {
            None => Ok(packet),
            Some(length) => {
                Err(DecodeError::BadLength { part: Part::Message("packet of NXT_PACKET_IN2"), length })
            }
        }
    }

    /// The length of the packet, or of the whole of it, where that can't be.
    fn impossible_length(&self) -> Option<usize> {
        let (part, whole) = (self.packet.len(), self.full_len.map(|length| length as usize));
        match whole {
            _ if part == 0 => Some(0),
            Some(whole) if whole < part => Some(whole),
            _ => None,
        }
    }

    /// In the order in which Open vSwitch writes them.
    pub(super) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        if self.impossible_length().is_some() {
            let why = "a packet-in of the second format has a packet, not longer than its full length";
            return Err(EncodeError::Unsayable { why });
        }
        let mut put = |kind: u16, parts: &[&[u8]]| {
            let start = out.len();
            out.put_u16(kind);
            out.put_u16(0);
            parts.iter().for_each(|part| out.put_slice(part));
            patch_len(out, start, start + 2, PART)?;
            pad_from(out, start);
            Ok(())
        };
        put(property::PACKET, &[&self.packet])?;
        if let Some(length) = self.full_len {
            put(property::FULL_LEN, &[&length.to_be_bytes()])?;
        }
        if self.buffer.is_some() {
            put(property::BUFFER_ID, &[&BufferId::to_wire(self.buffer).to_be_bytes()])?;
        }
        if let Some(table) = self.table {
            put(property::TABLE_ID, &[&[table.0]])?;
        }
        if let Some(cookie) = self.cookie {
            put(property::COOKIE, &[&[0; 4], &cookie.to_be_bytes()])?;
        }
        if let Some(reason) = self.reason {
            put(property::REASON, &[&[reason.into()]])?;
        }
        if let Some(metadata) = &self.metadata {
            put(property::METADATA, &[metadata.as_bytes()])?;
        }
        if let Some(continuation) = &self.continuation {
            put(property::CONTINUATION, &[&[0; 4], continuation])?;
        }
        if let Some(userdata) = &self.userdata {
            put(property::USERDATA, &[userdata])?;
        }
        self.unknown.iter().try_for_each(|it| put(it.kind, &[&it.body]))
    }
}
