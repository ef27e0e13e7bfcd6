//! What `flowbed up --json` prints.

use std::time::Duration;

use flowbed::Lab;
use serde_json::{Value, json};

use super::Outcome;
use super::test::TestResult;

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
    events: Vec<EventResult>,
}

/// An event of the topology's that has come.
#[derive(Debug)]
pub(crate) struct EventResult {
    /// When it was due, after the network was up.
    pub(crate) at: Duration,
    pub(crate) change: String,
    /// What went wrong, if it could not be done.
    pub(crate) error: Option<String>,
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

    pub(crate) fn events(&mut self, events: Vec<EventResult>) {
        self.events = events;
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
        let passed = passed && self.events.iter().all(|event| event.error.is_none());
        if passed { Outcome::Good } else { Outcome::Failed }
    }

    /// The object for `--json`; with what went wrong, if something did.
    pub(crate) fn json(&self, error: Option<&str>) -> Value {
        let mut object = json!({
            "passed": error.is_none() && self.outcome() == Outcome::Good,
            "tests": self.results.iter().map(TestResult::json).collect::<Vec<_>>(),
        });
        if !self.events.is_empty() {
            let event = |event: &EventResult| json!({ "at_s": seconds(event.at), "do": event.change, "error": event.error });
            object["events"] = self.events.iter().map(event).collect();
        }
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
pub(super) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
