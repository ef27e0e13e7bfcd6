//! Random messages, of every type, from a seed.

#![allow(dead_code, reason = "each suite uses the part it needs")]

pub mod text;

use bytes::Bytes;
use flowbed_openflow as openflow;
use openflow::action::{Action, Actions};
use openflow::error::{ErrorKind, ErrorMsg};
use openflow::ids::*;
use openflow::instruction::{Instruction, Instructions};
use openflow::msg::async_config::{AsyncConfig, ReasonMasks};
use openflow::msg::config::SwitchConfig;
use openflow::msg::experimenter::Experimenter;
use openflow::msg::features::{Capabilities, Features};
use openflow::msg::flow_mod::{FlowMod, FlowModFlags};
use openflow::msg::flow_removed::{Age, FlowRemoved};
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::msg::hello::{Hello, HelloElement};
use openflow::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use openflow::msg::packet_in::PacketIn;
use openflow::msg::packet_out::PacketOut;
use openflow::msg::port::{Port, PortConfig, PortFeatures, PortMod, PortState, PortStatus};
use openflow::msg::queue::{Queue, QueueConfig, QueueProperty};
use openflow::msg::role::Role;
use openflow::msg::table_mod::TableMod;
use openflow::multipart::table_features::{FeatureId, Of, OxmId};
use openflow::multipart::*;
use openflow::oxm::{FieldId, Maskable, Match, OxmBytes, OxmField, Prerequisite};
use openflow::{Body, Message};

/// A source of random numbers (xorshift64*).
pub struct Gen(u64);

