//! Changes that come by themselves, at their time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::{parse_time, time_text};
use super::{Change, ParseQuantityError, SplitMix64, text};

/// A change at a time: in a file, `[[events]]` with `at = "2s"` and `do = "link h1 s1 down"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When it comes, counted from when the network is up.
    #[serde(with = "text::required")]
    pub at: Moment,
    /// What happens.
    #[serde(rename = "do", with = "text::required")]
    pub change: Change,
}

/// A time, or a span of which the seed draws one: `2s`, `500ms`, `2s..5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The earliest that it can be.
    pub from: Duration,
    /// The latest.
    pub to: Duration,
}

impl Moment {
    /// Exactly this time.
    #[must_use]
    pub fn at(time: Duration) -> Self {
        Self { from: time, to: time }
    }

    /// The time in the span that `random` draws.
    fn draw(self, random: &mut SplitMix64) -> Duration {
        let span = u64::try_from(self.to.saturating_sub(self.from).as_nanos()).unwrap_or(u64::MAX);
        // Drawn even where there is no choice: one more fixed time does not change the others.
        let drawn = random.next_u64() % span.saturating_add(1);
        self.from + Duration::from_nanos(drawn)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&time_text(self.from))?;
        if self.to == self.from { Ok(()) } else { write!(f, "..{}", time_text(self.to)) }
    }
}

/// A text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseMomentError {
    /// A time in it is none.
    #[error(transparent)]
    Time(#[from] ParseQuantityError),
    /// The span ends before it begins.
    #[error("{0:?} ends before it begins")]
    Backwards(String),
}

impl FromStr for Moment {
    type Err = ParseMomentError;

    fn from_str(text: &str) -> Result<Self, ParseMomentError> {
        let Some((from, to)) = text.split_once("..") else {
            return Ok(Self::at(parse_time(text)?));
        };
        let (from, to) = (parse_time(from)?, parse_time(to)?);
        if to < from {
            return Err(ParseMomentError::Backwards(text.to_owned()));
        }
        Ok(Self { from, to })
    }
}

/// The events in the order of their times, which `seed` draws where there is a choice; those of the same time in the order
/// in which they are given.
#[must_use]
pub fn schedule(events: &[Event], seed: u64) -> Vec<(Duration, Change)> {
    let mut random = SplitMix64::new(seed);
    let mut times: Vec<_> =
        events.iter().map(|event| (event.at.draw(&mut random), event.change.clone())).collect();
    times.sort_by_key(|(time, _)| *time);
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: &str, change: &str) -> Event {
        Event { at: at.parse().unwrap(), change: change.parse().unwrap() }
    }

    #[test]
    fn the_same_seed_draws_the_same_times() {
        let events = [
            event("5s", "link h1 s1 up"),
            event("1s..4s", "link h1 s1 down"),
            event("500ms", "switch s1 stop"),
            event("500ms", "switch s1 start"),
        ];
        let order = |seed| schedule(&events, seed).iter().map(|(_, c)| c.to_string()).collect::<Vec<_>>();
        assert_eq!(order(1), ["switch s1 stop", "switch s1 start", "link h1 s1 down", "link h1 s1 up"]);
        let drawn = |seed| schedule(&events, seed)[2].0;
        assert_eq!(drawn(7), drawn(7));
        let times: std::collections::HashSet<_> = (0..20).map(drawn).collect();
        assert!(times.len() > 10, "{times:?}");
        assert!(times.iter().all(|t| (Duration::from_secs(1)..=Duration::from_secs(4)).contains(t)));
    }

    #[test]
    fn moments_are_read_as_they_are_written() {
        for text in ["2s", "500ms", "1s..2500ms", "0s"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        for (text, complaint) in
            [("soon", "no time"), ("3s..1s", "ends before it begins"), ("1s..", "no time")]
        {
            let error = text.parse::<Moment>().unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
