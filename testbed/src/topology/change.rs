//! Changes of a network, in words: on a line of the shell, in a file's schedule, over the API.

use std::fmt;
use std::str::FromStr;

use super::{Endpoint, HostSpec, Ipv4Net, LinkChange, LinkSpec, SwitchSpec, Topology, TopologyError};

/// A change of a network that runs.
///
/// Its text is what the shell takes:
///
/// ```text
/// link A B up|down               both ends of a link up or down
/// link A B delay=5ms,loss=1      what a shaped link does from now on; see LinkChange
/// add host NAME [ADDRESS/PREFIX]
/// add switch NAME
/// add link A B [delay=5ms,…]     A and B are nodes, or node:port
/// delete link A B
/// delete host NAME               with its links and processes
/// delete switch NAME             with its links
/// move HOST FROM TO              the host's link to FROM leads to TO from now on
/// switch NAME stop|start         a stopped switch passes nothing and leaves its controller
/// ```
///
/// Where parallel links join A and B, all are meant unless a port says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Set links up.
    LinkUp(Endpoint, Endpoint),
    /// Set links down.
    LinkDown(Endpoint, Endpoint),
    /// Change what shaped links do, both ways.
    ChangeLink(Endpoint, Endpoint, String, LinkChange),
    /// Add a host.
    AddHost(HostSpec),
    /// Add a switch.
    AddSwitch(SwitchSpec),
    /// Add a link; with the text that its properties were given as.
    AddLink(LinkSpec, String),
    /// Delete links.
    DeleteLink(Endpoint, Endpoint),
    /// Delete a host with its links, and end what runs in it.
    DeleteHost(String),
    /// Delete a switch with its links.
    DeleteSwitch(String),
    /// Have a host's link to one node lead to another. The host's interface keeps its name and addresses.
    Move {
        /// The host.
        host: String,
        /// The node that its link leads to.
        from: Endpoint,
        /// The node that it is to lead to.
        to: Endpoint,
    },
    /// Have a switch pass nothing.
    StopSwitch(String),
    /// Have a stopped switch work again.
    StartSwitch(String),
}

/// A text that is no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseChangeError {
    /// It begins like none.
    #[error("{0:?} is no change; expected link, add, delete, move or switch, with what follows them")]
    Unknown(String),
    /// It has too few words or too many.
    #[error("expected {0}")]
    Words(&'static str),
    /// One of its words is wrong.
    #[error("{0}")]
    Word(String),
}

const LINK: &str = "link A B up, link A B down, or link A B with what it is to do, such as delay=5ms";
const ADD: &str = "add host NAME [ADDRESS/PREFIX], add switch NAME or add link A B [delay=5ms,…]";
const DELETE: &str = "delete link A B, delete host NAME or delete switch NAME";

fn word<T: FromStr<Err: fmt::Display>>(text: &str) -> Result<T, ParseChangeError> {
    text.parse().map_err(|error: T::Err| ParseChangeError::Word(error.to_string()))
}

impl FromStr for Change {
    type Err = ParseChangeError;