impl Gen {
    pub fn new(seed: u64) -> Gen {
        Gen(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn u32(&mut self) -> u32 {
        (self.u64() >> 32) as u32
    }

    pub fn u16(&mut self) -> u16 {
        (self.u64() >> 48) as u16
    }

    pub fn u8(&mut self) -> u8 {
        (self.u64() >> 56) as u8
    }

    pub fn u128(&mut self) -> u128 {
        u128::from(self.u64()) << 64 | u128::from(self.u64())
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.u64() >> 32) as usize % n
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn many<T>(&mut self, most: usize, mut one: impl FnMut(&mut Gen) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }

    pub fn bytes(&mut self, len: usize) -> Bytes {
        (0..len).map(|_| self.u8()).collect()
    }

    fn some_bytes(&mut self) -> Bytes {
        let len = self.below(80);
        self.bytes(len)
    }

    fn name<const N: usize>(&mut self) -> openflow::msg::fixed_str::FixedStr<N> {
        let len = self.below(N);
        let name: String = (0..len).map(|_| char::from(b'a' + self.u8() % 26)).collect();
        name.as_str().try_into().expect("shorter than the field, and letters only")
    }

    fn mac(&mut self) -> MacAddr {
        MacAddr(std::array::from_fn(|_| self.u8()))
    }

    fn buffer(&mut self) -> Option<BufferId> {
        Some(BufferId(self.u32())).filter(|id| id.0 != u32::MAX && self.chance(2))
    }

    fn age(&mut self) -> Age {
        Age { secs: self.u32(), nanos: self.u32() }
    }
}

/// A field with any value that it can have.
pub fn field(g: &mut Gen, id: FieldId) -> OxmField {
    let ones = u128::MAX >> (128 - id.bits());
    let mask = (id.maskable() != Maskable::No && g.chance(3)).then(|| g.u128() & ones);
    OxmField::from_bits(id, g.u128() & ones, mask).expect("in range, and masked only where it can be")
}

fn any_field(g: &mut Gen) -> OxmField {
    if g.chance(10) {
        let len = g.below(20);
        let bytes = g.bytes(len);
        return OxmField::Unknown {
            class: g.pick(&[0, 1, 0x1234, 0xffff]),
            field: g.u8() & 0x7f,
            has_mask: g.chance(2),
            bytes: OxmBytes::try_from(&bytes[..]).expect("short"),
        };
    }
    let id = g.pick(&FieldId::ALL);
    field(g, id)
}

/// A match of any fields, whether they make sense together or not.
pub fn any_match(g: &mut Gen) -> Match {
    g.many(6, any_field).into_iter().collect()
}

/// A match that a switch can take: every field has what it needs.
pub fn sound_match(g: &mut Gen, usable: impl Fn(FieldId) -> bool) -> Match {
    let mut matched = Match::new();
    for _ in 0..g.below(7) {
        let id = g.pick(&FieldId::ALL);
        if !usable(id) || matched.get(id).is_some() {
            continue;
        }
        let mut wider = matched.clone().with(field(g, id));
        complete(g, &mut wider, id.prerequisite());
        if wider.check().is_ok() {
            matched = wider;
        }
    }
    matched
}

fn complete(g: &mut Gen, matched: &mut Match, needs: Prerequisite) {
    let missing = match needs {
        Prerequisite::None => return,
        Prerequisite::InPort => field(g, FieldId::InPort),
        Prerequisite::VlanTag => OxmField::VlanVid(openflow::oxm::VlanVid::tagged(g.u16()).into()),
        Prerequisite::EthType(types) => OxmField::EthType(g.pick(types)),
        Prerequisite::IpProto(proto) => OxmField::IpProto(proto),
        Prerequisite::Icmpv4 => OxmField::IpProto(1),
        Prerequisite::Icmpv6 => OxmField::IpProto(58),
        Prerequisite::Icmpv6Type(types) => OxmField::Icmpv6Type(g.pick(types)),
    };
    let id = missing.id().expect("a basic field");
    if matched.get(id).is_none() {
        matched.insert(missing);
        match needs {
            Prerequisite::Icmpv4 => complete(g, matched, Prerequisite::EthType(&[0x0800])),
            Prerequisite::Icmpv6 => complete(g, matched, Prerequisite::EthType(&[0x86dd])),
            _ => complete(g, matched, id.prerequisite()),
        }
    }
}

fn port(g: &mut Gen) -> PortNo {
    match g.below(4) {
        0 => g.pick(&[PortNo::IN_PORT, PortNo::FLOOD, PortNo::ALL, PortNo::CONTROLLER, PortNo::LOCAL]),
        1 => PortNo(g.u32()),
        _ => PortNo(1 + g.u32() % 100),
    }
}

pub fn any_action(g: &mut Gen) -> Action {
    match g.below(19) {
        0 => Action::CopyTtlOut,
        1 => Action::CopyTtlIn,
        2 => Action::SetMplsTtl(g.u8()),
        3 => Action::DecMplsTtl,
        4 => Action::PushVlan(g.u16()),
        5 => Action::PopVlan,
        6 => Action::PushMpls(g.u16()),
        7 => Action::PopMpls(g.u16()),
        8 => Action::SetQueue(QueueId(g.u32())),
        9 => Action::Group(GroupId(g.u32())),
        10 => Action::SetNwTtl(g.u8()),
        11 => Action::DecNwTtl,
        12 => Action::PushPbb(g.u16()),
        13 => Action::PopPbb,
        14 => {
            let len = 8 * g.below(5);
            Action::Experimenter { experimenter: g.u32(), body: g.bytes(len) }
        }
        15 => {
            let len = 4 + 8 * g.below(5);
            Action::Unknown { kind: 40 + g.u16() % 1000, body: g.bytes(len) }
        }
        16 => Action::SetField(any_field(g)),
        _ => Action::Output { port: port(g), max_len: g.u16() },
    }
}

pub fn any_actions(g: &mut Gen) -> Actions {
    g.many(5, any_action).into()
}

pub fn any_instructions(g: &mut Gen) -> Instructions {
    let one = |g: &mut Gen| match g.below(8) {
        0 => Instruction::GotoTable(TableId(g.u8())),
        1 => Instruction::WriteMetadata { metadata: g.u64(), mask: g.u64() },
        2 => Instruction::WriteActions(any_actions(g)),
        3 => Instruction::ClearActions,
        4 => Instruction::Meter(MeterId(g.u32())),
        5 => {
            let len = 8 * g.below(5);
            Instruction::Experimenter { experimenter: g.u32(), body: g.bytes(len) }
        }
        6 => {
            let len = 4 + 8 * g.below(5);
            Instruction::Unknown { kind: 7 + g.u16() % 1000, body: g.bytes(len) }
        }
        _ => Instruction::ApplyActions(any_actions(g)),
    };
    g.many(4, one).into()
}

fn some_port(g: &mut Gen) -> Port {
    Port {
        number: port(g),
        hw_addr: g.mac(),
        name: g.name(),
        config: PortConfig::from_bits_retain(g.u32()),
        state: PortState::from_bits_retain(g.u32()),
        curr: PortFeatures::from_bits_retain(g.u32()),
        advertised: PortFeatures::from_bits_retain(g.u32()),
        supported: PortFeatures::from_bits_retain(g.u32()),
        peer: PortFeatures::from_bits_retain(g.u32()),
        curr_speed: g.u32(),
        max_speed: g.u32(),
    }
}

fn bucket(g: &mut Gen) -> Bucket {
    Bucket { weight: g.u16(), watch_port: port(g), watch_group: GroupId(g.u32()), actions: any_actions(g) }
}

fn band(g: &mut Gen) -> MeterBand {
    let (rate, burst) = (g.u32(), g.u32());
    match g.below(4) {
        0 => MeterBand::DscpRemark { rate, burst, prec_level: g.u8() },
        1 => MeterBand::Experimenter { rate, burst, experimenter: g.u32(), body: g.some_bytes() },
        2 => MeterBand::Unknown { kind: 3 + g.u16() % 1000, body: g.some_bytes() },
        _ => MeterBand::Drop { rate, burst },
    }
}

fn queue_property(g: &mut Gen) -> QueueProperty {
    match g.below(4) {
        0 => QueueProperty::MaxRate(g.u16()),
        1 => QueueProperty::Experimenter { experimenter: g.u32(), body: g.some_bytes() },
        2 => QueueProperty::Unknown { kind: 3 + g.u16() % 1000, body: g.some_bytes() },
        _ => QueueProperty::MinRate(g.u16()),
    }
}

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
        14 => MultipartRequest::Experimenter(experimenter(g)),
        _ => MultipartRequest::Unknown { kind: 14 + g.u16() % 1000, flags: g.u16(), body: g.some_bytes() },
    }
}

