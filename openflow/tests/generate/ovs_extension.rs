//! Messages of experimenters as Open vSwitch can have them and prints them.

use flowbed_openflow as openflow;
use openflow::PacketInReason;
use openflow::extension::*;

use super::extension::{any_extension, flow_update, in_a_bundle, monitor_request};
use super::*;

pub fn extension(g: &mut Gen) -> Extension {
    match any_extension(g) {
        Extension::SetPacketInFormat(_) => Extension::SetPacketInFormat(PacketInFormat::from(g.u32() % 3)),
        Extension::PacketIn2(it) => Extension::PacketIn2(packet_in2(it, g)),
        Extension::Resume(it) => Extension::Resume(packet_in2(it, g)),
        Extension::BundleControl(it) => {
            // A step without a name it prints as nothing at all.
            Extension::BundleControl(BundleControl { step: (g.u16() % 8).into(), ..it })
        }
        Extension::BundleAdd(it) => {
            let body = Box::new(in_a_bundle(ovs_message::body, g));
            Extension::BundleAdd(BundleAdd { body, ..it })
        }
        other => other,
    }
}

fn packet_in2(it: PacketIn2, g: &mut Gen) -> PacketIn2 {
    let packet = packet::packet(g);
    let longer = packet.len() as u32 + g.u32() % 1000;
    PacketIn2 {
        full_len: it.full_len.map(|_| longer),
        packet,
        cookie: it.cookie.map(|cookie| if g.chance(3) { 0 } else { cookie }),
        table: it.table.map(|_| TableId(g.u8() % 254)),
        reason: Some(PacketInReason::from(g.u8() % 6)),
        metadata: Some(Match::new().in_port(PortNo(1 + g.u32() % 0xfe00)).metadata(g.u64())),
        // What is in it is Open vSwitch's secret.
        continuation: None,
        // It complains of those that it does not know.
        unknown: Vec::new(),
        ..it
    }
}

pub fn monitor_requests(g: &mut Gen) -> Vec<FlowMonitorRequest> {
    g.many(3, |g| FlowMonitorRequest {
        // It wants one of add, delete and modify.
        flags: MonitorFlags::from_bits_retain(g.u16() & 0x3f | g.pick(&[2, 4, 8])),
        out_port: if g.chance(2) { PortNo::ANY } else { PortNo(1 + g.u32() % 100) },
        table: if g.chance(3) { TableId::ALL } else { TableId(g.u8() % 254) },
        match_: ovs::flow_stats(g).match_,
        ..monitor_request(g)
    })
}

pub fn flow_updates(g: &mut Gen) -> Vec<FlowUpdate> {
    g.many(3, |g| match flow_update(g) {
        FlowUpdate::Full(it) => {
            let flow = ovs::flow_stats(g);
            FlowUpdate::Full(Box::new(MonitoredFlow {
                reason: (g.u16() % 6).into(),
                // It does not print it.
                priority: 0x8000,
                idle_timeout: if g.chance(2) { 0 } else { it.idle_timeout },
                hard_timeout: if g.chance(2) { 0 } else { it.hard_timeout },
                table: TableId(g.u8() % 254),
                cookie: if g.chance(3) { 0 } else { it.cookie },
                match_: flow.match_,
                instructions: flow.instructions,
                ..*it
            }))
        }
        abbreviated => abbreviated,
    })
}
