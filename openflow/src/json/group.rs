//! Groups and meters.

use serde::ser::SerializeMap;

use super::names::{ACTIONS, BANDS, GROUP_KINDS, named};
use super::scalar::{Data, Flags, Symbol, count, group, meter, named_bits, port};
use super::{List, Members, object};
use crate::msg::group_mod::{Bucket, GroupMod};
use crate::msg::meter_mod::{MeterBand, MeterFlags, MeterMod};
use crate::multipart::{
    BucketStats, GroupDesc, GroupFeatures, GroupStats, MeterBandStats, MeterConfig, MeterFeatures, MeterStats,
};

object! {
    GroupMod as it {
        "command": Symbol::from(it.command),
        "group_type": Symbol::from(it.kind),
        "group_id": group(it.group),
        "buckets": List(&it.buckets),
    }

    GroupDesc as it {
        "group_type": Symbol::from(it.kind),
        "group_id": group(it.group),
        "buckets": List(&it.buckets),
    }

    Bucket as bucket {
        "weight": bucket.weight,
        "watch_port": port(bucket.watch_port),
        "watch_group": group(bucket.watch_group),
        "actions": List(&bucket.actions),
    }

    GroupStats as stats {
        "group_id": group(stats.group),
        "ref_count": stats.ref_count,
        "packet_count": count(stats.packet_count),
        "byte_count": count(stats.byte_count),
        "duration_sec": stats.age.secs,
        "duration_nsec": stats.age.nanos,
        "bucket_stats": List(&stats.buckets),
    }

    BucketStats as stats {
        "packet_count": count(stats.packet_count),
        "byte_count": count(stats.byte_count),
    }

    GroupFeatures as features {
        "types": named_bits(features.kinds, GROUP_KINDS),
        "capabilities": Flags(features.capabilities),
        "max_groups": features.max_groups,
        "actions": features.actions.map(|actions| named_bits(actions, ACTIONS)),
    }

    MeterMod as it {
        "command": Symbol::from(it.command),
        "flags": Flags(it.flags),
        "meter_id": meter(it.meter),
        "bands": List(&it.bands),
    }

    MeterConfig as it {
        "flags": Flags(it.flags),
        "meter_id": meter(it.meter),
        "bands": List(&it.bands),
    }

    MeterStats as stats {
        "meter_id": meter(stats.meter),
        "flow_count": stats.flow_count,
        "packet_in_count": count(stats.packet_in_count),
        "byte_in_count": count(stats.byte_in_count),
        "duration_sec": stats.age.secs,
        "duration_nsec": stats.age.nanos,
        "band_stats": List(&stats.bands),
    }

    MeterBandStats as stats {
        "packet_band_count": count(stats.packet_count),
        "byte_band_count": count(stats.byte_count),
    }

    MeterFeatures as features {
        "max_meter": features.max_meters,
        "band_types": named_bits(features.band_kinds, BANDS),
        "capabilities": named_bits(features.capabilities, METER_CAPABILITIES),
        "max_bands": features.max_bands,
        "max_color": features.max_color,
    }
}

/// As the flags of a meter.
const METER_CAPABILITIES: &[(u32, &str)] = &[
    (MeterFlags::KBPS.bits().trailing_zeros(), "kbps"),
    (MeterFlags::PKTPS.bits().trailing_zeros(), "pktps"),
    (MeterFlags::BURST.bits().trailing_zeros(), "burst"),
    (MeterFlags::STATS.bits().trailing_zeros(), "stats"),
];

impl Members for MeterBand {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        let (kind, limits) = match self {
            MeterBand::Drop { rate, burst } => (1, Some((rate, burst))),
            MeterBand::DscpRemark { rate, burst, .. } => (2, Some((rate, burst))),
            MeterBand::Experimenter { rate, burst, .. } => (0xffff, Some((rate, burst))),
            MeterBand::Unknown { kind, .. } => (*kind, None),
        };
        to.serialize_entry("type", &named(kind, BANDS))?;
        if let Some((rate, burst)) = limits {
            to.serialize_entry("rate", rate)?;
            to.serialize_entry("burst_size", burst)?;
        }
        match self {
            MeterBand::Drop { .. } => Ok(()),
            MeterBand::DscpRemark { prec_level, .. } => to.serialize_entry("prec_level", prec_level),
            MeterBand::Experimenter { experimenter, body, .. } => {
                to.serialize_entry("experimenter", experimenter)?;
                to.serialize_entry("data", &Data(body))
            }
            MeterBand::Unknown { body, .. } => to.serialize_entry("data", &Data(body)),
        }
    }
}
