//! Random rule sets, and packets that they take.

use flowbed_openflow as openflow;
use openflow::action::{Action, Actions};
use openflow::ids::{GroupId, PortNo, TableId};
use openflow::instruction::Instruction;
use openflow::msg::flow_mod::FlowMod;
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::nicira::NxAction;
use openflow::oxm::{FieldId, Maskable, Match, OxmField};
use openflow::pipeline::Packet;

use super::generate::Gen;
use super::nicira;

/// Packets for one rule set.
pub const PACKETS: usize = 10;
pub const TABLES: u8 = 4;

pub struct Case {
    pub groups: Vec<GroupMod>,
    pub flows: Vec<FlowMod>,
    pub packets: Vec<(PortNo, Vec<u8>)>,
}

pub fn case(r: &mut Gen) -> Case {
    let packets: Vec<_> = (0..PACKETS).map(|_| (PortNo(1 + r.below(4) as u32), frame(r))).collect();
    let groups: Vec<_> = (0..r.below(4)).map(|n| group(r, n as u32)).collect();
    let mut flows = Vec::new();
    for table in 0..TABLES {
        for priority in 0..1 + r.below(6) as u16 {
            flows.push(flow(r, table, priority * 7, &packets, groups.len()));
        }
        for id in 0..r.pick(&[0, 0, 1, 2]) {
            conjunction(r, table, id, &packets, &mut flows);
        }
        // Without a table-miss flow behind the first table the action set is a known difference.
        if table > 0 || r.chance(2) {
            flows.push(
                FlowMod { instructions: instructions(r, table, &Match::new(), 0), ..FlowMod::add() }
                    .table(table)
                    .priority(0),
            );
        }
    }
    Case { groups, flows, packets }
}

fn mac(r: &mut Gen) -> [u8; 6] {
    [2, 0, 0, 0, 0, 1 + r.below(3) as u8]
}

fn v4(r: &mut Gen) -> [u8; 4] {
    r.pick(&[[10, 0, 0, 1], [10, 0, 0, 2], [10, 1, 0, 1], [192, 168, 0, 1]])
}

fn v6(r: &mut Gen) -> [u8; 16] {
    let mut octets = [0; 16];
    octets[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
    octets[7] = r.below(2) as u8;
    octets[15] = 1 + r.below(2) as u8;
    octets
}

fn port(r: &mut Gen) -> u16 {
    r.pick(&[53, 80, 4000])
}

/// A frame with or without tags, now and then cut short.
fn frame(r: &mut Gen) -> Vec<u8> {
    let mut out = [mac(r), mac(r)].concat();
    for _ in 0..r.pick(&[0, 0, 0, 1, 1, 2]) {
        out.extend(r.pick(&[[0x81, 0x00], [0x88, 0xa8]]));
        out.extend([r.pick(&[0, 0x60]), r.pick(&[5, 6])]);
    }
    match r.below(10) {
        0..=3 => out.extend([&[0x08, 0x00][..], &ipv4(r)].concat()),
        4..=6 => out.extend([&[0x86, 0xdd][..], &ipv6(r)].concat()),
        7 => {
            out.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 + r.below(2) as u8]);
            out.extend([&mac(r)[..], &v4(r), &mac(r), &v4(r)].concat());
        }
        8 => {
            out.extend(r.pick(&[[0x88, 0x47], [0x88, 0x48]]));
            if r.chance(3) {
                out.extend([0, 0, 0x50 | r.pick(&[0, 2]), 64]);
            }
            out.extend([0, 0, 0x61 | r.pick(&[0, 2]), r.pick(&[0, 1, 2, 64])]);
            out.extend(ipv4(r));
        }
        _ => out.extend([&r.pick(&[[0x88, 0xcc], [0x12, 0x34], [0x00, 0x20]])[..], &[7; 40]].concat()),
    }
    if r.chance(12) {
        out.truncate(14 + r.below(out.len() - 13));
    }
    out
}

/// Protocol and payload, with checksums that need not be right: they are carried on by difference.
fn transport(r: &mut Gen, six: bool) -> (u8, Vec<u8>) {
    let ports = [port(r).to_be_bytes(), port(r).to_be_bytes()].concat();
    let rest = |n: usize| (0..n as u8).map(|b| b.wrapping_mul(37)).collect::<Vec<u8>>();
    match r.below(6) {
        0 | 1 => {
            let mut tcp = [ports, rest(16)].concat();
            tcp[12] = 0x50;
            (6, tcp)
        }
        2 => (17, [ports, vec![0, 12], r.pick(&[[0, 0], [0x12, 0x34]]).to_vec(), rest(4)].concat()),
        3 => (132, [ports, rest(16)].concat()),
        4 if !six => (1, [vec![r.pick(&[0, 8]), 0], rest(10)].concat()),
        4 => {
            let kind: u8 = r.pick(&[128, 135, 136]);
            let option = [vec![kind.saturating_sub(134), 1], mac(r).to_vec()].concat();
            match kind {
                128 => (58, [vec![128, 0], rest(10)].concat()),
                _ => (58, [vec![kind, 0, 0x12, 0x34, 0, 0, 0, 0], v6(r).to_vec(), option].concat()),
            }
        }
        _ => (r.pick(&[47, 89]), rest(12)),
    }
}

