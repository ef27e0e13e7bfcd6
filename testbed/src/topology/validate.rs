//! Whether a topology makes sense.

use std::collections::HashMap;

use openflow::DatapathId;

use super::{Endpoint, SwitchSpec, Topology, TopologyError};

/// Which part of a topology an error is about: an index into its lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Culprit {
    Host(usize),
    Switch(usize),
    Link(usize),
}

/// The last port number that Open vSwitch gives to a port (`OFPP_MAX` of OpenFlow 1.0, less one:
/// `ovs-vswitchd.conf.db(5)`, `ofport_request`).
const LAST_PORT: u32 = 65_279;

impl Topology {
    /// Checks names, ends of links, ports and addresses.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn validate(&self) -> Result<(), TopologyError> {
        self.check().map_err(|(_, error)| error)
    }

    pub(super) fn check(&self) -> Result<(), (Culprit, TopologyError)> {
        let mut names: HashMap<&str, Culprit> = HashMap::new();
        let hosts = (self.hosts.iter().enumerate()).map(|(i, h)| (h.name.as_str(), Culprit::Host(i)));
        let switches = (self.switches.iter().enumerate()).map(|(i, s)| (s.name.as_str(), Culprit::Switch(i)));
        for (name, culprit) in hosts.chain(switches) {
            check_name(name).map_err(|error| (culprit, error))?;
            if names.insert(name, culprit).is_some() {
                let name = name.to_owned();
                return Err((culprit, TopologyError::DuplicateName { name }));
            }
        }
        self.check_addresses()?;
        self.check_datapath_ids()?;
        let mut ports: HashMap<(&str, u32), ()> = HashMap::new();
        for (i, link) in self.links.iter().enumerate() {
            let fail = |error| (Culprit::Link(i), error);
            for end in [&link.a, &link.b] {
                let Some(node) = names.get(end.node.as_str()) else {
                    return Err(fail(TopologyError::UnknownNode {
                        a: link.a.node.clone(),
                        b: link.b.node.clone(),
                        unknown: end.node.clone(),
                    }));
                };
                check_port(end, *node).map_err(fail)?;
            }
            if link.a.node == link.b.node {
                let node = link.a.node.clone();
                return Err(fail(TopologyError::SelfLink { node }));
            }
            for end in [&link.a, &link.b] {
                let Some(port) = end.port else { continue };
                if ports.insert((&end.node, port), ()).is_some() {
                    let node = end.node.clone();
                    return Err(fail(TopologyError::PortTaken { node, port }));
                }
            }
        }
        Ok(())
    }

    fn check_datapath_ids(&self) -> Result<(), (Culprit, TopologyError)> {
        let mut ids: HashMap<DatapathId, &str> = HashMap::new();
        for (i, switch) in self.switches.iter().enumerate() {
            let fail = |error| (Culprit::Switch(i), error);
            let dpid = switch.datapath_id().map_err(fail)?;
            if dpid == DatapathId(0) {
                return Err(fail(TopologyError::ZeroDatapathId { switch: switch.name.clone() }));
            }
            if let Some(other) = ids.insert(dpid, &switch.name) {
                return Err(fail(TopologyError::DuplicateDatapathId {
                    a: other.to_owned(),
                    b: switch.name.clone(),
                    dpid: dpid.to_string(),
                }));
            }
        }
        Ok(())
    }
}

impl SwitchSpec {
    /// The datapath id, as given or from the number in the name (`s12`: 12), as in Mininet.
    ///
    /// # Errors
    /// [`TopologyError::NoDatapathId`].
    pub fn datapath_id(&self) -> Result<DatapathId, TopologyError> {
        let from_name = || {
            let digits: String = self
                .name
                .chars()
                .skip_while(|c| !c.is_ascii_digit())
                .take_while(char::is_ascii_digit)
                .collect();
            digits.parse().ok().map(DatapathId)
        };
        self.dpid.or_else(from_name).ok_or_else(|| TopologyError::NoDatapathId { switch: self.name.clone() })
    }
}

fn check_name(name: &str) -> Result<(), TopologyError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let why = if name.is_empty() || name.len() > 64 {
        "it must have 1 to 64 characters"
    } else if !name.chars().all(plain) {
        "it may have letters, digits, `_`, `.` and `-` only"
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        "it must begin with a letter or a digit"
    } else if name == "lo" || name == "all" || name == "default" {
        "the kernel uses it itself"
    } else {
        return Ok(());
    };
    Err(TopologyError::BadName { name: name.to_owned(), why })
}

fn check_port(end: &Endpoint, node: Culprit) -> Result<(), TopologyError> {
    match (end.port, node) {
        (Some(port), Culprit::Switch(_)) if port == 0 || port > LAST_PORT => {
            Err(TopologyError::PortRange { node: end.node.clone(), port })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::LinkSpec;
    use super::*;

    fn with(change: impl FnOnce(&mut Topology)) -> String {
        let mut topology = Topology::single(3).unwrap();
        change(&mut topology);
        topology.validate().unwrap_err().to_string()
    }

    #[test]
    fn contradictions_are_named() {
        assert!(Topology::tree(3, 3).unwrap().validate().is_ok());
        let cases = [
            (with(|t| t.hosts[1].name = "h1".into()), "the name h1 is given to two nodes"),
            (
                with(|t| t.links[0].a.node = "h9".into()),
                "link h9 - s1 names h9, which is neither a host nor a switch",
            ),
            (with(|t| t.links[1].b.port = Some(1)), "port 1 of s1 is used by two links"),
            (
                with(|t| t.links[1].b.port = Some(0)),
                "port 0 of s1 is out of range; switches have ports 1 to 65279",
            ),
            (
                with(|t| t.hosts[2].ipv4 = Some("10.0.0.1/24".parse().unwrap())),
                "h1 and h3 have the same IPv4 address 10.0.0.1",
            ),
            (
                with(|t| t.hosts[0].ipv4 = Some("10.0.0.255/24".parse().unwrap())),
                "h1 cannot have the IPv4 address 10.0.0.255/24: it is the network's own or its \
                 broadcast address",
            ),
            (
                with(|t| t.hosts[2].ipv6 = Some("fd00::1/64".parse().unwrap())),
                "h1 and h3 have the same IPv6 address fd00::1",
            ),
            (
                with(|t| t.hosts[0].ipv6 = Some("fe80::1/64".parse().unwrap())),
                "h1 cannot have the IPv6 address fe80::1/64: the kernel gives link-local addresses itself",
            ),
            (
                with(|t| t.switches[0].name = "core".into()),
                "switch core has no dpid and no number in its name to derive one; give `dpid`",
            ),
            (
                with(|t| t.hosts[0].name = "h/1".into()),
                "bad node name \"h/1\": it may have letters, digits, `_`, `.` and `-` only",
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn parallel_links_are_no_contradiction() {
        let mut topology = Topology::single(2).unwrap();
        topology.links.push(LinkSpec::new(Endpoint::new("h1"), Endpoint::new("s1")));
        topology.validate().unwrap();
    }
}
