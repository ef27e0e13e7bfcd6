//! Frames through networks: where they come to, and what is told of the way.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::time::{Duration, Instant};

use flowbed_verify as verify;
use openflow::pipeline::{Controller, Dropped, Effect};
use openflow::{Action, Body, Message, PacketOut, PortNo, Xid};
use verify::{Happening, Host, Journey, Kind, Network, Next, Rules};

/// Two hosts at each of some switches, which are in a row: `h1` and `h2` at ports 1 and 2 of `s1`, and so on;
/// port 3 leads to the one before, port 4 to the one behind.
fn row(switches: u32, now: Instant) -> Network {
    let mut network = Network::new();
    for n in 1..=switches {
        let name = format!("s{n}");
        network.add_switch(&name, openflow::DatapathId(n.into())).unwrap();
        for port in 1..=2 {
            let number = 2 * (n - 1) + port;
            let host = Host::new(format!("h{number}"))
                .mac([0, 0, 0, 0, 0, number as u8].into())
                .ipv4([10, 0, 0, number as u8].into())
                .ipv6(format!("fd00::{number:x}").parse().unwrap());
            network.add_host(host).unwrap();
            network.connect((&format!("h{number}"), 0), (&name, port), now).unwrap();
        }
        if n > 1 {
            network.connect((&format!("s{}", n - 1), 4), (&name, 3), now).unwrap();
        }
    }
    network
}

fn apply(network: &mut Network, switch: &str, kind: Kind, text: &str, now: Instant) {
    let rules = Rules::read(kind, text, &format!("{switch}.rules"), &network.ports(switch).unwrap()).unwrap();
    network.apply(switch, &rules, now).unwrap();
}

fn hosts(journey: &Journey) -> Vec<&str> {
    let mut hosts: Vec<_> = journey.deliveries.iter().map(|delivery| delivery.host.as_str()).collect();
    hosts.sort_unstable();
    hosts
}

#[test]
fn a_frame_goes_from_switch_to_switch_and_is_rewritten() {
    let now = Instant::now();
    let mut network = row(3, now);
    apply(&mut network, "s1", Kind::Flows, "in_port=1,ip actions=dec_ttl,output:4", now);
    apply(&mut network, "s2", Kind::Flows, "table=0 actions=goto_table:1\ntable=1 actions=4,1", now);
    let back = "\nip,nw_dst=10.0.0.6 actions=set_field:02:00:00:00:00:09->eth_src,2\n";
    apply(&mut network, "s3", Kind::Flows, back, now);
    let sent = network.packet("udp,tp_dst=53", "h1", Some("h6"), b"hello").unwrap();
    let journey = network.inject("h1", &sent, now).unwrap();
    assert_eq!(hosts(&journey), ["h3", "h6"]);
    let expected = network
        .packet("udp,tp_dst=53,nw_ttl=63,dl_src=02:00:00:00:00:09", "h1", Some("h6"), b"hello")
        .unwrap();
    let at_h6 = journey.deliveries.iter().find(|delivery| delivery.host == "h6").unwrap();
    assert_eq!(hex::encode(&at_h6.frame), hex::encode(&expected));
    let ways: Vec<_> = journey.visits.iter().map(|visit| (&visit.switch[..], visit.in_port.0)).collect();
    assert_eq!(ways, [("s1", 1), ("s2", 3), ("s3", 3)]);
    assert_eq!(journey.visits[2].parent, Some(1));
    let text = journey.to_string();
    for line in [
        "h1 sends udp,",
        "s1, port 1\n----------\n 0. ip,in_port=1, priority 32768    [s1.rules:1]\n    dec_ttl\n    output:4\n",
        " 1. priority 32768    [s2.rules:2]",
        "[s3.rules:2]\n    set_field:02:00:00:00:00:09->eth_src\n    output:2\n     -> port 2: h6\n        as udp,",
    ] {
        assert!(text.contains(line), "{line}\n---\n{text}");
    }
}

