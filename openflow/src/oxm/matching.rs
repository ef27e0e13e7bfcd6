//! A match: its fields, kept as they lie on the wire.

use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

use super::field::{OXM_MAX, rank};
use super::{FieldId, OxmField, OxmKey, RawField, registers};
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::PortNo;
use crate::wire::{Reader, Wire, pad8, put_zeros};

/// Type of a match that is made of OXM fields (`OFPMT_OXM`).
const OFPMT_OXM: u16 = 1;

/// Which packets a flow takes (OF 1.3.5 §7.2.3). Without fields it takes all.
///
/// Kept as it lies on the wire, so that reading and writing it is a copy. A match built here has
/// its fields in a canonical order, whatever the order of the calls, so equality and hash compare
/// meanings; one from a peer keeps the peer's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Match {
    /// Whole fields, each of which passed [`RawField::check`] or was built from an [`OxmField`].
    tlvs: SmallVec<[u8; 64]>,
}

impl Match {
    /// A match that takes every packet.
    pub fn new() -> Match {
        Match::default()
    }

    /// Adds a field, in place of what the match said about that field before. One that is masked
    /// out altogether is left out; bits outside a mask become zero.
    #[must_use]
    pub fn with(mut self, field: OxmField) -> Match {
        self.insert(field);
        self
    }

    /// Like [`Match::with`], in place.
    pub fn insert(&mut self, field: OxmField) {
        let field = field.normalized();
        let key = field.key();
        // A match from a peer may have its fields in any order, so the whole of it is looked at.
        let mut before = None;
        let mut same = None;
        let mut at = 0;
        while let Some((raw, rest)) = RawField::split(&self.tlvs[at..]) {
            let end = self.tlvs.len() - rest.len();
            if raw.key() == key {
                same = same.or(Some(at..end));
            } else if rank(raw.key()) > rank(key) {
                before = before.or(Some(at));
            }
            at = end;
        }
        let mut at = before.unwrap_or(at);
        if let Some(same) = same {
            if same.start < at {
                at -= same.len();
            }
            self.tlvs.drain(same);
        }
        if !field.is_wildcard() {
            let len = field.wire_len();
            self.tlvs.insert_from_slice(at, &[0; OXM_MAX][..len]);
            field.write(&mut self.tlvs[at..at + len]);
        }
    }

    /// Takes a field out; whether it was there.
    pub fn remove(&mut self, key: OxmKey) -> bool {
        let mut at = 0;
        while let Some((raw, rest)) = RawField::split(&self.tlvs[at..]) {
            let end = self.tlvs.len() - rest.len();
            if raw.key() == key {
                self.tlvs.drain(at..end);
                return true;
            }
            at = end;
        }
        false
    }

    /// The fields, in the order in which they lie on the wire.
    pub fn fields(&self) -> Fields<'_> {
        Fields { tlvs: &self.tlvs }
    }

    /// What the match says about a field.
    pub fn get(&self, id: FieldId) -> Option<OxmField> {
        self.raw().find(|raw| raw.id() == Some(id)).map(|raw| raw.typed())
    }

    /// The port of `in_port`. (The setter has the shorter name.)
    #[inline]
    pub fn ingress(&self) -> Option<PortNo> {
        match self.get(FieldId::InPort) {
            Some(OxmField::InPort(port)) => Some(port),
            _ => None,
        }
    }

    /// Whether it takes every packet.
    pub fn is_empty(&self) -> bool {
        self.tlvs.is_empty()
    }

    /// The fields as they lie on the wire, one behind the other.
    pub fn as_bytes(&self) -> &[u8] {
        &self.tlvs
    }

    /// The same fields in canonical order, bits outside masks set to zero, wide registers as the narrow ones that they
    /// consist of: two matches from peers mean the same if these are equal.
    #[must_use]
    pub fn normalized(&self) -> Match {
        let ordered: Match = self.fields().collect();
        registers::narrowed(&ordered).unwrap_or(ordered)
    }

    pub(crate) fn raw(&self) -> impl Iterator<Item = RawField<'_>> {
        let mut tlvs = &self.tlvs[..];
        std::iter::from_fn(move || {
            let (raw, rest) = RawField::split(tlvs)?;
            tlvs = rest;
            Some(raw)
        })
    }

    /// Reads the fields of a match, without its header.
    #[inline]
    pub(crate) fn from_tlvs(tlvs: &[u8]) -> Result<Match, DecodeError> {
        let mut rest = tlvs;
        while !rest.is_empty() {
            let Some((raw, behind)) = RawField::split(rest) else {
                return Err(DecodeError::BadLength { part: Part::Match, length: rest.len() });
            };
            raw.check()?;
            rest = behind;
        }
        Ok(Match { tlvs: SmallVec::from_slice(tlvs) })
    }
}

impl Wire for Match {
    /// Reads header, fields and the zeros behind them.
    #[inline]
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        if kind != OFPMT_OXM {
            return Err(DecodeError::MatchType { kind });
        }
        let Some(n) = usize::from(length).checked_sub(4).filter(|n| *n <= r.len()) else {
            return Err(DecodeError::BadLength { part: Part::Match, length: usize::from(length) });
        };
        let matched = Match::from_tlvs(r.take(n)?)?;
        r.skip(pad8(usize::from(length)))?;
        Ok(matched)
    }

    #[inline]
    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let length = 4 + self.tlvs.len();
        let stated = u16::try_from(length).map_err(|_| EncodeError::TooLong {
            part: Part::Match,
            length,
            max: usize::from(u16::MAX),
        })?;
        out.put_u16(OFPMT_OXM);
        out.put_u16(stated);
        out.put_slice(&self.tlvs);
        put_zeros(out, pad8(length));
        Ok(())
    }
}

impl FromIterator<OxmField> for Match {
    fn from_iter<I: IntoIterator<Item = OxmField>>(fields: I) -> Match {
        fields.into_iter().fold(Match::new(), Match::with)
    }
}

impl Extend<OxmField> for Match {
    fn extend<I: IntoIterator<Item = OxmField>>(&mut self, fields: I) {
        for field in fields {
            self.insert(field);
        }
    }
}

impl<'a> IntoIterator for &'a Match {
    type Item = OxmField;
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.fields()
    }
}

/// The fields of a [`Match`], one after the other.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    tlvs: &'a [u8],
}

impl Iterator for Fields<'_> {
    type Item = OxmField;

    #[inline]
    fn next(&mut self) -> Option<OxmField> {
        let (raw, rest) = RawField::split(self.tlvs)?;
        self.tlvs = rest;
        Some(raw.typed())
    }
}
