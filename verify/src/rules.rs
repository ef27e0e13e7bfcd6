//! Rules in the words of `ovs-ofctl(8)`, each with the place where it stands.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use openflow::instruction::Instructions;
use openflow::msg::group_mod::{GroupMod, GroupModCommand};
use openflow::msg::meter_mod::{MeterMod, MeterModCommand};
use openflow::pipeline::Flow;
use openflow::text::{Parser, Ports, TextError};
use openflow::{ErrorKind, FlowMod, FlowModCommand, GroupId, Match, MeterId, TableId};
use thiserror::Error;

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a text of rules holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Flows, as `ovs-ofctl add-flows` reads them.
    Flows,
    /// Groups, as `ovs-ofctl add-groups` reads them.
    Groups,
    /// Meters, as `ovs-ofctl add-meter` reads each; `add`, `modify` or `delete` may stand in front.
    Meters,
}

/// A change of what a switch has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Of its flows.
    Flow(Box<FlowMod>),
    /// Of its groups.
    Group(GroupMod),
    /// Of its meters.
    Meter(MeterMod),
}

/// As `ovs-ofctl` reads it, without the command in front.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Edit::Flow(flow) => flow.fmt(f),
            Edit::Group(group) => group.fmt(f),
            Edit::Meter(meter) => meter.fmt(f),
        }
    }
}

/// Changes of what a switch has, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<(Edit, Origin)>);

/// What is wrong with a rule's text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{origin}:{column}: {what}")]
pub struct RulesError {
    /// File and line.
    pub origin: Origin,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub what: String,
}

/// A switch does not take a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{origin}: {switch} refuses \"{edit}\": {error}")]
pub struct Refused {
    /// Where the rule stands.
    pub origin: Origin,
    /// Which switch.
    pub switch: String,
    /// The rule.
    pub edit: String,
    /// The switch's error.
    pub error: ErrorKind,
}

impl Rules {
    /// Reads a file of rules. `ports` are the names that they may use.
    ///
    /// # Errors
    /// Everything that is wrong: the first thing of each rule.
    pub fn read(kind: Kind, text: &str, file: &str, ports: &Ports) -> Result<Rules, Vec<RulesError>> {
        Rules::read_part(kind, text, &file.into(), (1, 1), ports)
    }

    /// Like [`read`](Self::read) for a text that is a part of a file and begins at this line and
    /// column.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_part(
        kind: Kind,
        text: &str,
        file: &Arc<str>,
        (first, column): (usize, usize),
        ports: &Ports,
    ) -> Result<Rules, Vec<RulesError>> {
        let parser = Parser::new().ports(ports);
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let origin = Origin { file: Arc::clone(file), line: first + index };
            let before = if index == 0 { column - 1 } else { 0 };
            match read_line(kind, line, &parser) {
                Ok(edits) => rules.extend(edits.into_iter().map(|edit| (edit, origin.clone()))),
                Err(error) => errors.push(RulesError {
                    origin,
                    column: error.column() + before,
                    what: error.problem().to_string(),
                }),
            }
        }
        if errors.is_empty() { Ok(Rules(rules)) } else { Err(errors) }
    }

    /// The changes, each with its place.
    pub fn iter(&self) -> impl Iterator<Item = (&Edit, &Origin)> {
        self.0.iter().map(|(edit, origin)| (edit, origin))
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts others behind these.
    pub fn extend(&mut self, others: Rules) {
        self.0.extend(others.0);
    }
}

/// The rule of a line, if there is one.
fn read_line(kind: Kind, line: &str, parser: &Parser<'_>) -> Result<Vec<Edit>, TextError> {
    let first = |errors: Vec<TextError>| errors.into_iter().next();
    match kind {
        Kind::Flows => match parser.flows(line) {
            Ok(flows) => Ok(flows.into_iter().map(|flow| Edit::Flow(Box::new(flow))).collect()),
            Err(errors) => first(errors).map_or(Ok(Vec::new()), Err),
        },
        Kind::Groups => match parser.groups(line) {
            Ok(groups) => Ok(groups.into_iter().map(Edit::Group).collect()),
            Err(errors) => first(errors).map_or(Ok(Vec::new()), Err),
        },
        Kind::Meters => {
            let text = line.split_once('#').map_or(line, |(text, _)| text);
            if text.trim().is_empty() || text.trim_start().starts_with("OFPST_") {
                return Ok(Vec::new());
            }
            // Blanks in the place of the word, so that columns are those of the line.
            let word = text.split_whitespace().next().unwrap_or_default();
            let (command, word) = match word {
                "add" => (MeterModCommand::Add, word),
                "modify" => (MeterModCommand::Modify, word),
                "delete" => (MeterModCommand::Delete, word),
                _ => (MeterModCommand::Add, ""),
            };
            let text = text.replacen(word, &" ".repeat(word.len()), usize::from(!word.is_empty()));
            parser.meter_change(&text, command).map(|meter| vec![Edit::Meter(meter)])
        }
    }
}

