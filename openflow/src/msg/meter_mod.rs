//! Meters and their bands (OF 1.3.5 §7.3.4.4).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::MeterId;
use crate::wire::{Reader, Wire, patch_len, put_zeros, wire_enum, wire_flags};

/// A change of the meter table (OF 1.3.5 §7.3.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterMod {
    /// What to do.
    pub command: MeterModCommand,
    /// How the meter counts.
    pub flags: MeterFlags,
    /// Which meter.
    pub meter: MeterId,
    /// What happens above which rate.
    pub bands: Vec<MeterBand>,
}

wire_enum! {
    /// What a meter-mod does (`OFPMC_*`, OF 1.3.5 §7.3.4.4).
    MeterModCommand: u16 {
        /// Adds a meter.
        Add = 0, "ADD";
        /// Changes a meter.
        Modify = 1, "MOD";
        /// Deletes a meter.
        Delete = 2, "DEL";
    }
}

wire_flags! {
    /// How a meter counts (`OFPMF_*`, OF 1.3.5 §7.3.4.4).
    MeterFlags: u16 {
        /// Rates in kbit/s, bursts in kbit.
        const KBPS = 1 << 0;
        /// Rates in packets/s, bursts in packets.
        const PKTPS = 1 << 1;
        /// Bursts count.
        const BURST = 1 << 2;
        /// Statistics are kept.
        const STATS = 1 << 3;
    }
}

mod kind {
    //! Band types, `OFPMBT_*`.
    pub(super) const DROP: u16 = 1;
    pub(super) const DSCP_REMARK: u16 = 2;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

/// What happens to packets above a rate (OF 1.3.5 §7.3.4.4). Rate and burst are in the units of [`MeterFlags`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeterBand {
    /// Drops them.
    Drop {
        /// The rate above which the band works.
        rate: u32,
        /// Size of a burst.
        burst: u32,
    },
    /// Raises the drop precedence of their DSCP.
    DscpRemark {
        /// The rate above which the band works.
        rate: u32,
        /// Size of a burst.
        burst: u32,
        /// By how many steps.
        prec_level: u8,
    },
    /// A band of an experimenter, kept as it came.
    Experimenter {
        /// The rate above which the band works.
        rate: u32,
        /// Size of a burst.
        burst: u32,
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter's id.
        body: Bytes,
    },
    /// A band of a type without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Type of the band.
        kind: u16,
        /// What follows type and length.
        body: Bytes,
    },
}

impl Wire for MeterBand {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        let mut r = r.nested(length, 4, Part::MeterBand)?;
        if !matches!(kind, kind::DROP | kind::DSCP_REMARK | kind::EXPERIMENTER) {
            let body = r.opaque();
            return Ok(MeterBand::Unknown { kind, body });
        }
        let rate = r.u32()?;
        let burst = r.u32()?;
        let band = match kind {
            kind::DROP => {
                r.skip(4)?;
                MeterBand::Drop { rate, burst }
            }
            kind::DSCP_REMARK => {
                let prec_level = r.u8()?;
                r.skip(3)?;
                MeterBand::DscpRemark { rate, burst, prec_level }
            }
            _ => MeterBand::Experimenter { rate, burst, experimenter: r.u32()?, body: r.opaque() },
        };
        r.finish()?;
        Ok(band)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let mut head = |kind: u16, rate: u32, burst: u32| {
            out.put_u16(kind);
            out.put_u16(0);
            out.put_u32(rate);
            out.put_u32(burst);
        };
        match self {
            MeterBand::Drop { rate, burst } => {
                head(kind::DROP, *rate, *burst);
                put_zeros(out, 4);
            }
            MeterBand::DscpRemark { rate, burst, prec_level } => {
                head(kind::DSCP_REMARK, *rate, *burst);
                out.put_u8(*prec_level);
                put_zeros(out, 3);
            }
            MeterBand::Experimenter { rate, burst, experimenter, body } => {
                head(kind::EXPERIMENTER, *rate, *burst);
                out.put_u32(*experimenter);
                out.put_slice(body);
            }
            MeterBand::Unknown { kind, body } => {
                out.put_u16(*kind);
                out.put_u16(0);
                out.put_slice(body);
            }
        }
        patch_len(out, start, start + 2, Part::MeterBand)
    }
}

impl Wire for MeterMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(MeterMod {
            command: r.u16()?.into(),
            flags: MeterFlags::from_bits_retain(r.u16()?),
            meter: MeterId(r.u32()?),
            bands: r.list()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.command.into());
        out.put_u16(self.flags.bits());
        out.put_u32(self.meter.0);
        self.bands.iter().try_for_each(|b| b.encode(out))
    }
}
