//! Switches, hosts and the links between them: a value.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use openflow::msg::port::{Port, PortFeatures, PortState};
use openflow::pipeline::{Config, Controller, Sink, Switch};
use openflow::text::Ports;
use openflow::{Body, DatapathId, ErrorKind, FlowMod, FlowStats, MacAddr, Message, PortNo, TableId, Xid};
use thiserror::Error;

use crate::journey::{Journey, Told};
use crate::rules::{Edit, Provenance, Refused, Rules};
use crate::walk;

/// The most hosts, switches and links, each.
const MOST: usize = 1 << 20;
/// What ports tell of their speed: 10 Gbit/s, in kbit/s.
const SPEED: u32 = 10_000_000;

/// A host or a switch: its place in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A host.
    Host(usize),
    /// A switch.
    Switch(usize),
}

/// A host: it sends what is injected and takes what comes, and does nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    name: String,
    mac: MacAddr,
    ipv4: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    /// The lowest of its interfaces, from which it sends.
    first: Option<u32>,
}

impl Host {
    /// A host without addresses.
    pub fn new(name: impl Into<String>) -> Host {
        Host { name: name.into(), mac: MacAddr::default(), ipv4: None, ipv6: None, first: None }
    }

    /// Gives its first interface this Ethernet address.
    #[must_use]
    pub fn mac(mut self, mac: MacAddr) -> Host {
        self.mac = mac;
        self
    }

    /// Gives its first interface this IPv4 address.
    #[must_use]
    pub fn ipv4(mut self, address: Ipv4Addr) -> Host {
        self.ipv4 = Some(address);
        self
    }

    /// Gives its first interface this IPv6 address.
    #[must_use]
    pub fn ipv6(mut self, address: Ipv6Addr) -> Host {
        self.ipv6 = Some(address);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ethernet address of its first interface.
    pub fn mac_address(&self) -> MacAddr {
        self.mac
    }

    /// The IPv4 address of its first interface.
    pub fn ipv4_address(&self) -> Option<Ipv4Addr> {
        self.ipv4
    }

    /// The IPv6 address of its first interface.
    pub fn ipv6_address(&self) -> Option<Ipv6Addr> {
        self.ipv6
    }

    /// The number of the interface from which it sends: the lowest that has a link.
    pub fn interface(&self) -> Option<u32> {
        self.first
    }
}

/// A switch with where its rules stand.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) switch: Switch,
    pub(crate) provenance: Provenance,
}

/// A port of a node.
pub(crate) type End = (Node, u32);

#[derive(Clone, Debug)]
pub(crate) struct Link {
    ends: [End; 2],
    up: bool,
}

/// What is asked of a network cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Nobody has this name.
    #[error("there is no {kind} named {name}; there is {}", known.join(", "))]
    Unknown {
        /// `host`, `switch` or `node`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names that there are, a few of many.
        known: Vec<String>,
    },
    /// Two nodes of a name, two links at a port.
    #[error("{0} is there already")]
    Taken(String),
    /// No link joins the two.
    #[error("there is no link between {0} and {1}")]
    NoLink(String, String),
    /// A host without a link sends nothing.
    #[error("{0} has no link")]
    NotConnected(String),
    /// No port of a switch can have this number.
    #[error("a port of a switch is a number from 1 to 4294967040, not {0}")]
    BadPort(u32),
    /// More than a million of one kind.
    #[error("a network has at most {MOST} hosts, switches and links each")]
    TooLarge,
}

/// Hosts, switches and links, with all that the switches have in them.
#[derive(Debug, Default)]
pub struct Network {
    pub(crate) hosts: Vec<Host>,
    pub(crate) machines: Vec<Machine>,
    pub(crate) links: Vec<Link>,
    names: HashMap<String, Node>,
    ends: HashMap<End, usize>,
}

impl Network {
    /// One without anything.
    pub fn new() -> Network {
        Network::default()
    }

    fn add_name(&mut self, name: &str, node: Node) -> Result<(), NetworkError> {
        if self.hosts.len() >= MOST || self.machines.len() >= MOST {
            return Err(NetworkError::TooLarge);
        }
        if self.names.contains_key(name) {
            return Err(NetworkError::Taken(name.to_owned()));
        }
        self.names.insert(name.to_owned(), node);
        Ok(())
    }

    /// Adds a host.
    ///
    /// # Errors
    /// When its name is given to another node.
    pub fn add_host(&mut self, host: Host) -> Result<Node, NetworkError> {
        let node = Node::Host(self.hosts.len());
        self.add_name(&host.name, node)?;
        self.hosts.push(Host { first: None, ..host });
        Ok(node)
    }

