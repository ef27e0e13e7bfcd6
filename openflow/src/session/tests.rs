//! Two sessions against each other, and one against a scripted peer, under virtual time.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::*;
use crate::error::{BadAction, BadMatch, BadRequest, ErrorKind, ErrorMsg, HelloFailed, RoleRequestFailed};
use crate::extension::{BundleControl, BundleFlags, BundleId, BundleStep, Extension};
use crate::msg::features::Features;
use crate::{
    Action, DatapathId, FlowMod, MultipartBody, MultipartReply, MultipartRequest, PacketOut, PortNo, TableId,
    TableStats,
};

/// A controller and a switch joined by a wire that delivers at once.
struct Pair {
    now: Instant,
    controller: Session,
    switch: Session,
}

fn features() -> Features {
    Features {
        datapath_id: DatapathId(7),
        n_buffers: 0,
        n_tables: 254,
        auxiliary_id: 0,
        capabilities: Default::default(),
    }
}

/// All events that the bytes in `from`'s output mean to `to`.
fn deliver(now: Instant, from: &mut Session, to: &mut Session) -> Vec<Event> {
    let mut wire = from.output().split();
    std::iter::from_fn(|| to.next_event(now, &mut wire)).collect()
}

fn drain(session: &mut Session, now: Instant) -> Vec<Event> {
    std::iter::from_fn(|| session.next_event(now, &mut BytesMut::new())).collect()
}

impl Pair {
    /// With the handshake done.
    fn open() -> Pair {
        let now = Instant::now();
        let mut pair = Pair {
            now,
            controller: Session::new(Config::controller(), now),
            switch: Session::new(Config::switch(), now),
        };
        assert_eq!(pair.at_switch(), [Event::Open]);
        assert_eq!(pair.at_controller(), []);
        let asked = pair.at_switch();
        let [Event::Message(Message { xid, body: Body::FeaturesRequest })] = asked[..] else {
            panic!("features request expected: {asked:?}");
        };
        pair.switch.reply(xid, &Body::FeaturesReply(features())).unwrap();
        assert_eq!(pair.at_controller(), [Event::Ready(features())]);
        pair
    }

    fn at_switch(&mut self) -> Vec<Event> {
        deliver(self.now, &mut self.controller, &mut self.switch)
    }

    fn at_controller(&mut self) -> Vec<Event> {
        deliver(self.now, &mut self.switch, &mut self.controller)
    }

    /// The transaction ids of what arrived at the switch, with the names of the messages.
    fn arrived(&mut self) -> Vec<(Xid, &'static str)> {
        let events = self.at_switch();
        events
            .into_iter()
            .map(|event| match event {
                Event::Message(message) => (message.xid, message.body.name()),
                other => panic!("a message expected: {other:?}"),
            })
            .collect()
    }
}

fn flow() -> Body {
    FlowMod::add().apply([Action::output(PortNo(1))]).into()
}

fn refusal() -> ErrorMsg {
    ErrorMsg { kind: BadAction::BadOutPort.into(), data: Bytes::new() }
}

fn answers(events: &[Event]) -> Vec<(Xid, Result<Reply, RequestError>)> {
    events
        .iter()
        .map(|event| match event {
            Event::Answer { xid, result } => (*xid, result.clone()),
            other => panic!("an answer expected: {other:?}"),
        })
        .collect()
}

#[test]
fn the_handshake_survives_any_split_of_the_stream() {
    let now = Instant::now();
    let mut switch = Session::new(Config::switch(), now);
    switch.put(&Body::FeaturesReply(features()));
    let stream = switch.output().split();
    for cut in 0..=stream.len() {
        let mut controller = Session::new(Config::controller(), now);
        let mut input = BytesMut::from(&stream[..cut]);
        let mut events: Vec<_> = std::iter::from_fn(|| controller.next_event(now, &mut input)).collect();
        input.extend_from_slice(&stream[cut..]);
        events.extend(std::iter::from_fn(|| controller.next_event(now, &mut input)));
        assert_eq!(events, [Event::Ready(features())], "cut at {cut}");
    }
}

