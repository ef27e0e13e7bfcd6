//! The protocol as a machine: no sockets, no clock, no tasks.
//!
//! A [`Session`] is one end of an OpenFlow connection. Its driver feeds it the bytes that arrived
//! ([`Session::next_event`]) and the time when something was due ([`Session::handle_deadline`]), and
//! writes out what it left in [`Session::output`]. What the session does by itself:
//!
//! - hello and version negotiation (OF 1.3.5 §6.3.1), and on the controller's side the features request;
//! - echo, both ways: it answers the peer's requests, and asks a peer that has gone quiet (§6.4.1);
//! - it ties every reply and every error to the request that caused it, by transaction id;
//! - it gathers multipart replies, within a bound (§7.3.5);
//! - it acknowledges modifications, which OpenFlow itself answers only with errors: a barrier behind
//!   them tells that those without an error were carried out (§7.3.8).
//!
//! ```
//! use std::time::Instant;
//! use bytes::BytesMut;
//! use openflow::session::{Config, Event, Session};
//! # use flowbed_openflow as openflow;
//!
//! let now = Instant::now();
//! let mut controller = Session::new(Config::controller(), now);
//! let mut switch = Session::new(Config::switch(), now);
//! let mut wire = switch.output().split();
//! assert!(controller.next_event(now, &mut wire).is_none(), "a hello alone is no event");
//! assert!(!controller.output().is_empty(), "hello and features request wait to be written");
//! ```

mod config;
mod event;
mod handshake;
mod pending;

pub use config::{Config, End, Strictness};
pub use event::{CloseReason, Event, Reply, RequestError, SendError};

use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::error::DecodeError;
use crate::frame::{self, Header};
use crate::ids::Xid;
use crate::message::{Body, Message};
use crate::msg::hello::Hello;
use crate::msg::packet_in::PacketIn;
use crate::msg::role::{Role, RoleKind};
use pending::{Expect, Pending};

/// The version of OpenFlow that a session speaks: 1.3, wire version 4.
pub const VERSION: u8 = 4;

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Our hello is out, theirs is awaited.
    Hello,
    /// The controller's side has asked for the features.
    Features,
    /// Requests and events flow.
    Open,
    Closed,
}

/// One end of an OpenFlow connection; see the [module's page](self).
#[derive(Debug)]
pub struct Session {
    config: Config,
    phase: Phase,
    output: BytesMut,
    next_xid: u32,
    pending: Pending,
    /// When the handshake must be over.
    handshake_deadline: Instant,
    /// When the peer was last heard.
    heard: Instant,
    /// When our echo request went out, if it is not answered yet by any sign of life.
    probed: Option<Instant>,
    closing: Option<CloseReason>,
    /// The message of the last event, as it came.
    frame: Bytes,
    early: u64,
    /// Controller's end: the connection's number among those of the switch, once that is known.
    auxiliary_id: Option<u8>,
    /// The role that the switch has confirmed, with its election.
    role: Option<Role>,
}

impl Session {
    /// A session that begins now: its hello is in the output already.
    pub fn new(config: Config, now: Instant) -> Session {
        let mut session = Session {
            phase: Phase::Hello,
            output: BytesMut::with_capacity(4096),
            next_xid: 1,
            pending: Pending::new(&config),
            handshake_deadline: now + config.handshake_timeout,
            heard: now,
            probed: None,
            closing: None,
            frame: Bytes::new(),
            early: 0,
            auxiliary_id: None,
            role: None,
            config,
        };
        session.put(&Body::Hello(Hello::new([VERSION])));
        session
    }

    /// The bytes that wait to be written to the peer. The driver takes them from the front
    /// (`split`, `advance`); the session appends.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Whether the handshake is over and the connection not closed.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Controller's end: whether the switch has opened this connection beside its main one, of the same datapath id (OF
    /// 1.3.5 §6.3.7). `None` before [`Event::Ready`].
    pub fn is_auxiliary(&self) -> Option<bool> {
        self.auxiliary_id.map(|id| id != 0)
    }

