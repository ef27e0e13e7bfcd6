//! The firewall on a scripted switch that refuses a rule, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::path::Path;

use flowbed_controller::apps::{Acl, AclFirewall, Config, Tables};
use flowbed_controller::{Controller, Discovery};
use openflow::error::BadMatch;
use openflow::{Body, ErrorMsg, FlowMod, FlowModCommand, Instructions, Match, Message, TableId};
use scripted::ScriptedSwitch;
use scripted::flows::installed;

const RULES: &str = r#"
default = "allow"
[[rules]]
action = "deny"
match = "in_port=1"
"#;

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
    let config = Config::fixed(acl);
    let tables = Tables { own: TableId(0), next: TableId(1) };
    let builder = Controller::builder().discovery(Discovery::Off);
    let controller = builder
        .per_switch("firewall", move || AclFirewall::new(config.clone(), tables))
        .start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    peer.tell(Vec::new()).await;
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
    peer.tell(taken).await;
    let (_, flow) = next_flow(&mut peer).await;
    assert_eq!((flow.command, flow.match_), (FlowModCommand::ModifyStrict, Match::new()));
    assert_eq!(flow.instructions, Instructions::default(), "everything is dropped");
}