#[test]
fn a_barrier_tells_which_modifications_were_carried_out() {
    for failing in 0..3 {
        let mut pair = Pair::open();
        let mods: Vec<Xid> = (0..3).map(|_| pair.controller.modify(pair.now, &flow()).unwrap()).collect();
        pair.controller.commit(pair.now);
        pair.controller.commit(pair.now);
        let arrived = pair.arrived();
        assert_eq!(arrived.len(), 4, "three flow-mods and one barrier: {arrived:?}");
        pair.switch.reply(mods[failing], &Body::Error(refusal())).unwrap();
        pair.switch.reply(arrived[3].0, &Body::BarrierReply).unwrap();
        let events = pair.at_controller();
        let mut answers = answers(&events);
        answers.sort_by_key(|(xid, _)| *xid);
        let expected: Vec<_> = mods
            .iter()
            .enumerate()
            .map(|(i, xid)| {
                (*xid, if i == failing { Err(RequestError::Refused(refusal())) } else { Ok(Reply::Done) })
            })
            .collect();
        assert_eq!(answers, expected);
        assert_eq!(pair.controller.outstanding(), 0);
    }
}

#[test]
fn an_error_reaches_its_request_without_a_barrier() {
    let mut pair = Pair::open();
    let xid = pair.controller.modify(pair.now, &flow()).unwrap();
    pair.at_switch();
    pair.switch.reply(xid, &Body::Error(refusal())).unwrap();
    assert_eq!(answers(&pair.at_controller()), [(xid, Err(RequestError::Refused(refusal())))]);
}

#[test]
fn the_error_of_an_untracked_message_is_an_event() {
    let mut pair = Pair::open();
    let xid =
        pair.controller.send(&PacketOut::new(Bytes::new(), [Action::output(PortNo(9))]).into()).unwrap();
    pair.at_switch();
    pair.switch.reply(xid, &Body::Error(refusal())).unwrap();
    assert_eq!(pair.at_controller(), [Event::Message(Message { xid, body: Body::Error(refusal()) })]);
}

#[test]
fn the_callers_own_barrier_acknowledges_what_went_before() {
    let mut pair = Pair::open();
    let change = pair.controller.modify(pair.now, &flow()).unwrap();
    let barrier = pair.controller.request(pair.now, &Body::BarrierRequest).unwrap();
    pair.controller.commit(pair.now);
    assert_eq!(pair.arrived().len(), 2, "no further barrier");
    pair.switch.reply(barrier, &Body::BarrierReply).unwrap();
    assert_eq!(answers(&pair.at_controller()), [(change, Ok(Reply::Done)), (barrier, Ok(Reply::Done))]);
}

#[test]
fn any_of_many_barriers_is_found() {
    const BATCHES: usize = 50_000;
    let mut pair = Pair::open();
    let mods: Vec<Xid> = (0..BATCHES)
        .map(|_| {
            let xid = pair.controller.modify(pair.now, &flow()).unwrap();
            pair.controller.commit(pair.now);
            xid
        })
        .collect();
    let barriers: Vec<Xid> = pair
        .arrived()
        .into_iter()
        .filter(|(_, name)| *name == "OFPT_BARRIER_REQUEST")
        .map(|(xid, _)| xid)
        .collect();
    // The middle one is refused, the last one answered: the rest is done.
    let refused = BATCHES / 2;
    pair.switch.reply(barriers[refused], &Body::Error(refusal())).unwrap();
    pair.switch.reply(barriers[BATCHES - 1], &Body::BarrierReply).unwrap();
    let mut answered = answers(&pair.at_controller());
    answered.sort_by_key(|(xid, _)| *xid);
    let expected: Vec<_> = mods
        .iter()
        .enumerate()
        .map(|(i, xid)| {
            (*xid, if i == refused { Err(RequestError::Refused(refusal())) } else { Ok(Reply::Done) })
        })
        .collect();
    assert!(answered == expected);
    assert_eq!(pair.controller.outstanding(), 0);
}

#[test]
fn a_later_barrier_answers_for_those_before_it() {
    let mut pair = Pair::open();
    let first = pair.controller.modify(pair.now, &flow()).unwrap();
    pair.controller.commit(pair.now);
    let second = pair.controller.modify(pair.now, &flow()).unwrap();
    pair.controller.commit(pair.now);
    let last_barrier = pair.arrived()[3].0;
    pair.switch.reply(last_barrier, &Body::BarrierReply).unwrap();
    assert_eq!(answers(&pair.at_controller()), [(first, Ok(Reply::Done)), (second, Ok(Reply::Done))]);
}

