//! Fields and parts of fields, as Open vSwitch's actions name them.

use bytes::{BufMut, BytesMut};

use super::nameless;
use crate::error::{DecodeError, EncodeError};
use crate::oxm::{CLASS_EXPERIMENTER, FieldId, OxmKey};
use crate::wire::Reader;

/// The header by which an action names a field: class, number and the bytes of a value
/// (`ovs-fields(7)`, "NXM and OXM").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldHeader {
    /// By what the field is known. Where Nicira's numbering has the field, actions use that.
    pub key: OxmKey,
    /// Bytes of a value, with an experimenter's id.
    pub length: u8,
}

/// A field that an action can name: one of OpenFlow's, or one that Open vSwitch kept from older
/// protocols (`ovs-fields(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionField {
    /// A field that matches have too.
    Oxm(FieldId),
    /// The port of ingress in 16 bits (`NXM_OF_IN_PORT`).
    InPort,
    /// Priority, "there is a tag" and id of the outermost VLAN tag (`NXM_OF_VLAN_TCI`).
    VlanTci,
    /// The whole byte of which the upper six bits are the code point (`NXM_OF_IP_TOS`).
    NwTos,
}

/// The fields that matches do not have: number in class 0, bytes, name.
const OLDER: [(ActionField, u8, u8, &str); 3] = [
    (ActionField::InPort, 0, 2, "NXM_OF_IN_PORT"),
    (ActionField::VlanTci, 4, 2, "NXM_OF_VLAN_TCI"),
    (ActionField::NwTos, 5, 1, "NXM_OF_IP_TOS"),
];

impl ActionField {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = ActionField> {
        OLDER.into_iter().map(|(field, ..)| field).chain(FieldId::ALL.into_iter().map(ActionField::Oxm))
    }

    fn older(self) -> Option<(u8, u8, &'static str)> {
        OLDER
            .into_iter()
            .find(|(field, ..)| *field == self)
            .map(|(_, number, length, name)| (number, length, name))
    }

    /// The header that names it.
    pub fn header(self) -> FieldHeader {
        let nxm = |(class, field)| OxmKey { class, experimenter: None, field };
        match (self, self.older()) {
            (ActionField::Oxm(id), _) => {
                let key = id.nxm().map_or(id.key(), nxm);
                let id_bytes = if key.experimenter.is_some() { 4 } else { 0 };
                FieldHeader { key, length: id.wire_len() as u8 + id_bytes }
            }
            (_, Some((number, length, _))) => FieldHeader { key: nxm((0, number)), length },
            (_, None) => unreachable!("the table has all that matches do not have"),
        }
    }

    /// The name of the header: `NXM_OF_ETH_SRC`.
    pub(crate) fn header_name(self) -> &'static str {
        match (self, self.older()) {
            (ActionField::Oxm(id), _) => id.header_name(),
            (_, Some((.., name))) => name,
            (_, None) => "",
        }
    }

    /// How many bits can be named.
    pub fn bits(self) -> u16 {
        match self {
            ActionField::Oxm(FieldId::VlanVid) => 12,
            ActionField::Oxm(FieldId::CtState) => 32,
            ActionField::Oxm(FieldId::NshTtl | FieldId::NshMdtype) => 8,
            ActionField::Oxm(id) => id.bits() as u16,
            ActionField::InPort | ActionField::VlanTci => 16,
            ActionField::NwTos => 8,
        }
    }
}

impl From<FieldId> for ActionField {
    fn from(id: FieldId) -> Self {
        ActionField::Oxm(id)
    }
}

impl FieldHeader {
    /// The field that it names; `None` for one that this crate does not know.
    pub fn field(self) -> Option<ActionField> {
        let older = OLDER.into_iter().find(|(field, ..)| field.header() == self).map(|(field, ..)| field);
        let by_key = || FieldId::from_key(self.key).filter(|id| self.length_of(*id) == self.length);
        let by_nxm = || FieldId::ALL.into_iter().find(|id| ActionField::Oxm(*id).header() == self);
        older.or_else(|| by_key().or_else(by_nxm).map(ActionField::Oxm))
    }

