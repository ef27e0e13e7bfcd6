//! Messages that Open vSwitch reads without complaint.

use bytes::BytesMut;

use super::ovs::{action, buckets, flow_stats, matching, ordinary, port, the_port};
use super::*;

fn bands(g: &mut Gen) -> Vec<MeterBand> {
    g.many(4, |g| {
        let (rate, burst) = (g.u32(), g.u32());
        match g.below(2) {
            0 => MeterBand::Drop { rate, burst },
            _ => MeterBand::DscpRemark { rate, burst, prec_level: g.u8() % 8 },
        }
    })
}

fn request(g: &mut Gen) -> MultipartRequest {
    let request = plain_request(g);
    multipart::some_flags(g, request)
}

fn plain_request(g: &mut Gen) -> MultipartRequest {
    match multipart::request(g) {
        MultipartRequest::Flow(_) => MultipartRequest::Flow(filter(g)),
        MultipartRequest::Aggregate(_) => MultipartRequest::Aggregate(filter(g)),
        MultipartRequest::PortStats(_) => MultipartRequest::PortStats(any_or_one(g)),
        MultipartRequest::Queue(_) => {
            let queue = if g.chance(2) { QueueId::ALL } else { QueueId(g.u32()) };
            MultipartRequest::Queue(QueueStatsRequest { port: any_or_one(g), queue })
        }
        MultipartRequest::Group(_) => {
            let special = g.pick(&[GroupId::ALL, GroupId::ANY]);
            MultipartRequest::Group(if g.chance(3) { special } else { GroupId(g.u32()) })
        }
        MultipartRequest::Meter(_) => MultipartRequest::Meter(meter(g)),
        MultipartRequest::MeterConfig(_) => MultipartRequest::MeterConfig(meter(g)),
        MultipartRequest::TableFeatures { more, .. } if g.chance(2) => {
            MultipartRequest::TableFeatures { more, tables: tables(g) }
        }
        MultipartRequest::TableFeatures { more, .. } => {
            MultipartRequest::TableFeatures { more, tables: Vec::new() }
        }
        MultipartRequest::FlowMonitor(_) => MultipartRequest::FlowMonitor(ovs_extension::monitor_requests(g)),
        MultipartRequest::Experimenter(_) | MultipartRequest::Unknown { .. } => MultipartRequest::Desc,
        other => other,
    }
}

fn any_or_one(g: &mut Gen) -> PortNo {
    if g.chance(3) { PortNo::ANY } else { port(g) }
}

fn meter(g: &mut Gen) -> MeterId {
    if g.chance(3) {
        return g.pick(&[MeterId::ALL, MeterId::CONTROLLER, MeterId::SLOWPATH]);
    }
    MeterId(g.u32())
}

fn filter(g: &mut Gen) -> FlowStatsRequest {
    FlowStatsRequest {
        table: if g.chance(3) { TableId::ALL } else { TableId(g.u8()) },
        out_port: any_or_one(g),
        out_group: GroupId(g.u32()),
        cookie: g.u64(),
        cookie_mask: g.u64(),
        match_: matching(g),
    }
}

fn reply(g: &mut Gen) -> MultipartReply {
    let mut reply = any_reply(g);
    match &mut reply.body {
        MultipartBody::Flow(flows) => *flows = g.many(3, flow_stats),
        MultipartBody::Table(all) => {
            // In a row, and often alike.
            for (n, it) in (0..).zip(all) {
                *it = TableStats {
                    table: TableId(n),
                    active_count: u32::from(g.chance(2)),
                    lookup_count: 7,
                    matched_count: 0,
                };
            }
        }
        MultipartBody::PortStats(all) => {
            for it in all {
                it.port = port(g);
                for counter in [&mut it.rx_packets, &mut it.rx_crc_err, &mut it.collisions] {
                    *counter = unknown_or(g, *counter);
                }
                it.age.secs = if g.chance(3) { u32::MAX } else { it.age.secs };
            }
        }
        MultipartBody::Queue(all) => {
            for it in all {
                it.port = port(g);
                it.tx_errors = unknown_or(g, it.tx_errors);
                it.queue = if g.chance(3) { QueueId::ALL } else { it.queue };
                it.age.secs = if g.chance(3) { u32::MAX } else { it.age.secs };
            }
        }
        MultipartBody::PortDesc(all) => all.iter_mut().for_each(|it| *it = the_port(g)),
        MultipartBody::GroupDesc(all) => {
            for group in all {
                (group.kind, group.buckets) = kind_and_buckets(g);
            }
        }
        MultipartBody::GroupFeatures(features) => {
            // Of what is not there it tells nothing.
            features.kinds &= 0xf;
            features.actions.iter_mut().for_each(|actions| *actions &= 0x03ff_8001);
        }
        MultipartBody::Meter(all) => all.iter_mut().for_each(|it| it.meter = meter(g)),
        MultipartBody::MeterConfig(all) => {
            for meter in all {
                meter.flags = meter_flags(g);
                meter.bands = bands(g);
            }
        }
        MultipartBody::TableFeatures(all) => {
            *all = tables(g);
            // A reply has at least one.
            all.resize_with(all.len().max(1), || TableFeatures {
                properties: properties(g),
                ..TableFeatures::default()
            });
        }
        MultipartBody::FlowMonitor(all) => *all = ovs_extension::flow_updates(g),
        MultipartBody::Experimenter { .. } | MultipartBody::Unknown { .. } => {
            reply.body = MultipartBody::PortDesc(vec![]);
        }
        _ => {}
    }
    reply
}

