//! What a link does to the frames that it carries, each way.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::{self, ParseQuantityError, Percent, Rate};
use super::{Endpoint, LinkSpec, text};

/// What a link does to frames in one direction.
///
/// A frame waits in a queue, is sent at the rate, may be lost or damaged on the way, and arrives
/// after the delay. The default does nothing: a link as fast as the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkProperties {
    /// How fast frames are put on the link.
    pub rate: Rate,
    /// How long a frame is on its way once it is sent; a day at most.
    pub delay: Duration,
    /// How far the delay varies, as `distribution` says. Never below zero, and frames stay in order.
    pub jitter: Duration,
    /// How the jitter is distributed.
    pub distribution: Distribution,
    /// How many frames are lost.
    pub loss: Percent,
    /// How many frames are lost in a row, in the mean: 1 has each lost by itself, more lets losses come in bursts
    /// (a two-state Markov chain after Gilbert, as `loss gemodel` of `tc-netem(8)`).
    pub loss_burst: u32,
    /// How many frames arrive twice.
    pub duplicate: Percent,
    /// How many frames skip the delay, and so overtake others.
    pub reorder: Percent,
    /// How many frames arrive with a bit turned over.
    pub corrupt: Percent,
    /// How many frames wait to be sent at most; what comes beyond is dropped.
    pub queue: u32,
}

/// How a delay varies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Each value from delay − jitter to delay + jitter is as likely, as in `tc-netem(8)` by default.
    #[default]
    Uniform,
    /// Normal, the jitter its standard deviation; cut off at four of them.
    Normal,
}

impl Default for LinkProperties {
    fn default() -> Self {
        Self {
            rate: Rate::UNLIMITED,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            distribution: Distribution::Uniform,
            loss: Percent::default(),
            loss_burst: 1,
            duplicate: Percent::default(),
            reorder: Percent::default(),
            corrupt: Percent::default(),
            queue: 1000,
        }
    }
}

impl LinkProperties {
    /// Whether frames pass as they are, at once.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        Self { queue: Self::default().queue, loss_burst: 1, distribution: Distribution::Uniform, ..*self }
            == Self::default()
    }
}

/// The part of [`LinkProperties`] that somebody has something to say about.
///
/// Written as on the command line: `rate=10mbit,delay=5ms,loss=1`. Mininet's words do as well: `bw=10` (Mbit/s),
/// `max_queue_size=100`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkChange {
    /// See [`LinkProperties::rate`].
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// See [`LinkProperties::delay`].
    #[serde(default, with = "time", skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// See [`LinkProperties::jitter`].
    #[serde(default, with = "time", skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
    /// See [`LinkProperties::distribution`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// See [`LinkProperties::loss`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Percent>,
    /// See [`LinkProperties::loss_burst`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_burst: Option<u32>,
    /// See [`LinkProperties::duplicate`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Percent>,
    /// See [`LinkProperties::reorder`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Percent>,
    /// See [`LinkProperties::corrupt`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Percent>,
    /// See [`LinkProperties::queue`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u32>,
}

impl LinkChange {
    /// Back to a link that does nothing.
    #[must_use]
    pub fn reset() -> Self {
        LinkProperties::default().into()
    }

    /// `properties` with this change.
    #[must_use]
    pub fn applied_to(&self, properties: LinkProperties) -> LinkProperties {
        LinkProperties {
            rate: self.rate.unwrap_or(properties.rate),
            delay: self.delay.unwrap_or(properties.delay),
            jitter: self.jitter.unwrap_or(properties.jitter),
            distribution: self.distribution.unwrap_or(properties.distribution),
            loss: self.loss.unwrap_or(properties.loss),
            loss_burst: self.loss_burst.unwrap_or(properties.loss_burst).max(1),
            duplicate: self.duplicate.unwrap_or(properties.duplicate),
            reorder: self.reorder.unwrap_or(properties.reorder),
            corrupt: self.corrupt.unwrap_or(properties.corrupt),
            queue: self.queue.unwrap_or(properties.queue).max(1),
        }
    }

    /// What of `properties` is not as by default.
    fn beyond_default(properties: LinkProperties) -> Self {
        fn unless<T: PartialEq>(value: T, default: T) -> Option<T> {
            (value != default).then_some(value)
        }
        let default = LinkProperties::default();
        Self {
            rate: unless(properties.rate, default.rate),
            delay: unless(properties.delay, default.delay),
            jitter: unless(properties.jitter, default.jitter),
            distribution: unless(properties.distribution, default.distribution),
            loss: unless(properties.loss, default.loss),
            loss_burst: unless(properties.loss_burst, default.loss_burst),
            duplicate: unless(properties.duplicate, default.duplicate),
            reorder: unless(properties.reorder, default.reorder),
            corrupt: unless(properties.corrupt, default.corrupt),
            queue: unless(properties.queue, default.queue),
        }
    }
}

