//! A topology with everything filled in: ports, interface names, addresses.

use std::collections::{HashMap, HashSet};

use openflow::{DatapathId, MacAddr};

use super::{
    Endpoint, FailMode, Ipv4Net, Ipv6Net, Limits, LinkProperties, Route, SwitchKind, Topology, TopologyError,
};

/// The longest name of an interface, in bytes (`IFNAMSIZ` less its NUL).
const LONGEST_KERNEL_NAME: usize = 15;

/// An index into the plan's hosts or switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Host(usize),
    Switch(usize),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) hosts: Vec<PlannedHost>,
    pub(crate) switches: Vec<PlannedSwitch>,
    pub(crate) links: Vec<PlannedLink>,
    /// What the next link and the next switch are numbered.
    next: (usize, usize),
    names: KernelNames,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedHost {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) forward: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedSwitch {
    pub(crate) name: String,
    /// No other switch of this network has had it.
    pub(crate) number: usize,
    /// The name of its own interface in the fabric: the bridge's.
    pub(crate) kernel_name: String,
    pub(crate) dpid: DatapathId,
    pub(crate) kind: Option<SwitchKind>,
    pub(crate) fail_mode: Option<FailMode>,
}

#[derive(Debug, Clone)]
pub(crate) struct PlannedLink {
    /// No other link of this network has had it.
    pub(crate) number: usize,
    pub(crate) ends: [PlannedEnd; 2],
    /// What it does, from its first end and from its second; `None` for a plain one.
    pub(crate) shaped: Option<[LinkProperties; 2]>,
}

/// One end of a link: an interface.
#[derive(Debug, Clone)]
pub(crate) struct PlannedEnd {
    pub(crate) node: Node,
    pub(crate) node_name: String,
    pub(crate) port: u32,
    /// `s1-eth1`.
    pub(crate) name: String,
    /// The same where it fits into 15 bytes, else a shortened one that is unique.
    pub(crate) kernel_name: String,
    /// Given to hosts' interfaces only; the kernel draws a switch's.
    pub(crate) mac: Option<MacAddr>,
    pub(crate) ipv4: Option<Ipv4Net>,
    pub(crate) ipv6: Option<Ipv6Net>,
    /// The host's routes that leave by it.
    pub(crate) routes: Vec<Route>,
}

impl Topology {
    /// Validates, and fills in what was left out.
    pub(crate) fn plan(&self) -> Result<Plan, TopologyError> {
        self.plan_after(&Plan::default())
    }

    /// [`plan`](Self::plan) for a network that runs as `before` says: what is in both keeps its number, its names and its
    /// addresses.
    pub(crate) fn plan_after(&self, before: &Plan) -> Result<Plan, TopologyError> {
        self.validate()?;
        let mut plan = Plan { next: before.next, names: before.names.clone(), ..Plan::default() };
        plan.hosts = (self.hosts.iter())
            .map(|host| PlannedHost { name: host.name.clone(), limits: host.limits, forward: host.forward })
            .collect();
        let known: HashMap<_, _> = before.switches.iter().map(|switch| (&switch.name, switch)).collect();
        for switch in &self.switches {
            let (number, kernel_name) = match known.get(&switch.name) {
                Some(known) => (known.number, known.kernel_name.clone()),
                None => {
                    plan.next.1 += 1;
                    (plan.next.1 - 1, plan.names.fit(Named::Switch, &switch.name))
                }
            };
            plan.switches.push(PlannedSwitch {
                name: switch.name.clone(),
                number,
                kernel_name,
                dpid: switch.datapath_id()?,
                kind: switch.kind,
                fail_mode: switch.fail_mode,
            });
        }
        self.plan_links(&mut plan, before);
        Ok(plan)
    }

