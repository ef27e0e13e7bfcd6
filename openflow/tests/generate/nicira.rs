//! Random texts of what Open vSwitch has beyond OpenFlow 1.3: its fields and its actions.

use super::Gen;
use super::text::{ipv4, ipv6, masked, number, port};

fn flags(g: &mut Gen, names: &[&str]) -> String {
    match g.below(8) {
        0 => g.many(3, |g| g.pick(names)).join("|"),
        1 => format!("{:#x}/{:#x}", g.u8(), g.u8()),
        2 => g.pick(&["0", "+", "+bogus", "new-est", "+trk-trk", "[200]", "", "trk|0x2"]).to_owned(),
        _ => (0..1 + g.below(3)).map(|_| format!("{}{}", g.pick(&["+", "-"]), g.pick(names))).collect(),
    }
}

/// A field with a value.
pub fn field(g: &mut Gen) -> String {
    let states = ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];
    let (name, value) = match g.below(25) {
        0..4 => (format!("reg{}", g.below(17)), masked(g, u32::MAX.into())),
        4 => (format!("xreg{}", g.below(9)), masked(g, u64::MAX)),
        5 => (format!("xxreg{}", g.below(5)), masked(g, u64::MAX)),
        6..9 => ("ct_state".to_owned(), flags(g, &states)),
        9 => ("ct_zone".to_owned(), number(g, 65535)),
        10 => ("ct_mark".to_owned(), masked(g, u32::MAX.into())),
        11 => ("ct_label".to_owned(), masked(g, u64::MAX)),
        12 => ("ct_nw_proto".to_owned(), number(g, 17)),
        13 => ("ct_tp_dst".to_owned(), masked(g, 65535)),
        14 => ("pkt_mark".to_owned(), masked(g, u32::MAX.into())),
        15 => ("tun_src".to_owned(), ipv4(g)),
        16 => ("tun_ipv6_dst".to_owned(), ipv6(g)),
        17 => ("tun_flags".to_owned(), flags(g, &["oam", "oam", "oam", "key"])),
        18 => (g.pick(&["tun_gbp_id", "tun_gbp_flags"]).to_owned(), number(g, 255)),
        19 => (
            "tcp_flags".to_owned(),
            flags(g, &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"]),
        ),
        20 => (
            g.pick(&["nw_frag", "ip_frag"]).to_owned(),
            g.pick(&["no", "yes", "first", "later", "not_later", "1", ""]).to_owned(),
        ),
        21 => ("nw_ttl".to_owned(), number(g, 255)),
        22 => ("conj_id".to_owned(), number(g, u32::MAX.into())),
        23 => ("actset_output".to_owned(), port(g)),
        _ => ("mpls_ttl".to_owned(), number(g, 255)),
    };
    if value.is_empty() { name } else { format!("{name}={value}") }
}

/// A part of a field; mostly of a register, which any packet has.
fn part(g: &mut Gen) -> String {
    let name = match g.below(8) {
        0 => g.pick(&["eth_src", "NXM_OF_ETH_DST", "OXM_OF_METADATA", "tun_id", "NXM_OF_IN_PORT"]).to_owned(),
        1 => g.pick(&["ip_src", "NXM_OF_TCP_DST", "vlan_vid", "vlan_tci", "arp_op", "nw_tos"]).to_owned(),
        2 => g.pick(&["reg16", "bogus", "ct_zone", "eth_type"]).to_owned(),
        3 => g.pick(&["NXM_NX_REG3", "xreg2", "NXM_NX_REG5", "pkt_mark", "pkt_mark"]).to_owned(),
        _ => format!("reg{}", g.below(16)),
    };
    let range = match g.below(6) {
        0 => String::new(),
        1 => "[]".to_owned(),
        2 => format!("[{}]", g.below(17)),
        3 => format!("[{}..{}]", g.below(40), g.below(40)),
        _ => "[0..15]".to_owned(),
    };
    name + &range
}

fn learn_spec(g: &mut Gen) -> String {
    match g.below(9) {
        0 => "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]".to_owned(),
        1 => "eth_type=0x800".to_owned(),
        2 => format!("{}={}", part(g), g.u8()),
        3 => format!("load:{}->{}", g.u8(), part(g)),
        4 => format!("load:{}->{}", part(g), part(g)),
        5 => format!("output:{}", part(g)),
        6 => part(g),
        7 => format!("{}={}", part(g), part(g)),
        _ => format!("ip_src={}", ipv4(g)),
    }
}

fn learn(g: &mut Gen) -> String {
    let mut words = g.many(3, |g| {
        let (name, most) = g.pick(&[
            ("table", 254),
            ("priority", 65535),
            ("idle_timeout", 65535),
            ("fin_hard_timeout", 65535),
            ("cookie", 1000),
            ("limit", 1000),
        ]);
        match g.below(8) {
            0 => g.pick(&["send_flow_rem", "delete_learned", "result_dst=reg0[0]", "bogus"]).to_owned(),
            _ => format!("{name}={}", number(g, most)),
        }
    });
    words.extend(g.many(3, learn_spec));
    format!("learn({})", words.join(","))
}

