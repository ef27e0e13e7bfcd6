//! The firewall on a scripted switch that refuses a rule, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::path::Path;

use flowbed_controller::apps::{Acl, AclFirewall};
use flowbed_controller::{Controller, Discovery};
use openflow::error::BadMatch;
use openflow::msg::flow_removed::Age;
use openflow::{
    Body, ErrorMsg, FlowMod, FlowModCommand, FlowStats, Instructions, Match, Message, MultipartBody,
    MultipartReply, MultipartRequest, TableId,
};
use scripted::ScriptedSwitch;

const RULES: &str = r#"
default = "allow"
[[rules]]
action = "deny"
match = "in_port=1"
"#;

fn installed(flow: FlowMod) -> FlowStats {
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

/// Tells the switch's flows once they are asked for.
async fn tell(peer: &mut ScriptedSwitch, flows: Vec<FlowStats>) {
    let asked =
        |m: &Message| matches!(m.body, Body::MultipartRequest(MultipartRequest::Flow(_))).then_some(m.xid);
    let xid = peer.until(asked).await;
    let body = MultipartBody::Flow(flows);
    peer.reply(xid, Body::MultipartReply(MultipartReply { more: false, body })).await;
}

/// The next flow-mod, with the message that it came in.
async fn next_flow(peer: &mut ScriptedSwitch) -> (Message, FlowMod) {
    peer.until(|message| match &message.body {
        Body::FlowMod(flow) => Some((message.clone(), flow.clone())),
        _ => None,
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_refuses_a_rule_lets_nothing_through() {
    let acl = Acl::from_toml(RULES, Path::new("acl.toml")).expect("rules");
    let firewall = AclFirewall::new(&acl, TableId(0), TableId(1)).expect("one table");
    let builder = Controller::builder().discovery(Discovery::Off);
    let controller = builder.per_switch("firewall", move || firewall.clone()).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    tell(&mut peer, Vec::new()).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        let (message, flow) = next_flow(&mut peer).await;
        if flow.match_ == Match::new() {
            assert_ne!(flow.instructions, Instructions::default(), "what no rule matches goes on");
            taken.push(installed(flow));
        } else {
            let refusal = ErrorMsg { kind: BadMatch::BadField.into(), data: Vec::new().into() };
            peer.reply(message.xid, Body::Error(refusal)).await;
        }
    }
    assert_eq!(taken.len(), 1);
    tell(&mut peer, taken).await;
    let (_, flow) = next_flow(&mut peer).await;
    assert_eq!((flow.command, flow.match_), (FlowModCommand::ModifyStrict, Match::new()));
    assert_eq!(flow.instructions, Instructions::default(), "everything is dropped");
}
