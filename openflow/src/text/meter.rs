//! Meters in the words of `ovs-ofctl(8)`: `meter=1 kbps bands= type=drop rate=1000`.

use std::fmt;

use super::Hex;
use crate::ids::MeterId;
use crate::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use crate::multipart::MeterConfig;

/// As `ovs-ofctl dump-meters` prints a meter: a line for it and one for each band.
impl fmt::Display for MeterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_meter(f, self.meter, self.flags)?;
        for band in &self.bands {
            f.write_str("\n")?;
            write_band(f, band, self.flags)?;
        }
        Ok(())
    }
}

/// As `ovs-ofctl add-meter`, `mod-meter` and `del-meter` read it, whichever the command is.
impl fmt::Display for MeterMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.command == MeterModCommand::Delete {
            return write_id(f, self.meter);
        }
        write_meter(f, self.meter, self.flags)?;
        for band in &self.bands {
            f.write_str(" ")?;
            write_band(f, band, self.flags)?;
        }
        Ok(())
    }
}

fn write_id(f: &mut fmt::Formatter<'_>, meter: MeterId) -> fmt::Result {
    match meter {
        MeterId::ALL => f.write_str("meter=all"),
        MeterId::CONTROLLER => f.write_str("meter=controller"),
        MeterId::SLOWPATH => f.write_str("meter=slowpath"),
        meter => write!(f, "meter={meter}"),
    }
}

fn write_meter(f: &mut fmt::Formatter<'_>, meter: MeterId, flags: MeterFlags) -> fmt::Result {
    const WORDS: [(MeterFlags, &str); 4] = [
        (MeterFlags::KBPS, "kbps"),
        (MeterFlags::PKTPS, "pktps"),
        (MeterFlags::BURST, "burst"),
        (MeterFlags::STATS, "stats"),
    ];
    write_id(f, meter)?;
    for (flag, word) in WORDS {
        if flags.contains(flag) {
            write!(f, " {word}")?;
        }
    }
    f.write_str(" bands=")
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
