//! The ports of a switch: how they are configured, what they have counted (OF 1.3.5 §4, §7.3.4.3).

use std::collections::BTreeMap;
use std::time::Instant;

use crate::error::PortModFailed;
use crate::ids::PortNo;
use crate::msg::port::{Port, PortConfig, PortMod, PortState, PortStatus, PortStatusReason};
use crate::multipart::PortStats;

#[derive(Debug)]
struct Entry {
    port: Port,
    stats: PortStats,
    since: Instant,
}

/// The ports of a switch.
#[derive(Debug, Default)]
pub(super) struct Ports(BTreeMap<PortNo, Entry>);

impl Ports {
    pub(super) fn get(&self, number: PortNo) -> Option<&Port> {
        self.0.get(&number).map(|entry| &entry.port)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Port> {
        self.0.values().map(|entry| &entry.port)
    }

    /// Whether packets can leave by it, as fast failover asks (OF 1.3.5 §5.6.1).
    pub(super) fn is_live(&self, number: PortNo) -> bool {
        self.get(number).is_some_and(Port::is_up)
    }

    /// Whether a port may receive; counts the packet.
    pub(super) fn receive(&mut self, number: PortNo, len: usize) -> bool {
        let Some(entry) = self.0.get_mut(&number) else { return false };
        if entry.port.config.intersects(PortConfig::PORT_DOWN | PortConfig::NO_RECV) {
            entry.stats.rx_dropped += 1;
            return false;
        }
        entry.stats.rx_packets += 1;
        entry.stats.rx_bytes += len as u64;
        true
    }

    /// Whether a port may send; counts the packet.
    pub(super) fn send(&mut self, number: PortNo, len: usize) -> bool {
        let Some(entry) = self.0.get_mut(&number) else { return false };
        if !entry.port.is_up() || entry.port.config.contains(PortConfig::NO_FWD) {
            entry.stats.tx_dropped += 1;
            return false;
        }
        entry.stats.tx_packets += 1;
        entry.stats.tx_bytes += len as u64;
        true
    }

    /// Adds a port, or says what is new of it; what the controller has set stays.
    pub(super) fn set(&mut self, mut port: Port, now: Instant) -> Option<PortStatus> {
        live(&mut port);
        let stats = PortStats { port: port.number, ..PortStats::default() };
        match self.0.get_mut(&port.number) {
            Some(entry) if entry.port == port => None,
            Some(entry) => {
                entry.port = port.clone();
                Some(PortStatus { reason: PortStatusReason::Modify, port })
            }
            None => {
                self.0.insert(port.number, Entry { port: port.clone(), stats, since: now });
                Some(PortStatus { reason: PortStatusReason::Add, port })
            }
        }
    }

    pub(super) fn remove(&mut self, number: PortNo) -> Option<PortStatus> {
        let Entry { port, .. } = self.0.remove(&number)?;
        Some(PortStatus { reason: PortStatusReason::Delete, port })
    }

    /// Carries a port-mod out; what there is to tell.
    pub(super) fn modify(&mut self, request: &PortMod) -> Result<Option<PortStatus>, PortModFailed> {
        let entry = self.0.get_mut(&request.port).ok_or(PortModFailed::BadPort)?;
        if request.hw_addr != entry.port.hw_addr {
            return Err(PortModFailed::BadHwAddr);
        }
        let known =
            PortConfig::PORT_DOWN | PortConfig::NO_RECV | PortConfig::NO_FWD | PortConfig::NO_PACKET_IN;
        if !known.contains(request.mask) {
            return Err(PortModFailed::BadConfig);
        }
        if !request.advertise.is_empty() && !entry.port.supported.contains(request.advertise) {
            return Err(PortModFailed::BadAdvertise);
        }
        let before = entry.port.clone();
        entry.port.config = (before.config - request.mask) | (request.config & request.mask);
        if !request.advertise.is_empty() {
            entry.port.advertised = request.advertise;
        }
        live(&mut entry.port);
        let port = entry.port.clone();
        Ok((port != before).then_some(PortStatus { reason: PortStatusReason::Modify, port }))
    }

    /// Counters of one port or of all.
    pub(super) fn stats(&self, wanted: PortNo, now: Instant) -> Vec<PortStats> {
        let chosen = self.0.iter().filter(|(number, _)| wanted == PortNo::ANY || **number == wanted);
        chosen
            .map(|(_, entry)| PortStats {
                age: now.saturating_duration_since(entry.since).into(),
                ..entry.stats
            })
            .collect()
    }
}

/// Whether a port is live follows from the rest (OF 1.3.5 §7.2.1).
fn live(port: &mut Port) {
    let up = port.is_up();
    port.state.set(PortState::LIVE, up);
}
