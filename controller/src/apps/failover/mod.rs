//! Forwards over loops, and around a failed link without the controller.

mod flows;

use openflow::{PacketOut, PortNo};

use super::config::Tables;
use super::flooding::Flooding;
use crate::{App, AppResult, Desired, Keeper, NetworkEvent, PacketIn, Switch, Verdict};

/// Forwarding with fast failover. For every switch that is a destination there are two ways from each other one
/// ([`DisjointTrees`](crate::DisjointTrees)), and a group of type fast failover has the switch itself take the second when the
/// link of the first is down (OF 1.3.5 §5.6.1): whatever link it is, and with no word from the controller. Then the ways are
/// made anew for the links that are left.
///
/// The first way is not always a shortest one. What is not for a host that was heard goes along a spanning tree.
/// Links must be looked for ([`Discovery::Every`](crate::Discovery::Every)).
#[derive(Debug)]
pub struct Failover {
    tables: Tables,
    keeper: Option<Keeper>,
    flooding: Flooding,
}

impl Failover {
    /// One with its own table and the next.
    pub fn new(tables: Tables) -> Failover {
        Failover { tables, keeper: None, flooding: Flooding::default() }
    }

    fn desired(&self, switch: &Switch) -> AppResult<Desired> {
        let (network, topology) = (switch.network(), switch.network().topology());
        Ok(flows::desired(switch.id(), &topology, &network.snapshot().hosts, self.tables)?)
    }
}

/// The port through which this switch sends what is for a host, if it is known.
fn toward(switch: &Switch, packet: &PacketIn) -> Option<PortNo> {
    let at = switch.network().host(packet.ethernet().dst)?.attached?;
    if at.switch == switch.id() {
        return Some(at.port);
    }
    Some(switch.network().topology().trees_to(at.switch)?.ways(switch.id())?.first.from.port)
}

impl App for Failover {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.keeper = Some(Keeper::start(switch, self.desired(switch)?).await?);
        Ok(())
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let actions = match toward(switch, packet) {
            Some(port) if port == packet.in_port() => return Ok(Verdict::Consume),
            Some(port) => [openflow::Action::output(port)].into(),
            None => self.flooding.flood(switch, packet),
        };
        if !actions.is_empty() {
            switch.packet_out(PacketOut::new(packet.data.clone(), actions).in_port(packet.in_port()))?;
        }
        Ok(Verdict::Consume)
    }

    async fn network(&mut self, switch: &Switch, change: &NetworkEvent) -> AppResult {
        let concerns = !matches!(change, NetworkEvent::HostClaims(_) | NetworkEvent::SwitchReady(_));
        if let Some(keeper) = self.keeper.as_ref().filter(|_| concerns) {
            keeper.want(self.desired(switch)?);
        }
        Ok(())
    }
}