fn experimenter(g: &mut Gen) -> Experimenter {
    Experimenter { experimenter: g.u32(), exp_type: g.u32(), data: g.some_bytes() }
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
        14 => MultipartBody::Experimenter {
            experimenter: g.u32(),
            exp_type: g.u32(),
            parts: vec![g.some_bytes()],
        },
        _ => MultipartBody::Unknown { kind: 14 + g.u16() % 1000, parts: vec![g.some_bytes()] },
    };
    MultipartReply { more: g.chance(2), body }
}

/// A body of any of the 30 types, or of an unknown one.
pub fn any_body(g: &mut Gen) -> Body {
    match g.below(31) {
        0 => {
            let versions = g.many(4, |g| g.u8() % 70);
            let mut hello = Hello::new(versions);
            hello.other = g.many(2, |g| HelloElement { kind: 2 + g.u16() % 100, body: g.some_bytes() });
            Body::Hello(hello)
        }
        1 => {
            let kind = match g.below(4) {
                0 => ErrorKind::Experimenter { exp_type: g.u16(), experimenter: g.u32() },
                1 => ErrorKind::from_numbers(20 + g.u16() % 1000, g.u16()),
                _ => ErrorKind::from_numbers(g.u16() % 14, g.u16() % 20),
            };
            Body::Error(ErrorMsg { kind, data: g.some_bytes() })
        }
        2 => Body::EchoRequest(g.some_bytes()),
        3 => Body::EchoReply(g.some_bytes()),
        4 => Body::Experimenter(experimenter(g)),
        5 => Body::FeaturesRequest,
        6 => Body::FeaturesReply(Features {
            datapath_id: DatapathId(g.u64()),
            n_buffers: g.u32(),
            n_tables: g.u8(),
            auxiliary_id: g.u8(),
            capabilities: Capabilities::from_bits_retain(g.u32()),
        }),
        7 => Body::GetConfigRequest,
        8 => Body::GetConfigReply(config(g)),
        9 => Body::SetConfig(config(g)),
        10 => Body::PacketIn(PacketIn {
            buffer: g.buffer(),
            total_len: g.u16(),
            reason: g.u8().into(),
            table: TableId(g.u8()),
            cookie: g.u64(),
            match_: any_match(g),
            data: g.some_bytes(),
        }),
        11 => Body::FlowRemoved(FlowRemoved {
            cookie: g.u64(),
            priority: g.u16(),
            reason: g.u8().into(),
            table: TableId(g.u8()),
            age: g.age(),
            idle_timeout: g.u16(),
            hard_timeout: g.u16(),
            packet_count: g.u64(),
            byte_count: g.u64(),
            match_: any_match(g),
        }),
        12 => Body::PortStatus(PortStatus { reason: g.u8().into(), port: some_port(g) }),
        13 => Body::PacketOut(PacketOut {
            buffer: g.buffer(),
            in_port: port(g),
            actions: any_actions(g),
            data: g.some_bytes(),
        }),
        14 => Body::FlowMod(FlowMod {
            cookie: g.u64(),
            cookie_mask: g.u64(),
            table: TableId(g.u8()),
            command: g.u8().into(),
            idle_timeout: g.u16(),
            hard_timeout: g.u16(),
            priority: g.u16(),
            buffer: g.buffer(),
            out_port: port(g),
            out_group: GroupId(g.u32()),
            flags: FlowModFlags::from_bits_retain(g.u16()),
            match_: any_match(g),
            instructions: any_instructions(g),
        }),
        15 => Body::GroupMod(GroupMod {
            command: g.u16().into(),
            kind: g.u8().into(),
            group: GroupId(g.u32()),
            buckets: g.many(4, bucket),
        }),
        16 => Body::PortMod(PortMod {
            port: port(g),
            hw_addr: g.mac(),
            config: PortConfig::from_bits_retain(g.u32()),
            mask: PortConfig::from_bits_retain(g.u32()),
            advertise: PortFeatures::from_bits_retain(g.u32()),
        }),
        17 => Body::TableMod(TableMod { table: TableId(g.u8()), config: g.u32() }),
        18 => Body::MultipartRequest(any_request(g)),
        19 => Body::MultipartReply(any_reply(g)),
        20 => Body::BarrierRequest,
        21 => Body::BarrierReply,
        22 => Body::QueueGetConfigRequest(port(g)),
        23 => Body::QueueGetConfigReply(QueueConfig {
            port: port(g),
            queues: g.many(3, |g| Queue {
                queue: QueueId(g.u32()),
                port: port(g),
                properties: g.many(3, queue_property),
            }),
        }),
        24 => Body::RoleRequest(role(g)),
        25 => Body::RoleReply(role(g)),
        26 => Body::GetAsyncRequest,
        27 => Body::GetAsyncReply(async_config(g)),
        28 => Body::SetAsync(async_config(g)),
        29 => Body::MeterMod(MeterMod {
            command: g.u16().into(),
            flags: MeterFlags::from_bits_retain(g.u16()),
            meter: MeterId(g.u32()),
            bands: g.many(4, band),
        }),
        _ => Body::Unknown { msg_type: 30 + g.u8() % 200, payload: g.some_bytes() },
    }
}

