//! Random messages of experimenters that this crate knows.

use flowbed_openflow as openflow;
use openflow::extension::*;

use super::*;

/// Any of them, whether a switch would take it or not.
pub fn any_extension(g: &mut Gen) -> Extension {
    match g.below(9) {
        0 => Extension::SetPacketInFormat(PacketInFormat::from(g.u32() % 5)),
        1 => Extension::SetControllerId(g.u16()),
        2 => Extension::PacketIn2(packet_in2(g)),
        3 => Extension::Resume(packet_in2(g)),
        4 => Extension::BundleControl(BundleControl {
            bundle: BundleId(g.u32()),
            step: (g.u16() % 9).into(),
            flags: flags(g),
        }),
        5 => Extension::BundleAdd(BundleAdd {
            bundle: BundleId(g.u32()),
            flags: flags(g),
            body: Box::new(in_a_bundle(any_body, g)),
        }),
        6 => Extension::FlowMonitorCancel(MonitorId(g.u32())),
        7 => Extension::FlowMonitorPaused,
        _ => Extension::FlowMonitorResumed,
    }
}

fn flags(g: &mut Gen) -> BundleFlags {
    BundleFlags::from_bits_retain(if g.chance(9) { g.u16() } else { g.u16() % 4 })
}

/// A modification, or a packet to send.
pub fn in_a_bundle(make: fn(&mut Gen) -> Body, g: &mut Gen) -> Body {
    loop {
        let body = make(g);
        if matches!(body, Body::FlowMod(_) | Body::GroupMod(_) | Body::PortMod(_) | Body::PacketOut(_)) {
            return body;
        }
    }
}

fn maybe<T>(g: &mut Gen, make: impl FnOnce(&mut Gen) -> T) -> Option<T> {
    g.chance(2).then(|| make(g))
}

fn packet_in2(g: &mut Gen) -> PacketIn2 {
    let length = 1 + g.below(40);
    PacketIn2 {
        packet: g.bytes(length),
        full_len: maybe(g, |g| length as u32 + g.u32() / 2),
        buffer: maybe(g, |g| BufferId(g.u32())),
        table: maybe(g, |g| TableId(g.u8())),
        cookie: maybe(g, Gen::u64),
        reason: maybe(g, |g| g.u8().into()),
        metadata: maybe(g, any_match),
        continuation: maybe(g, Gen::some_bytes),
        userdata: maybe(g, Gen::some_bytes),
        unknown: g.many(2, |g| PacketInProperty { kind: 9 + g.u16() % 0xfff0, body: g.some_bytes() }),
    }
}

pub fn monitor_request(g: &mut Gen) -> FlowMonitorRequest {
    FlowMonitorRequest {
        id: MonitorId(g.u32()),
        flags: MonitorFlags::from_bits_retain(g.u16()),
        out_port: port(g),
        table: TableId(g.u8()),
        match_: any_match(g),
    }
}

pub fn flow_update(g: &mut Gen) -> FlowUpdate {
    if g.chance(5) {
        return FlowUpdate::Abbreviated(Xid(g.u32()));
    }
    FlowUpdate::Full(Box::new(MonitoredFlow {
        event: (g.u16() % 3).into(),
        reason: g.u16().into(),
        priority: g.u16(),
        idle_timeout: g.u16(),
        hard_timeout: g.u16(),
        table: TableId(g.u8()),
        cookie: g.u64(),
        match_: any_match(g),
        instructions: any_instructions(g),
    }))
}