    /// Controller's end: the role that the switch has last confirmed with a reply; at first all are equal (OF 1.3.5
    /// §6.3.6).
    pub fn role(&self) -> RoleKind {
        self.role.map_or(RoleKind::Equal, |role| role.kind)
    }

    /// Controller's end: the number of the election that the switch knows, from its last role reply. A master or slave
    /// with an older one ([`Role::is_older_than`]) is refused. `None` as long as the switch has told none.
    pub fn generation_id(&self) -> Option<u64> {
        // All ones is how Open vSwitch says that there was no election yet.
        self.role.map(|role| role.generation_id).filter(|id| *id != u64::MAX)
    }

    /// Requests and modifications that have no answer yet.
    pub fn outstanding(&self) -> usize {
        self.pending.len()
    }

    /// Messages that came before the handshake was over and were passed over.
    pub fn early_messages(&self) -> u64 {
        self.early
    }

    /// Takes whole messages off the front of `input` until one of them means something to the
    /// caller. `None`: all there is has been read, or the session is closed.
    ///
    /// After [`Event::Closed`] there are no more events; whoever still waited for an answer got
    /// [`RequestError::Disconnected`] before it.
    pub fn next_event(&mut self, now: Instant, input: &mut BytesMut) -> Option<Event> {
        loop {
            if let Some((xid, result)) = self.pending.next_answer() {
                return Some(Event::Answer { xid, result });
            }
            if let Some(reason) = self.closing.take() {
                return Some(Event::Closed(reason));
            }
            if self.phase == Phase::Closed {
                return None;
            }
            let frame = match frame::next(input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return None,
                Err(error) => {
                    self.close(CloseReason::Garbled(error.to_string()));
                    continue;
                }
            };
            self.heard = now;
            self.probed = None;
            if let Some(event) = self.handle_frame(now, frame) {
                return Some(event);
            }
        }
    }

