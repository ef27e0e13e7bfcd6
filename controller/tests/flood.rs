//! Switches that send more than anybody wants, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::sync::atomic::Ordering;
use std::time::Duration;

use flowbed_controller::{Controller, Discovery, RequestError, Switch};
use openflow::{Body, DatapathId, PortNo, PortStatus, PortStatusReason};
use scripted::{ScriptedSwitch, port};
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(30);

fn start() -> Controller {
    Controller::builder().discovery(Discovery::Off).start_without_listener()
}

async fn ready(controller: &Controller, id: u64) -> Switch {
    controller.wait_ready(&[DatapathId(id)], SOON).await.expect("ready");
    controller.switch(DatapathId(id)).expect("connected")
}

/// What the task returns within so much virtual time. With a flood some task always has work, so the clock does not
/// go on by itself.
async fn within<T>(limit: Duration, task: JoinHandle<T>) -> T {
    const STEP: Duration = Duration::from_millis(100);
    let mut passed = Duration::ZERO;
    while !task.is_finished() {
        assert!(passed < limit, "not done within {limit:?}");
        tokio::time::advance(STEP).await;
        passed += STEP;
    }
    task.await.expect("no panic")
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_while_a_switch_floods() {
    let controller = start();
    let (_peer, flood) = ScriptedSwitch::connect_flooding(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    flood.store(true, Ordering::Relaxed);
    let shutdown = tokio::spawn({
        let controller = controller.clone();
        async move { controller.shutdown().await }
    });
    within(Duration::from_secs(3), shutdown).await;
    assert!(!switch.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_request_times_out_while_a_switch_floods() {
    let controller = start();
    let (_peer, flood) = ScriptedSwitch::connect_flooding(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    flood.store(true, Ordering::Relaxed);
    let request = tokio::spawn({
        let switch = switch.clone();
        async move { switch.barrier().await }
    });
    assert_eq!(within(Duration::from_secs(11), request).await, Err(RequestError::Timeout));
    assert!(switch.is_connected(), "it is not silent");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_not_held_up_by_an_answer_that_a_flooding_switch_owes() {
    let controller = start();
    let (_peer, flood) = ScriptedSwitch::connect_flooding(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    flood.store(true, Ordering::Relaxed);
    let request = tokio::spawn(async move { switch.barrier().await });
    let shutdown = tokio::spawn({
        let controller = controller.clone();
        async move { controller.shutdown().await }
    });
    within(Duration::from_secs(3), shutdown).await;
    assert_eq!(request.await.expect("no panic"), Err(RequestError::Disconnected));
}

fn added(number: u32) -> Body {
    Body::PortStatus(PortStatus { reason: PortStatusReason::Add, port: port(number) })
}

#[tokio::test(start_paused = true)]
async fn ports_beyond_the_limit_are_left_out_and_counted() {
    const BEYOND: u32 = 100;
    let limit = u32::try_from(Switch::MAX_PORTS).unwrap();
    let controller = start();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    // Downwards, so that each comes before all that are there.
    for number in (1..=limit + BEYOND).rev() {
        peer.send(added(number)).await;
    }
    let (outcome, _) = tokio::join!(switch.barrier(), peer.until_barrier());
    outcome.expect("all before it was read");
    assert_eq!(switch.left_out_ports(), u64::from(BEYOND), "the first three were there from the start");
    let ports = switch.ports();
    assert_eq!(ports.len(), Switch::MAX_PORTS);
    assert!(ports.is_sorted_by_key(|port| port.number));
    assert_eq!(controller.network().snapshot().switches[0].ports, ports);

    // There is room for a new one once another is gone.
    let gone = PortStatus { reason: PortStatusReason::Delete, port: port(1) };
    peer.send(Body::PortStatus(gone)).await;
    peer.send(added(limit + BEYOND + 1)).await;
    let (outcome, _) = tokio::join!(switch.barrier(), peer.until_barrier());
    outcome.expect("all before it was read");
    let ports = switch.ports();
    assert_eq!(ports.first().map(|port| port.number), Some(PortNo(2)));
    assert_eq!(ports.last().map(|port| port.number), Some(PortNo(limit + BEYOND + 1)));
}

#[tokio::test(start_paused = true)]
async fn changes_of_ports_that_come_together_are_published_once() {
    let controller = start();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    let switch = ready(&controller, 1).await;
    let mut changes = controller.network().changes();
    let before = *changes.borrow_and_update();
    let mut together = bytes::BytesMut::new();
    for number in 4..=100 {
        added(number).encode(openflow::Xid(number), &mut together).unwrap();
    }
    peer.write(&together).await;
    changes.changed().await.unwrap();
    assert_eq!(switch.ports().len(), 100);
    assert_eq!(controller.network().snapshot().switches[0].ports.len(), 100);
    assert_eq!(*changes.borrow(), before + 1);
}