fn nat(g: &mut Gen) -> String {
    let address = |g: &mut Gen| std::net::Ipv4Addr::from(g.u32()).to_string();
    let range = match g.below(6) {
        0 => String::new(),
        1 => format!("={}", address(g)),
        2 => format!("={}-{}", address(g), address(g)),
        3 => format!("={}:{}-{}", address(g), g.u16(), g.u16()),
        4 => format!("={}:{}", address(g), g.u16()),
        _ => format!(
            "={}",
            g.pick(&["fe80::1", "[fe80::1]:80", "fe80::1-fe80::9", "[fe80::1]-[fe80::2]:1-2", "x"])
        ),
    };
    let flags: String = g.many(2, |g| format!(",{}", g.pick(&["persistent", "hash", "random"]))).concat();
    match g.below(4) {
        0 => "nat".to_owned(),
        _ => format!("nat({}{range}{flags})", g.pick(&["src", "dst"])),
    }
}

fn ct(g: &mut Gen) -> String {
    let mut words = g.many(3, |g| match g.below(7) {
        0 | 1 => "commit".to_owned(),
        2 => "force".to_owned(),
        3 => format!("table={}", number(g, 254)),
        4 => format!("zone={}", number(g, 65535)),
        5 => format!("zone={}", part(g)),
        _ => format!("alg={}", g.pick(&["ftp", "tftp", "bogus"])),
    });
    // Of two zones Open vSwitch makes a mixture.
    let zones = words.iter().filter(|word| word.starts_with("zone=")).count();
    if zones > 1 {
        words.retain(|word| !word.starts_with("zone="));
    }
    if g.chance(3) {
        words.push(nat(g));
    }
    if g.chance(3) {
        let inner = g.pick(&[
            "set_field:1->ct_mark",
            "set_field:1/3->ct_mark",
            "load:5->NXM_NX_CT_LABEL[0..15]",
            "move:NXM_NX_REG0[]->NXM_NX_CT_MARK[]",
            "output:1",
        ]);
        words.push(format!("exec({inner})"));
    }
    format!("ct({})", words.join(","))
}

/// An action.
pub fn action(g: &mut Gen) -> String {
    match g.below(22) {
        0 => format!("resubmit:{}", port(g)),
        1 => format!("resubmit({},{})", port(g), number(g, 254)),
        2 => format!("resubmit(,{})", number(g, 254)),
        3 | 4 => format!("load:{:#x}->{}", g.u16() >> g.below(16), part(g)),
        5 | 6 => format!("move:{}->{}", part(g), part(g)),
        7 => format!("push:{}", part(g)),
        8 => format!("pop:{}", part(g)),
        9 => format!("output:{}", part(g)),
        10 => format!("set_field:{}->reg{}", masked(g, u32::MAX.into()), g.below(16)),
        11 => format!("set_field:{}->{}", masked(g, 255), g.pick(&["xxreg0", "xreg1", "pkt_mark"])),
        12 => format!("note:{}", g.pick(&["01.02.03", "", "0102", "010203040506070809", "1", "0x"])),
        13 => g
            .pick(&[
                "exit",
                "ct_clear",
                "pop_queue",
                "move:tun_erspan_idx[0..3]->reg0[0..3]",
                "push:tun_erspan_idx[0..3]",
                "load:3->tun_erspan_idx",
                "output:tun_erspan_idx",
                "set_field:5/7->tun_erspan_ver",
            ])
            .to_owned(),
        14 => {
            format!("check_pkt_larger({})->{}", number(g, 65535), g.pick(&["reg0[0]", "reg1[31]", "reg2[]"]))
        }
        15 => format!("fin_timeout(idle_timeout={},hard_timeout={})", number(g, 100), number(g, 100)),
        16 => {
            let words = g.many(3, |g| match g.below(6) {
                0 => format!("reason={}", g.pick(&["action", "no_match", "invalid_ttl", "bogus"])),
                1 => format!("max_len={}", number(g, 65535)),
                2 => format!("id={}", number(g, 65535)),
                3 => format!("userdata={}", g.pick(&["01.02", "aabb", "", "1"])),
                4 => "pause".to_owned(),
                _ => format!("meter_id={}", number(g, 1000)),
            });
            format!("controller({})", words.join(","))
        }
        17 => {
            let inner = g.many(3, |g| if g.chance(2) { action(g) } else { format!("output:{}", port(g)) });
            format!("clone({})", inner.join(","))
        }
        18 | 19 => ct(g),
        _ => learn(g),
    }
}
