//! Whole messages as `ovs-ofctl ofp-print` prints them, without the last end of line.

use std::fmt;

use bytes::BytesMut;

use super::bits::{Bits, Dump};
use super::extension::write_extension;
use super::failure::write_error;
use super::flow::{write_flow_mod, write_flow_removed};
use super::group::write_group_mod;
use super::meter::write_meter_mod;
use super::multipart::{write_reply, write_request};
use super::packet::{write_packet_in, write_packet_out};
use super::port::{write_port_mod, write_port_status, write_queue_config};
use super::{Hex, reason};
use crate::frame::VERSION;
use crate::ids::{TableId, Xid};
use crate::msg::config::{Fragments, SwitchConfig};
use crate::msg::experimenter::Experimenter;
use crate::msg::features::{Capabilities, Features};
use crate::msg::hello::Hello;
use crate::msg::role::{Role, RoleKind};
use crate::{Body, Message};

/// As `ovs-ofctl ofp-print` prints a message, without the last end of line: its name, protocol
/// version and transaction id, then what it says, on one line or more.
///
/// What Open vSwitch has no words for (experimenters' messages, types and kinds without a name)
/// prints as numbers and bytes in hex.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_message(f, self.xid, &self.body, 0)
    }
}

/// `depth` tells how many messages lie around this one.
pub(super) fn write_message(f: &mut fmt::Formatter<'_>, xid: Xid, body: &Body, depth: usize) -> fmt::Result {
    match body {
        Body::MultipartRequest(request) => return write_request(f, xid, request),
        Body::MultipartReply(reply) => return write_reply(f, xid, reply),
        Body::Hello(hello) => write_head(f, body.name(), hello.version, xid)?,
        Body::Unknown { .. } => write_head(f, "OFPT_UNKNOWN", VERSION, xid)?,
        body => write_head(f, body.name(), VERSION, xid)?,
    }
    match body {
        Body::Hello(hello) => write_hello(f, xid, hello, body),
        Body::Error(error) => write_error(f, error, depth),
        Body::EchoRequest(data) | Body::EchoReply(data) => {
            write!(f, " {} bytes of payload", data.len())?;
            // What failed is told in less detail.
            if depth == 0 { write!(f, "{}", Dump(data)) } else { Ok(()) }
        }
        Body::Experimenter(it) => write_experimenter(f, it),
        Body::Extension(it) => write_extension(f, xid, it, depth),
        Body::FeaturesReply(features) => write_features(f, features),
        Body::GetConfigReply(config) | Body::SetConfig(config) => write_config(f, config),
        Body::PacketIn(packet) => write_packet_in(f, packet),
        Body::FlowRemoved(removed) => write_flow_removed(f, removed),
        Body::PortStatus(status) => write_port_status(f, status),
        Body::PacketOut(packet) => write_packet_out(f, packet),
        Body::FlowMod(flow) => write_flow_mod(f, flow),
        Body::GroupMod(group) => write_group_mod(f, group),
        Body::PortMod(port) => write_port_mod(f, port),
        Body::TableMod(table) if table.table == TableId::ALL => f.write_str(" table_id: ALL_TABLES"),
        Body::TableMod(table) => write!(f, " table_id={}", table.table),
        Body::MeterMod(meter) => write_meter_mod(f, meter),
        Body::QueueGetConfigRequest(port) => write!(f, " port={port}"),
        Body::QueueGetConfigReply(config) => write_queue_config(f, config),
        Body::RoleRequest(role) => write_role(f, role, role.kind != RoleKind::NoChange),
        Body::RoleReply(role) => write_role(f, role, role.generation_id != u64::MAX),
        Body::GetAsyncReply(config) | Body::SetAsync(config) => reason::write_async(f, config),
        Body::Unknown { msg_type, payload } => write!(f, " type={msg_type} data={}", Hex(payload)),
        Body::FeaturesRequest
        | Body::GetConfigRequest
        | Body::BarrierRequest
        | Body::BarrierReply
        | Body::GetAsyncRequest
        // These two have returned above.
        | Body::MultipartRequest(_)
        | Body::MultipartReply(_) => Ok(()),
    }
}

/// `OFPT_HELLO (OF1.3) (xid=0x1):`
pub(super) fn write_head(f: &mut fmt::Formatter<'_>, name: &str, version: u8, xid: Xid) -> fmt::Result {
    match version {
        1 => write!(f, "{name} (xid={xid}):"),
        2..=6 => write!(f, "{name} (OF1.{}) (xid={xid}):", version - 1),
        _ => write!(f, "{name} (OF {version:#04x}) (xid={xid}):"),
    }
}

/// The versions that are offered: without a bitmap all up to the header's.
fn write_hello(f: &mut fmt::Formatter<'_>, xid: Xid, hello: &Hello, body: &Body) -> fmt::Result {
    f.write_str("\n version bitmap: ")?;
    let mut between = "";
    for version in (0..=u8::MAX).filter(|version| *version > 0 && hello.offers(*version)) {
        write!(f, "{between}{version:#04x}")?;
        between = ", ";
    }
    if !hello.other.is_empty() || !hello.rest.is_empty() {
        let mut wire = BytesMut::new();
        body.encode(xid, &mut wire).map_err(|_| fmt::Error)?;
        write!(f, "\n unknown data in hello:{}", Dump(&wire))?;
    }
    Ok(())
}

pub(super) fn write_experimenter(f: &mut fmt::Formatter<'_>, it: &Experimenter) -> fmt::Result {
    write!(f, " experimenter={:#x} exp_type={} data={}", it.experimenter, it.exp_type, Hex(&it.data))
}

fn write_features(f: &mut fmt::Formatter<'_>, features: &Features) -> fmt::Result {
    const CAPABILITIES: &[(u32, &str)] = &[
        (Capabilities::FLOW_STATS.bits(), "FLOW_STATS"),
        (Capabilities::TABLE_STATS.bits(), "TABLE_STATS"),
        (Capabilities::PORT_STATS.bits(), "PORT_STATS"),
        (Capabilities::GROUP_STATS.bits(), "GROUP_STATS"),
        (Capabilities::IP_REASM.bits(), "IP_REASM"),
        (Capabilities::QUEUE_STATS.bits(), "QUEUE_STATS"),
        (Capabilities::PORT_BLOCKED.bits(), "PORT_BLOCKED"),
    ];
    write!(f, " dpid:{}", features.datapath_id)?;
    write!(f, "\nn_tables:{}, n_buffers:{}", features.n_tables, features.n_buffers)?;
    if features.auxiliary_id != 0 {
        write!(f, ", auxiliary_id:{}", features.auxiliary_id)?;
    }
    write!(f, "\ncapabilities: {}", Bits(features.capabilities.bits(), CAPABILITIES))
}

fn write_config(f: &mut fmt::Formatter<'_>, config: &SwitchConfig) -> fmt::Result {
    match config.fragments {
        // Open vSwitch's own way with fragments (ovs-ofctl(8), "set-frags").
        Fragments::Unknown(3) => f.write_str(" frags=nx-match")?,
        fragments => write!(f, " frags={fragments}")?,
    }
    write!(f, " miss_send_len={}", config.miss_send_len)?;
    match config.reserved {
        0 => Ok(()),
        // Open vSwitch keeps silent about them.
        flags => write!(f, " flags={flags:#06x}"),
    }
}

fn write_role(f: &mut fmt::Formatter<'_>, role: &Role, has_generation: bool) -> fmt::Result {
    write!(f, " role={}", role.kind)?;
    match has_generation {
        true => write!(f, " generation_id={}", role.generation_id),
        false => Ok(()),
    }
}