    fn plan_links(&self, plan: &mut Plan, before: &Plan) {
        let identity = |ends: &[PlannedEnd; 2]| ends.clone().map(|end| end.name);
        let known: HashMap<_, _> = before.links.iter().map(|link| (identity(&link.ends), link)).collect();
        let mut ports = Ports::new(self);
        let places: Vec<_> =
            self.links.iter().map(|link| [&link.a, &link.b].map(|end| (end, ports.take(end)))).collect();
        let kept = |[a, b]: &[(&Endpoint, (Node, u32)); 2]| {
            known.get(&[a, b].map(|(end, (_, port))| interface_name(end, *port))).copied()
        };
        let is_first = |node: Node, port| match node {
            Node::Host(i) => self.hosts[i].interface(port).is_none(),
            Node::Switch(_) => false,
        };
        // A host's addresses are those of the first interface that it ever had, while it has that; interfaces that have
        // addresses of their own do not count.
        let mut addressed: HashSet<Node> = (places.iter())
            .filter_map(|place| Some((place, kept(place)?)))
            .flat_map(|(place, link)| place.iter().zip(&link.ends))
            .filter(|((_, (node, port)), end)| end.ipv4.is_some() && is_first(*node, *port))
            .map(|((_, (node, _)), _)| *node)
            .collect();
        for (link, place) in self.links.iter().zip(&places) {
            if let Some(known) = kept(place) {
                let mut kept = known.clone();
                for (end, (_, (node, _))) in kept.ends.iter_mut().zip(place) {
                    end.node = *node;
                }
                plan.links.push(kept);
                continue;
            }
            let ends = place.map(|(end, (node, port))| self.end(end, node, port, plan, &mut addressed));
            let shaped = link.is_shaped().then_some([link.a_to_b, link.b_to_a]);
            plan.links.push(PlannedLink { number: plan.next.0, ends, shaped });
            plan.next.0 += 1;
        }
    }

    /// The end of a new link.
    fn end(
        &self,
        end: &Endpoint,
        node: Node,
        port: u32,
        plan: &mut Plan,
        addressed: &mut HashSet<Node>,
    ) -> PlannedEnd {
        let name = interface_name(end, port);
        let (mac, ipv4, ipv6, routes) = match node {
            Node::Switch(_) => (None, None, None, Vec::new()),
            Node::Host(i) => {
                let host = &self.hosts[i];
                let further = || Some(further_mac(host.mac_address(i), port));
                match host.interface(port) {
                    Some(own) => {
                        (own.mac.or_else(further), own.ipv4, own.ipv6, host.routes_by(i, Some(port)))
                    }
                    None if addressed.insert(node) => {
                        let (ipv4, ipv6) = (host.address(i), host.ipv6_address(i));
                        (Some(host.mac_address(i)), Some(ipv4), Some(ipv6), host.routes_by(i, None))
                    }
                    None => (further(), None, None, Vec::new()),
                }
            }
        };
        let kernel_name = plan.names.fit(Named::Interface, &name);
        PlannedEnd { node, node_name: end.node.clone(), port, kernel_name, name, mac, ipv4, ipv6, routes }
    }
}

fn interface_name(end: &Endpoint, port: u32) -> String {
    format!("{}-eth{port}", end.node)
}

/// A locally administered address for a host's further interface, from its first one's.
fn further_mac(first: MacAddr, port: u32) -> MacAddr {
    let [_, _, _, d, e, f] = first.0;
    let [.., high, low] = port.to_be_bytes();
    MacAddr([0x02, high, low, d, e, f])
}

/// Gives out ports: the asked-for ones are kept free, the others count up.
struct Ports<'a> {
    nodes: HashMap<&'a str, Node>,
    asked: HashSet<(&'a str, u32)>,
    next: HashMap<Node, u32>,
}

impl<'a> Ports<'a> {
    fn new(topology: &'a Topology) -> Self {
        let hosts = (topology.hosts.iter().enumerate()).map(|(i, h)| (h.name.as_str(), Node::Host(i)));
        let switches =
            (topology.switches.iter().enumerate()).map(|(i, s)| (s.name.as_str(), Node::Switch(i)));
        let ends = topology.links.iter().flat_map(|link| [&link.a, &link.b]);
        Self {
            nodes: hosts.chain(switches).collect(),
            asked: ends.filter_map(|end| Some((end.node.as_str(), end.port?))).collect(),
            next: HashMap::new(),
        }
    }

