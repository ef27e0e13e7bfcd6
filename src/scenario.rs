//! Scenario files: what must become of packets in a network, as a file says it (`docs/scenarios.md`).
//!
//! The same as `flowbed test`, in a plain test of Rust:
//!
//! ```no_run
//! #[test]
//! fn the_web_server_is_reached() -> Result<(), flowbed::scenario::Error> {
//!     let report = flowbed::scenario::run("scenarios/acl.toml")?;
//!     assert!(report.passed(), "{report}");
//!     Ok(())
//! }
//! ```

mod controlled;
mod live;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use controller::apps::{self, AppSpec};
use serde::Deserialize;
use testbed::{SwitchKind, Topology};
use thiserror::Error as ThisError;
use verify::Network;
use verify::scenario::{Home, TopologySource};

use self::controlled::Controlled;
use self::live::Live;
pub use verify::scenario::{Failure, Outcome, Place, Report, SCHEMA, Scenario, ScenarioError, Snapshot};

/// More than any scenario, or file of rules; bounds what a device file such as `/dev/zero` can take.
const MOST_BYTES: u64 = 64 << 20;

/// Why a scenario cannot be carried out. That it fails is no such error: see [`Report::passed`].
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario makes no sense.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

/// A scenario and its network.
#[derive(Debug)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// The file's text.
    pub text: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Its network.
    pub topology: Topology,
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 64 MiB"));
    }
    Ok(text)
}

/// Reads a scenario with the files that it names.
///
/// # Errors
/// A file that cannot be read; what is wrong with the scenario, with its line and column.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded, Error> {
    let path = path.as_ref().to_owned();
    let text = read_text(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.display().to_string();
    let mut files = |name: &str| read_text(&folder.join(name)).map_err(|error| error.to_string());
    let scenario = Scenario::read(&text, &name, &mut files)?;
    let wrong = |what: String| ScenarioError { place: scenario.topology_place.clone(), what };
    let topology = match &scenario.topology {
        TopologySource::Named(text) => {
            let file = folder.join(text);
            let named = if file.is_file() { file.display().to_string() } else { text.clone() };
            Topology::open(&named).map_err(|error| wrong(with_sources(&error)))?
        }
        TopologySource::Table(table) => {
            Topology::deserialize(table.clone()).map_err(|error| wrong(error.to_string()))?
        }
    };
    topology.validate().map_err(|error| wrong(error.to_string()))?;
    Ok(Loaded { path, text, scenario, topology })
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// Reads a scenario and carries it out on soft switches under virtual time: without privileges, in
/// milliseconds.
///
/// # Errors
/// A file that cannot be read; what is wrong with the scenario, with its line and column.
pub fn run(path: impl AsRef<Path>) -> Result<Report, Error> {
    load(path)?.run()
}

impl Loaded {
    /// The network as a value.
    fn network(&self, now: Instant) -> Result<Network, ScenarioError> {
        self.topology.network(now).map_err(|error| ScenarioError {
            place: self.scenario.topology_place.clone(),
            what: error.to_string(),
        })
    }

    /// Carries it out on soft switches under virtual time.
    ///
    /// # Errors
    /// A scenario that makes no sense in its network.
    pub fn run(&self) -> Result<Report, Error> {
        let now = Instant::now();
        let network = self.network(now)?;
        let Some((_, place)) = self.scenario.apps.first() else {
            let mut engine = verify::scenario::Soft::new(self.network(now)?, now);
            return Ok(verify::scenario::run(&self.scenario, &network, &mut engine)?);
        };
        let apps = self.apps()?;
        let model = self.network(now)?;
        let controlled = || {
            let mut engine = Controlled::start(model, now, &apps)
                .map_err(|error| ScenarioError { place: place.clone(), what: error.to_string() })?;
            verify::scenario::run(&self.scenario, &network, &mut engine)
        };
        // On a thread of its own, for whoever calls may be a task of a runtime, where no other can be waited for.
        let ran = std::thread::scope(|scope| scope.spawn(controlled).join());
        Ok(ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    }

    /// Carries it out with real packets: a testbed with Open vSwitch, or other switches that speak OpenFlow. The
    /// process must have what a testbed needs: [`testbed::enter`]. Time that a scenario lets pass is waited for.
    ///
    /// # Errors
    /// A scenario that makes no sense in its network; a network that does not come up is told at the place of its
    /// topology.
    pub fn run_live(&self, kind: SwitchKind) -> Result<Report, Error> {
        let network = self.network(Instant::now())?;
        // What is wrong is told before anything is brought up.
        verify::scenario::check(&self.scenario, &network)?;
        let apps = self.apps()?;
        let wrong = |error: live::LiveError| ScenarioError {
            place: self.scenario.topology_place.clone(),
            what: error.to_string(),
        };
        let live = || -> Result<Report, ScenarioError> {
            let mut engine = Live::start(&self.topology, kind, &apps).map_err(wrong)?;
            let report = verify::scenario::run(&self.scenario, &network, &mut engine);
            let stopped = engine.stop().map_err(wrong);
            let report = report?;
            stopped.map(|()| report)
        };
        // On a thread of its own, as above.
        let ran = std::thread::scope(|scope| scope.spawn(live).join());
        Ok(ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
    }

    /// The apps, with files seen from the scenario's folder.
    fn apps(&self) -> Result<Vec<AppSpec>, ScenarioError> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let spec = |(text, place): &(String, Place)| {
            let text = match text.split_once('=') {
                Some((name, file)) if !file.is_empty() => format!("{name}={}", folder.join(file).display()),
                _ => text.clone(),
            };
            let wrong = |error: apps::ParseAppSpecError| error.to_string();
            text.parse().map_err(|error| ScenarioError { place: place.clone(), what: wrong(error) })
        };
        self.scenario.apps.iter().map(spec).collect()
    }

    /// Writes the flows that were found where the scenario says what they should be.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn accept(&self, report: &Report) -> Result<(), Error> {
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let mut literals = Vec::new();
        for snapshot in &report.snapshots {
            match &snapshot.home {
                Home::File(name) => write(&folder.join(name), &snapshot.text)?,
                Home::Literal(span) => literals.push((span.clone(), &snapshot.text)),
            }
        }
        if literals.is_empty() {
            return Ok(());
        }
        // From the last to the first, so that places before stay what they are.
        literals.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = self.text.clone();
        for (span, flows) in literals {
            text.replace_range(span, &format!("'''\n{flows}'''"));
        }
        write(&self.path, &text)
    }
}
