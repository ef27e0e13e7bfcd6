//! Tests that `--test` and the shell name.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use flowbed::Lab;
use serde_json::{Value, json};
use testbed::{Family, PingOptions, PingReport, Rate, Testbed, Throughput, ThroughputOptions, Transport};

use super::report::{milliseconds, seconds};

/// The datagrams that `iperfudp` sends a second unless it is told otherwise, in bits: Mininet's 10 Mbit/s.
const UDP_RATE: Rate = Rate::mbit(10);

/// A test of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    PingAll(Family),
    PingAllFull,
    PingPair(Family),
    PingPairFull,
    Tcp,
    Udp,
    All,
    None,
}

const KINDS: [(&str, Kind, &str); 10] = [
    ("pingall", Kind::PingAll(Family::V4), "every host pings every other"),
    ("pingall6", Kind::PingAll(Family::V6), "the same over IPv6"),
    ("pingallfull", Kind::PingAllFull, "the same with round-trip times"),
    ("pingpair", Kind::PingPair(Family::V4), "the first two hosts ping each other"),
    ("pingpair6", Kind::PingPair(Family::V6), "the same over IPv6"),
    ("pingpairfull", Kind::PingPairFull, "the same with round-trip times"),
    ("iperf", Kind::Tcp, "TCP throughput from the first host to the last"),
    ("iperfudp", Kind::Udp, "UDP throughput from the first host to the last, 10 Mbit/s sent"),
    ("all", Kind::All, "pingall, then iperf"),
    ("none", Kind::None, "up and down"),
];

/// A test with its arguments: `iperf`, or `iperf,h1,h2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    name: &'static str,
    kind: Kind,
    arguments: Vec<String>,
}

impl FromStr for Test {
    type Err = String;

    fn from_str(text: &str) -> Result<Test, String> {
        let mut words = text.split(',').map(str::to_owned);
        let name = words.next().unwrap_or_default();
        let arguments: Vec<String> = words.collect();
        let Some((name, kind, _)) = KINDS.iter().find(|(known, ..)| *known == name) else {
            let names: Vec<String> =
                KINDS.iter().map(|(name, _, what)| format!("  {name}: {what}")).collect();
            return Err(format!("there is no such test; there are\n{}", names.join("\n")));
        };
        let fits = match (kind, arguments.as_slice()) {
            (_, []) => true,
            (Kind::PingPair(_) | Kind::PingPairFull | Kind::Tcp | Kind::Udp, [_, _]) => true,
            (Kind::Udp, [rate, rest @ ..]) => udp_rate(rate).is_ok() && matches!(rest, [] | [_, _]),
            _ => false,
        };
        if fits {
            return Ok(Test { name, kind: *kind, arguments });
        }
        Err(match kind {
            Kind::Tcp | Kind::PingPair(_) | Kind::PingPairFull => {
                format!("expected {name} or {name},FROM,TO")
            }
            Kind::Udp => {
                "expected iperfudp, iperfudp,RATE or iperfudp,RATE,FROM,TO, such as iperfudp,10M,h1,h2"
                    .to_owned()
            }
            _ => format!("{name} takes no arguments"),
        })
    }
}

/// `10M` as iperf writes it, or `10mbit`.
fn udp_rate(text: &str) -> Result<Rate, String> {
    let iperf =
        text.strip_suffix(['M', 'm', 'K', 'k', 'G', 'g']).filter(|number| number.parse::<f64>().is_ok());
    let text = if iperf.is_some() { format!("{text}bit") } else { text.to_owned() };
    text.parse().map_err(|error: testbed::topology::ParseQuantityError| error.to_string())
}

impl Test {
    /// From the words of a line in the shell.
    pub(crate) fn from_words(words: &[&str]) -> Result<Test> {
        words.join(",").parse().map_err(anyhow::Error::msg)
    }

    /// Whether the shell's command `word` is a test.
    pub(crate) fn is_one(word: &str) -> bool {
        Test::names().any(|name| name == word)
    }

