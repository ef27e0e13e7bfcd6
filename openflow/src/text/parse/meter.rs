//! Meters and changes of meters.

use nom::Parser;
use nom::bytes::complete::{take_till, take_while};
use nom::character::complete::one_of;
use nom::combinator::opt;
use nom::sequence::preceded;

use super::error::Fault;
use super::lexer::{Lexed, is_separator};
use super::number;
use super::{Reading, Strictness};
use crate::ids::MeterId;
use crate::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};

const FLAGS: [(&str, MeterFlags); 4] = [
    ("kbps", MeterFlags::KBPS),
    ("pktps", MeterFlags::PKTPS),
    ("burst", MeterFlags::BURST),
    ("stats", MeterFlags::STATS),
];

const NAMED_METERS: [(&str, MeterId); 3] =
    [("all", MeterId::ALL), ("controller", MeterId::CONTROLLER), ("slowpath", MeterId::SLOWPATH)];

/// A band whose words are still coming.
struct Band<'t> {
    is_remark: bool,
    rate: u32,
    burst: u32,
    prec_level: u8,
    /// Its type, for errors.
    at: &'t str,
}

impl Reading<'_> {
    /// A change of the meter table.
    pub(super) fn meter_text<'t>(
        &self,
        text: &'t str,
        command: MeterModCommand,
    ) -> Result<MeterMod, Fault<'t>> {
        let deletes = command == MeterModCommand::Delete;
        let end = &text[text.len()..];
        let missing_bands = || Fault::missing("bands=", end);
        let (head, bands) = if deletes {
            (text, end)
        } else {
            let (head, behind) = text.find("band").map(|at| text.split_at(at)).ok_or_else(missing_bands)?;
            (head, behind.split_once('=').map(|(_, bands)| bands).ok_or_else(missing_bands)?)
        };
        let (mut meter, mut flags) = (None, MeterFlags::empty());
        let mut tokens = Tokens { rest: head };
        while let Some(key) = tokens.key() {
            let flag = FLAGS.iter().find(|(name, _)| *name == key && !deletes);
            match (key, flag) {
                (_, Some((_, flag))) => flags |= *flag,
                ("meter", None) => meter = Some(self.meter_id(tokens.value(key)?)?),
                _ => {
                    let flags = FLAGS.iter().map(|(name, _)| *name);
                    return Err(Fault::unknown("keyword", key, flags.chain(["meter", "bands"])));
                }
            }
        }
        let meter = meter.ok_or_else(|| Fault::missing("meter=", end))?;
        if deletes {
            return Ok(MeterMod { command, flags, meter, bands: Vec::new() });
        }
        if flags.is_empty() {
            return Err(Fault::missing("kbps or pktps", head));
        }
        if self.strictness == Strictness::Strict {
            let unit = flags & (MeterFlags::KBPS | MeterFlags::PKTPS);
            if unit.is_empty() || unit.bits().count_ones() > 1 {
                return Err(Fault::refused(
                    head.trim(),
                    "a meter counts in kbps or in pktps: give one of them",
                ));
            }
        }
        let bands = self.bands(bands, flags)?;
        Ok(MeterMod { command, flags, meter, bands })
    }

    fn meter_id<'t>(&self, value: &'t str) -> Result<MeterId, Fault<'t>> {
        if let Some((_, meter)) = NAMED_METERS.iter().find(|(name, _)| *name == value) {
            return Ok(*meter);
        }
        let meter = MeterId(number::u32("the meter", value, self.strictness)?);
        if meter.0 == 0 || meter > MeterId::MAX {
            return Err(Fault::value(
                "the meter",
                value,
                "a number from 1 to 4294901760, controller, slowpath or all",
            ));
        }
        Ok(meter)
    }

    fn bands<'t>(&self, text: &'t str, flags: MeterFlags) -> Result<Vec<MeterBand>, Fault<'t>> {
        let mut bands: Vec<Band<'t>> = Vec::new();
        let mut tokens = Tokens { rest: text };
        while let Some(key) = tokens.key() {
            let value = tokens.value(key)?;
            match (key, bands.last_mut()) {
                ("type", _) => {
                    let is_remark = match value {
                        "drop" => false,
                        "dscp_remark" => true,
                        _ => return Err(Fault::unknown("band type", value, ["drop", "dscp_remark"])),
                    };
                    bands.push(Band { is_remark, rate: 0, burst: 0, prec_level: 0, at: value });
                }
                (_, None) => return Err(Fault::refused(key, "a band starts with its type")),
                ("rate", Some(band)) => band.rate = number::u32("the rate", value, self.strictness)?,
                ("burst_size", Some(band)) => {
                    band.burst = number::u32("the burst size", value, self.strictness)?;
                }
                ("prec_level", Some(band)) => {
                    band.prec_level = number::small("the precedence level", value, 255)?;
                }
                _ => {
                    let known = ["type", "rate", "burst_size", "prec_level"];
                    return Err(Fault::unknown("keyword", key, known));
                }
            }
        }
        if bands.is_empty() {
            return Err(Fault::missing("the type of a band", text));
        }
        bands.into_iter().map(|band| band.finish(flags)).collect()
    }
}

impl<'t> Band<'t> {
    fn finish(self, flags: MeterFlags) -> Result<MeterBand, Fault<'t>> {
        let Band { is_remark, rate, burst, prec_level, at } = self;
        if is_remark && prec_level == 0 {
            return Err(Fault::refused(at, "the band needs a prec_level, 1 or more"));
        }
        if !is_remark && prec_level != 0 {
            return Err(Fault::refused(at, "only dscp_remark has a prec_level; leave it out"));
        }
        if rate == 0 {
            return Err(Fault::refused(at, "the band needs a rate, 1 or more"));
        }
        match (flags.contains(MeterFlags::BURST), burst) {
            (true, 0) => Err(Fault::refused(at, "the meter has burst, so the band needs a burst_size")),
            (false, 1..) => Err(Fault::refused(at, "a burst_size counts in a meter with burst; add it")),
            _ if is_remark => Ok(MeterBand::DscpRemark { rate, burst, prec_level }),
            _ => Ok(MeterBand::Drop { rate, burst }),
        }
    }
}

/// Words as C's `strtok` cuts them: keys end at `=` too, values do not.
struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    fn token(&mut self, ends: fn(char) -> bool) -> Option<&'t str> {
        let behind = opt(one_of("=, \t\r\n"));
        let parsed: Lexed<'t, &'t str> = preceded(take_while(ends), take_till(ends)).parse(self.rest);
        let (rest, token) = parsed.ok()?;
        let ended: Lexed<'t, Option<char>> = { behind }.parse(rest);
        self.rest = ended.map_or(rest, |(rest, _)| rest);
        Some(token).filter(|token| !token.is_empty())
    }

    fn key(&mut self) -> Option<&'t str> {
        self.token(|c| c == '=' || is_separator(c))
    }

    fn value(&mut self, key: &'t str) -> Result<&'t str, Fault<'t>> {
        let end = &self.rest[self.rest.len()..];
        self.token(is_separator).ok_or_else(|| Fault::missing(format!("the value of {key}"), end))
    }
}
