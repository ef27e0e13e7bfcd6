//! Packet-ins and packet-outs as `ovs-ofctl ofp-print` prints them.

use std::fmt;

use super::ethernet::Frame;
use super::reason;
use crate::msg::packet_in::PacketIn;
use crate::msg::packet_out::PacketOut;

pub(super) fn write_packet_in(f: &mut fmt::Formatter<'_>, packet: &PacketIn) -> fmt::Result {
    if packet.table.0 != 0 {
        write!(f, " table_id={}", packet.table)?;
    }
    if packet.cookie != u64::MAX {
        write!(f, " cookie={:#x}", packet.cookie)?;
    }
    write!(f, " total_len={} {}", packet.total_len, packet.match_)?;
    let (total, len) = (usize::from(packet.total_len), packet.data.len());
    write!(f, " (via {}) data_len={len}", reason::packet_in(packet.reason))?;
    match packet.buffer {
        None if total != len => f.write_str(" (unbuffered) (***total_len != data_len***)")?,
        None => f.write_str(" (unbuffered)")?,
        Some(buffer) => {
            write!(f, " buffer={:#010x}", buffer.0)?;
            if total < len {
                f.write_str(" (***total_len < data_len***)")?;
            }
        }
    }
    write!(f, "\n{}", Frame(&packet.data))
}

pub(super) fn write_packet_out(f: &mut fmt::Formatter<'_>, packet: &PacketOut) -> fmt::Result {
    write!(f, " in_port={} actions={}", packet.in_port, packet.actions)?;
    match packet.buffer {
        None if packet.data.is_empty() => f.write_str(" data_len=0"),
        None => write!(f, " data_len={}\n{}", packet.data.len(), Frame(&packet.data)),
        Some(buffer) => write!(f, " buffer={:#010x}", buffer.0),
    }
}