    fn length_of(self, id: FieldId) -> u8 {
        id.wire_len() as u8 + if self.key.experimenter.is_some() { 4 } else { 0 }
    }

    /// Bytes on the wire: four, or eight where an experimenter's id follows.
    pub(super) fn put(self, out: &mut BytesMut) {
        out.put_u16(self.key.class);
        out.put_u8(self.key.field << 1);
        out.put_u8(self.length);
        if let Some(experimenter) = self.key.experimenter {
            out.put_u32(experimenter);
        }
    }

    /// Reads one that names a field without a mask.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<FieldHeader, DecodeError> {
        let (class, field, length) = (r.u16()?, r.u8()?, r.u8()?);
        let experimenter = if class == CLASS_EXPERIMENTER { Some(r.u32()?) } else { None };
        let header = FieldHeader { key: OxmKey { class, experimenter, field: field >> 1 }, length };
        match header.field() {
            Some(_) if field & 1 == 0 => Ok(header),
            _ => Err(nameless(
                "field of an action",
                u32::from(class) << 16 | u32::from(field) << 8 | u32::from(length),
            )),
        }
    }
}

/// Some bits of a field, in a row (`ovs-actions(7)`, "Subfields").
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::nicira::Subfield;
/// use openflow::oxm::FieldId;
/// let low = Subfield::new(FieldId::Reg0, 0, 16).expect("16 of 32 bits");
/// assert_eq!(low.to_string(), "NXM_NX_REG0[0..15]");
/// assert!(Subfield::new(FieldId::Reg0, 30, 3).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subfield {
    header: FieldHeader,
    offset: u16,
    bits: u16,
}

impl Subfield {
    /// `bits` bits from `offset` on, the least significant bit being 0. `None` where the field has
    /// them not, or for no bits.
    pub fn new(field: impl Into<ActionField>, offset: u16, bits: u16) -> Option<Subfield> {
        let field = field.into();
        let end = offset.checked_add(bits)?;
        (bits > 0 && end <= field.bits()).then_some(Subfield { header: field.header(), offset, bits })
    }

    /// All bits of a field.
    pub fn whole(field: impl Into<ActionField>) -> Subfield {
        let field = field.into();
        Subfield { header: field.header(), offset: 0, bits: field.bits() }
    }

    /// The header that names the field.
    pub fn header(self) -> FieldHeader {
        self.header
    }

    /// The field.
    pub fn field(self) -> ActionField {
        self.header.field().expect("one is made of, and read as, a known field alone")
    }

    /// The least significant bit that is meant.
    pub fn offset(self) -> u16 {
        self.offset
    }

    /// How many bits are meant.
    pub fn bits(self) -> u16 {
        self.bits
    }

    /// Whether all bits of the field are meant.
    pub fn is_whole(self) -> bool {
        self.offset == 0 && self.bits == self.field().bits()
    }

    /// What was read, if the field has these bits.
    pub(super) fn checked(header: FieldHeader, offset: u16, bits: u16) -> Result<Subfield, DecodeError> {
        let has = header.field().map_or(0, ActionField::bits);
        match offset.checked_add(bits) {
            Some(end) if bits > 0 && end <= has => Ok(Subfield { header, offset, bits }),
            _ => Err(nameless("number of bits of a field", bits)),
        }
    }

    /// The most bits that some actions can tell of a field.
    pub(crate) const MOST_PACKED: u16 = 64;

    /// Offset and number of bits in 16 bits (`nicira-ext.h`, "ofs_nbits").
    pub(super) fn packed(self) -> Result<u16, EncodeError> {
        match self.bits {
            0..=Self::MOST_PACKED => Ok(self.offset << 6 | (self.bits - 1)),
            bits => Err(EncodeError::Bits { bits }),
        }
    }

    /// The offset and the number of bits that are packed in 16.
    pub(super) fn unpack(packed: u16) -> (u16, u16) {
        (packed >> 6, (packed & 0x3f) + 1)
    }
}