/// Where what a switch has stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provenance {
    flows: HashMap<(TableId, u16, Match), (Instructions, Origin)>,
    /// Changes of flows, the last in front: a flow that does what one of them says comes from there.
    changes: Vec<(Instructions, Origin)>,
    groups: HashMap<GroupId, Origin>,
    meters: HashMap<MeterId, Origin>,
}

impl Provenance {
    /// Takes note of a change that the switch has taken.
    pub(crate) fn note(&mut self, edit: &Edit, origin: &Origin) {
        match edit {
            Edit::Flow(flow) => match flow.command {
                FlowModCommand::Add => {
                    let key = (flow.table, flow.priority, flow.match_.normalized());
                    self.flows.insert(key, (flow.instructions.clone(), origin.clone()));
                }
                FlowModCommand::Modify | FlowModCommand::ModifyStrict => {
                    self.changes.insert(0, (flow.instructions.clone(), origin.clone()));
                }
                _ => {}
            },
            Edit::Group(group) if group.command == GroupModCommand::Delete => {
                self.groups.remove(&group.group);
            }
            Edit::Group(group) => {
                self.groups.insert(group.group, origin.clone());
            }
            Edit::Meter(meter) if meter.command == MeterModCommand::Delete => {
                self.meters.remove(&meter.meter);
            }
            Edit::Meter(meter) => {
                self.meters.insert(meter.meter, origin.clone());
            }
        }
    }

    pub(crate) fn of_flow(&self, table: TableId, flow: &Flow) -> Option<Origin> {
        let added = self.flows.get(&(table, flow.priority(), flow.match_().normalized()));
        let does = |(instructions, _): &&(Instructions, Origin)| instructions == flow.instructions();
        let (_, origin) = added.filter(does).or_else(|| self.changes.iter().find(does))?;
        Some(origin.clone())
    }

    pub(crate) fn of_group(&self, group: GroupId) -> Option<Origin> {
        self.groups.get(&group).cloned()
    }

    pub(crate) fn of_meter(&self, meter: MeterId) -> Option<Origin> {
        self.meters.get(&meter).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_told_with_their_lines() {
        let text = "# the first\n\narp actions=FLOOD\n  delete table=3 # later\n";
        let rules = Rules::read(Kind::Flows, text, "a.flows", &Ports::new()).unwrap();
        let told: Vec<_> = rules.iter().map(|(edit, origin)| format!("{origin} {edit}")).collect();
        assert_eq!(told, ["a.flows:3 arp actions=FLOOD", "a.flows:4 table=3,"]);
        let meters = "meter=1,pktps,bands=type=drop,rate=5\n modify meter=1,kbps,bands=type=drop,rate=9\n";
        let rules = Rules::read(Kind::Meters, meters, "m", &Ports::new()).unwrap();
        let commands = rules.iter().map(|(edit, _)| match edit {
            Edit::Meter(meter) => meter.command,
            other => panic!("{other}"),
        });
        assert_eq!(commands.collect::<Vec<_>>(), [MeterModCommand::Add, MeterModCommand::Modify]);
    }

    #[test]
    fn errors_are_told_with_lines_and_columns_of_the_file() {
        let told = |kind, text: &str, at| -> Vec<String> {
            let read = Rules::read_part(kind, text, &"net.toml".into(), at, &Ports::new());
            read.unwrap_err().iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            told(Kind::Flows, "arp actions=flod\nip actions=drop\nip_dst=1 actions=drop", (10, 5)),
            [
                "net.toml:10:17: unknown action \"flod\"; did you mean \"FLOOD\"?",
                "net.toml:12:8: ip_dst can't be \"1\"; expected an IPv4 address, alone or with /length or /mask",
            ]
        );
        assert_eq!(
            told(Kind::Groups, "\ngroup_id=1,type=al,bucket=output:1", (1, 1)),
            ["net.toml:2:17: unknown group type \"al\"; did you mean \"all\"?"]
        );
        let meters = told(Kind::Meters, "add meter=1,pktps,bands=type=dop,rate=5", (3, 1));
        assert!(meters[0].starts_with("net.toml:3:"), "{meters:?}");
    }
}