fn config(g: &mut Gen) -> SwitchConfig {
    SwitchConfig { fragments: g.u16().into(), miss_send_len: g.u16() }
}

fn role(g: &mut Gen) -> Role {
    Role { kind: g.u32().into(), generation_id: g.u64() }
}

fn async_config(g: &mut Gen) -> AsyncConfig {
    let mut masks = || ReasonMasks { master: g.u32(), slave: g.u32() };
    AsyncConfig { packet_in: masks(), port_status: masks(), flow_removed: masks() }
}

pub fn any_message(g: &mut Gen) -> Message {
    Message { xid: Xid(g.u32()), body: any_body(g) }
}

/// Fields that Open vSwitch's set-field action takes.
const SETTABLE: [FieldId; 24] = [
    FieldId::Metadata,
    FieldId::TunnelId,
    FieldId::EthSrc,
    FieldId::EthDst,
    FieldId::VlanVid,
    FieldId::VlanPcp,
    FieldId::IpDscp,
    FieldId::IpEcn,
    FieldId::Ipv4Src,
    FieldId::Ipv4Dst,
    FieldId::Ipv6Src,
    FieldId::Ipv6Dst,
    FieldId::Ipv6Flabel,
    FieldId::TcpSrc,
    FieldId::TcpDst,
    FieldId::UdpSrc,
    FieldId::UdpDst,
    FieldId::SctpSrc,
    FieldId::SctpDst,
    FieldId::ArpSpa,
    FieldId::ArpTpa,
    FieldId::ArpSha,
    FieldId::ArpTha,
    FieldId::MplsLabel,
];