fn tables(count: usize) -> MultipartBody {
    let table = TableStats { table: TableId(3), active_count: 1, lookup_count: 5, matched_count: 2 };
    MultipartBody::Table(vec![table; count])
}

#[test]
fn the_parts_of_a_multipart_reply_are_gathered() {
    let mut pair = Pair::open();
    let ask = Body::MultipartRequest(MultipartRequest::Table);
    let xid = pair.controller.request(pair.now, &ask).unwrap();
    pair.at_switch();
    for (count, more) in [(2, true), (0, true), (1, false)] {
        let part = MultipartReply { more, ..MultipartReply::last(tables(count)) };
        pair.switch.reply(xid, &Body::MultipartReply(part)).unwrap();
    }
    assert_eq!(answers(&pair.at_controller()), [(xid, Ok(Reply::Multipart(tables(3))))]);
}

#[test]
fn a_multipart_reply_without_end_is_given_up() {
    let mut pair = Pair::open();
    let ask = Body::MultipartRequest(MultipartRequest::Table);
    let xid = pair.controller.request(pair.now, &ask).unwrap();
    pair.at_switch();
    let max = Config::controller().max_multipart_parts;
    for _ in 0..max {
        pair.switch.reply(xid, &Body::MultipartReply(MultipartReply::part(tables(0)))).unwrap();
    }
    assert_eq!(answers(&pair.at_controller()), [(xid, Err(RequestError::TooManyParts(max)))]);
}

#[test]
fn a_reply_of_another_kind_is_no_answer() {
    let mut pair = Pair::open();
    let xid = pair.controller.request(pair.now, &Body::MultipartRequest(MultipartRequest::Desc)).unwrap();
    pair.at_switch();
    pair.switch.reply(xid, &Body::MultipartReply(MultipartReply::last(tables(0)))).unwrap();
    pair.switch.reply(xid, &Body::BarrierReply).unwrap();
    let events = pair.at_controller();
    assert!(matches!(events[..], [Event::Message(_)]), "{events:?}");
    assert_eq!(pair.controller.outstanding(), 1);
}

#[test]
fn an_unanswered_request_times_out_at_its_deadline() {
    let mut pair = Pair::open();
    let config = Config::controller();
    let xid = pair.controller.request(pair.now, &Body::GetConfigRequest).unwrap();
    let due = pair.now + config.request_timeout;
    let mut heard = pair.now;
    while let Some(deadline) = pair.controller.next_deadline()
        && deadline < due
    {
        // The switch is alive, so that it is the request that is given up and not the connection.
        heard = deadline;
        pair.controller.handle_deadline(heard);
        let mut echo = BytesMut::new();
        Body::EchoReply(Bytes::new()).encode(Xid(0), &mut echo).unwrap();
        assert_eq!(pair.controller.next_event(heard, &mut echo), None);
    }
    assert!(heard > pair.now);
    pair.controller.handle_deadline(due);
    assert_eq!(answers(&drain(&mut pair.controller, due)), [(xid, Err(RequestError::Timeout))]);
    assert!(pair.controller.is_open());
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let mut pair = Pair::open();
    let config = Config::controller();
    // Asked a little later, so that its own deadline is not reached first.
    let later = pair.now + Duration::from_secs(1);
    let xid = pair.controller.request(later, &Body::GetConfigRequest).unwrap();
    pair.at_switch();
    let quiet = pair.now + config.echo_interval;
    assert_eq!(pair.controller.next_deadline(), Some(quiet));
    pair.controller.handle_deadline(quiet - Duration::from_nanos(1));
    assert!(pair.controller.output().is_empty(), "too early");
    pair.controller.handle_deadline(quiet);
    assert!(!pair.controller.output().is_empty(), "an echo request");
    let silent = quiet + config.echo_timeout;
    assert_eq!(pair.controller.next_deadline(), Some(silent));
    pair.controller.handle_deadline(silent);
    assert_eq!(
        drain(&mut pair.controller, silent),
        [Event::Answer { xid, result: Err(RequestError::Disconnected) }, Event::Closed(CloseReason::Silent)]
    );
    assert_eq!(pair.controller.next_deadline(), None);
    assert_eq!(pair.controller.send(&flow()), Err(SendError::Closed));
}