#[test]
fn a_link_that_is_down_carries_nothing_and_fast_failover_takes_another() {
    let now = Instant::now();
    let mut network = row(2, now);
    let group =
        "group_id=1,type=ff,bucket=watch_port:4,actions=output:4,bucket=watch_port:2,actions=output:2";
    apply(&mut network, "s1", Kind::Groups, group, now);
    apply(&mut network, "s1", Kind::Flows, "in_port=1 actions=group:1", now);
    apply(&mut network, "s2", Kind::Flows, "in_port=3 actions=1", now);
    let sent = network.packet("icmp", "h1", Some("h3"), &[]).unwrap();
    let journey = network.inject("h1", &sent, now).unwrap();
    assert_eq!(hosts(&journey), ["h3"]);
    assert!(journey.to_string().contains("-> group 1, bucket 0    [s1.rules:1]"), "{journey}");

    let told = network.set_link("s2", "s1", false, now).unwrap().told;
    assert!(told.iter().all(|told| matches!(told.effect, Effect::PortStatus(_))));
    assert_eq!(told.len(), 2);
    assert_eq!(hosts(&network.inject("h1", &sent, now).unwrap()), ["h2"]);
    apply(&mut network, "s1", Kind::Flows, "in_port=1 actions=4", now);
    let journey = network.inject("h1", &sent, now).unwrap();
    assert!(journey.deliveries.is_empty());
    let dropped = |it: &Happening| matches!(it, Happening::Dropped(Dropped::Egress(PortNo(4))));
    assert!(journey.visits[0].happenings.iter().any(dropped), "{journey}");
    network.set_link("s1", "s2", true, now).unwrap();
    assert_eq!(hosts(&network.inject("h1", &sent, now).unwrap()), ["h3"]);
}

#[test]
fn loops_are_seen_and_growth_is_bounded() {
    let now = Instant::now();
    let mut network = row(2, now);
    network.connect(("s1", 9), ("s2", 9), now).unwrap();
    for switch in ["s1", "s2"] {
        apply(&mut network, switch, Kind::Flows, "actions=ALL", now);
    }
    let sent = network.packet("arp", "h1", Some("h4"), &[]).unwrap();
    let journey = network.inject("h1", &sent, now).unwrap();
    assert_eq!(journey.loops_at(), Some("s2"));
    assert!(journey.to_string().contains("where it was before: a loop"));
    assert!(!journey.cut);

    // Where each round changes the frame it never repeats itself.
    network.connect(("s1", 10), ("s2", 10), now).unwrap();
    for switch in ["s1", "s2"] {
        apply(&mut network, switch, Kind::Flows, "delete\nactions=push_vlan:0x8100,4,3,9,10", now);
    }
    let journey = network.inject("h1", &sent, now).unwrap();
    assert!(journey.cut && journey.visits.len() <= Journey::VISITS_MAX);
}

#[test]
fn meters_and_timeouts_follow_the_time_that_is_passed() {
    let start = Instant::now();
    let mut network = row(1, start);
    apply(&mut network, "s1", Kind::Meters, "meter=7,pktps,burst,bands=type=drop,rate=1,burst_size=2", start);
    apply(&mut network, "s1", Kind::Flows, "hard_timeout=60,ip actions=meter:7,2", start);
    let sent = network.packet("icmp", "h1", Some("h2"), &[]).unwrap();
    let pass = |network: &mut Network, after: u64, count: usize| {
        let now = start + Duration::from_secs(after);
        network.advance(now);
        (0..count).filter(|_| !network.inject("h1", &sent, now).unwrap().deliveries.is_empty()).count()
    };
    assert_eq!(pass(&mut network, 0, 5), 2);
    assert_eq!(pass(&mut network, 1, 5), 1);
    let dropped = network.inject("h1", &sent, start).unwrap().to_string();
    assert!(dropped.contains("-> dropped: meter 7 is exceeded"), "{dropped}");
    assert_eq!(pass(&mut network, 61, 5), 0);
    assert!(network.flows("s1", start).unwrap().is_empty());
}

