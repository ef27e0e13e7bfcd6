//! What can be wrong with a topology, however it was given.

use std::path::PathBuf;

/// A topology that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopologyError {
    /// Not to be had as a model: more hosts, switches or links than one can have.
    #[error(transparent)]
    Model(#[from] verify::NetworkError),
    /// Two nodes of one name.
    #[error("the name {name} is given to two nodes")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A name that cannot be a node's.
    #[error("bad node name {name:?}: {why}")]
    BadName {
        /// The name.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A link's end names no node.
    #[error("link {a} - {b} names {unknown}, which is neither a host nor a switch")]
    UnknownNode {
        /// One end.
        a: String,
        /// The other end.
        b: String,
        /// The end that does not exist.
        unknown: String,
    },
    /// A link from a node to itself.
    #[error("link {node} - {node} joins a node to itself")]
    SelfLink {
        /// The node.
        node: String,
    },
    /// Two links on one port.
    #[error("port {port} of {node} is used by two links")]
    PortTaken {
        /// The switch or host.
        node: String,
        /// The port number.
        port: u32,
    },
    /// A port number that a switch cannot have (OF 1.3.5 §7.2.1: 1 to 0xffffff00; Open vSwitch
    /// and its text tools stop at 65279).
    #[error("port {port} of {node} is out of range; switches have ports 1 to 65279")]
    PortRange {
        /// The switch.
        node: String,
        /// The port number.
        port: u32,
    },
    /// Two hosts with the same address.
    #[error("{a} and {b} have the same {kind} address {address}")]
    DuplicateAddress {
        /// `IPv4`, `IPv6` or `MAC`.
        kind: &'static str,
        /// The address.
        address: String,
        /// One host.
        a: String,
        /// The other host.
        b: String,
    },
    /// An address that a host cannot have.
    #[error("{host} cannot have the {kind} address {address}: {why}")]
    BadAddress {
        /// The host.
        host: String,
        /// `IPv4`, `IPv6` or `MAC`.
        kind: &'static str,
        /// The address.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An interface of which two things are said.
    #[error("interface {port} of {node} is described twice")]
    InterfaceTwice {
        /// The host.
        node: String,
        /// The interface's port.
        port: u32,
    },
    /// A route that a host cannot have.
    #[error("{host} cannot have the route {route}: {why}")]
    BadRoute {
        /// The host.
        host: String,
        /// The route.
        route: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More hosts than 10.0.0.0/8 has addresses to give, or a shape larger than memory.
    #[error("the topology would have {nodes} nodes or more; at most {limit} are possible")]
    TooLarge {
        /// How many it would have at least.
        nodes: u64,
        /// How many there can be.
        limit: u64,
    },
    /// A number of links that a graph of so many switches cannot have.
    #[error("{links} links between {switches} switches are not possible; expected {least} to {most}")]
    Links {
        /// The number asked for.
        links: u32,
        /// The number of switches.
        switches: u32,
        /// The fewest that connect all.
        least: u64,
        /// One for each pair.
        most: u64,
    },
    /// A number that a shape cannot have.
    #[error("{number} is no {what}; expected {expected}")]
    Shape {
        /// The number asked for.
        number: u32,
        /// What it is the number of.
        what: &'static str,
        /// What it could be.
        expected: &'static str,
    },
    /// A switch whose datapath id is not given and whose name has no number to take it from.
    #[error("switch {switch} has no dpid and no number in its name to derive one; give `dpid`")]
    NoDatapathId {
        /// The switch.
        switch: String,
    },
    /// A change of something that is not there.
    #[error("no {kind} named {name}; there is {}", crate::error::listed(known))]
    Unknown {
        /// `host`, `switch`, `link`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// A datapath id that is none: Open vSwitch takes zero for "not given".
    #[error("switch {switch} has dpid 0, which no switch can have; give `dpid` another value")]
    ZeroDatapathId {
        /// The switch.
        switch: String,
    },
    /// Two switches with the same datapath id.
    #[error("switches {a} and {b} have the same dpid {dpid}; give one of them another with `dpid`")]
    DuplicateDatapathId {
        /// One switch.
        a: String,
        /// The other switch.
        b: String,
        /// The id, 16 hex digits.
        dpid: String,
    },
}

/// A `--topo` text that is no topology.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("topology {text:?}, column {column}: expected {expected}, found {found}")]
pub struct SpecError {
    /// The text as given.
    pub text: String,
    /// Where it stops making sense, in characters from 1.
    pub column: usize,
    /// What would have made sense there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A topology file that cannot be read, whichever its format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file itself cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file's text is not a topology.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong and what was expected.
        what: String,
    },
}
