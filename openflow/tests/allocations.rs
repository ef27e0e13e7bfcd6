//! The path of packet-ins costs no memory beyond the buffer into which they were read.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::net::Ipv4Addr;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use flowbed_openflow as openflow;
use openflow::ids::{MacAddr, Xid};
use openflow::msg::features::Features;
use openflow::msg::hello::Hello;
use openflow::session::{Config, Event, Session};
use openflow::{Body, Match, Message, PacketIn, PacketInReason, PortNo, TableId, VlanVid, frame};

const COUNT: u64 = 1000;

/// Packet-ins with a frame of 64 bytes and a match of five fields.
fn stream() -> BytesMut {
    let packet_in = Body::PacketIn(PacketIn {
        buffer: None,
        total_len: 64,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: u64::MAX,
        match_: Match::new()
            .in_port(PortNo(7))
            .eth_dst(MacAddr([1, 2, 3, 4, 5, 6]))
            .eth_type(0x0800)
            .vlan_vid(VlanVid::tagged(100))
            .ipv4_dst(Ipv4Addr::new(192, 168, 1, 2)),
        data: Bytes::from_static(&[0xab; 64]),
    });
    let mut stream = BytesMut::new();
    (0..COUNT).for_each(|xid| packet_in.encode(Xid(xid as u32), &mut stream).unwrap());
    stream
}

#[test]
fn reading_packet_ins_allocates_nothing() {
    let mut stream = stream();
    let mut read = 0;
    let used = allocation_counter::measure(|| {
        while let Some(frame) = frame::next(&mut stream).unwrap() {
            let Body::PacketIn(packet) = Message::decode(frame).unwrap().body else { panic!("a packet-in") };
            assert_eq!((packet.in_port(), packet.data.len()), (Some(PortNo(7)), 64));
            read += 1;
        }
    });
    assert_eq!(read, COUNT);
    // The buffer's count of owners, made when it is first shared.
    assert!(used.count_total <= 1, "{} allocations for {COUNT} packet-ins", used.count_total);
}

#[test]
fn a_session_hands_packet_ins_on_without_an_allocation() {
    let now = Instant::now();
    let mut session = Session::new(Config::controller(), now);
    let mut start = BytesMut::new();
    Body::Hello(Hello::new([4])).encode(Xid(1), &mut start).unwrap();
    Body::FeaturesReply(Features::default()).encode(Xid(2), &mut start).unwrap();
    assert!(matches!(session.next_event(now, &mut start), Some(Event::Ready(_))));
    let mut stream = stream();
    let mut seen = 0;
    let used = allocation_counter::measure(|| {
        while let Some(event) = session.next_event(now, &mut stream) {
            assert!(matches!(event, Event::Message(Message { body: Body::PacketIn(_), .. })));
            seen += 1;
        }
    });
    assert_eq!(seen, COUNT);
    assert!(used.count_total <= 1, "{} allocations for {COUNT} packet-ins", used.count_total);
}
