//! The controller against scripted switches, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flowbed_controller::{
    App, AppResult, Controller, Discovery, PacketIn, RequestError, SendError, StopReason, StoppedApp, Switch,
    Verdict, apps,
};
use openflow::error::BadAction;
use openflow::{Action, Body, DatapathId, ErrorMsg, FlowMod, MacAddr, PortNo, PortStatus, PortStatusReason};
use scripted::{ScriptedSwitch, frame, packet_in, port};

const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xa]);
const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xb]);
const SOON: Duration = Duration::from_secs(30);

fn quiet() -> flowbed_controller::Builder {
    Controller::builder().discovery(Discovery::Off)
}

async fn ready(controller: &Controller, id: u64) -> Switch {
    controller.wait_ready(&[DatapathId(id)], SOON).await.expect("ready");
    controller.switch(DatapathId(id)).expect("connected")
}

#[tokio::test(start_paused = true)]
async fn the_learning_switch_floods_then_installs_a_flow() {
    let controller = quiet().app(apps::by_name("learning-switch").unwrap()).start_without_listener();
    let mut switch = ScriptedSwitch::connect(&controller, 1).await;
    let before = switch.until_barrier().await;
    assert!(matches!(&before.last().unwrap().body, Body::FlowMod(table_miss) if table_miss.priority == 0));
    ready(&controller, 1).await;

    switch.send(packet_in(1, frame(B, A))).await;
    let flooded =
        switch.until(|m| if let Body::PacketOut(out) = &m.body { Some(out.clone()) } else { None }).await;
    assert_eq!(flooded.actions[..], [Action::output(PortNo::FLOOD)]);
    assert_eq!((flooded.in_port, flooded.data), (PortNo(1), frame(B, A)));

    switch.send(packet_in(2, frame(A, B))).await;
    let Body::FlowMod(flow) = switch.receive().await.body else { panic!("a flow first") };
    let expected = openflow::Match::new().in_port(PortNo(2)).eth_dst(A).eth_src(B);
    assert_eq!(flow.match_, expected);
    let Body::PacketOut(out) = switch.receive().await.body else { panic!("then the packet") };
    assert_eq!(out.actions[..], [Action::output(PortNo(1))]);
}

/// Hands each of its events to the test.
struct Probe {
    tell: tokio::sync::mpsc::UnboundedSender<String>,
}

impl App for Probe {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        Ok(self.tell.send(format!("ready {}", switch.id()))?)
    }

    async fn packet_in(&mut self, _: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        self.tell.send(format!("packet {}", packet.in_port()))?;
        Ok(Verdict::Pass)
    }

    async fn port_status(&mut self, _: &Switch, status: &PortStatus) -> AppResult {
        Ok(self.tell.send(format!("port {}", status.port.number))?)
    }

    async fn error(&mut self, _: &Switch, error: &ErrorMsg) -> AppResult {
        Ok(self.tell.send(format!("error {}", error.kind))?)
    }

    async fn gone(&mut self, _: &Switch, why: &flowbed_controller::CloseReason) -> AppResult {
        Ok(self.tell.send(format!("gone: {why}"))?)
    }
}

fn probe() -> (impl Fn() -> Probe + Send + Sync + 'static, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    (move || Probe { tell: tell.clone() }, told)
}

#[tokio::test(start_paused = true)]
async fn events_reach_the_apps_in_order() {
    let (make, mut told) = probe();
    let controller = quiet().per_switch("probe", make).start_without_listener();
    let mut switch = ScriptedSwitch::connect(&controller, 0xab).await;
    switch.send(packet_in(3, frame(B, A))).await;
    switch.send(Body::PortStatus(PortStatus { reason: PortStatusReason::Delete, port: port(2) })).await;
    for expected in ["ready 00000000000000ab", "packet 3", "port 2"] {
        assert_eq!(told.recv().await.as_deref(), Some(expected));
    }
    let numbers: Vec<u32> = ready(&controller, 0xab).await.ports().iter().map(|port| port.number.0).collect();
    assert_eq!(numbers, [1, 3]);
    drop(switch);
    assert_eq!(told.recv().await.as_deref(), Some("gone: the peer closed the connection"));
    assert!(controller.switch(DatapathId(0xab)).is_none());
    assert!(controller.network().snapshot().switches.is_empty());
}

fn flow(priority: u16) -> FlowMod {
    FlowMod::add().priority(priority).apply([Action::output(PortNo(1))])
}

