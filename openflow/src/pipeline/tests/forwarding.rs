//! What becomes of packets: tables, actions, ports (OF 1.3.5 §4, §5).

use bytes::Bytes;

use super::*;
use crate::action::Action;
use crate::ids::{BufferId, MacAddr, TableId};
use crate::msg::config::{Fragments, SwitchConfig};
use crate::msg::packet_in::PacketInReason;
use crate::msg::packet_out::PacketOut;
use crate::msg::port::{PortConfig, PortMod, PortState};
use crate::oxm::{FieldId, OxmField};

#[test]
fn a_packet_goes_through_the_tables() {
    let mut it = bench();
    it.add(&[
        "ip,in_port=1,actions=set_field:10.0.0.9->ip_dst,write_metadata:0x15/0xff,goto_table:3",
        "table=3,priority=9,ip,nw_dst=10.0.0.2,actions=output:4",
        "table=3,priority=8,metadata=0x5/0xf,ip,nw_dst=10.0.0.9,actions=write_actions(output:2),goto_table:200",
        "table=200,priority=0,actions=output:3,write_actions(set_field:02:00:00:00:00:07->eth_dst)",
    ]);
    let out = it.receive(1, &plain());
    assert_eq!(out.frames.iter().map(|(port, _)| port.0).collect::<Vec<_>>(), [3, 2]);
    let mut expected = udp([10, 0, 0, 9], 64);
    assert_eq!(out.frames[0].1, expected);
    expected[..6].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
    assert_eq!(out.frames[1].1, expected);
    assert!(out.dropped.is_empty());
}

#[test]
fn without_a_flow_or_an_output_a_packet_is_dropped() {
    let mut it = bench();
    assert_eq!(it.receive(1, &plain()).dropped, [Dropped::NoFlow]);
    it.add(&["priority=0,actions=drop"]);
    assert_eq!(it.receive(1, &plain()).dropped, [Dropped::NoOutput]);
    it.add(&["priority=1,ip,actions=write_actions(dec_ttl)"]);
    assert_eq!(it.receive(1, &plain()).dropped, [Dropped::NoOutput]);
    assert_eq!(it.receive(9, &plain()).dropped, [Dropped::Ingress], "no such port");
}

#[test]
fn written_actions_can_be_cleared() {
    let mut it = bench();
    it.add(&[
        "table=0,actions=write_actions(output:2),goto_table:1",
        "table=1,in_port=1,actions=clear_actions,write_actions(output:3)",
        "table=1,in_port=2,actions=clear_actions",
    ]);
    assert_eq!(it.ports(1, &plain()), [3]);
    assert!(it.ports(2, &plain()).is_empty());
}

#[test]
fn reserved_ports() {
    let mut it = bench();
    it.add(&[
        "in_port=1,actions=ALL,IN_PORT,output:1,output:9",
        "in_port=2,actions=FLOOD",
        "in_port=3,actions=LOCAL,output:2",
    ]);
    let out = it.receive(1, &plain());
    assert_eq!(out.frames.iter().map(|(port, _)| port.0).collect::<Vec<_>>(), [2, 3, 4, 1]);
    assert_eq!(out.dropped, [Dropped::IngressPort, Dropped::Egress(PortNo(9)), Dropped::NoOutput]);
    assert_eq!(it.ports(2, &plain()), [1, 3, 4]);
    assert_eq!(it.ports(3, &plain()), [2]);
    let local = Port { number: PortNo::LOCAL, ..Port::default() };
    it.switch.set_port(local, it.now, &mut Out::default());
    assert_eq!(it.ports(3, &plain()), [PortNo::LOCAL.0, 2]);
    assert_eq!(it.ports(2, &plain()), [1, 3, 4, PortNo::LOCAL.0]);
}