    /// The names of the tests that do something.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        KINDS.iter().filter(|(_, kind, _)| !matches!(kind, Kind::None | Kind::All)).map(|(name, ..)| *name)
    }

    pub(crate) async fn run(&self, lab: &Lab) -> Result<TestResult> {
        let testbed = lab.testbed();
        let begin = Instant::now();
        let (mut ping, mut throughput) = (None, None);
        match self.kind {
            Kind::PingAll(family) => ping = Some(testbed.ping_all(&by(family)).await?),
            Kind::PingAllFull => ping = Some(testbed.ping_all(&by(Family::V4)).await?),
            Kind::PingPair(family) => {
                let [a, b] = self.pair(testbed, &self.arguments, 1)?;
                ping = Some(testbed.ping_pair(&a, &b, &by(family)).await?);
            }
            Kind::PingPairFull => {
                let [a, b] = self.pair(testbed, &self.arguments, 1)?;
                ping = Some(testbed.ping_pair(&a, &b, &by(Family::V4)).await?);
            }
            Kind::Tcp => throughput = Some(self.measure(testbed, Transport::Tcp, &self.arguments).await?),
            Kind::Udp => {
                let (rate, hosts) = match self.arguments.as_slice() {
                    [_, _] | [] => (UDP_RATE, self.arguments.as_slice()),
                    [rate, hosts @ ..] => (udp_rate(rate).map_err(anyhow::Error::msg)?, hosts),
                };
                throughput = Some(self.measure(testbed, Transport::Udp { rate }, hosts).await?);
            }
            Kind::All => {
                ping = Some(testbed.ping_all(&by(Family::V4)).await?);
                throughput = Some(self.measure(testbed, Transport::Tcp, &[]).await?);
            }
            Kind::None => {}
        }
        Ok(TestResult { test: self.clone(), took: begin.elapsed(), ping, throughput })
    }

    async fn measure(&self, testbed: &Testbed, transport: Transport, hosts: &[String]) -> Result<Throughput> {
        let last = testbed.hosts().len().saturating_sub(1);
        let [from, to] = self.pair(testbed, hosts, last)?;
        let options = ThroughputOptions { transport, ..ThroughputOptions::default() };
        Ok(testbed.throughput(&from, &to, &options).await?)
    }

    /// The two hosts that are named, else the first and the one with number `other`.
    fn pair(&self, testbed: &Testbed, named: &[String], other: usize) -> Result<[String; 2]> {
        if let [a, b] = named {
            return Ok([a.clone(), b.clone()]);
        }
        let hosts = testbed.hosts();
        match (hosts.first(), hosts.get(other)) {
            (Some(a), Some(b)) if other > 0 => Ok([a.name().to_owned(), b.name().to_owned()]),
            _ => bail!("{} needs two hosts", self.name),
        }
    }
}

fn by(family: Family) -> PingOptions {
    PingOptions { family, ..PingOptions::default() }
}

/// How a test went.
#[derive(Debug)]
pub(crate) struct TestResult {
    test: Test,
    took: Duration,
    ping: Option<PingReport>,
    throughput: Option<Throughput>,
}

impl TestResult {
    /// Pings of which none was sent show nothing, so they do not pass; nor does a measurement of nothing.
    pub(crate) fn passed(&self) -> bool {
        self.ping.as_ref().is_none_or(|ping| ping.sent() > 0 && ping.sent() == ping.received())
            && self.throughput.as_ref().is_none_or(|measured| measured.bytes > 0)
    }

    /// What there is to show of it.
    pub(crate) fn text(&self) -> Option<String> {
        (self.ping.is_some() || self.throughput.is_some()).then(|| self.to_string())
    }

    pub(crate) fn json(&self) -> Value {
        let mut result =
            json!({ "name": self.test.name, "passed": self.passed(), "seconds": seconds(self.took) });
        if let Some(ping) = &self.ping {
            result["sent"] = json!(ping.sent());
            result["received"] = json!(ping.received());
            result["loss_percent"] = json!(ping.loss_percent());
            result["pairs"] = ping
                .echoes()
                .iter()
                .map(|echo| json!({ "from": *echo.from, "to": *echo.to, "rtt_ms": echo.rtt.map(milliseconds) }))
                .collect();
        }
        if let Some(measured) = &self.throughput {
            result["throughput"] = throughput_json(measured);
        }
        result
    }
}

fn throughput_json(measured: &Throughput) -> Value {
    let mut value = json!({
        "from": measured.from,
        "to": measured.to,
        "protocol": match measured.transport { Transport::Tcp => "tcp", Transport::Udp { .. } => "udp" },
        "bits_per_second": measured.bits_per_second().round(),
        "bytes": measured.bytes,
        "seconds": seconds(measured.time),
    });
    if let Some(udp) = &measured.udp {
        value["datagrams_sent"] = json!(udp.sent);
        value["datagrams_received"] = json!(udp.received);
        value["duplicates"] = json!(udp.duplicates);
        value["out_of_order"] = json!(udp.out_of_order);
        value["loss_percent"] = json!(udp.loss_percent());
        value["jitter_ms"] = json!(milliseconds(udp.jitter));
    }
    value
}

impl fmt::Display for TestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = matches!(self.test.kind, Kind::PingAllFull | Kind::PingPairFull);
        match &self.ping {
            Some(ping) if full => f.write_str(&ping.full())?,
            Some(ping) => write!(f, "{ping}")?,
            None => {}
        }
        let both = self.ping.is_some() && self.throughput.is_some();
        f.write_str(if both { "\n" } else { "" })?;
        match &self.throughput {
            Some(measured) => write!(f, "{measured}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_take_the_arguments_that_fit() {
        for good in [
            "pingall",
            "pingpair,h1,h2",
            "iperf",
            "iperf,h1,h3",
            "iperfudp,10M",
            "iperfudp,5mbit,h1,h2",
            "iperfudp,h1,h2",
            "none",
        ] {
            assert!(good.parse::<Test>().is_ok(), "{good}");
        }
        for bad in ["pingsome", "pingall,h1", "iperf,h1", "iperf,h1,h2,h3", "iperfudp,fast", "none,1", ""] {
            assert!(bad.parse::<Test>().is_err(), "{bad}");
        }
        assert_eq!(udp_rate("1.5M"), Ok(Rate(1_500_000)));
    }
}
