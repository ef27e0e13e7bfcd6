//! Random texts in the words of ovs-ofctl: most of them sound, some with values out of range, some
//! with slips of the pen.

use super::{Gen, nicira};

/// Numbers in the forms that are read, and some that are not.
pub(super) fn number(g: &mut Gen, most: u64) -> String {
    let value = match g.below(8) {
        0 => 0,
        1 => most,
        2 => most.wrapping_add(1),
        _ => g.u64() % most.max(1),
    };
    match g.below(24) {
        0..4 => format!("{value:#x}"),
        4 => format!("0{value:o}"),
        5 => format!("+{value}"),
        6 => format!("-{}", value % 10),
        7 => g.pick(&["", "0x", "x", "08", "1 2", "*", "99999999999999999999"]).to_owned(),
        _ => value.to_string(),
    }
}

pub(super) fn masked(g: &mut Gen, most: u64) -> String {
    let value = number(g, most);
    if g.chance(3) { format!("{value}/{}", number(g, most)) } else { value }
}

fn mac(g: &mut Gen) -> String {
    let plain = |g: &mut Gen| (0..6).map(|_| format!("{:02x}", g.u8())).collect::<Vec<_>>().join(":");
    match g.below(12) {
        0 => format!("{}/{}", plain(g), plain(g)),
        1 => format!("{}/01:00:00:00:00:00", plain(g)),
        2 => g.pick(&["1:2:3:4:5:6", "1:2:3:4:5", "0x1:2:3:4:5:123", "", "*"]).to_owned(),
        _ => plain(g),
    }
}

pub(super) fn ipv4(g: &mut Gen) -> String {
    let plain = |g: &mut Gen| std::net::Ipv4Addr::from(g.u32()).to_string();
    match g.below(12) {
        0 => format!("{}/{}", plain(g), plain(g)),
        1..5 => format!("{}/{}", plain(g), g.below(34)),
        5 => g.pick(&["1.2.3", "1.2.3.256", "", "*", "+1.02.3.4"]).to_owned(),
        _ => plain(g),
    }
}

pub(super) fn ipv6(g: &mut Gen) -> String {
    let plain = |g: &mut Gen| std::net::Ipv6Addr::from(g.u128() & g.u128()).to_string();
    match g.below(12) {
        0 => format!("{}/ffff:ffff::{:x}", plain(g), g.u16()),
        1..5 => format!("{}/{}", plain(g), g.below(130)),
        5 => g.pick(&["1:2", "::", "*", "fe80::1::2", "::ffff:1.2.3.4"]).to_owned(),
        _ => plain(g),
    }
}

pub(super) fn port(g: &mut Gen) -> String {
    match g.below(5) {
        0 => g
            .pick(&[
                "LOCAL",
                "in_port",
                "CONTROLLER",
                "ANY",
                "none",
                "FLOOD",
                "all",
                "NORMAL",
                "table",
                "UNSET",
            ])
            .to_owned(),
        1 => g.pick(&["65279", "65280", "65533", "65536", "4294967294", "0x5", "010", "eth1"]).to_owned(),
        _ => (g.u32() % 100).to_string(),
    }
}

const PROTOCOLS: [&str; 19] = [
    "ip", "ipv4", "ip4", "tcp", "udp", "sctp", "icmp", "arp", "rarp", "ipv6", "ip6", "tcp6", "udp6", "sctp6",
    "icmp6", "mpls", "mplsm", "eth", "tcp",
];

/// A field with a value.
fn field(g: &mut Gen) -> String {
    let (name, value) = match g.below(34) {
        0 => ("in_port", port(g)),
        1 => ("in_port_oxm", port(g)),
        2 => (g.pick(&["dl_src", "eth_src"]), mac(g)),
        3 => (g.pick(&["dl_dst", "eth_dst"]), mac(g)),
        4 => {
            let usual = ["0x800", "0x806", "0x86dd", "0x8847", "0x88cc", "2048"].map(str::to_owned);
            let value = if g.chance(4) { masked(g, 0xffff) } else { usual[g.below(usual.len())].clone() };
            (g.pick(&["dl_type", "eth_type"]), value)
        }
        5 => ("dl_vlan", masked(g, 0xffff)),
        6 => ("dl_vlan", number(g, 4095)),
        7 => ("dl_vlan_pcp", number(g, 7)),
        8 => ("vlan_tci", masked(g, 0xffff)),
        9 => ("vlan_vid", masked(g, 0x1fff)),
        10 => ("vlan_pcp", number(g, 7)),
        11 => (g.pick(&["nw_src", "ip_src"]), ipv4(g)),
        12 => (g.pick(&["nw_dst", "ip_dst"]), ipv4(g)),
        13 => (g.pick(&["ipv6_src", "ipv6_dst"]), ipv6(g)),
        14 => ("ipv6_label", masked(g, 0xfffff)),
        15 => (g.pick(&["nw_proto", "ip_proto"]), number(g, 255)),
        16 => ("nw_tos", number(g, 252)),
        17 => ("ip_dscp", number(g, 63)),
        18 => (g.pick(&["nw_ecn", "ip_ecn"]), number(g, 3)),
        19 => (g.pick(&["tp_src", "tcp_src", "udp_src", "sctp_src"]), masked(g, 0xffff)),
        20 => (g.pick(&["tp_dst", "tcp_dst", "udp_dst", "sctp_dst"]), masked(g, 0xffff)),
        21 => (g.pick(&["icmp_type", "icmpv6_type"]), number(g, 255)),
        22 => (g.pick(&["icmp_type", "icmpv6_type"]), g.pick(&["135", "136"]).to_owned()),
        23 => (g.pick(&["icmp_code", "icmpv6_code"]), number(g, 3)),
        24 => ("arp_op", number(g, 255)),
        25 => (g.pick(&["arp_spa", "arp_tpa"]), ipv4(g)),
        26 => (g.pick(&["arp_sha", "arp_tha", "nd_sll", "nd_tll"]), mac(g)),
        27 => ("nd_target", ipv6(g)),
        28 => ("mpls_label", number(g, 0xfffff)),
        29 => ("mpls_tc", number(g, 7)),
        30 => ("mpls_bos", number(g, 1)),
        31 => ("metadata", masked(g, u64::MAX)),
        32 => (g.pick(&["tun_id", "tunnel_id"]), masked(g, u64::MAX)),
        _ => return g.pick(&PROTOCOLS).to_owned(),
    };
    if value.is_empty() && g.chance(2) { name.to_owned() } else { format!("{name}={value}") }
}

