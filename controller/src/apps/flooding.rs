//! Broadcasts over a network with loops.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::Duration;

use openflow::{Action, Actions, PortNo};
use tokio::time::Instant;

use crate::{PacketIn, Switch};

/// Sends frames everywhere once: along a spanning tree of the links, and, until these are found, no frame that comes to the
/// switch a second time by another port.
#[derive(Debug, Default)]
pub(super) struct Flooding {
    /// Frames flooded a short while ago, by hash: where each came in, and when.
    flooded: HashMap<u64, (PortNo, Instant)>,
    hasher: foldhash::fast::RandomState,
}

/// For so long the same frame by another port is taken for the same packet.
const ECHO: Duration = Duration::from_secs(1);
/// Frames that are remembered at one time.
const MAX_FLOODED: usize = 16_384;

impl Flooding {
    /// Out of all ports that are up and on the spanning tree, or lead to hosts.
    pub(super) fn flood(&mut self, switch: &Switch, packet: &PacketIn) -> Actions {
        let in_port = packet.in_port();
        let topology = switch.network().topology();
        let blocked = topology.blocked_ports(switch.id());
        if blocked.contains(&in_port) || !self.is_first(packet) {
            return Actions::new();
        }
        switch
            .ports()
            .iter()
            .filter(|port| port.number.is_ordinary() && port.is_up() && port.number != in_port)
            .filter(|port| !blocked.contains(&port.number))
            .map(|port| Action::output(port.number))
            .collect()
    }

    /// Whether the frame did not come in by another port a moment ago.
    fn is_first(&mut self, packet: &PacketIn) -> bool {
        let now = Instant::now();
        if self.flooded.len() >= MAX_FLOODED {
            self.flooded.retain(|_, (_, at)| now.duration_since(*at) < ECHO);
        }
        if self.flooded.len() >= MAX_FLOODED {
            self.flooded.clear();
        }
        let key = self.hasher.hash_one(&packet.data[..]);
        match self.flooded.get(&key) {
            Some((port, at)) if *port != packet.in_port() && now.duration_since(*at) < ECHO => false,
            _ => {
                self.flooded.insert(key, (packet.in_port(), now));
                true
            }
        }
    }
}
