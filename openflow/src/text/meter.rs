//! Meters in the words of `ovs-ofctl(8)`: `meter=1 kbps bands= type=drop rate=1000`.

use std::fmt;

use super::Hex;
use super::bits::Bits;
use crate::ids::MeterId;
use crate::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use crate::multipart::{MeterConfig, MeterFeatures, MeterStats};

/// Flags by name; what meters of a switch can do is told in the same bits.
const FLAGS: &[(u32, &str)] = &[
    (MeterFlags::KBPS.bits() as u32, "kbps"),
    (MeterFlags::PKTPS.bits() as u32, "pktps"),
    (MeterFlags::BURST.bits() as u32, "burst"),
    (MeterFlags::STATS.bits() as u32, "stats"),
];

/// As `ovs-ofctl dump-meters` prints a meter: a line for it and one for each band.
impl fmt::Display for MeterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_meter_config(f, self)
    }
}

pub(super) fn write_meter_config(f: &mut fmt::Formatter<'_>, meter: &MeterConfig) -> fmt::Result {
    write_lines(f, meter.meter, meter.flags, &meter.bands)
}

/// A meter-mod as `ovs-ofctl ofp-print` prints it.
pub(super) fn write_meter_mod(f: &mut fmt::Formatter<'_>, meter: &MeterMod) -> fmt::Result {
    write!(f, " {} ", meter.command)?;
    write_lines(f, meter.meter, meter.flags, &meter.bands)
}

fn write_lines(
    f: &mut fmt::Formatter<'_>,
    meter: MeterId,
    flags: MeterFlags,
    bands: &[MeterBand],
) -> fmt::Result {
    write!(f, "meter={}", MeterName(meter))?;
    write_flags(f, flags)?;
    match FLAGS.iter().fold(u32::from(flags.bits()), |rest, (flag, _)| rest & !flag) {
        0 => {}
        unknown => write!(f, " flags:{unknown:#x}")?,
    }
    f.write_str(" bands=")?;
    bands.iter().try_for_each(|band| {
        f.write_str("\n")?;
        write_band(f, band, flags)
    })
}

/// As `ovs-ofctl add-meter`, `mod-meter` and `del-meter` read it, whichever the command is.
impl fmt::Display for MeterMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "meter={}", MeterName(self.meter))?;
        if self.command == MeterModCommand::Delete {
            return Ok(());
        }
        write_flags(f, self.flags)?;
        f.write_str(" bands=")?;
        self.bands.iter().try_for_each(|band| {
            f.write_str(" ")?;
            write_band(f, band, self.flags)
        })
    }
}

/// Counters of a meter, and a line for those of each band.
pub(super) fn write_meter_stats(f: &mut fmt::Formatter<'_>, stats: &MeterStats) -> fmt::Result {
    write!(
        f,
        "meter:{} flow_count:{} packet_in_count:{} byte_in_count:{} duration:{} bands:",
        MeterName(stats.meter),
        stats.flow_count,
        stats.packet_in_count,
        stats.byte_in_count,
        stats.age
    )?;
    stats.bands.iter().enumerate().try_for_each(|(n, band)| {
        write!(f, "\n{n}: packet_count:{} byte_count:{}", band.packet_count, band.byte_count)
    })
}

/// What the meters of a switch can do.
pub(super) fn write_meter_features(f: &mut fmt::Formatter<'_>, features: &MeterFeatures) -> fmt::Result {
    /// One bit each by the number of the band type.
    const BANDS: &[(u32, &str)] = &[(1 << 1, "drop"), (1 << 2, "dscp_remark")];
    let MeterFeatures { max_meters, band_kinds, capabilities, max_bands, max_color } = features;
    write!(f, "\nmax_meter:{max_meters} max_bands:{max_bands} max_color:{max_color}")?;
    write!(f, "\nband_types: {}", Bits(*band_kinds, BANDS))?;
    write!(f, "\ncapabilities: {}", Bits(*capabilities, FLAGS))
}

/// The number of a meter, or its name if it has a meaning of its own.
pub(super) struct MeterName(pub(super) MeterId);

impl fmt::Display for MeterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MeterId::ALL => f.write_str("all"),
            MeterId::CONTROLLER => f.write_str("controller"),
            MeterId::SLOWPATH => f.write_str("slowpath"),
            meter => write!(f, "{meter}"),
        }
    }
}

fn write_flags(f: &mut fmt::Formatter<'_>, flags: MeterFlags) -> fmt::Result {
    let set = FLAGS.iter().filter(|(flag, _)| u32::from(flags.bits()) & flag != 0);
    set.into_iter().try_for_each(|(_, word)| write!(f, " {word}"))
}

fn write_band(f: &mut fmt::Formatter<'_>, band: &MeterBand, flags: MeterFlags) -> fmt::Result {
    let limits = |f: &mut fmt::Formatter<'_>, rate: u32, burst: u32| {
        write!(f, " rate={rate}")?;
        if flags.contains(MeterFlags::BURST) {
            write!(f, " burst_size={burst}")?;
        }
        Ok(())
    };
    match band {
        MeterBand::Drop { rate, burst } => {
            f.write_str("type=drop")?;
            limits(f, *rate, *burst)
        }
        MeterBand::DscpRemark { rate, burst, prec_level } => {
            f.write_str("type=dscp_remark")?;
            limits(f, *rate, *burst)?;
            write!(f, " prec_level={prec_level}")
        }
        MeterBand::Experimenter { rate, burst, experimenter, body } => {
            write!(f, "type=experimenter({experimenter:#x},{})", Hex(body))?;
            limits(f, *rate, *burst)
        }
        MeterBand::Unknown { kind, body } => write!(f, "type=unknown({kind},{})", Hex(body)),
    }
}
