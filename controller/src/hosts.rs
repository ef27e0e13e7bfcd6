//! Which host was heard where, and which addresses it owns.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use openflow::MacAddr;
use tokio::time::Instant;

use crate::network::{Changed, Host, PortRef};
use crate::packet::PacketIn;

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
        self.hosts.retain(|_, entry| {
            entry.sightings.retain(|(port, _)| !which(*port));
            !entry.sightings.is_empty()
        });
    }

    pub(crate) fn forget(&mut self, mac: MacAddr) {
        self.hosts.remove(&mac);
    }

    /// Hosts last heard so long ago.
    pub(crate) fn older_than(&self, age: Duration) -> Vec<MacAddr> {
        let is_old = |entry: &Entry| entry.sightings.iter().all(|(_, heard)| heard.elapsed() >= age);
        self.hosts.iter().filter(|(_, entry)| is_old(entry)).map(|(mac, _)| *mac).collect()
    }

    /// Who claims this address.
    pub(crate) fn owner(&self, address: IpAddr) -> Option<MacAddr> {
        let claims = self.hosts.iter().filter(|(_, entry)| entry.addresses.contains(&address));
        claims.map(|(mac, _)| *mac).min()
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

impl Entry {
    fn host(&self, mac: MacAddr, leads_on: impl Fn(PortRef) -> bool) -> Option<Host> {
        let attached = self.sightings.iter().rev().map(|(port, _)| *port).find(|port| !leads_on(*port))?;
        Some(Host { mac, addresses: self.addresses.iter().copied().collect(), attached: Some(attached) })
    }
}

/// The address that the packet's sender claims to own: the sender's of ARP (RFC 826), the source of a
/// neighbour solicitation or the target of a neighbour advertisement (RFC 4861 §4.3, §4.4).
pub(crate) fn claimed_address(packet: &PacketIn) -> Option<IpAddr> {
    const ARP: u16 = 0x0806;
    const IPV6: u16 = 0x86dd;
    let ethernet = packet.ethernet();
    let payload = packet.data.get(ethernet.header_len..)?;
    match ethernet.ethertype {
        ARP => arp_sender(payload).map(IpAddr::V4),
        IPV6 => neighbour(payload).map(IpAddr::V6),
        _ => None,
    }
}

fn arp_sender(arp: &[u8]) -> Option<Ipv4Addr> {
    const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
    if !arp.starts_with(&ETHERNET_IPV4) {
        return None;
    }
    let sender = Ipv4Addr::from(*arp.get(14..)?.first_chunk::<4>()?);
    (!sender.is_unspecified()).then_some(sender)
}

fn neighbour(ipv6: &[u8]) -> Option<Ipv6Addr> {
    const HEADER: usize = 40;
    const ICMPV6: u8 = 58;
    const SOLICITATION: u8 = 135;
    const ADVERTISEMENT: u8 = 136;
    if *ipv6.get(6)? != ICMPV6 {
        return None;
    }
    let address = |at: usize| Some(Ipv6Addr::from(*ipv6.get(at..)?.first_chunk::<16>()?));
    let owned = match *ipv6.get(HEADER)? {
        SOLICITATION => address(8)?,
        ADVERTISEMENT => address(HEADER + 8)?,
        _ => return None,
    };
    (!owned.is_unspecified() && !owned.is_multicast()).then_some(owned)
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
    fn the_arp_sender_is_read_only_from_whole_ethernet_arp() {
        let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 7];
        assert_eq!(arp_sender(&arp), Some(Ipv4Addr::new(10, 0, 0, 7)));
        assert_eq!(arp_sender(&arp[..17]), None);
        arp[1] = 6;
        assert_eq!(arp_sender(&arp), None);
    }
}