/// Flows as Open vSwitch can have them.
pub mod ovs {
    use super::*;

    /// A match that Open vSwitch takes.
    pub fn matching(g: &mut Gen) -> Match {
        let mut matched =
            sound_match(g, |id| !matches!(id, FieldId::InPhyPort | FieldId::PbbIsid | FieldId::Ipv6Exthdr));
        // Its port numbers have 16 bits, its ARP operations 8, and neighbour discovery has code 0.
        if matched.ingress().is_some() {
            matched.insert(OxmField::InPort(port(g)));
        }
        if let Some(OxmField::ArpOp(op)) = matched.get(FieldId::ArpOp) {
            matched.insert(OxmField::ArpOp(op & 0xff));
        }
        let discovery = [FieldId::Ipv6NdTarget, FieldId::Ipv6NdSll, FieldId::Ipv6NdTll];
        if discovery.iter().any(|id| matched.get(*id).is_some()) {
            matched.remove(openflow::oxm::CLASS_BASIC, FieldId::Icmpv6Code as u8);
        }
        matched
    }

    fn port(g: &mut Gen) -> PortNo {
        match g.below(3) {
            0 => g.pick(&[PortNo::LOCAL, PortNo::CONTROLLER]),
            _ => PortNo(1 + g.u32() % 0xfe00),
        }
    }

    fn action(g: &mut Gen) -> Action {
        match g.below(14) {
            0 => Action::SetMplsTtl(g.u8()),
            1 => Action::DecMplsTtl,
            2 => Action::PushVlan(g.pick(&[0x8100, 0x88a8])),
            3 => Action::PopVlan,
            4 => Action::PushMpls(g.pick(&[0x8847, 0x8848])),
            5 => Action::PopMpls(g.u16()),
            6 => Action::SetQueue(QueueId(g.u32() % 1000)),
            7 => Action::Group(GroupId(g.u32() % 0xff00)),
            8 => Action::SetNwTtl(g.u8()),
            9 => Action::DecNwTtl,
            10 | 11 => {
                let id = g.pick(&SETTABLE);
                let ones = u128::MAX >> (128 - id.bits());
                // Open vSwitch sets the id of a VLAN tag, so the bit that says that there is one is on.
                let present = if id == FieldId::VlanVid { 0x1000 } else { 0 };
                let value = g.u128() & ones | present;
                Action::SetField(OxmField::from_bits(id, value, None).expect("in range"))
            }
            _ => Action::Output {
                port: match g.below(3) {
                    0 => g.pick(&[PortNo::IN_PORT, PortNo::FLOOD, PortNo::ALL, PortNo::NORMAL]),
                    _ => port(g),
                },
                max_len: g.u16(),
            },
        }
    }

    /// Instructions that Open vSwitch can have, each at most once.
    pub fn instructions(g: &mut Gen) -> Instructions {
        let mut all = Instructions::new();
        for _ in 0..g.below(4) {
            all.set(match g.below(7) {
                0 => Instruction::GotoTable(TableId(g.u8() % 254)),
                1 => Instruction::WriteMetadata { metadata: g.u64(), mask: g.pick(&[u64::MAX, 0xff]) },
                2 => Instruction::WriteActions(g.many(3, action).into()),
                3 => Instruction::ClearActions,
                4 => Instruction::Meter(MeterId(1 + g.u32() % 1000)),
                _ => Instruction::ApplyActions(g.many(4, action).into()),
            });
        }
        all
    }