#[test]
fn echo_requests_are_answered_with_their_data() {
    let mut pair = Pair::open();
    let xid = pair.switch.send(&Body::EchoRequest(Bytes::from_static(b"ping"))).unwrap();
    assert_eq!(pair.at_controller(), []);
    let mut wire = pair.controller.output().split();
    let frame = frame::next(&mut wire).unwrap().unwrap();
    let reply = Message { xid, body: Body::EchoReply(Bytes::from_static(b"ping")) };
    assert_eq!(Message::decode(frame), Ok(reply));
}

/// A hello of this version, with or without a bitmap of the versions 1.0 to 1.2.
fn old_hello(version: u8, bitmap: Option<u32>) -> BytesMut {
    let mut hello = BytesMut::from(&[version, 0, 0, 8, 0, 0, 0, 1][..]);
    if let Some(bitmap) = bitmap {
        hello[3] = 16;
        hello.extend_from_slice(&[0, 1, 0, 8]);
        hello.extend_from_slice(&bitmap.to_be_bytes());
    }
    hello
}

#[test]
fn versions_are_negotiated_as_the_specification_says() {
    // OF 1.3.5 §6.3.1: bitmaps decide; without one, the smaller of the two header versions.
    let cases = [
        (4, None, true),
        (5, None, true),
        (1, None, false),
        (6, Some(1 << 4 | 1 << 6), true),
        (6, Some(1 << 6), false),
        (3, Some(1 << 1 | 1 << 4), true),
    ];
    for (version, bitmap, agreed) in cases {
        let now = Instant::now();
        let mut controller = Session::new(Config::controller(), now);
        controller.output().clear();
        let event = controller.next_event(now, &mut old_hello(version, bitmap));
        let mut wire = controller.output().split();
        let said = Message::decode(frame::next(&mut wire).unwrap().unwrap()).unwrap().body;
        if agreed {
            assert_eq!((event, said), (None, Body::FeaturesRequest), "{version} {bitmap:?}");
        } else {
            assert!(
                matches!(event, Some(Event::Closed(CloseReason::Version { .. }))),
                "{version} {bitmap:?}"
            );
            let Body::Error(error) = said else { panic!("an error expected: {said:?}") };
            assert_eq!(error.kind, ErrorKind::HelloFailed(HelloFailed::Incompatible));
        }
    }
}

#[test]
fn what_is_no_handshake_ends_the_session() {
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice();
    let short = &[4, 0, 0, 3, 0, 0, 0, 1][..];
    let packet_in = &[4, 10, 0, 8, 0, 0, 0, 1][..];
    let barrier = &[4, 20, 0, 8, 0, 0, 0, 1][..];
    for peer in [http, short, packet_in, barrier] {
        let now = Instant::now();
        let mut controller = Session::new(Config::controller(), now);
        let mut input = BytesMut::from(peer);
        let event = controller.next_event(now, &mut input);
        // "GET " is a frame of 0x5420 bytes' stated length: what tells is that no hello comes in time.
        if peer == http {
            assert_eq!(event, None);
            let due = controller.next_deadline().unwrap();
            controller.handle_deadline(due);
            assert_eq!(
                controller.next_event(due, &mut input),
                Some(Event::Closed(CloseReason::HandshakeTimeout))
            );
        } else {
            assert!(matches!(event, Some(Event::Closed(_))), "{peer:?}: {event:?}");
        }
        assert_eq!(controller.next_event(now, &mut input), None, "nothing comes after the end");
    }
}

#[test]
fn an_unreadable_message_fails_its_request_and_nothing_else() {
    let mut pair = Pair::open();
    let xid = pair.controller.request(pair.now, &Body::GetConfigRequest).unwrap();
    let mut wire = BytesMut::from(&[4, 8, 0, 9, 0, 0, 0, 0, 0][..]);
    wire[4..8].copy_from_slice(&xid.0.to_be_bytes());
    let events: Vec<_> = std::iter::from_fn(|| pair.controller.next_event(pair.now, &mut wire)).collect();
    assert!(matches!(events[0], Event::Undecodable { .. }), "{events:?}");
    assert!(
        matches!(&events[1], Event::Answer { xid: of, result: Err(RequestError::BadReply(_)) } if *of == xid)
    );
    assert!(pair.controller.is_open());
}

