//! The shapes that have a name. Nodes, links and ports are numbered as Mininet numbers them
//! (`mininet/topo.py`, `mininet/topolib.py`).

use super::{Endpoint, HostSpec, Limits, LinkSpec, SwitchSpec, Topology, TopologyError};

/// The most nodes that a shape may have: far more than a machine's memory carries, few enough
/// that a mistyped number does not fill it.
pub(super) const MOST_NODES: u64 = 65_536;

impl Topology {
    /// One switch `s1` with two hosts.
    #[must_use]
    pub fn minimal() -> Self {
        star((1..=2).map(|host| (host, host)))
    }

    /// One switch `s1` with `hosts` hosts, `h`n on port n.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`].
    pub fn single(hosts: u32) -> Result<Self, TopologyError> {
        fits(u64::from(hosts) + 1)?;
        Ok(star((1..=hosts).map(|host| (host, host))))
    }

    /// As [`single`](Self::single) with the ports in reverse: `h1` on the last.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`].
    pub fn reversed(hosts: u32) -> Result<Self, TopologyError> {
        fits(u64::from(hosts) + 1)?;
        Ok(star((1..=hosts).map(|host| (host, hosts - host + 1))))
    }

    /// A row of `switches` switches with `hosts` hosts each: `h`n on `s`n, or `h`m`s`n where a
    /// switch has several.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`].
    pub fn linear(switches: u32, hosts: u32) -> Result<Self, TopologyError> {
        fits(u64::from(switches) * (1 + u64::from(hosts)))?;
        let mut topology = Self::default();
        for i in 1..=switches {
            let switch = topology.add_switch(i);
            for j in 1..=hosts {
                let name = match hosts {
                    1 => format!("h{i}"),
                    _ => format!("h{j}s{i}"),
                };
                topology.hosts.push(HostSpec::new(name.as_str()));
                topology.join(name, &switch);
            }
            if i > 1 {
                topology.join(switch, format!("s{}", i - 1));
            }
        }
        Ok(topology)
    }

    /// A tree of switches, `depth` levels of them, each with `fanout` children; the last level's
    /// children are hosts. `s1` is the root; switches are numbered depth first, hosts from the
    /// left.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`].
    pub fn tree(depth: u32, fanout: u32) -> Result<Self, TopologyError> {
        let mut level = 1_u64;
        let mut nodes = 1_u64;
        for _ in 0..depth {
            level = level.saturating_mul(fanout.into());
            nodes = nodes.saturating_add(level);
            fits(nodes)?;
        }
        let mut topology = Self::default();
        topology.grow(depth, fanout);
        Ok(topology)
    }

    /// Adds a subtree and returns its root's name. A link follows the whole subtree below it, so
    /// a switch's way up is its last port.
    fn grow(&mut self, depth: u32, fanout: u32) -> String {
        if depth == 0 {
            let name = format!("h{}", self.hosts.len() + 1);
            self.hosts.push(HostSpec::new(name.as_str()));
            return name;
        }
        let number = u32::try_from(self.switches.len() + 1).expect("at most MOST_NODES");
        let switch = self.add_switch(number);
        for _ in 0..fanout {
            let child = self.grow(depth - 1, fanout);
            self.join(switch.as_str(), child);
        }
        switch
    }

    pub(super) fn add_switch(&mut self, number: u32) -> String {
        let name = format!("s{number}");
        self.switches.push(SwitchSpec::new(name.as_str()));
        name
    }

    pub(super) fn join(&mut self, a: impl Into<String>, b: impl Into<String>) {
        self.links.push(LinkSpec::new(Endpoint::new(a), Endpoint::new(b)));
    }
}

impl HostSpec {
    /// A host with the default addresses.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ipv4: None,
            ipv6: None,
            mac: None,
            interfaces: Vec::new(),
            routes: Vec::new(),
            forward: false,
            limits: Limits::default(),
        }
    }
}

impl SwitchSpec {
    /// A switch with the default datapath id, kind and fail mode.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), label: None, dpid: None, kind: None, fail_mode: None }
    }
}

/// One switch with the given (host, port) pairs.
fn star(hosts: impl Iterator<Item = (u32, u32)>) -> Topology {
    let mut topology = Topology::default();
    let switch = topology.add_switch(1);
    for (host, port) in hosts {
        let name = format!("h{host}");
        topology.hosts.push(HostSpec::new(name.as_str()));
        topology.links.push(LinkSpec::new(Endpoint::new(name), Endpoint::at(switch.as_str(), port)));
    }
    topology
}

pub(super) fn fits(nodes: u64) -> Result<(), TopologyError> {
    if nodes > MOST_NODES {
        return Err(TopologyError::TooLarge { nodes, limit: MOST_NODES });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(topology: &Topology) -> String {
        let text = |link: &LinkSpec| format!("{}-{}", link.a, link.b);
        let all: Vec<_> = topology.links.iter().map(text).collect();
        all.join(" ")
    }

    #[test]
    fn shapes_are_numbered_as_mininet_numbers_them() {
        // Read off `mn --topo T` with its `net` command (Debian's mininet 2.3.0).
        let cases = [
            (Topology::minimal(), "h1-s1:1 h2-s1:2"),
            (Topology::reversed(3).unwrap(), "h1-s1:3 h2-s1:2 h3-s1:1"),
            (Topology::linear(3, 1).unwrap(), "h1-s1 h2-s2 s2-s1 h3-s3 s3-s2"),
            (Topology::linear(2, 2).unwrap(), "h1s1-s1 h2s1-s1 h1s2-s2 h2s2-s2 s2-s1"),
            (Topology::tree(2, 2).unwrap(), "s2-h1 s2-h2 s1-s2 s3-h3 s3-h4 s1-s3"),
        ];
        for (topology, expected) in cases {
            assert_eq!(links(&topology), expected);
        }
    }

    #[test]
    fn a_mistyped_number_does_not_fill_the_memory() {
        for result in [
            Topology::tree(60, 60),
            Topology::tree(u32::MAX, 2),
            Topology::single(u32::MAX),
            Topology::linear(u32::MAX, u32::MAX),
        ] {
            assert!(matches!(result, Err(TopologyError::TooLarge { .. })));
        }
        assert_eq!(Topology::tree(10, 2).unwrap().switches.len(), 1023);
    }
}
