//! Meters and what a meter-mod does to them (OF 1.3.5 §5.7, §7.3.4.4).

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use crate::error::MeterModFailed;
use crate::ids::MeterId;
use crate::msg::meter_mod::{MeterBand, MeterFlags, MeterMod};
use crate::multipart::{MeterBandStats, MeterConfig, MeterStats};

/// The most meters, and the most bands of one.
pub(super) const METERS_MAX: usize = 1 << 16;
pub(super) const BANDS_MAX: usize = 64;

/// The flags that a meter can have.
pub(super) const FLAGS: MeterFlags =
    MeterFlags::KBPS.union(MeterFlags::PKTPS).union(MeterFlags::BURST).union(MeterFlags::STATS);

/// Billionths of a unit, a packet or a kilobit.
const UNIT: u64 = 1_000_000_000;

#[derive(Debug)]
struct Meter {
    flags: MeterFlags,
    bands: Vec<MeterBand>,
    /// What each band lets pass yet, in billionths of a unit.
    tokens: Vec<u64>,
    filled: Instant,
    created: Instant,
    packets: u64,
    bytes: u64,
    counts: Vec<MeterBandStats>,
}

/// The meter table.
#[derive(Debug, Default)]
pub(super) struct Meters(BTreeMap<MeterId, Meter>);

/// What a meter says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No band is exceeded.
    Pass,
    /// The band with this number drops it.
    Drop(usize),
    /// The band with this number raises its drop precedence by so many steps.
    Remark(usize, u8),
}

fn rate(band: &MeterBand) -> u32 {
    match band {
        MeterBand::Drop { rate, .. }
        | MeterBand::DscpRemark { rate, .. }
        | MeterBand::Experimenter { rate, .. } => *rate,
        MeterBand::Unknown { .. } => 0,
    }
}

impl Meter {
    fn new(request: &MeterMod, now: Instant) -> Meter {
        let mut meter = Meter {
            flags: request.flags,
            bands: request.bands.clone(),
            tokens: Vec::new(),
            filled: now,
            created: now,
            packets: 0,
            bytes: 0,
            counts: vec![MeterBandStats::default(); request.bands.len()],
        };
        meter.tokens = meter.bands.iter().map(|band| meter.depth(band)).collect();
        meter
    }

    /// How many tokens a band holds: its burst, or without one what its rate lets pass in a second.
    fn depth(&self, band: &MeterBand) -> u64 {
        let burst = match band {
            MeterBand::Drop { burst, .. } | MeterBand::DscpRemark { burst, .. }
                if self.flags.contains(MeterFlags::BURST) =>
            {
                *burst
            }
            band => rate(band),
        };
        u64::from(burst) * UNIT
    }

    fn fill(&mut self, now: Instant) {
        let nanos = now.saturating_duration_since(self.filled).as_nanos();
        self.filled = self.filled.max(now);
        for at in 0..self.bands.len() {
            let more = u128::from(rate(&self.bands[at])) * nanos;
            let all = u128::from(self.tokens[at]) + more;
            self.tokens[at] = all.min(self.depth(&self.bands[at]).into()) as u64;
        }
    }

    /// The band with the highest rate of those that are exceeded takes the packet.
    fn judge(&mut self, len: usize, now: Instant) -> Verdict {
        self.packets += 1;
        self.bytes += len as u64;
        self.fill(now);
        let cost = if self.flags.contains(MeterFlags::PKTPS) { UNIT } else { len as u64 * 8 * (UNIT / 1000) };
        let mut exceeded: Option<usize> = None;
        for (at, tokens) in self.tokens.iter_mut().enumerate() {
            match tokens.checked_sub(cost) {
                Some(left) => *tokens = left,
                None if exceeded.is_none_or(|other| rate(&self.bands[other]) < rate(&self.bands[at])) => {
                    exceeded = Some(at);
                }
                None => {}
            }
        }
        let Some(at) = exceeded else { return Verdict::Pass };
        self.counts[at].packet_count += 1;
        self.counts[at].byte_count += len as u64;
        match self.bands[at] {
            MeterBand::Drop { .. } => Verdict::Drop(at),
            MeterBand::DscpRemark { prec_level, .. } => Verdict::Remark(at, prec_level),
            _ => Verdict::Pass,
        }
    }
}

