//! One field as it lies on the wire: class, number, mask bit, length, payload (OF 1.3.5 §7.2.3.2).

use std::ops::Deref;

use super::{FieldId, Maskable, Masked, OxmField, OxmKey, OxmValue};
use crate::error::{DecodeError, Part};

/// Class of the basic fields (`OFPXMC_OPENFLOW_BASIC`).
pub const CLASS_BASIC: u16 = 0x8000;

/// Class of experimenters' fields, whose id stands in front of the payload (`OFPXMC_EXPERIMENTER`).
pub const CLASS_EXPERIMENTER: u16 = 0xffff;

/// Bytes in the header of a field.
pub(super) const OXM_HEADER: usize = 4;

/// Bytes of an experimenter's id.
const EXPERIMENTER_ID: usize = 4;

/// How many basic fields there are; they come first among all fields.
const BASIC_FIELDS: usize = 40;

impl FieldId {
    /// The basic fields of OpenFlow 1.3, by number.
    pub const BASIC: &'static [FieldId] = FieldId::ALL.split_at(BASIC_FIELDS).0;

    /// The field that is known by this on the wire.
    #[inline]
    pub fn from_key(key: OxmKey) -> Option<FieldId> {
        let number = usize::from(key.field);
        match key.class {
            CLASS_BASIC if number < BASIC_FIELDS => Some(FieldId::ALL[number]),
            // Registers, the most usual of the others.
            0x0001 if number < 16 => Some(FieldId::ALL[BASIC_FIELDS + number]),
            _ => FieldId::ALL[BASIC_FIELDS..].iter().copied().find(|id| id.key() == key),
        }
    }
}

/// The most bytes that a field can take, header included.
pub(super) const OXM_MAX: usize = OXM_HEADER + 255;

/// Why a payload can't be a field's.
pub(crate) enum Defect {
    Length,
    Mask,
}

/// What a variant of [`OxmField`] carries: a value, or a value with a mask.
pub(super) trait Payload: Copy {
    fn read(has_mask: bool, payload: &[u8]) -> Result<Self, Defect>;
    /// Whether there is a mask, and the bytes of both.
    fn shape(&self) -> (bool, usize);
    fn write(&self, out: &mut [u8]);
    fn normalized(self) -> Self;
    fn is_wildcard(&self) -> bool;
}

impl<T: OxmValue> Payload for T {
    #[inline]
    fn read(has_mask: bool, payload: &[u8]) -> Result<Self, Defect> {
        if has_mask {
            return Err(Defect::Mask);
        }
        T::read(payload).ok_or(Defect::Length)
    }

    #[inline]
    fn shape(&self) -> (bool, usize) {
        (false, T::LEN)
    }

    #[inline]
    fn write(&self, out: &mut [u8]) {
        OxmValue::write(*self, out);
    }

    fn normalized(self) -> Self {
        self
    }

    fn is_wildcard(&self) -> bool {
        false
    }
}

impl<T: OxmValue> Payload for Masked<T> {
    #[inline]
    fn read(has_mask: bool, payload: &[u8]) -> Result<Self, Defect> {
        let (value, mask) = if has_mask {
            let (value, mask) = payload.split_at_checked(T::LEN).ok_or(Defect::Length)?;
            (value, Some(T::read(mask).ok_or(Defect::Length)?))
        } else {
            (payload, None)
        };
        let value = T::read(value).ok_or(Defect::Length)?;
        Ok(Masked { value, mask })
    }

    #[inline]
    fn shape(&self) -> (bool, usize) {
        match self.mask {
            Some(_) => (true, 2 * T::LEN),
            None => (false, T::LEN),
        }
    }

    #[inline]
    fn write(&self, out: &mut [u8]) {
        let (value, mask) = out.split_at_mut(T::LEN);
        self.value.write(value);
        if let Some(bits) = self.mask {
            bits.write(mask);
        }
    }

    fn normalized(self) -> Self {
        match self.mask {
            Some(mask) => Masked::new(self.value, mask),
            None => self,
        }
    }

    fn is_wildcard(&self) -> bool {
        Masked::is_wildcard(self)
    }
}

/// Payload of a field that this crate does not know: at most 255 bytes, as the wire can say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OxmBytes(Box<[u8]>);

/// More bytes than the 255 that a match field can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a match field of {0} bytes; the wire can say at most 255")]
pub struct OxmTooLong(pub usize);

impl TryFrom<&[u8]> for OxmBytes {
    type Error = OxmTooLong;

    fn try_from(bytes: &[u8]) -> Result<Self, OxmTooLong> {
        if bytes.len() > usize::from(u8::MAX) {
            return Err(OxmTooLong(bytes.len()));
        }
        Ok(OxmBytes(bytes.into()))
    }
}

impl Deref for OxmBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A field whose payload has not been looked at.
#[derive(Clone, Copy)]
pub(crate) struct RawField<'a> {
    pub(crate) class: u16,
    pub(crate) field: u8,
    pub(crate) has_mask: bool,
    /// All behind the header, an experimenter's id included.
    payload: &'a [u8],
}

impl<'a> RawField<'a> {
    /// Takes the first field off `tlvs`; `None` when its header or payload is cut short.
    #[inline]
    pub(crate) fn split(tlvs: &'a [u8]) -> Option<(RawField<'a>, &'a [u8])> {
        let (&[c0, c1, number, len], rest) = tlvs.split_first_chunk::<OXM_HEADER>()?;
        let (payload, rest) = rest.split_at_checked(usize::from(len))?;
        let raw = RawField {
            class: u16::from_be_bytes([c0, c1]),
            field: number >> 1,
            has_mask: number & 1 != 0,
            payload,
        };
        Some((raw, rest))
    }