    /// Adds a switch that has no ports and nothing in its tables.
    ///
    /// # Errors
    /// When its name is given to another node.
    pub fn add_switch(&mut self, name: &str, datapath_id: DatapathId) -> Result<Node, NetworkError> {
        let node = Node::Switch(self.machines.len());
        self.add_name(name, node)?;
        let switch = Switch::new(Config { datapath_id, ..Config::default() });
        self.machines.push(Machine { name: name.to_owned(), switch, provenance: Provenance::default() });
        Ok(node)
    }

    /// Joins two ports by a link that is up. A switch's port is new with it, and named `s1-eth3`.
    ///
    /// # Errors
    /// Unknown nodes; a port that has a link, or that a switch cannot have.
    pub fn connect(&mut self, a: (&str, u32), b: (&str, u32), now: Instant) -> Result<(), NetworkError> {
        if self.links.len() >= MOST {
            return Err(NetworkError::TooLarge);
        }
        let ends = [(self.node(a.0)?, a.1), (self.node(b.0)?, b.1)];
        for (node, port) in ends {
            if matches!(node, Node::Switch(_)) && !(PortNo(port).is_ordinary() && port > 0) {
                return Err(NetworkError::BadPort(port));
            }
            if self.ends.contains_key(&(node, port)) || ends[0] == ends[1] {
                return Err(NetworkError::Taken(format!("port {port} of {}", self.name(node))));
            }
        }
        for (node, port) in ends {
            self.ends.insert((node, port), self.links.len());
            match node {
                Node::Host(at) => {
                    let host = &mut self.hosts[at];
                    host.first = Some(host.first.map_or(port, |first| first.min(port)));
                }
                Node::Switch(at) => {
                    let machine = &mut self.machines[at];
                    let port = described(&machine.name, machine.switch.datapath_id(), port);
                    machine.switch.set_port(port, now, &mut Nobody);
                }
            }
        }
        self.links.push(Link { ends, up: true });
        Ok(())
    }

