//! A session whose peer does what it wants.

use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use openflow::extension::{BundleControl, BundleFlags, BundleId, BundleStep, Extension};
use openflow::frame::{self, VERSION};
use openflow::ids::Xid;
use openflow::msg::role::{Role, RoleKind};
use openflow::multipart::MultipartRequest;
use openflow::session::{CloseReason, Config, Event, Session, Strictness};
use openflow::{Body, FlowMod, Message};

use crate::bound;

/// Plays a script: the first byte says which end the session is, whether it is strict and whether packet-ins are asked
/// for first; then each step is a byte that chooses it, with its operands behind.
pub fn session(data: &[u8]) {
    let Some((end, script)) = data.split_first() else { return };
    let config = if end & 1 == 0 { Config::controller() } else { Config::switch() };
    let strictness = if end & 2 == 0 { Strictness::Lenient } else { Strictness::Strict };
    let config = Config { max_outstanding: 16, max_multipart_parts: 8, strictness, ..config };
    let packet_ins_first = end & 4 != 0;
    // An epoch of modifications takes one byte of the script, and may wait for its barrier.
    bound::memory(data.len(), 1 << 10, 256 << 10, || {
        let mut play = Play::new(config, packet_ins_first);
        let mut script = Script(script);
        while let Some(step) = script.byte() {
            play.step(step, &mut script);
        }
        play.end();
    });
}

/// What is left of a script; past its end there are zeros.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn operand(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

struct Play {
    session: Session,
    config: Config,
    /// Whether packet-ins are taken by the call that is for them alone.
    packet_ins_first: bool,
    now: Instant,
    input: BytesMut,
    /// Bytes that the peer sent, and that the session wants to be written.
    received: usize,
    written: usize,
    /// Messages that were asked of the session, at most so many bytes each.
    asked: usize,
    /// Requests that have no answer yet, in the order of sending.
    waiting: Vec<Xid>,
    closed: bool,
}

const LONGEST_REQUEST: usize = 128;
/// The refusal of a hello names the versions that it offers, of 256.
const LONGEST_REFUSAL: usize = 2048;

impl Play {
    fn new(config: Config, packet_ins_first: bool) -> Play {
        let now = Instant::now();
        Play {
            session: Session::new(config.clone(), now),
            config,
            packet_ins_first,
            now,
            input: BytesMut::new(),
            received: 0,
            written: 0,
            asked: 2,
            waiting: Vec::new(),
            closed: false,
        }
    }

    fn step(&mut self, step: u8, script: &mut Script<'_>) {
        match step % 16 {
            // The peer sends any bytes.
            0 => {
                let most = script.operand();
                self.receive(script.bytes(most.into()));
            }
            // The peer sends a message, often with the id of a request that waits.
            1..=5 => {
                let (msg_type, version) =
                    (script.operand(), if step & 0x80 == 0 { VERSION } else { step & 7 });
                let xid = self.some_xid(script.operand());
                let most = script.operand();
                self.receive_message(version, msg_type, xid, script.bytes(most.into()));
            }
            // Of these there must be many for anything to happen.
            6 => self.receive_message(VERSION, 0, Xid(1), &[]),
            7 => self.receive_message(VERSION, 6, Xid(2), &[0; 24]),
            8 => {
                let barrier = self.some_xid(script.operand());
                self.receive_message(VERSION, 21, barrier, &[]);
            }
            9 => {
                let body = request(script.operand());
                self.ask(|session, now| session.request(now, &body), true);
            }
            10 => {
                let body = Body::FlowMod(FlowMod::add());
                self.ask(|session, now| session.modify(now, &body), true);
            }
            11 => {
                let body = Body::FlowMod(FlowMod::delete());
                self.ask(|session, _| session.send(&body), false);
            }
            12 => {
                self.asked += 1;
                self.session.commit(self.now);
            }
            13 => self.pass(Duration::from_millis(100) * script.operand().into()),
            14 => {
                if let Some(deadline) = self.session.next_deadline() {
                    self.pass(deadline.saturating_duration_since(self.now));
                }
            }
            _ => {
                let xid = Xid(script.operand().into());
                self.asked += 1;
                if self.session.reply(xid, &Body::BarrierReply).is_err() {
                    self.events();
                    assert!(self.closed, "only a closed session has no room for a barrier reply");
                }
            }
        }
        self.events();
        self.check();
    }