#[test]
fn only_what_has_a_reply_can_be_asked() {
    let mut pair = Pair::open();
    assert_eq!(pair.controller.request(pair.now, &flow()), Err(SendError::NoReplyDefined("OFPT_FLOW_MOD")));
    let mut closed = Session::new(Config::controller(), pair.now);
    assert_eq!(closed.send(&flow()), Err(SendError::NotReady));
}

#[test]
fn a_peer_that_answers_no_barrier_does_not_grow_the_memory() {
    let mut pair = Pair::open();
    let timeout = Config::controller().request_timeout;
    for _ in 0..100 {
        pair.controller.modify(pair.now, &flow()).unwrap();
        pair.controller.commit(pair.now);
        pair.controller.output().clear();
        pair.now += timeout;
        pair.controller.pending.expire(pair.now);
        assert_eq!(pair.controller.pending.epochs(), 0);
    }
}

#[test]
fn packet_ins_may_be_taken_one_by_one_and_nothing_else() {
    let mut pair = Pair::open();
    let packet_in = crate::PacketIn {
        buffer: None,
        total_len: 3,
        reason: crate::PacketInReason::NoMatch,
        table: TableId(0),
        cookie: 0,
        match_: crate::Match::new().in_port(PortNo(7)),
        data: Bytes::from_static(&[1, 2, 3]),
    };
    pair.switch.send(&packet_in.clone().into()).unwrap();
    let whole = pair.switch.output().split();
    for cut in 0..whole.len() {
        let mut input = BytesMut::from(&whole[..cut]);
        assert_eq!(pair.controller.next_packet_in(pair.now, &mut input), None, "cut at {cut}");
        assert_eq!(input.len(), cut);
    }
    let mut input = whole.clone();
    assert_eq!(pair.controller.next_packet_in(pair.now, &mut input), Some(Ok(packet_in)));
    assert!(input.is_empty());
    // One that cannot be read is passed over.
    let mut bad = whole.clone();
    bad[8 + 16 + 1] = 0;
    assert!(matches!(pair.controller.next_packet_in(pair.now, &mut bad), Some(Err(_))));
    assert!(bad.is_empty());
    // Another message is left where it is, and so is everything while an answer is to be told first.
    let mut echo = BytesMut::from(&[4, 2, 0, 8, 0, 0, 0, 1][..]);
    assert_eq!(pair.controller.next_packet_in(pair.now, &mut echo), None);
    assert_eq!(echo.len(), 8);
    pair.controller.request(pair.now, &Body::BarrierRequest).unwrap();
    pair.controller.handle_disconnect(CloseReason::Eof);
    assert_eq!(pair.controller.next_packet_in(pair.now, &mut whole.clone()), None);
}

#[test]
fn auxiliary_connections_are_recognised() {
    for (id, auxiliary) in [(0, false), (3, true)] {
        let now = Instant::now();
        let mut controller = Session::new(Config::controller(), now);
        let mut switch = Session::new(Config::switch(), now);
        assert_eq!(deliver(now, &mut switch, &mut controller), []);
        assert_eq!(controller.is_auxiliary(), None, "the switch has not said it yet");
        let asked = deliver(now, &mut controller, &mut switch);
        let Some(Event::Message(Message { xid, .. })) = asked.last() else { panic!("{asked:?}") };
        let told = Features { auxiliary_id: id, ..features() };
        switch.reply(*xid, &Body::FeaturesReply(told.clone())).unwrap();
        assert_eq!(deliver(now, &mut switch, &mut controller), [Event::Ready(told)]);
        assert_eq!(controller.is_auxiliary(), Some(auxiliary));
    }
}

