//! Scenarios: a network, its rules, and what must become of packets, as a file says it.
//!
//! [`Scenario::read`] reads the file, [`run`] carries it out with an [`Engine`], be it a [`Soft`]
//! network or a testbed, and tells what was not as it should be. `docs/scenarios.md` describes the
//! file, [`SCHEMA`] is its JSON Schema.

mod document;
mod engine;
mod judge;
mod read;
mod report;
mod run;
mod soft;

use std::ops::Range;
use std::time::Duration;

pub use document::{Place, ScenarioError};
pub use engine::{Engine, Observed};
pub use read::Files;
pub use report::{Failure, Outcome, Report, Snapshot};
pub use run::{check, run};
pub use soft::Soft;

use crate::rules::Kind;

/// The JSON Schema of scenario files (draft 2020-12), for editors.
pub const SCHEMA: &str = include_str!("schema.json");

/// The name by which expectations mean whoever controls the switches.
pub const CONTROLLER: &str = "controller";

/// A scenario file, read.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: String,
    /// What it is called: its `name`, or else its file without folder and ending.
    pub name: String,
    /// The network.
    pub topology: TopologySource,
    /// Where the topology is named.
    pub topology_place: Place,
    /// Apps that control the switches, as `flowbed up --app` has them.
    pub apps: Vec<(String, Place)>,
    /// What switches have at the start.
    pub rules: Vec<SwitchRules>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// The network of a scenario, which is read elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum TopologySource {
    /// A shape such as `single,3`, or a file's name seen from the scenario's folder.
    Named(String),
    /// A table as of a topology's file.
    Table(toml::Table),
}

/// Rules of a switch.
#[derive(Clone, Debug)]
pub struct SwitchRules {
    /// Which switch; `*` is each.
    pub switch: String,
    /// Where it is named.
    pub place: Place,
    /// Texts of rules, meters first, then groups, then flows.
    pub texts: Vec<(Kind, RuleText)>,
}

/// A text that stands in the scenario, or in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// The text.
    pub text: String,
    /// Where its first character stands.
    pub place: Place,
    /// Where to write it anew.
    pub home: Home,
}

/// Where a text can be written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// A string of the scenario file: the bytes of its literal.
    Literal(Range<usize>),
    /// A file of its own, by its name seen from the scenario's folder.
    File(String),
}

/// Something that happens, or that must be so.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it is called.
    pub name: Option<String>,
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Sends packets and looks who gets them.
    Probe(Box<Probe>),
    /// Takes a link up or down.
    Link {
        /// One end.
        a: String,
        /// The other end.
        b: String,
        /// Up or down.
        up: bool,
    },
    /// Changes what a switch has.
    Edit(SwitchRules),
    /// Lets time pass.
    Advance(Duration),
    /// The switch must have these flows.
    Flows {
        /// Which switch.
        switch: String,
        /// The flows, normalised.
        expected: RuleText,
    },
}

/// Packets that a host sends, and who must get them.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The host that sends.
    pub from: String,
    /// The host whose addresses are the destination, if the packet says none.
    pub to: Option<String>,
    /// The packet.
    pub packet: PacketText,
    /// What is behind the headers.
    pub payload: Vec<u8>,
    /// To how many bytes the frame is filled up, with 0, 1, 2, ....
    pub length: usize,
    /// How many are sent, one behind the other.
    pub count: u32,
    /// Who gets what.
    pub expect: Vec<Expectation>,
    /// Whether what others get is of no matter.
    pub others_ignored: bool,
}

/// How a packet is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketText {
    /// In the words of a match; `{n}` stands for the packet's number.
    Fields(String, Place),
    /// A whole frame.
    Bytes(Vec<u8>),
}

/// What somebody must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Who: hosts, or [`CONTROLLER`]. Of several, any.
    pub at: Vec<String>,
    /// Where it stands.
    pub place: Place,
    /// What the frames are.
    pub shape: Shape,
    /// How many they get together, the least and the most.
    pub count: (u32, u32),
}

/// What a frame must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As it was sent, byte for byte.
    Unchanged,
    /// As it would have been sent with these fields instead, byte for byte.
    With(String, Place),
    /// One that a flow with this match would take, whatever else it is.
    Match(String, Place),
    /// Any.
    Any,
}
