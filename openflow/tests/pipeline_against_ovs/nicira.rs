//! Random actions of Open vSwitch's own, and matches of the registers that they set.

use bytes::Bytes;
use flowbed_openflow as openflow;
use openflow::action::Action;
use openflow::ids::{PortNo, TableId};
use openflow::msg::packet_in::PacketInReason;
use openflow::nicira::{ActionField, Controller, NxAction, Subfield};
use openflow::oxm::{FieldId, Match, OxmField};

use super::cases::TABLES;
use super::generate::Gen;

const REGISTERS: [FieldId; 8] = [
    FieldId::Reg0,
    FieldId::Reg1,
    FieldId::Reg2,
    FieldId::Reg15,
    FieldId::Xreg0,
    FieldId::Xreg7,
    FieldId::Xxreg0,
    FieldId::Xxreg3,
];

/// Fields of headers; the later ones are there now and then.
const HEADERS: [FieldId; 16] = [
    FieldId::EthSrc,
    FieldId::EthDst,
    FieldId::VlanVid,
    FieldId::VlanPcp,
    FieldId::IpDscp,
    FieldId::Ipv4Src,
    FieldId::Ipv4Dst,
    FieldId::Ipv6Src,
    FieldId::Ipv6Dst,
    FieldId::TcpSrc,
    FieldId::TcpDst,
    FieldId::UdpSrc,
    FieldId::UdpDst,
    FieldId::ArpSpa,
    FieldId::ArpTha,
    FieldId::MplsLabel,
];

/// Adds a register or two to a match, sometimes of one twice, which is refused.
pub fn registers(r: &mut Gen, matched: Match) -> Match {
    let mut matched = matched;
    for _ in 0..r.pick(&[0, 0, 1, 1, 2]) {
        let id = r.pick(&REGISTERS);
        let mask = r.pick(&[1, 2, 3, u128::MAX >> (128 - id.bits())]);
        matched
            .extend(OxmField::from_bits(id, r.below(4) as u128 & mask, Some(mask)).map(OxmField::normalized));
    }
    matched
}

/// Some bits of a field that the packets have, now and then of one that they may not have.
fn part(r: &mut Gen, known: &Match, most: u16) -> Option<Subfield> {
    let field = match r.below(8) {
        0..=4 => r.pick(&REGISTERS).into(),
        5 => r.pick(&[ActionField::Oxm(FieldId::Metadata), ActionField::InPort]),
        _ => {
            let id = r.pick(&HEADERS);
            let tagged =
                matches!(known.get(FieldId::VlanVid), Some(OxmField::VlanVid(it)) if it.value.id().is_some());
            let there = match id {
                FieldId::VlanVid | FieldId::VlanPcp => tagged,
                _ => known.clone().with(OxmField::from_bits(id, 0, None)?).check().is_ok(),
            };
            let vlan = matches!(id, FieldId::VlanVid | FieldId::VlanPcp);
            if !there && (vlan || !r.chance(30)) {
                return None;
            }
            if id == FieldId::IpDscp { ActionField::NwTos } else { id.into() }
        }
    };
    let bits = field.bits().min(most);
    // The code point is the upper six bits of its byte.
    let least = if field == ActionField::NwTos { 2 } else { 0 };
    // A port of ingress that is cut up is seldom one.
    if r.chance(3) || field == ActionField::InPort {
        return Subfield::new(field, least, bits - least);
    }
    let count = 1 + r.below(usize::from(bits - least)) as u16;
    Subfield::new(field, least + r.below(usize::from(field.bits() - least - count) + 1) as u16, count)
}

/// Looks a packet up again, seldom in a table where it may have been: that leads far.
fn resubmit(r: &mut Gen, table: u8, own: u8) -> NxAction {
    let later = table + 1 + r.below(usize::from(TABLES - table)) as u8;
    let to = if r.chance(12) { r.pick(&[0, 1, 2, own]) } else { later };
    let in_port = if r.chance(4) { PortNo(1 + r.below(5) as u32) } else { PortNo::IN_PORT };
    NxAction::Resubmit { in_port, table: Some(TableId(to)), original_direction: false }
}

fn controller(r: &mut Gen) -> Controller {
    let reason = PacketInReason::from(r.below(3) as u8);
    let userdata = if r.chance(2) { vec![1, 2, 3].into() } else { Bytes::new() };
    Controller { id: r.below(3) as u16, reason, userdata, ..Controller::default() }
}

/// One that an action set has a place for.
pub fn written(r: &mut Gen, known: &Match, table: u8) -> Option<Action> {
    if r.chance(4) {
        return Some(resubmit(r, table, 0).into());
    }
    let one = action(r, known, table)?;
    let Action::Nicira(action) = &one else { return Some(one) };
    let fits = matches!(**action, NxAction::Load { .. } | NxAction::Move { .. } | NxAction::DecTtl(_));
    fits.then_some(one)
}

/// One of the actions.
pub fn action(r: &mut Gen, known: &Match, table: u8) -> Option<Action> {
    let action = match r.below(18) {
        10..=12 => resubmit(r, table, 0xff),
        13 => NxAction::Controller(controller(r)),
        14 => match known.get(FieldId::EthType) {
            Some(OxmField::EthType(0x0800 | 0x86dd)) => NxAction::DecTtl(vec![r.below(2) as u16, 7]),
            _ => NxAction::PopQueue,
        },
        15 => {
            let list = (0..r.below(4)).filter_map(|_| match r.below(3) {
                0 => Some(Action::output(PortNo(1 + r.below(4) as u32))),
                _ => action(r, known, table),
            });
            NxAction::Clone(list.collect())
        }
        16 => match r.below(8) {
            0 => NxAction::Exit,
            1 => NxAction::SetTunnel64(r.below(4) as u64),
            // What ARP asks for is no protocol; Open vSwitch takes it for one.
            2 if known.get(FieldId::ArpOp).is_none() => NxAction::FinTimeout { idle: 5, hard: 0 },
            3 => {
                let id = r.pick(&REGISTERS);
                let to = Subfield::new(id, r.below(id.bits() as usize) as u16, 1)?;
                NxAction::CheckPacketLarger { length: r.pick(&[40, 50, 60]), to }
            }
            _ => {
                NxAction::OutputTruncated { port: PortNo(1 + r.below(4) as u32), max_len: r.pick(&[14, 40]) }
            }
        },
        0..=2 => {
            let to = part(r, known, 64)?;
            let random = r.u128() as u64 & u64::MAX >> (64 - to.bits());
            let value = if r.chance(2) { random & 7 } else { random };
            NxAction::Load { to, value }
        }
        3 | 4 => {
            let (from, to) = (part(r, known, 128)?, part(r, known, 128)?);
            let bits = from.bits().min(to.bits());
            let cut = |it: Subfield| Subfield::new(it.field(), it.offset(), bits);
            NxAction::Move { from: cut(from)?, to: cut(to)? }
        }
        5 => NxAction::OutputField { from: part(r, known, 16)?, max_len: 0xffff },
        6 => NxAction::Push(part(r, known, 128)?),
        7 => NxAction::Pop(part(r, known, 128)?),
        8 => {
            let id = r.pick(&REGISTERS);
            let all = u128::MAX >> (128 - id.bits());
            let value = r.below(8) as u128;
            return OxmField::from_bits(id, value & all, None).map(Action::SetField);
        }
        _ => NxAction::Note(vec![1, 2, 3, 4, 5, 6].into()),
    };
    Some(action.into())
}
