//! What Open vSwitch has besides OpenFlow (`ovs-actions(7)`, `ovs-fields(7)`).

use super::*;
use crate::action::Action;
use crate::error::{BadAction, BadMatch, BadRequest};
use crate::extension::{Extension, PacketInFormat};
use crate::ids::TableId;
use crate::msg::flow_mod::FlowModCommand;
use crate::msg::group_mod::GroupMod;
use crate::msg::meter_mod::MeterMod;
use crate::msg::packet_in::PacketInReason;
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
        ("actions=write_actions(push:NXM_NX_REG0[])", BadAction::BadType),
        ("actions=clone(output:TABLE)", BadAction::BadOutPort),
        ("actions=controller(pause)", BadAction::BadArgument),
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

/// A table looked up again: what it does is done before the list goes on (`ovs-actions(7)`,
/// `resubmit`).
#[test]
fn a_packet_is_looked_up_again() {
    let mut it = bench();
    it.add(&[
        "in_port=1,actions=resubmit(,1),output:NXM_NX_REG0[],resubmit(7,2),resubmit(,9),resubmit:8,output:4",
        "table=1,actions=load:3->NXM_NX_REG0[],write_actions(output:2),goto_table:3",
        "table=2,in_port=7,actions=IN_PORT,output:2",
        "table=3,ip,actions=output:3",
        "table=0,in_port=8,actions=output:2",
    ]);
    let out = it.receive(1, &plain());
    let ports: Vec<u32> = out.frames.iter().map(|(port, _)| port.0).collect();
    assert_eq!(ports, [3, 3, 1, 2, 2, 4, 2], "the action set comes last, the port of ingress stays");
    assert!(out.dropped.is_empty(), "where no flow takes it the list goes on");
}

/// In an action set a resubmit counts where neither group nor output is (`ovs-actions(7)`, "Action
/// Sets").
#[test]
fn resubmits_in_action_sets_and_buckets() {
    let mut it = bench();
    it.tell("group_id=1,type=all,bucket=load:5->NXM_NX_REG0[],resubmit(,1)".parse::<GroupMod>().unwrap())
        .unwrap();
    it.add(&[
        "in_port=1,actions=write_actions(load:5->NXM_NX_REG0[],move:NXM_NX_REG0[]->NXM_NX_REG1[],\
         load:6->NXM_NX_REG0[],resubmit(,1))",
        "in_port=2,actions=write_actions(resubmit(,1),output:4)",
        "in_port=3,actions=group:1,resubmit(,1)",
        "table=1,reg0=6,reg1=5,actions=output:2",
        "table=1,reg0=5,actions=output:1",
        "table=1,reg0=0,actions=output:4",
    ]);
    assert_eq!(it.ports(1, &plain()), [2]);
    assert_eq!(it.ports(2, &plain()), [4]);
    assert_eq!(it.ports(3, &plain()), [1, 4], "what a bucket sets is its copy's");
}

/// "The OVS flow table recursion depth is limited to 64", later tables aside, "the total number of
/// resubmit actions to 4,096" (`ovs-actions(7)`, "Error Handling"), and nothing goes deeper than a
/// thread has stack for.
#[test]
fn lookups_without_end_are_ended() {
    let mut it = bench();
    it.add(&["in_port=1,actions=output:2,resubmit(,0),output:3", "in_port=2,actions=resubmit(,1),output:3"]);
    let out = it.receive(1, &plain());
    assert_eq!((out.frames.len(), &out.dropped[..]), (65, &[Dropped::Exhausted][..]));
    // A fan of lookups, and all tables in a row at last.
    let fan = "resubmit(,2),".repeat(100);
    it.add(&[&format!("table=1,actions={fan}resubmit(,2)"), &format!("table=2,actions={fan}resubmit(,3)")]);
    for table in 3..253 {
        it.add(&[&format!("table={table},actions=resubmit(,{})", table + 1)]);
    }
    it.add(&["table=253,actions=output:4,resubmit(,3)"]);
    let out = it.receive(2, &plain());
    assert_eq!(out.dropped, [Dropped::Exhausted]);
    assert!(out.frames.iter().all(|(port, _)| *port == PortNo(4)));
}