    /// A flow with its counters.
    pub fn flow_stats(g: &mut Gen) -> FlowStats {
        let rarely = |g: &mut Gen| if g.chance(3) { g.u16() } else { 0 };
        FlowStats {
            table: TableId(g.u8() % 254),
            age: Age { secs: g.u32() >> 1, nanos: g.u32() % 1_000_000_000 },
            priority: if g.chance(3) { 0x8000 } else { g.u16() },
            idle_timeout: rarely(g),
            hard_timeout: rarely(g),
            flags: FlowModFlags::from_bits_truncate(g.u16() & 0b1_1011),
            cookie: if g.chance(2) { 0 } else { g.u64() },
            packet_count: g.u64() >> 20,
            byte_count: g.u64() >> 20,
            match_: matching(g),
            instructions: instructions(g),
        }
    }

    /// An action that can be done to any packet.
    fn common_action(g: &mut Gen) -> Action {
        match g.below(8) {
            0 => Action::PushMpls(g.pick(&[0x8847, 0x8848])),
            1 => Action::SetQueue(QueueId(g.u32() % 1000)),
            2 => Action::Group(GroupId(g.u32() % 0xff00)),
            3 => {
                let id = g.pick(&[FieldId::EthSrc, FieldId::EthDst, FieldId::Metadata, FieldId::TunnelId]);
                let ones = u128::MAX >> (128 - id.bits());
                Action::SetField(OxmField::from_bits(id, g.u128() & ones, None).expect("in range"))
            }
            4 => Action::Output { port: PortNo::CONTROLLER, max_len: g.u16() },
            5 => Action::output(g.pick(&[PortNo::IN_PORT, PortNo::FLOOD, PortNo::ALL, PortNo::NORMAL])),
            _ => Action::output(ordinary(g)),
        }
    }

    /// Without what Open vSwitch prints and can't read back: IPv6 masks that start with a digit,
    /// which it takes for the length of a prefix.
    fn readable(matched: Match) -> Match {
        let fields = matched.fields().map(|field| match (field.id(), field.to_bits()) {
            (Some(id), Some((value, mask))) if id.bits() == 128 => {
                let mask = if mask == u128::MAX { None } else { Some(mask | 0xf << 124) };
                OxmField::from_bits(id, value, mask).expect("it was one before")
            }
            _ => field,
        });
        fields.collect()
    }

    /// A flow to be added; its text says all of it.
    pub fn flow_mod(g: &mut Gen) -> FlowMod {
        let stats = flow_stats(g);
        let mut flow = FlowMod::add()
            .table(g.u8() % 100)
            .priority(stats.priority)
            .cookie(stats.cookie)
            .idle_timeout(stats.idle_timeout)
            .hard_timeout(stats.hard_timeout)
            .flags(FlowModFlags::from_bits_truncate(g.u16() & 0x1f))
            .matching(readable(stats.match_));
        if g.chance(4) {
            flow = flow.meter(1 + g.u32() % 1000);
        }
        flow = flow.apply(g.many(4, common_action));
        if g.chance(4) {
            flow = flow.clear();
        }
        if g.chance(4) {
            let actions = [common_action(g), common_action(g)];
            flow = flow.write(actions);
        }
        if g.chance(4) {
            flow = flow.write_metadata(g.u64(), g.pick(&[u64::MAX, 0xff]));
        }
        if g.chance(4) {
            flow = flow.goto_table(100 + g.u8() % 100);
        }
        let does_something = |it: &Instruction| *it != Instruction::ApplyActions(Actions::new());
        flow.instructions = flow.instructions.into_iter().filter(does_something).collect();
        flow
    }

    fn ordinary(g: &mut Gen) -> PortNo {
        PortNo(1 + g.u32() % 0xfe00)
    }

    fn the_port(g: &mut Gen) -> Port {
        Port {
            number: ordinary(g),
            config: PortConfig::from_bits_truncate(g.u32() & 0x65),
            state: PortState::from_bits_truncate(g.u32() & 7),
            curr: PortFeatures::from_bits_truncate(g.u32() & 0xffff),
            advertised: PortFeatures::from_bits_truncate(g.u32() & 0xffff),
            supported: PortFeatures::from_bits_truncate(g.u32() & 0xffff),
            peer: PortFeatures::from_bits_truncate(g.u32() & 0xffff),
            ..some_port(g)
        }
    }