fn unknown_or(g: &mut Gen, counter: u64) -> u64 {
    if g.chance(3) { u64::MAX } else { counter }
}

fn meter_flags(g: &mut Gen) -> MeterFlags {
    MeterFlags::from_bits_retain(g.u16() & if g.chance(4) { 0xffff } else { 0xf })
}

/// A fast failover group's buckets watch something, an indirect one has a single bucket.
fn kind_and_buckets(g: &mut Gen) -> (GroupKind, Vec<Bucket>) {
    let kind = g.pick(&[GroupKind::All, GroupKind::Select, GroupKind::Indirect, GroupKind::FastFailover]);
    let mut all = buckets(g, kind == GroupKind::Select);
    match kind {
        GroupKind::Indirect => {
            all.truncate(1);
            if all.is_empty() {
                all.push(Bucket::new([Action::PopVlan]));
            }
        }
        GroupKind::FastFailover => {
            for bucket in &mut all {
                bucket.watch_port = ordinary(g);
                bucket.watch_group = if g.chance(2) { GroupId::ANY } else { GroupId(g.u32() % 1000) };
            }
        }
        _ => {}
    }
    (kind, all)
}

/// Tables in a row, each often like the one before it. All properties are there: it insists.
fn tables(g: &mut Gen) -> Vec<TableFeatures> {
    let mut all: Vec<TableFeatures> = Vec::new();
    for n in 0..g.below(5) {
        let mut table = match all.last() {
            Some(before) if g.chance(2) => before.clone(),
            _ => TableFeatures { properties: properties(g), ..TableFeatures::default() },
        };
        table.table = TableId(n as u8 + u8::from(g.chance(4)));
        if g.chance(4) {
            table.name = g.name();
            table.metadata_match = u64::from(g.u8() & 3);
            table.max_entries = u32::from(g.u8() & 1);
        }
        if g.chance(3) {
            let again = properties(g);
            // Those that are always there, so that none comes twice.
            let at = g.below(8);
            table.properties[at] = again[at].clone();
        }
        all.push(table);
    }
    all
}

fn properties(g: &mut Gen) -> Vec<TableProperty> {
    let instructions = |g: &mut Gen| g.many(4, |g| FeatureId::new(1 + g.u16() % 6));
    let actions =
        |g: &mut Gen| g.many(2, |g| FeatureId::new(g.pick(&[0, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25])));
    let tables = |g: &mut Gen| g.many(4, |g| TableId(g.u8() % 9));
    let mut all = vec![
        TableProperty::Instructions(Of::Hit, instructions(g)),
        TableProperty::NextTables(Of::Hit, tables(g)),
        TableProperty::WriteActions(Of::Hit, actions(g)),
        TableProperty::ApplyActions(Of::Hit, actions(g)),
        TableProperty::Match(oxms(g, true)),
        TableProperty::Wildcards(oxms(g, false)),
        TableProperty::WriteSetField(Of::Hit, oxms(g, false)),
        TableProperty::ApplySetField(Of::Hit, oxms(g, false)),
    ];
    if g.chance(3) {
        all.push(TableProperty::Instructions(Of::Miss, instructions(g)));
    }
    if g.chance(3) {
        all.push(TableProperty::NextTables(Of::Miss, tables(g)));
    }
    if g.chance(3) {
        all.push(TableProperty::ApplyActions(Of::Miss, actions(g)));
    }
    if g.chance(3) {
        all.push(TableProperty::WriteSetField(Of::Miss, oxms(g, false)));
    }
    all
}