/// "Saving much of the packet and pipeline state beforehand and then restoring it afterward"; the
/// copy's action set is carried out (`ovs-actions(7)`, `clone`).
#[test]
fn a_copy_leaves_no_trace() {
    let mut it = bench();
    it.add(&[
        "in_port=1,ip,actions=push:NXM_OF_IN_PORT[],clone(load:9->NXM_OF_IP_DST[0..7],push_vlan:0x8100,\
         pop:NXM_NX_REG0[],resubmit(,1)),pop:NXM_NX_REG1[],resubmit(,2),output:3",
        "table=1,actions=write_actions(output:2)",
        "table=2,reg0=0,reg1=1,actions=output:4",
    ]);
    let out = it.receive(1, &plain());
    let ports: Vec<u32> = out.frames.iter().map(|(port, _)| port.0).collect();
    assert_eq!(ports, [2, 4, 3]);
    assert_eq!(out.frames[0].1.len(), plain().len() + 4);
    assert_eq!(out.frames[1].1, plain());
}

/// What ends where: a TTL the list, `exit` all lists, a meter the packet (`ovs-actions(7)`).
#[test]
fn what_ends_a_list_does_not_end_all() {
    let mut it = bench();
    it.tell("meter=1,pktps,band=type=drop,rate=1".parse::<MeterMod>().unwrap()).unwrap();
    it.add(&[
        "in_port=1,actions=resubmit(,1),output:2",
        "in_port=2,actions=resubmit(,4),resubmit(,2),output:3",
        "in_port=3,actions=resubmit(,3),output:2",
        "table=1,ip,actions=dec_ttl,output:3",
        "table=4,actions=write_actions(output:4)",
        "table=2,actions=exit",
        "table=3,actions=meter:1,output:4",
    ]);
    let out = it.receive(1, &udp([10, 0, 0, 2], 1));
    assert_eq!((out.frames.len(), out.frames[0].0, out.packet_ins.len()), (1, PortNo(2), 1));
    assert_eq!(it.ports(2, &plain()), [4]);
    assert_eq!(it.ports(3, &plain()), [4, 2]);
    assert!(it.ports(3, &plain()).is_empty(), "one packet a second");
}

/// A bit tells whether a packet is longer, its VLAN tag not counted; outputs may be cut
/// (`ovs-actions(7)`, `check_pkt_larger`, `output`).
#[test]
fn lengths_are_looked_at_and_cut() {
    let mut it = bench();
    let len = plain().len();
    for (port, than) in [(1, len), (2, len - 1)] {
        it.add(&[&format!(
            "in_port={port},actions=push_vlan:0x8100,check_pkt_larger({than})->NXM_NX_REG0[7],resubmit(,1)"
        )]);
    }
    it.add(&["table=1,reg0=0x80/0x80,actions=output(port=4,max_len=20)", "table=1,reg0=0,actions=output:3"]);
    assert_eq!(it.ports(1, &plain()), [3]);
    let out = it.receive(2, &plain());
    assert_eq!((out.frames[0].0, out.frames[0].1.len()), (PortNo(4), 20));
}

/// Controllers say which they are, and in which form they want packets.
#[test]
fn packet_ins_go_to_those_that_are_named() {
    let mut it = bench();
    it.add(&[
        "in_port=1,actions=controller(id=5,userdata=01.02,reason=no_match)",
        "in_port=2,ip,actions=dec_ttl(5,6)",
        "in_port=3,actions=controller",
    ]);
    assert!(it.receive(1, &plain()).packet_ins.is_empty());
    let told = it.receive(1, &plain()).addressed;
    let [(5, userdata, packet_in)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&userdata[..], packet_in.reason), (&[1, 2][..], PacketInReason::NoMatch));
    assert!(!it.controller.wants_packet_in(5, packet_in));
    it.tell(Extension::SetControllerId(5)).unwrap();
    it.tell(Extension::SetPacketInFormat(PacketInFormat::Nxt2)).unwrap();
    assert!(it.controller.wants_packet_in(5, packet_in) && !it.controller.wants_packet_in(0, packet_in));
    let Body::Extension(message) = it.controller.packet_in(userdata, packet_in) else { panic!("{told:?}") };
    let Extension::PacketIn2(second) = *message else { panic!("{message:?}") };
    assert_eq!(second.userdata.as_deref(), Some(&[1, 2][..]));
    assert_eq!((second.packet, second.full_len), (plain().into(), None));
    let ids: Vec<u16> = it.receive(2, &udp([10, 0, 0, 2], 1)).addressed.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, [5, 6]);
    let plain_one = it.receive(3, &plain()).packet_ins.remove(0);
    assert!(!it.controller.wants(&Effect::PacketIn(plain_one)), "it is another one now");
    let refused = it.tell(Extension::SetPacketInFormat(PacketInFormat::Nxt)).err();
    assert_eq!(refused, Some(BadRequest::Eperm.into()));
}

