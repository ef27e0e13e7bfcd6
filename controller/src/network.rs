//! The network as the controller sees it: switches, the links between them, and hosts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openflow::{DatapathId, MacAddr, Port, PortNo};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::event::NetworkEvent;
use crate::hosts::HostTable;
use crate::paths::Topology;

/// Events that a slow receiver may be behind before it loses some.
const MAX_BEHIND: usize = 4096;

/// A port of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRef {
    /// The switch.
    pub switch: DatapathId,
    /// Its port.
    pub port: PortNo,
}

/// A link between two switches, found by LLDP in at least one direction. `a < b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The end with the smaller datapath id.
    pub a: PortRef,
    /// The other end.
    pub b: PortRef,
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} of {}", self.port, self.switch)
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.a, self.b)
    }
}

/// A connected switch.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchInfo {
    /// Datapath id.
    pub id: DatapathId,
    /// Where it connected from.
    pub peer: String,
    /// Whether all apps have handled its arrival.
    pub ready: bool,
    /// Its ports, by number.
    pub ports: Vec<Port>,
}

/// A host that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its Ethernet address.
    pub mac: MacAddr,
    /// Addresses that it was heard to own (ARP, RFC 826; NDP, RFC 4861), IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// Where it was last heard, not counting ports that lead to other switches.
    pub attached: Option<PortRef>,
}

/// All of it at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// By datapath id.
    pub switches: Vec<SwitchInfo>,
    /// In order.
    pub links: Vec<Link>,
    /// By Ethernet address.
    pub hosts: Vec<Host>,
}

/// A view that is always current. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    state: Arc<Mutex<State>>,
    version: Arc<watch::Sender<u64>>,
    events: broadcast::Sender<NetworkEvent>,
}

#[derive(Debug, Default)]
struct State {
    switches: BTreeMap<DatapathId, SwitchInfo>,
    /// Receiving port of a probe to the port that sent it, and when it was last heard.
    adjacent: HashMap<PortRef, (PortRef, Instant)>,
    /// Ports at either end of a link.
    inner: HashSet<PortRef>,
    hosts: HostTable,
    /// Made when it is asked for; gone when switches or links change.
    topology: Option<Arc<Topology>>,
}

impl State {
    fn links(&self) -> Vec<Link> {
        let mut links: Vec<Link> =
            self.adjacent.iter().map(|(to, (from, _))| Link::new(*from, *to)).collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    fn leads_on(&self, port: PortRef) -> bool {
        self.inner.contains(&port)
    }

    fn hosts(&self) -> Vec<Host> {
        self.hosts.list(|port| self.leads_on(port))
    }

    fn host(&self, mac: MacAddr) -> Option<Host> {
        self.hosts.get(mac, |port| self.leads_on(port))
    }

    /// Applies a change of links or switches; what it means for links and hosts.
    fn restructure(&mut self, change: impl FnOnce(&mut State)) -> Vec<NetworkEvent> {
        let (links, hosts) = (self.links(), self.hosts());
        change(self);
        self.topology = None;
        let links_now = self.links();
        self.inner = links_now.iter().flat_map(|link| [link.a, link.b]).collect();
        let gone: Vec<Link> =
            links.iter().filter(|link| links_now.binary_search(link).is_err()).copied().collect();
        // What was heard over a link was not heard at an edge, even if the port is one now.
        let was_inside: HashSet<PortRef> =
            gone.iter().flat_map(|link| [link.a, link.b]).filter(|port| !self.leads_on(*port)).collect();
        self.hosts.forget_ports(|port| was_inside.contains(&port));
        let hosts_now = self.hosts();
        let new = |link: &&Link| links.binary_search(link).is_err();
        let mut events: Vec<NetworkEvent> = gone.into_iter().map(NetworkEvent::LinkDown).collect();
        events.extend(links_now.iter().filter(new).copied().map(NetworkEvent::LinkUp));
        let of = |hosts: &[Host], mac| hosts.binary_search_by_key(&mac, |host: &Host| host.mac).ok();
        for host in &hosts {
            match of(&hosts_now, host.mac).map(|at| &hosts_now[at]) {
                None => events.push(NetworkEvent::HostGone(host.clone())),
                Some(now) => events.extend(NetworkEvent::moved(host.attached, now)),
            }
        }
        let appeared = hosts_now.iter().filter(|host| of(&hosts, host.mac).is_none());
        events.extend(appeared.cloned().map(NetworkEvent::HostSeen));
        events
    }
}

impl NetworkEvent {
    /// What it means that a host is attached so now, where it was attached there before.
    fn moved(before: Option<PortRef>, host: &Host) -> Option<NetworkEvent> {
        match before {
            None => Some(NetworkEvent::HostSeen(host.clone())),
            Some(from) if host.attached != Some(from) => {
                Some(NetworkEvent::HostMoved { host: host.clone(), from })
            }
            Some(_) => None,
        }
    }
}

impl Network {
    pub(crate) fn new() -> Network {
        Network {
            state: Arc::default(),
            version: Arc::new(watch::Sender::new(0)),
            events: broadcast::Sender::new(MAX_BEHIND),
        }
    }

