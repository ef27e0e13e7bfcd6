//! What each table can do, asked for and set (OF 1.3.5 §7.3.5.5).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::TableId;
use crate::msg::fixed_str::FixedStr;
use crate::oxm::OxmKey;
use crate::wire::{Reader, Wire, pad_from, patch_len, put_zeros};

/// What a table can do (OF 1.3.5 §7.3.5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableFeatures {
    /// Which table.
    pub table: TableId,
    /// Its name.
    pub name: FixedStr<32>,
    /// Bits of the metadata that it can match.
    pub metadata_match: u64,
    /// Bits of the metadata that it can write.
    pub metadata_write: u64,
    /// Its configuration.
    pub config: u32,
    /// How many flows it can have.
    pub max_entries: u32,
    /// The rest.
    pub properties: Vec<TableProperty>,
}

impl Wire for TableFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut r = r.nested(length, 2, Part::Multipart("OFPMP_TABLE_FEATURES"))?;
        let table = TableId(r.u8()?);
        r.skip(5)?;
        Ok(TableFeatures {
            table,
            name: FixedStr::read(&mut r)?,
            metadata_match: r.u64()?,
            metadata_write: r.u64()?,
            config: r.u32()?,
            max_entries: r.u32()?,
            properties: r.list()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 2);
        out.put_u8(self.table.0);
        put_zeros(out, 5);
        self.name.write(out);
        out.put_u64(self.metadata_match);
        out.put_u64(self.metadata_write);
        out.put_u32(self.config);
        out.put_u32(self.max_entries);
        self.properties.iter().try_for_each(|p| p.encode(out))?;
        patch_len(out, start, start, Part::Multipart("OFPMP_TABLE_FEATURES"))
    }
}

/// Whether a property is about packets that a flow takes, or about the table-miss flow (OF 1.3.5 §7.3.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// Flows in general.
    Hit,
    /// The table-miss flow; a table may leave it out where it is the same.
    Miss,
}

/// Something that a table can do (OF 1.3.5 §7.3.5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableProperty {
    /// Instructions that a flow can have.
    Instructions(Of, Vec<FeatureId>),
    /// Tables to which a flow can go on.
    NextTables(Of, Vec<TableId>),
    /// Actions that a flow can write.
    WriteActions(Of, Vec<FeatureId>),
    /// Actions that a flow can apply.
    ApplyActions(Of, Vec<FeatureId>),
    /// Fields that can be matched.
    Match(Vec<OxmId>),
    /// Fields that can be left out of a match.
    Wildcards(Vec<OxmId>),
    /// Fields that a written set-field action can set.
    WriteSetField(Of, Vec<OxmId>),
    /// Fields that an applied set-field action can set.
    ApplySetField(Of, Vec<OxmId>),
    /// A property of an experimenter or of a type without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Type of the property; 0xfffe and 0xffff are experimenters'.
        kind: u16,
        /// What follows type and length.
        body: Bytes,
    },
}

/// An instruction or an action by its type alone (OF 1.3.5 §7.3.5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureId {
    /// Its type (`OFPIT_*` or `OFPAT_*`).
    pub kind: u16,
    /// What follows type and length: nothing, but for experimenters.
    pub body: Bytes,
}

impl FeatureId {
    /// A standard instruction or action.
    pub fn new(kind: u16) -> FeatureId {
        FeatureId { kind, body: Bytes::new() }
    }
}

impl Wire for FeatureId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        let body = r.nested(length, 4, Part::TableProperty)?.opaque();
        Ok(FeatureId { kind, body })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(self.kind);
        put_zeros(out, 2);
        out.put_slice(&self.body);
        patch_len(out, start, start + 2, Part::TableProperty)
    }
}

impl Wire for TableId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.u8().map(TableId)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.0);
        Ok(())
    }
}

/// A match field by its header alone: class, number, mask bit, length (OF 1.3.5 §7.3.5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OxmId {
    /// The four bytes of the header as one number.
    pub header: u32,
    /// Whose it is, where the class is 0xffff.
    pub experimenter: Option<u32>,
}

impl OxmId {
    /// OXM class.
    pub fn class(self) -> u16 {
        (self.header >> 16) as u16
    }

