//! Random messages, of every type, from a seed.

#![allow(dead_code, reason = "each suite uses the part it needs")]

pub mod extension;
mod multipart;
pub mod nicira;
pub mod nicira_values;
pub mod ovs;
pub mod ovs_extension;
pub mod ovs_message;
mod packet;
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
use openflow::oxm::{FieldId, Maskable, Masked, Match, OxmBytes, OxmField, Prerequisite};
use openflow::{Body, Message};

pub use self::multipart::{any_reply, any_request};

/// A source of random numbers (xorshift64*).
pub struct Gen {
    state: u64,
    /// Fields and actions of OpenFlow alone, none of Open vSwitch's own.
    standard: bool,
}

impl Gen {
    pub fn new(seed: u64) -> Gen {
        Gen { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, standard: false }
    }

    /// One whose messages have fields and actions of OpenFlow alone, none of Open vSwitch's own.
    pub fn standard(seed: u64) -> Gen {
        Gen { standard: true, ..Gen::new(seed) }
    }

    pub fn field_id(&mut self) -> FieldId {
        let all = if self.standard { FieldId::BASIC } else { &FieldId::ALL };
        self.pick(all)
    }

    pub fn u64(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
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
    // What the mask of a state or a tunnel's flags leaves out is said by the mask alone.
    let whole = matches!(id, FieldId::CtState | FieldId::TunFlags).then_some(ones);
    let mask = mask.or(whole);
    OxmField::from_bits(id, g.u128() & ones, mask).expect("in range, and masked only where it can be")
}

fn any_field(g: &mut Gen) -> OxmField {
    if g.chance(10) {
        let len = g.below(20);
        let bytes = g.bytes(len);
        return OxmField::Unknown {
            class: g.pick(&[0, 2, 0x1234, 0xffff]),
            field: g.u8() & 0x7f,
            has_mask: g.chance(2),
            bytes: OxmBytes::try_from(&bytes[..]).expect("short"),
        };
    }
    let id = g.field_id();
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
        let id = g.field_id();
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
        // Established and tracked.
        Prerequisite::Connection(_) => OxmField::CtState(Masked::new(0x22, g.pick(&[0x22, 0x32, 0xff]))),
        Prerequisite::ConnectionPorts => OxmField::CtNwProto(g.pick(&[6, 17])),
    };
    let id = missing.id().expect("a field with a name");
    if matched.get(id).is_none() {
        matched.insert(missing);
        match needs {
            Prerequisite::Icmpv4 => complete(g, matched, Prerequisite::EthType(&[0x0800])),
            Prerequisite::Icmpv6 => complete(g, matched, Prerequisite::EthType(&[0x86dd])),
            Prerequisite::Connection(types) if !types.is_empty() => {
                complete(g, matched, Prerequisite::EthType(types));
            }
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

/// One of Open vSwitch's own actions: what is made of a random text.
pub fn nx_action(g: &mut Gen) -> Action {
    loop {
        let text = nicira::action(g);
        // Open vSwitch does not print what belongs to addresses where there are none.
        if text.contains("nat(src,") || text.contains("nat(dst,") {
            continue;
        }
        let read = text.parse::<Actions>();
        if let Some(action) = read.ok().and_then(|actions| actions.first().cloned()) {
            return action;
        }
    }
}

pub fn any_action(g: &mut Gen) -> Action {
    match g.below(21) {
        19 | 20 => nx_action(g),
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

fn experimenter(g: &mut Gen) -> Experimenter {
    Experimenter { experimenter: g.u32(), exp_type: g.u32(), data: g.some_bytes() }
}

/// A body of any of the 30 types, or of an unknown one.
pub fn any_body(g: &mut Gen) -> Body {
    match g.below(31) {
        0 => {
            let versions = g.many(4, |g| g.u8() % 70);
            let mut hello = Hello::new(versions);
            hello.other = g.many(2, |g| HelloElement { kind: 2 + g.u16() % 100, body: g.some_bytes() });
            if g.chance(5) {
                // Too short, or longer than there is.
                hello.rest =
                    g.pick(&[&[0u8][..], &[0, 1, 0, 3], &[0, 1, 0, 8], &[0, 1, 0xff, 0xff, 7]]).into();
            }
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
        4 if !g.standard && g.chance(2) => Body::from(extension::any_extension(g)),
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
            reason: u16::from(g.u8()).into(),
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
    SwitchConfig { fragments: (g.u16() % 4).into(), reserved: g.u16() & !3, miss_send_len: g.u16() }
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
