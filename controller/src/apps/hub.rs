//! Floods every packet.

use openflow::{Action, FlowMod, PortNo, TableId};

use crate::{App, AppResult, Switch};

/// Every packet goes out of every port but the one on which it came in. One rule does it, so the
/// controller sees none of the traffic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hub {
    table: TableId,
}

impl Hub {
    /// One whose rule is in this table; the default is table 0.
    pub fn in_table(table: TableId) -> Hub {
        Hub { table }
    }
}

impl App for Hub {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        let flood = FlowMod::add().table(self.table).priority(0).apply([Action::output(PortNo::FLOOD)]);
        Ok(switch.flow_mod(flood).await?)
    }
}