#[test]
fn the_role_is_the_one_that_the_switch_has_confirmed() {
    let mut pair = Pair::open();
    assert_eq!((pair.controller.role(), pair.controller.generation_id()), (RoleKind::Equal, None));
    let asked = Role { kind: RoleKind::Master, generation_id: 7 };
    let request = pair.controller.request(pair.now, &Body::RoleRequest(asked)).unwrap();
    assert_eq!(pair.arrived(), [(request, "OFPT_ROLE_REQUEST")]);
    assert_eq!(pair.controller.role(), RoleKind::Equal, "asked, and not confirmed");
    pair.switch.reply(request, &Body::RoleReply(asked)).unwrap();
    pair.at_controller();
    assert_eq!((pair.controller.role(), pair.controller.generation_id()), (RoleKind::Master, Some(7)));
    // What nobody asked for changes nothing, nor does a reply that names no role.
    pair.switch.reply(Xid(9999), &Body::RoleReply(Role { kind: RoleKind::Slave, generation_id: 9 })).unwrap();
    let nothing = Role { kind: RoleKind::NoChange, generation_id: 9 };
    let request = pair.controller.request(pair.now, &Body::RoleRequest(nothing)).unwrap();
    pair.at_switch();
    pair.switch.reply(request, &Body::RoleReply(nothing)).unwrap();
    pair.at_controller();
    assert_eq!((pair.controller.role(), pair.controller.generation_id()), (RoleKind::Master, Some(7)));
    // An older one is refused, and changes nothing.
    let older = Role { kind: RoleKind::Slave, generation_id: 6 };
    let request = pair.controller.request(pair.now, &Body::RoleRequest(older)).unwrap();
    pair.at_switch();
    let stale = ErrorMsg { kind: RoleRequestFailed::Stale.into(), data: Bytes::new() };
    pair.switch.reply(request, &Body::Error(stale.clone())).unwrap();
    let events = pair.at_controller();
    assert_eq!(answers(&events), [(request, Err(RequestError::Refused(stale)))]);
    assert_eq!((pair.controller.role(), pair.controller.generation_id()), (RoleKind::Master, Some(7)));
}

#[test]
fn elections_go_round() {
    let role = |generation_id| Role { kind: RoleKind::Master, generation_id };
    assert!(role(6).is_older_than(7) && !role(7).is_older_than(7) && !role(8).is_older_than(7));
    assert!(role(u64::MAX).is_older_than(0) && !role(0).is_older_than(u64::MAX));
}

/// A flow that matches a port of TCP without saying that it is TCP; a message of no known type.
fn odd() -> [(Body, ErrorKind); 2] {
    let unsound = FlowMod::add().matching(crate::Match::new().tcp_dst(80));
    let unknown = Body::Unknown { msg_type: 77, payload: Bytes::new() };
    [(unsound.into(), BadMatch::BadPrereq.into()), (unknown, BadRequest::BadType.into())]
}

#[test]
fn a_lenient_session_lets_pass_what_can_be_read_and_a_strict_one_does_not() {
    for (body, refusal) in odd() {
        let mut pair = Pair::open();
        pair.controller.send(&body).unwrap();
        let events = pair.at_switch();
        assert!(matches!(&events[..], [Event::Message(it)] if it.body == body), "{events:?}");

        pair.switch.config.strictness = Strictness::Strict;
        pair.controller.send(&body).unwrap();
        pair.controller.send(&flow()).unwrap();
        let events = pair.at_switch();
        let [Event::Undecodable { error, .. }, Event::Message(next)] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(error.to_error_kind(), refusal, "{error}");
        assert_eq!(next.body, flow(), "the connection goes on");
    }
}

#[test]
fn packet_ins_taken_by_themselves_are_checked_too() {
    let body = Body::PacketIn(PacketIn {
        buffer: None,
        total_len: 0,
        reason: crate::PacketInReason::Unknown(9),
        table: TableId(0),
        cookie: 0,
        match_: crate::Match::new().in_port(PortNo(1)),
        data: Bytes::new(),
    });
    for strictness in [Strictness::Lenient, Strictness::Strict] {
        let mut pair = Pair::open();
        pair.controller.config.strictness = strictness;
        pair.switch.send(&body).unwrap();
        let mut wire = pair.switch.output().split();
        let taken = pair.controller.next_packet_in(pair.now, &mut wire).unwrap();
        assert_eq!(taken.is_ok(), strictness == Strictness::Lenient, "{taken:?}");
        assert!(wire.is_empty());
    }
}

