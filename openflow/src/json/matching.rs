//! Matches: an object of fields, each a value or `"value/mask"`.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::scalar::{Data, Symbol, Text, port};
use crate::oxm::{FieldId, Masked, Match, OxmField, OxmKey, Syntax};

/// The specification's name of a basic field, Open vSwitch's of another that it has; others are
/// `oxm_CLASS_NUMBER`.
pub(super) fn field_name(key: OxmKey) -> String {
    match FieldId::from_key(key) {
        Some(id) => id.spec_name().to_owned(),
        None => format!("oxm_{:#06x}_{}", key.class, key.field),
    }
}

/// An object of fields. One that a peer has repeated, which nobody may, is there as it came first.
pub(super) struct Fields<'a>(pub(super) &'a Match);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut seen = HashSet::new();
        for field in self.0 {
            let name = field_name(field.key());
            if !seen.contains(&name) {
                map.serialize_entry(&name, &Value(&field))?;
                seen.insert(name);
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
            OxmField::ActsetOutput(number) => port(*number).serialize(serializer),
            other => match (other.id().map(FieldId::syntax), other.to_bits()) {
                (Some(Syntax::Ipv4), Some((value, mask))) => {
                    let net =
                        Masked::new(Ipv4Addr::from_bits(value as u32), Ipv4Addr::from_bits(mask as u32));
                    Text(net).serialize(serializer)
                }
                (Some(Syntax::Ipv6), Some((value, mask))) => {
                    Text(Masked::new(Ipv6Addr::from_bits(value), Ipv6Addr::from_bits(mask)))
                        .serialize(serializer)
                }
                _ => number(other).serialize(serializer),
            },
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