/// Headers of basic fields and of registers.
fn oxms(g: &mut Gen, masks: bool) -> Vec<OxmId> {
    let most = g.pick(&[2, 8, 40]);
    g.many(most, |g| {
        if g.chance(3) {
            return OxmId { header: 0x0001_0004 | u32::from(g.u8() % 16) << 9, experimenter: None };
        }
        let id = g.pick(FieldId::BASIC);
        // It has no such fields.
        let lacking = [FieldId::InPhyPort, FieldId::PbbIsid, FieldId::Ipv6Exthdr];
        let id = if lacking.contains(&id) { FieldId::EthDst } else { id };
        let mask = u32::from(masks && id.maskable() != Maskable::No && g.chance(2));
        let len = id.wire_len() as u32 * (1 + mask);
        OxmId { header: 0x8000_0000 | (id as u32) << 9 | mask << 8 | len, experimenter: None }
    })
}

/// A message that an error is about: whole, cut, or with bytes behind it.
fn failed(g: &mut Gen) -> Bytes {
    let mut wire = BytesMut::new();
    let failed = match body(g) {
        // An error in an error is one too many.
        Body::Error(_) => Body::FeaturesRequest,
        other => other,
    };
    failed.encode(Xid(g.u32()), &mut wire).expect("short enough");
    match g.below(4) {
        0 => wire.truncate(g.below(wire.len() + 1)),
        1 => wire.extend_from_slice(&[0; 3]),
        _ => {}
    }
    wire.freeze()
}