impl From<LinkProperties> for LinkChange {
    fn from(properties: LinkProperties) -> Self {
        Self {
            rate: Some(properties.rate),
            delay: Some(properties.delay),
            jitter: Some(properties.jitter),
            distribution: Some(properties.distribution),
            loss: Some(properties.loss),
            loss_burst: Some(properties.loss_burst),
            duplicate: Some(properties.duplicate),
            reorder: Some(properties.reorder),
            corrupt: Some(properties.corrupt),
            queue: Some(properties.queue),
        }
    }
}

/// As on the command line: `rate=10mbit,delay=5ms`; only what differs from a plain link, which itself is `plain`.
impl fmt::Display for LinkProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = LinkChange::beyond_default(*self);
        let words = [
            change.rate.map(|rate| format!("rate={rate}")),
            change.delay.map(|time| format!("delay={}", units::time_text(time))),
            change.jitter.map(|time| format!("jitter={}", units::time_text(time))),
            change.distribution.map(|distribution| format!("distribution={distribution}")),
            change.loss.map(|share| format!("loss={share}")),
            change.loss_burst.map(|frames| format!("loss_burst={frames}")),
            change.duplicate.map(|share| format!("duplicate={share}")),
            change.reorder.map(|share| format!("reorder={share}")),
            change.corrupt.map(|share| format!("corrupt={share}")),
            change.queue.map(|frames| format!("queue={frames}")),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        f.write_str(if words.is_empty() { "plain" } else { "" })?;
        f.write_str(&words.join(","))
    }
}

/// A text of link properties that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {why}")]
pub struct ParseLinkError {
    /// Where it stops making sense, in characters from 1.
    pub column: usize,
    why: String,
}

/// What can be said of a link.
const KEYS: &str = "rate (or bw, in Mbit/s), delay, jitter, distribution, loss, loss_burst, duplicate, reorder, \
                    corrupt, queue (or max_queue_size)";

impl FromStr for LinkChange {
    type Err = ParseLinkError;

    fn from_str(text: &str) -> Result<Self, ParseLinkError> {
        let mut change = LinkChange::default();
        let mut column = 1;
        // Mininet's `--link tc,bw=10` names the class first.
        for (i, word) in text.split(',').enumerate() {
            let at = |why: String| ParseLinkError { column, why };
            match word.split_once('=') {
                Some((key, value)) => change.set(key.trim(), value.trim()).map_err(at)?,
                None if i == 0 && word == "tc" => {}
                None if word == "plain" => change = LinkChange::reset(),
                None => {
                    return Err(at(format!(
                        "{word:?} is no property of a link; expected key=value with {KEYS}"
                    )));
                }
            }
            column += word.chars().count() + 1;
        }
        Ok(change)
    }
}

impl LinkChange {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        fn count(value: &str) -> Result<u32, String> {
            let number = value.parse().ok().filter(|n| *n > 0);
            number.ok_or_else(|| format!("{value:?} is no number of frames; expected 1 or more"))
        }
        let said = |error: ParseQuantityError| error.to_string();
        match key {
            "rate" => self.rate = Some(value.parse().map_err(said)?),
            "bw" => {
                let megabits = value.parse().ok().and_then(|n| units::rate(n, 1_000_000));
                self.rate =
                    Some(megabits.ok_or_else(|| {
                        format!("{value:?} is no number of Mbit/s; expected such as bw=10")
                    })?);
            }
            "delay" => self.delay = Some(units::parse_time(value).map_err(said)?),
            "jitter" => self.jitter = Some(units::parse_time(value).map_err(said)?),
            "distribution" => {
                self.distribution =
                    Some(value.parse().map_err(|error: text::ParseTextError| error.to_string())?);
            }
            "loss" => self.loss = Some(value.parse().map_err(said)?),
            "loss_burst" => self.loss_burst = Some(count(value)?),
            "duplicate" => self.duplicate = Some(value.parse().map_err(said)?),
            "reorder" => self.reorder = Some(value.parse().map_err(said)?),
            "corrupt" => self.corrupt = Some(value.parse().map_err(said)?),
            "queue" | "max_queue_size" => self.queue = Some(count(value)?),
            _ => return Err(format!("{key:?} is no property of a link; expected {KEYS}")),
        }
        Ok(())
    }
}

/// A link as it stands in a file: what holds both ways beside the ends, what holds one way in a table of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkText {
    #[serde(with = "text::required")]
    a: Endpoint,
    #[serde(with = "text::required")]
    b: Endpoint,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    shaped: bool,
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(default, with = "time", skip_serializing_if = "Option::is_none")]
    delay: Option<Duration>,
    #[serde(default, with = "time", skip_serializing_if = "Option::is_none")]
    jitter: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    distribution: Option<Distribution>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss_burst: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duplicate: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reorder: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    corrupt: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a_to_b: Option<LinkChange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b_to_a: Option<LinkChange>,
}

