//! What is in a packet, in the words of a match: the line that `ovs-ofctl ofp-print` puts under a
//! packet-in or packet-out (`ovs-fields(7)`). Network service headers are not looked into.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::List;
use super::matching::{Says, protocol_word};
use crate::ids::MacAddr;

/// Ethernet types below this are lengths (IEEE 802.3).
const TYPE_MIN: u16 = 0x0600;
/// What Open vSwitch calls a frame without an Ethernet type.
const NO_TYPE: u16 = 0x05ff;
const VLAN: [u16; 2] = [0x8100, 0x88a8];
/// Tags and labels that are told.
const TAGS_MAX: usize = 2;
const LABELS_MAX: usize = 3;

const ICMP: u8 = 1;
const IGMP: u8 = 2;
const TCP: u8 = 6;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
/// Hop-by-hop options, routing, destination options: headers of the same form (RFC 8200 §4).
const OPTIONS: [u8; 3] = [0, 43, 60];

/// A frame from its Ethernet header on, printed as its fields: the line that `ovs-ofctl ofp-print` puts
/// under a packet-in.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a>(pub &'a [u8]);

/// What IP says of a packet; what it does not say is zero.
#[derive(Clone, Copy, Default)]
struct Ip<'a> {
    proto: u8,
    tos: u8,
    ttl: u8,
    /// A fragment, and one that is not the first.
    fragment: bool,
    later: bool,
    /// Behind the headers, without what fills the frame up.
    payload: &'a [u8],
}

fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_be_bytes)
}

fn mac_at(data: &[u8], at: usize) -> MacAddr {
    MacAddr(array(data, at).unwrap_or_default())
}

impl fmt::Display for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a whole header nothing is known.
        let frame = if self.0.len() < 14 { &[0; 14] } else { self.0 };
        let (tags, eth_type, rest) = ethernet_type(frame);
        let (src, dst) = (mac_at(frame, 6), mac_at(frame, 0));
        let v4 = (eth_type == 0x0800).then(|| ipv4(rest));
        let v6 = (eth_type == 0x86dd).then(|| ipv6(rest));
        let ip = v4.map(|(ip, _)| ip).or(v6.map(|(ip, ..)| ip));
        let word = protocol_word(eth_type, ip.map(|ip| ip.proto));

        let mut list = List::new(f);
        if let Some((word, _)) = word {
            list.item(word)?;
        }
        write_tags(&mut list, &tags)?;
        list.named("dl_src", src)?;
        list.named("dl_dst", dst)?;
        if word.is_none() {
            list.named("dl_type", format_args!("{eth_type:#06x}"))?;
        }
        match eth_type {
            0x0806 | 0x8035 => write_arp(&mut list, rest)?,
            0x8847 | 0x8848 => write_labels(&mut list, rest)?,
            _ => {}
        }
        if let Some((_, [src, dst])) = v4 {
            list.named("nw_src", src)?;
            list.named("nw_dst", dst)?;
        }
        if let Some((_, [src, dst], label)) = v6 {
            list.named("ipv6_src", src)?;
            list.named("ipv6_dst", dst)?;
            list.named("ipv6_label", format_args!("{label:#07x}"))?;
        }
        let Some(ip) = ip else { return Ok(()) };
        let named = matches!(word, Some((_, Says::TypeAndProto)));
        if !named {
            list.named("nw_proto", ip.proto)?;
        }
        write_ip(&mut list, &ip, named)?;
        write_checksum(f, &ip)
    }
}

/// The VLAN tags, the Ethernet type behind them, and what follows it.
fn ethernet_type(frame: &[u8]) -> (Vec<u16>, u16, &[u8]) {
    let mut tags = Vec::new();
    let mut rest = &frame[12..];
    while let (Some(kind), Some(tag), Some(_)) = (u16_at(rest, 0), u16_at(rest, 2), u16_at(rest, 4)) {
        if tags.len() == TAGS_MAX || !VLAN.contains(&kind) {
            break;
        }
        tags.push(tag);
        rest = &rest[4..];
    }
    let kind = u16_at(rest, 0).unwrap_or_default();
    let rest = rest.get(2..).unwrap_or_default();
    if kind >= TYPE_MIN || frame == [0; 14] {
        return (tags, kind, rest);
    }
    // IEEE 802.2 with a SNAP header (RFC 1042) has the type behind it.
    match (array(rest, 0), u16_at(rest, 6)) {
        (Some([0xaa, 0xaa, 3, 0, 0, 0]), Some(kind @ TYPE_MIN..)) => (tags, kind, &rest[8..]),
        _ => (tags, NO_TYPE, rest),
    }
}

