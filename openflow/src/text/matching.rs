//! Matches in the words of `ovs-ofctl(8)`: `tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80`.

use std::fmt;

use super::{Hex, List, extended, masked_hex, order};
use crate::oxm::registers::narrowed;
use crate::oxm::{FieldId, Masked, Match, OxmField, VlanVid};

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Open vSwitch knows no other registers than those of 32 bits.
        if let Some(narrow) = narrowed(self) {
            return write!(f, "{narrow}");
        }
        let mut list = List::new(f);
        put(self, &mut list, &order::BEFORE_WORD)?;
        let word = protocol(self);
        if let Some((word, _)) = word {
            list.item(word)?;
        }
        put(self, &mut list, &order::BEFORE_VLAN)?;
        vlan(self, &mut list)?;
        for id in order::BEHIND_VLAN {
            let said = match id {
                FieldId::EthType => word.is_some(),
                FieldId::IpProto => matches!(word, Some((_, Says::TypeAndProto))),
                _ => false,
            };
            match self.get(id) {
                Some(field) if !said => list.item(&field)?,
                _ => {}
            }
        }
        for field in self {
            if let OxmField::Unknown { .. } = &field {
                list.item(&field)?;
            }
        }
        Ok(())
    }
}

fn put(matched: &Match, list: &mut List<'_, '_>, ids: &[FieldId]) -> fmt::Result {
    ids.iter().filter_map(|id| matched.get(*id)).try_for_each(|field| list.item(&field))
}

/// How much of a match a protocol word says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// The Ethernet type.
    Type,
    /// The Ethernet type and the IP protocol.
    TypeAndProto,
}

/// The word for the Ethernet type and the protocol, where there is one.
fn protocol(matched: &Match) -> Option<(&'static str, Says)> {
    let Some(OxmField::EthType(eth_type)) = matched.get(FieldId::EthType) else {
        return None;
    };
    let proto = match matched.get(FieldId::IpProto) {
        Some(OxmField::IpProto(proto)) => Some(proto),
        _ => None,
    };
    protocol_word(eth_type, proto)
}

/// The word for an Ethernet type and a protocol, and how much it says.
pub(super) fn protocol_word(eth_type: u16, proto: Option<u8>) -> Option<(&'static str, Says)> {
    Some(match (eth_type, proto) {
        (0x0800, Some(1)) => ("icmp", Says::TypeAndProto),
        (0x0800, Some(6)) => ("tcp", Says::TypeAndProto),
        (0x0800, Some(17)) => ("udp", Says::TypeAndProto),
        (0x0800, Some(132)) => ("sctp", Says::TypeAndProto),
        (0x0800, _) => ("ip", Says::Type),
        (0x86dd, Some(58)) => ("icmp6", Says::TypeAndProto),
        (0x86dd, Some(6)) => ("tcp6", Says::TypeAndProto),
        (0x86dd, Some(17)) => ("udp6", Says::TypeAndProto),
        (0x86dd, Some(132)) => ("sctp6", Says::TypeAndProto),
        (0x86dd, _) => ("ipv6", Says::Type),
        (0x0806, _) => ("arp", Says::Type),
        (0x8035, _) => ("rarp", Says::Type),
        (0x8847, _) => ("mpls", Says::Type),
        (0x8848, _) => ("mplsm", Says::Type),
        _ => return None,
    })
}

/// Id and priority as `dl_vlan` and `dl_vlan_pcp` where these can say it, else as the whole tag.
fn vlan(matched: &Match, list: &mut List<'_, '_>) -> fmt::Result {
    let vid = match matched.get(FieldId::VlanVid) {
        Some(OxmField::VlanVid(vid)) => Some(vid),
        _ => None,
    };
    let pcp = match matched.get(FieldId::VlanPcp) {
        Some(OxmField::VlanPcp(pcp)) => Some(pcp),
        _ => None,
    };
    if vid.is_none() && pcp.is_none() {
        return Ok(());
    }
    let vid_mask = vid.map_or(0, |vid| vid.mask_bits().0 & 0x1fff);
    let vid_bits = vid.map_or(0, |vid| vid.value.0 & 0x1fff);
    let tagged = vid_mask & vid_bits & VlanVid::PRESENT.0 != 0;
    let id_mask = vid_mask & 0x0fff;
    if tagged && (id_mask == 0 || id_mask == 0x0fff) && (id_mask != 0 || pcp.is_some()) {
        if id_mask != 0 {
            list.named("dl_vlan", vid_bits & 0x0fff)?;
        }
        return pcp.map_or(Ok(()), |pcp| list.named("dl_vlan_pcp", pcp));
    }
    let tci = vid_bits | pcp.map_or(0, |pcp| u16::from(pcp & 7) << 13);
    let mask = vid_mask | pcp.map_or(0, |_| 0xe000);
    match mask {
        0xffff => list.item(format_args!("vlan_tci={tci:#06x}")),
        _ => list.item(format_args!("vlan_tci={tci:#06x}/{mask:#06x}")),
    }
}