    /// The hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter()
    }

    /// The switches, each with its name.
    pub fn switches(&self) -> impl Iterator<Item = (&str, &Switch)> {
        self.machines.iter().map(|machine| (machine.name.as_str(), &machine.switch))
    }

    /// The links: the ends by name and port, and whether it is up.
    pub fn links(&self) -> impl Iterator<Item = ((&str, u32), (&str, u32), bool)> {
        self.links.iter().map(|link| {
            let [a, b] = link.ends.map(|(node, port)| (self.name(node), port));
            (a, b, link.up)
        })
    }

    /// Who has a name.
    ///
    /// # Errors
    /// When nobody has it.
    pub fn node(&self, name: &str) -> Result<Node, NetworkError> {
        let all = self.hosts.iter().map(|host| &host.name).chain(self.machines.iter().map(|it| &it.name));
        self.names.get(name).copied().ok_or_else(|| unknown("node", name, all))
    }

    /// A host by its name.
    ///
    /// # Errors
    /// When no host has it.
    pub fn host(&self, name: &str) -> Result<&Host, NetworkError> {
        match self.names.get(name) {
            Some(Node::Host(at)) => Ok(&self.hosts[*at]),
            _ => Err(unknown("host", name, self.hosts.iter().map(|host| &host.name))),
        }
    }

    /// A switch by its name.
    ///
    /// # Errors
    /// When no switch has it.
    pub fn switch(&self, name: &str) -> Result<&Switch, NetworkError> {
        self.machine(name).map(|at| &self.machines[at].switch)
    }

    fn machine(&self, name: &str) -> Result<usize, NetworkError> {
        match self.names.get(name) {
            Some(Node::Switch(at)) => Ok(*at),
            _ => Err(unknown("switch", name, self.machines.iter().map(|machine| &machine.name))),
        }
    }

    pub(crate) fn name(&self, node: Node) -> &str {
        match node {
            Node::Host(at) => &self.hosts[at].name,
            Node::Switch(at) => &self.machines[at].name,
        }
    }

    /// The names of a switch's ports, for the text of rules.
    ///
    /// # Errors
    /// When no switch has this name.
    pub fn ports(&self, switch: &str) -> Result<Ports, NetworkError> {
        let ports = self.switch(switch)?.ports();
        Ok(ports.map(|port| (port.name.to_str_lossy().into_owned(), port.number)).collect())
    }

    /// The other end of the link at a port, and whether the link is up.
    pub(crate) fn peer(&self, end: End) -> Option<(End, bool)> {
        let link = &self.links[*self.ends.get(&end)?];
        let [a, b] = link.ends;
        Some((if a == end { b } else { a }, link.up))
    }

    /// Takes the links between two nodes up or down. What the switches tell of it is in the journey.
    ///
    /// # Errors
    /// Unknown nodes, or none that are joined.
    pub fn set_link(&mut self, a: &str, b: &str, up: bool, now: Instant) -> Result<Journey, NetworkError> {
        let found = self.links_between(a, b)?;
        let mut journey = Journey::default();
        for at in found {
            self.switch_link(at, up, now, &mut journey);
        }
        Ok(journey)
    }

    /// Takes the link at a port up or down.
    ///
    /// # Errors
    /// An unknown node, or a port without a link.
    pub fn set_link_at(&mut self, end: (&str, u32), up: bool, now: Instant) -> Result<Journey, NetworkError> {
        let unknown = || NetworkError::NotConnected(format!("port {} of {}", end.1, end.0));
        let at = *self.ends.get(&(self.node(end.0)?, end.1)).ok_or_else(unknown)?;
        let mut journey = Journey::default();
        self.switch_link(at, up, now, &mut journey);
        Ok(journey)
    }

    fn switch_link(&mut self, at: usize, up: bool, now: Instant, journey: &mut Journey) {
        self.links[at].up = up;
        for (node, port) in self.links[at].ends {
            let Node::Switch(at) = node else { continue };
            let Machine { name, switch, .. } = &mut self.machines[at];
            let Some(mut port) = switch.port(PortNo(port)).cloned() else { continue };
            port.state.set(PortState::LINK_DOWN, !up);
            let mut teller = Teller { switch: name, told: &mut journey.told };
            switch.set_port(port, now, &mut teller);
        }
    }

    /// Whether links join two nodes.
    ///
    /// # Errors
    /// Unknown nodes, or none that are joined.
    pub fn joined(&self, a: &str, b: &str) -> Result<(), NetworkError> {
        self.links_between(a, b).map(drop)
    }

    fn links_between(&self, a: &str, b: &str) -> Result<Vec<usize>, NetworkError> {
        let nodes = [self.node(a)?, self.node(b)?];
        let joins = |link: &Link| {
            let [x, y] = link.ends.map(|(node, _)| node);
            [x, y] == nodes || [y, x] == nodes
        };
        let found: Vec<usize> = (0..self.links.len()).filter(|at| joins(&self.links[*at])).collect();
        if found.is_empty() {
            return Err(NetworkError::NoLink(a.to_owned(), b.to_owned()));
        }
        Ok(found)
    }

    /// Lets the time pass until `now`: flows whose time is over go. What is told of it is in the
    /// journey.
    pub fn advance(&mut self, now: Instant) -> Journey {
        let mut journey = Journey::default();
        for Machine { name, switch, .. } in &mut self.machines {
            let mut teller = Teller { switch: name, told: &mut journey.told };
            switch.expire(now, &mut teller);
        }
        journey
    }

    /// When [`advance`](Self::advance) has something to do, at the earliest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.machines.iter().filter_map(|machine| machine.switch.next_deadline()).min()
    }

    /// Has a switch carry out changes of its flows, groups and meters, in order.
    ///
    /// # Errors
    /// What the switch refuses first; the changes before it are made.
    pub fn apply(&mut self, switch: &str, rules: &Rules, now: Instant) -> Result<Journey, ApplyError> {
        let at = self.machine(switch)?;
        let mut journey = Journey::default();
        for (edit, origin) in rules.iter() {
            let body = match edit.clone() {
                Edit::Flow(flow) => Body::FlowMod(*flow),
                Edit::Group(group) => Body::GroupMod(group),
                Edit::Meter(meter) => Body::MeterMod(meter),
            };
            let message = Message { xid: Xid(0), body };
            let after = self.message(at, &mut Controller::default(), message, now).map_err(|error| {
                Refused { origin: origin.clone(), switch: switch.to_owned(), edit: edit.to_string(), error }
            })?;
            self.machines[at].provenance.note(edit, origin);
            journey.extend(after);
        }
        Ok(journey)
    }

    /// Has a switch carry out a controller's message; where the packets go that it sends, and what it
    /// answers, is in the journey.
    ///
    /// # Errors
    /// With which the switch answers instead.
    pub fn handle(
        &mut self,
        switch: &str,
        from: &mut Controller,
        message: Message,
        now: Instant,
    ) -> Result<Result<Journey, ErrorKind>, NetworkError> {
        let at = self.machine(switch)?;
        Ok(self.message(at, from, message, now))
    }

    fn message(
        &mut self,
        at: usize,
        from: &mut Controller,
        message: Message,
        now: Instant,
    ) -> Result<Journey, ErrorKind> {
        walk::message(self, at, from, message, now)
    }

    /// Has a host send a frame out of its first interface, and follows it to wherever it goes.
    ///
    /// # Errors
    /// When there is no such host, or it has no link.
    pub fn inject(&mut self, host: &str, frame: &[u8], now: Instant) -> Result<Journey, NetworkError> {
        let interface = self.host(host)?.first;
        let interface = interface.ok_or_else(|| NetworkError::NotConnected(host.to_owned()))?;
        let node = self.node(host)?;
        Ok(walk::frame(self, (node, interface), frame, now))
    }

    /// The flows of a switch as additions, in order: by table, from the highest priority down, then by
    /// their text. Counters and times are not in them.
    ///
    /// # Errors
    /// When no switch has this name.
    pub fn flows(&self, switch: &str, now: Instant) -> Result<Vec<FlowMod>, NetworkError> {
        let switch = self.switch(switch)?;
        let tables = (0..switch.features().n_tables).map(TableId);
        let all = tables.flat_map(|table| switch.flows(table).map(move |flow| flow.stats(table, now)));
        Ok(normalised(all))
    }
}

