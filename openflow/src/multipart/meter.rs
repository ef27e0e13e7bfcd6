//! Meters: counters, bands, abilities (OF 1.3.5 §7.3.5.12 to §7.3.5.14).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::MeterId;
use crate::msg::flow_removed::Age;
use crate::msg::meter_mod::{MeterBand, MeterFlags};
use crate::wire::{Reader, Wire, patch_len, put_zeros};

/// Counters of a meter (OF 1.3.5 §7.3.5.12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterStats {
    /// Which meter.
    pub meter: MeterId,
    /// How many flows use it.
    pub flow_count: u32,
    /// Packets that came to it.
    pub packet_in_count: u64,
    /// Bytes that came to it.
    pub byte_in_count: u64,
    /// How long it has been there.
    pub age: Age,
    /// Counters of its bands.
    pub bands: Vec<MeterBandStats>,
}

/// Counters of a band (OF 1.3.5 §7.3.5.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterBandStats {
    /// Packets above its rate.
    pub packet_count: u64,
    /// Bytes above its rate.
    pub byte_count: u64,
}

impl Wire for MeterBandStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(MeterBandStats { packet_count: r.u64()?, byte_count: r.u64()? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u64(self.packet_count);
        out.put_u64(self.byte_count);
        Ok(())
    }
}

impl Wire for MeterStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let meter = MeterId(r.u32()?);
        let length = r.u16()?;
        let mut r = r.nested(length, 6, Part::Multipart("OFPMP_METER"))?;
        r.skip(6)?;
        Ok(MeterStats {
            meter,
            flow_count: r.u32()?,
            packet_in_count: r.u64()?,
            byte_in_count: r.u64()?,
            age: Age::read(&mut r)?,
            bands: r.list()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(self.meter.0);
        put_zeros(out, 8);
        out.put_u32(self.flow_count);
        out.put_u64(self.packet_in_count);
        out.put_u64(self.byte_in_count);
        self.age.write(out);
        self.bands.iter().try_for_each(|b| b.encode(out))?;
        patch_len(out, start, start + 4, Part::Multipart("OFPMP_METER"))
    }
}

/// A meter with its bands (OF 1.3.5 §7.3.5.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterConfig {
    /// How it counts.
    pub flags: MeterFlags,
    /// Which meter.
    pub meter: MeterId,
    /// Its bands.
    pub bands: Vec<MeterBand>,
}

impl Wire for MeterConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = r.u16()?;
        let mut r = r.nested(length, 2, Part::Multipart("OFPMP_METER_CONFIG"))?;
        Ok(MeterConfig {
            flags: MeterFlags::from_bits_retain(r.u16()?),
            meter: MeterId(r.u32()?),
            bands: r.list()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        put_zeros(out, 2);
        out.put_u16(self.flags.bits());
        out.put_u32(self.meter.0);
        self.bands.iter().try_for_each(|b| b.encode(out))?;
        patch_len(out, start, start, Part::Multipart("OFPMP_METER_CONFIG"))
    }
}

/// What meters of a switch can do (OF 1.3.5 §7.3.5.14).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterFeatures {
    /// How many meters there can be.
    pub max_meters: u32,
    /// Kinds of bands that there are, one bit each by number.
    pub band_kinds: u32,
    /// Which [`MeterFlags`] there are.
    pub capabilities: u32,
    /// How many bands a meter can have.
    pub max_bands: u8,
    /// How many colours there are.
    pub max_color: u8,
}

impl Wire for MeterFeatures {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let features = MeterFeatures {
            max_meters: r.u32()?,
            band_kinds: r.u32()?,
            capabilities: r.u32()?,
            max_bands: r.u8()?,
            max_color: r.u8()?,
        };
        r.skip(2)?;
        Ok(features)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.max_meters);
        out.put_u32(self.band_kinds);
        out.put_u32(self.capabilities);
        out.put_u8(self.max_bands);
        out.put_u8(self.max_color);
        put_zeros(out, 2);
        Ok(())
    }
}
