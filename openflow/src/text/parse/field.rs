//! The names that match fields have in text, and how their values are read.

use std::sync::LazyLock;

use super::error::Fault;
use super::names::Names;
use super::number::{self, Bits};
use super::{Reading, flags};
use crate::oxm::{FieldId, Maskable, OxmValue, Syntax};
use crate::text::flags::{CONNECTION_STATE, TCP_FLAGS, TUNNEL_FLAGS};

/// A field as text knows it: one of OpenFlow's, or one that Open vSwitch kept from older protocols
/// and that is a part of one or two of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    /// A field of OpenFlow 1.3.
    Oxm(FieldId),
    /// `in_port`: the same as `in_port_oxm` in a match, another field to actions.
    InPort,
    /// `dl_vlan`: the id of a tag, 0xffff for none.
    DlVlan,
    /// `dl_vlan_pcp`: the priority of a tag.
    DlVlanPcp,
    /// `vlan_tci`: id, priority and "there is a tag" in one.
    VlanTci,
    /// `nw_tos`: the code point, two bits up.
    NwTos,
}

/// The fields that are not OpenFlow 1.3's; an id stands for the one of `fields!` that has the name.
const OLDER: [(&str, TextField); 4] = [
    ("dl_vlan", TextField::DlVlan),
    ("dl_vlan_pcp", TextField::DlVlanPcp),
    ("vlan_tci", TextField::VlanTci),
    ("nw_tos", TextField::NwTos),
];

/// Every name with its field.
static NAMES: LazyLock<Names<TextField>> = LazyLock::new(|| Names::new(named()));

/// Every name with its field.
pub(super) fn named() -> impl Iterator<Item = (&'static str, TextField)> {
    let basic = FieldId::ALL.into_iter().flat_map(|id| {
        let own = if id == FieldId::InPort { TextField::InPort } else { TextField::Oxm(id) };
        let aliases = id.aliases().iter().map(move |alias| (*alias, TextField::Oxm(id)));
        aliases.chain([(id.name(), own)])
    });
    basic.chain(OLDER)
}

/// All names, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.all()
}

impl TextField {
    /// The field of this name.
    pub(super) fn named(name: &str) -> Option<TextField> {
        NAMES.get(name)
    }

    /// Bytes of a value as Open vSwitch keeps it.
    pub(super) fn bytes(self) -> usize {
        match self {
            TextField::Oxm(id) => id.wire_len(),
            TextField::InPort | TextField::DlVlan | TextField::VlanTci => 2,
            TextField::DlVlanPcp | TextField::NwTos => 1,
        }
    }

    /// The mask of all bits of these bytes.
    pub(super) fn ones(self) -> u128 {
        u128::MAX >> (128 - 8 * self.bytes())
    }

    /// The bits that a value may have.
    pub(super) fn valid_bits(self) -> u128 {
        match self {
            TextField::Oxm(FieldId::ArpOp) => 0xff,
            TextField::Oxm(id) => u128::MAX >> (u128::BITS - id.bits()),
            TextField::InPort => u32::MAX.into(),
            TextField::VlanTci => 0xffff,
            TextField::DlVlan => 0x0fff,
            TextField::DlVlanPcp => 7,
            TextField::NwTos => 0xfc,
        }
    }

    fn syntax(self) -> Syntax {
        match self {
            TextField::Oxm(id) => id.syntax(),
            TextField::InPort => Syntax::Port,
            TextField::DlVlan | TextField::DlVlanPcp | TextField::NwTos => Syntax::Decimal,
            TextField::VlanTci => Syntax::Hexadecimal,
        }
    }

    fn is_maskable(self) -> bool {
        match self {
            TextField::Oxm(id) => id.maskable() != Maskable::No,
            TextField::VlanTci => true,
            TextField::InPort | TextField::DlVlan | TextField::DlVlanPcp | TextField::NwTos => false,
        }
    }
}

impl Reading<'_> {
    /// The value of a field, with its mask; `*` masks all out.
    pub(super) fn field_value<'t>(
        &self,
        field: TextField,
        name: &str,
        text: &'t str,
    ) -> Result<Bits, Fault<'t>> {
        if text == "*" {
            return Ok(Bits { value: 0, mask: 0 });
        }
        let bits = match field.syntax() {
            Syntax::Decimal | Syntax::Hexadecimal => number::field_bits(name, text, field.bytes())?,
            Syntax::Ethernet => number::mac_bits(name, text, self.strictness)?,
            Syntax::Ipv4 => number::ipv4_bits(name, text, self.strictness)?,
            Syntax::Ipv6 => number::ipv6_bits(name, text)?,
            Syntax::ConnectionState => flags::flags(&CONNECTION_STATE, text, self.strictness)?,
            Syntax::TcpFlags => flags::flags(&TCP_FLAGS, text, self.strictness)?,
            Syntax::TunnelFlags => flags::flags(&TUNNEL_FLAGS, text, self.strictness)?,
            Syntax::Fragment => flags::fragment(name, text)?,
            Syntax::PacketType => flags::packet_type(name, text)?,
            Syntax::Port => {
                let port = self.port_value(name, text)?;
                Bits { value: port.0.into(), mask: u128::from(u32::ONES) & field.ones() }
            }
        };
        if !field.is_maskable() && bits.mask != 0 && bits.mask != field.ones() {
            return Err(Fault::value(name, text, "a value without a mask"));
        }
        Ok(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_names_one_field() {
        assert_eq!(NAMES.all().count(), named().count());
        for id in FieldId::ALL.into_iter().filter(|id| *id != FieldId::InPort) {
            assert_eq!(TextField::named(id.name()), Some(TextField::Oxm(id)));
        }
        assert_eq!(TextField::named("dl_src"), Some(TextField::Oxm(FieldId::EthSrc)));
        assert_eq!(TextField::named("vlan_tci"), Some(TextField::VlanTci));
        assert_eq!(TextField::named("nothing"), None);
    }

    #[test]
    fn a_place_holds_what_shares_it() {
        for id in FieldId::ALL {
            assert_eq!(id.place().place(), id.place(), "{}", id.name());
        }
    }
}