#[tokio::test(start_paused = true)]
async fn each_flow_mod_gets_its_own_outcome() {
    let controller = quiet().start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let all = futures_util::future::join_all((0..3).map(|priority| switch.flow_mod(flow(priority))));
    let refusal = ErrorMsg { kind: BadAction::BadOutPort.into(), data: Bytes::new() };
    let script = async {
        loop {
            let message = peer.receive().await;
            match message.body {
                Body::FlowMod(flow) if flow.priority == 1 => {
                    peer.reply(message.xid, Body::Error(refusal.clone())).await;
                }
                Body::BarrierRequest => return peer.reply(message.xid, Body::BarrierReply).await,
                _ => {}
            }
        }
    };
    let (outcomes, ()) = tokio::join!(all, script);
    assert_eq!(outcomes, [Ok(()), Err(RequestError::Refused(refusal.clone())), Ok(())]);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_in_the_middle_of_a_batch_fails_it() {
    let controller = quiet().start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let change = switch.flow_mod(flow(1));
    let script = async {
        peer.until(|m| matches!(m.body, Body::FlowMod(_)).then_some(())).await;
        drop(peer);
    };
    let (outcome, ()) = tokio::join!(change, script);
    assert_eq!(outcome, Err(RequestError::Disconnected));
    assert_eq!(switch.send(flow(2)), Err(SendError::Closed));
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_sent_message_reaches_the_apps() {
    let (make, mut told) = probe();
    let controller = quiet().per_switch("probe", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    switch.send(flow(1)).unwrap();
    let xid = peer.until(|m| matches!(m.body, Body::FlowMod(_)).then_some(m.xid)).await;
    let refusal = ErrorMsg { kind: BadAction::BadOutPort.into(), data: Bytes::new() };
    peer.reply(xid, Body::Error(refusal)).await;
    assert_eq!(told.recv().await.as_deref(), Some("ready 0000000000000001"));
    assert_eq!(told.recv().await.as_deref(), Some("error OFPBAC_BAD_OUT_PORT"));
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_the_connection_and_harms_no_other() {
    let (make, mut told) = probe();
    let controller = quiet().per_switch("probe", make).start_without_listener();
    let mut good = ScriptedSwitch::connect(&controller, 1).await;
    let mut bad = ScriptedSwitch::connect(&controller, 2).await;
    ready(&controller, 2).await;
    bad.write(&[4, 10, 0, 2, 0, 0, 0, 0]).await;
    let is_end = |event: &str| event.starts_with("gone: the peer does not speak OpenFlow");
    while !is_end(&told.recv().await.expect("an event")) {}
    assert!(bad.try_receive().await.is_none() || bad.try_receive().await.is_none());
    good.send(packet_in(1, frame(B, A))).await;
    while told.recv().await.expect("an event") != "packet 1" {}
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_stops_in_the_middle_of_a_message_is_dropped_in_time() {
    let (make, mut told) = probe();
    let controller = quiet().per_switch("probe", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    ready(&controller, 1).await;
    peer.write(&[4, 10, 0, 200, 0, 0]).await;
    assert_eq!(told.recv().await.as_deref(), Some("ready 0000000000000001"));
    // The script does not answer echo requests now: it does not read.
    let event = tokio::time::timeout(SOON, told.recv()).await.expect("in time");
    assert_eq!(event.as_deref(), Some("gone: the peer fell silent: no answer to an echo request"));
    drop(peer);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_says_hello_is_dropped_in_time() {
    let controller = quiet().start_without_listener();
    let (mut ours, theirs) = tokio::io::duplex(4096);
    controller.attach(theirs, "mute".to_owned());
    let mut hello = Vec::new();
    let closed = tokio::io::AsyncReadExt::read_to_end(&mut ours, &mut hello);
    tokio::time::timeout(SOON, closed).await.expect("closed in time").unwrap();
    assert_eq!(hello[1], 0, "a hello came");
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_comes_back_takes_the_place_of_its_old_connection() {
    let controller = quiet().start_without_listener();
    let mut old = ScriptedSwitch::connect(&controller, 1).await;
    let old_handle = ready(&controller, 1).await;
    let _new = ScriptedSwitch::connect(&controller, 1).await;
    while old.try_receive().await.is_some() {}
    assert!(!old_handle.is_connected());
    let current = ready(&controller, 1).await;
    assert!(current.is_connected());
    assert_eq!(controller.network().snapshot().switches.len(), 1);
}

struct Panics;

impl App for Panics {
    async fn packet_in(&mut self, _: &Switch, _: &PacketIn) -> AppResult<Verdict> {
        panic!("as the test wants it")
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_that_panics_is_left_out_and_the_others_go_on() {
    let (make, mut told) = probe();
    let controller =
        quiet().per_switch("panics", || Panics).per_switch("probe", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    for number in [1, 2] {
        peer.send(packet_in(number, frame(B, A))).await;
    }
    for expected in ["ready 0000000000000001", "packet 1", "packet 2"] {
        assert_eq!(told.recv().await.as_deref(), Some(expected));
    }
    let why = StopReason::Panicked { event: "packet-in", message: "as the test wants it".to_owned() };
    let stopped = ready(&controller, 1).await.stopped_apps();
    assert_eq!(stopped, [StoppedApp { app: "panics".to_owned(), why }]);
}

/// Takes the packet away from the apps behind it.
struct Consumes;

impl App for Consumes {
    async fn packet_in(&mut self, _: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        Ok(if packet.in_port() == PortNo(1) { Verdict::Consume } else { Verdict::Pass })
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumed_packet_is_not_passed_on() {
    let (make, mut told) = probe();
    let controller =
        quiet().per_switch("consumes", || Consumes).per_switch("probe", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    for number in [1, 2] {
        peer.send(packet_in(number, frame(B, A))).await;
    }
    for expected in ["ready 0000000000000001", "packet 2"] {
        assert_eq!(told.recv().await.as_deref(), Some(expected));
    }
}

/// Asks the switch for every packet, and counts.
struct Asks {
    handled: Arc<AtomicUsize>,
}

impl App for Asks {
    async fn packet_in(&mut self, switch: &Switch, _: &PacketIn) -> AppResult<Verdict> {
        switch.barrier().await?;
        self.handled.fetch_add(1, Ordering::Relaxed);
        Ok(Verdict::Consume)
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_may_await_the_switch_while_packets_flood_in() {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let make = move || Asks { handled: count.clone() };
    let controller = quiet().per_switch("asks", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    // The first is handled; its answer lies behind far more packets than may wait.
    peer.send(packet_in(1, frame(B, A))).await;
    let xid = peer.until(|m| (m.body == Body::BarrierRequest).then_some(m.xid)).await;
    for _ in 0..20_000 {
        peer.send(packet_in(1, frame(B, A))).await;
    }
    peer.reply(xid, Body::BarrierReply).await;
    peer.until_barrier().await;
    assert!(handled.load(Ordering::Relaxed) >= 1);
    let dropped = switch.dropped_events();
    assert!((10_000..20_000).contains(&dropped), "dropped and counted: {dropped}");
}

#[tokio::test(start_paused = true)]
async fn links_are_found_by_probes_and_lost_with_their_port() {
    let controller = Controller::builder().start_without_listener();
    let mut one = ScriptedSwitch::connect(&controller, 1).await;
    let mut two = ScriptedSwitch::connect(&controller, 2).await;
    // What leaves switch 1 through port 3 arrives at switch 2 on port 2.
    let probe = one
        .until(|m| match &m.body {
            Body::PacketOut(out) if out.actions[..] == [Action::output(PortNo(3))] => Some(out.data.clone()),
            _ => None,
        })
        .await;
    two.until_barrier().await;
    let mut changes = controller.network().changes();
    two.send(packet_in(2, probe)).await;
    let links = loop {
        let links = controller.network().snapshot().links;
        if !links.is_empty() {
            break links;
        }
        changes.changed().await.unwrap();
    };
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].a.switch, links[0].a.port), (DatapathId(1), PortNo(3)));
    assert_eq!((links[0].b.switch, links[0].b.port), (DatapathId(2), PortNo(2)));
    two.send(Body::PortStatus(PortStatus { reason: PortStatusReason::Delete, port: port(2) })).await;
    while !controller.network().snapshot().links.is_empty() {
        changes.changed().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_every_connection() {
    let (make, mut told) = probe();
    let controller = quiet().per_switch("probe", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    switch.send(flow(9)).unwrap();
    controller.shutdown().await;
    let mut last = None;
    while let Some(message) = peer.try_receive().await {
        last = Some(message);
    }
    assert!(matches!(last.unwrap().body, Body::FlowMod(_)), "what was queued went out first");
    assert_eq!(told.recv().await.as_deref(), Some("ready 0000000000000001"));
    assert_eq!(told.recv().await.as_deref(), Some("gone: closed here: the controller ends"));
    assert!(!switch.is_connected());
}