fn keyword(g: &mut Gen) -> String {
    let (name, most) = g.pick(&[
        ("priority", 65535),
        ("idle_timeout", 65535),
        ("hard_timeout", 65535),
        ("cookie", u64::MAX),
        ("table", 255),
        ("duration", 10),
        ("n_packets", 10),
        ("importance", 65535),
    ]);
    match g.below(3) {
        0 => g
            .pick(&["send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"])
            .to_owned(),
        _ => format!("{name}={}", number(g, most)),
    }
}

/// What `set_field` takes.
fn set_field(g: &mut Gen) -> String {
    let (name, value) = match g.below(22) {
        0 => (g.pick(&["eth_src", "dl_dst", "eth_src"]), mac(g)),
        1 => (g.pick(&["ip_src", "nw_dst", "arp_spa"]), ipv4(g)),
        2 => ("ipv6_src", ipv6(g)),
        3 => ("vlan_vid", (0x1000 | g.u16() & 0xfff).to_string()),
        4 => ("vlan_vid", masked(g, 0x1fff)),
        5 => ("vlan_pcp", number(g, 7)),
        6 => ("vlan_tci", masked(g, 0xffff)),
        7 => (g.pick(&["tcp_dst", "udp_src", "tp_dst", "sctp_dst"]), masked(g, 0xffff)),
        8 => ("metadata", masked(g, u64::MAX)),
        9 => ("tun_id", masked(g, u64::MAX)),
        10 => ("ip_dscp", masked(g, 63)),
        11 => ("nw_tos", number(g, 252)),
        12 => ("nw_ecn", number(g, 3)),
        13 => ("ipv6_label", masked(g, 0xfffff)),
        14 => ("mpls_label", number(g, 0xfffff)),
        15 => ("mpls_tc", number(g, 7)),
        16 => ("arp_op", number(g, 255)),
        17 => (g.pick(&["arp_sha", "nd_sll", "nd_tll"]), mac(g)),
        18 => ("nd_target", ipv6(g)),
        19 => (g.pick(&["icmp_type", "icmpv6_code"]), number(g, 255)),
        20 => (g.pick(&["in_port", "in_port_oxm"]), port(g)),
        _ => (g.pick(&["nw_proto", "eth_type", "mpls_bos", "bogus", ""]), number(g, 255)),
    };
    format!("{value}->{name}")
}