    /// By what the field is known.
    #[inline]
    pub(crate) fn key(&self) -> OxmKey {
        let experimenter = match (self.class, self.payload.first_chunk()) {
            (CLASS_EXPERIMENTER, Some(id)) => Some(u32::from_be_bytes(*id)),
            _ => None,
        };
        OxmKey { class: self.class, experimenter, field: self.field }
    }

    #[inline]
    pub(crate) fn id(&self) -> Option<FieldId> {
        FieldId::from_key(self.key())
    }

    /// Value and mask of a field with an id.
    #[inline]
    pub(crate) fn value(&self) -> &'a [u8] {
        match self.class {
            CLASS_EXPERIMENTER => self.payload.get(EXPERIMENTER_ID..).unwrap_or_default(),
            _ => self.payload,
        }
    }

    /// Whether a known field has the length and the mask that it can have.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        let Some(id) = self.id() else { return Ok(()) };
        if self.has_mask && id.maskable() == Maskable::No {
            return Err(DecodeError::Mask { field: id.name() });
        }
        if self.value().len() != id.wire_len() << usize::from(self.has_mask) {
            return Err(DecodeError::BadLength { part: Part::Match, length: self.payload.len() });
        }
        Ok(())
    }

    /// The field with its value; one that fails [`RawField::check`] comes out as unknown.
    #[inline]
    pub(crate) fn typed(&self) -> OxmField {
        let known = self.id().and_then(|id| OxmField::read(id, self.has_mask, self.value()).ok());
        known.unwrap_or_else(|| OxmField::Unknown {
            class: self.class,
            field: self.field,
            has_mask: self.has_mask,
            bytes: OxmBytes(self.payload.into()),
        })
    }
}

/// The order in which a match that was built here keeps its fields: the basic ones by number, then
/// other classes. Every prerequisite has a smaller number than what depends on it.
#[inline]
pub(super) fn rank(key: OxmKey) -> (bool, OxmKey) {
    (key.class != CLASS_BASIC, key)
}

impl OxmField {
    /// By what the field is known on the wire.
    #[inline]
    pub fn key(&self) -> OxmKey {
        match self {
            OxmField::Unknown { class, field, has_mask, bytes } => {
                RawField { class: *class, field: *field & 0x7f, has_mask: *has_mask, payload: bytes }.key()
            }
            known => known.id().expect("all but the unknown have one").key(),
        }
    }

    /// Whether it carries a mask, be it of all bits.
    pub(crate) fn has_mask(&self) -> bool {
        self.shape().0
    }

    /// Bytes on the wire, header included.
    #[inline]
    pub fn wire_len(&self) -> usize {
        let id = match self {
            OxmField::Unknown { .. } => 0,
            known => known.key().experimenter.map_or(0, |_| EXPERIMENTER_ID),
        };
        OXM_HEADER + id + self.shape().1
    }

    /// Writes the field, header and payload, over `out`, which has [`OxmField::wire_len`] bytes.
    #[inline]
    pub(crate) fn write(&self, out: &mut [u8]) {
        let OxmKey { class, experimenter, field } = self.key();
        let (header, mut payload) = out.split_at_mut(OXM_HEADER);
        let [c0, c1] = class.to_be_bytes();
        // At most 255: OxmBytes holds no more, and 36 is the most of the typed fields.
        header.copy_from_slice(&[c0, c1, field << 1 | u8::from(self.shape().0), payload.len() as u8]);
        if let (Some(id), false) = (experimenter, matches!(self, OxmField::Unknown { .. })) {
            let (front, behind) = payload.split_at_mut(EXPERIMENTER_ID);
            front.copy_from_slice(&id.to_be_bytes());
            payload = behind;
        }
        self.write_payload(payload);
    }

    /// The field with this number as its value: what is said of one field holds for all.
    ///
    /// `None` when value or mask have more bits than the field, or nobody masks the field.
    pub fn from_bits(id: FieldId, value: u128, mask: Option<u128>) -> Option<OxmField> {
        let spare = u128::BITS - id.bits();
        if (value | mask.unwrap_or(0)).leading_zeros() < spare {
            return None;
        }
        let len = id.wire_len();
        let mut payload = [0; 32];
        payload[..len].copy_from_slice(&value.to_be_bytes()[16 - len..]);
        if let Some(mask) = mask {
            payload[len..2 * len].copy_from_slice(&mask.to_be_bytes()[16 - len..]);
        }
        let used = len << usize::from(mask.is_some());
        OxmField::read(id, mask.is_some(), &payload[..used]).ok()
    }

    /// Value and mask as numbers; without a mask all bits of the field count. `None` for a field
    /// that this crate does not know.
    pub fn to_bits(&self) -> Option<(u128, u128)> {
        let id = self.id()?;
        let (has_mask, used) = self.shape();
        let mut payload = [0; 32];
        self.write_payload(&mut payload[..used]);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |n, b| n << 8 | u128::from(*b));
        let value = number(&payload[..id.wire_len()]);
        let mask = if has_mask {
            number(&payload[id.wire_len()..used])
        } else {
            u128::MAX >> (u128::BITS - id.bits())
        };
        Some((value, mask))
    }
}