fn ipv4(r: &mut Gen) -> Vec<u8> {
    let (proto, payload) = transport(r, false);
    let fragment = r.pick(&[[0, 0], [0, 0], [0, 0], [0, 0], [0x40, 0], [0x20, 0], [0x20, 9], [0, 9]]);
    let length = (20 + payload.len() as u16).to_be_bytes();
    let head = [0x45, r.pick(&[0, 0x28, 0x29]), length[0], length[1], 0, 1, fragment[0], fragment[1]];
    let tail = [r.pick(&[64, 64, 2, 1, 0]), proto, 0x12, 0x34];
    [&head[..], &tail, &v4(r), &v4(r), &payload].concat()
}

fn ipv6(r: &mut Gen) -> Vec<u8> {
    let (mut proto, mut payload) = transport(r, true);
    if r.chance(5) {
        let kind = r.pick(&[0, 43, 44, 60]);
        let header = match kind {
            44 => [proto, 0, 0, r.pick(&[0, 1, 9]), 0, 0, 0, 1],
            _ => [proto, 0, 1, 4, 0, 0, 0, 0],
        };
        payload = [&header[..], &payload].concat();
        proto = kind;
    }
    let length = (payload.len() as u16).to_be_bytes();
    let head = [0x60 | r.pick(&[0, 2]), r.pick(&[0, 0x80]), r.pick(&[0, 9]), 7, length[0], length[1], proto];
    [&head[..], &[r.pick(&[64, 64, 2, 1, 0])], &v6(r), &v6(r), &payload].concat()
}

/// A match that takes one of the packets, or nearly.
fn matching(r: &mut Gen, packets: &[(PortNo, Vec<u8>)]) -> Match {
    let keys: Vec<_> = packets.iter().map(|(port, frame)| *Packet::new(frame, *port).key()).collect();
    let key = r.pick(&keys);
    let mut matched = Match::new();
    for id in FieldId::BASIC.iter().copied() {
        let often =
            matches!(id, FieldId::EthType | FieldId::IpProto | FieldId::Icmpv6Type | FieldId::MplsBos);
        let unknown =
            matches!(id, FieldId::InPhyPort | FieldId::PbbIsid | FieldId::Ipv6Exthdr | FieldId::TunnelId);
        if unknown || !r.chance(if often { 2 } else { 5 }) {
            continue;
        }
        let all = u128::MAX >> (128 - id.bits());
        let value = match r.below(8) {
            0 => r.pick(&keys).get(id),
            _ if id == FieldId::Metadata => r.below(4) as u128,
            _ => key.get(id),
        };
        // Neighbours are asked for with code 0: of others Open vSwitch does not know that they are.
        if id == FieldId::Icmpv6Code && value != 0 {
            continue;
        }
        let mask = match (id.maskable(), r.below(3)) {
            (Maskable::No, _) | (_, 0) => None,
            // Any tag, or the id alone where there is one.
            _ if id == FieldId::VlanVid => (value & 0x1000 != 0).then(|| r.pick(&[0x1000, 0x1fff, 0x1001])),
            (_, 1) => Some(all & !(all >> r.below(id.bits() as usize))),
            _ => Some(r.u128() & all),
        };
        let value = value & mask.unwrap_or(all);
        let Some(field) = OxmField::from_bits(id, value, mask) else { continue };
        let with = matched.clone().with(field);
        if with.check().is_ok() {
            matched = with;
        }
    }
    matched
}

fn flow(r: &mut Gen, table: u8, priority: u16, packets: &[(PortNo, Vec<u8>)], groups: usize) -> FlowMod {
    let headers = matching(r, packets);
    let matched = nicira::registers(r, headers);
    let instructions = instructions(r, table, &matched, groups);
    FlowMod { instructions, ..FlowMod::add() }
        .table(table)
        .priority(1 + priority + r.below(7) as u16)
        .matching(matched)
}