    fn from_str(text: &str) -> Result<Self, ParseChangeError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words.as_slice() {
            ["link", a, b, "up"] => Change::LinkUp(word(a)?, word(b)?),
            ["link", a, b, "down"] => Change::LinkDown(word(a)?, word(b)?),
            ["link", a, b, change] => {
                let parsed = word(change).map_err(|error| {
                    ParseChangeError::Word(format!(
                        "expected up, down, or what the link is to do, such as delay=5ms: {error}"
                    ))
                });
                Change::ChangeLink(word(a)?, word(b)?, (*change).to_owned(), parsed?)
            }
            ["link", ..] => return Err(ParseChangeError::Words(LINK)),
            ["add", "host", name] => Change::AddHost(HostSpec::new(*name)),
            ["add", "host", name, address] => {
                let ipv4: Ipv4Net = word(address)?;
                Change::AddHost(HostSpec { ipv4: Some(ipv4), ..HostSpec::new(*name) })
            }
            ["add", "switch", name] => Change::AddSwitch(SwitchSpec::new(*name)),
            ["add", "link", a, b] => Change::AddLink(LinkSpec::new(word(a)?, word(b)?), String::new()),
            ["add", "link", a, b, "shaped"] => {
                let link = LinkSpec { shaped: true, ..LinkSpec::new(word(a)?, word(b)?) };
                Change::AddLink(link, "shaped".to_owned())
            }
            ["add", "link", a, b, change] => {
                let properties = word(change)?;
                Change::AddLink(LinkSpec::new(word(a)?, word(b)?).with(&properties), (*change).to_owned())
            }
            ["add", ..] => return Err(ParseChangeError::Words(ADD)),
            ["delete", "link", a, b] => Change::DeleteLink(word(a)?, word(b)?),
            ["delete", "host", name] => Change::DeleteHost((*name).to_owned()),
            ["delete", "switch", name] => Change::DeleteSwitch((*name).to_owned()),
            ["delete", ..] => return Err(ParseChangeError::Words(DELETE)),
            ["move", host, from, to] => {
                Change::Move { host: (*host).to_owned(), from: word(from)?, to: word(to)? }
            }
            ["move", ..] => return Err(ParseChangeError::Words("move HOST FROM TO")),
            ["switch", name, "stop"] => Change::StopSwitch((*name).to_owned()),
            ["switch", name, "start"] => Change::StartSwitch((*name).to_owned()),
            ["switch", ..] => return Err(ParseChangeError::Words("switch NAME stop or switch NAME start")),
            _ => {
                return Err(ParseChangeError::Unknown(words.first().copied().unwrap_or_default().to_owned()));
            }
        })
    }
}

/// As [`from_str`](FromStr::from_str) reads it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::LinkUp(a, b) => write!(f, "link {a} {b} up"),
            Change::LinkDown(a, b) => write!(f, "link {a} {b} down"),
            Change::ChangeLink(a, b, text, _) => write!(f, "link {a} {b} {text}"),
            Change::AddHost(HostSpec { name, ipv4: None, .. }) => write!(f, "add host {name}"),
            Change::AddHost(HostSpec { name, ipv4: Some(address), .. }) => {
                write!(f, "add host {name} {address}")
            }
            Change::AddSwitch(switch) => write!(f, "add switch {}", switch.name),
            Change::AddLink(link, text) => {
                let line = format!("add link {} {} {text}", link.a, link.b);
                f.write_str(line.trim_end())
            }
            Change::DeleteLink(a, b) => write!(f, "delete link {a} {b}"),
            Change::DeleteHost(name) => write!(f, "delete host {name}"),
            Change::DeleteSwitch(name) => write!(f, "delete switch {name}"),
            Change::Move { host, from, to } => write!(f, "move {host} {from} {to}"),
            Change::StopSwitch(name) => write!(f, "switch {name} stop"),
            Change::StartSwitch(name) => write!(f, "switch {name} start"),
        }
    }
}

impl Change {
    /// Whether the shell's command `word` begins a change.
    #[must_use]
    pub fn begins_with(word: &str) -> bool {
        ["link", "add", "delete", "move", "switch"].contains(&word)
    }
}

impl LinkSpec {
    /// Whether the link joins these two, either way round; a port that is not given is any.
    pub(crate) fn joins(&self, a: &Endpoint, b: &Endpoint) -> bool {
        let is = |own: &Endpoint, asked: &Endpoint| {
            own.node == asked.node && (asked.port.is_none() || asked.port == own.port)
        };
        (is(&self.a, a) && is(&self.b, b)) || (is(&self.a, b) && is(&self.b, a))
    }
}

