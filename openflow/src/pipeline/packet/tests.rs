//! Rewrites against frames that etherparse builds with the new values; tags byte for byte; frames
//! that make no sense.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use etherparse::{IpDscp, IpEcn, IpHeaders, Ipv4Header, Ipv6Header, PacketBuilder};
use proptest::prelude::*;

use super::*;
use crate::oxm::FieldId as F;

const IPV6: u16 = 0x86dd;

/// What a frame is built with.
#[derive(Clone)]
struct Values {
    eth: [[u8; 6]; 2],
    v4: [[u8; 4]; 2],
    v6: [[u8; 16]; 2],
    label: u32,
    ports: [u16; 2],
    icmp: [u8; 2],
    ttl: u8,
    dscp: u8,
    ecn: u8,
    payload: Vec<u8>,
}

fn values() -> Values {
    Values {
        eth: [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]],
        v4: [[10, 0, 0, 1], [10, 0, 0, 2]],
        v6: [[0x20; 16], [0xfe; 16]],
        label: 0x12345,
        ports: [4000, 80],
        icmp: [8, 0],
        ttl: 64,
        dscp: 10,
        ecn: 1,
        payload: vec![1, 2, 3, 4, 5, 0xff, 0xfe],
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Tcp,
    Udp,
    Icmp,
}

/// A frame with its checksums, as etherparse makes it.
fn build(v: &Values, six: bool, over: Over) -> Vec<u8> {
    let ip = if six {
        let mut header = Ipv6Header { source: v.v6[0], destination: v.v6[1], ..Ipv6Header::default() };
        header.hop_limit = v.ttl;
        header.traffic_class = v.dscp << 2 | v.ecn;
        header.flow_label = v.label.try_into().unwrap();
        IpHeaders::Ipv6(header, Default::default())
    } else {
        let mut header = Ipv4Header { source: v.v4[0], destination: v.v4[1], ..Ipv4Header::default() };
        header.time_to_live = v.ttl;
        header.dscp = IpDscp::try_new(v.dscp).unwrap();
        header.ecn = IpEcn::try_new(v.ecn).unwrap();
        IpHeaders::Ipv4(header, Default::default())
    };
    let ip = PacketBuilder::ethernet2(v.eth[0], v.eth[1]).ip(ip);
    let mut out = Vec::new();
    let [src, dst] = v.ports;
    let [kind, code] = v.icmp;
    match (over, six) {
        (Over::Tcp, _) => ip.tcp(src, dst, 7, 1000).write(&mut out, &v.payload).unwrap(),
        (Over::Udp, _) => ip.udp(src, dst).write(&mut out, &v.payload).unwrap(),
        (Over::Icmp, false) => ip.icmpv4_raw(kind, code, [9; 4]).write(&mut out, &v.payload).unwrap(),
        (Over::Icmp, true) => ip.icmpv6_raw(kind, code, [9; 4]).write(&mut out, &v.payload).unwrap(),
    }
    out
}

fn bits<const N: usize>(bytes: [u8; N]) -> u128 {
    bytes.iter().fold(0, |all, byte| all << 8 | u128::from(*byte))
}

/// Sets a field of `v` to something that is made of `value`, and tells it as a number.
fn change(v: &mut Values, id: F, value: u128) -> u128 {
    let octets = value.to_be_bytes();
    let mac: [u8; 6] = octets[10..].try_into().unwrap();
    let word: [u8; 4] = octets[12..].try_into().unwrap();
    let short = value as u16;
    match id {
        F::EthSrc => v.eth[0] = mac,
        F::EthDst => v.eth[1] = mac,
        F::Ipv4Src => v.v4[0] = word,
        F::Ipv4Dst => v.v4[1] = word,
        F::Ipv6Src => v.v6[0] = octets,
        F::Ipv6Dst => v.v6[1] = octets,
        F::Ipv6Flabel => {
            v.label = value as u32 & 0xf_ffff;
            return v.label.into();
        }
        F::TcpSrc | F::UdpSrc => v.ports[0] = short,
        F::TcpDst | F::UdpDst => v.ports[1] = short,
        F::Icmpv4Type | F::Icmpv6Type => v.icmp[0] = octets[15],
        F::Icmpv4Code | F::Icmpv6Code => v.icmp[1] = octets[15],
        F::IpDscp => v.dscp = octets[15] & 0x3f,
        F::IpEcn => v.ecn = octets[15] & 3,
        other => panic!("{other:?}"),
    }
    match id.bits() {
        48 => bits(mac),
        6 => v.dscp.into(),
        2 => v.ecn.into(),
        n => value & u128::MAX >> (128 - n),
    }
}