    /// The network now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        Snapshot {
            switches: state.switches.values().cloned().collect(),
            links: state.links(),
            hosts: state.hosts(),
        }
    }

    /// The links between switches now, in order.
    pub fn links(&self) -> Vec<Link> {
        self.state().links()
    }

    /// The switches and links now, to find ways over. All who ask share one until it changes.
    pub fn topology(&self) -> Arc<Topology> {
        let mut state = self.state();
        if let Some(topology) = &state.topology {
            return topology.clone();
        }
        let topology = Arc::new(Topology::new(state.switches.keys().copied(), state.links()));
        state.topology = Some(topology.clone());
        topology
    }

    /// A host, where it was heard at an edge.
    pub fn host(&self, mac: MacAddr) -> Option<Host> {
        self.state().host(mac)
    }

    /// The host that owns this address, as far as was heard. Of several that claim it, the one with the
    /// lowest Ethernet address.
    pub fn host_with(&self, address: IpAddr) -> Option<Host> {
        let state = self.state();
        let mac = state.hosts.owner(address)?;
        state.host(mac)
    }

    /// Whether a link to another switch is known at this port.
    pub fn leads_on(&self, port: PortRef) -> bool {
        self.state().leads_on(port)
    }

    /// Fires whenever the view has changed; the value is a version number.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// What changes from now on. A receiver that is more than some thousand events behind loses the
    /// oldest.
    pub fn events(&self) -> broadcast::Receiver<NetworkEvent> {
        self.events.subscribe()
    }

    /// Whether the switch is connected and all apps have handled its arrival.
    pub fn is_ready(&self, switch: DatapathId) -> bool {
        self.state().switches.get(&switch).is_some_and(|s| s.ready)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies `change`, which returns what has become of the view: nothing where it is as it was.
    fn update(&self, change: impl FnOnce(&mut State) -> Option<Vec<NetworkEvent>>) {
        let mut state = self.state();
        let Some(events) = change(&mut state) else { return };
        for event in events {
            // Nobody may be listening. Sent under the lock, so that the order is that of the changes.
            let _ = self.events.send(event);
        }
        drop(state);
        self.version.send_modify(|version| *version += 1);
    }

    pub(crate) fn switch_up(&self, info: SwitchInfo) {
        self.update(|state| {
            let id = info.id;
            state.switches.insert(id, info);
            state.topology = None;
            Some(vec![NetworkEvent::SwitchUp(id)])
        });
    }

    pub(crate) fn switch_ready(&self, id: DatapathId) {
        self.update(|state| {
            let info = state.switches.get_mut(&id)?;
            (!std::mem::replace(&mut info.ready, true)).then(|| vec![NetworkEvent::SwitchReady(id)])
        });
    }

    pub(crate) fn switch_down(&self, id: DatapathId) {
        self.update(|state| {
            state.switches.remove(&id)?;
            let mut events = state.restructure(|state| {
                state.adjacent.retain(|to, (from, _)| to.switch != id && from.switch != id);
                state.hosts.forget_ports(|port| port.switch == id);
            });
            events.push(NetworkEvent::SwitchDown(id));
            Some(events)
        });
    }

    /// The ports of a switch, by number, are now these. Links over ports that are down or gone go with them, and so do the hosts
    /// that are attached there.
    pub(crate) fn ports(&self, id: DatapathId, ports: Vec<Port>) {
        self.update(|state| {
            let info = state.switches.get_mut(&id)?;
            if info.ports == ports {
                return None;
            }
            let lives = |number| {
                let at = ports.binary_search_by_key(&number, |port| port.number);
                at.is_ok_and(|at| ports[at].is_up())
            };
            let lost: BTreeSet<PortRef> = info
                .ports
                .iter()
                .filter(|port| port.is_up() && !lives(port.number))
                .map(|port| PortRef { switch: id, port: port.number })
                .collect();
            info.ports = ports;
            Some(match lost.is_empty() {
                true => Vec::new(),
                false => state.restructure(|state| {
                    state.adjacent.retain(|to, (from, _)| !lost.contains(to) && !lost.contains(from));
                    state.hosts.forget_ports(|port| lost.contains(&port));
                }),
            })
        });
    }

    /// A probe that left through `from` arrived at `to`.
    pub(crate) fn adjacency(&self, from: PortRef, to: PortRef) {
        // Whoever is at the port has sent the probe back: that is no link.
        if from == to {
            return;
        }
        self.update(|state| {
            let now = Instant::now();
            match state.adjacent.get_mut(&to) {
                Some((known, heard)) if *known == from => {
                    *heard = now;
                    None
                }
                _ => Some(state.restructure(|state| {
                    state.adjacent.insert(to, (from, now));
                })),
            }
        });
    }

    /// Links whose probes have not been heard for `age` are gone.
    pub(crate) fn expire_links(&self, age: Duration) {
        self.update(|state| {
            let old = |heard: &Instant| heard.elapsed() >= age;
            state
                .adjacent
                .values()
                .any(|(_, heard)| old(heard))
                .then(|| state.restructure(|state| state.adjacent.retain(|_, (_, heard)| !old(heard))))
        });
    }

    /// Hosts that were not heard for `age` are gone.
    pub(crate) fn expire_hosts(&self, age: Duration) {
        self.update(|state| {
            let gone: Vec<NetworkEvent> = state
                .hosts
                .older_than(age)
                .into_iter()
                .filter_map(|mac| {
                    let host = state.host(mac);
                    state.hosts.forget(mac);
                    host.map(NetworkEvent::HostGone)
                })
                .collect();
            (!gone.is_empty()).then_some(gone)
        });
    }

    /// A frame with this source address came in at `at`; its sender claims `address`, if any.
    pub(crate) fn host_heard(&self, mac: MacAddr, at: PortRef, address: Option<IpAddr>) {
        self.update(|state| {
            let before = state.host(mac);
            if state.hosts.heard(mac, at, address) == Changed::No {
                return None;
            }
            let event = state.host(mac).and_then(|host| {
                let attached = before.as_ref().and_then(|before| before.attached);
                let claims = before.is_some_and(|before| before.addresses != host.addresses);
                NetworkEvent::moved(attached, &host)
                    .or_else(|| claims.then_some(NetworkEvent::HostClaims(host)))
            });
            Some(event.into_iter().collect())
        });
    }
}