impl Topology {
    /// The topology after a change of its nodes or links; the same after any other. This one is to have everything said
    /// ([`filled`](Self::filled)); so has the result.
    ///
    /// # Errors
    /// [`TopologyError::Unknown`] for a node or link that is not there, and all that [`validate`](Self::validate) says.
    pub fn changed(&self, change: &Change) -> Result<Topology, TopologyError> {
        let mut next = self.clone();
        match change {
            Change::LinkUp(a, b) | Change::LinkDown(a, b) | Change::ChangeLink(a, b, ..) => {
                self.find_links(a, b)?;
            }
            Change::StopSwitch(name) | Change::StartSwitch(name) => self.find_switch(name)?,
            Change::AddHost(host) => {
                let mut host = host.clone();
                let free = (self.hosts.len()..).find(|i| self.has_room_for(&host, *i)).unwrap_or_default();
                (host.ipv4, host.ipv6) = (Some(host.address(free)), Some(host.ipv6_address(free)));
                host.mac = Some(host.mac_address(free));
                next.hosts.push(host);
            }
            Change::AddSwitch(switch) => next.switches.push(switch.clone()),
            Change::AddLink(link, _) => next.links.push(link.clone()),
            Change::DeleteLink(a, b) => {
                self.find_links(a, b)?;
                next.links.retain(|link| !link.joins(a, b));
            }
            Change::DeleteHost(name) => {
                self.find_host(name)?;
                next.hosts.retain(|host| host.name != *name);
                next.links.retain(|link| link.a.node != *name && link.b.node != *name);
            }
            Change::DeleteSwitch(name) => {
                self.find_switch(name)?;
                next.switches.retain(|switch| switch.name != *name);
                next.links.retain(|link| link.a.node != *name && link.b.node != *name);
            }
            Change::Move { host, from, to } => {
                self.find_host(host)?;
                let links = self.find_links(&Endpoint::new(host.as_str()), from)?;
                let link = &mut next.links[links[0]];
                *(if link.a.node == *host { &mut link.b } else { &mut link.a }) = to.clone();
            }
        }
        next.filled()
    }

    /// The links that join the two, by index.
    pub(crate) fn find_links(&self, a: &Endpoint, b: &Endpoint) -> Result<Vec<usize>, TopologyError> {
        let found: Vec<_> = (0..self.links.len()).filter(|i| self.links[*i].joins(a, b)).collect();
        if found.is_empty() {
            let known = self.links.iter().map(|link| format!("{} - {}", link.a, link.b)).collect();
            return Err(TopologyError::Unknown { kind: "link", name: format!("{a} - {b}"), known });
        }
        Ok(found)
    }

    fn find_host(&self, name: &str) -> Result<(), TopologyError> {
        found("host", name, self.hosts.iter().map(|host| &host.name))
    }

    pub(crate) fn find_switch(&self, name: &str) -> Result<(), TopologyError> {
        found("switch", name, self.switches.iter().map(|switch| &switch.name))
    }

    /// Whether nobody has the default addresses that the host would take as number `index`.
    fn has_room_for(&self, host: &HostSpec, index: usize) -> bool {
        let new = (host.address(index).address, host.ipv6_address(index).address, host.mac_address(index));
        self.hosts.iter().enumerate().all(|(i, other)| {
            // What the host itself asks for is checked with the whole topology.
            (host.ipv4.is_some() || other.address(i).address != new.0)
                && (host.ipv6.is_some() || other.ipv6_address(i).address != new.1)
                && (host.mac.is_some() || other.mac_address(i) != new.2)
        })
    }
}

