//! Packet-ins and packet-outs as `ovs-ofctl ofp-print` prints them.

use std::fmt;

use super::ethernet::Frame;
use super::reason;
use crate::ids::BufferId;
use crate::msg::packet_in::{PacketIn, PacketInReason};
use crate::msg::packet_out::PacketOut;

pub(super) fn write_packet_in(f: &mut fmt::Formatter<'_>, packet: &PacketIn) -> fmt::Result {
    if packet.table.0 != 0 {
        write!(f, " table_id={}", packet.table)?;
    }
    if packet.cookie != u64::MAX {
        write!(f, " cookie={:#x}", packet.cookie)?;
    }
    write!(f, " total_len={} {}", packet.total_len, packet.match_)?;
    write_why(f, packet.reason, packet.total_len.into(), packet.data.len(), packet.buffer)?;
    write!(f, "\n{}", Frame(&packet.data))
}

/// Why a packet came, how much of it, and where the switch keeps it.
pub(super) fn write_why(
    f: &mut fmt::Formatter<'_>,
    reason: PacketInReason,
    total: usize,
    len: usize,
    buffer: Option<BufferId>,
) -> fmt::Result {
    write!(f, " (via {}) data_len={len}", reason::packet_in(reason))?;
    match buffer {
        None if total != len => f.write_str(" (unbuffered) (***total_len != data_len***)"),
        None => f.write_str(" (unbuffered)"),
        Some(buffer) => {
            write!(f, " buffer={:#010x}", buffer.0)?;
            match total < len {
                true => f.write_str(" (***total_len < data_len***)"),
                false => Ok(()),
            }
        }
    }
}

pub(super) fn write_packet_out(f: &mut fmt::Formatter<'_>, packet: &PacketOut) -> fmt::Result {
    write!(f, " in_port={} actions={}", packet.in_port, packet.actions)?;
    match packet.buffer {
        None if packet.data.is_empty() => f.write_str(" data_len=0"),
        None => write!(f, " data_len={}\n{}", packet.data.len(), Frame(&packet.data)),
        Some(buffer) => write!(f, " buffer={:#010x}", buffer.0),
    }
}
