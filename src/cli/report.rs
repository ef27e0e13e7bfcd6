//! Tests that `--test` names, and what `--json` prints.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use flowbed::Lab;
use serde_json::{Value, json};
use testbed::{PingOptions, PingReport};

use super::Outcome;

/// A test of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// Every host pings every other.
    PingAll,
    /// The first host and the second ping each other.
    PingPair,
    /// Nothing: up and down.
    None,
}

const TESTS: [(&str, Test); 3] =
    [("pingall", Test::PingAll), ("pingpair", Test::PingPair), ("none", Test::None)];

impl FromStr for Test {
    type Err = String;

    fn from_str(text: &str) -> Result<Test, String> {
        TESTS.iter().find(|(name, _)| *name == text).map(|(_, test)| *test).ok_or_else(|| {
            let names: Vec<&str> = TESTS.iter().map(|(name, _)| *name).collect();
            format!("there is no such test; there are {}", names.join(", "))
        })
    }
}

impl Test {
    fn name(self) -> &'static str {
        TESTS.iter().find(|(_, test)| *test == self).map_or("", |(name, _)| name)
    }

    pub(crate) async fn run(self, lab: &Lab) -> Result<TestResult> {
        let testbed = lab.testbed();
        let begin = Instant::now();
        let ping = match self {
            Test::PingAll => Some(testbed.ping_all(&PingOptions::default()).await?),
            Test::PingPair => {
                let [a, b] = testbed.hosts().first_chunk().context("pingpair needs two hosts")?;
                let there = testbed.ping(a.name(), b.name()).await?;
                let back = testbed.ping(b.name(), a.name()).await?;
                Some(vec![there, back].into())
            }
            Test::None => None,
        };
        Ok(TestResult { test: self, took: begin.elapsed(), ping })
    }
}

/// How a test went.
#[derive(Debug)]
pub(crate) struct TestResult {
    test: Test,
    took: Duration,
    ping: Option<PingReport>,
}

impl TestResult {
    /// Pings of which none was sent show nothing, so they do not pass.
    fn passed(&self) -> bool {
        self.ping.as_ref().is_none_or(|ping| ping.sent() > 0 && ping.sent() == ping.received())
    }

    fn json(&self) -> Value {
        let mut result =
            json!({ "name": self.test.name(), "passed": self.passed(), "seconds": seconds(self.took) });
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
        result
    }
}

impl fmt::Display for TestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ping {
            Some(ping) => write!(f, "{ping}"),
            None => Ok(()),
        }
    }
}

/// What one `flowbed up` did.
#[derive(Debug)]
pub(crate) struct Report {
    topology: String,
    name: String,
    hosts: usize,
    switches: usize,
    links: usize,
    up: Duration,
    down: Duration,
    /// How many tests were asked for.
    asked: usize,
    /// How many lines of `--pre` failed.
    failed_lines: usize,
    results: Vec<TestResult>,
}

impl Report {
    /// `asked` tests are to come.
    pub(crate) fn new(topology: String, lab: &Lab, up: Duration, asked: usize) -> Report {
        let testbed = lab.testbed();
        Report {
            topology,
            name: testbed.name().to_owned(),
            hosts: testbed.hosts().len(),
            switches: testbed.switches().len(),
            links: testbed.links().len(),
            up,
            down: Duration::ZERO,
            asked,
            failed_lines: 0,
            results: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, result: TestResult) {
        self.results.push(result);
    }

    pub(crate) fn line_failed(&mut self) {
        self.failed_lines += 1;
    }

    pub(crate) fn down(&mut self, down: Duration) {
        self.down = down;
    }

    pub(crate) fn summary(&self) -> String {
        let Report { topology, name, hosts, switches, links, up, .. } = self;
        format!(
            "network      {name}: {topology}, {}, {}, {}, up in {:.2} s",
            counted(*hosts, "host", "hosts"),
            counted(*switches, "switch", "switches"),
            counted(*links, "link", "links"),
            up.as_secs_f64()
        )
    }

    /// How many tests were asked for and did not come to their end.
    pub(crate) fn unfinished(&self) -> usize {
        self.asked.saturating_sub(self.results.len())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let passed =
            self.unfinished() == 0 && self.failed_lines == 0 && self.results.iter().all(TestResult::passed);
        if passed { Outcome::Good } else { Outcome::Failed }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "topology": self.topology,
            "hosts": self.hosts,
            "switches": self.switches,
            "links": self.links,
            "up_s": seconds(self.up),
            "down_s": seconds(self.down),
            "passed": self.outcome() == Outcome::Good,
            "tests": self.results.iter().map(TestResult::json).collect::<Vec<_>>(),
        })
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// To the millisecond: more digits would promise what a clock around a whole network cannot hold.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
