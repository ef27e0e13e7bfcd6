//! What can be seen of a running network.

use std::collections::HashMap;
use std::sync::Arc;

use openflow::{DatapathId, MacAddr};

use crate::construction::interface_index;
use crate::topology::{Ipv4Net, Ipv6Net, LinkProperties, Node, Plan, PlannedEnd, PlannedLink, SwitchKind};

/// A network at one moment. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The testbed's name.
    pub name: Arc<str>,
    /// The hosts, as in the topology.
    pub hosts: Arc<[HostView]>,
    /// The switches, as in the topology.
    pub switches: Arc<[SwitchView]>,
    /// The links, as in the topology, with their state.
    pub links: Arc<[LinkView]>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostView {
    /// Its name.
    pub name: String,
    /// Its interfaces in the order of the links, `lo` left out.
    pub interfaces: Vec<InterfaceView>,
}

/// A host's interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceView {
    /// `h1-eth0`.
    pub name: String,
    /// What the kernel calls it: the same, or shortened to 15 bytes.
    pub kernel_name: String,
    /// The kernel's index of it.
    pub index: u32,
    /// Its MAC address.
    pub mac: MacAddr,
    /// Its IPv4 address, if it was given one.
    pub ipv4: Option<Ipv4Net>,
    /// Its IPv6 address, if it was given one.
    pub ipv6: Option<Ipv6Net>,
    /// The link that it is an end of: an index into [`Snapshot::links`].
    pub link: usize,
}

/// A switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchView {
    /// Its name.
    pub name: String,
    /// What the kernel calls its own interface: the name, or one shortened to 15 bytes.
    pub kernel_name: String,
    /// Its datapath id.
    pub dpid: DatapathId,
    /// What it is made of; never [`SwitchKind::Auto`].
    pub kind: SwitchKind,
    /// Whether it works: not after `switch s1 stop`.
    pub running: bool,
    /// Its ports in the order of the links.
    pub ports: Vec<PortView>,
}

/// A switch's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortView {
    /// The OpenFlow port number.
    pub number: u32,
    /// `s1-eth1`.
    pub name: String,
    /// What the kernel calls it: the same, or shortened to 15 bytes.
    pub kernel_name: String,
    /// The link that it is an end of: an index into [`Snapshot::links`].
    pub link: usize,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// No other link of this network has had it, and it stays when others come and go.
    pub number: usize,
    /// One end.
    pub a: EndView,
    /// The other end.
    pub b: EndView,
    /// Whether it carries traffic.
    pub state: LinkState,
    /// What it is made of.
    pub backend: LinkBackend,
    /// What it does to frames from `a` to `b`.
    pub a_to_b: LinkProperties,
    /// What it does to frames from `b` to `a`.
    pub b_to_a: LinkProperties,
}

/// What a link is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkBackend {
    /// One virtual Ethernet pair, as fast as the machine.
    Veth,
    /// Two pairs, between which this program carries the frames and shapes them.
    Userspace,
}

impl std::fmt::Display for LinkBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            LinkBackend::Veth => "veth",
            LinkBackend::Userspace => "userspace",
        })
    }
}

/// An end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndView {
    /// The host or switch.
    pub node: String,
    /// The switch's port number, or the n of the host's `eth`n.
    pub port: u32,
    /// `s1-eth1`.
    pub interface: String,
    /// What the kernel calls it.
    pub kernel_name: String,
}

/// Whether a link carries traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// Both ends are up.
    Up,
    /// An end is down.
    Down,
}

impl LinkView {
    /// Whether the link joins `a` and `b`, either way round.
    #[must_use]
    pub fn joins(&self, a: &str, b: &str) -> bool {
        let ends = (self.a.node.as_str(), self.b.node.as_str());
        ends == (a, b) || ends == (b, a)
    }
}

impl Snapshot {
    /// A network as planned; what was there `before` keeps its state.
    pub(crate) fn new(name: &str, plan: &Plan, kinds: &[SwitchKind], before: Option<&Snapshot>) -> Self {
        let stopped = |name: &str| {
            before.is_some_and(|view| view.switches.iter().any(|s| s.name == name && !s.running))
        };
        let mut hosts: Vec<_> = plan
            .hosts
            .iter()
            .map(|host| HostView { name: host.name.clone(), interfaces: Vec::new() })
            .collect();
        let mut switches: Vec<_> = plan
            .switches
            .iter()
            .zip(kinds)
            .map(|(switch, kind)| SwitchView {
                name: switch.name.clone(),
                kernel_name: switch.kernel_name.clone(),
                dpid: switch.dpid,
                kind: *kind,
                running: !stopped(&switch.name),
                ports: Vec::new(),
            })
            .collect();
        for (link, planned) in plan.links.iter().enumerate() {
            for (side, end) in planned.ends.iter().enumerate() {
                let (name, kernel_name) = (end.name.clone(), end.kernel_name.clone());
                match end.node {
                    Node::Host(i) => hosts[i].interfaces.push(InterfaceView {
                        name,
                        kernel_name,
                        index: interface_index(planned.number, side),
                        mac: end.mac.unwrap_or_default(),
                        ipv4: end.ipv4,
                        ipv6: end.ipv6,
                        link,
                    }),
                    Node::Switch(i) => {
                        switches[i].ports.push(PortView { number: end.port, name, kernel_name, link })
                    }
                }
            }
        }
        let view = |end: &PlannedEnd| EndView {
            node: end.node_name.clone(),
            port: end.port,
            interface: end.name.clone(),
            kernel_name: end.kernel_name.clone(),
        };
        let known: HashMap<usize, &LinkView> =
            before.iter().flat_map(|view| view.links.iter()).map(|link| (link.number, link)).collect();
        let links = plan.links.iter().map(|PlannedLink { number, ends: [a, b], shaped }| {
            let [a_to_b, b_to_a] = shaped.unwrap_or_default();
            let backend = if shaped.is_some() { LinkBackend::Userspace } else { LinkBackend::Veth };
            let (state, a_to_b, b_to_a) = match known.get(number) {
                Some(known) => (known.state, known.a_to_b, known.b_to_a),
                None => (LinkState::Down, a_to_b, b_to_a),
            };
            LinkView { number: *number, a: view(a), b: view(b), state, backend, a_to_b, b_to_a }
        });
        Self { name: name.into(), hosts: hosts.into(), switches: switches.into(), links: links.collect() }
    }
}