/// Whether a view has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    No,
}

impl Changed {
    pub(crate) fn when(condition: bool) -> Changed {
        if condition { Changed::Yes } else { Changed::No }
    }
}

impl Link {
    /// A link between these ends, in the order of the type's promise.
    pub fn new(one: PortRef, other: PortRef) -> Link {
        Link { a: one.min(other), b: one.max(other) }
    }
}

#[cfg(test)]
mod tests {
    use openflow::msg::port::PortConfig;

    use super::*;

    const HOST: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    fn at(switch: u64, port: u32) -> PortRef {
        PortRef { switch: DatapathId(switch), port: PortNo(port) }
    }

    fn port(number: u32) -> Port {
        Port { number: PortNo(number), ..Port::default() }
    }

    /// Switches 1 and 2, a link between their ports 2, and a host at port 1 of switch 1 that was heard at both.
    fn network() -> Network {
        let network = Network::new();
        for id in [1, 2].map(DatapathId) {
            let ports = vec![port(1), port(2)];
            network.switch_up(SwitchInfo { id, peer: String::new(), ready: true, ports });
        }
        network.adjacency(at(1, 2), at(2, 2));
        network.adjacency(at(2, 2), at(1, 2));
        network.host_heard(HOST, at(1, 1), None);
        network.host_heard(HOST, at(2, 2), None);
        network
    }