/// A frame from one station to another, each a number; 0 is all.
fn between(src: u8, dst: u8) -> Vec<u8> {
    let mut frame = plain();
    frame[..6].copy_from_slice(&if dst == 0 { [0xff; 6] } else { [2, 0, 0, 0, 0, dst] });
    frame[11] = src;
    frame
}

#[test]
fn a_normal_switch_learns() {
    let mut it = bench();
    it.add(&["priority=0,actions=NORMAL"]);
    assert_eq!(it.ports(1, &between(1, 2)), [2, 3, 4], "nobody knows where 2 is");
    assert_eq!(it.ports(2, &between(2, 1)), [1]);
    assert_eq!(it.ports(1, &between(1, 2)), [2]);
    assert_eq!(it.ports(1, &between(1, 0)), [2, 3, 4]);
    assert_eq!(it.receive(2, &between(3, 2)).dropped, [Dropped::IngressPort, Dropped::NoOutput]);
    // In a VLAN of its own it is not known.
    let tagged = [&between(1, 2)[..12], &[0x81, 0, 0, 5], &between(1, 2)[12..]].concat();
    assert_eq!(it.ports(1, &tagged), [2, 3, 4]);
    // It has moved.
    assert_eq!(it.ports(4, &between(2, 0)), [1, 2, 3]);
    assert_eq!(it.ports(1, &between(1, 2)), [4]);
    it.switch.remove_port(PortNo(4), &mut Out::default());
    assert_eq!(it.ports(1, &between(1, 2)), [2, 3]);
    it.receive(2, &between(2, 0));
    it.wait(std::time::Duration::from_secs(301));
    assert_eq!(it.ports(1, &between(1, 2)), [2, 3], "forgotten");
    let bridges = [&[0x01, 0x80, 0xc2, 0, 0, 0x0e], &plain()[6..]].concat();
    assert_eq!(it.receive(1, &bridges).dropped, [Dropped::Reserved, Dropped::NoOutput]);
}

#[test]
fn a_flood_of_stations_fills_no_memory() {
    let mut it = bench();
    it.add(&["priority=0,actions=NORMAL"]);
    it.receive(2, &between(2, 0));
    let mut frame = between(9, 2);
    for n in 0u32..9000 {
        frame[7..11].copy_from_slice(&n.to_be_bytes());
        it.receive(3, &frame);
    }
    assert_eq!(it.ports(1, &between(1, 2)), [2], "who was there before is known");
    frame.copy_within(6..12, 0);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    assert_eq!(it.ports(1, &frame), [2, 3, 4], "there was no room for the last");
}

#[test]
fn a_switch_that_stands_alone_keeps_its_flows_for_later() {
    let mut it = bench();
    it.add(&["priority=9,actions=output:4"]);
    it.switch.set_standalone(true);
    assert_eq!(it.ports(1, &between(1, 2)), [2, 3, 4]);
    it.switch.set_standalone(false);
    assert_eq!(it.ports(1, &between(1, 2)), [4]);
}

fn configure(it: &mut Bench, port: u32, config: PortConfig) -> Out {
    let mask = PortConfig::PORT_DOWN | PortConfig::NO_RECV | PortConfig::NO_FWD | PortConfig::NO_PACKET_IN;
    let request = PortMod {
        port: PortNo(port),
        hw_addr: MacAddr::default(),
        config,
        mask,
        advertise: Default::default(),
    };
    it.tell(Body::PortMod(request)).unwrap()
}