    fn some_xid(&self, choice: u8) -> Xid {
        let at = usize::from(choice);
        match self.waiting.get(at % (self.waiting.len() + 1)) {
            Some(xid) => *xid,
            None => Xid(choice.into()),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.received += bytes.len();
    }

    fn receive_message(&mut self, version: u8, msg_type: u8, xid: Xid, payload: &[u8]) {
        let length = u16::try_from(frame::HEADER_LEN + payload.len()).expect("short");
        self.input.put_slice(&[version, msg_type]);
        self.input.put_u16(length);
        self.input.put_u32(xid.0);
        self.input.put_slice(payload);
        self.received += usize::from(length);
    }

    fn ask<E>(&mut self, ask: impl FnOnce(&mut Session, Instant) -> Result<Xid, E>, waits: bool) {
        if let Ok(xid) = ask(&mut self.session, self.now) {
            assert!(!self.waiting.contains(&xid), "{xid} waits already");
            self.asked += 1;
            if waits {
                self.waiting.push(xid);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_deadline(self.now);
        // An echo request at most.
        self.asked += 1;
        let next = self.session.next_deadline();
        assert!(next.is_none_or(|next| next > self.now), "what was due is done");
    }

    /// Takes all events.
    fn events(&mut self) {
        loop {
            if self.packet_ins_first
                && let Some(packet_in) = self.session.next_packet_in(self.now, &mut self.input)
            {
                assert!(!self.closed, "nothing comes after the end: {packet_in:?}");
                if let Ok(packet_in) = packet_in {
                    assert_eq!(self.sound(&Message { xid: Xid(0), body: packet_in.into() }), Ok(()));
                }
                continue;
            }
            let Some(event) = self.session.next_event(self.now, &mut self.input) else { break };
            assert!(!self.closed, "nothing comes after the end: {event:?}");
            match event {
                Event::Answer { xid, result } => {
                    let at = self.waiting.iter().position(|waiting| *waiting == xid);
                    self.waiting.remove(at.expect("one answer for each request"));
                    if let Err(error) = result {
                        assert!(!error.to_string().is_empty());
                    }
                }
                Event::Closed(reason) => {
                    assert!(!reason.to_string().is_empty());
                    assert!(self.waiting.is_empty(), "nobody is left waiting");
                    self.closed = true;
                }
                Event::Undecodable { frame, .. } => {
                    let sound = Message::decode(frame).and_then(|message| self.sound(&message));
                    assert!(sound.is_err());
                }
                Event::Message(message) => assert_eq!(self.sound(&message), Ok(())),
                Event::Open | Event::Ready(_) => {}
            }
        }
    }

    /// What a strict session asks of a message; any will do for a lenient one.
    fn sound(&self, message: &Message) -> Result<(), openflow::DecodeError> {
        match self.config.strictness {
            Strictness::Strict => message.check(),
            Strictness::Lenient => Ok(()),
        }
    }

    fn check(&mut self) {
        assert!(self.session.outstanding() <= self.config.max_outstanding);
        assert_eq!(self.session.outstanding(), self.waiting.len());
        let mut output = self.session.output().split();
        self.written += output.len();
        assert!(
            self.written <= self.received + LONGEST_REQUEST * self.asked + LONGEST_REFUSAL,
            "{} bytes written for {} received and {} messages asked for",
            self.written,
            self.received,
            self.asked
        );
        while let Some(frame) = frame::next(&mut output).expect("whole messages") {
            Message::decode(frame).expect("readable messages");
        }
        assert!(output.is_empty());
    }

    fn end(mut self) {
        // Whoever waits is answered in time, whatever the peer does.
        self.pass(self.config.request_timeout);
        self.events();
        self.check();
        assert!(self.waiting.is_empty(), "{:?} wait in vain", self.waiting);
        self.session.handle_disconnect(CloseReason::Eof);
        self.events();
        self.check();
        assert!(self.closed && self.session.next_deadline().is_none());
    }
}

fn request(choice: u8) -> Body {
    match choice % 8 {
        0 => Body::BarrierRequest,
        1 => Body::FeaturesRequest,
        2 => Body::RoleRequest(Role { kind: RoleKind::Master, generation_id: 1 }),
        3 => Body::MultipartRequest(MultipartRequest::Desc),
        4 => Body::MultipartRequest(MultipartRequest::PortDesc),
        5 => Body::FeaturesReply(Default::default()),
        which => {
            let step = if which == 6 { BundleStep::OpenRequest } else { BundleStep::CommitRequest };
            let control = BundleControl { bundle: BundleId(choice.into()), step, flags: BundleFlags::ATOMIC };
            Extension::BundleControl(control).into()
        }
    }
}
