//! Packets that a switch sends up (OF 1.3.5 §7.4.1).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::frame::HEADER_LEN;
use crate::ids::{BufferId, PortNo, TableId};
use crate::oxm::Match;
use crate::wire::{Reader, Wire, put_zeros, tail_of, wire_enum};

/// A packet for the controller (OF 1.3.5 §7.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketIn {
    /// Where the switch keeps the packet, if it does.
    pub buffer: Option<BufferId>,
    /// Length of the whole packet, bytes; `data` may be less.
    pub total_len: u16,
    /// Why it was sent.
    pub reason: PacketInReason,
    /// Table of the flow that sent it.
    pub table: TableId,
    /// Cookie of the flow that sent it; all ones where there is none.
    pub cookie: u64,
    /// The packet's pipeline fields: ingress port, metadata, tunnel.
    pub match_: Match,
    /// The packet from its Ethernet header on, or the start of it; shares the frame's memory.
    pub data: Bytes,
}

wire_enum! {
    /// Why a packet was sent to the controller (`OFPR_*`, OF 1.3.5 §7.4.1).
    PacketInReason: u8 {
        /// No flow took it (the table-miss flow did).
        NoMatch = 0, "no_match";
        /// A flow sent it.
        Action = 1, "action";
        /// Its TTL is invalid.
        InvalidTtl = 2, "invalid_ttl";
    }
}

impl PacketIn {
    /// The port on which the packet came in; `None` from a switch that breaks the rules.
    #[inline]
    pub fn in_port(&self) -> Option<PortNo> {
        self.match_.ingress()
    }

    /// Reads a whole frame; the packet is handed on without a copy.
    #[inline]
    pub(crate) fn decode(frame: Bytes) -> Result<PacketIn, DecodeError> {
        let mut r = Reader::new(&frame, HEADER_LEN, Part::Message("OFPT_PACKET_IN"));
        let buffer = BufferId::from_wire(r.u32()?);
        let total_len = r.u16()?;
        let reason = r.u8()?.into();
        let table = TableId(r.u8()?);
        let cookie = r.u64()?;
        let match_ = Match::decode(&mut r)?;
        r.skip(2)?;
        let at = frame.len() - r.len();
        Ok(PacketIn { buffer, total_len, reason, table, cookie, match_, data: tail_of(frame, at) })
    }

    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(BufferId::to_wire(self.buffer));
        out.put_u16(self.total_len);
        out.put_u8(self.reason.into());
        out.put_u8(self.table.0);
        out.put_u64(self.cookie);
        self.match_.encode(out)?;
        put_zeros(out, 2);
        out.put_slice(&self.data);
        Ok(())
    }
}