/// The DSCP with the drop precedence raised, of the assured forwarding classes; others stay
/// (RFC 2597 §6).
pub(super) fn remarked(dscp: u8, levels: u8) -> u8 {
    let (class, precedence) = (dscp >> 3, dscp >> 1 & 3);
    if dscp & 1 != 0 || !(1..=4).contains(&class) || precedence == 0 {
        return dscp;
    }
    class << 3 | precedence.saturating_add(levels).min(3) << 1
}

impl Meters {
    pub(super) fn contains(&self, meter: MeterId) -> bool {
        self.0.contains_key(&meter)
    }

    /// What the meter says of a packet of `len` bytes.
    pub(super) fn judge(&mut self, meter: MeterId, len: usize, now: Instant) -> Verdict {
        self.0.get_mut(&meter).map_or(Verdict::Pass, |meter| meter.judge(len, now))
    }

    /// Adds or changes a meter.
    pub(super) fn set(
        &mut self,
        request: &MeterMod,
        exists: bool,
        now: Instant,
    ) -> Result<(), MeterModFailed> {
        if request.meter.0 == 0 || request.meter > MeterId::MAX {
            return Err(MeterModFailed::InvalidMeter);
        }
        if exists != self.contains(request.meter) {
            let wrong = if exists { MeterModFailed::UnknownMeter } else { MeterModFailed::MeterExists };
            return Err(wrong);
        }
        if !exists && self.0.len() >= METERS_MAX {
            return Err(MeterModFailed::OutOfMeters);
        }
        check(request)?;
        let mut meter = Meter::new(request, now);
        if let Some(old) = self.0.get(&request.meter) {
            meter.created = old.created;
        }
        self.0.insert(request.meter, meter);
        Ok(())
    }

    /// Takes one meter or all out; which they were.
    pub(super) fn remove(&mut self, wanted: MeterId) -> Vec<MeterId> {
        if wanted == MeterId::ALL {
            return std::mem::take(&mut self.0).into_keys().collect();
        }
        self.0.remove(&wanted).map(|_| wanted).into_iter().collect()
    }

    /// Counters of one meter or of all; `flows` tells how many flows name one.
    pub(super) fn stats(
        &self,
        wanted: MeterId,
        flows: &HashMap<MeterId, usize>,
        now: Instant,
    ) -> Result<Vec<MeterStats>, MeterModFailed> {
        let stats = |(id, meter): (&MeterId, &Meter)| MeterStats {
            meter: *id,
            flow_count: flows.get(id).map_or(0, |n| u32::try_from(*n).unwrap_or(u32::MAX)),
            packet_in_count: meter.packets,
            byte_in_count: meter.bytes,
            age: now.saturating_duration_since(meter.created).into(),
            bands: meter.counts.clone(),
        };
        Ok(self.wanted(wanted)?.map(stats).collect())
    }

    pub(super) fn describe(&self, wanted: MeterId) -> Result<Vec<MeterConfig>, MeterModFailed> {
        let describe = |(id, meter): (&MeterId, &Meter)| MeterConfig {
            flags: meter.flags,
            meter: *id,
            bands: meter.bands.clone(),
        };
        Ok(self.wanted(wanted)?.map(describe).collect())
    }

    fn wanted(&self, wanted: MeterId) -> Result<impl Iterator<Item = (&MeterId, &Meter)>, MeterModFailed> {
        if wanted != MeterId::ALL && !self.contains(wanted) {
            return Err(MeterModFailed::UnknownMeter);
        }
        Ok(self.0.iter().filter(move |(id, _)| wanted == MeterId::ALL || **id == wanted))
    }
}

