//! Multipart requests and replies of every kind.

use super::*;

fn flow_request(g: &mut Gen) -> FlowStatsRequest {
    FlowStatsRequest {
        table: TableId(g.u8()),
        out_port: port(g),
        out_group: GroupId(g.u32()),
        cookie: g.u64(),
        cookie_mask: g.u64(),
        match_: any_match(g),
    }
}

fn table_features(g: &mut Gen) -> TableFeatures {
    TableFeatures {
        table: TableId(g.u8()),
        name: g.name(),
        metadata_match: g.u64(),
        metadata_write: g.u64(),
        config: g.u32(),
        max_entries: g.u32(),
        properties: g.many(5, table_property),
    }
}

fn table_property(g: &mut Gen) -> TableProperty {
    let of = g.pick(&[Of::Hit, Of::Miss]);
    let feature = |g: &mut Gen| match g.below(5) {
        0 => FeatureId { kind: 0xffff, body: g.bytes(4) },
        _ => FeatureId::new(g.u16() % 30),
    };
    let oxm = |g: &mut Gen| match g.below(5) {
        0 => OxmId { header: 0xffff_0000 | u32::from(g.u16()), experimenter: Some(g.u32()) },
        _ => OxmId { header: 0x8000_0000 | u32::from(g.u16()), experimenter: None },
    };
    match g.below(9) {
        0 => TableProperty::Instructions(of, g.many(5, feature)),
        1 => TableProperty::NextTables(of, g.many(9, |g| TableId(g.u8()))),
        2 => TableProperty::WriteActions(of, g.many(5, feature)),
        3 => TableProperty::ApplyActions(of, g.many(5, feature)),
        4 => TableProperty::Match(g.many(5, oxm)),
        5 => TableProperty::Wildcards(g.many(5, oxm)),
        6 => TableProperty::WriteSetField(of, g.many(5, oxm)),
        7 => TableProperty::ApplySetField(of, g.many(5, oxm)),
        _ => TableProperty::Unknown { kind: g.pick(&[0xfffe, 0xffff, 9, 77]), body: g.some_bytes() },
    }
}

pub fn any_request(g: &mut Gen) -> MultipartRequest {
    let request = request(g);
    some_flags(g, request)
}

/// Now and then with flags that its kind has not.
pub(super) fn some_flags(g: &mut Gen, request: MultipartRequest) -> MultipartRequest {
    let flags = g.u16() & !1;
    match request {
        MultipartRequest::Unknown { .. } => request,
        _ if flags != 0 && !g.standard && g.chance(8) => {
            MultipartRequest::Flagged { flags, request: Box::new(request) }
        }
        _ => request,
    }
}

pub(super) fn request(g: &mut Gen) -> MultipartRequest {
    match g.below(16) {
        0 => MultipartRequest::Desc,
        1 => MultipartRequest::Flow(flow_request(g)),
        2 => MultipartRequest::Aggregate(flow_request(g)),
        3 => MultipartRequest::Table,
        4 => MultipartRequest::PortStats(port(g)),
        5 => MultipartRequest::Queue(QueueStatsRequest { port: port(g), queue: QueueId(g.u32()) }),
        6 => MultipartRequest::Group(GroupId(g.u32())),
        7 => MultipartRequest::GroupDesc,
        8 => MultipartRequest::GroupFeatures,
        9 => MultipartRequest::Meter(MeterId(g.u32())),
        10 => MultipartRequest::MeterConfig(MeterId(g.u32())),
        11 => MultipartRequest::MeterFeatures,
        12 => MultipartRequest::TableFeatures { more: g.chance(2), tables: g.many(3, table_features) },
        13 => MultipartRequest::PortDesc,
        14 if !g.standard && g.chance(2) => {
            MultipartRequest::FlowMonitor(g.many(3, extension::monitor_request))
        }
        14 => MultipartRequest::Experimenter(experimenter(g)),
        _ => MultipartRequest::Unknown { kind: 14 + g.u16() % 1000, flags: g.u16(), body: g.some_bytes() },
    }
}