/// Name and value as a match says them.
impl fmt::Display for OxmField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OxmField::InPort(port) => write!(f, "in_port={port}"),
            OxmField::InPhyPort(port) => write!(f, "in_phy_port={port}"),
            OxmField::Metadata(value) => write!(f, "metadata={}", masked_hex(*value)),
            OxmField::EthDst(mac) => write!(f, "dl_dst={mac}"),
            OxmField::EthSrc(mac) => write!(f, "dl_src={mac}"),
            OxmField::EthType(eth_type) => write!(f, "dl_type={eth_type:#06x}"),
            OxmField::VlanVid(Masked { value, mask }) => match mask {
                None => write!(f, "vlan_vid={value}"),
                Some(mask) => write!(f, "vlan_vid={value}/{mask}"),
            },
            OxmField::VlanPcp(pcp) => write!(f, "dl_vlan_pcp={pcp}"),
            // Open vSwitch prints the whole byte of which the code point is the upper six bits.
            OxmField::IpDscp(dscp) => write!(f, "nw_tos={}", u16::from(*dscp) << 2),
            OxmField::IpEcn(ecn) => write!(f, "nw_ecn={ecn}"),
            OxmField::IpProto(proto) => write!(f, "nw_proto={proto}"),
            OxmField::Ipv4Src(net) => write!(f, "nw_src={net}"),
            OxmField::Ipv4Dst(net) => write!(f, "nw_dst={net}"),
            OxmField::TcpSrc(port) | OxmField::UdpSrc(port) | OxmField::SctpSrc(port) => {
                l4_port(f, "tp_src", *port)
            }
            OxmField::TcpDst(port) | OxmField::UdpDst(port) | OxmField::SctpDst(port) => {
                l4_port(f, "tp_dst", *port)
            }
            OxmField::Icmpv4Type(kind) | OxmField::Icmpv6Type(kind) => {
                write!(f, "icmp_type={kind}")
            }
            OxmField::Icmpv4Code(code) | OxmField::Icmpv6Code(code) => {
                write!(f, "icmp_code={code}")
            }
            OxmField::ArpOp(op) => write!(f, "arp_op={op}"),
            OxmField::ArpSpa(net) => write!(f, "arp_spa={net}"),
            OxmField::ArpTpa(net) => write!(f, "arp_tpa={net}"),
            OxmField::ArpSha(mac) => write!(f, "arp_sha={mac}"),
            OxmField::ArpTha(mac) => write!(f, "arp_tha={mac}"),
            OxmField::Ipv6Src(net) => write!(f, "ipv6_src={net}"),
            OxmField::Ipv6Dst(net) => write!(f, "ipv6_dst={net}"),
            OxmField::Ipv6Flabel(Masked { value, mask }) => match mask {
                None => write!(f, "ipv6_label={value:#07x}"),
                Some(mask) => write!(f, "ipv6_label={value:#07x}/{mask:#07x}"),
            },
            OxmField::Ipv6NdTarget(net) => write!(f, "nd_target={net}"),
            OxmField::Ipv6NdSll(mac) => write!(f, "nd_sll={mac}"),
            OxmField::Ipv6NdTll(mac) => write!(f, "nd_tll={mac}"),
            OxmField::MplsLabel(label) => write!(f, "mpls_label={label}"),
            OxmField::MplsTc(tc) => write!(f, "mpls_tc={tc}"),
            OxmField::MplsBos(bos) => write!(f, "mpls_bos={bos}"),
            OxmField::PbbIsid(Masked { value, mask }) => match mask {
                None => write!(f, "pbb_isid={value}"),
                Some(mask) => write!(f, "pbb_isid={value}/{mask}"),
            },
            OxmField::TunnelId(value) => write!(f, "tun_id={}", masked_hex(*value)),
            OxmField::Ipv6Exthdr(value) => write!(f, "ipv6_exthdr={}", masked_hex(*value)),
            OxmField::Unknown { class, field, has_mask, bytes } => {
                write!(f, "oxm({class:#06x},{field})=")?;
                let half = if *has_mask { bytes.len() / 2 } else { bytes.len() };
                let (value, mask) = bytes.split_at(half);
                write!(f, "{}", Hex(value))?;
                if *has_mask {
                    write!(f, "/{}", Hex(mask))?;
                }
                Ok(())
            }
            other => match other.id() {
                Some(id) => {
                    write!(f, "{}={}", id.match_name(), extended::Value(other, id, extended::Place::Match))
                }
                None => Ok(()),
            },
        }
    }
}

impl FieldId {
    /// The name by which a match tells the field.
    fn match_name(self) -> &'static str {
        match self {
            FieldId::IpFrag => "nw_frag",
            other => other.name(),
        }
    }
}

fn l4_port(f: &mut fmt::Formatter<'_>, name: &str, port: Masked<u16>) -> fmt::Result {
    match port.mask {
        None => write!(f, "{name}={}", port.value),
        Some(mask) => write!(f, "{name}={:#x}/{mask:#x}", port.value),
    }
}
