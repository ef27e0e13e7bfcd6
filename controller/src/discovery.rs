//! Finds the links between switches: probes go out of every port, and come back as packet-ins from
//! the switch at the other end.

use std::sync::Arc;
use std::time::Duration;

use openflow::session::{RequestError, SendError};
use openflow::{Action, FlowMod, Match, PacketOut, PortNo};
use tracing::{debug, warn};

use crate::core::Core;
use crate::lldp;
use crate::network::PortRef;
use crate::switch::Switch;

/// Whether, and how often, links are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Not at all: no probe is sent, no rule installed.
    Off,
    /// A probe out of every port so often, and whenever a port comes up or a switch is new. A link
    /// whose probes have not been heard for three times as long is gone.
    Every(Duration),
}

impl Default for Discovery {
    fn default() -> Discovery {
        Discovery::Every(Duration::from_secs(5))
    }
}

/// The rule that brings probes to the controller stands above all others and has this cookie.
pub(crate) const COOKIE: u64 = 0xf10b_0000_0000_88cc;

/// Probes sent because another switch has come wait so long for still more to come.
const PAUSE: Duration = Duration::from_millis(50);

/// Probes the ports of `switch` until its connection ends.
pub(crate) async fn probe(switch: Switch, core: Arc<Core>, every: Duration) {
    let mut arrivals = core.arrivals.subscribe();
    match install(&switch).await {
        Ok(()) => {}
        Err(RequestError::Disconnected | RequestError::NotSent(SendError::Closed)) => return,
        Err(error) => warn!(switch = %switch.id(), %error, "no rule for link discovery"),
    }
    // What was sent to this switch before its rule stood may be lost: the others probe again.
    core.arrivals.send_modify(|number| *number += 1);
    arrivals.mark_unchanged();
    while switch.is_connected() {
        let ttl = u16::try_from(every.as_secs().saturating_mul(3).max(1)).unwrap_or(u16::MAX);
        for port in switch.ports() {
            if port.number > PortNo::MAX || !port.is_up() {
                continue;
            }
            let from = PortRef { switch: switch.id(), port: port.number };
            let frame = core.key.probe(from, port.hw_addr, ttl);
            if let Err(error) = switch.packet_out(PacketOut::new(frame, [Action::output(port.number)])) {
                debug!(switch = %switch.id(), %error, "probe not sent");
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = switch.0.ports_changed.notified() => {}
            // The sender lives in the core, which we hold.
            _ = arrivals.changed() => {
                tokio::time::sleep(PAUSE).await;
                arrivals.mark_unchanged();
            }
        }
    }
}

async fn install(switch: &Switch) -> Result<(), RequestError> {
    switch
        .flow_mod(
            FlowMod::add()
                .priority(u16::MAX)
                .cookie(COOKIE)
                .matching(Match::new().eth_type(lldp::ETHERTYPE))
                .apply([Action::controller()]),
        )
        .await
}