impl From<LinkText> for LinkSpec {
    fn from(text: LinkText) -> Self {
        let both = LinkChange {
            rate: text.rate,
            delay: text.delay,
            jitter: text.jitter,
            distribution: text.distribution,
            loss: text.loss,
            loss_burst: text.loss_burst,
            duplicate: text.duplicate,
            reorder: text.reorder,
            corrupt: text.corrupt,
            queue: text.queue,
        };
        let both = both.applied_to(LinkProperties::default());
        let one_way = |change: Option<LinkChange>| change.unwrap_or_default().applied_to(both);
        Self {
            a: text.a,
            b: text.b,
            shaped: text.shaped,
            a_to_b: one_way(text.a_to_b),
            b_to_a: one_way(text.b_to_a),
        }
    }
}

impl From<LinkSpec> for LinkText {
    fn from(link: LinkSpec) -> Self {
        let same = link.a_to_b == link.b_to_a;
        let both = if same { LinkChange::beyond_default(link.a_to_b) } else { LinkChange::default() };
        let one_way = |properties| {
            Some(LinkChange::beyond_default(properties))
                .filter(|change| !same && *change != LinkChange::default())
        };
        Self {
            a: link.a,
            b: link.b,
            shaped: link.shaped,
            rate: both.rate,
            delay: both.delay,
            jitter: both.jitter,
            distribution: both.distribution,
            loss: both.loss,
            loss_burst: both.loss_burst,
            duplicate: both.duplicate,
            reorder: both.reorder,
            corrupt: both.corrupt,
            queue: both.queue,
            a_to_b: one_way(link.a_to_b),
            b_to_a: one_way(link.b_to_a),
        }
    }
}

impl LinkSpec {
    /// A plain link.
    pub fn new(a: Endpoint, b: Endpoint) -> Self {
        let plain = LinkProperties::default();
        Self { a, b, shaped: false, a_to_b: plain, b_to_a: plain }
    }

    /// The link with a change of both its directions.
    #[must_use]
    pub fn with(mut self, change: &LinkChange) -> Self {
        self.a_to_b = change.applied_to(self.a_to_b);
        self.b_to_a = change.applied_to(self.b_to_a);
        self
    }

    /// Whether the link has to be shaped from the start.
    #[must_use]
    pub fn is_shaped(&self) -> bool {
        self.shaped || !self.a_to_b.is_plain() || !self.b_to_a.is_plain()
    }
}

/// For `#[serde(with)]`: a time that may be left out.
mod time {
    use std::fmt;
    use std::time::Duration;

    use serde::{Deserializer, Serializer, de};

    use super::units::{parse_time, time_text};

    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(time) => to.serialize_str(&time_text(*time)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        struct Time;

        impl de::Visitor<'_> for Time {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in quotes, such as \"5ms\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                parse_time(text).map_err(E::custom)
            }
        }

        from.deserialize_str(Time).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mininets_words_do_as_well() {
        let change: LinkChange = "tc,bw=10,delay=5ms,loss=1,max_queue_size=50".parse().unwrap();
        let same: LinkChange = "rate=10mbit,delay=5ms,loss=1%,queue=50".parse().unwrap();
        assert_eq!(change, same);
        let properties = change.applied_to(LinkProperties::default());
        assert_eq!(properties.to_string(), "rate=10mbit,delay=5ms,loss=1%,queue=50");
        assert_eq!(LinkChange::reset().applied_to(properties), LinkProperties::default());
        assert_eq!("plain".parse(), Ok(LinkChange::reset()));
        assert_eq!(LinkProperties::default().to_string(), "plain");
    }

    #[test]
    fn a_change_leaves_alone_what_it_does_not_name() {
        let first: LinkChange = "rate=10mbit,delay=5ms".parse().unwrap();
        let then: LinkChange = "rate=unlimited".parse().unwrap();
        let properties = then.applied_to(first.applied_to(LinkProperties::default()));
        assert_eq!(properties.to_string(), "delay=5ms");
    }

    #[test]
    fn errors_say_where() {
        for (text, column, why) in [
            ("bw=ten", 1, "\"ten\" is no number of Mbit/s"),
            ("bw=10,delay=5", 7, "\"5\" is no time"),
            ("delay=5ms,losses=1", 11, "\"losses\" is no property"),
            ("loss=101", 1, "\"101\" is no share"),
            ("queue=0", 1, "\"0\" is no number of frames"),
            ("delay=5ms,", 11, "\"\" is no property"),
            ("distribution=pareto", 1, "\"pareto\" is no distribution"),
        ] {
            let error = text.parse::<LinkChange>().unwrap_err();
            assert!(error.column == column && error.why.starts_with(why), "{text}: {error}");
        }
    }
}
