//! The network as the controller sees it: switches, the links between them, and hosts.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openflow::{DatapathId, MacAddr, Port, PortNo};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::hosts::HostTable;

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
}

#[derive(Debug, Default)]
struct State {
    switches: BTreeMap<DatapathId, SwitchInfo>,
    /// Receiving port of a probe to the port that sent it, and when it was last heard.
    adjacent: HashMap<PortRef, (PortRef, Instant)>,
    hosts: HostTable,
}

impl Network {
    pub(crate) fn new() -> Network {
        Network { state: Arc::default(), version: Arc::new(watch::Sender::new(0)) }
    }

    /// The network now.
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let mut links: Vec<Link> =
            state.adjacent.iter().map(|(to, (from, _))| Link::new(*from, *to)).collect();
        links.sort_unstable();
        links.dedup();
        Snapshot {
            switches: state.switches.values().cloned().collect(),
            links,
            hosts: state.hosts.list(|port| state.adjacent.contains_key(&port)),
        }
    }

    /// Fires whenever the view has changed; the value is a version number.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Whether the switch is connected and all apps have handled its arrival.
    pub fn is_ready(&self, switch: DatapathId) -> bool {
        self.state().switches.get(&switch).is_some_and(|s| s.ready)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies `change`, which tells whether it changed anything.
    fn update(&self, change: impl FnOnce(&mut State) -> Changed) {
        let changed = change(&mut self.state());
        if changed == Changed::Yes {
            self.version.send_modify(|version| *version += 1);
        }
    }

    pub(crate) fn switch_up(&self, info: SwitchInfo) {
        self.update(|state| {
            state.switches.insert(info.id, info);
            Changed::Yes
        });
    }

    pub(crate) fn switch_ready(&self, id: DatapathId) {
        self.update(|state| match state.switches.get_mut(&id) {
            Some(info) => Changed::when(!std::mem::replace(&mut info.ready, true)),
            None => Changed::No,
        });
    }

    pub(crate) fn switch_down(&self, id: DatapathId) {
        self.update(|state| {
            state.adjacent.retain(|to, (from, _)| to.switch != id && from.switch != id);
            state.hosts.forget_switch(id);
            Changed::when(state.switches.remove(&id).is_some())
        });
    }

    /// The ports of a switch are now these. Links over ports that are down or gone go with them.
    pub(crate) fn ports(&self, id: DatapathId, ports: &[Port]) {
        self.update(|state| {
            let Some(info) = state.switches.get_mut(&id) else {
                return Changed::No;
            };
            let differ = info.ports != ports;
            info.ports = ports.to_vec();
            let lives =
                |end: &PortRef| end.switch != id || ports.iter().any(|p| p.number == end.port && p.is_up());
            state.adjacent.retain(|to, (from, _)| lives(to) && lives(from));
            Changed::when(differ)
        });
    }

    /// A probe that left through `from` arrived at `to`.
    pub(crate) fn adjacency(&self, from: PortRef, to: PortRef) {
        self.update(|state| {
            let before = state.adjacent.insert(to, (from, Instant::now()));
            Changed::when(before.is_none_or(|(old, _)| old != from))
        });
    }

    /// Links whose probes have not been heard for `age` are gone.
    pub(crate) fn expire_links(&self, age: Duration) {
        self.update(|state| {
            let before = state.adjacent.len();
            state.adjacent.retain(|_, (_, heard)| heard.elapsed() < age);
            Changed::when(state.adjacent.len() != before)
        });
    }

    /// A frame with this source address came in at `at`; its sender claims `address`, if any.
    pub(crate) fn host_heard(&self, mac: MacAddr, at: PortRef, address: Option<IpAddr>) {
        self.update(|state| state.hosts.heard(mac, at, address));
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