    fn place(network: &Network) -> Option<PortRef> {
        network.host(HOST).and_then(|host| host.attached)
    }

    #[test]
    fn a_host_keeps_its_place_when_a_link_that_its_frames_took_is_gone() {
        let network = network();
        assert_eq!(place(&network), Some(at(1, 1)));
        network.ports(DatapathId(2), vec![port(1)]);
        assert!(network.snapshot().links.is_empty());
        assert_eq!(place(&network), Some(at(1, 1)), "it was not heard at an edge of switch 2");
        // A frame that was on its way: the port is down, as its switch is about to say.
        network.host_heard(HOST, at(1, 2), None);
        network.ports(DatapathId(1), vec![port(1)]);
        assert_eq!(place(&network), Some(at(1, 1)));
    }

    #[test]
    fn an_address_more_is_told() {
        let network = network();
        let mut events = network.events();
        let address = IpAddr::from([10, 0, 0, 1]);
        for _ in 0..2 {
            network.host_heard(HOST, at(1, 1), Some(address));
        }
        let Ok(NetworkEvent::HostClaims(host)) = events.try_recv() else { panic!("it is news") };
        assert_eq!(host.addresses, [address]);
        assert!(events.try_recv().is_err(), "once");
    }

    #[test]
    fn a_host_is_gone_with_its_port() {
        let network = network();
        let mut events = network.events();
        let mut down = port(1);
        down.config = PortConfig::PORT_DOWN;
        network.ports(DatapathId(1), vec![down, port(2)]);
        assert_eq!(place(&network), None);
        assert!(matches!(events.try_recv(), Ok(NetworkEvent::HostGone(host)) if host.mac == HOST));
        assert_eq!(network.snapshot().links.len(), 1);
    }

    #[test]
    fn nobody_is_attached_to_an_end_of_a_link_that_was_found_in_one_direction() {
        let network = Network::new();
        network.adjacency(at(1, 2), at(2, 2));
        network.host_heard(HOST, at(1, 2), None);
        assert!(network.leads_on(at(1, 2)) && network.leads_on(at(2, 2)));
        assert_eq!(place(&network), None, "its frames came over the link");
    }

    #[test]
    fn the_topology_is_shared_until_it_changes() {
        let network = network();
        let before = network.topology();
        network.host_heard(HOST, at(1, 1), None);
        assert!(Arc::ptr_eq(&before, &network.topology()));
        network.ports(DatapathId(2), vec![port(1)]);
        assert_eq!(before.next_port(DatapathId(1), DatapathId(2)), Some(PortNo(2)));
        assert_eq!(network.topology().next_port(DatapathId(1), DatapathId(2)), None);
        let two = network.topology();
        network.switch_up(SwitchInfo {
            id: DatapathId(3),
            peer: String::new(),
            ready: true,
            ports: Vec::new(),
        });
        let three = network.topology();
        assert!(!Arc::ptr_eq(&two, &three));
        network.switch_down(DatapathId(3));
        assert!(!Arc::ptr_eq(&three, &network.topology()));
    }

    #[test]
    fn a_probe_that_comes_back_where_it_left_is_no_link() {
        let network = network();
        network.adjacency(at(1, 1), at(1, 1));
        assert_eq!(network.snapshot().links, [Link::new(at(1, 2), at(2, 2))]);
        assert_eq!(place(&network), Some(at(1, 1)));
    }
}
