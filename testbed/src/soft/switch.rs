//! A switch in this process: the pipeline, its ports' way out, and what waits for its controllers.
//!
//! Everything about a switch lies behind one lock, which the thread that carries packets and the
//! tasks of its controllers take in turn.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use openflow::extension::Extension;
use openflow::msg::packet_in::PacketIn;
use openflow::msg::role::RoleKind;
use openflow::pipeline::{self, Controller, Effect, Offload, Packet, Sink};
use openflow::{Body, DecodeError, ErrorMsg, Message, Port, PortNo, Xid};
use tokio::sync::{Notify, watch};

use crate::topology::FailMode;

/// A controller for which more waits than this, in bytes, gets no more packet-ins.
const PACKET_INS: usize = 1 << 20;

/// One for which so much waits is given up: it can connect anew and ask how things are.
const OVERRUN: usize = 64 << 20;

/// How long a switch that may stand alone waits for a controller; Open vSwitch takes three times its
/// probe interval of 5 s (`ovs-vswitchd.conf.db(5)`, Bridge, `fail_mode`).
const PATIENCE: Duration = Duration::from_secs(15);

/// Where frames leave.
pub(super) trait Wires {
    /// Sends a frame out of a port. One that cannot be sent is lost.
    fn send(&mut self, port: PortNo, frame: &[u8], offload: Option<Offload>);
}

/// A switch.
#[derive(Debug)]
pub(super) struct SoftSwitch {
    pub(super) name: String,
    inner: Mutex<Inner>,
    /// Something that is to be done at a time has come nearer.
    hurry: Notify,
    /// How many controllers there are at present.
    connected: watch::Sender<usize>,
    /// Whether it forwards by itself when they are all gone.
    standalone: bool,
}

#[derive(Debug)]
struct Inner {
    pipeline: pipeline::Switch,
    channels: Vec<Channel>,
    next_channel: u64,
    /// Since when there is no controller; of one that is to have none, never.
    alone_since: Option<Instant>,
    stands_alone: bool,
}

/// A controller on the other end of a connection.
#[derive(Debug)]
struct Channel {
    id: u64,
    controller: Controller,
    /// Messages to be written to it.
    outbox: BytesMut,
    wake: std::sync::Arc<Notify>,
    overrun: bool,
}

/// A connection of a switch, to be given back with [`SoftSwitch::close`].
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    /// Something was put in the outbox.
    pub(super) wake: std::sync::Arc<Notify>,
}

/// The controller is too slow for what the switch has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overrun;