fn fields(six: bool, over: Over) -> Vec<F> {
    let ip: &[F] = if six { &[F::Ipv6Src, F::Ipv6Dst, F::Ipv6Flabel] } else { &[F::Ipv4Src, F::Ipv4Dst] };
    let transport: &[F] = match (over, six) {
        (Over::Tcp, _) => &[F::TcpSrc, F::TcpDst],
        (Over::Udp, _) => &[F::UdpSrc, F::UdpDst],
        (Over::Icmp, false) => &[F::Icmpv4Type, F::Icmpv4Code],
        (Over::Icmp, true) => &[F::Icmpv6Type, F::Icmpv6Code],
    };
    [&[F::EthSrc, F::EthDst, F::IpDscp, F::IpEcn], ip, transport].concat()
}

fn any_over() -> impl Strategy<Value = Over> {
    prop_oneof![Just(Over::Tcp), Just(Over::Udp), Just(Over::Icmp)]
}

proptest! {
    #[test]
    fn a_field_that_is_set_is_as_if_built_so(
        six: bool,
        over in any_over(),
        which: prop::sample::Index,
        value: u128,
        payload: Vec<u8>,
        ttl in 2u8..,
        tags in 0usize..3,
    ) {
        let before = Values { payload, ..values() };
        let mut after = before.clone();
        let fields = fields(six, over);
        let id = fields[which.index(fields.len())];
        let value = change(&mut after, id, value);
        let mut packet = Packet::new(&build(&before, six, over), PortNo(1));
        for _ in 0..tags {
            packet.push_vlan(0x8100).unwrap();
        }
        packet.set_field(id, value);
        packet.set_nw_ttl(ttl);
        after.ttl = ttl;
        prop_assert_eq!(packet.key().get(id), value);
        let key = *packet.key();
        for _ in 0..tags {
            packet.pop_vlan();
        }
        prop_assert_eq!(packet.frame(), build(&after, six, over), "{:?}", id);
        // The key that was kept is the one that would be read.
        let anew = Packet::new(packet.frame(), PortNo(1));
        prop_assert_eq!(anew.key(), packet.key());
        prop_assert_eq!(key.get(id), anew.key().get(id));
        prop_assert_eq!(anew.nw_ttl(), Some(ttl));
    }

    #[test]
    fn nothing_that_comes_makes_it_panic(
        head in prop::collection::vec(any::<u8>(), 0..64),
        six: bool,
        over in any_over(),
        cut: prop::sample::Index,
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        steps in prop::collection::vec((0u8..12, any::<u128>()), 0..12),
        sound: bool,
    ) {
        let mut frame = if sound { build(&values(), six, over) } else { head };
        for (at, byte) in noise {
            if !frame.is_empty() {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
        }
        frame.truncate(cut.index(frame.len() + 1).max(frame.len() / 2));
        let mut packet = Packet::new(&frame, PortNo(1));
        for (step, value) in steps {
            let kind = value as u16;
            match step {
                0 => packet.push_vlan(0x8100).unwrap(),
                1 => packet.pop_vlan(),
                2 => packet.push_mpls(0x8847).unwrap(),
                3 => packet.pop_mpls([IPV6, 0x0800, 0x8847, kind][usize::from(kind % 4)]),
                4 => packet.push_pbb(0x88e7).unwrap(),
                5 => packet.pop_pbb(),
                6 => packet.copy_ttl_in(),
                7 => packet.copy_ttl_out(),
                8 => drop(packet.dec_nw_ttl()),
                9 => packet.set_mpls_ttl(value as u8),
                _ => {
                    let id = FieldId::BASIC[(value >> 120) as usize % FieldId::BASIC.len()];
                    packet.set_field(id, value & u128::MAX >> (128 - id.bits()));
                }
            }
            let mut anew = Packet::new(packet.frame(), PortNo(1));
            // These are in no byte of the frame.
            for id in [F::InPort, F::InPhyPort, F::Metadata, F::TunnelId] {
                anew.key.set(id, packet.key.get(id));
            }
            prop_assert_eq!(anew.key(), packet.key(), "after step {}", step);
        }
    }
}

fn frame(text: &str) -> Vec<u8> {
    hex::decode(text.replace([' ', '\n'], "")).unwrap()
}

const ADDRESSES: &str = "0a0000000002 0a0000000001";

fn packet(rest: &str) -> Packet {
    Packet::new(&frame(&format!("{ADDRESSES} {rest}")), PortNo(1))
}

fn is(packet: &Packet, rest: &str) {
    assert_eq!(hex::encode(packet.frame()), hex::encode(frame(&format!("{ADDRESSES} {rest}"))));
}

#[test]
fn vlan_tags_go_on_and_off() {
    let mut it = packet("0806 0102");
    it.push_vlan(0x8100).unwrap();
    is(&it, "8100 0000 0806 0102");
    it.set_field(F::VlanVid, 0x1005);
    it.set_field(F::VlanPcp, 3);
    is(&it, "8100 6005 0806 0102");
    // The new tag takes over what the one before said.
    it.push_vlan(0x88a8).unwrap();
    is(&it, "88a8 6005 8100 6005 0806 0102");
    assert_eq!(it.key().get(F::EthType), 0x0806, "the type behind all tags");
    it.pop_vlan();
    it.pop_vlan();
    it.pop_vlan();
    is(&it, "0806 0102");
    assert_eq!(it.key().get(F::VlanVid), 0);
}

#[test]
fn mpls_entries_go_on_and_off() {
    let ip = "45000014 00000000 40006666 01010101 02020202";
    let mut it = packet(&format!("0800 {ip}"));
    it.push_mpls(0x8847).unwrap();
    is(&it, &format!("8847 00000140 {ip}"));
    it.set_field(F::MplsLabel, 0x12345);
    it.set_field(F::MplsTc, 5);
    it.set_mpls_ttl(9);
    it.push_mpls(0x8848).unwrap();
    is(&it, &format!("8848 12345a09 12345b09 {ip}"));
    assert_eq!((it.key().get(F::MplsBos), it.key().get(F::IpProto)), (0, 0));
    it.set_mpls_ttl(20);
    it.copy_ttl_in();
    it.pop_mpls(0x8847);
    is(&it, &format!("8847 12345b14 {ip}"));
    it.copy_ttl_in();
    it.pop_mpls(0x0800);
    // The header's checksum follows the TTL.
    is(&it, "0800 45000014 00000000 14009266 01010101 02020202");
    it.push_mpls(0x8847).unwrap();
    it.set_mpls_ttl(1);
    assert_eq!(it.dec_mpls_ttl(), Err(super::ttl::UsedUp));
    it.copy_ttl_out();
    assert_eq!(it.mpls_ttl(), Some(0x14));
    // Outermost is outermost: an entry goes before a VLAN tag.
    let mut it = packet("8100 0005 0806 01");
    it.push_mpls(0x8847).unwrap();
    is(&it, "8847 00000100 0005 0806 01");
    it.pop_mpls(0x8100);
    is(&it, "8100 0005 0806 01");
}

#[test]
fn pbb_tags_go_on_and_off() {
    let mut it = packet("8100 6005 0806 01");
    it.push_pbb(0x88e7).unwrap();
    it.set_field(F::PbbIsid, 0x01_0203);
    is(&it, &format!("88e7 60010203 {ADDRESSES} 8100 6005 0806 01"));
    assert_eq!((it.key().get(F::PbbIsid), it.key().get(F::VlanVid)), (0x01_0203, 0));
    it.set_field(F::EthDst, 0x0b00_0000_0001);
    it.push_vlan(0x88a8).unwrap();
    it.pop_pbb();
    is(&it, "88a8 0000 8100 6005 0806 01");
    it.pop_pbb();
    is(&it, "88a8 0000 8100 6005 0806 01");
}

#[test]
fn what_is_cut_short_is_not_there() {
    for (rest, id, value) in [
        ("8100 6005", F::EthType, 0x8100),
        ("8100 6005", F::VlanVid, 0),
        ("0026 aaaa03000000 0800 00", F::EthType, 0x0800),
        ("0026 424203", F::EthType, 0x05ff),
        ("8847 1234", F::MplsLabel, 0),
        ("88e7 00000001", F::PbbIsid, 0),
        // IHL 4, total length beyond the end, TCP of 12 bytes.
        ("0800 44000014 00000000 40060000 01010101 02020202", F::IpProto, 0),
        ("0800 45000015 00000000 40060000 01010101 02020202", F::IpProto, 0),
        ("0800 45000020 00000000 40060000 01010101 02020202 0001000200000000 00000000", F::TcpSrc, 0),
        ("0806 0002 0800 06 04 0001 010203040506 01020304 010203040506 05060708", F::ArpOp, 0),
    ] {
        assert_eq!(packet(rest).key().get(id), value, "{rest}");
    }
    assert_eq!(Packet::new(&[1; 13], PortNo(1)).key().get(F::EthDst), 0);
    assert_eq!(Packet::in_place(vec![1; 3], 9, PortNo(1)).frame(), [0u8; 0]);
}

#[test]
fn ports_of_fragments_are_not_matched() {
    let first = "0800 4500001c 00002000 40110000 01010101 02020202 0001000200080000";
    let mut it = packet(first);
    assert!(it.is_fragment());
    assert_eq!((it.key().get(F::IpProto), it.key().get(F::UdpSrc)), (17, 0));
    it.set_field(F::UdpSrc, 9);
    assert_eq!((it.frame()[35], it.key().get(F::UdpSrc)), (9, 0));
    let later = "0800 4500001c 00000001 40110000 01010101 02020202 0001000200080000";
    let mut it = packet(later);
    let before = it.frame().to_vec();
    it.set_field(F::UdpSrc, 9);
    assert_eq!(it.frame(), before);
}

#[test]
fn extension_headers_are_told() {
    let v6 = |first: &str, payload: &str| {
        let addresses = format!("{} {}", "20".repeat(16), "fe".repeat(16));
        let length = frame(payload).len();
        packet(&format!("86dd 60000000 {length:04x} {first} 40 {addresses} {payload}"))
    };
    let hop = |next: &str| format!("{next} 00 000000000000");
    for (first, payload, told, proto) in [
        ("3b", String::new(), 0x001, 59),
        ("00", hop("3b"), 0x041, 59),
        ("00", hop("3c") + &hop("2b") + &hop("3c") + &hop("06"), 0x068, 6),
        ("00", hop("00") + &hop("06"), 0x0c0, 6),
        ("2b", hop("00") + &hop("06"), 0x160, 6),
        ("2c", hop("32"), 0x012, 50),
        ("33", "0604 0000 00000000 00000000 00000000 00000000 00000000".to_owned(), 0x004, 6),
    ] {
        let it = v6(first, &payload);
        assert_eq!(it.key().get(F::Ipv6Exthdr), told, "{first} {payload}");
        assert_eq!(it.key().get(F::IpProto), proto, "{first} {payload}");
    }
}

#[test]
fn neighbour_discovery_is_read_and_set() {
    let body = format!("8700 0000 00000000 {} 0101 0a0000000009", "20".repeat(16));
    let addresses = format!("{} {}", "20".repeat(16), "fe".repeat(16));
    let mut it = packet(&format!("86dd 60000000 0020 3a ff {addresses} {body}"));
    assert_eq!(it.key().get(F::Ipv6NdSll), 0x0a00_0000_0009);
    assert_eq!(it.key().get(F::Ipv6NdTll), 0);
    let before: [u8; 2] = it.read(14 + 40 + 2);
    it.set_field(F::Ipv6NdSll, 0x0a00_0000_0008);
    it.set_field(F::Ipv6NdTarget, u128::from_be_bytes([0x20; 16]) + 1);
    assert_eq!(it.read::<2>(14 + 40 + 2), before, "one up, one down: the sum stays");
    // As an advertisement it has an address of the wrong kind.
    it.set_field(F::Icmpv6Type, 136);
    assert_eq!(it.key().get(F::Ipv6NdTarget), u128::from_be_bytes([0x20; 16]) + 1);
    it.set_field(F::Icmpv6Type, 128);
    assert_eq!(it.key().get(F::Ipv6NdTarget), 0);
}

#[test]
fn sctp_has_a_crc() {
    // RFC 3720, B.4: 32 bytes of zeros; and the check value of CRC-32c.
    assert_eq!(super::checksum::crc32c([&[0; 32], &[], &[]]), 0x8a91_36aa);
    assert_eq!(super::checksum::crc32c([b"1234", b"", b"56789"]), 0xe306_9283);
    let sctp = "0001 0002 00000007 00000000 0b000004";
    let mut it = packet(&format!("0800 45000024 00000000 40840000 01010101 02020202 {sctp}"));
    let right = it.frame()[34..].to_vec();
    let crc = |body: &[u8]| super::checksum::crc32c([&body[..8], &[0; 4], &body[12..]]).to_le_bytes();
    it.write(42, &crc(&right));
    it.set_field(F::SctpDst, 3000);
    let body = &it.frame()[34..];
    assert_eq!(body[2..4], 3000u16.to_be_bytes());
    assert_eq!(body[8..12], crc(body));
}

#[test]
fn udp_without_a_checksum_stays_without() {
    let udp = "0800 4500001c 00000000 40110000 01010101 02020202 0001000200080000";
    let mut it = packet(udp);
    it.set_field(F::Ipv4Src, 5);
    it.set_field(F::UdpDst, 5);
    assert_eq!(it.frame()[40..42], [0, 0]);
}

#[test]
fn frames_do_not_grow_without_end() {
    let mut it = Packet::new(&[0; 64], PortNo(1));
    let pushed = (0..).take_while(|_| it.push_pbb(0x88e7).is_ok()).count();
    assert_eq!(pushed, (FRAME_MAX - 64) / 18);
}