/// Any of them; those with an error carry another of them, whole or cut.
pub fn body(g: &mut Gen) -> Body {
    match any_body(g) {
        Body::Hello(_) => {
            let versions = g.many(4, |g| 1 + g.u8() % 31);
            let mut hello = Hello::new(versions);
            hello.version = 4;
            hello.other = g.many(1, |g| HelloElement { kind: 2 + g.u16() % 100, body: g.bytes(12) });
            Body::Hello(hello)
        }
        Body::Error(_) => {
            let mut kind = ErrorKind::from_numbers(g.u16() % 14, g.u16() % 16);
            if kind.name().is_none() {
                kind = ErrorKind::from_numbers(1, 0);
            }
            let text = matches!(kind, ErrorKind::HelloFailed(_));
            let data = if text { Bytes::from_static(b"no \"version\" in common\n\xff") } else { failed(g) };
            Body::Error(ErrorMsg { kind, data })
        }
        Body::FeaturesReply(it) => Body::FeaturesReply(Features {
            // It keeps no others.
            capabilities: Capabilities::from_bits_retain(it.capabilities.bits() & 0x16f),
            ..it
        }),
        Body::Extension(_) => Body::from(ovs_extension::extension(g)),
        Body::Experimenter(_) | Body::Unknown { .. } => Body::BarrierRequest,
        Body::GetConfigReply(_) => Body::GetConfigReply(switch_config(g)),
        Body::SetConfig(_) => Body::SetConfig(switch_config(g)),
        Body::PacketIn(it) => Body::PacketIn(PacketIn {
            data: if g.chance(9) { it.data.clone() } else { packet::packet(g) },
            reason: (g.u8() % 6).into(),
            table: TableId(g.u8() % 254),
            match_: Match::new().in_port(ordinary(g)).metadata(g.u64()).tunnel_id(g.u64() & 1),
            total_len: if g.chance(2) { it.data.len() as u16 } else { it.total_len },
            cookie: if g.chance(3) { u64::MAX } else { it.cookie },
            ..it
        }),
        Body::FlowRemoved(it) => Body::FlowRemoved(FlowRemoved {
            priority: if g.chance(3) { 0x8000 } else { it.priority },
            cookie: if g.chance(3) { 0 } else { it.cookie },
            hard_timeout: if g.chance(3) { 0 } else { it.hard_timeout },
            reason: (g.u16() % 8).into(),
            table: if g.chance(9) { TableId::ALL } else { TableId(g.u8() % 254) },
            match_: matching(g),
            ..it
        }),
        Body::PortStatus(_) => {
            Body::PortStatus(PortStatus { reason: (g.u8() % 3).into(), port: the_port(g) })
        }
        Body::PacketOut(it) => {
            Body::PacketOut(PacketOut { in_port: port(g), actions: g.many(3, action).into(), ..it })
        }
        Body::FlowMod(it) => Body::FlowMod(FlowMod {
            command: (g.u8() % 5).into(),
            table: TableId(g.u8() % 100),
            out_port: any_or_one(g),
            priority: if g.chance(3) { 0x8000 } else { it.priority },
            cookie: if g.chance(3) { 0 } else { it.cookie },
            cookie_mask: if g.chance(3) { 0 } else { it.cookie_mask },
            idle_timeout: if g.chance(3) { 0 } else { it.idle_timeout },
            hard_timeout: if g.chance(3) { 0 } else { it.hard_timeout },
            flags: FlowModFlags::from_bits_truncate(g.u16() & 0x1f),
            match_: matching(g),
            // Which actions go with which match is checked here, unlike in statistics.
            instructions: Instructions::apply([Action::Output { port: ordinary(g), max_len: 0 }]),
            ..it
        }),
        Body::GroupMod(_) => {
            let (kind, buckets) = kind_and_buckets(g);
            let group = GroupId(g.u32() % 1000);
            match g.below(4) {
                0 => Body::GroupMod(GroupMod::delete(group)),
                1 => Body::GroupMod(GroupMod::delete(GroupId::ALL)),
                2 => Body::GroupMod(GroupMod::modify(kind, group, buckets)),
                _ => Body::GroupMod(GroupMod::add(kind, group, buckets)),
            }
        }
        Body::PortMod(it) => Body::PortMod(PortMod {
            port: ordinary(g),
            config: PortConfig::from_bits_truncate(g.u32() & 0x65),
            mask: PortConfig::from_bits_truncate(g.u32() & 0x65),
            advertise: PortFeatures::from_bits_truncate(g.u32() & if g.chance(3) { 0 } else { 0xffff }),
            ..it
        }),
        Body::TableMod(_) => {
            let table = if g.chance(3) { TableId::ALL } else { TableId(g.u8()) };
            Body::TableMod(TableMod { table, config: 0 })
        }
        Body::MultipartRequest(_) => Body::MultipartRequest(request(g)),
        Body::MultipartReply(_) => Body::MultipartReply(reply(g)),
        Body::QueueGetConfigRequest(_) => {
            let port = if g.chance(3) { PortNo::ANY } else { ordinary(g) };
            Body::QueueGetConfigRequest(port)
        }
        Body::QueueGetConfigReply(_) => {
            let port = ordinary(g);
            let queues = g.many(3, |g| Queue {
                queue: QueueId(g.u32()),
                port,
                properties: g.many(3, |g| {
                    let rate = if g.chance(2) { g.u16() % 1002 } else { g.u16() | 0xfffe };
                    if g.chance(2) { QueueProperty::MinRate(rate) } else { QueueProperty::MaxRate(rate) }
                }),
            });
            Body::QueueGetConfigReply(QueueConfig { port, queues })
        }
        Body::RoleRequest(it) => Body::RoleRequest(Role { kind: (g.u32() % 4).into(), ..it }),
        Body::RoleReply(it) => {
            let generation_id = unknown_or(g, it.generation_id);
            Body::RoleReply(Role { kind: (g.u32() % 4).into(), generation_id })
        }
        Body::GetAsyncReply(_) => Body::GetAsyncReply(reasons(g)),
        Body::SetAsync(_) => Body::SetAsync(reasons(g)),
        Body::MeterMod(_) => Body::MeterMod(MeterMod {
            command: g.pick(&[MeterModCommand::Add, MeterModCommand::Modify]),
            // A change has one unit, and no flags that mean nothing.
            flags: g.pick(&[MeterFlags::KBPS, MeterFlags::PKTPS, MeterFlags::KBPS | MeterFlags::BURST]),
            meter: meter(g),
            bands: bands(g),
        }),
        other => other,
    }
}

fn switch_config(g: &mut Gen) -> SwitchConfig {
    SwitchConfig::new((g.u16() % 4).into(), g.u16())
}

fn reasons(g: &mut Gen) -> AsyncConfig {
    let mut masks = |of: u32| ReasonMasks { master: g.u32() % of, slave: g.u32() % of };
    AsyncConfig { packet_in: masks(8), port_status: masks(8), flow_removed: masks(64) }
}