    fn buckets(g: &mut Gen, select: bool) -> Vec<Bucket> {
        g.many(4, |g| Bucket {
            weight: if select { g.u16() } else { 0 },
            watch_port: PortNo::ANY,
            watch_group: GroupId::ANY,
            actions: g.many(3, action).into(),
        })
    }

    /// Groups or meters as Open vSwitch has them, which it can also be told to add.
    pub fn described(g: &mut Gen) -> MultipartBody {
        if g.chance(2) {
            let select = g.chance(2);
            return MultipartBody::GroupDesc(g.many(3, |g| GroupDesc {
                kind: if select { GroupKind::Select } else { GroupKind::All },
                group: GroupId(g.u32() % 0xffff),
                buckets: buckets(g, select),
            }));
        }
        MultipartBody::MeterConfig(g.many(3, |g| {
            let unit = g.pick(&[MeterFlags::KBPS, MeterFlags::PKTPS]);
            let burst = g.chance(2);
            let some = |g: &mut Gen| (1 + (g.u32() >> 1), if burst { 1 + (g.u32() >> 1) } else { 0 });
            let mut bands = Vec::new();
            for _ in 0..1 + g.below(3) {
                let (rate, burst) = some(g);
                bands.push(match g.below(2) {
                    0 => MeterBand::Drop { rate, burst },
                    _ => MeterBand::DscpRemark { rate, burst, prec_level: 1 + g.u8() % 7 },
                });
            }
            MeterConfig {
                flags: if burst { unit | MeterFlags::BURST } else { unit },
                meter: MeterId(1 + g.u32() % 1000),
                bands,
            }
        }))
    }

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
        match any_request(g) {
            MultipartRequest::Flow(_) => MultipartRequest::Flow(filter(g)),
            MultipartRequest::Aggregate(_) => MultipartRequest::Aggregate(filter(g)),
            MultipartRequest::PortStats(_) => MultipartRequest::PortStats(ordinary(g)),
            MultipartRequest::Queue(_) => {
                MultipartRequest::Queue(QueueStatsRequest { port: ordinary(g), queue: QueueId(1) })
            }
            MultipartRequest::TableFeatures { .. } => MultipartRequest::table_features(),
            MultipartRequest::Experimenter(_) | MultipartRequest::Unknown { .. } => MultipartRequest::Desc,
            other => other,
        }
    }

    fn filter(g: &mut Gen) -> FlowStatsRequest {
        FlowStatsRequest {
            table: TableId(g.u8()),
            out_port: ordinary(g),
            match_: matching(g),
            ..FlowStatsRequest::all()
        }
    }

    fn reply(g: &mut Gen) -> MultipartReply {
        let mut reply = any_reply(g);
        match &mut reply.body {
            MultipartBody::Flow(flows) => *flows = g.many(3, flow_stats),
            MultipartBody::PortStats(all) => all.iter_mut().for_each(|it| it.port = ordinary(g)),
            MultipartBody::Queue(all) => all.iter_mut().for_each(|it| it.port = ordinary(g)),
            MultipartBody::PortDesc(all) => all.iter_mut().for_each(|it| *it = the_port(g)),
            MultipartBody::GroupDesc(all) => {
                for group in all {
                    let select = g.chance(2);
                    group.kind = if select { GroupKind::Select } else { GroupKind::All };
                    group.buckets = buckets(g, select);
                }
            }
            MultipartBody::MeterConfig(all) => {
                for meter in all {
                    meter.flags = MeterFlags::from_bits_truncate(g.u16() & 0xf);
                    meter.bands = bands(g);
                }
            }
            // What a table can do is held together by rules of its own; a capture stands for it.
            MultipartBody::TableFeatures(_)
            | MultipartBody::Experimenter { .. }
            | MultipartBody::Unknown { .. } => reply.body = MultipartBody::PortDesc(vec![]),
            _ => {}
        }
        reply
    }

    /// A message that Open vSwitch reads without complaint.
    pub fn body(g: &mut Gen) -> Body {
        match any_body(g) {
            Body::Hello(_) => Body::Hello(Hello::new([1, 4])),
            Body::Error(_) => Body::BarrierReply,
            Body::Experimenter(_) | Body::Unknown { .. } => Body::BarrierRequest,
            Body::GetConfigReply(_) | Body::SetConfig(_) => {
                Body::SetConfig(SwitchConfig { fragments: (g.u16() % 3).into(), miss_send_len: g.u16() })
            }
            Body::PacketIn(it) => Body::PacketIn(PacketIn {
                reason: (g.u8() % 3).into(),
                table: TableId(g.u8() % 254),
                match_: Match::new().in_port(ordinary(g)).metadata(g.u64()),
                total_len: it.data.len() as u16,
                ..it
            }),
            Body::FlowRemoved(it) => Body::FlowRemoved(FlowRemoved {
                reason: (g.u8() % 4).into(),
                table: TableId(g.u8() % 254),
                match_: matching(g),
                ..it
            }),
            Body::PortStatus(_) => {
                Body::PortStatus(PortStatus { reason: (g.u8() % 3).into(), port: the_port(g) })
            }
            Body::PacketOut(it) => Body::PacketOut(PacketOut {
                buffer: None,
                in_port: ordinary(g),
                actions: g.many(3, action).into(),
                ..it
            }),
            Body::FlowMod(it) => Body::FlowMod(FlowMod {
                command: (g.u8() % 5).into(),
                table: TableId(g.u8() % 100),
                out_port: ordinary(g),
                flags: FlowModFlags::from_bits_truncate(g.u16() & 0x1f),
                match_: matching(g),
                // Which actions go with which match is checked here, unlike in statistics.
                instructions: Instructions::apply([Action::Output { port: ordinary(g), max_len: 0 }]),
                ..it
            }),
            Body::GroupMod(_) => {
                let select = g.chance(2);
                let kind = if select { GroupKind::Select } else { GroupKind::All };
                let group = GroupId(g.u32() % 1000);
                Body::GroupMod(GroupMod::add(kind, group, buckets(g, select)))
            }
            Body::PortMod(it) => Body::PortMod(PortMod {
                port: ordinary(g),
                config: PortConfig::from_bits_truncate(g.u32() & 0x65),
                mask: PortConfig::from_bits_truncate(g.u32() & 0x65),
                advertise: PortFeatures::from_bits_truncate(g.u32() & 0xffff),
                ..it
            }),
            Body::TableMod(_) => Body::TableMod(TableMod { table: TableId(g.u8()), config: 0 }),
            Body::MultipartRequest(_) => Body::MultipartRequest(request(g)),
            Body::MultipartReply(_) => Body::MultipartReply(reply(g)),
            Body::QueueGetConfigRequest(_) => Body::QueueGetConfigRequest(ordinary(g)),
            Body::QueueGetConfigReply(_) => {
                let port = ordinary(g);
                let queues = g.many(3, |g| Queue {
                    queue: QueueId(g.u32()),
                    port,
                    properties: vec![QueueProperty::MinRate(g.u16()), QueueProperty::MaxRate(g.u16())],
                });
                Body::QueueGetConfigReply(QueueConfig { port, queues })
            }
            Body::RoleRequest(it) | Body::RoleReply(it) => {
                Body::RoleRequest(Role { kind: (g.u32() % 4).into(), ..it })
            }
            Body::GetAsyncReply(_) | Body::SetAsync(_) => Body::SetAsync(AsyncConfig {
                packet_in: ReasonMasks { master: g.u32() % 8, slave: g.u32() % 8 },
                port_status: ReasonMasks { master: g.u32() % 8, slave: g.u32() % 8 },
                flow_removed: ReasonMasks { master: g.u32() % 16, slave: g.u32() % 16 },
            }),
            Body::MeterMod(_) => Body::MeterMod(MeterMod {
                command: MeterModCommand::Add,
                flags: MeterFlags::KBPS,
                meter: MeterId(1 + g.u32() % 1000),
                bands: bands(g),
            }),
            other => other,
        }
    }
}