#[test]
fn ports_do_what_they_are_configured_for() {
    let mut it = bench();
    it.add(&["in_port=1,actions=output:2,ALL,CONTROLLER"]);
    let status = configure(&mut it, 2, PortConfig::NO_FWD).port_status;
    assert_eq!(status[0].port.config, PortConfig::NO_FWD);
    let out = it.receive(1, &plain());
    assert_eq!(out.frames.len(), 2, "{:?}", out.frames);
    assert_eq!(out.dropped, [Dropped::Egress(PortNo(2)), Dropped::NoOutput]);
    assert_eq!(out.packet_ins.len(), 1);
    configure(&mut it, 1, PortConfig::NO_PACKET_IN);
    assert!(it.receive(1, &plain()).packet_ins.is_empty());
    for config in [PortConfig::NO_RECV, PortConfig::PORT_DOWN] {
        configure(&mut it, 1, config);
        assert_eq!(it.receive(1, &plain()).dropped, [Dropped::Ingress]);
    }
    configure(&mut it, 1, PortConfig::empty());
    assert!(configure(&mut it, 1, PortConfig::empty()).port_status.is_empty(), "nothing is new");
    // A port without a link sends nothing, one that is blocked floods nothing.
    for (state, ports) in [(PortState::LINK_DOWN, vec![4]), (PortState::BLOCKED, vec![3, 4])] {
        let port = Port { number: PortNo(3), state, ..Port::default() };
        it.switch.set_port(port, it.now, &mut Out::default());
        assert_eq!(it.ports(1, &plain()), ports);
    }
    it.add(&["in_port=4,actions=FLOOD"]);
    configure(&mut it, 2, PortConfig::empty());
    assert_eq!(it.ports(4, &plain()), [1, 2]);
}

#[test]
fn a_ttl_that_is_used_up_goes_to_the_controller() {
    let mut it = bench();
    it.add(&["ip,actions=dec_ttl,output:2,write_actions(output:3)"]);
    assert_eq!(it.receive(1, &udp([1; 4], 2)).frames[0].1, udp([1; 4], 1));
    for ttl in [1, 0] {
        let out = it.receive(1, &udp([1; 4], ttl));
        assert!(out.frames.is_empty());
        assert_eq!(out.packet_ins[0].reason, PacketInReason::InvalidTtl);
        assert_eq!(out.packet_ins[0].data, udp([1; 4], ttl));
        let effect = Effect::PacketIn(out.packet_ins[0].clone());
        assert!(!it.controller.wants(&effect), "not unless it was asked for");
    }
}

#[test]
fn packet_ins_tell_where_they_come_from() {
    let mut it = with(Config { n_buffers: 2, ..Config::default() });
    it.add(&[
        "priority=0,actions=CONTROLLER:20",
        "cookie=7,in_port=1,actions=write_metadata:5,goto_table:4",
        "table=4,cookie=8,priority=3,actions=set_field:02:00:00:00:00:07->eth_dst,CONTROLLER",
        "cookie=9,in_port=3,actions=write_actions(CONTROLLER)",
    ]);
    let miss = &it.receive(2, &plain()).packet_ins[0];
    assert_eq!((miss.reason, miss.cookie, miss.table), (PacketInReason::NoMatch, 0, TableId(0)));
    assert_eq!((miss.data.len(), miss.total_len, miss.buffer), (20, 46, Some(BufferId(0))));
    let told = &it.receive(1, &plain()).packet_ins[0];
    assert_eq!((told.reason, told.cookie, told.table), (PacketInReason::Action, 8, TableId(4)));
    assert_eq!((told.data.len(), told.buffer), (46, None));
    assert_eq!(told.data[..6], [2, 0, 0, 0, 0, 7]);
    assert_eq!(told.match_.get(FieldId::Metadata), Some(OxmField::Metadata(5.into())));
    assert_eq!(it.receive(3, &plain()).packet_ins[0].cookie, u64::MAX, "the action set has no flow");
}