impl SoftSwitch {
    /// A switch without ports. With controllers to come and in standalone mode it forwards by itself
    /// while none has come for a while; without any it does so by a flow, as Open vSwitch.
    pub(super) fn new(
        name: &str,
        config: pipeline::Config,
        fail_mode: FailMode,
        controllers: usize,
        now: Instant,
    ) -> SoftSwitch {
        let mut pipeline = pipeline::Switch::new(config);
        let standalone = fail_mode == FailMode::Standalone;
        if standalone && controllers == 0 {
            let all = openflow::FlowMod::add().priority(0).apply([openflow::Action::output(PortNo::NORMAL)]);
            pipeline.flow_mod(all, now, &mut Nobody).expect("an empty switch takes a flow that it knows");
        }
        let alone_since = (standalone && controllers > 0).then_some(now);
        let inner =
            Inner { pipeline, channels: Vec::new(), next_channel: 0, alone_since, stands_alone: false };
        SoftSwitch {
            name: name.to_owned(),
            inner: Mutex::new(inner),
            hurry: Notify::new(),
            connected: watch::Sender::new(0),
            standalone: standalone && controllers > 0,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked left no half of a change that matters to the others.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a port, or tells what is new of it.
    pub(super) fn set_port(&self, port: Port, now: Instant) {
        let mut inner = self.inner();
        let Inner { pipeline, channels, .. } = &mut *inner;
        pipeline.set_port(port, now, &mut Outlet { wires: &mut NoWires, channels, asker: None });
    }

    /// Changes what is seen of a port, if there is such a port.
    pub(super) fn change_port(&self, number: PortNo, now: Instant, change: impl FnOnce(&mut Port)) {
        let mut inner = self.inner();
        let Inner { pipeline, channels, .. } = &mut *inner;
        let Some(mut port) = pipeline.port(number).cloned() else { return };
        change(&mut port);
        pipeline.set_port(port, now, &mut Outlet { wires: &mut NoWires, channels, asker: None });
    }

    /// Takes a port away, if it is there.
    pub(super) fn remove_port(&self, number: PortNo) {
        let mut inner = self.inner();
        let Inner { pipeline, channels, .. } = &mut *inner;
        pipeline.remove_port(number, &mut Outlet { wires: &mut NoWires, channels, asker: None });
    }

    /// Takes the lock for a run of packets.
    pub(super) fn carry(&self) -> Carrier<'_> {
        Carrier(self.inner())
    }

    /// A controller has come.
    pub(super) fn open(&self) -> Connection {
        let mut inner = self.inner();
        let id = inner.next_channel;
        inner.next_channel += 1;
        let wake = std::sync::Arc::new(Notify::new());
        inner.channels.push(Channel {
            id,
            controller: Controller::default(),
            outbox: BytesMut::new(),
            wake: wake.clone(),
            overrun: false,
        });
        inner.alone_since = None;
        inner.stands_alone = false;
        inner.pipeline.set_standalone(false);
        let count = inner.channels.len();
        drop(inner);
        self.connected.send_replace(count);
        Connection { id, wake }
    }

    /// It has gone.
    pub(super) fn close(&self, connection: &Connection, now: Instant) {
        let mut inner = self.inner();
        inner.channels.retain(|channel| channel.id != connection.id);
        if inner.channels.is_empty() && self.standalone {
            inner.alone_since = Some(now);
            self.hurry.notify_one();
        }
        let count = inner.channels.len();
        drop(inner);
        self.connected.send_replace(count);
    }

    /// Carries out what a controller asks; answers wait in its outbox. `frame` is the message as it came.
    pub(super) fn handle(
        &self,
        connection: &Connection,
        message: Message,
        frame: &Bytes,
        now: Instant,
        wires: &mut impl Wires,
    ) {
        let mut inner = self.inner();
        let before = inner.deadline();
        let Inner { pipeline, channels, .. } = &mut *inner;
        let Some(at) = channels.iter().position(|channel| channel.id == connection.id) else { return };
        let mut controller = channels[at].controller.clone();
        let xid = message.xid;
        let mut outlet = Outlet { wires, channels, asker: Some(at) };
        if let Err(refused) = pipeline.handle(&mut controller, message, now, &mut outlet) {
            let error = Body::Error(ErrorMsg::answering(refused, frame));
            channels[at].put(xid, &error);
        }
        channels[at].controller = controller;
        // A flow with a time-out may be new.
        if inner.deadline().is_some_and(|deadline| before.is_none_or(|before| deadline < before)) {
            self.hurry.notify_one();
        }
    }

    /// Answers a message that could not be read.
    pub(super) fn refuse(&self, connection: &Connection, frame: &Bytes, error: &DecodeError) {
        let xid = openflow::frame::Header::parse(frame).map_or(Xid(0), |header| header.xid);
        let body = Body::Error(ErrorMsg::answering(error.to_error_kind(), frame));
        if let Some(channel) = self.inner().channels.iter_mut().find(|channel| channel.id == connection.id) {
            channel.put(xid, &body);
        }
    }

    /// Takes what is to be written to a controller.
    pub(super) fn take_output(&self, connection: &Connection) -> Result<BytesMut, Overrun> {
        let mut inner = self.inner();
        match inner.channels.iter_mut().find(|channel| channel.id == connection.id) {
            Some(channel) if channel.overrun => Err(Overrun),
            Some(channel) => Ok(channel.outbox.split()),
            None => Ok(BytesMut::new()),
        }
    }

    /// Follows how many controllers there are.
    pub(super) fn connected(&self) -> watch::Receiver<usize> {
        self.connected.subscribe()
    }

    /// Does what is due at its time, for ever: flows end, a switch without controllers stands alone.
    pub(super) async fn keep_time(&self) {
        loop {
            let deadline = self.do_due(Instant::now());
            let due = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.hurry.notified() => {}
            }
        }
    }

    /// Does what is due now; when there is more to do.
    fn do_due(&self, now: Instant) -> Option<Instant> {
        let mut inner = self.inner();
        let Inner { pipeline, channels, alone_since, stands_alone, .. } = &mut *inner;
        if alone_since.is_some_and(|since| now >= since + PATIENCE) && !*stands_alone {
            tracing::warn!(switch = self.name, "no controller: forwards by itself");
            *stands_alone = true;
            pipeline.set_standalone(true);
        }
        pipeline.expire(now, &mut Outlet { wires: &mut NoWires, channels, asker: None });
        inner.deadline()
    }
}

