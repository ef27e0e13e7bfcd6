//! What a switch says of its flows.

use openflow::msg::flow_removed::Age;
use openflow::{Body, FlowMod, FlowStats, Message, MultipartBody, MultipartReply, MultipartRequest};

use super::ScriptedSwitch;

/// The flow that an addition makes, before any packet.
pub fn installed(flow: FlowMod) -> FlowStats {
    FlowStats {
        table: flow.table,
        age: Age::default(),
        priority: flow.priority,
        idle_timeout: flow.idle_timeout,
        hard_timeout: flow.hard_timeout,
        flags: flow.flags,
        cookie: flow.cookie,
        packet_count: 0,
        byte_count: 0,
        match_: flow.match_,
        instructions: flow.instructions,
    }
}

impl ScriptedSwitch {
    /// Tells the switch's flows once they are asked for.
    pub async fn tell(&mut self, flows: Vec<FlowStats>) {
        let asked = |m: &Message| {
            matches!(m.body, Body::MultipartRequest(MultipartRequest::Flow(_))).then_some(m.xid)
        };
        let xid = self.until(asked).await;
        let body = MultipartBody::Flow(flows);
        self.reply(xid, Body::MultipartReply(MultipartReply::last(body))).await;
    }
}
