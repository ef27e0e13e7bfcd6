//! Parts of fields: `NXM_NX_REG0[0..15]`, `reg0[3]`, `eth_src`.

use std::sync::LazyLock;

use crate::nicira::{ActionField, Subfield};
use crate::oxm::FieldId;

use super::super::Strictness;
use super::super::error::Fault;
use super::super::field::{self, TextField};
use super::super::names::Names;
use super::super::number::{self, Bits};

/// The names of headers.
static HEADERS: LazyLock<Names<ActionField>> =
    LazyLock::new(|| Names::new(ActionField::all().map(|field| (field.header_name(), field))));

/// The field of a name: a header's, the specification's, or one that a match has.
fn named(name: &str) -> Option<ActionField> {
    HEADERS.get(name).or_else(|| specified(name)).or_else(|| match TextField::named(name)? {
        TextField::DlVlan | TextField::DlVlanPcp => None,
        other => Some(other.of_action()),
    })
}

/// The field of a name such as `OXM_OF_ETH_SRC`.
fn specified(name: &str) -> Option<ActionField> {
    let name = name.strip_prefix("OXM_OF_")?;
    let found = FieldId::BASIC.iter().find(|id| id.spec_name().eq_ignore_ascii_case(name));
    found.map(|id| ActionField::Oxm(*id))
}

/// Some bits of a field.
pub(super) fn subfield(text: &str) -> Result<Subfield, Fault<'_>> {
    let (name, range) = match text.split_once('[') {
        Some((name, range)) => (name, Some(range)),
        None => (text, None),
    };
    let Some(field) = named(name) else {
        if TextField::named(name).is_some() {
            return Err(Fault::refused(name, "no action has it as one; name vlan_vid, vlan_pcp or vlan_tci"));
        }
        return Err(Fault::unknown("field", name, field::names().chain(HEADERS.all())));
    };
    let Some(range) = range else { return Ok(Subfield::whole(field)) };
    let wrong = || {
        let most = field.bits() - 1;
        Fault::value(name, text, format!("bits such as [0..{most}], [{most}] or []"))
    };
    let range = range.strip_suffix(']').ok_or_else(wrong)?;
    let bit = |text: &str| number::plain(text).and_then(|bit| u16::try_from(bit).ok());
    let part = match range.split_once("..") {
        _ if range.is_empty() => Some(Subfield::whole(field)),
        Some((first, last)) => bit(first)
            .zip(bit(last))
            .and_then(|(first, last)| Subfield::new(field, first, last.checked_sub(first)?.checked_add(1)?)),
        None => bit(range).and_then(|bit| Subfield::new(field, bit, 1)),
    };
    part.ok_or_else(wrong)
}

/// What stands before `->` and behind it.
pub(super) fn arrow_to(text: &str) -> Result<(&str, &str), Fault<'_>> {
    text.split_once("->").ok_or_else(|| Fault::missing("->FIELD", &text[text.len()..]))
}

/// A number for some bits, in their place in the field.
pub(super) fn value<'t>(to: Subfield, text: &'t str) -> Result<Bits, Fault<'t>> {
    leading_value(to, text, Strictness::Strict)
}

/// The same; Open vSwitch does not mind what follows the number.
pub(super) fn leading_value<'t>(
    to: Subfield,
    text: &'t str,
    strictness: Strictness,
) -> Result<Bits, Fault<'t>> {
    let ones = u128::MAX >> (u128::BITS - u32::from(to.bits()));
    let value = number::wide(text)
        .filter(|(_, rest)| rest.is_empty() || strictness == Strictness::OpenVswitch)
        .map(|(value, _)| value)
        .filter(|value| value & !ones == 0)
        .ok_or_else(|| Fault::value("the value", text, format!("a number of {} bits", to.bits())))?;
    Ok(Bits { value: value << to.offset(), mask: ones << to.offset() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_fields_are_read() {
        for (text, printed) in [
            ("reg0", "NXM_NX_REG0[]"),
            ("NXM_NX_REG0[]", "NXM_NX_REG0[]"),
            ("reg0[0..31]", "NXM_NX_REG0[]"),
            ("OXM_OF_ETH_SRC[0..7]", "NXM_OF_ETH_SRC[0..7]"),
            ("vlan_tci[12]", "NXM_OF_VLAN_TCI[12]"),
            ("in_port", "NXM_OF_IN_PORT[]"),
        ] {
            assert_eq!(subfield(text).map(|it| it.to_string()), Ok(printed.to_owned()), "{text}");
        }
        for wrong in ["", "reg16", "reg0[32]", "reg0[3..2]", "reg0[", "reg0[]x", "dl_vlan", "reg0[-1]"] {
            assert!(subfield(wrong).is_err(), "{wrong}");
        }
    }
}
