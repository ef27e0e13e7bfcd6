//! What apps are told, and what becomes of one that fails, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::time::Duration;

use flowbed_controller::{
    App, AppResult, Controller, Discovery, NetworkEvent, PacketIn, RequestError, StopReason, StoppedApp,
    Switch, Verdict,
};
use openflow::{
    Action, Body, DatapathId, FlowMod, MacAddr, PortNo, PortStatus, PortStatusReason, Role, RoleKind,
};
use scripted::{ScriptedSwitch, frame, packet_in, port};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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

/// Tells the test of packets, roles and changes of the network.
struct Watches(UnboundedSender<String>);

impl App for Watches {
    async fn packet_in(&mut self, _: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        self.0.send(format!("packet {}", packet.in_port()))?;
        Ok(Verdict::Pass)
    }

    async fn role(&mut self, _: &Switch, role: &Role) -> AppResult {
        Ok(self.0.send(format!("role {:?} {}", role.kind, role.generation_id))?)
    }

    async fn network(&mut self, switch: &Switch, change: &NetworkEvent) -> AppResult {
        let what = match change {
            NetworkEvent::LinkUp(link) => format!("link {}-{} up", link.a.port, link.b.port),
            NetworkEvent::LinkDown(link) => format!("link {}-{} down", link.a.port, link.b.port),
            NetworkEvent::HostSeen(host) => format!("{} seen", host.mac),
            NetworkEvent::HostMoved { host, from } => {
                format!("{} moved {} to {}", host.mac, from.port, host.attached.expect("at an edge").port)
            }
            NetworkEvent::HostClaims(host) => format!("{} claims", host.mac),
            NetworkEvent::HostGone(host) => format!("{} gone", host.mac),
            NetworkEvent::SwitchUp(_) | NetworkEvent::SwitchReady(_) => return Ok(()),
            NetworkEvent::SwitchDown(id) => format!("switch {} down", id.0),
            NetworkEvent::Missed(count) => format!("missed {count}"),
        };
        Ok(self.0.send(format!("{}: {what}", switch.id().0))?)
    }
}

fn watches() -> (impl Fn() -> Watches + Send + Sync + 'static, UnboundedReceiver<String>) {
    let (tell, told) = unbounded_channel();
    (move || Watches(tell.clone()), told)
}

/// Never returns from a packet of port 1; its state shows whether it was let go of.
struct Stalls;