/// The flows of a conjunction, which has a priority of its own, and those that say what it does.
fn conjunction(r: &mut Gen, table: u8, id: u32, packets: &[(PortNo, Vec<u8>)], flows: &mut Vec<FlowMod>) {
    let clauses = 2 + r.below(2) as u8;
    for clause in 0..clauses {
        for _ in 0..1 + r.below(3) {
            let action = NxAction::Conjunction { id, clause, clauses };
            let part = FlowMod::add().table(table).priority(50 + id as u16).apply([action.into()]);
            let matched = if r.chance(3) { Match::new() } else { matching(r, packets) };
            // No other flow has the same match: that is a known difference.
            flows.push(part.matching(matched.with(OxmField::Reg14((0, 0x8000_0000).into()))));
        }
    }
    for n in 0..1 + r.below(2) as u16 {
        let matched = if r.chance(2) { Match::new() } else { matching(r, packets) };
        let matched = matched.with(OxmField::ConjId(id));
        let instructions = instructions(r, table, &matched, 0);
        let priority = r.pick(&[60, 45]) + 2 * n + id as u16;
        flows.push(
            FlowMod { instructions, ..FlowMod::add() }.table(table).priority(priority).matching(matched),
        );
    }
    if r.chance(20) {
        let wrong = NxAction::Conjunction { id, clause: 0, clauses: 2 };
        flows.push(FlowMod::add().table(table).apply([wrong.into(), Action::output(PortNo(1))]));
    }
}

fn instructions(r: &mut Gen, table: u8, matched: &Match, groups: usize) -> openflow::Instructions {
    let mut all = openflow::Instructions::new();
    let mut known = matched.clone();
    if r.chance(2) || table == TABLES - 1 {
        all.set(Instruction::ApplyActions(applied(r, &mut known, groups, table)));
    }
    if r.chance(6) {
        all.set(Instruction::ClearActions);
    }
    if r.chance(3) {
        all.set(Instruction::WriteActions(written(r, &mut known, groups, table)));
    }
    if r.chance(4) {
        all.set(Instruction::WriteMetadata {
            metadata: r.below(4) as u64,
            mask: r.pick(&[1, 2, 3, u64::MAX]),
        });
    }
    if table < TABLES - 1 && !r.chance(4) {
        let later = table + 1 + r.below(usize::from(TABLES - 1 - table)) as u8;
        all.set(Instruction::GotoTable(TableId(later)));
    }
    all
}

/// What can be set: by what is known of the packet, now and then anything.
fn set_field(r: &mut Gen, known: &Match) -> Option<Action> {
    use FieldId as F;
    let id = r.pick(&[
        F::EthSrc,
        F::EthDst,
        F::VlanVid,
        F::VlanPcp,
        F::IpDscp,
        F::IpEcn,
        F::Ipv4Src,
        F::Ipv4Dst,
        F::TcpSrc,
        F::TcpDst,
        F::UdpSrc,
        F::UdpDst,
        F::SctpSrc,
        F::SctpDst,
        F::ArpSpa,
        F::ArpTpa,
        F::ArpSha,
        F::ArpTha,
        F::Ipv6Src,
        F::Ipv6Dst,
        F::Ipv6Flabel,
        F::MplsLabel,
        F::MplsTc,
        F::Icmpv4Type,
        F::Icmpv4Code,
        F::ArpOp,
        F::Ipv6NdTarget,
        F::Ipv6NdSll,
        F::Ipv6NdTll,
    ]);
    let value = match id {
        F::VlanVid => 0x1000 | r.pick(&[5, 6]),
        F::Ipv4Src | F::Ipv4Dst | F::ArpSpa | F::ArpTpa => u32::from_be_bytes(v4(r)).into(),
        F::Ipv6Src | F::Ipv6Dst | F::Ipv6NdTarget => u128::from_be_bytes(v6(r)),
        F::EthSrc | F::EthDst | F::ArpSha | F::ArpTha | F::Ipv6NdSll | F::Ipv6NdTll => {
            mac(r).iter().fold(0, |all, byte| all << 8 | u128::from(*byte))
        }
        F::ArpOp => 1 + r.below(2) as u128,
        _ => r.below(1 << id.bits().min(7)) as u128,
    };
    let field = OxmField::from_bits(id, value, None)?;
    let fits =
        if id == F::VlanVid { tagged(known) } else { known.clone().with(field.clone()).check().is_ok() };
    // A flow that does not fit is refused: that is compared too.
    (fits || r.chance(60)).then_some(Action::SetField(field))
}

fn tagged(known: &Match) -> bool {
    matches!(known.get(FieldId::VlanVid), Some(OxmField::VlanVid(vid)) if vid.value.id().is_some())
}