/// A hello whose second element states more than there is: the version of its bitmap, or of its header, counts.
#[test]
fn a_hello_with_a_broken_element_is_a_hello() {
    for bitmap in [&[0, 1, 0, 8, 0, 0, 0, 0x10][..], &[]] {
        let now = Instant::now();
        let mut session = Session::new(Config::switch(), now);
        let broken = [0, 9, 0, 99, 1, 2, 3, 4];
        let length = (8 + bitmap.len() + broken.len()) as u8;
        let wire = [&[4, 0, 0, length, 0, 0, 0, 1][..], bitmap, &broken].concat();
        let mut wire = BytesMut::from(&wire[..]);
        assert_eq!(session.next_event(now, &mut wire), Some(Event::Open));
    }
}

/// An error of another version, with numbers that this one does not have, in the place of a hello.
#[test]
fn a_strict_session_hears_why_its_hello_was_refused() {
    let now = Instant::now();
    let config = Config { strictness: Strictness::Strict, ..Config::controller() };
    let mut session = Session::new(config, now);
    let mut wire = BytesMut::from(&[1, 1, 0, 12, 0, 0, 0, 1, 0, 90, 0, 91][..]);
    let event = session.next_event(now, &mut wire);
    let kind = ErrorKind::Unknown { etype: 90, code: 91 };
    let refused = CloseReason::Refused(ErrorMsg { kind, data: Bytes::new() });
    assert_eq!(event, Some(Event::Closed(refused)));
}

#[test]
fn a_bundle_s_steps_are_requests_with_replies() {
    let mut pair = Pair::open();
    let step = |step| {
        let control = BundleControl { bundle: BundleId(4), step, flags: BundleFlags::ATOMIC };
        Body::from(Extension::BundleControl(control))
    };
    let asked = pair.controller.request(pair.now, &step(BundleStep::OpenRequest)).unwrap();
    assert_eq!(pair.arrived(), [(asked, "ONFT_BUNDLE_CONTROL")]);
    let another =
        BundleControl { bundle: BundleId(5), step: BundleStep::OpenReply, flags: BundleFlags::ATOMIC };
    for unasked in [step(BundleStep::CommitReply), Extension::BundleControl(another).into()] {
        pair.switch.reply(asked, &unasked).unwrap();
        assert_eq!(pair.at_controller(), [Event::Message(Message { xid: asked, body: unasked })]);
    }
    pair.switch.reply(asked, &step(BundleStep::OpenReply)).unwrap();
    let events = pair.at_controller();
    let reply = Reply::Body(Box::new(step(BundleStep::OpenReply)));
    assert_eq!(answers(&events), [(asked, Ok(reply))]);
    let no_request = pair.controller.request(pair.now, &step(BundleStep::OpenReply));
    assert_eq!(no_request, Err(SendError::NoReplyDefined("ONFT_BUNDLE_CONTROL")));
}

#[test]
fn an_unreadable_message_ends_only_a_request_that_awaits_its_kind() {
    /// A flow-removed and a multipart reply that end too early, and an error without a code.
    const FLOW_REMOVED: u8 = 11;
    const MULTIPART_REPLY: u8 = 19;
    const ERROR: u8 = 1;
    for (msg_type, ends) in [(FLOW_REMOVED, false), (MULTIPART_REPLY, true), (ERROR, true)] {
        let mut pair = Pair::open();
        let ask = Body::MultipartRequest(MultipartRequest::Table);
        let xid = pair.controller.request(pair.now, &ask).unwrap();
        pair.at_switch();
        let mut wire = BytesMut::from(&[4, msg_type, 0, 10][..]);
        wire.extend_from_slice(&xid.0.to_be_bytes());
        wire.extend_from_slice(&[0, 3]);
        let now = pair.now;
        let events: Vec<_> = std::iter::from_fn(|| pair.controller.next_event(now, &mut wire)).collect();
        assert!(matches!(events[0], Event::Undecodable { .. }), "{events:?}");
        let ended = matches!(&events[1..], [Event::Answer { xid: of, result: Err(RequestError::BadReply(_)) }] if *of == xid);
        assert_eq!((ended, events.len()), (ends, if ends { 2 } else { 1 }), "{events:?}");
    }
}