#[test]
fn controllers_are_told_and_what_they_send_goes_on() {
    let now = Instant::now();
    let mut network = row(2, now);
    apply(&mut network, "s1", Kind::Flows, "priority=0 actions=CONTROLLER:65535", now);
    apply(&mut network, "s2", Kind::Flows, "actions=2", now);
    let sent = network.packet("tcp6,tp_dst=80", "h1", Some("h4"), &[]).unwrap();
    let journey = network.inject("h1", &sent, now).unwrap();
    let punts: Vec<_> = journey.punts().map(|(switch, packet)| (switch, packet.data.to_vec())).collect();
    assert_eq!(punts, [("s1", sent.clone())]);
    assert!(journey.to_string().contains("-> the controller (no_match)"), "{journey}");

    let out = PacketOut::new(sent.clone().into(), [Action::output(PortNo(4))]).in_port(PortNo(1));
    let message = Message { xid: Xid(1), body: Body::PacketOut(out) };
    let journey = network.handle("s1", &mut Controller::default(), message, now).unwrap().unwrap();
    assert_eq!(hosts(&journey), ["h4"]);
    assert!(journey.to_string().starts_with("s1, from the controller\n"), "{journey}");
    assert!(matches!(
        journey.visits[0].happenings.last(),
        Some(Happening::Output { next: Next::Visit(1), .. })
    ));
}

#[test]
fn what_is_refused_is_told_with_its_place() {
    let now = Instant::now();
    let mut network = row(1, now);
    let rules = "arp actions=2\nip actions=group:9\n";
    let rules = Rules::read(Kind::Flows, rules, "s1.flows", &network.ports("s1").unwrap()).unwrap();
    let error = network.apply("s1", &rules, now).unwrap_err().to_string();
    assert!(error.starts_with("s1.flows:2: s1 refuses \"ip actions=group:9\": "), "{error}");
    for (error, told) in [
        (network.host("h9").unwrap_err(), "there is no host named h9; there is h1, h2"),
        (network.switch("h1").unwrap_err(), "there is no switch named h1; there is s1"),
        (network.set_link("h1", "h2", true, now).unwrap_err(), "there is no link between h1 and h2"),
        (network.connect(("h1", 0), ("s1", 7), now).unwrap_err(), "port 0 of h1 is there already"),
        (network.connect(("h1", 1), ("s1", 0), now).unwrap_err(), "a port of a switch is a number"),
    ] {
        assert!(error.to_string().starts_with(told), "{error}");
    }
}

#[test]
fn flows_are_told_in_one_order_without_counters() {
    let now = Instant::now();
    let mut network = row(1, now);
    let rules = "table=1,udp actions=1\npriority=5,arp actions=2\npriority=7,tcp actions=drop\n\
        priority=5,ip,idle_timeout=3,cookie=9 actions=goto_table:1\n";
    apply(&mut network, "s1", Kind::Flows, rules, now);
    let told: Vec<_> = network.flows("s1", now).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "priority=7,tcp actions=drop",
            "cookie=0x9,idle_timeout=3,priority=5,ip actions=goto_table:1",
            "priority=5,arp actions=output:2",
            "table=1,udp actions=output:1",
        ]
    );
}

#[test]
fn packets_are_filled_in_from_the_hosts() {
    let network = row(1, Instant::now());
    for (text, to, told) in [
        (
            "arp",
            Some("h2"),
            "arp,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_op=1,arp_sha=00:00:00:00:00:01,arp_tha=00:00:00:00:00:00",
        ),
        (
            "icmp",
            Some("h2"),
            "icmp,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,icmp_type=8,icmp_code=0",
        ),
        (
            "ip,nw_dst=10.0.0.2,dl_src=02:00:00:00:00:07",
            None,
            "ip,vlan_tci=0x0000,dl_src=02:00:00:00:00:07,dl_dst=00:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_proto=0",
        ),
        (
            "icmp6,dl_vlan=5",
            Some("h2"),
            "icmp6,dl_vlan=5,dl_vlan_pcp=0,vlan_tci1=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02,ipv6_src=fd00::1,ipv6_dst=fd00::2,ipv6_label=0x00000",
        ),
        (
            "dl_type=0x88b5,dl_dst=ff:ff:ff:ff:ff:ff",
            None,
            "vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x88b5",
        ),
    ] {
        let frame = network.packet(text, "h1", to, &[]).unwrap();
        let read = openflow::text::Frame(&frame).to_string();
        assert!(read.starts_with(told), "{text}: {read}");
    }
}
