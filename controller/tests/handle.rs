//! The switch handle against a scripted switch, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flowbed_controller::{ApplyError, Controller, Discovery, RequestError, SendError, Switch};
use openflow::error::BadAction;
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::multipart::GroupDesc;
use openflow::{
    Action, Body, DatapathId, ErrorMsg, FlowMod, GroupId, MacAddr, MeterId, MultipartBody, MultipartReply,
    MultipartRequest, PortNo, PortStats, Xid,
};
use scripted::{ScriptedSwitch, frame, packet_in};

const SOON: Duration = Duration::from_secs(30);

async fn connected() -> (Controller, ScriptedSwitch, Switch) {
    let controller = Controller::builder().discovery(Discovery::Off).start_without_listener();
    let peer = ScriptedSwitch::connect(&controller, 1).await;
    controller.wait_ready(&[DatapathId(1)], SOON).await.expect("ready");
    let switch = controller.switch(DatapathId(1)).expect("connected");
    (controller, peer, switch)
}

fn refusal() -> ErrorMsg {
    ErrorMsg { kind: BadAction::BadOutPort.into(), data: Bytes::new() }
}

fn flows(count: u16) -> impl Iterator<Item = FlowMod> {
    (0..count).map(|priority| FlowMod::add().priority(priority).apply([Action::output(PortNo(1))]))
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_one_barrier_and_every_failure_is_told_by_its_place() {
    const COUNT: u16 = 3000;
    for failing in [vec![], vec![0], vec![COUNT / 2], vec![COUNT - 1], vec![0, 1, 1500, COUNT - 1]] {
        let (_controller, mut peer, switch) = connected().await;
        let script = async {
            let mut seen = 0;
            loop {
                let message = peer.receive().await;
                match message.body {
                    Body::FlowMod(flow) => {
                        assert_eq!(flow.priority, seen, "in order");
                        seen += 1;
                        if failing.contains(&flow.priority) {
                            peer.reply(message.xid, Body::Error(refusal())).await;
                        }
                    }
                    Body::BarrierRequest => {
                        assert_eq!(seen, COUNT, "one barrier, behind all of them");
                        return peer.reply(message.xid, Body::BarrierReply).await;
                    }
                    _ => {}
                }
            }
        };
        let (outcome, ()) = tokio::join!(switch.apply(flows(COUNT)), script);
        let failures: Vec<_> =
            failing.iter().map(|place| (usize::from(*place), RequestError::Refused(refusal()))).collect();
        match outcome {
            Ok(()) => assert!(failing.is_empty()),
            Err(error) => assert_eq!(error, ApplyError { failures, of: usize::from(COUNT) }),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_in_the_middle_of_a_batch_fails_what_was_not_acknowledged() {
    let (_controller, mut peer, switch) = connected().await;
    let script = async {
        let first = peer.until(|m| matches!(m.body, Body::FlowMod(_)).then_some(m.xid)).await;
        peer.reply(first, Body::Error(refusal())).await;
        drop(peer);
    };
    let (outcome, ()) = tokio::join!(switch.apply(flows(10)), script);
    let failures = outcome.expect_err("nothing was acknowledged").failures;
    assert_eq!(failures.len(), 10);
    assert_eq!(failures[0], (0, RequestError::Refused(refusal())));
    assert_eq!(failures[9], (9, RequestError::Disconnected));
    let error = switch.apply(flows(2)).await.expect_err("the connection is gone");
    assert_eq!(error.failures[1], (1, RequestError::NotSent(SendError::Closed)));
    assert_eq!(switch.apply(flows(0)).await, Ok(()), "nothing to do is done");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_nobody_acknowledges_times_out() {
    let (_controller, mut peer, switch) = connected().await;
    // It answers echo requests, and nothing else.
    let silent = async { while peer.try_receive().await.is_some() {} };
    let failures = tokio::select! {
        outcome = switch.apply(flows(3)) => outcome.expect_err("no answer").failures,
        () = silent => panic!("the connection ended"),
    };
    assert_eq!(failures.len(), 3);
    assert!(failures.iter().all(|(_, error)| *error == RequestError::Timeout), "{failures:?}");
}

/// The request, once it is there.
async fn asked(peer: &mut ScriptedSwitch) -> (Xid, MultipartRequest) {
    peer.until(|m| match &m.body {
        Body::MultipartRequest(request) => Some((m.xid, request.clone())),
        _ => None,
    })
    .await
}

async fn part(peer: &mut ScriptedSwitch, xid: Xid, more: bool, body: MultipartBody) {
    peer.reply(xid, Body::MultipartReply(MultipartReply { more, ..MultipartReply::last(body) })).await;
}

#[tokio::test(start_paused = true)]
async fn statistics_are_gathered_from_all_their_parts() {
    let (_controller, mut peer, switch) = connected().await;
    let counters = |port| PortStats { port: PortNo(port), ..PortStats::default() };
    let script = async {
        let (xid, request) = asked(&mut peer).await;
        assert_eq!(request, MultipartRequest::PortStats(PortNo::ANY));
        part(&mut peer, xid, true, MultipartBody::PortStats(vec![counters(1), counters(2)])).await;
        part(&mut peer, xid, false, MultipartBody::PortStats(vec![counters(3)])).await;
    };
    let (all, ()) = tokio::join!(switch.port_stats(PortNo::ANY), script);
    assert_eq!(all.map(|all| all.iter().map(|one| one.port.0).collect()), Ok(vec![1, 2, 3]));

    let group = GroupDesc {
        kind: GroupKind::All,
        group: GroupId(5),
        buckets: vec![Bucket::new([Action::output(PortNo(1))])],
    };
    let script = async {
        let (xid, request) = asked(&mut peer).await;
        assert_eq!(request, MultipartRequest::GroupDesc);
        part(&mut peer, xid, false, MultipartBody::GroupDesc(vec![group.clone()])).await;
    };
    let (groups, ()) = tokio::join!(switch.group_desc(), script);
    assert_eq!(groups, Ok(vec![group]));

    // The switch has no meters, and says so.
    let script = async {
        let (xid, request) = asked(&mut peer).await;
        assert_eq!(request, MultipartRequest::Meter(MeterId::ALL));
        peer.reply(xid, Body::Error(refusal())).await;
    };
    let (meters, ()) = tokio::join!(switch.meter_stats(MeterId::ALL), script);
    assert_eq!(meters, Err(RequestError::Refused(refusal())));
}

#[tokio::test(start_paused = true)]
async fn a_refused_group_is_the_error_of_its_call() {
    let (_controller, mut peer, switch) = connected().await;
    let group = GroupMod::add(GroupKind::Select, GroupId(1), [Bucket::new([Action::output(PortNo(9))])]);
    let script = async {
        let xid = peer.until(|m| matches!(m.body, Body::GroupMod(_)).then_some(m.xid)).await;
        peer.reply(xid, Body::Error(refusal())).await;
    };
    let (outcome, ()) = tokio::join!(switch.group_mod(group), script);
    assert_eq!(outcome, Err(RequestError::Refused(refusal())));
}

#[tokio::test(start_paused = true)]
async fn messages_arrive_whole_however_the_stream_is_cut() {
    let host = |number| MacAddr([2, 0, 0, 0, 0, number]);
    let mut stream = BytesMut::new();
    for number in 1..=3 {
        packet_in(number, frame(host(0xff), host(number as u8))).encode(Xid(0), &mut stream).expect("short");
    }
    for cut in 0..=stream.len() {
        let (controller, mut peer, _) = connected().await;
        peer.write(&stream[..cut]).await;
        tokio::task::yield_now().await;
        peer.write(&stream[cut..]).await;
        let mut changes = controller.network().changes();
        let heard = || controller.network().snapshot().hosts.iter().map(|host| host.mac).collect::<Vec<_>>();
        while heard().len() < 3 {
            tokio::time::timeout(SOON, changes.changed()).await.expect("in time").expect("it runs");
        }
        assert_eq!(heard(), [host(1), host(2), host(3)], "cut at {cut}");
    }
}