/// An action that can stand anywhere.
fn action(g: &mut Gen) -> String {
    let (name, value) = match g.below(30) {
        0..4 => ("output", port(g)),
        4 => return port(g),
        5 => ("CONTROLLER", number(g, 65535)),
        6 => return format!("controller(max_len={})", number(g, 65535)),
        7 => return format!("output(port={},max_len={})", port(g), number(g, 1000)),
        8 => ("group", number(g, u32::MAX.into())),
        9 => ("set_queue", number(g, u32::MAX.into())),
        10 => return format!("enqueue:{}:{}", port(g), number(g, 100)),
        11..16 => ("set_field", set_field(g)),
        16 => (g.pick(&["mod_vlan_vid", "set_vlan_vid"]), number(g, 4095)),
        17 => (g.pick(&["mod_vlan_pcp", "set_vlan_pcp"]), number(g, 7)),
        18 => return g.pick(&["pop_vlan", "strip_vlan"]).to_owned(),
        19 => ("push_vlan", g.pick(&["0x8100", "0x88a8", "33024", "0x9100"]).to_owned()),
        20 => ("push_mpls", g.pick(&["0x8847", "0x8848"]).to_owned()),
        21 => ("pop_mpls", g.pick(&["0x800", "0x86dd", "0x8847"]).to_owned()),
        22 => (g.pick(&["mod_dl_src", "mod_dl_dst"]), mac(g)),
        23 => (g.pick(&["mod_nw_src", "mod_nw_dst"]), ipv4(g)),
        24 => ("mod_nw_tos", number(g, 252)),
        25 => ("mod_nw_ecn", number(g, 3)),
        26 => (g.pick(&["mod_nw_ttl", "set_nw_ttl", "set_mpls_ttl"]), number(g, 255)),
        27 => (g.pick(&["mod_tp_src", "mod_tp_dst"]), number(g, 65535)),
        28 => return g.pick(&["dec_ttl", "dec_mpls_ttl", "pop_queue", "dec_ttl(1,2)", "drop"]).to_owned(),
        _ => (g.pick(&["set_mpls_label", "set_mpls_tc", "set_tunnel", "set_tunnel64"]), number(g, 7)),
    };
    match g.below(4) {
        0 => format!("{name}({value})"),
        _ => format!("{name}:{value}"),
    }
}

fn instruction(g: &mut Gen) -> String {
    match g.below(6) {
        0 => format!("meter:{}", number(g, 1000)),
        1 => "clear_actions".to_owned(),
        2 => format!("write_actions({})", actions(g, 3)),
        3 => format!("write_metadata:{}", masked(g, u64::MAX)),
        4 => format!("goto_table:{}", number(g, 255)),
        _ => action(g),
    }
}

fn actions(g: &mut Gen, most: usize) -> String {
    g.many(most, action).join(",")
}

/// A slip of the pen, now and then.
fn slip(g: &mut Gen, text: String) -> String {
    if !g.chance(6) || text.is_empty() {
        return text;
    }
    let mut bytes = text.into_bytes();
    let at = g.below(bytes.len());
    let other = g.pick(b",:=()/ ->0195axft_.*+\"");
    match g.below(4) {
        0 => {
            bytes.remove(at);
        }
        1 => bytes.insert(at, other),
        2 => bytes[at] = other,
        _ => {
            let with = g.below(bytes.len());
            bytes.swap(at, with);
        }
    }
    String::from_utf8(bytes).expect("ASCII was changed to ASCII")
}

/// A flow to be added.
pub fn flow(g: &mut Gen) -> String {
    let mut words = g.many(5, field);
    if g.chance(3) {
        words.extend(g.many(3, nicira::field));
    }
    // Mostly the protocol comes first, as people write.
    if g.chance(2) {
        words.insert(0, g.pick(&PROTOCOLS).to_owned());
    }
    words.extend(g.many(2, keyword));
    let separator = g.pick(&[",", ",", " ", ", "]);
    let mut behind = g.many(3, action);
    if g.chance(3) {
        behind = g.many(3, nicira::action);
    } else if g.chance(20) {
        // A conjunction stands alone.
        behind = vec![format!("conjunction({},{}/{})", g.u16(), number(g, 3), number(g, 3))];
    }
    if g.chance(3) {
        behind.push(instruction(g));
    }
    if g.chance(6) {
        behind.insert(0, instruction(g));
    }
    let text = format!("{}{separator}actions={}", words.join(separator), behind.join(","));
    slip(g, text)
}

/// A group to be added.
pub fn group(g: &mut Gen) -> String {
    let kind = g.pick(&["all", "select", "indirect", "ff", "fast_failover", "foo"]);
    let mut text = format!("group_id={},type={kind}", number(g, 1000));
    for bucket in g.many(3, bucket) {
        text += &format!(",bucket={bucket}");
    }
    slip(g, text)
}

fn bucket(g: &mut Gen) -> String {
    let mut words = g.many(2, |g| match g.below(3) {
        0 => format!("weight:{}", number(g, 65535)),
        1 => format!("watch_port:{}", port(g)),
        _ => format!("watch_group:{}", number(g, 1000)),
    });
    let actions = actions(g, 3);
    words.push(if g.chance(3) { actions } else { format!("actions={actions}") });
    words.join(",")
}

/// A meter to be added.
pub fn meter(g: &mut Gen) -> String {
    let mut words = vec![format!("meter={}", number(g, 1000))];
    words.extend(g.many(3, |g| g.pick(&["kbps", "kbps", "pktps", "burst", "stats"]).to_owned()));
    let mut bands = Vec::new();
    for _ in 0..1 + g.below(2) {
        bands.push(format!("type={}", g.pick(&["drop", "dscp_remark"])));
        bands.extend(g.many(3, |g| {
            let (name, most) = g.pick(&[("rate", 1000), ("burst_size", 1000), ("prec_level", 255)]);
            format!("{name}={}", number(g, most))
        }));
    }
    let separator = g.pick(&[",", " "]);
    slip(g, format!("{}{separator}bands={}", words.join(separator), bands.join(separator)))
}