    fn take(&mut self, endpoint: &Endpoint) -> (Node, u32) {
        let node = self.nodes[endpoint.node.as_str()];
        if let Some(port) = endpoint.port {
            return (node, port);
        }
        let next = self.next.entry(node).or_insert(match node {
            Node::Host(_) => 0,
            Node::Switch(_) => 1,
        });
        while self.asked.contains(&(endpoint.node.as_str(), *next)) {
            *next += 1;
        }
        *next += 1;
        (node, *next - 1)
    }
}

/// Names as the kernel can bear them, each once; who comes again gets the same.
#[derive(Debug, Clone, Default)]
struct KernelNames {
    given: HashMap<(Named, String), String>,
    taken: HashSet<String>,
    shortened: usize,
}

/// A switch may be called as another's interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    Switch,
    Interface,
}

impl KernelNames {
    /// `~` cannot be in a node's name, so a shortened name is never somebody's full one.
    fn fit(&mut self, what: Named, name: &str) -> String {
        let key = (what, name.to_owned());
        if let Some(given) = self.given.get(&key) {
            return given.clone();
        }
        let given = if name.len() <= LONGEST_KERNEL_NAME && self.taken.insert(name.to_owned()) {
            name.to_owned()
        } else {
            self.shortened += 1;
            let tail = format!("~{:x}", self.shortened);
            let head = &name[..name.len().min(LONGEST_KERNEL_NAME - tail.len())];
            format!("{head}{tail}")
        };
        self.given.insert(key, given.clone());
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(topology: &Topology) -> Vec<(String, u32)> {
        let plan = topology.plan().unwrap();
        let all = plan.links.into_iter().flat_map(|link| link.ends);
        all.map(|end| (end.name, end.port)).collect()
    }

    #[test]
    fn ports_are_given_in_the_order_of_links() {
        let found = ends(&Topology::tree(2, 2).unwrap());
        let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
        let expected = "s2-eth1 h1-eth0 s2-eth2 h2-eth0 s1-eth1 s2-eth3 \
                        s3-eth1 h3-eth0 s3-eth2 h4-eth0 s1-eth2 s3-eth3";
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn ports_that_were_asked_for_are_kept_free() {
        let mut topology = Topology::single(3).unwrap();
        topology.links[0].b.port = None;
        topology.links[1].b.port = Some(1);
        topology.links[2].b.port = None;
        let ports: Vec<_> = ends(&topology).iter().skip(1).step_by(2).map(|e| e.1).collect();
        assert_eq!(ports, [2, 1, 3]);
    }

    #[test]
    fn long_names_stay_and_get_short_unique_ones_for_the_kernel() {
        let mut topology = Topology::single(2).unwrap();
        let long = "building-7-floor-3-switch-1";
        topology.switches[0].name = long.into();
        for link in &mut topology.links {
            link.b.node = long.into();
        }
        let plan = topology.plan().unwrap();
        assert_eq!(plan.links[1].ends[1].name, format!("{long}-eth2"));
        let mut kernel: Vec<_> = plan.links.iter().map(|l| &l.ends[1].kernel_name).collect();
        kernel.push(&plan.switches[0].kernel_name);
        assert!(kernel.iter().all(|name| name.len() <= 15));
        kernel.sort();
        kernel.dedup();
        assert_eq!(kernel.len(), 3);
    }

    #[test]
    fn default_addresses_count_past_a_byte() {
        let plan = Topology::single(300).unwrap().plan().unwrap();
        let last = &plan.links[299].ends[0];
        assert_eq!(last.ipv4.unwrap().to_string(), "10.0.1.44/8");
        assert_eq!(last.ipv6.unwrap().to_string(), "fd00::12c/64");
        assert_eq!(last.mac.unwrap().to_string(), "00:00:00:00:01:2c");
    }
}