fn write_tags(list: &mut List<'_, '_>, tags: &[u16]) -> fmt::Result {
    if tags.is_empty() {
        return list.item("vlan_tci=0x0000");
    }
    for (n, tag) in tags.iter().enumerate() {
        let n = if n == 0 { "" } else { "1" };
        list.item(format_args!("dl_vlan{n}={},dl_vlan_pcp{n}={}", tag & 0x0fff, tag >> 13))?;
    }
    if tags.len() < TAGS_MAX { list.item("vlan_tci1=0x0000") } else { Ok(()) }
}

fn write_arp(list: &mut List<'_, '_>, data: &[u8]) -> fmt::Result {
    const ETHERNET_AND_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
    let known = data.len() >= 28 && data.starts_with(&ETHERNET_AND_IPV4);
    let data = if known { data } else { &[0; 28] };
    let ip = |at| Ipv4Addr::from(array(data, at).unwrap_or_default());
    let op = u16_at(data, 6).filter(|op| *op <= 0xff).unwrap_or_default();
    list.named("arp_spa", ip(14))?;
    list.named("arp_tpa", ip(24))?;
    list.named("arp_op", op)?;
    list.named("arp_sha", mac_at(data, 8))?;
    list.named("arp_tha", mac_at(data, 18))
}

fn write_labels(list: &mut List<'_, '_>, data: &[u8]) -> fmt::Result {
    for n in 0..LABELS_MAX {
        let entry = array(data, 4 * n).map_or(0, u32::from_be_bytes);
        let last = entry >> 8 & 1;
        if n == 0 {
            let (label, tc, ttl) = (entry >> 12, entry >> 9 & 7, entry & 0xff);
            list.item(format_args!("mpls_label={label},mpls_tc={tc},mpls_ttl={ttl},mpls_bos={last}"))?;
        } else {
            list.item(format_args!("mpls_lse{n}={entry}"))?;
        }
        if last == 1 {
            break;
        }
    }
    Ok(())
}

fn ipv4(data: &[u8]) -> (Ip<'_>, [Ipv4Addr; 2]) {
    let sound = || {
        let header = usize::from(*data.first()? & 0xf) * 4;
        let total = usize::from(u16_at(data, 2)?);
        let payload = data.get(..total)?.get(header..)?;
        (header >= 20).then_some(payload)
    };
    let Some(payload) = sound() else { return (Ip::default(), [Ipv4Addr::UNSPECIFIED; 2]) };
    let fragment = u16_at(data, 6).unwrap_or_default();
    let ip = Ip {
        proto: data[9],
        tos: data[1],
        ttl: data[8],
        fragment: fragment & 0x3fff != 0,
        later: fragment & 0x1fff != 0,
        payload,
    };
    (ip, [12, 16].map(|at| array(data, at).unwrap_or_default().into()))
}

/// With addresses and flow label.
fn ipv6(data: &[u8]) -> (Ip<'_>, [Ipv6Addr; 2], u32) {
    let sound = || data.get(40..)?.get(..usize::from(u16_at(data, 4)?));
    let Some(payload) = sound() else { return (Ip::default(), [Ipv6Addr::UNSPECIFIED; 2], 0) };
    let addresses = [8, 24].map(|at| array(data, at).unwrap_or_default().into());
    let first = array(data, 0).map_or(0, u32::from_be_bytes);
    let ip = Ip { proto: data[6], tos: (first >> 20) as u8, ttl: data[7], payload, ..Ip::default() };
    match behind_extensions(ip) {
        Some(ip) => (ip, addresses, first & 0xf_ffff),
        None => (Ip::default(), addresses, 0),
    }
}