    /// Number of the field in its class.
    pub fn field(self) -> u8 {
        (self.header >> 9 & 0x7f) as u8
    }

    /// By what the field is known.
    pub fn key(self) -> OxmKey {
        OxmKey { class: self.class(), experimenter: self.experimenter, field: self.field() }
    }

    /// Whether it can have a mask.
    pub fn has_mask(self) -> bool {
        self.header & 0x100 != 0
    }
}

impl Wire for OxmId {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let header = r.u32()?;
        let experimenter = if header >> 16 == 0xffff { Some(r.u32()?) } else { None };
        Ok(OxmId { header, experimenter })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.header);
        // Written by the class, not by the option, so that a reader finds what the header promises.
        if self.class() == 0xffff {
            out.put_u32(self.experimenter.unwrap_or_default());
        }
        Ok(())
    }
}

mod kind {
    //! Property types, `OFPTFPT_*`; the miss property of a pair is one more.
    pub(super) const INSTRUCTIONS: u16 = 0;
    pub(super) const NEXT_TABLES: u16 = 2;
    pub(super) const WRITE_ACTIONS: u16 = 4;
    pub(super) const APPLY_ACTIONS: u16 = 6;
    pub(super) const MATCH: u16 = 8;
    pub(super) const WILDCARDS: u16 = 10;
    pub(super) const WRITE_SETFIELD: u16 = 12;
    pub(super) const APPLY_SETFIELD: u16 = 14;
}

impl Wire for TableProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        let mut r = r.nested_padded(length, 4, Part::TableProperty)?;
        let of = if kind & 1 == 0 { Of::Hit } else { Of::Miss };
        let property = match kind {
            kind::MATCH => TableProperty::Match(r.list()?),
            kind::WILDCARDS => TableProperty::Wildcards(r.list()?),
            _ => match kind & !1 {
                kind::INSTRUCTIONS => TableProperty::Instructions(of, r.list()?),
                kind::NEXT_TABLES => TableProperty::NextTables(of, r.list()?),
                kind::WRITE_ACTIONS => TableProperty::WriteActions(of, r.list()?),
                kind::APPLY_ACTIONS => TableProperty::ApplyActions(of, r.list()?),
                kind::WRITE_SETFIELD => TableProperty::WriteSetField(of, r.list()?),
                kind::APPLY_SETFIELD => TableProperty::ApplySetField(of, r.list()?),
                _ => {
                    let body = r.opaque();
                    TableProperty::Unknown { kind, body }
                }
            },
        };
        r.finish()?;
        Ok(property)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 4);
        let (kind, of) = match self {
            TableProperty::Instructions(of, ids) => (write(ids, kind::INSTRUCTIONS, out)?, *of),
            TableProperty::NextTables(of, ids) => (write(ids, kind::NEXT_TABLES, out)?, *of),
            TableProperty::WriteActions(of, ids) => (write(ids, kind::WRITE_ACTIONS, out)?, *of),
            TableProperty::ApplyActions(of, ids) => (write(ids, kind::APPLY_ACTIONS, out)?, *of),
            TableProperty::Match(ids) => (write(ids, kind::MATCH, out)?, Of::Hit),
            TableProperty::Wildcards(ids) => (write(ids, kind::WILDCARDS, out)?, Of::Hit),
            TableProperty::WriteSetField(of, ids) => (write(ids, kind::WRITE_SETFIELD, out)?, *of),
            TableProperty::ApplySetField(of, ids) => (write(ids, kind::APPLY_SETFIELD, out)?, *of),
            TableProperty::Unknown { kind, body } => {
                out.put_slice(body);
                (*kind, Of::Hit)
            }
        };
        let kind = kind + u16::from(of == Of::Miss);
        out[start..start + 2].copy_from_slice(&kind.to_be_bytes());
        patch_len(out, start, start + 2, Part::TableProperty)?;
        pad_from(out, start);
        Ok(())
    }
}

fn write<T: Wire>(ids: &[T], kind: u16, out: &mut BytesMut) -> Result<u16, EncodeError> {
    ids.iter().try_for_each(|id| id.encode(out))?;
    Ok(kind)
}