impl App for Stalls {
    async fn packet_in(&mut self, _: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        if packet.in_port() == PortNo(1) {
            std::future::pending::<()>().await;
        }
        Ok(Verdict::Pass)
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_that_stalls_is_left_out_and_the_others_go_on() {
    let (make, mut told) = watches();
    let controller = quiet()
        .app_deadline(Duration::from_secs(3))
        .per_switch("stalls", || Stalls)
        .per_switch("watches", make)
        .start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let begin = tokio::time::Instant::now();
    for number in [2, 1, 3] {
        peer.send(packet_in(number, frame(B, A))).await;
    }
    let mut packets = Vec::new();
    while packets.len() < 3 {
        let event = told.recv().await.expect("an event");
        packets.extend(event.strip_prefix("packet ").map(str::to_owned));
    }
    assert_eq!(packets, ["2", "1", "3"]);
    assert!(begin.elapsed() >= Duration::from_secs(3));
    let why = StopReason::Stalled { event: "packet-in", after: Duration::from_secs(3) };
    assert_eq!(switch.stopped_apps(), [StoppedApp { app: "stalls".to_owned(), why }]);
}

/// Waits two seconds at each packet.
struct IsSlow(UnboundedSender<PortNo>);

impl App for IsSlow {
    async fn packet_in(&mut self, _: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.0.send(packet.in_port())?;
        Ok(Verdict::Pass)
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_for_one_event_not_for_a_batch() {
    let (tell, mut told) = unbounded_channel();
    let controller = quiet()
        .app_deadline(Duration::from_secs(3))
        .per_switch("is slow", move || IsSlow(tell.clone()))
        .start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    for number in 1..=4 {
        peer.send(packet_in(number, frame(B, A))).await;
    }
    for number in 1..=4 {
        assert_eq!(told.recv().await, Some(PortNo(number)));
    }
    assert_eq!(switch.stopped_apps(), []);
}

#[tokio::test(start_paused = true)]
async fn hosts_that_come_move_and_go_are_told_to_the_apps_of_every_switch() {
    let (make, mut told) = watches();
    let controller =
        quiet().host_age(Duration::from_secs(60)).per_switch("watches", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    ready(&controller, 1).await;
    for number in [1, 3] {
        peer.send(packet_in(number, frame(B, A))).await;
        assert_eq!(told.recv().await, Some(format!("packet {number}")));
        let expected = if number == 1 { format!("1: {A} seen") } else { format!("1: {A} moved 1 to 3") };
        assert_eq!(told.recv().await, Some(expected));
    }
    let host = controller.network().host(A).expect("it was heard");
    assert_eq!(host.attached.map(|at| at.port), Some(PortNo(3)));
    // It says nothing more. (The switch has to answer echo requests meanwhile.)
    let silence = async { while peer.try_receive().await.is_some() {} };
    tokio::select! {
        event = told.recv() => assert_eq!(event, Some(format!("1: {A} gone"))),
        () = silence => panic!("the connection ended"),
    }
    assert_eq!(controller.network().host(A), None);
}

#[tokio::test(start_paused = true)]
async fn links_that_come_and_go_are_told() {
    let (make, mut told) = watches();
    let controller = Controller::builder().per_switch("watches", make).start_without_listener();
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
    two.send(packet_in(2, probe)).await;
    let both = |event: &str| -> Vec<String> { (1..=2).map(|id| format!("{id}: {event}")).collect() };
    let mut next_two = async || -> Vec<String> {
        let mut events = [told.recv().await.expect("an event"), told.recv().await.expect("an event")];
        events.sort();
        events.into()
    };
    assert_eq!(next_two().await, both("link 3-2 up"));
    two.send(Body::PortStatus(PortStatus { reason: PortStatusReason::Delete, port: port(2) })).await;
    assert_eq!(next_two().await, both("link 3-2 down"));
    drop(two);
    assert_eq!(told.recv().await.as_deref(), Some("1: switch 2 down"));
}

#[tokio::test(start_paused = true)]
async fn a_granted_role_is_returned_and_told() {
    let (make, mut told) = watches();
    let controller = quiet().per_switch("watches", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let script = async {
        let (xid, asked) = peer
            .until(|m| if let Body::RoleRequest(role) = m.body { Some((m.xid, role)) } else { None })
            .await;
        peer.reply(xid, Body::RoleReply(asked)).await;
    };
    let (granted, ()) = tokio::join!(switch.role(RoleKind::Master, 7), script);
    assert_eq!(granted, Ok(Role { kind: RoleKind::Master, generation_id: 7 }));
    assert_eq!(told.recv().await.as_deref(), Some("role Master 7"));
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_what_is_in_hand_and_takes_no_more_packets() {
    let (make, mut told) = watches();
    let controller = quiet().per_switch("watches", make).start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let change = switch.flow_mod(FlowMod::add());
    let shutdown = controller.shutdown();
    let script = async {
        let xid = peer.until(|m| (m.body == Body::BarrierRequest).then_some(m.xid)).await;
        peer.send(packet_in(1, frame(B, A))).await;
        peer.reply(xid, Body::BarrierReply).await;
        while peer.try_receive().await.is_some() {}
    };
    let (change, (), ()) = tokio::join!(change, shutdown, script);
    assert_eq!(change, Ok(()), "acknowledged before the connection was closed");
    assert!(told.try_recv().is_err(), "no packet was taken any more");
}

#[tokio::test(start_paused = true)]
async fn shutdown_does_not_wait_longer_than_its_deadline() {
    let controller = quiet().drain_deadline(Duration::from_secs(2)).start_without_listener();
    let _peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let begin = tokio::time::Instant::now();
    // The script answers nothing any more.
    let (change, ()) = tokio::join!(switch.flow_mod(FlowMod::add()), controller.shutdown());
    assert_eq!(change, Err(RequestError::Disconnected));
    assert!((2..3).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn packets_of_an_auxiliary_connection_reach_the_apps_and_it_ends_with_the_main_one() {
    let (make, mut told) = watches();
    let controller = quiet().per_switch("watches", make).start_without_listener();
    let mut orphan = ScriptedSwitch::connect_auxiliary(&controller, 1, 1).await;
    assert!(orphan.try_receive().await.is_none(), "there is no main connection");
    let main = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let mut auxiliary = ScriptedSwitch::connect_auxiliary(&controller, 1, 1).await;
    auxiliary.send(packet_in(3, frame(B, A))).await;
    assert_eq!(told.recv().await.as_deref(), Some("packet 3"));
    assert!(switch.is_connected(), "it has not taken the main connection's place");
    drop(main);
    assert!(auxiliary.try_receive().await.is_none(), "it ends with the main one");
}
