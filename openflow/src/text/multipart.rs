//! Multipart requests and replies as `ovs-ofctl ofp-print` prints them.

use std::fmt;

use super::Hex;
use super::bits::OneLine;
use super::extension::{write_flow_update, write_monitor_request};
use super::flow::write_match_of;
use super::group::{write_group_desc, write_group_features, write_group_stats};
use super::message::{write_experimenter, write_head};
use super::meter::{MeterName, write_meter_config, write_meter_features, write_meter_stats};
use super::port::{write_port_stats, write_ports, write_queue_request, write_queue_stats};
use super::table::write_table_stats;
use super::table_features::write_table_features;
use crate::frame::VERSION;
use crate::ids::{GroupId, MeterId, PortNo, TableId, Xid};
use crate::msg::experimenter::Experimenter;
use crate::multipart::{Desc, FlowStatsRequest, MultipartBody, MultipartReply, MultipartRequest};

/// The name of a kind as Open vSwitch writes it: `OFPST_FLOW request`. It keeps the older prefix.
pub(super) fn stats_name(name: &str, asks: bool) -> Option<String> {
    let (whose, name) = match name.strip_prefix("OFPMP_")? {
        "PORT_STATS" => ("OFPST", "PORT"),
        "FLOW_MONITOR" => ("ONFST", "FLOW_MONITOR"),
        name => ("OFPST", name),
    };
    Some(format!("{whose}_{name} {}", if asks { "request" } else { "reply" }))
}

fn write_start(f: &mut fmt::Formatter<'_>, name: &str, asks: bool, xid: Xid, flags: u16) -> fmt::Result {
    let name = stats_name(name, asks);
    let unknown = if asks { "OFPST_UNKNOWN request" } else { "OFPST_UNKNOWN reply" };
    write_head(f, name.as_deref().unwrap_or(unknown), VERSION, xid)?;
    if flags != 0 {
        f.write_str(" flags=")?;
    }
    if flags & 1 != 0 {
        f.write_str("[more]")?;
    }
    match flags & !1 {
        0 => Ok(()),
        flags => write!(f, "[***unknown flags {flags:#06x}***]"),
    }
}

pub(super) fn write_request(f: &mut fmt::Formatter<'_>, xid: Xid, request: &MultipartRequest) -> fmt::Result {
    write_start(f, request.name(), true, xid, request.flags())?;
    write_request_body(f, request)
}

fn write_request_body(f: &mut fmt::Formatter<'_>, request: &MultipartRequest) -> fmt::Result {
    match request {
        MultipartRequest::Desc
        | MultipartRequest::Table
        | MultipartRequest::GroupFeatures
        | MultipartRequest::MeterFeatures => Ok(()),
        MultipartRequest::Flow(request) | MultipartRequest::Aggregate(request) => {
            write_flow_request(f, request)
        }
        MultipartRequest::PortStats(port) => write!(f, " port_no={port}"),
        MultipartRequest::Queue(request) => write_queue_request(f, request),
        MultipartRequest::Group(GroupId::ALL) => f.write_str(" group_id=ALL"),
        MultipartRequest::Group(GroupId::ANY) => f.write_str(" group_id=ANY"),
        MultipartRequest::Group(group) => write!(f, " group_id={group}"),
        // Later versions name a group and a port here, so Open vSwitch tells which.
        MultipartRequest::GroupDesc => f.write_str(" group_id=ALL"),
        MultipartRequest::PortDesc => write!(f, " port={}", PortNo::ANY),
        MultipartRequest::Meter(meter) | MultipartRequest::MeterConfig(meter) => {
            write_meter_request(f, *meter)
        }
        MultipartRequest::TableFeatures { tables, .. } => write_table_features(f, tables),
        MultipartRequest::FlowMonitor(all) => all.iter().try_for_each(|it| write_monitor_request(f, it)),
        MultipartRequest::Experimenter(it) => write_experimenter(f, it),
        MultipartRequest::Flagged { request, .. } => write_request_body(f, request),
        MultipartRequest::Unknown { kind, body, .. } => write!(f, " kind={kind} data={}", Hex(body)),
    }
}

fn write_meter_request(f: &mut fmt::Formatter<'_>, meter: MeterId) -> fmt::Result {
    write!(f, " meter={}", MeterName(meter))
}

fn write_flow_request(f: &mut fmt::Formatter<'_>, request: &FlowStatsRequest) -> fmt::Result {
    if request.table != TableId::ALL {
        write!(f, " table={}", request.table)?;
    }
    if request.out_port != PortNo::ANY {
        write!(f, " out_port={}", request.out_port)?;
    }
    write_match_of(f, " ", &request.match_)
}

pub(super) fn write_reply(f: &mut fmt::Formatter<'_>, xid: Xid, reply: &MultipartReply) -> fmt::Result {
    write_start(f, reply.body.name(), false, xid, reply.flags())?;
    match &reply.body {
        MultipartBody::Desc(desc) => write_desc(f, desc),
        MultipartBody::Flow(flows) => flows.iter().try_for_each(|flow| write!(f, "\n {flow}")),
        MultipartBody::Aggregate(sum) => write!(
            f,
            " packet_count={} byte_count={} flow_count={}",
            sum.packet_count, sum.byte_count, sum.flow_count
        ),
        MultipartBody::Table(tables) => write_table_stats(f, tables),
        MultipartBody::PortStats(ports) => write_port_stats(f, ports),
        MultipartBody::Queue(queues) => write_queue_stats(f, queues),
        MultipartBody::Group(groups) => groups.iter().try_for_each(|group| write_group_stats(f, group)),
        MultipartBody::GroupDesc(groups) => groups.iter().try_for_each(|group| write_group_desc(f, group)),
        MultipartBody::GroupFeatures(features) => write_group_features(f, features),
        MultipartBody::Meter(meters) => with_blank_lines(f, meters, write_meter_stats),
        MultipartBody::MeterConfig(meters) => with_blank_lines(f, meters, write_meter_config),
        MultipartBody::MeterFeatures(features) => write_meter_features(f, features),
        MultipartBody::TableFeatures(tables) => write_table_features(f, tables),
        MultipartBody::PortDesc(ports) => write_ports(f, ports),
        MultipartBody::FlowMonitor(all) => all.iter().try_for_each(|it| write_flow_update(f, it)),
        MultipartBody::Experimenter { experimenter, exp_type, parts } => {
            let (experimenter, exp_type, data) = (*experimenter, *exp_type, parts.concat().into());
            write_experimenter(f, &Experimenter { experimenter, exp_type, data })
        }
        MultipartBody::Unknown { kind, parts } => {
            write!(f, " kind={kind} data={}", Hex(&parts.concat()))
        }
    }
}

/// Each item on lines of its own, a blank line before all but the first.
fn with_blank_lines<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (n, item) in items.iter().enumerate() {
        f.write_str(if n == 0 { "\n" } else { "\n\n" })?;
        write(f, item)?;
    }
    Ok(())
}

fn write_desc(f: &mut fmt::Formatter<'_>, desc: &Desc) -> fmt::Result {
    for (name, text) in [
        ("Manufacturer", desc.manufacturer.to_str_lossy()),
        ("Hardware", desc.hardware.to_str_lossy()),
        ("Software", desc.software.to_str_lossy()),
        ("Serial Num", desc.serial.to_str_lossy()),
        ("DP Description", desc.datapath.to_str_lossy()),
    ] {
        write!(f, "\n{name}: {}", OneLine(&text))?;
    }
    Ok(())
}
