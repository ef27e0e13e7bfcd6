//! Tests that `--test` names, and what `--json` prints.

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

    /// What there is to show of it.
    pub(crate) fn text(&self) -> Option<String> {
        self.ping.as_ref().map(PingReport::to_string)
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

/// What one `flowbed up` did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    network: Option<NetworkReport>,
    down: Duration,
    /// How many tests were asked for.
    asked: usize,
    /// How many lines of `--pre` failed.
    failed_lines: usize,
    results: Vec<TestResult>,
}

/// A network that came up.
#[derive(Debug)]
struct NetworkReport {
    name: String,
    topology: String,
    hosts: usize,
    switches: usize,
    links: usize,
    up: Duration,
}

impl Report {
    /// `asked` tests are to come.
    pub(crate) fn new(asked: usize) -> Report {
        Report { asked, ..Report::default() }
    }

    /// The network is up.
    pub(crate) fn up(&mut self, topology: String, lab: &Lab, up: Duration) {
        let testbed = lab.testbed();
        self.network = Some(NetworkReport {
            name: testbed.name().to_owned(),
            topology,
            hosts: testbed.hosts().len(),
            switches: testbed.switches().len(),
            links: testbed.links().len(),
            up,
        });
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

    /// A line about the network; `None` if it did not come up.
    pub(crate) fn summary(&self) -> Option<String> {
        let NetworkReport { name, topology, hosts, switches, links, up } = self.network.as_ref()?;
        Some(format!(
            "network      {name}: {topology}, {}, {}, {}, up in {:.2} s",
            counted(*hosts, "host", "hosts"),
            counted(*switches, "switch", "switches"),
            counted(*links, "link", "links"),
            up.as_secs_f64()
        ))
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

    /// The object for `--json`; with what went wrong, if something did.
    pub(crate) fn json(&self, error: Option<&str>) -> Value {
        let mut object = json!({
            "passed": error.is_none() && self.outcome() == Outcome::Good,
            "tests": self.results.iter().map(TestResult::json).collect::<Vec<_>>(),
        });
        if let Some(error) = error {
            object["error"] = json!(error);
        }
        if let Some(network) = &self.network {
            object["topology"] = json!(network.topology);
            object["hosts"] = json!(network.hosts);
            object["switches"] = json!(network.switches);
            object["links"] = json!(network.links);
            object["up_s"] = json!(seconds(network.up));
            object["down_s"] = json!(seconds(self.down));
        }
        object
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
