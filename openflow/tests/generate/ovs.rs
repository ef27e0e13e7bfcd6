//! Flows as Open vSwitch can have them.

use super::*;

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

/// Fields that Open vSwitch has and prints by their names: not the wide registers, which it prints as
/// narrow ones, nor those of which it prints only some, depending on others.
fn is_printed_alike(id: FieldId) -> bool {
    use FieldId::*;
    let wide = (Xreg0..=Xxreg3).contains(&id);
    let partly = matches!(
        id,
        PacketType
            | TunGbpFlags
            | RecircId
            | TunErspanIdx
            | TunErspanVer
            | TunErspanDir
            | TunErspanHwid
            | TunGtpuFlags
            | TunGtpuMsgtype
            | NshFlags
            | NshSpi
            | NshC1
            | NshMdtype
            | NshC2
            | NshC3
            | NshC4
    );
    !wide && !partly && !matches!(id, InPhyPort | PbbIsid | Ipv6Exthdr)
}

/// A match that Open vSwitch takes.
pub fn matching(g: &mut Gen) -> Match {
    let mut matched = sound_match(g, is_printed_alike);
    let registers =
        matched.fields().any(|it| it.id().is_some_and(|id| (FieldId::Reg0..=FieldId::Reg15).contains(&id)));
    if !g.standard && !registers && g.chance(6) {
        let id = g.pick(&[FieldId::Xreg0, FieldId::Xreg5, FieldId::Xxreg1, FieldId::Xxreg3]);
        matched.insert(field(g, id));
    }
    // Its port numbers have 16 bits, its ARP operations 8, and neighbour discovery has code 0.
    if matched.ingress().is_some() {
        matched.insert(OxmField::InPort(port(g)));
    }
    if let Some(OxmField::ArpOp(op)) = matched.get(FieldId::ArpOp) {
        matched.insert(OxmField::ArpOp(op & 0xff));
    }
    let discovery = [
        FieldId::Ipv6NdTarget,
        FieldId::Ipv6NdSll,
        FieldId::Ipv6NdTll,
        FieldId::NdReserved,
        FieldId::NdOptionsType,
    ];
    if discovery.iter().any(|id| matched.get(*id).is_some()) {
        matched.remove(FieldId::Icmpv6Code.key());
    }
    if let Some(OxmField::ActsetOutput(_)) = matched.get(FieldId::ActsetOutput) {
        matched.insert(OxmField::ActsetOutput(PortNo(1 + g.u32() % 0xfe00)));
    }
    // It leaves a protocol of 0 out.
    if let Some(OxmField::CtNwProto(0)) = matched.get(FieldId::CtNwProto) {
        matched.insert(OxmField::CtNwProto(6));
    }
    if let Some(OxmField::IpFrag(_)) = matched.get(FieldId::IpFrag) {
        let (value, mask) = g.pick(&[(0, None), (1, Some(1)), (1, None), (3, None), (0, Some(2))]);
        matched.insert(OxmField::IpFrag(Masked { value, mask }));
        // Later fragments have no header of the transport.
        if matched.check().is_err() {
            matched.insert(OxmField::IpFrag(0.into()));
        }
    }
    matched
}

pub(super) fn port(g: &mut Gen) -> PortNo {
    match g.below(3) {
        0 => g.pick(&[PortNo::LOCAL, PortNo::CONTROLLER]),
        _ => PortNo(1 + g.u32() % 0xfe00),
    }
}

pub(super) fn action(g: &mut Gen) -> Action {
    if !g.standard && g.chance(5) { nx_action(g) } else { standard_action(g) }
}

/// An action of OpenFlow 1.3.
fn standard_action(g: &mut Gen) -> Action {
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
            2 => Instruction::WriteActions(g.many(3, standard_action).into()),
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

pub(super) fn ordinary(g: &mut Gen) -> PortNo {
    PortNo(1 + g.u32() % 0xfe00)
}

pub(super) fn the_port(g: &mut Gen) -> Port {
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

pub(super) fn buckets(g: &mut Gen, select: bool) -> Vec<Bucket> {
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
