//! Carrying a scenario out.

use std::fmt::Write as _;

use openflow::text::Parser;

use super::document::{Place, ScenarioError};
use super::engine::{Engine, Observed};
use super::judge::Prepared;
use super::report::{Failure, Outcome, Report, Snapshot};
use super::{Action, CONTROLLER, RuleText, Scenario, SwitchRules};
use crate::network::{Network, NetworkError, normalised_text};
use crate::rules::Rules;

/// The most ways that a failure shows.
const WAYS_MAX: usize = 3;

/// Carries a scenario out. `network` has the names, ports and addresses of the network that `engine`
/// is; nothing in it is changed.
///
/// # Errors
/// A scenario that makes no sense in this network, told before anything is done. What the engine fails
/// with is a [`Failure`] of the step.
pub fn run<E: Engine>(
    scenario: &Scenario,
    network: &Network,
    engine: &mut E,
) -> Result<Report, ScenarioError> {
    let plan = Plan::new(scenario, network)?;
    let mut report = Report::new(scenario);
    let failure = |what: String| Failure { what, path: None };
    for (switch, rules) in &plan.rules {
        if let Err(error) = engine.apply(switch, rules) {
            let name = format!("rules of {switch}");
            let (place, failures) = (scenario.topology_place.clone(), vec![failure(error.to_string())]);
            report.outcomes.push(Outcome { name, place, failures });
            return Ok(report);
        }
    }
    for (step, planned) in scenario.steps.iter().zip(plan.steps) {
        let (name, place) = (step.title(), step.place.clone());
        let done = match planned {
            Planned::Probe(from, prepared) => engine
                .send(from, &prepared.frames)
                .map(|observed| judged(prepared, &observed, !scenario.apps.is_empty())),
            Planned::Link(a, b, up) => engine.set_link(a, b, up).map(|()| Vec::new()),
            Planned::Edit(edits) => {
                edits.iter().try_for_each(|(switch, rules)| engine.apply(switch, rules)).map(|()| Vec::new())
            }
            Planned::Advance(time) => engine.advance(time).map(|()| Vec::new()),
            Planned::Flows(switch, expected, wanted) => engine.flows(switch).map(|flows| {
                let is = normalised_text(&flows);
                if is == wanted {
                    return Vec::new();
                }
                let what = difference(switch, &wanted, &is);
                report.snapshots.push(Snapshot { home: expected.home.clone(), text: is });
                vec![failure(what)]
            }),
        };
        let failures = done.unwrap_or_else(|error| vec![failure(error.to_string())]);
        report.outcomes.push(Outcome { name, place, failures });
    }
    Ok(report)
}

/// Whether a scenario makes sense in a network; nothing is done.
///
/// # Errors
/// As [`run`].
pub fn check(scenario: &Scenario, network: &Network) -> Result<(), ScenarioError> {
    Plan::new(scenario, network).map(drop)
}

/// A scenario whose texts have all been read, in the light of the network.
struct Plan<'s> {
    rules: Vec<(String, Rules)>,
    steps: Vec<Planned<'s>>,
}

enum Planned<'s> {
    Probe(&'s str, Prepared<'s>),
    Link(&'s str, &'s str, bool),
    Edit(Vec<(String, Rules)>),
    Advance(std::time::Duration),
    Flows(&'s str, &'s RuleText, String),
}

