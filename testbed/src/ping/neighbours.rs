//! Room in the kernel's neighbour table for many hosts that ping each other at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use rtnetlink::packet_route::RouteNetlinkMessage;

use super::Family;
use crate::host::Host;
use crate::netlink::{Intent, Netlink};
use crate::sandbox::NetNs;
use crate::wiring;

/// From so many pairs on, each of which needs an entry at both ends. The table holds 1024 for the
/// whole machine.
const MANY: usize = 128;

/// The places that were made, by pair.
pub(super) struct Places {
    hosts: Vec<(NetNs, HashMap<usize, RouteNetlinkMessage>)>,
}

/// Makes a place for each target of each host, where there are many. Places are an improvement,
/// not a need: where they cannot be made, the kernel does as well as it can.
pub(super) async fn make_room(hosts: &[Host], pairs: &[(usize, usize)], family: Family) -> Places {
    let mut places = Places { hosts: Vec::new() };
    if pairs.len() < MANY {
        return places;
    }
    let mut by_source: HashMap<usize, HashMap<usize, RouteNetlinkMessage>> = HashMap::new();
    for (pair, (from, to)) in pairs.iter().enumerate() {
        let Some(target) = family.address(&hosts[*to]) else {
            continue;
        };
        let on_link = hosts[*from].interfaces().iter().find(|interface| match target {
            IpAddr::V4(target) => interface.ipv4.is_some_and(|net| net.contains(target)),
            IpAddr::V6(target) => interface.ipv6.is_some_and(|net| net.contains(target)),
        });
        if let Some(index) = on_link.map(|interface| interface.index) {
            let message = wiring::neighbour(index, target);
            let request = RouteNetlinkMessage::NewNeighbour(message);
            by_source.entry(*from).or_default().insert(pair, request);
        }
    }
    for (from, requests) in by_source {
        let namespace = hosts[from].namespace.clone();
        ask(&namespace, requests.values().cloned().collect(), Intent::Create).await;
        places.hosts.push((namespace, requests));
    }
    places
}

impl Places {
    /// Takes the places of pairs without an answer away again; the others have become ordinary
    /// entries, as every ping leaves them.
    pub(super) async fn forget_lost(self, pairs: &[(usize, usize)], times: &[Option<Duration>]) {
        debug_assert_eq!(pairs.len(), times.len());
        for (namespace, requests) in self.hosts {
            let lost: Vec<_> = requests
                .into_iter()
                .filter(|(pair, _)| times[*pair].is_none())
                .filter_map(|(_, request)| match request {
                    RouteNetlinkMessage::NewNeighbour(message) => {
                        Some(RouteNetlinkMessage::DelNeighbour(message))
                    }
                    _ => None,
                })
                .collect();
            if !lost.is_empty() {
                ask(&namespace, lost, Intent::Change).await;
            }
        }
    }
}

async fn ask(namespace: &NetNs, requests: Vec<RouteNetlinkMessage>, intent: Intent) {
    let requests: Vec<_> = requests.into_iter().map(|r| (intent, r)).collect();
    let done =
        namespace.run(move || Netlink::open().and_then(|mut socket| socket.request_all(requests))).await;
    // An entry that exists already (EEXIST) is as good.
    if let Ok(Err(error)) = done {
        tracing::debug!(%error, "no places for neighbours");
    }
}
