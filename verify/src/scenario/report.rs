//! How a scenario went.

use std::fmt;

use super::document::Place;
use super::{Home, Scenario, Step};

/// How a scenario went.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file.
    pub file: String,
    /// What the scenario is called.
    pub name: String,
    /// The steps that were carried out, each with what was not as it should be.
    pub outcomes: Vec<Outcome>,
    /// Flows that are not as the file says, with which it would be right.
    pub snapshots: Vec<Snapshot>,
}

impl Report {
    pub(super) fn new(scenario: &Scenario) -> Report {
        let (file, name) = (scenario.file.clone(), scenario.name.clone());
        Report { file, name, outcomes: Vec::new(), snapshots: Vec::new() }
    }

    /// Whether all was as it should be.
    pub fn passed(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.failures.is_empty())
    }

    /// What was not as it should be.
    pub fn failures(&self) -> impl Iterator<Item = (&Outcome, &Failure)> {
        self.outcomes
            .iter()
            .flat_map(|outcome| outcome.failures.iter().map(move |failure| (outcome, failure)))
    }
}

/// What was not as it should be, each with its place; nothing where all was.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (outcome, failure)) in self.failures().enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            let place = &outcome.place;
            write!(f, "{}:{}: {}: {failure}", place.file, place.line, outcome.name)?;
        }
        Ok(())
    }
}

/// How a step went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the step is called, or what it does.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What was not as it should be.
    pub failures: Vec<Failure>,
}

/// Something that was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// In a line or a few.
    pub what: String,
    /// The packet's way, where there is one and it is known.
    pub path: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.path {
            Some(path) => write!(f, "\n\n{}", path.trim_end()),
            None => Ok(()),
        }
    }
}

/// The flows of a switch as they are, to be put where the file says what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Where the text belongs.
    pub home: Home,
    /// The flows, one a line.
    pub text: String,
}

impl Step {
    /// What it is called, else what it does.
    pub(super) fn title(&self) -> String {
        use super::{Action, PacketText};
        if let Some(name) = &self.name {
            return name.clone();
        }
        match &self.action {
            Action::Probe(probe) => {
                let packet = match &probe.packet {
                    PacketText::Fields(text, _) => text.clone(),
                    PacketText::Bytes(bytes) => format!("{} bytes", bytes.len()),
                };
                let to = probe.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
                format!("{packet} from {}{to}", probe.from)
            }
            Action::Link { a, b, up } => format!("link {a} {b} {}", if *up { "up" } else { "down" }),
            Action::Edit(rules) => format!("rules of {}", rules.switch),
            Action::Advance(time) => format!("{time:?} later"),
            Action::Flows { switch, .. } => format!("flows of {switch}"),
        }
    }
}