impl Inner {
    /// When there is something to do.
    fn deadline(&self) -> Option<Instant> {
        let alone = self.alone_since.filter(|_| !self.stands_alone).map(|since| since + PATIENCE);
        match (alone, self.pipeline.next_deadline()) {
            (Some(alone), Some(flow)) => Some(alone.min(flow)),
            (alone, flow) => alone.or(flow),
        }
    }
}

impl Channel {
    /// Adds a message to the outbox.
    fn put(&mut self, xid: Xid, body: &Body) {
        if let Err(error) = body.encode(xid, &mut self.outbox) {
            tracing::warn!(%error, message = body.name(), "cannot tell the controller");
        }
        self.wake.notify_one();
    }

    /// Adds what the controller has not asked for.
    fn tell(&mut self, body: &Body) {
        let packet_in = match body {
            Body::PacketIn(_) => true,
            Body::Extension(it) => matches!(**it, Extension::PacketIn2(_)),
            _ => false,
        };
        if packet_in && self.outbox.len() > PACKET_INS {
            return;
        }
        if self.outbox.len() > OVERRUN {
            self.overrun = true;
            self.wake.notify_one();
            return;
        }
        self.put(Xid(0), body);
    }
}

/// A switch that carries packets.
pub(super) struct Carrier<'a>(MutexGuard<'a, Inner>);

impl Carrier<'_> {
    /// A packet came in. Its buffer comes back.
    pub(super) fn receive(&mut self, packet: Packet, now: Instant, wires: &mut impl Wires) -> Vec<u8> {
        let Inner { pipeline, channels, .. } = &mut *self.0;
        pipeline.receive(packet, now, &mut Outlet { wires, channels, asker: None }).into_buf()
    }
}

/// Takes what comes out of the pipeline where it belongs.
struct Outlet<'a, W> {
    wires: &'a mut W,
    channels: &'a mut [Channel],
    /// Whose message is being carried out.
    asker: Option<usize>,
}

impl<W: Wires> Outlet<'_, W> {
    fn tell(&mut self, effect: &Effect<'_>, body: impl FnOnce() -> Body) {
        let mut wants =
            self.channels.iter_mut().filter(|channel| channel.controller.wants(effect)).peekable();
        if wants.peek().is_some() {
            let body = body();
            wants.for_each(|channel| channel.tell(&body));
        }
    }

    fn tell_packet_in(&mut self, id: u16, userdata: &Bytes, packet_in: &PacketIn) {
        for channel in &mut *self.channels {
            if channel.controller.wants_packet_in(id, packet_in) {
                let body = channel.controller.packet_in(userdata, packet_in);
                channel.tell(&body);
            }
        }
    }
}

impl<W: Wires> Sink for Outlet<'_, W> {
    fn effect(&mut self, effect: Effect<'_>) {
        match &effect {
            Effect::Output { port, frame, offload, .. } => self.wires.send(*port, frame, *offload),
            Effect::PacketIn(it) => self.tell_packet_in(0, &Bytes::new(), it),
            Effect::FlowRemoved(it) => self.tell(&effect, || Body::FlowRemoved(it.clone())),
            Effect::PortStatus(it) => self.tell(&effect, || Body::PortStatus(it.clone())),
            Effect::Reply(message) => {
                if let Some(channel) = self.asker.and_then(|at| self.channels.get_mut(at)) {
                    channel.put(message.xid, &message.body);
                }
            }
            Effect::OneMaster => {
                for (at, channel) in self.channels.iter_mut().enumerate() {
                    if Some(at) != self.asker && channel.controller.role == RoleKind::Master {
                        channel.controller.role = RoleKind::Slave;
                    }
                }
            }
        }
    }

    fn packet_in(&mut self, id: u16, userdata: &Bytes, packet_in: PacketIn) {
        self.tell_packet_in(id, userdata, &packet_in);
    }
}

/// For what sends no frame.
struct NoWires;

impl Wires for NoWires {
    fn send(&mut self, _: PortNo, _: &[u8], _: Option<Offload>) {}
}

/// For what nobody is told of.
struct Nobody;

impl Sink for Nobody {
    fn effect(&mut self, _: Effect<'_>) {}
}
