//! Rates, times and shares as `tc(8)` and Mininet write them: `10mbit`, `5ms`, `1%`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number of bits a second, counted over whole Ethernet frames without checksum and preamble, as
/// `tc(8)` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u64);

impl Rate {
    /// As fast as the machine can.
    pub const UNLIMITED: Rate = Rate(u64::MAX);

    /// Millions of bits a second.
    #[must_use]
    pub const fn mbit(n: u64) -> Rate {
        Rate(n.saturating_mul(1_000_000))
    }
}

impl Default for Rate {
    fn default() -> Self {
        Rate::UNLIMITED
    }
}

/// The units of a rate, largest first.
const RATE_UNITS: [(&str, u64); 5] =
    [("tbit", 1_000_000_000_000), ("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Rate::UNLIMITED {
            return f.write_str("unlimited");
        }
        let exact = |&&(_, unit): &&(&str, u64)| self.0.is_multiple_of(unit);
        let (word, unit) = RATE_UNITS.iter().find(exact).unwrap_or(&RATE_UNITS[4]);
        write!(f, "{}{word}", self.0 / unit)
    }
}

/// A share of all frames, in millionths: what is written `0.5` is half of a hundredth of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u32);

impl Percent {
    /// All of them.
    pub const ALL: Percent = Percent(1_000_000);

    /// From a number of hundredths; `None` unless it is between 0 and 100. Rounded to 0.0001.
    #[must_use]
    pub fn new(percent: f64) -> Option<Percent> {
        let fits = (0.0..=100.0).contains(&percent);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
        fits.then(|| Percent((percent * 10_000.0).round() as u32))
    }

    /// In hundredths: 0 to 100.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// As a probability: 0 to 1.
    #[must_use]
    pub fn probability(self) -> f64 {
        f64::from(self.0) / 1_000_000.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

/// A text that is no such quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}; expected {expected}")]
pub struct ParseQuantityError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

/// The number at the front of `text`, and the unit behind it in small letters.
fn split(text: &str) -> Option<(f64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim().to_ascii_lowercase()))
}

impl FromStr for Rate {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, ParseQuantityError> {
        let wrong = || ParseQuantityError {
            text: text.to_owned(),
            what: "rate",
            expected: "a number and bit, kbit, mbit, gbit or tbit (a second), such as 10mbit, or unlimited",
        };
        if text == "unlimited" {
            return Ok(Rate::UNLIMITED);
        }
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let unit = unit.trim_end_matches("/s");
        let (_, factor) = RATE_UNITS.iter().find(|(word, _)| *word == unit).ok_or_else(wrong)?;
        rate(number, *factor).ok_or_else(wrong)
    }
}

/// `None` for less than a bit a second or more than can be counted.
pub(super) fn rate(number: f64, factor: u64) -> Option<Rate> {
    #[expect(clippy::cast_precision_loss, reason = "the factors are powers of ten below 2^53")]
    let bits = (number * factor as f64).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10^18")]
    (1.0..=1e18).contains(&bits).then_some(Rate(bits as u64))
}

/// The longest delay that a link may have: long enough for Pluto and back.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(86_400);

const TIME_UNITS: [(&str, f64); 4] = [("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1.0)];

/// Reads `5ms`, `1.5s`, `200us`, `10ns`.
pub(super) fn parse_time(text: &str) -> Result<Duration, ParseQuantityError> {
    let wrong = || ParseQuantityError {
        text: text.to_owned(),
        what: "time",
        expected: "a number and s, ms, us or ns, such as 5ms, a day at most",
    };
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let factor = match unit.as_str() {
        "0" | "" if number == 0.0 => 0.0,
        unit => TIME_UNITS.iter().find(|(word, _)| *word == unit).ok_or_else(wrong)?.1,
    };
    let nanoseconds = (number * factor).round();
    #[expect(clippy::cast_precision_loss, reason = "8.64e13 is below 2^53")]
    if nanoseconds > LONGEST_DELAY.as_nanos() as f64 {
        return Err(wrong());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a day")]
    Ok(Duration::from_nanos(nanoseconds as u64))
}

/// As [`parse_time`] reads it, exactly.
pub(super) fn time_text(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    for (unit, length) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanoseconds.is_multiple_of(length) {
            return format!("{}{unit}", nanoseconds / length);
        }
    }
    match nanoseconds {
        1_000.. => {
            let (whole, rest) = (nanoseconds / 1_000, nanoseconds % 1_000);
            format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() + "us"
        }
        _ => format!("{nanoseconds}ns"),
    }
}

impl FromStr for Percent {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, ParseQuantityError> {
        let number = text.trim().trim_end_matches('%').trim().parse().ok();
        number.and_then(Percent::new).ok_or_else(|| ParseQuantityError {
            text: text.to_owned(),
            what: "share",
            expected: "a number from 0 to 100, such as 0.5 or 0.5%",
        })
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.percent())
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Number;

        impl de::Visitor<'_> for Number {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number from 0 to 100")
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Percent, E> {
                Percent::new(number).ok_or_else(|| {
                    E::custom(format!("{number} is no share; expected a number from 0 to 100"))
                })
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Percent, E> {
                #[expect(clippy::cast_precision_loss, reason = "what it loses is out of range anyway")]
                self.visit_f64(number as f64)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Percent, E> {
                #[expect(clippy::cast_precision_loss, reason = "what it loses is out of range anyway")]
                self.visit_f64(number as f64)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                text.parse().map_err(E::custom)
            }
        }

        from.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        for (text, bits, written) in [
            ("10mbit", 10_000_000, "10mbit"),
            ("1.5 Mbit/s", 1_500_000, "1500kbit"),
            ("1gbit", 1_000_000_000, "1gbit"),
            ("9600bit", 9600, "9600bit"),
            ("2500kbit", 2_500_000, "2500kbit"),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!((rate.0, rate.to_string().as_str()), (bits, written), "{text}");
            assert_eq!(rate.to_string().parse(), Ok(rate));
        }
        assert_eq!("unlimited".parse(), Ok(Rate::UNLIMITED));
        for bad in ["", "10", "10mbps", "0mbit", "-1mbit", "mbit", "1e9bit", "inf", "9999999tbit"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_read_and_written() {
        for (text, nanoseconds, written) in [
            ("5ms", 5_000_000, "5ms"),
            ("1.5s", 1_500_000_000, "1500ms"),
            ("200us", 200_000, "200us"),
            ("4877.5us", 4_877_500, "4877.5us"),
            ("7ns", 7, "7ns"),
            ("0", 0, "0s"),
        ] {
            let time = parse_time(text).unwrap();
            assert_eq!((time.as_nanos(), time_text(time).as_str()), (nanoseconds, written), "{text}");
            assert_eq!(parse_time(&time_text(time)), Ok(time));
        }
        for bad in ["", "5", "ms", "-1ms", "5min", "86401s", "1e3s"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shares_are_read_and_written() {
        assert_eq!("0.5".parse::<Percent>().unwrap().to_string(), "0.5%");
        assert_eq!("100%".parse(), Ok(Percent::ALL));
        assert_eq!(Percent::new(12.5).unwrap().probability(), 0.125);
        for bad in ["", "-1", "100.1", "NaN", "inf", "1%%x"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
    }
}