    /// The next message, where it is a packet-in that has arrived whole. They come by the million, and this spares
    /// them the moves that an [`Event`] takes. `None`: ask [`Session::next_event`], which returns packet-ins too.
    ///
    /// # Errors
    /// As [`Event::Undecodable`]: what is wrong with the packet-in, which is passed over.
    #[inline]
    pub fn next_packet_in(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Option<Result<PacketIn, DecodeError>> {
        const PACKET_IN: u8 = 10;
        let header = Header::parse(input).ok()?;
        let length = usize::from(header.length);
        let is_whole = (frame::HEADER_LEN..=input.len()).contains(&length);
        if self.phase != Phase::Open
            || self.pending.has_answers()
            || (header.version, header.msg_type) != (VERSION, PACKET_IN)
            || !is_whole
        {
            return None;
        }
        self.heard = now;
        self.probed = None;
        let packet = PacketIn::decode(input.split_to(length).freeze());
        match self.config.strictness {
            Strictness::Strict => Some(packet.and_then(|packet| packet.check().map(|()| packet))),
            Strictness::Lenient => Some(packet),
        }
    }

    /// The bytes of the last [`Event::Message`], whole: an error that answers it sends the first of
    /// them back ([`crate::ErrorMsg::answering`]).
    pub fn last_frame(&self) -> &Bytes {
        &self.frame
    }

    /// The connection is gone: the transport says so.
    pub fn handle_disconnect(&mut self, reason: CloseReason) {
        self.close(reason);
    }

    /// When [`Session::handle_deadline`] wants to be called next.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        let liveness = match self.phase {
            Phase::Closed => return None,
            Phase::Hello | Phase::Features => self.handshake_deadline,
            Phase::Open => match self.probed {
                Some(at) => at + self.config.echo_timeout,
                None => self.heard + self.config.echo_interval,
            },
        };
        Some(match self.pending.next_deadline() {
            Some(request) => request.min(liveness),
            None => liveness,
        })
    }

    /// Does what is due at `now`: gives up requests without an answer, asks a quiet peer for a sign
    /// of life, closes on a silent one. Calling it early is harmless.
    pub fn handle_deadline(&mut self, now: Instant) {
        self.pending.expire(now);
        match self.phase {
            Phase::Closed => {}
            Phase::Hello | Phase::Features if now >= self.handshake_deadline => {
                self.close(CloseReason::HandshakeTimeout);
            }
            Phase::Hello | Phase::Features => {}
            Phase::Open => match self.probed {
                Some(at) if now >= at + self.config.echo_timeout => self.close(CloseReason::Silent),
                None if now >= self.heard + self.config.echo_interval => {
                    self.probed = Some(now);
                    self.put(&Body::EchoRequest(Bytes::new()));
                }
                _ => {}
            },
        }
    }

    /// Sends a message without waiting for anything. Should the peer refuse it, its error comes as
    /// [`Event::Message`] with the returned transaction id.
    ///
    /// # Errors
    /// [`SendError::NotReady`] before the handshake is done, [`SendError::Closed`] after the end, and what is wrong with
    /// the message where it cannot be encoded.
    pub fn send(&mut self, body: &Body) -> Result<Xid, SendError> {
        let xid = self.allocate()?;
        body.encode(xid, &mut self.output)?;
        Ok(xid)
    }

    /// Sends the answer to a request of the peer, under that request's transaction id.
    ///
    /// # Errors
    /// [`SendError::Closed`] after the end, and what is wrong with the message where it cannot be encoded.
    pub fn reply(&mut self, xid: Xid, body: &Body) -> Result<(), SendError> {
        if self.phase == Phase::Closed {
            return Err(SendError::Closed);
        }
        Ok(body.encode(xid, &mut self.output)?)
    }

    /// Sends a request that OpenFlow answers with a reply (features, config, barrier, role,
    /// multipart …). Exactly one [`Event::Answer`] with the returned id follows.
    ///
    /// # Errors
    /// [`SendError::NoReplyDefined`] for a message that has no reply; use [`Session::modify`] or
    /// [`Session::send`] for these. [`SendError::NotReady`] before the handshake is done, [`SendError::Closed`]
    /// after the end, [`SendError::TooManyOutstanding`] where too many await their answers, and what is wrong
    /// with the message where it cannot be encoded.
    pub fn request(&mut self, now: Instant, body: &Body) -> Result<Xid, SendError> {
        let expect = Expect::reply_to(body).ok_or(SendError::NoReplyDefined(body.name()))?;
        let barrier = matches!(expect, Expect::Barrier);
        let xid = self.track(now, body, expect)?;
        if barrier {
            self.pending.close_epoch(xid);
        }
        Ok(xid)
    }

    /// Sends a modification (flow-mod, group-mod, port-mod …), which OpenFlow answers with an error
    /// or not at all. Exactly one [`Event::Answer`] with the returned id follows: the error, or
    /// success once the barrier of the next [`Session::commit`] is answered.
    ///
    /// # Errors
    /// [`SendError::NotReady`] before the handshake is done, [`SendError::Closed`] after the end,
    /// [`SendError::TooManyOutstanding`] where too many await their answers, and what is wrong with the message where it
    /// cannot be encoded.
    pub fn modify(&mut self, now: Instant, body: &Body) -> Result<Xid, SendError> {
        self.track(now, body, Expect::Barrier).inspect(|xid| self.pending.join_epoch(*xid))
    }

    /// Puts one barrier behind the modifications since the last one; nothing where there were none.
    /// The driver calls it once a batch, just before it writes.
    pub fn commit(&mut self, now: Instant) {
        if self.phase != Phase::Open || !self.pending.has_open_epoch() {
            return;
        }
        let barrier = self.take_xid();
        self.put_as(barrier, &Body::BarrierRequest);
        self.pending.close_epoch_unasked(barrier, now);
    }

    fn track(&mut self, now: Instant, body: &Body, expect: Expect) -> Result<Xid, SendError> {
        let xid = self.allocate()?;
        if self.pending.is_full() {
            return Err(SendError::TooManyOutstanding(self.pending.len()));
        }
        body.encode(xid, &mut self.output)?;
        self.pending.insert(xid, expect, now);
        Ok(xid)
    }

    fn allocate(&mut self) -> Result<Xid, SendError> {
        match self.phase {
            Phase::Open => Ok(self.take_xid()),
            Phase::Closed => Err(SendError::Closed),
            Phase::Hello | Phase::Features => Err(SendError::NotReady),
        }
    }

    /// The next transaction id; 0 is left out, and so is one whose answer is still awaited after
    /// the counter has gone round.
    fn take_xid(&mut self) -> Xid {
        loop {
            let xid = Xid(self.next_xid);
            self.next_xid = self.next_xid.wrapping_add(1);
            if xid.0 != 0 && !self.pending.contains(xid) {
                return xid;
            }
        }
    }

    fn put(&mut self, body: &Body) {
        let xid = self.take_xid();
        self.put_as(xid, body);
    }

    fn put_as(&mut self, xid: Xid, body: &Body) {
        body.encode(xid, &mut self.output).expect(
            "the session's own messages are a few bytes long, and an echoed payload came in one message",
        );
    }

    fn close(&mut self, reason: CloseReason) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.pending.disconnect();
            self.closing = Some(reason);
        }
    }

    fn handle_frame(&mut self, now: Instant, frame: Bytes) -> Option<Event> {
        let header = Header::parse(&frame);
        // A hello or an error in its place is of any version, and is heard in any case.
        let strict = self.config.strictness == Strictness::Strict && self.phase != Phase::Hello;
        let checked = |message: Message| match strict {
            true => message.check().map(|()| message),
            false => Ok(message),
        };
        let message = match Message::decode(frame.clone()).and_then(checked) {
            Ok(message) => message,
            Err(error) => {
                // One bad message inside a sound frame: refuse it and go on. Before the versions are
                // agreed there is nothing to go on with.
                if self.phase == Phase::Hello {
                    self.close(CloseReason::Garbled(error.to_string()));
                    return None;
                }
                if let Ok(header) = header {
                    let why = || RequestError::BadReply(error.to_string());
                    self.pending.unreadable(header.xid, header.msg_type, why);
                }
                return Some(Event::Undecodable { frame, error });
            }
        };
        self.frame = frame;
        match self.phase {
            Phase::Hello => self.handle_hello(header.ok()?.version, message),
            Phase::Features => self.handle_features(message),
            Phase::Open => self.handle_message(now, message),
            Phase::Closed => None,
        }
    }

    fn handle_message(&mut self, now: Instant, message: Message) -> Option<Event> {
        let unclaimed = match message.body {
            Body::EchoRequest(data) => {
                self.put_as(message.xid, &Body::EchoReply(data));
                None
            }
            // Any byte that arrives is a sign of life; the reply carries no more than that.
            Body::EchoReply(_) | Body::Hello(_) => None,
            Body::BarrierReply => {
                self.pending.barrier(message.xid);
                None
            }
            Body::Error(error) => self.pending.refuse(message.xid, error).map(Body::Error),
            Body::MultipartReply(reply) => {
                self.pending.gather(message.xid, reply, now).map(Body::MultipartReply)
            }
            body => {
                if let Body::RoleReply(role) = &body
                    && matches!(role.kind, RoleKind::Equal | RoleKind::Master | RoleKind::Slave)
                    && self.pending.awaits(message.xid, &body)
                {
                    self.role = Some(*role);
                }
                self.pending.reply(message.xid, body)
            }
        };
        unclaimed.map(|body| Event::Message(Message { xid: message.xid, body }))
    }
}

#[cfg(test)]
mod tests;
