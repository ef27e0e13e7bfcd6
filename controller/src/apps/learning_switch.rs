//! Learns which address is at which port.

use std::collections::HashMap;

use openflow::{Action, FlowMod, MacAddr, Match, PacketOut, PortNo, TableId};

use crate::{App, AppResult, PacketIn, Switch, Verdict};

/// A learning switch. Unknown destinations are flooded; for a known one a flow is installed that lives
/// as long as it is used, so that later packets need no controller.
#[derive(Clone, Debug, Default)]
pub struct LearningSwitch {
    table: TableId,
    ports: HashMap<MacAddr, PortNo, foldhash::fast::RandomState>,
}

/// More addresses than this are not learned: a host that forges addresses must not fill the memory.
const MAX_ADDRESSES: usize = 65_536;
/// Seconds without a packet after which a flow ends.
const IDLE_TIMEOUT: u16 = 60;

impl LearningSwitch {
    /// One whose flows are in this table; the default is table 0.
    pub fn in_table(table: TableId) -> LearningSwitch {
        LearningSwitch { table, ..LearningSwitch::default() }
    }
}

impl App for LearningSwitch {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        let table_miss = FlowMod::add().table(self.table).priority(0).apply([Action::controller()]);
        Ok(switch.flow_mod(table_miss).await?)
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let (frame, in_port) = (packet.ethernet(), packet.in_port());
        if !frame.src.is_multicast()
            && (self.ports.len() < MAX_ADDRESSES || self.ports.contains_key(&frame.src))
        {
            self.ports.insert(frame.src, in_port);
        }
        let out_port = match self.ports.get(&frame.dst) {
            Some(port) if *port == in_port => return Ok(Verdict::Consume),
            Some(port) => *port,
            None => PortNo::FLOOD,
        };
        let mut buffered = packet.buffer;
        if out_port != PortNo::FLOOD {
            // The source is matched too: a packet from a host that is not known yet must come here.
            let flow = Match::new().in_port(in_port).eth_dst(frame.dst).eth_src(frame.src);
            let flow = FlowMod::add().table(self.table).priority(1).idle_timeout(IDLE_TIMEOUT).matching(flow);
            // A packet that the switch has buffered leaves with the flow, at no further message.
            let flow = flow.buffer(buffered.take()).apply([Action::output(out_port)]);
            switch.send(flow)?;
            if packet.buffer.is_some() {
                return Ok(Verdict::Consume);
            }
        }
        let data = if buffered.is_some() { Default::default() } else { packet.data.clone() };
        let out = PacketOut { buffer: buffered, in_port, actions: [Action::output(out_port)].into(), data };
        switch.packet_out(out)?;
        Ok(Verdict::Consume)
    }
}
