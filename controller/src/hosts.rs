//! Which host was heard where, and which addresses it owns.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use openflow::MacAddr;
use tokio::time::Instant;

use crate::network::{Changed, Host, PortRef};

/// More hosts than this are not tracked: a host that forges addresses must not fill the memory.
const MAX_HOSTS: usize = 65_536;
/// Addresses tracked for one host, for the same reason.
const MAX_ADDRESSES: usize = 32;
/// Ports at which one host is remembered: those on the ways of its broadcasts.
const MAX_SIGHTINGS: usize = 64;

/// All hosts heard. A broadcast is heard on every switch that it crosses, at first before it is known
/// which ports lead to other switches: so every sighting is kept, and the host is attached at the
/// latest one that is at an edge port.
#[derive(Debug, Default)]
pub(crate) struct HostTable {
    hosts: HashMap<MacAddr, Entry>,
    /// Who claims an address.
    claims: HashMap<IpAddr, BTreeSet<MacAddr>>,
}

#[derive(Debug, Default)]
struct Entry {
    addresses: BTreeSet<IpAddr>,
    sightings: Vec<(PortRef, Instant)>,
}

impl HostTable {
    pub(crate) fn heard(&mut self, mac: MacAddr, at: PortRef, address: Option<IpAddr>) -> Changed {
        if !self.hosts.contains_key(&mac) && self.hosts.len() >= MAX_HOSTS {
            return Changed::No;
        }
        let entry = self.hosts.entry(mac).or_default();
        let new_address = address
            .is_some_and(|address| entry.addresses.len() < MAX_ADDRESSES && entry.addresses.insert(address));
        if let Some(address) = address.filter(|_| new_address) {
            self.claims.entry(address).or_default().insert(mac);
        }
        // The latest sighting stands last; only another place there is news.
        let moved = entry.sightings.last().is_none_or(|(port, _)| *port != at);
        entry.sightings.retain(|(port, _)| *port != at);
        if entry.sightings.len() >= MAX_SIGHTINGS {
            entry.sightings.remove(0);
        }
        entry.sightings.push((at, Instant::now()));
        Changed::when(new_address || moved)
    }

    /// Hosts were not heard at these ports, or are not there any more.
    pub(crate) fn forget_ports(&mut self, which: impl Fn(PortRef) -> bool) {
        let (hosts, claims) = (&mut self.hosts, &mut self.claims);
        hosts.retain(|mac, entry| {
            entry.sightings.retain(|(port, _)| !which(*port));
            let is_left = !entry.sightings.is_empty();
            if !is_left {
                withdraw(claims, *mac, entry);
            }
            is_left
        });
    }

    pub(crate) fn forget(&mut self, mac: MacAddr) {
        if let Some(entry) = self.hosts.remove(&mac) {
            withdraw(&mut self.claims, mac, &entry);
        }
    }

    /// Hosts last heard so long ago.
    pub(crate) fn older_than(&self, age: Duration) -> Vec<MacAddr> {
        let is_old = |entry: &Entry| entry.sightings.iter().all(|(_, heard)| heard.elapsed() >= age);
        self.hosts.iter().filter(|(_, entry)| is_old(entry)).map(|(mac, _)| *mac).collect()
    }

    /// Who claims this address.
    pub(crate) fn owner(&self, address: IpAddr) -> Option<MacAddr> {
        self.claims.get(&address).and_then(BTreeSet::first).copied()
    }

    /// A host, if it was heard at an edge: `leads_on` tells the ports that lead to other switches.
    pub(crate) fn get(&self, mac: MacAddr, leads_on: impl Fn(PortRef) -> bool) -> Option<Host> {
        self.hosts.get(&mac).and_then(|entry| entry.host(mac, leads_on))
    }

    /// All hosts that were heard at an edge, by address.
    pub(crate) fn list(&self, leads_on: impl Fn(PortRef) -> bool) -> Vec<Host> {
        let mut hosts: Vec<Host> =
            self.hosts.iter().filter_map(|(mac, entry)| entry.host(*mac, &leads_on)).collect();
        hosts.sort_unstable_by_key(|host| host.mac);
        hosts
    }
}

/// A host that is forgotten claims nothing any more.
fn withdraw(claims: &mut HashMap<IpAddr, BTreeSet<MacAddr>>, mac: MacAddr, entry: &Entry) {
    for address in &entry.addresses {
        if let Some(claimants) = claims.get_mut(address) {
            claimants.remove(&mac);
            if claimants.is_empty() {
                claims.remove(address);
            }
        }
    }
}

impl Entry {
    fn host(&self, mac: MacAddr, leads_on: impl Fn(PortRef) -> bool) -> Option<Host> {
        let attached = self.sightings.iter().rev().map(|(port, _)| *port).find(|port| !leads_on(*port))?;
        Some(Host { mac, addresses: self.addresses.iter().copied().collect(), attached: Some(attached) })
    }
}

#[cfg(test)]
mod tests {
    use openflow::{DatapathId, PortNo};

    use super::*;

    fn port(switch: u64, port: u32) -> PortRef {
        PortRef { switch: DatapathId(switch), port: PortNo(port) }
    }

    #[test]
    fn a_host_is_attached_where_it_was_last_heard_at_an_edge() {
        let mac = MacAddr([2, 0, 0, 0, 0, 1]);
        let mut table = HostTable::default();
        assert_eq!(table.heard(mac, port(1, 1), None), Changed::Yes);
        assert_eq!(table.heard(mac, port(1, 1), None), Changed::No);
        table.heard(mac, port(2, 3), None);
        let at_edge = |table: &HostTable| table.list(|p| p == port(2, 3))[0].attached;
        assert_eq!(at_edge(&table), Some(port(1, 1)), "2:3 leads to another switch");
        table.heard(mac, port(3, 7), None);
        assert_eq!(at_edge(&table), Some(port(3, 7)), "the host has moved");
        table.forget_ports(|port| port.switch == DatapathId(3));
        assert_eq!(at_edge(&table), Some(port(1, 1)));
    }

    #[test]
    fn an_address_is_that_of_the_lowest_of_those_who_claim_it_and_are_there() {
        let (one, two) = (MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2]));
        let address = IpAddr::from([10, 0, 0, 7]);
        let mut table = HostTable::default();
        table.heard(two, port(1, 2), Some(address));
        assert_eq!(table.owner(address), Some(two));
        table.heard(one, port(1, 1), Some(address));
        assert_eq!(table.owner(address), Some(one));
        table.forget_ports(|at| at == port(1, 1));
        assert_eq!(table.owner(address), Some(two));
        table.forget(two);
        assert_eq!((table.owner(address), table.claims.len()), (None, 0));
    }
}
