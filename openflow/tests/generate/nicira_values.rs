//! Open vSwitch's own actions, of any values that their types allow.

use flowbed_openflow as openflow;
use openflow::nicira::*;

use super::*;

fn subfield(g: &mut Gen) -> Subfield {
    loop {
        let field = g.field_id();
        let (offset, bits) = (g.u16() % 64, if g.chance(3) { 1 } else { 1 + g.u16() % 64 });
        if let Some(made) = Subfield::new(field, offset, bits) {
            return made;
        }
    }
}

fn port(g: &mut Gen) -> PortNo {
    if g.chance(3) { PortNo::IN_PORT } else { PortNo(g.u32() >> g.below(32)) }
}

fn learn(g: &mut Gen) -> Learn {
    let limit = g.chance(2).then(|| LearnLimit { flows: g.u32(), result: g.chance(2).then(|| subfield(g)) });
    Learn {
        idle_timeout: g.u16(),
        hard_timeout: g.u16(),
        priority: g.u16(),
        cookie: g.u64(),
        flags: LearnFlags::from_bits_retain(g.u16() % 8),
        table: TableId(g.u8()),
        fin_idle_timeout: g.u16(),
        fin_hard_timeout: g.u16(),
        limit,
        specs: g.many(3, |g| LearnSpec {
            source: if g.chance(2) {
                LearnSource::Field(subfield(g))
            } else {
                LearnSource::Value(g.some_bytes().iter().copied().collect())
            },
            target: match g.below(3) {
                0 => LearnTarget::Match(subfield(g)),
                1 => LearnTarget::Load(subfield(g)),
                _ => LearnTarget::Output(g.u16() >> g.below(16)),
            },
        }),
    }
}

fn conntrack(g: &mut Gen) -> Conntrack {
    Conntrack {
        commit: g.chance(2),
        force: g.chance(2),
        zone: if g.chance(2) { Zone::Number(g.u16()) } else { Zone::Field(subfield(g)) },
        table: g.chance(2).then(|| TableId(if g.chance(3) { 255 } else { g.u8() })),
        alg: g.u16(),
        actions: g.many(2, |g| Action::from(NxAction::Nat(nat(g)))).into_iter().collect(),
    }
}

fn nat(g: &mut Gen) -> Nat {
    Nat {
        kind: g.pick(&[None, Some(NatKind::Source), Some(NatKind::Destination)]),
        addresses: match g.below(3) {
            0 => NatAddresses::None,
            1 => NatAddresses::V4(g.u32().into(), g.chance(2).then(|| g.u32().into())),
            _ => {
                NatAddresses::V6(u128::from(g.u64()).into(), g.chance(2).then(|| u128::from(g.u64()).into()))
            }
        },
        ports: g.chance(2).then(|| (g.u16(), g.chance(2).then(|| g.u16()))),
        persistent: g.chance(2),
        hash: g.chance(2),
        random: g.chance(2),
    }
}

pub fn nx_values(g: &mut Gen) -> NxAction {
    match g.below(23) {
        0 => NxAction::Resubmit {
            in_port: port(g),
            table: g.chance(2).then(|| TableId(g.u8())),
            original_direction: g.chance(2),
        },
        1 => NxAction::SetTunnel(g.u32()),
        2 => NxAction::SetTunnel64(g.u64()),
        3 => NxAction::PopQueue,
        4 => NxAction::Move { from: subfield(g), to: subfield(g) },
        5 => NxAction::Load { to: subfield(g), value: g.u64() >> g.below(64) },
        6 => {
            let id = g.field_id();
            NxAction::SetField(field(g, id))
        }
        7 => NxAction::Note(g.some_bytes()),
        8 => NxAction::OutputField { from: subfield(g), max_len: g.u16() },
        9 => NxAction::OutputTruncated { port: port(g), max_len: g.u32() },
        10 | 11 => NxAction::Learn(learn(g)),
        12 => NxAction::Exit,
        13 => NxAction::FinTimeout { idle: g.u16(), hard: g.u16() },
        14 => NxAction::Controller(Controller {
            max_len: g.u16(),
            id: g.u16(),
            reason: g.u8().into(),
            userdata: if g.chance(2) { Bytes::new() } else { g.some_bytes() },
            pause: g.chance(2),
            meter: g.chance(2).then(|| MeterId(g.u32() >> g.below(32))),
        }),
        15 => NxAction::DecTtl(g.many(4, Gen::u16)),
        16 => NxAction::Push(subfield(g)),
        17 => NxAction::Pop(subfield(g)),
        18 => NxAction::Conjunction { id: g.u32(), clause: g.u8() % 4, clauses: g.u8() % 70 },
        19 => NxAction::Conntrack(conntrack(g)),
        20 => NxAction::Nat(nat(g)),
        21 => NxAction::Clone(g.many(2, nx_action).into_iter().collect()),
        _ => NxAction::CheckPacketLarger { length: g.u16(), to: subfield(g) },
    }
}