pub fn any_reply(g: &mut Gen) -> MultipartReply {
    let body = match g.below(16) {
        0 => MultipartBody::Desc(Desc {
            manufacturer: g.name(),
            hardware: g.name(),
            software: g.name(),
            serial: g.name(),
            datapath: g.name(),
        }),
        1 => MultipartBody::Flow(g.many(4, |g| FlowStats {
            table: TableId(g.u8()),
            age: g.age(),
            priority: g.u16(),
            idle_timeout: g.u16(),
            hard_timeout: g.u16(),
            flags: FlowModFlags::from_bits_retain(g.u16()),
            cookie: g.u64(),
            packet_count: g.u64(),
            byte_count: g.u64(),
            match_: any_match(g),
            instructions: any_instructions(g),
        })),
        2 => MultipartBody::Aggregate(AggregateStats {
            packet_count: g.u64(),
            byte_count: g.u64(),
            flow_count: g.u32(),
        }),
        3 => MultipartBody::Table(g.many(5, |g| TableStats {
            table: TableId(g.u8()),
            active_count: g.u32(),
            lookup_count: g.u64(),
            matched_count: g.u64(),
        })),
        4 => MultipartBody::PortStats(g.many(5, |g| PortStats {
            port: port(g),
            rx_packets: g.u64(),
            tx_packets: g.u64(),
            rx_bytes: g.u64(),
            tx_bytes: g.u64(),
            rx_dropped: g.u64(),
            tx_dropped: g.u64(),
            rx_errors: g.u64(),
            tx_errors: g.u64(),
            rx_frame_err: g.u64(),
            rx_over_err: g.u64(),
            rx_crc_err: g.u64(),
            collisions: g.u64(),
            age: g.age(),
        })),
        5 => MultipartBody::Queue(g.many(5, |g| QueueStats {
            port: port(g),
            queue: QueueId(g.u32()),
            tx_bytes: g.u64(),
            tx_packets: g.u64(),
            tx_errors: g.u64(),
            age: g.age(),
        })),
        6 => MultipartBody::Group(g.many(4, |g| GroupStats {
            group: GroupId(g.u32()),
            ref_count: g.u32(),
            packet_count: g.u64(),
            byte_count: g.u64(),
            age: g.age(),
            buckets: g.many(3, |g| BucketStats { packet_count: g.u64(), byte_count: g.u64() }),
        })),
        7 => MultipartBody::GroupDesc(g.many(4, |g| GroupDesc {
            kind: g.u8().into(),
            group: GroupId(g.u32()),
            buckets: g.many(3, bucket),
        })),
        8 => MultipartBody::GroupFeatures(GroupFeatures {
            kinds: g.u32(),
            capabilities: GroupCapabilities::from_bits_retain(g.u32()),
            max_groups: std::array::from_fn(|_| g.u32()),
            actions: std::array::from_fn(|_| g.u32()),
        }),
        9 => MultipartBody::Meter(g.many(4, |g| MeterStats {
            meter: MeterId(g.u32()),
            flow_count: g.u32(),
            packet_in_count: g.u64(),
            byte_in_count: g.u64(),
            age: g.age(),
            bands: g.many(3, |g| MeterBandStats { packet_count: g.u64(), byte_count: g.u64() }),
        })),
        10 => MultipartBody::MeterConfig(g.many(4, |g| MeterConfig {
            flags: MeterFlags::from_bits_retain(g.u16()),
            meter: MeterId(g.u32()),
            bands: g.many(3, band),
        })),
        11 => MultipartBody::MeterFeatures(MeterFeatures {
            max_meters: g.u32(),
            band_kinds: g.u32(),
            capabilities: g.u32(),
            max_bands: g.u8(),
            max_color: g.u8(),
        }),
        12 => MultipartBody::TableFeatures(g.many(3, table_features)),
        13 => MultipartBody::PortDesc(g.many(5, some_port)),
        14 if !g.standard && g.chance(2) => MultipartBody::FlowMonitor(g.many(3, extension::flow_update)),
        14 => MultipartBody::Experimenter {
            experimenter: g.u32(),
            exp_type: g.u32(),
            parts: vec![g.some_bytes()],
        },
        _ => MultipartBody::Unknown { kind: 14 + g.u16() % 1000, parts: vec![g.some_bytes()] },
    };
    let reserved = if !g.standard && g.chance(8) { g.u16() & !1 } else { 0 };
    MultipartReply { more: g.chance(2), reserved, body }
}