fn actions(r: &mut Gen, known: &mut Match, groups: usize, most: usize) -> Actions {
    let mut list = Actions::new();
    for _ in 0..r.below(most + 1) {
        let kind = match known.get(FieldId::EthType) {
            Some(OxmField::EthType(kind)) => kind,
            _ => 0,
        };
        let untagged = known.get(FieldId::VlanVid) == Some(OxmField::VlanVid(openflow::VlanVid::NONE.into()));
        match r.below(14) {
            0..=3 => list.push(Action::output(output_port(r))),
            4 if groups > 0 => list.push(Action::Group(GroupId(r.below(groups) as u32))),
            5 if matches!(kind, 0x0800 | 0x86dd) => {
                list.push(if r.chance(2) { Action::DecNwTtl } else { Action::SetNwTtl(r.pick(&[0, 1, 7])) });
            }
            5 if matches!(kind, 0x8847 | 0x8848) => {
                list.push(if r.chance(2) {
                    Action::DecMplsTtl
                } else {
                    Action::SetMplsTtl(r.pick(&[0, 1, 7]))
                });
            }
            6 if untagged => {
                // All that a new tag says is set: what it takes over is a known difference.
                list.push(Action::PushVlan(r.pick(&[0x8100, 0x88a8])));
                for (id, value) in [(FieldId::VlanVid, 0x1000 | r.pick(&[5, 6])), (FieldId::VlanPcp, 3)] {
                    list.extend(OxmField::from_bits(id, value, None).map(Action::SetField));
                }
                *known = std::mem::take(known).vlan_vid(openflow::VlanVid::ANY);
            }
            7 if tagged(known) => {
                list.push(Action::PopVlan);
                known.remove(FieldId::VlanVid.key());
                known.remove(FieldId::VlanPcp.key());
            }
            8 if untagged => {
                let mpls = r.pick(&[0x8847, 0x8848]);
                list.push(Action::PushMpls(mpls));
                for (id, value) in [(FieldId::MplsLabel, 9), (FieldId::MplsTc, 1)] {
                    list.extend(OxmField::from_bits(id, value, None).map(Action::SetField));
                }
                list.push(Action::SetMplsTtl(r.pick(&[3, 64])));
                *known = Match::new().eth_type(mpls).vlan_vid(openflow::VlanVid::NONE);
            }
            9 if matches!(kind, 0x8847 | 0x8848) => {
                // What is below must be what the action says that it is.
                let next = match known.get(FieldId::MplsBos) {
                    Some(OxmField::MplsBos(1)) => 0x0800,
                    Some(OxmField::MplsBos(_)) => 0x8847,
                    _ => continue,
                };
                list.push(Action::PopMpls(next));
                let vlan = known.get(FieldId::VlanVid);
                *known = vlan.into_iter().collect::<Match>().eth_type(next);
            }
            _ => list.extend(set_field(r, known)),
        }
    }
    list
}

/// Actions, and Open vSwitch's own among them.
fn applied(r: &mut Gen, known: &mut Match, groups: usize, table: u8) -> Actions {
    let mut list = Actions::new();
    for _ in 0..1 + r.below(3) {
        list.extend(actions(r, known, groups, 2));
        for _ in 0..r.below(3) {
            list.extend(nicira::action(r, known, table));
        }
    }
    list
}

/// Likewise for an action set.
fn written(r: &mut Gen, known: &mut Match, groups: usize, table: u8) -> Actions {
    let mut list = actions(r, known, groups, 4);
    for _ in 0..r.below(3) {
        list.extend(nicira::written(r, known, table));
    }
    if table > 0 && r.chance(60) {
        // One that has no place there is refused.
        list.push(NxAction::Exit.into());
    }
    list
}

fn output_port(r: &mut Gen) -> PortNo {
    let reserved =
        [PortNo::IN_PORT, PortNo::ALL, PortNo::FLOOD, PortNo::CONTROLLER, PortNo::LOCAL, PortNo(9)];
    if r.chance(3) { r.pick(&reserved) } else { PortNo(1 + r.below(4) as u32) }
}

/// Groups of lower numbers may be forwarded to. Which bucket a select group takes is a known
/// difference, so it has one.
fn group(r: &mut Gen, id: u32) -> GroupMod {
    let kind = r.pick(&[GroupKind::All, GroupKind::Select, GroupKind::Indirect, GroupKind::FastFailover]);
    let count = if matches!(kind, GroupKind::Indirect | GroupKind::Select) { 1 } else { r.below(4) };
    let buckets: Vec<Bucket> = (0..count)
        .map(|_| {
            let actions = written(r, &mut Match::new(), id as usize, 0);
            let bucket = Bucket::new(actions);
            match kind {
                GroupKind::Select => bucket.weight(5),
                GroupKind::FastFailover => bucket.watch_port(PortNo(r.pick(&[1, 2, 9]))),
                _ => bucket,
            }
        })
        .collect();
    GroupMod::add(kind, GroupId(id), buckets)
}