/// Steps over extension headers; `None` where one is cut short.
fn behind_extensions(mut ip: Ip<'_>) -> Option<Ip<'_>> {
    loop {
        let length =
            |unit: usize, more: u8| Some((usize::from(*ip.payload.get(1)?) + usize::from(more)) * unit);
        let header = match ip.proto {
            FRAGMENT => 8,
            AUTHENTICATION => length(4, 2)?,
            proto if OPTIONS.contains(&proto) => length(8, 1)?,
            _ => return Some(ip),
        };
        ip.payload.get(..8)?;
        let next = ip.payload[0];
        let offset = u16_at(ip.payload, 2)?;
        ip.payload = ip.payload.get(header..)?;
        if ip.proto == FRAGMENT && offset != 0 {
            ip.fragment = true;
            if offset & 0xfff8 != 0 {
                ip.later = true;
                return Some(ip);
            }
        }
        ip.proto = next;
    }
}

/// `named` tells that there is a word for the protocol.
fn write_ip(list: &mut List<'_, '_>, ip: &Ip<'_>, named: bool) -> fmt::Result {
    list.named("nw_tos", ip.tos & 0xfc)?;
    list.named("nw_ecn", ip.tos & 3)?;
    list.named("nw_ttl", ip.ttl)?;
    list.named("nw_frag", ["no", "first", "later"][usize::from(ip.fragment) + usize::from(ip.later)])?;
    if ip.later {
        return Ok(());
    }
    let data = ip.payload;
    // A header that is cut short counts as zeros.
    let whole = |length: usize| if data.len() < length { &[0; 20] } else { data };
    let ports = |list: &mut List<'_, '_>, header: &[u8]| {
        list.named("tp_src", u16_at(header, 0).unwrap_or_default())?;
        list.named("tp_dst", u16_at(header, 2).unwrap_or_default())
    };
    match ip.proto {
        TCP => {
            // Its options count as part of it.
            let stated = data.get(12).map_or(0, |offset| usize::from(offset >> 4) * 4);
            let header = whole(if stated < 20 { usize::MAX } else { stated });
            ports(list, header)?;
            list.named("tcp_flags", TcpFlags(u16_at(header, 12).unwrap_or_default() & 0x0fff))
        }
        UDP => ports(list, whole(8)),
        SCTP => ports(list, whole(12)),
        IGMP => {
            let header = whole(8);
            list.named("tp_src", header[0])?;
            list.named("tp_dst", header[1])
        }
        ICMP | ICMPV6 => {
            let header = whole(8);
            // Over the other version of IP they have no names of their own.
            let (kind, code) = if named { ("icmp_type", "icmp_code") } else { ("tp_src", "tp_dst") };
            list.named(kind, header[0])?;
            list.named(code, header[1])?;
            match (ip.proto, header[0], header[1]) {
                (ICMPV6, 135 | 136, 0) if named => write_discovery(list, data),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Neighbour discovery (RFC 4861 §4.3, §4.4): the target, and the addresses in its options.
fn write_discovery(list: &mut List<'_, '_>, data: &[u8]) -> fmt::Result {
    let (target, [source, of_target]) = discovery(data).unwrap_or_default();
    list.named("nd_target", Ipv6Addr::from(target))?;
    list.named("nd_sll", source)?;
    list.named("nd_tll", of_target)
}

fn discovery(data: &[u8]) -> Option<([u8; 16], [MacAddr; 2])> {
    let target = array(data, 8)?;
    let mut addresses = [MacAddr::default(); 2];
    let mut options = data.get(24..).unwrap_or_default();
    while options.len() >= 8 {
        let length = usize::from(options[1]) * 8;
        let option = options.get(..length).filter(|option| !option.is_empty())?;
        if let (1 | 2, 8) = (option[0], length) {
            let address = &mut addresses[usize::from(option[0]) - 1];
            // Twice is once too often.
            if *address != MacAddr::default() {
                return None;
            }
            *address = mac_at(option, 2);
        }
        options = &options[length..];
    }
    Some((target, addresses))
}

struct TcpFlags(u16);

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 12] =
            ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"];
        let set = NAMES.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        let names: Vec<&str> = set.map(|(_, name)| *name).collect();
        if names.is_empty() { f.write_str("0") } else { f.write_str(&names.join("|")) }
    }
}

/// The transport's checksum stands behind the fields.
fn write_checksum(f: &mut fmt::Formatter<'_>, ip: &Ip<'_>) -> fmt::Result {
    let (name, header, at) = match ip.proto {
        TCP => ("tcp", 20, 16),
        UDP => ("udp", 8, 6),
        SCTP => ("sctp", 12, 8),
        ICMP => ("icmp", 8, 2),
        ICMPV6 => ("icmp6", 8, 2),
        _ => return Ok(()),
    };
    if ip.payload.len() < header {
        return Ok(());
    }
    let checksum = match ip.proto {
        SCTP => array(ip.payload, at).map_or(0, u32::from_be_bytes),
        _ => u16_at(ip.payload, at).unwrap_or_default().into(),
    };
    write!(f, " {name}_csum:{checksum:x}")
}