fn check(request: &MeterMod) -> Result<(), MeterModFailed> {
    let units = MeterFlags::KBPS | MeterFlags::PKTPS;
    if !FLAGS.contains(request.flags) || request.flags.contains(units) {
        return Err(MeterModFailed::BadFlags);
    }
    if request.bands.len() > BANDS_MAX {
        return Err(MeterModFailed::OutOfBands);
    }
    for band in &request.bands {
        match band {
            MeterBand::Drop { .. } | MeterBand::DscpRemark { .. } if rate(band) == 0 => {
                return Err(MeterModFailed::BadRate);
            }
            MeterBand::Drop { .. } => {}
            MeterBand::DscpRemark { prec_level, .. } if (1..=2).contains(prec_level) => {}
            MeterBand::DscpRemark { .. } => return Err(MeterModFailed::BadBandValue),
            _ => return Err(MeterModFailed::BadBand),
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::msg::meter_mod::MeterModCommand;
    use std::time::Duration;

    fn meters(flags: MeterFlags, bands: Vec<MeterBand>, now: Instant) -> Meters {
        let mut meters = Meters::default();
        let request = MeterMod { command: MeterModCommand::Add, flags, meter: MeterId(1), bands };
        meters.set(&request, false, now).unwrap();
        meters
    }

    #[test]
    fn packets_above_the_rate_are_dropped() {
        let start = Instant::now();
        let band = MeterBand::Drop { rate: 10, burst: 5 };
        let mut meters = meters(MeterFlags::PKTPS | MeterFlags::BURST, vec![band], start);
        let passed = |meters: &mut Meters, at: Duration, n: usize| {
            (0..n).filter(|_| meters.judge(MeterId(1), 100, start + at) == Verdict::Pass).count()
        };
        assert_eq!(passed(&mut meters, Duration::ZERO, 20), 5, "the burst");
        assert_eq!(passed(&mut meters, Duration::from_millis(99), 20), 0);
        assert_eq!(passed(&mut meters, Duration::from_millis(300), 20), 3);
        assert_eq!(passed(&mut meters, Duration::from_secs(3600), 20), 5, "no more than the burst");
        let stats = meters.stats(MeterId::ALL, &HashMap::new(), start).unwrap();
        assert_eq!((stats[0].packet_in_count, stats[0].bands[0].packet_count), (80, 67));
    }

    #[test]
    fn of_the_exceeded_bands_that_of_the_highest_rate_counts() {
        let start = Instant::now();
        let remark = MeterBand::DscpRemark { rate: 8, burst: 0, prec_level: 1 };
        let drop = MeterBand::Drop { rate: 16, burst: 0 };
        let mut meters = meters(MeterFlags::KBPS, vec![drop, remark], start);
        // A second of 8 kbit/s is 1000 bytes.
        let verdicts: Vec<Verdict> = (0..5).map(|_| meters.judge(MeterId(1), 500, start)).collect();
        use Verdict::{Drop, Pass, Remark};
        assert_eq!(verdicts, [Pass, Pass, Remark(1, 1), Remark(1, 1), Drop(0)]);
    }

    #[test]
    fn remarking_raises_the_drop_precedence_of_assured_forwarding() {
        for (dscp, levels, then) in [(10, 1, 12), (10, 2, 14), (12, 2, 14), (34, 1, 36), (14, 1, 14)] {
            assert_eq!(remarked(dscp, levels), then);
        }
        for other in [0, 8, 46, 48, 11] {
            assert_eq!(remarked(other, 1), other);
        }
    }

    #[test]
    fn wrong_meters_are_refused() {
        let now = Instant::now();
        let band = MeterBand::Drop { rate: 1, burst: 0 };
        let with = |meter: u32, flags: MeterFlags, band: MeterBand| MeterMod {
            command: MeterModCommand::Add,
            flags,
            meter: MeterId(meter),
            bands: vec![band],
        };
        let mut meters = Meters::default();
        for (request, error) in [
            (with(0, MeterFlags::KBPS, band.clone()), MeterModFailed::InvalidMeter),
            (with(1, MeterFlags::from_bits_retain(1 << 9), band.clone()), MeterModFailed::BadFlags),
            (with(1, MeterFlags::KBPS | MeterFlags::PKTPS, band.clone()), MeterModFailed::BadFlags),
            (with(1, MeterFlags::KBPS, MeterBand::Drop { rate: 0, burst: 0 }), MeterModFailed::BadRate),
            (
                with(1, MeterFlags::KBPS, MeterBand::DscpRemark { rate: 1, burst: 0, prec_level: 0 }),
                MeterModFailed::BadBandValue,
            ),
        ] {
            assert_eq!(meters.set(&request, false, now), Err(error));
        }
        let sound = with(1, MeterFlags::KBPS, band);
        assert_eq!(meters.set(&sound, true, now), Err(MeterModFailed::UnknownMeter));
        assert_eq!(meters.set(&sound, false, now), Ok(()));
        assert_eq!(meters.set(&sound, false, now), Err(MeterModFailed::MeterExists));
    }
}
