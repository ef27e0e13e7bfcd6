//! Forwards along shortest paths, over any topology, loops included.

use openflow::{Action, FlowMod, MacAddr, Match, PacketOut, PortNo, TableId};

use super::flooding::Flooding;
use crate::{App, AppResult, NetworkEvent, PacketIn, PortRef, Switch, Verdict};

/// Shortest-path forwarding. A packet for a host that was heard takes a shortest path, for which each switch on it
/// installs a flow; every other packet goes along a spanning tree. When a link fails or appears, or a host moves, the
/// flows that it concerns are deleted, and the next packet finds its new way.
///
/// Links must be looked for ([`Discovery::Every`](crate::Discovery::Every)). Until they are found, a frame that comes
/// to a switch a second time, by another port, is dropped: so even then none goes round in circles.
#[derive(Debug, Default)]
pub struct ShortestPath {
    table: TableId,
    flooding: Flooding,
}

/// Marks the flows of this app.
const COOKIE: u64 = 0xf10b_0000_0000_5bf0;
/// Seconds without a packet after which a flow ends.
const IDLE_TIMEOUT: u16 = 60;

impl App for ShortestPath {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        // Flows of an earlier run of this controller know nothing of the links as they are now.
        let stale = FlowMod::delete().with_cookie(COOKIE, u64::MAX);
        let table_miss = FlowMod::add().table(self.table).priority(0).apply([Action::controller()]);
        Ok(switch.apply([stale, table_miss]).await?)
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let (frame, in_port) = (packet.ethernet(), packet.in_port());
        let host = if frame.dst.is_multicast() { None } else { switch.network().host(frame.dst) };
        let out = match host.and_then(|host| host.attached) {
            Some(attached) => match toward(switch, attached) {
                Some(port) if port == in_port => return Ok(Verdict::Consume),
                Some(port) => {
                    let flow = self.flow(frame.dst).apply([Action::output(port)]);
                    switch.send(flow)?;
                    [Action::output(port)].into()
                }
                // The links that lead there may not be found yet.
                None => self.flooding.flood(switch, packet),
            },
            None => self.flooding.flood(switch, packet),
        };
        if !out.is_empty() {
            switch.packet_out(PacketOut::new(packet.data.clone(), out).in_port(in_port))?;
        }
        Ok(Verdict::Consume)
    }

    async fn network(&mut self, switch: &Switch, change: &NetworkEvent) -> AppResult {
        match change {
            NetworkEvent::LinkUp(_) | NetworkEvent::LinkDown(_) | NetworkEvent::Missed(_) => {
                switch.flow_mod(FlowMod::delete().with_cookie(COOKIE, u64::MAX)).await?;
            }
            NetworkEvent::HostMoved { host, .. } | NetworkEvent::HostGone(host) => {
                let only = Match::new().eth_dst(host.mac);
                let flow = FlowMod::delete().with_cookie(COOKIE, u64::MAX).matching(only);
                switch.flow_mod(flow).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The port through which this switch sends what is for a host there.
fn toward(switch: &Switch, attached: PortRef) -> Option<PortNo> {
    if attached.switch == switch.id() {
        return Some(attached.port);
    }
    switch.network().topology().next_port(switch.id(), attached.switch)
}

impl ShortestPath {
    /// One whose flows are in this table; the default is table 0.
    pub fn in_table(table: TableId) -> ShortestPath {
        ShortestPath { table, ..ShortestPath::default() }
    }

    /// A flow for what is sent to `dst`.
    fn flow(&self, dst: MacAddr) -> FlowMod {
        let flow = FlowMod::add().table(self.table).priority(10).cookie(COOKIE);
        flow.idle_timeout(IDLE_TIMEOUT).matching(Match::new().eth_dst(dst))
    }
}