impl<'s> Plan<'s> {
    fn new(scenario: &'s Scenario, network: &Network) -> Result<Plan<'s>, ScenarioError> {
        let mut rules = Vec::new();
        for of in &scenario.rules {
            rules.extend(read_rules(of, network)?);
        }
        let mut steps = Vec::new();
        for step in &scenario.steps {
            let known = |result: Result<(), NetworkError>| {
                result.map_err(|error| ScenarioError { place: step.place.clone(), what: error.to_string() })
            };
            steps.push(match &step.action {
                Action::Probe(probe) => {
                    known(network.host(&probe.from).map(drop))?;
                    known(probe.to.as_deref().map_or(Ok(()), |to| network.host(to).map(drop)))?;
                    for expected in &probe.expect {
                        for name in expected.at.iter().filter(|name| *name != CONTROLLER) {
                            network.host(name).map_err(|error| ScenarioError {
                                place: expected.place.clone(),
                                what: error.to_string(),
                            })?;
                        }
                    }
                    Planned::Probe(&probe.from, Prepared::new(probe, network)?)
                }
                Action::Link { a, b, up } => {
                    known(network.joined(a, b))?;
                    Planned::Link(a, b, *up)
                }
                Action::Edit(edits) => Planned::Edit(read_rules(edits, network)?),
                Action::Advance(time) => Planned::Advance(*time),
                Action::Flows { switch, expected } => {
                    known(network.switch(switch).map(drop))?;
                    Planned::Flows(switch, expected, read_flows(switch, expected, network)?)
                }
            });
        }
        Ok(Plan { rules, steps })
    }
}

/// Rules for each switch that is meant.
fn read_rules(of: &SwitchRules, network: &Network) -> Result<Vec<(String, Rules)>, ScenarioError> {
    let names: Vec<&str> = match of.switch.as_str() {
        "*" => network.switches().map(|(name, _)| name).collect(),
        name => vec![name],
    };
    let mut all = Vec::new();
    for name in names {
        let ports = network.ports(name).map_err(|error| at(&of.place, &error))?;
        let mut rules = Rules::default();
        for (kind, text) in &of.texts {
            let begins = (text.place.line, text.place.column);
            let read = Rules::read_part(*kind, &text.text, &text.file(), begins, &ports);
            rules.extend(read.map_err(|errors| match errors.into_iter().next() {
                Some(error) => ScenarioError {
                    place: Place { file: error.origin.file, line: error.origin.line, column: error.column },
                    what: error.what,
                },
                None => at(&of.place, &"the rules cannot be read"),
            })?);
        }
        all.push((name.to_owned(), rules));
    }
    Ok(all)
}

/// The flows that a switch is to have, normalised.
fn read_flows(switch: &str, text: &RuleText, network: &Network) -> Result<String, ScenarioError> {
    let ports = network.ports(switch).map_err(|error| at(&text.place, &error))?;
    let read = Parser::new().ports(&ports).flows(&text.text);
    let flows = read.map_err(|errors| match errors.first() {
        Some(error) => {
            let (line, column) = (error.line().unwrap_or(1), error.column());
            let column = if line == 1 { text.place.column + column - 1 } else { column };
            let place = Place { file: text.file(), line: text.place.line + line - 1, column };
            ScenarioError { place, what: error.problem().to_string() }
        }
        None => at(&text.place, &"the flows cannot be read"),
    })?;
    Ok(normalised_text(&flows))
}

fn at(place: &Place, error: &dyn std::fmt::Display) -> ScenarioError {
    ScenarioError { place: place.clone(), what: error.to_string() }
}

fn judged(prepared: Prepared<'_>, observed: &Observed, controlled: bool) -> Vec<Failure> {
    let mut failures: Vec<Failure> =
        prepared.judge(observed, controlled).into_iter().map(|what| Failure { what, path: None }).collect();
    if let Some(journey) = observed.journeys.iter().find(|journey| journey.loops_at().is_some()) {
        let what =
            format!("the packet comes back to {} unchanged: a loop", journey.loops_at().unwrap_or_default());
        failures.push(Failure { what, path: None });
    }
    // The ways of the packets stand once, behind all complaints.
    if let Some(last) = failures.last_mut()
        && !observed.journeys.is_empty()
    {
        let mut path = String::new();
        for journey in observed.journeys.iter().take(WAYS_MAX) {
            let _ = write!(path, "{journey}");
        }
        let more = observed.journeys.len().saturating_sub(WAYS_MAX);
        if more > 0 {
            let _ = write!(path, "\n... and {more} packets more\n");
        }
        last.path = Some(path);
    }
    failures
}

/// What is there and should not be, what should be there and is not.
fn difference(switch: &str, wanted: &str, is: &str) -> String {
    let mut text = format!("the flows of {switch} are others (- expected, + found):");
    let missing = wanted.lines().filter(|line| !is.lines().any(|other| other == *line));
    let new = is.lines().filter(|line| !wanted.lines().any(|other| other == *line));
    for (sign, line) in missing.map(|line| ('-', line)).chain(new.map(|line| ('+', line))) {
        let _ = write!(text, "\n  {sign} {line}");
    }
    text
}
