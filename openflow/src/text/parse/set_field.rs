//! `set_field`, and actions and fields that have numbers instead of names.

use super::error::Fault;
use super::field::{self, TextField};
use super::lexer::Pair;
use super::list::{CONNECTION_FIELD, List};
use super::number::{self, Bits, arrow};
use super::{Strictness, nicira};
use crate::action::Action;
use crate::oxm::{Access, FieldId, OxmBytes, OxmField, Prerequisite, describe};

/// `set_field:VALUE->FIELD`, `set_field:VALUE/MASK->FIELD`.
pub(super) fn set_field<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let Ok((_, (value, name))) = arrow(pair.value) else {
        return Err(Fault::missing("->FIELD behind the value", &pair.value[pair.value.len()..]));
    };
    if name.is_empty() {
        return Err(Fault::missing("the name of the field", name));
    }
    if let Some((class, number)) = name.strip_prefix("oxm(").and_then(|n| raw_name(n.strip_suffix(')')?)) {
        let bytes = number::hex_bytes("the field", value)?;
        return list.push(Action::SetField(raw_field(class, number, &bytes, None, value)?));
    }
    let Some(field) = TextField::named(name) else {
        return Err(Fault::unknown("field", name, field::names()));
    };
    if let TextField::DlVlan | TextField::DlVlanPcp = field {
        return Err(Fault::refused(name, "no action has it as one; set vlan_vid or vlan_pcp"));
    }
    if let TextField::Oxm(id) = field
        && id.access() == Access::ReadOnly
    {
        return Err(Fault::refused(name, "packets have it, no action sets it"));
    }
    let bits = list.reading.field_value(field, name, value)?;
    if bits.value & field.ones() & !field.valid_bits() != 0 {
        let valid = field.valid_bits();
        return Err(Fault::value(name, value, format!("no other bits than {valid:#x}")));
    }
    list.may_set(field, bits, name, value)?;
    if bits.mask != field.ones() {
        list.actions.extend(nicira::load(field.of_action(), bits));
        return Ok(());
    }
    let field = match field {
        TextField::Oxm(id) => {
            OxmField::from_bits(id, bits.value, None).expect("no bits but the field's were let through")
        }
        older => {
            let key = older.of_action().header().key;
            let bytes = bits.value.to_be_bytes();
            raw_field(key.class, key.field, &bytes[bytes.len() - older.bytes()..], None, value)?
        }
    };
    list.push(Action::SetField(field))
}

impl List<'_, '_> {
    /// Whether `set_field` can set a field of the packets that are known to come.
    fn may_set<'t>(
        &mut self,
        field: TextField,
        bits: Bits,
        name: &'t str,
        value: &'t str,
    ) -> Result<(), Fault<'t>> {
        let needs = match field {
            TextField::Oxm(FieldId::VlanVid) => Prerequisite::VlanTag,
            TextField::Oxm(id) => id.prerequisite(),
            TextField::NwTos => FieldId::IpDscp.prerequisite(),
            _ => Prerequisite::None,
        };
        if self.reading.strictness == Strictness::Strict {
            match field {
                TextField::Oxm(FieldId::InPort) => {
                    return Err(Fault::refused(
                        name,
                        "OpenFlow forbids it (OF 1.3.5 §7.2.5); in_port may be set on Open vSwitch",
                    ));
                }
                TextField::Oxm(FieldId::VlanVid) if bits.mask == field.ones() && bits.value & 0x1000 == 0 => {
                    return Err(Fault::value(
                        name,
                        value,
                        "0x1000 and the id: the bit says that there is a tag",
                    ));
                }
                _ => {}
            }
        }
        if matches!(field, TextField::Oxm(FieldId::CtMark | FieldId::CtLabel)) && !self.of_connection {
            return Err(Fault::refused(name, CONNECTION_FIELD));
        }
        let Some(packet) = self.around.packet() else { return Ok(()) };
        if !packet.satisfies(needs) {
            return Err(Fault::prerequisite(name, describe(needs)));
        }
        if let TextField::VlanTci = field {
            packet.tags[0] = bits.value & 0x1000 != 0;
        }
        Ok(())
    }
}

/// `CLASS,NUMBER`, as fields without a name are printed.
pub(super) fn raw_name(text: &str) -> Option<(u16, u8)> {
    let (class, number) = text.split_once(',')?;
    Some((number::small("class", class, 0xffff).ok()?, number::small("number", number, 0x7f).ok()?))
}

/// A field by its numbers, with the bytes that it has on the wire.
pub(super) fn raw_field<'t>(
    class: u16,
    number: u8,
    value: &[u8],
    mask: Option<&[u8]>,
    at: &'t str,
) -> Result<OxmField, Fault<'t>> {
    let bytes = [value, mask.unwrap_or_default()].concat();
    let bytes = OxmBytes::try_from(&bytes[..]).map_err(|error| Fault::refused(at, error.to_string()))?;
    Ok(OxmField::Unknown { class, field: number, has_mask: mask.is_some(), bytes })
}

/// `experimenter(ID,BYTES)`.
pub(super) fn experimenter<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let (experimenter, body) = numbered_bytes(pair, 0)?;
    let experimenter =
        u32::try_from(experimenter).map_err(|_| Fault::value("the experimenter", pair.value, "32 bits"))?;
    list.push(Action::Experimenter { experimenter, body: body.into() })
}

/// `unknown(KIND,BYTES)`.
pub(super) fn unknown<'t>(list: &mut List<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let (kind, body) = numbered_bytes(pair, 4)?;
    let kind =
        u16::try_from(kind).map_err(|_| Fault::value("the type of the action", pair.value, "16 bits"))?;
    list.push(Action::Unknown { kind, body: body.into() })
}

/// A number and bytes; these are `over` more than a multiple of eight.
fn numbered_bytes(pair: Pair<'_>, over: usize) -> Result<(u64, Vec<u8>), Fault<'_>> {
    let (number, bytes) = pair
        .value
        .split_once(',')
        .ok_or_else(|| Fault::value(pair.key, pair.value, "a number, a comma, and 0x with hex digits"))?;
    let body = number::hex_bytes(pair.key, bytes)?;
    if body.len() % 8 != over {
        let expected = format!("{over} bytes more than a multiple of 8");
        return Err(Fault::value(pair.key, bytes, expected));
    }
    Ok((number::u64(pair.key, number)?, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_names_are_read() {
        assert_eq!(raw_name("0xffff,3"), Some((0xffff, 3)));
        assert_eq!(raw_name("1,200"), None);
        assert_eq!(raw_name("1"), None);
    }
}
