//! The values of the fields that are not OpenFlow 1.3's, as matches and as `set_field` say them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::AltHex;
use super::flags::{CONNECTION_STATE, FRAGMENTS, FlagNames, Set, Signed, TCP_FLAGS, TUNNEL_FLAGS};
use crate::ids::PortNo;
use crate::oxm::{FieldId, Masked, OxmField, Syntax};

/// Where a value stands: the two differ in how numbers are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Match,
    SetField,
}

/// The value of a field with its mask, where it has one.
pub(super) struct Value<'a>(pub(super) &'a OxmField, pub(super) FieldId, pub(super) Place);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value(field, id, place) = *self;
        let (value, mask) = field.to_bits().unwrap_or_default();
        let ones = u128::MAX >> (u128::BITS - 8 * id.wire_len() as u32);
        let all = u128::MAX >> (u128::BITS - id.bits());
        // Whatever bits beyond its own a mask has, it says nothing more in a match.
        let said = match place {
            Place::Match => mask & all != all,
            Place::SetField => field.has_mask() && mask & ones != ones,
        };
        let mask = said.then_some(mask & ones);
        match id.syntax() {
            Syntax::Ipv4 => {
                let mask = mask.map(|mask| Ipv4Addr::from_bits(mask as u32));
                write!(f, "{}", Masked { value: Ipv4Addr::from_bits(value as u32), mask })
            }
            Syntax::Ipv6 => {
                let mask = mask.map(Ipv6Addr::from_bits);
                write!(f, "{}", Masked { value: Ipv6Addr::from_bits(value), mask })
            }
            Syntax::Port => write!(f, "{}", PortNo(value as u32)),
            Syntax::ConnectionState => flags(f, value, mask, &CONNECTION_STATE),
            Syntax::TcpFlags => flags(f, value, mask, &TCP_FLAGS),
            Syntax::TunnelFlags => {
                let (value, mask) = (value as u64, mask.map_or(all as u64, |mask| mask as u64));
                write!(f, "{}", Signed { value, mask, names: &TUNNEL_FLAGS })
            }
            Syntax::Fragment => fragment(f, value as u8, mask.map_or(3, |mask| mask as u8)),
            Syntax::PacketType => match value as u32 {
                kind if kind >> 16 == 0 => write!(f, "(0,{})", kind & 0xffff),
                kind => write!(f, "({},{:#x})", kind >> 16, kind & 0xffff),
            },
            Syntax::Decimal => match (mask, place) {
                (None, _) => write!(f, "{value}"),
                (Some(mask), Place::Match) => write!(f, "{value:#x}/{mask:#x}"),
                (Some(mask), Place::SetField) => write!(f, "{value}/{}", AltHex(mask)),
            },
            // Hexadecimal elsewhere.
            _ if (id, place) == (FieldId::CtZone, Place::Match) => write!(f, "{value}"),
            Syntax::Hexadecimal | Syntax::Ethernet => match mask {
                None => write!(f, "{}", AltHex(value)),
                Some(mask) => write!(f, "{}/{}", AltHex(value), AltHex(mask)),
            },
        }
    }
}

fn flags(f: &mut fmt::Formatter<'_>, value: u128, mask: Option<u128>, names: &FlagNames) -> fmt::Result {
    match mask {
        None => write!(f, "{}", Set(value as u64, names)),
        Some(mask) => write!(f, "{}", Signed { value: value as u64, mask: mask as u64, names }),
    }
}

fn fragment(f: &mut fmt::Formatter<'_>, value: u8, mask: u8) -> fmt::Result {
    let word =
        FRAGMENTS.iter().find(|(_, its_value, its_mask)| (value & mask, mask) == (*its_value, *its_mask));
    match word {
        Some((word, ..)) => f.write_str(word),
        None => f.write_str("<error>"),
    }
}
