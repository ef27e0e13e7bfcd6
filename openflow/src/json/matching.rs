//! Matches: an object of fields, each a value or `"value/mask"`.

use std::collections::HashSet;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::scalar::{Data, Symbol, Text, port};
use crate::oxm::{Match, OxmField};

/// The specification's names of the basic fields (OF 1.3.5 §7.2.3.7), by number.
const NAMES: [&str; 40] = [
    "in_port",
    "in_phy_port",
    "metadata",
    "eth_dst",
    "eth_src",
    "eth_type",
    "vlan_vid",
    "vlan_pcp",
    "ip_dscp",
    "ip_ecn",
    "ip_proto",
    "ipv4_src",
    "ipv4_dst",
    "tcp_src",
    "tcp_dst",
    "udp_src",
    "udp_dst",
    "sctp_src",
    "sctp_dst",
    "icmpv4_type",
    "icmpv4_code",
    "arp_op",
    "arp_spa",
    "arp_tpa",
    "arp_sha",
    "arp_tha",
    "ipv6_src",
    "ipv6_dst",
    "ipv6_flabel",
    "icmpv6_type",
    "icmpv6_code",
    "ipv6_nd_target",
    "ipv6_nd_sll",
    "ipv6_nd_tll",
    "mpls_label",
    "mpls_tc",
    "mpls_bos",
    "pbb_isid",
    "tunnel_id",
    "ipv6_exthdr",
];

/// The name of a field by class and number; those without one are `oxm_CLASS_NUMBER`.
pub(super) fn field_name(class: u16, number: u8) -> String {
    match NAMES.get(usize::from(number)) {
        Some(name) if class == crate::oxm::CLASS_BASIC => (*name).to_owned(),
        _ => format!("oxm_{class:#06x}_{number}"),
    }
}

/// An object of fields. One that a peer has repeated, which nobody may, is there as it came first.
pub(super) struct Fields<'a>(pub(super) &'a Match);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut seen = HashSet::new();
        for field in self.0 {
            let (class, number) = field.key();
            if seen.insert((class, number)) {
                map.serialize_entry(&field_name(class, number), &Value(&field))?;
            }
        }
        map.end()
    }
}

/// The value of a field, with its mask where it has one.
pub(super) struct Value<'a>(pub(super) &'a OxmField);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            OxmField::InPort(number) | OxmField::InPhyPort(number) => port(*number).serialize(serializer),
            OxmField::EthDst(mac)
            | OxmField::EthSrc(mac)
            | OxmField::ArpSha(mac)
            | OxmField::ArpTha(mac)
            | OxmField::Ipv6NdSll(mac)
            | OxmField::Ipv6NdTll(mac) => Text(mac).serialize(serializer),
            OxmField::Ipv4Src(net)
            | OxmField::Ipv4Dst(net)
            | OxmField::ArpSpa(net)
            | OxmField::ArpTpa(net) => Text(net).serialize(serializer),
            OxmField::Ipv6Src(net) | OxmField::Ipv6Dst(net) | OxmField::Ipv6NdTarget(net) => {
                Text(net).serialize(serializer)
            }
            OxmField::Unknown { has_mask: true, bytes, .. } => {
                let (value, mask) = bytes.split_at(bytes.len() / 2);
                Text(format_args!("{}/{}", Data(value), Data(mask))).serialize(serializer)
            }
            OxmField::Unknown { bytes, .. } => Data(bytes).serialize(serializer),
            other => number(other).serialize(serializer),
        }
    }
}

/// A number, or text where it has a mask or more bits than a number of JavaScript.
enum Number {
    Symbol(Symbol),
    Text(String),
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Number::Symbol(symbol) => symbol.serialize(serializer),
            Number::Text(text) => serializer.serialize_str(text),
        }
    }
}

fn number(field: &OxmField) -> Number {
    let width = field.id().map_or(0, |id| id.bits());
    let (value, mask) = field.to_bits().unwrap_or_default();
    let all = mask.count_ones() == width;
    match u32::try_from(value) {
        Ok(value) if all && width <= u32::BITS => Number::Symbol(Symbol::Number(value)),
        _ if all => Number::Text(format!("{value:#x}")),
        _ => Number::Text(format!("{value:#x}/{mask:#x}")),
    }
}
