//! The names by which Open vSwitch lists fields, and their order (`ovs-fields(7)`): of those that it
//! has besides the basic ones, too, since what a switch can do is told in all of them.

use crate::multipart::table_features::OxmId;

const NXM: u16 = 0x0000;
const NX: u16 = 0x0001;
const ERICSSON: u16 = 0x1000;
const BASIC: u16 = 0x8000;
const REGS: u16 = 0x8001;
const EXP: u16 = 0xffff;

const NICIRA: u32 = 0x2320;
const NSH: u32 = 0x005a_d650;
const ONF: u32 = 0x4f4e_4600;

/// Class, experimenter, number.
type Key = (u16, Option<u32>, u8);

/// Name, how many fields there are with this name and a number behind it, and the keys of the (first)
/// field. In the order in which Open vSwitch lists them.
#[rustfmt::skip]
const FIELDS: &[(&str, u8, &[Key])] = &[
    ("dp_hash", 1, &[(NX, None, 35), (EXP, Some(NICIRA), 0)]),
    ("recirc_id", 1, &[(NX, None, 36)]),
    ("packet_type", 1, &[(BASIC, None, 44)]),
    ("conj_id", 1, &[(NX, None, 37)]),
    ("tun_id", 1, &[(NX, None, 16), (BASIC, None, 38)]),
    ("tun_src", 1, &[(NX, None, 31)]),
    ("tun_dst", 1, &[(NX, None, 32)]),
    ("tun_ipv6_src", 1, &[(NX, None, 109)]),
    ("tun_ipv6_dst", 1, &[(NX, None, 110)]),
    ("tun_flags", 1, &[(NX, None, 104)]),
    ("tun_gbp_id", 1, &[(NX, None, 38)]),
    ("tun_gbp_flags", 1, &[(NX, None, 39)]),
    ("tun_erspan_idx", 1, &[(EXP, Some(NICIRA), 11)]),
    ("tun_erspan_ver", 1, &[(EXP, Some(NICIRA), 12)]),
    ("tun_erspan_dir", 1, &[(EXP, Some(NICIRA), 13)]),
    ("tun_erspan_hwid", 1, &[(EXP, Some(NICIRA), 14)]),
    ("tun_gtpu_flags", 1, &[(EXP, Some(NICIRA), 15)]),
    ("tun_gtpu_msgtype", 1, &[(EXP, Some(NICIRA), 16)]),
    ("tun_metadata", 64, &[(NX, None, 40)]),
    ("metadata", 1, &[(BASIC, None, 2)]),
    ("in_port", 1, &[(NXM, None, 0)]),
    ("in_port_oxm", 1, &[(BASIC, None, 0)]),
    ("actset_output", 1, &[(BASIC, None, 43), (EXP, Some(ONF), 43)]),
    ("pkt_mark", 1, &[(NX, None, 33)]),
    ("ct_state", 1, &[(NX, None, 105)]),
    ("ct_zone", 1, &[(NX, None, 106)]),
    ("ct_mark", 1, &[(NX, None, 107)]),
    ("ct_label", 1, &[(NX, None, 108)]),
    ("ct_nw_proto", 1, &[(NX, None, 119)]),
    ("ct_nw_src", 1, &[(NX, None, 120)]),
    ("ct_nw_dst", 1, &[(NX, None, 121)]),
    ("ct_ipv6_src", 1, &[(NX, None, 122)]),
    ("ct_ipv6_dst", 1, &[(NX, None, 123)]),
    ("ct_tp_src", 1, &[(NX, None, 124)]),
    ("ct_tp_dst", 1, &[(NX, None, 125)]),
    ("reg", 16, &[(NX, None, 0)]),
    ("xreg", 8, &[(REGS, None, 0)]),
    ("xxreg", 4, &[(NX, None, 111)]),
    ("eth_src", 1, &[(NXM, None, 2), (BASIC, None, 4)]),
    ("eth_dst", 1, &[(NXM, None, 1), (BASIC, None, 3)]),
    ("eth_type", 1, &[(NXM, None, 3), (BASIC, None, 5)]),
    ("vlan_tci", 1, &[(NXM, None, 4)]),
    ("vlan_vid", 1, &[(BASIC, None, 6)]),
    ("vlan_pcp", 1, &[(BASIC, None, 7)]),
    ("mpls_label", 1, &[(BASIC, None, 34)]),
    ("mpls_tc", 1, &[(BASIC, None, 35)]),
    ("mpls_bos", 1, &[(BASIC, None, 36)]),
    ("mpls_ttl", 1, &[(NX, None, 30)]),
    ("ip_src", 1, &[(NXM, None, 7), (BASIC, None, 11)]),
    ("ip_dst", 1, &[(NXM, None, 8), (BASIC, None, 12)]),
    ("ipv6_src", 1, &[(NX, None, 19), (BASIC, None, 26)]),
    ("ipv6_dst", 1, &[(NX, None, 20), (BASIC, None, 27)]),
    ("ipv6_label", 1, &[(NX, None, 27), (BASIC, None, 28)]),
    ("nw_proto", 1, &[(NXM, None, 6), (BASIC, None, 10)]),
    ("nw_tos", 1, &[(NXM, None, 5)]),
    ("ip_dscp", 1, &[(BASIC, None, 8)]),
    ("nw_ecn", 1, &[(NX, None, 28), (BASIC, None, 9)]),
    ("nw_ttl", 1, &[(NX, None, 29)]),
    ("ip_frag", 1, &[(NX, None, 26)]),
    ("arp_op", 1, &[(NXM, None, 15), (BASIC, None, 21)]),
    ("arp_spa", 1, &[(NXM, None, 16), (BASIC, None, 22)]),
    ("arp_tpa", 1, &[(NXM, None, 17), (BASIC, None, 23)]),
    ("arp_sha", 1, &[(NX, None, 17), (BASIC, None, 24)]),
    ("arp_tha", 1, &[(NX, None, 18), (BASIC, None, 25)]),
    ("tcp_src", 1, &[(NXM, None, 9), (BASIC, None, 13)]),
    ("tcp_dst", 1, &[(NXM, None, 10), (BASIC, None, 14)]),
    ("tcp_flags", 1, &[(NX, None, 34), (BASIC, None, 42), (EXP, Some(ONF), 42)]),
    ("udp_src", 1, &[(NXM, None, 11), (BASIC, None, 15)]),
    ("udp_dst", 1, &[(NXM, None, 12), (BASIC, None, 16)]),
    ("sctp_src", 1, &[(BASIC, None, 17)]),
    ("sctp_dst", 1, &[(BASIC, None, 18)]),
    ("icmp_type", 1, &[(NXM, None, 13), (BASIC, None, 19)]),
    ("icmp_code", 1, &[(NXM, None, 14), (BASIC, None, 20)]),
    ("icmpv6_type", 1, &[(NX, None, 21), (BASIC, None, 29)]),
    ("icmpv6_code", 1, &[(NX, None, 22), (BASIC, None, 30)]),
    ("nd_target", 1, &[(NX, None, 23), (BASIC, None, 31)]),
    ("nd_sll", 1, &[(NX, None, 24), (BASIC, None, 32)]),
    ("nd_tll", 1, &[(NX, None, 25), (BASIC, None, 33)]),
    ("nd_reserved", 1, &[(ERICSSON, None, 1)]),
    ("nd_options_type", 1, &[(ERICSSON, None, 2)]),
    ("nsh_flags", 1, &[(EXP, Some(NSH), 1)]),
    ("nsh_mdtype", 1, &[(EXP, Some(NSH), 2)]),
    ("nsh_np", 1, &[(EXP, Some(NSH), 3)]),
    ("nsh_spi", 1, &[(EXP, Some(NSH), 4)]),
    ("nsh_si", 1, &[(EXP, Some(NSH), 5)]),
    ("nsh_c1", 1, &[(EXP, Some(NSH), 6)]),
    ("nsh_c2", 1, &[(EXP, Some(NSH), 7)]),
    ("nsh_c3", 1, &[(EXP, Some(NSH), 8)]),
    ("nsh_c4", 1, &[(EXP, Some(NSH), 9)]),
    ("nsh_ttl", 1, &[(EXP, Some(NSH), 10)]),
];

/// Place in Open vSwitch's order, and name. Fields that it does not have come last.
pub(super) fn listed(id: OxmId) -> (usize, String) {
    let number = id.field();
    for (place, (name, count, keys)) in FIELDS.iter().enumerate() {
        for (class, experimenter, first) in *keys {
            let same = (*class, *experimenter) == (id.class(), id.experimenter);
            let Some(nth) = number.checked_sub(*first).filter(|nth| same && nth < count) else {
                continue;
            };
            // Numbers of one row stay behind each other, before those of the next.
            let rank = place << 8 | usize::from(nth);
            return match count {
                1 => (rank, (*name).to_owned()),
                _ => (rank, format!("{name}{nth}")),
            };
        }
    }
    let experimenter = id.experimenter.map_or_else(String::new, |id| format!("{id:#x},"));
    let name = format!("oxm({:#06x},{experimenter}{number})", id.class());
    ((FIELDS.len() << 8) + usize::from(number), name)
}
