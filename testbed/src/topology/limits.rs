//! How much of the machine a host's processes may have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How much of the machine the processes of a host may have together, by control groups (`cgroups(7)`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Processor time: 0.5 is half of one core, 2 two cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cores>,
    /// Memory; what goes beyond is killed by the kernel.
    #[serde(default, with = "super::text::optional", skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pids: Option<u32>,
}

impl Limits {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Limits::default()
    }
}

/// Processor time as a number of cores, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cores(u32);

impl Cores {
    /// From a number of cores between 0.01 and 10,000, the least and the most that the kernel's scheduler takes or any
    /// machine has; rounded to thousandths.
    #[must_use]
    pub fn new(cores: f64) -> Option<Cores> {
        let fits = (0.01..=10_000.0).contains(&cores);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "10 to 10,000,000")]
        fits.then(|| Cores((cores * 1000.0).round() as u32))
    }

    /// Microseconds of processor time in each period of `period` microseconds.
    pub(crate) fn quota(self, period: u64) -> u64 {
        u64::from(self.0) * period / 1000
    }
}

impl Serialize for Cores {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(f64::from(self.0) / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Cores {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let cores = f64::deserialize(from)?;
        Cores::new(cores).ok_or_else(|| {
            de::Error::custom(format!("{cores} is no number of cores; expected 0.01 or more, such as 0.5"))
        })
    }
}

/// An amount of memory, written `64M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 3] = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, unit)| self.0.is_multiple_of(*unit)) {
            Some((word, unit)) => write!(f, "{}{word}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

/// A text that is no amount of memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no amount of memory; expected a number and K, M or G (powers of 1024), such as 64M")]
pub struct ParseBytesError {
    text: String,
}

impl FromStr for Bytes {
    type Err = ParseBytesError;

    fn from_str(text: &str) -> Result<Self, ParseBytesError> {
        let wrong = || ParseBytesError { text: text.to_owned() };
        let suffixed = UNITS.iter().find_map(|(word, unit)| Some((text.strip_suffix(word)?, *unit)));
        let (number, unit) = suffixed.unwrap_or((text, 1));
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(unit).filter(|bytes| *bytes > 0).map(Bytes).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_written() {
        let text = "cpu = 0.5\nmemory = \"64M\"\npids = 20\n";
        let limits: Limits = toml::from_str(text).unwrap();
        assert_eq!(toml::to_string(&limits).unwrap(), text);
        assert_eq!(limits.cpu.unwrap().quota(100_000), 50_000);
        assert_eq!(limits.memory, Some(Bytes(64 << 20)));
        for bad in [
            "cpu = 0.0",
            "cpu = -1.0",
            "cpu = nan",
            "memory = \"64\\u00b5\"",
            "memory = \"0\"",
            "memory = \"9999999999999G\"",
            "pids = -1",
        ] {
            assert!(toml::from_str::<Limits>(bad).is_err(), "{bad}");
        }
    }
}
