//! Forwarding as a switch without OpenFlow does it (`OFPP_NORMAL`, OF 1.3.5 §4.5): to the port
//! behind which the destination was last heard, else to all. VLANs are apart from each other.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::packet::Packet;
use crate::ids::{MacAddr, PortNo};
use crate::oxm::FieldId;

/// How many addresses are known at a time, and for how long without a packet; as in Open vSwitch
/// (`ovs-vswitchd.conf.db(5)`, `mac-table-size`, `mac-aging-time`).
const STATIONS_MAX: usize = 8192;
const KNOWN_FOR: Duration = Duration::from_secs(300);

/// Where stations were last heard, by VLAN and address.
#[derive(Debug, Default)]
pub(super) struct Stations {
    heard: HashMap<(u16, MacAddr), (PortNo, Instant)>,
    /// When the old ones were last looked for.
    swept: Option<Instant>,
}

/// Where a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Port(PortNo),
    All,
    /// For bridges alone (IEEE 802.1Q §8.6.3).
    Nowhere,
}

impl Stations {
    /// Notes whom the packet is from, and finds where it goes.
    pub(super) fn way(&mut self, packet: &Packet, now: Instant) -> Way {
        let mac = |id| {
            let [_, _, octets @ ..] = (packet.key().get(id) as u64).to_be_bytes();
            MacAddr(octets)
        };
        let (src, dst) = (mac(FieldId::EthSrc), mac(FieldId::EthDst));
        let vlan = packet.key().get(FieldId::VlanVid) as u16 & 0xfff;
        if let [0x01, 0x80, 0xc2, 0, 0, 0..=0x0f] = dst.0 {
            return Way::Nowhere;
        }
        if !src.is_multicast() && packet.in_port().is_ordinary() {
            self.learn((vlan, src), packet.in_port(), now);
        }
        match self.heard.get(&(vlan, dst)) {
            Some((port, heard)) if now.saturating_duration_since(*heard) < KNOWN_FOR => Way::Port(*port),
            _ => Way::All,
        }
    }

    fn learn(&mut self, station: (u16, MacAddr), port: PortNo, now: Instant) {
        let since = |then: Instant| now.saturating_duration_since(then);
        if let Some(known) = self.heard.get_mut(&station) {
            *known = (port, now);
            return;
        }
        let full = self.heard.len() >= STATIONS_MAX;
        // Not for every new one of a flood.
        if full && self.swept.is_none_or(|swept| since(swept) >= Duration::from_secs(1)) {
            self.swept = Some(now);
            self.heard.retain(|_, (_, heard)| since(*heard) < KNOWN_FOR);
        }
        if self.heard.len() < STATIONS_MAX {
            self.heard.insert(station, (port, now));
        }
    }

    /// Forgets those behind a port.
    pub(super) fn forget(&mut self, gone: PortNo) {
        self.heard.retain(|_, (port, _)| *port != gone);
    }
}
