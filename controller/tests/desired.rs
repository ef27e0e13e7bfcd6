//! A scripted switch is held to what is desired, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::time::Duration;

use flowbed_controller::{
    Controller, DeclareError, Desired, Difference, Discovery, Owner, ReconcileError, Switch,
};
use openflow::error::BadAction;
use openflow::msg::group_mod::{GroupKind, GroupMod};
use openflow::{
    Action, Body, DatapathId, ErrorMsg, FlowMod, FlowModCommand, FlowStats, GroupId, Match, PortNo, TableId,
};
use scripted::ScriptedSwitch;
use scripted::flows::installed;
use tokio::sync::{mpsc, watch};

const OURS: u64 = 0x2a << 56;
const EVERY: Duration = Duration::from_secs(20);

async fn connected() -> (Controller, ScriptedSwitch, Switch) {
    let controller = Controller::builder().discovery(Discovery::Off).start_without_listener();
    let peer = ScriptedSwitch::connect(&controller, 1).await;
    controller.wait_ready(&[DatapathId(1)], EVERY).await.expect("ready");
    let switch = controller.switch(DatapathId(1)).expect("connected");
    (controller, peer, switch)
}

fn flow(from: u32, to: u32) -> FlowMod {
    FlowMod::add().matching(Match::new().in_port(PortNo(from))).apply([Action::output(PortNo(to))])
}

fn desired(flows: impl IntoIterator<Item = FlowMod>) -> Desired {
    let mut desired = Desired::new(Owner::new(OURS, 0xff << 56));
    for flow in flows {
        desired.add_flow(flow).expect("an addition");
    }
    desired
}

fn there(flow: FlowMod) -> FlowStats {
    installed(flow.cookie(OURS))
}

/// The flow-mods up to the next barrier, which is answered.
async fn step(peer: &mut ScriptedSwitch) -> Vec<(FlowModCommand, Match)> {
    let messages = peer.until_barrier().await;
    let flow_mod = |message: openflow::Message| match message.body {
        Body::FlowMod(flow) => (flow.command, flow.match_),
        other => panic!("{other:?}"),
    };
    messages.into_iter().map(flow_mod).collect()
}

fn from(port: u32) -> Match {
    Match::new().in_port(PortNo(port))
}

#[tokio::test(start_paused = true)]
async fn drift_is_found_in_time_and_changed_desires_at_once() {
    let (_controller, mut peer, switch) = connected().await;
    let (wish, wished) = watch::channel(desired([flow(1, 2)]));
    let (report, mut reports) = mpsc::unbounded_channel();
    let keeping = tokio::spawn(async move {
        let report = |round: Result<Difference, ReconcileError>| {
            report.send(round.expect("no refusal").flows.len()).expect("the test waits");
        };
        switch.keep(wished, EVERY, report).await;
    });
    peer.tell(Vec::new()).await;
    assert_eq!(step(&mut peer).await, [(FlowModCommand::Add, from(1))]);
    assert_eq!(reports.recv().await, Some(1));

    let begun = tokio::time::Instant::now();
    peer.tell(vec![there(flow(1, 2))]).await;
    assert!(begun.elapsed() >= EVERY);
    assert_eq!(reports.recv().await, Some(0), "nothing to do, nothing sent");

    // Somebody has changed it.
    peer.tell(vec![there(flow(1, 3))]).await;
    assert_eq!(step(&mut peer).await, [(FlowModCommand::ModifyStrict, from(1))]);
    assert_eq!(reports.recv().await, Some(1));

    let begun = tokio::time::Instant::now();
    wish.send_replace(desired([flow(2, 1)]));
    // What differs from what was desired before is known without asking.
    let asked = |m: &openflow::Message| {
        matches!(m.body, Body::MultipartRequest(_) | Body::FlowMod(_)).then(|| m.body.clone())
    };
    let Body::FlowMod(first) = peer.until(asked).await else { panic!("it was asked what it has") };
    assert!(begun.elapsed() < EVERY);
    assert_eq!((first.command, first.match_), (FlowModCommand::Add, from(2)));
    assert_eq!(step(&mut peer).await, []);
    assert_eq!(step(&mut peer).await, [(FlowModCommand::DeleteStrict, from(1))]);
    assert_eq!(reports.recv().await, Some(2));

    drop(peer);
    keeping.await.expect("it ends with the connection");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_when_what_replaces_it_was_refused() {
    let (_controller, mut peer, switch) = connected().await;
    let wanted = desired([flow(2, 1)]);
    let refusal = ErrorMsg { kind: BadAction::BadOutPort.into(), data: Vec::new().into() };
    let script = async {
        peer.tell(vec![there(flow(1, 2))]).await;
        let refused = peer.until(|m| matches!(m.body, Body::FlowMod(_)).then_some(m.xid)).await;
        peer.reply(refused, Body::Error(refusal.clone())).await;
        assert_eq!(step(&mut peer).await, []);
    };
    let (outcome, ()) = tokio::join!(switch.reconcile(&wanted), script);
    assert!(matches!(outcome, Err(ReconcileError::Change(error)) if error.failures.len() == 1));
    let (outcome, more) = tokio::join!(switch.barrier(), step(&mut peer));
    assert_eq!((outcome, more), (Ok(()), Vec::new()));
}

#[test]
fn only_additions_of_the_owners_own_can_be_desired() {
    let mut desired = desired([]);
    assert_eq!(desired.add_flow(FlowMod::delete()), Err(DeclareError::NotAnAddition));
    assert_eq!(desired.add_flow(flow(1, 2).table(TableId::ALL)), Err(DeclareError::AllTables));
    let group = GroupMod::add(GroupKind::All, GroupId(1), []);
    assert_eq!(desired.add_group(group), Err(DeclareError::ForeignGroup(GroupId(1))));
    desired.add_flow(flow(1, 2).cookie(u64::MAX)).expect("an addition");
    let cookies: Vec<u64> = desired.flows().map(|flow| flow.cookie).collect();
    assert_eq!(cookies, [OURS | u64::MAX >> 8], "the owner's mark is set");
}
