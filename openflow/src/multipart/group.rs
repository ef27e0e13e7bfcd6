//! Groups: counters, buckets, abilities (OF 1.3.5 §7.3.5.9 to §7.3.5.11).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::GroupId;
use crate::msg::flow_removed::Age;
use crate::msg::group_mod::{Bucket, GroupKind};
use crate::wire::{Reader, Wire, patch_len, put_zeros, wire_flags};

/// Counters of a group (OF 1.3.5 §7.3.5.9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupStats {
    /// Which group.
    pub group: GroupId,
    /// How many flows and groups use it.
    pub ref_count: u32,
    /// Packets that went through it.
    pub packet_count: u64,
    /// Bytes that went through it.
    pub byte_count: u64,
    /// How long it has been there.
    pub age: Age,
    /// Counters of its buckets.
    pub buckets: Vec<BucketStats>,
}

/// Counters of a bucket (OF 1.3.5 §7.3.5.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketStats {
    /// Packets that went through it.
    pub packet_count: u64,
    /// Bytes that went through it.
    pub byte_count: u64,
}

impl Wire for BucketStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(BucketStats { packet_count: r.u64()?, byte_count: r.u64()? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        Ok(())
    }
}

impl Wire for GroupStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut r = r.nested(length, 2, Part::Multipart("OFPMP_GROUP"))?;
        r.skip(2)?;
        let group = GroupId(r.u32()?);
        let ref_count = r.u32()?;
        r.skip(4)?;
        Ok(GroupStats {
            group,
            ref_count,
            packet_count: r.u64()?,
            byte_count: r.u64()?,
            age: Age::read(&mut r)?,
            buckets: r.list()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 4);
        out.put_u32(self.group.0);
        out.put_u32(self.ref_count);
        put_zeros(out, 4);
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        self.age.write(out);
        self.buckets.iter().try_for_each(|b| b.encode(out))?;
        patch_len(out, start, start, Part::Multipart("OFPMP_GROUP"))
    }
}

/// A group with its buckets (OF 1.3.5 §7.3.5.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDesc {
    /// How it uses its buckets.
    pub kind: GroupKind,
    /// Which group.
    pub group: GroupId,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
}

impl Wire for GroupDesc {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut r = r.nested(length, 2, Part::Multipart("OFPMP_GROUP_DESC"))?;
        let kind = r.u8()?.into();
        r.skip(1)?;
        Ok(GroupDesc { kind, group: GroupId(r.u32()?), buckets: r.list()? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 2);
        out.put_u8(self.kind.into());
        put_zeros(out, 1);
        out.put_u32(self.group.0);
        self.buckets.iter().try_for_each(|b| b.encode(out))?;
        patch_len(out, start, start, Part::Multipart("OFPMP_GROUP_DESC"))
    }
}

/// What groups of a switch can do (OF 1.3.5 §7.3.5.11). Arrays are by kind: all, select, indirect, fast failover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupFeatures {
    /// Kinds that there are, one bit each by number.
    pub kinds: u32,
    /// What else they can do.
    pub capabilities: GroupCapabilities,
    /// How many groups there can be.
    pub max_groups: [u32; 4],
    /// Actions that buckets can have, one bit each by number.
    pub actions: [u32; 4],
}

wire_flags! {
    /// What groups can do (`OFPGFC_*`, OF 1.3.5 §7.3.5.11).
    GroupCapabilities: u32 {
        /// Weights in select groups.
        const SELECT_WEIGHT = 1 << 0;
        /// Liveness in select groups.
        const SELECT_LIVENESS = 1 << 1;
        /// Groups that forward to groups.
        const CHAINING = 1 << 2;
        /// Loops of groups are refused.
        const CHAINING_CHECKS = 1 << 3;
    }
}

impl Wire for GroupFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut features = GroupFeatures {
            kinds: r.u32()?,
            capabilities: GroupCapabilities::from_bits_retain(r.u32()?),
            ..GroupFeatures::default()
        };
        for slot in features.max_groups.iter_mut().chain(&mut features.actions) {
            *slot = r.u32()?;
        }
        Ok(features)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.kinds);
        out.put_u32(self.capabilities.bits());
        for value in self.max_groups.iter().chain(&self.actions) {
            out.put_u32(*value);
        }
        Ok(())
    }
}
