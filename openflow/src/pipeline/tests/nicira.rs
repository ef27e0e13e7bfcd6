//! What Open vSwitch has besides OpenFlow (`ovs-actions(7)`, `ovs-fields(7)`).

use super::*;
use crate::action::Action;
use crate::error::{BadAction, BadMatch};
use crate::msg::packet_out::PacketOut;
use crate::nicira::{NxAction, Subfield};
use crate::oxm::{FieldId, Match, OxmField};

/// "xreg0 is reg0 and reg1, the former the more significant" (`ovs-fields(7)`, "Register Fields");
/// registers are zero at first, and stay from table to table.
#[test]
fn registers_are_set_and_matched() {
    let mut it = bench();
    it.add(&[
        "in_port=1,reg0=0,actions=set_field:0x100000002->xreg0,goto_table:1",
        "table=1,priority=2,reg0=1,reg1=0x2/0xf,actions=load:7->NXM_NX_XXREG3[96..127],push_vlan:0x8100,goto_table:2",
        "table=1,priority=1,actions=output:4",
        "table=2,reg12=7,xreg0=0x100000002,actions=controller",
    ]);
    let told = it.receive(1, &plain()).packet_ins;
    let told: Vec<_> = told[0].match_.fields().collect();
    let register = |id, value| OxmField::from_bits(id, value, None).unwrap();
    for field in [register(FieldId::Reg0, 1), register(FieldId::Reg1, 2), register(FieldId::Reg12, 7)] {
        assert!(told.contains(&field), "{field:?} of {told:?}");
    }
    let twice = Match::new().with(register(FieldId::Reg0, 1)).with(register(FieldId::Xreg0, 1));
    let refused = it.tell(FlowMod::add().matching(twice)).err();
    assert_eq!(refused, Some(BadMatch::DupField.into()));
}

/// `load` and `move` set bits and leave the others; checksums follow.
#[test]
fn bits_are_loaded_and_moved() {
    let mut it = bench();
    it.add(&[
        "in_port=1,ip,actions=load:9->NXM_OF_IP_DST[0..7],output:2",
        "in_port=2,ip,actions=load:0x0a000009->NXM_NX_REG3[],move:NXM_NX_REG3[0..7]->NXM_OF_IP_DST[0..7],output:1",
        "in_port=3,ip,actions=load:4->NXM_OF_IN_PORT[],output:3,output:4",
    ]);
    assert_eq!(it.receive(1, &plain()).frames, [(PortNo(2), udp([10, 0, 0, 9], 64))]);
    assert_eq!(it.receive(2, &plain()).frames, [(PortNo(1), udp([10, 0, 0, 9], 64))]);
    assert_eq!(it.ports(3, &plain()), [3], "it is as if it had come in on port 4");
}

/// "The output port may be read from a field"; values beyond 16 bits are no port.
#[test]
fn a_register_tells_the_port() {
    let mut it = bench();
    it.add(&[
        "in_port=1,actions=load:3->NXM_NX_REG0[16..31],output:NXM_NX_REG0[16..31],output:NXM_NX_REG0[]",
        "in_port=2,actions=load:0xfffd->NXM_NX_REG0[0..15],output:NXM_NX_REG0[]",
        "in_port=3,actions=load:3->NXM_NX_REG0[],output:NXM_NX_REG0[]",
    ]);
    assert_eq!(it.ports(1, &plain()), [3]);
    assert_eq!(it.receive(2, &plain()).packet_ins.len(), 1);
    assert!(it.ports(3, &plain()).is_empty(), "not to where it came from");
}

/// "If more bits are popped than were pushed, the entry is left-padded with zeros; if fewer, bits
/// are trimmed from the left."
#[test]
fn what_is_pushed_is_popped_in_turn() {
    let mut it = bench();
    it.add(&[
        "in_port=1,actions=load:0x12ff03->NXM_NX_REG0[],push:NXM_NX_REG0[],push:NXM_NX_REG0[0..3],\
         load:0xffff->NXM_NX_REG1[],pop:NXM_NX_REG1[],pop:NXM_NX_REG2[0..7],note:01.02,goto_table:1",
        "table=1,reg1=3,reg2=3,actions=output:2",
    ]);
    assert_eq!(it.ports(1, &plain()), [2]);
    let mut endless = vec![Action::from(NxAction::Push(Subfield::whole(FieldId::Reg0))); 4096];
    endless.push(Action::output(PortNo(2)));
    let out = |actions: &[Action]| PacketOut::new(plain().into(), actions.to_vec());
    assert_eq!(it.tell(out(&endless)).unwrap().frames.len(), 1);
    endless.insert(0, endless[0].clone());
    let told = it.tell(out(&endless)).unwrap();
    assert_eq!((told.frames.len(), &told.dropped[..]), (0, &[Dropped::Exhausted][..]));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut it = bench();
    for (text, error) in [
        ("ip,actions=load:5->NXM_NX_IP_TTL[]", BadAction::BadSetType),
        ("actions=push:NXM_NX_TUN_IPV4_DST[]", BadAction::BadSetType),
        ("actions=write_actions(load:1->NXM_NX_REG0[])", BadAction::BadType),
        ("actions=resubmit(,1)", BadAction::BadExperimenter),
    ] {
        assert_eq!(it.tell(flow(text)).err(), Some(error.into()), "{text}");
    }
    let load = |id: FieldId| NxAction::Load { to: Subfield::whole(id), value: 5 };
    let (port, register) = (Subfield::whole(FieldId::TcpSrc), Subfield::whole(FieldId::Reg0));
    for (action, error) in [
        (load(FieldId::Ipv4Dst), BadAction::MatchInconsistent),
        (load(FieldId::VlanVid), BadAction::MatchInconsistent),
        (NxAction::OutputField { from: port, max_len: 0 }, BadAction::MatchInconsistent),
        (NxAction::Push(port), BadAction::MatchInconsistent),
        (NxAction::Move { from: port, to: register }, BadAction::MatchInconsistent),
        (load(FieldId::EthType), BadAction::BadSetArgument),
    ] {
        let told = it.tell(FlowMod::add().apply([action.clone().into()])).err();
        assert_eq!(told, Some(error.into()), "{action:?}");
    }
    assert!(it.dump().is_empty());
}