#[test]
fn packets_are_kept_for_the_controller() {
    use crate::error::BadRequest::{BufferEmpty, BufferUnknown};
    let mut it = with(Config { n_buffers: 2, ..Config::default() });
    it.add(&["priority=0,actions=CONTROLLER:20"]);
    let frames: Vec<_> = (1..=3).map(|n| udp([n; 4], 64)).collect();
    let kept: Vec<_> = frames.iter().map(|it_| it.receive(1, it_).packet_ins[0].buffer.unwrap()).collect();
    let out = |buffer| PacketOut {
        buffer: Some(buffer),
        ..PacketOut::new(Bytes::new(), [Action::output(PortNo(4))])
    };
    assert_eq!(it.tell(out(kept[0])).err(), Some(BufferUnknown.into()), "two are kept, three came");
    assert_eq!(it.tell(out(kept[1])).unwrap().frames, [(PortNo(4), frames[1].clone())]);
    assert_eq!(it.tell(out(kept[1])).err(), Some(BufferEmpty.into()));
    let told = it.tell(flow("priority=5,actions=output:2").buffer(kept[2])).unwrap();
    assert_eq!(told.frames, [(PortNo(2), frames[2].clone())]);
}

#[test]
fn packet_outs_go_where_they_say() {
    let mut it = bench();
    it.add(&["in_port=1,actions=output:2", "in_port=CONTROLLER,actions=output:3"]);
    let table = [Action::output(PortNo::TABLE), Action::output(PortNo::FLOOD)];
    let told = it.tell(PacketOut::new(plain().into(), table.clone())).unwrap();
    assert_eq!(told.frames.iter().map(|(port, _)| port.0).collect::<Vec<_>>(), [3, 1, 2, 3, 4]);
    let told = it.tell(PacketOut::new(plain().into(), table).in_port(PortNo(1))).unwrap();
    assert_eq!(told.frames.iter().map(|(port, _)| port.0).collect::<Vec<_>>(), [2, 2, 3, 4]);
    for port in [PortNo(0), PortNo::ANY, PortNo::FLOOD] {
        let told = it.tell(PacketOut::new(plain().into(), []).in_port(port)).err();
        assert_eq!(told, Some(crate::error::BadRequest::BadPort.into()));
    }
    let short = it.tell(PacketOut::new(vec![1, 2, 3].into(), [Action::output(PortNo(1))])).unwrap();
    assert_eq!(short.frames[0].1, [1, 2, 3]);
}

#[test]
fn fragments_can_be_dropped() {
    let mut it = bench();
    it.add(&["priority=0,actions=output:2"]);
    let mut fragment = plain();
    fragment[20] = 0x20;
    assert_eq!(it.ports(1, &fragment), [2]);
    let config = SwitchConfig::new(Fragments::Drop, 128);
    it.tell(Body::SetConfig(config)).unwrap();
    assert_eq!(it.receive(1, &fragment).dropped, [Dropped::Fragment]);
    assert_eq!(it.ports(1, &plain()), [2]);
}

#[test]
fn meters_drop_and_remark() {
    let mut it = bench();
    for text in [
        "meter=1,pktps,burst,bands=type=drop,rate=1,burst_size=2",
        "meter=2,pktps,bands=type=dscp_remark,rate=1,prec_level=2",
    ] {
        it.tell(Body::MeterMod(Parser::new().meter(text).unwrap())).unwrap();
    }
    it.add(&["in_port=1,actions=meter:1,output:2", "in_port=2,actions=meter:2,output:3"]);
    let frames: Vec<_> = (0..4).map(|_| it.ports(1, &plain())).collect();
    assert_eq!(frames, [vec![2], vec![2], vec![], vec![]]);
    let mut marked = plain();
    marked[15] = 10 << 2;
    assert_eq!(it.receive(2, &marked).frames[0].1[15] >> 2, 10);
    assert_eq!(it.receive(2, &marked).frames[0].1[15] >> 2, 14);
    it.tell(Body::MeterMod(Parser::new().meter("meter=1,pktps,bands=type=drop,rate=1").unwrap()))
        .unwrap_err();
    let mut gone = Parser::new().meter("meter=1,pktps,bands=type=drop,rate=1").unwrap();
    gone.command = crate::msg::meter_mod::MeterModCommand::Delete;
    it.tell(Body::MeterMod(gone)).unwrap();
    assert_eq!(it.dump().len(), 1, "its flows go with it");
}