fn found<'a>(
    kind: &'static str,
    name: &str,
    mut known: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), TopologyError> {
    let all = known.clone();
    if known.any(|known| known == name) {
        return Ok(());
    }
    Err(TopologyError::Unknown { kind, name: name.to_owned(), known: all.cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(topology: &Topology, lines: &[&str]) -> Result<Topology, String> {
        lines.iter().try_fold(topology.filled().unwrap(), |topology, line| {
            topology.changed(&line.parse().unwrap()).map_err(|error| error.to_string())
        })
    }

    fn links(topology: &Topology) -> String {
        let word = |link: &LinkSpec| format!("{}-{}", link.a, link.b);
        topology.links.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for line in [
            "link h1 s1 up",
            "link h1:0 s1:1 down",
            "link h1 s1 delay=5ms,loss=1",
            "add host h9",
            "add host h9 10.1.2.3/16",
            "add switch s9",
            "add link h9 s1:7",
            "add link h9 s1 rate=10mbit",
            "add link h9 s1 shaped",
            "delete link h1 s1",
            "delete host h1",
            "delete switch s1",
            "move h1 s1 s2:9",
            "switch s1 stop",
            "switch s1 start",
        ] {
            assert_eq!(line.parse::<Change>().unwrap().to_string(), line);
        }
        for (line, complaint) in [
            ("", "\"\" is no change"),
            ("unplug h1", "\"unplug\" is no change"),
            ("link h1 s1", "expected link A B up"),
            ("link h1 s1 sideways", "expected up, down, or what the link is to do"),
            ("add host h1 10.0.0.1", "10.0.0.1"),
            ("add queue q1", "expected add host"),
            ("delete link h1", "expected delete link"),
            ("move h1 s2", "expected move HOST FROM TO"),
            ("switch s1 restart", "expected switch NAME stop"),
        ] {
            let error = line.parse::<Change>().unwrap_err().to_string();
            assert!(error.contains(complaint), "{line}: {error}");
        }
    }

    #[test]
    fn who_stays_keeps_ports_and_addresses() {
        let before = Topology::single(3).unwrap().filled().unwrap();
        let lines = ["delete host h1", "add host h4", "add link h4 s1", "add link h2 s1"];
        let changed = after(&before, &lines).unwrap();
        // h4 is the third now, but 10.0.0.3 is taken.
        assert_eq!(changed.hosts[2].ipv4.unwrap().to_string(), "10.0.0.4/8");
        assert_eq!(changed.hosts[2].mac.unwrap().to_string(), "00:00:00:00:00:04");
        assert_eq!(links(&changed), "h2:0-s1:2 h3:0-s1:3 h4:0-s1:1 h2:1-s1:4");
    }

    #[test]
    fn a_host_that_moves_keeps_its_interface() {
        let before = Topology::linear(3, 1).unwrap();
        let moved = after(&before, &["move h1 s1 s3"]).unwrap();
        assert_eq!(links(&moved), "h1:0-s3:3 h2:0-s2:1 s2:2-s1:2 h3:0-s3:1 s3:2-s2:3");
        let plan = before.filled().unwrap().plan().unwrap();
        let next = moved.plan_after(&plan).unwrap();
        let (old, new) = (&plan.links[0], &next.links[0]);
        assert_ne!(old.number, new.number);
        assert_eq!((old.ends[0].mac, old.ends[0].ipv4), (new.ends[0].mac, new.ends[0].ipv4));
        let numbers = |plan: &super::super::Plan| plan.links.iter().map(|l| l.number).collect::<Vec<_>>();
        assert_eq!(numbers(&plan)[1..], numbers(&next)[1..]);
    }

    #[test]
    fn addresses_stay_with_the_interface_that_has_them() {
        let before = after(&Topology::single(2).unwrap(), &["add switch s2", "add link h1 s2"]).unwrap();
        let plan = before.plan().unwrap();
        let addressed = |plan: &super::super::Plan| {
            let ends = plan.links.iter().flat_map(|link| &link.ends);
            ends.filter(|end| end.ipv4.is_some()).map(|end| end.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(addressed(&plan), ["h1-eth0", "h2-eth0"]);
        let without = after(&before, &["delete link h1 s1"]).unwrap().plan_after(&plan).unwrap();
        assert_eq!(addressed(&without), ["h2-eth0"]);
        let again = after(&before, &["delete link h1 s1", "add link h1 s1"]).unwrap();
        assert_eq!(addressed(&again.plan_after(&without).unwrap()), ["h2-eth0", "h1-eth0"]);
    }

    #[test]
    fn contradictions_and_unknown_names_are_told() {
        let single = Topology::single(2).unwrap();
        for (line, complaint) in [
            ("add host h1", "h1 is given to two nodes"),
            ("add host h3 10.0.0.2/8", "same IPv4 address"),
            ("add switch core", "no number in its name"),
            ("add link h1 s1:2", "port 2 of s1 is used by two links"),
            ("add link h1 h7", "h7, which is neither"),
            ("delete link h1 h2", "no link named h1 - h2; there is h1:0 - s1:1, h2:0 - s1:2"),
            ("delete host s1", "no host named s1; there is h1, h2"),
            ("switch h1 stop", "no switch named h1; there is s1"),
            ("link h1 s1:2 down", "no link named h1 - s1:2"),
            ("move h1 s2 s1", "no link named h1 - s2"),
        ] {
            let error = after(&single, &[line]).unwrap_err();
            assert!(error.contains(complaint), "{line}: {error}");
        }
    }
}
