//! Experimenters' messages as `ovs-ofctl ofp-print` prints them.

use std::fmt;

use super::Hex;
use super::bits::Bits;
use super::ethernet::Frame;
use super::flow::write_match_of;
use super::message::write_message;
use super::nicira::Dotted;
use super::packet::write_why;
use super::reason;
use crate::PacketInReason;
use crate::extension::{
    BundleFlags, Extension, FlowMonitorRequest, FlowUpdate, MonitorFlags, MonitoredFlow, PacketIn2,
};
use crate::ids::{PortNo, TableId, Xid};
use crate::msg::flow_mod::DEFAULT_PRIORITY;

/// `depth` tells how many messages lie around this one.
pub(super) fn write_extension(
    f: &mut fmt::Formatter<'_>,
    xid: Xid,
    message: &Extension,
    depth: usize,
) -> fmt::Result {
    match message {
        Extension::SetPacketInFormat(format) => write!(f, " format={format}"),
        Extension::SetControllerId(id) => write!(f, " id={id}"),
        Extension::PacketIn2(packet) | Extension::Resume(packet) => write_packet_in2(f, packet),
        Extension::FlowMonitorCancel(id) => write!(f, " id={}", id.0),
        Extension::FlowMonitorPaused | Extension::FlowMonitorResumed => Ok(()),
        Extension::BundleControl(it) => {
            write!(
                f,
                "\n bundle_id={} type={} flags={}",
                HexOrZero(it.bundle.0.into()),
                it.step,
                Flags(it.flags)
            )
        }
        Extension::BundleAdd(it) => {
            writeln!(f, "\n bundle_id={} flags={}", HexOrZero(it.bundle.0.into()), Flags(it.flags))?;
            write_message(f, xid, &it.body, depth + 1)
        }
    }
}

/// A number in hex, zero without a prefix.
struct HexOrZero(u64);

impl fmt::Display for HexOrZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            number => write!(f, "{number:#x}"),
        }
    }
}

/// How a bundle is carried out.
struct Flags(BundleFlags);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: &[(u32, &str)] = &[(1, "atomic"), (2, "ordered")];
        write!(f, "{}", Bits(self.0.bits().into(), NAMES))
    }
}

fn write_packet_in2(f: &mut fmt::Formatter<'_>, it: &PacketIn2) -> fmt::Result {
    let packet = &it.packet[..];
    let total = it.full_len.map_or(packet.len(), |length| length as usize);
    match it.table {
        None | Some(TableId(0)) => {}
        Some(table) => write!(f, " table_id={table}")?,
    }
    if let Some(cookie) = it.cookie.filter(|cookie| *cookie != u64::MAX) {
        write!(f, " cookie={cookie:#x}")?;
    }
    write!(f, " total_len={total}")?;
    if let Some(metadata) = &it.metadata {
        write_match_of(f, " ", metadata)?;
    }
    let reason = it.reason.unwrap_or(PacketInReason::NoMatch);
    write_why(f, reason, total, packet.len(), it.buffer)?;
    if let Some(userdata) = it.userdata.as_deref().filter(|userdata| !userdata.is_empty()) {
        write!(f, "\n userdata={}", Dotted(userdata))?;
    }
    if let Some(continuation) = &it.continuation {
        write!(f, "\n continuation={}", Hex(continuation))?;
    }
    write!(f, "\n{}", Frame(packet))
}

pub(super) fn write_monitor_request(f: &mut fmt::Formatter<'_>, it: &FlowMonitorRequest) -> fmt::Result {
    write!(f, "\n id={} flags=", it.id.0)?;
    let mut between = "";
    for (name, _) in it.flags.iter_names() {
        write!(f, "{between}{}", name.to_ascii_lowercase())?;
        between = ",";
    }
    match (it.flags - MonitorFlags::from_bits_truncate(0x3f)).bits() {
        0 => {}
        unknown => write!(f, "{between}{unknown:#x}")?,
    }
    if it.out_port != PortNo::ANY {
        write!(f, " out_port={}", it.out_port)?;
    }
    if it.table != TableId::ALL {
        write!(f, " table={}", it.table)?;
    }
    write_match_of(f, " ", &it.match_)
}

pub(super) fn write_flow_update(f: &mut fmt::Formatter<'_>, it: &FlowUpdate) -> fmt::Result {
    match it {
        FlowUpdate::Abbreviated(xid) => write!(f, "\n event=ABBREV xid={xid}"),
        FlowUpdate::Full(flow) => write_monitored(f, flow),
    }
}

fn write_monitored(f: &mut fmt::Formatter<'_>, flow: &MonitoredFlow) -> fmt::Result {
    write!(f, "\n event={}", flow.event)?;
    if let Some(reason) = flow.removed_because() {
        write!(f, " reason={}", reason::flow_removed(reason))?;
    }
    write!(f, " table={}", flow.table)?;
    if flow.idle_timeout != 0 {
        write!(f, " idle_timeout={}", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, " hard_timeout={}", flow.hard_timeout)?;
    }
    write!(f, " cookie={}", HexOrZero(flow.cookie))?;
    // Open vSwitch leaves the priority out; two flows may differ in nothing else.
    let priority = (flow.priority != DEFAULT_PRIORITY).then(|| format!("priority={}", flow.priority));
    match (priority, flow.match_.is_empty()) {
        (None, true) => {}
        (None, false) => write!(f, " {}", flow.match_)?,
        (Some(priority), true) => write!(f, " {priority}")?,
        (Some(priority), false) => write!(f, " {priority},{}", flow.match_)?,
    }
    match flow.instructions.is_empty() {
        true => Ok(()),
        false => write!(f, " actions={}", flow.instructions),
    }
}