/// Normalised flows as a text, one a line. What is the same in all that is looked at is not told twice:
/// two that are equal are one.
pub(crate) fn normalised_text(flows: &[FlowMod]) -> String {
    let mut flows: Vec<FlowMod> = flows.to_vec();
    for flow in &mut flows {
        flow.match_ = flow.match_.normalized();
    }
    sort(&mut flows);
    let mut lines: Vec<String> = flows.iter().map(|flow| format!("{flow}\n")).collect();
    lines.dedup();
    lines.concat()
}

fn sort(flows: &mut [FlowMod]) {
    flows.sort_by_cached_key(|flow| (flow.table, u16::MAX - flow.priority, flow.to_string()));
}

/// Flows as additions, in order: by table, from the highest priority down, then by their text.
pub fn normalised(flows: impl IntoIterator<Item = FlowStats>) -> Vec<FlowMod> {
    let addition = |flow: FlowStats| FlowMod {
        table: flow.table,
        priority: flow.priority,
        cookie: flow.cookie,
        match_: flow.match_.normalized(),
        instructions: flow.instructions,
        idle_timeout: flow.idle_timeout,
        hard_timeout: flow.hard_timeout,
        flags: flow.flags,
        ..FlowMod::add()
    };
    let mut flows: Vec<FlowMod> = flows.into_iter().map(addition).collect();
    sort(&mut flows);
    flows
}

/// Why changes were not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// There is no such switch.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The switch does not take one of them.
    #[error(transparent)]
    Refused(#[from] Refused),
}

fn unknown<'a>(kind: &'static str, name: &str, known: impl Iterator<Item = &'a String>) -> NetworkError {
    const FEW: usize = 12;
    NetworkError::Unknown { kind, name: name.to_owned(), known: known.take(FEW).cloned().collect() }
}

/// A port as it is told to controllers, its address made of the switch's number.
fn described(switch: &str, dpid: DatapathId, number: u32) -> Port {
    let [.., d, e, f] = dpid.0.to_be_bytes();
    let [.., high, low] = number.to_be_bytes();
    let features = PortFeatures::RATE_10GB_FD | PortFeatures::COPPER;
    Port {
        number: PortNo(number),
        hw_addr: MacAddr([0x0e | (d & 0xf0), e, f, d & 0x0f, high, low]),
        name: format!("{switch}-eth{number}").as_str().try_into().unwrap_or_default(),
        state: PortState::LIVE,
        curr: features,
        curr_speed: SPEED,
        max_speed: SPEED,
        ..Port::default()
    }
}

/// Takes note of what a switch tells.
struct Teller<'a> {
    switch: &'a str,
    told: &'a mut Vec<Told>,
}

impl Sink for Teller<'_> {
    fn effect(&mut self, effect: openflow::pipeline::Effect<'_>) {
        if let Some(effect) = walk::to_controllers(effect) {
            self.told.push(Told { switch: self.switch.to_owned(), effect });
        }
    }
}

/// Nobody is there yet to be told.
struct Nobody;

impl Sink for Nobody {
    fn effect(&mut self, _: openflow::pipeline::Effect<'_>) {}
}