/// "When the flow matches a TCP packet with the FIN or RST flag" its timeouts are reduced
/// (`ovs-actions(7)`, `fin_timeout`).
#[test]
fn the_end_of_a_connection_shortens_a_flow() {
    let mut it = bench();
    it.add(&["tcp,idle_timeout=60,actions=fin_timeout(idle_timeout=5,hard_timeout=90),output:2"]);
    let tcp = |fin: bool| {
        let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let builder = builder.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(1, 2, 3, 4);
        let mut out = Vec::new();
        if fin { builder.fin().write(&mut out, &[]) } else { builder.write(&mut out, &[]) }.unwrap();
        out
    };
    assert_eq!(it.ports(1, &tcp(false)), [2]);
    it.wait(Duration::from_secs(50));
    assert_eq!(it.ports(1, &tcp(true)), [2]);
    it.wait(Duration::from_secs(4));
    assert_eq!(it.dump().len(), 1);
    it.wait(Duration::from_secs(2));
    assert!(it.dump().is_empty());
}

/// The example of `ovs-fields(7)`, "Conjunctive Match Fields", with a flow for everything below it.
#[test]
fn a_packet_that_meets_every_dimension_takes_the_flow_with_the_id() {
    let mut it = bench();
    let at = |src: u8, dst: u8| {
        let mut frame = udp([10, 0, 0, dst], 64);
        frame[29] = src;
        frame
    };
    it.add(&[
        "priority=9,conj_id=1234,actions=output:2",
        "priority=9,ip,ip_src=10.0.0.1,actions=conjunction(1234, 1/2)",
        "priority=9,ip,ip_src=10.0.0.4,actions=conjunction(1234, 1/2),note:01",
        "priority=9,ip,ip_dst=10.0.0.2,actions=conjunction(1234, 2/2),conjunction(7, 1/2)",
        "priority=9,ip,ip_dst=10.0.0.5,actions=conjunction(1234, 2/2)",
        "priority=5,actions=output:3",
    ]);
    assert_eq!(it.ports(1, &at(1, 5)), [2]);
    assert_eq!(it.ports(1, &at(4, 2)), [2]);
    assert_eq!(it.ports(1, &at(4, 4)), [3], "one dimension is lacking");
    assert_eq!(it.ports(1, &at(5, 5)), [3]);
    // Of one that is complete no flow says what to do: as if it were not.
    it.add(&["priority=10,ip,ip_src=10.0.0.6,actions=conjunction(7, 2/2)"]);
    assert_eq!(it.ports(1, &at(6, 2)), [3], "another priority is another conjunction");
    it.add(&["priority=9,ip,ip_src=10.0.0.6,actions=conjunction(7, 2/2)"]);
    assert_eq!(it.ports(1, &at(6, 2)), [3]);
    it.add(&["priority=1,conj_id=7,actions=output:4", "priority=5,conj_id=7,in_port=1,actions=output:4"]);
    it.tell(flow_with_command("priority=5,actions=drop", FlowModCommand::DeleteStrict)).unwrap();
    assert_eq!(it.ports(1, &at(6, 2)), [4]);
    // Flows become parts, and parts flows, when they are changed.
    it.tell(flow_with_command("ip,ip_src=10.0.0.1,actions=output:3", FlowModCommand::Modify)).unwrap();
    assert_eq!(it.ports(1, &at(1, 5)), [3]);
    it.tell(flow_with_command("ip,ip_src=10.0.0.1,actions=conjunction(1234, 1/2)", FlowModCommand::Modify))
        .unwrap();
    assert_eq!(it.ports(1, &at(1, 5)), [2]);
    it.tell(flow_with_command("ip,ip_src=10.0.0.1", FlowModCommand::Delete)).unwrap();
    assert!(it.ports(1, &at(1, 5)).is_empty());
    it.add(&["table=7,priority=2,conj_id=0,actions=output:2", "table=7,priority=1,actions=output:3"]);
    it.add(&["in_port=4,priority=20,actions=resubmit(,7)"]);
    assert_eq!(it.ports(4, &plain()), [2], "without a conjunction it is 0");
    let clause = |clauses| Action::from(NxAction::Conjunction { id: 1, clause: 1, clauses });
    let alone = |clauses| FlowMod::add().apply([clause(clauses)]);
    for wrong in [
        FlowMod::add().apply([clause(2), Action::output(PortNo(1))]),
        alone(2).goto_table(TableId(1)),
        alone(1),
        alone(65),
    ] {
        let text = wrong.to_string();
        let told = it.tell(wrong).err();
        assert_eq!(told, Some(ErrorKind::Experimenter { exp_type: 15, experimenter: 0x2320 }), "{text}");
    }
}

fn flow_with_command(text: &str, command: FlowModCommand) -> FlowMod {
    let text = if text.contains("actions") { text.to_owned() } else { format!("{text},actions=drop") };
    FlowMod { command, ..flow(&text) }
}
