//! Floods every packet.

use openflow::{Action, FlowMod, PortNo};

use crate::{App, AppResult, Switch};

/// Every packet goes out of every port but the one on which it came in. One rule does it, so the
/// controller sees none of the traffic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hub;

impl App for Hub {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        Ok(switch.flow_mod(FlowMod::add().priority(0).apply([Action::output(PortNo::FLOOD)])).await?)
    }
}
