//! Serves one connection: bytes in, events to the apps, bytes out. All on one task.

mod auxiliary;
mod complaints;
mod handshake;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use openflow::session::{self, CloseReason, Reply, RequestError, SendError, Session};
use openflow::{
    Body, DecodeError, Features, Fragments, MacAddr, MultipartBody, MultipartRequest, Port, PortNo,
    PortStatusReason, SwitchConfig, Xid,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tracing::{Instrument, debug, info, info_span, warn};

use self::complaints::Complaints;
use self::handshake::{STOPPED, ended, handshake};
use crate::chain::{Batch, Chain};
use crate::core::Core;
use crate::discovery::{self, Discovery};
use crate::event::Event;
use crate::lldp;
use crate::network::PortRef;
use crate::packet::PacketIn;
use crate::packet::resolution::Resolution;
use crate::switch::{Shared, Switch};

/// How much is read at one time.
const READ: usize = 64 * 1024;
/// With less room than this in the input, room is made.
const LEAST_READ: usize = 16 * 1024;
/// With more than this waiting to be written, nothing is read: a switch that sends without reading is
/// slowed down by its own TCP window.
const MAX_OUTPUT: usize = 1 << 20;
/// Packets that may wait while the apps are busy with a batch.
const MAX_WAITING: usize = 4096;
/// Events of any kind that may: a switch cannot fill the memory with port changes either.
const MAX_EVENTS: usize = 4 * MAX_WAITING;

pub(crate) async fn run<R, W>(mut read: R, mut write: W, peer: String, core: Arc<Core>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let core = &core;
    let mut session = Session::new(core.session.clone(), Instant::now().into_std());
    let mut input = BytesMut::with_capacity(READ);
    match handshake(&mut session, &mut input, &mut read, &mut write, core.stop.subscribe()).await {
        Ok(features) => {
            let span = info_span!("switch", dpid = %features.datapath_id);
            if features.auxiliary_id != 0 {
                auxiliary::serve(&features, session, input, read, write, core).instrument(span).await;
                return;
            }
            match Connection::new(features, peer, session, input, core.clone()) {
                Ok(connection) => connection.serve(read, write).instrument(span).await,
                Err(error) => span.in_scope(|| warn!(%error, "cannot greet the switch")),
            }
        }
        Err(reason) => {
            // What the session has to say to the peer, such as a refused hello, goes out still.
            let last_words = session.output().split();
            let _ = tokio::time::timeout(core.deadlines.drain, write.write_all(&last_words)).await;
            warn!(%peer, %reason, "no handshake");
        }
    }
}

/// The apps at work on a batch; they give chain and batch back.
type Handling = Pin<Box<dyn Future<Output = (Chain, Batch)> + Send>>;

/// The apps of a connection: with nothing to do, or at work.
enum Apps {
    Idle(Chain, Batch),
    Busy(Handling),
}

struct Connection {
    switch: Switch,
    core: Arc<Core>,
    input: BytesMut,
    output: BytesMut,
    /// Events that the apps have not been given yet. The first is that the switch is ready.
    waiting: Batch,
    heard: Heard,
    stage: Stage,
    complaints: Complaints,
    /// Since the view was told of them.
    ports_have_changed: bool,
    closed: Option<CloseReason>,
    /// When the session has something to do next.
    deadline: Option<Instant>,
    /// The controller ends: until then what is in hand may be finished.
    draining: Option<Instant>,
}

/// How far the acquaintance with a switch has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It was asked for its ports, by this request.
    Greeted(Xid),
    /// It is in the network view, and the apps are told of it.
    Entered,
    /// The apps have set it up.
    Ready,
}

impl Connection {
    fn new(
        features: Features,
        peer: String,
        mut session: Session,
        input: BytesMut,
        core: Arc<Core>,
    ) -> Result<Connection, SendError> {
        // Whole packets, whatever sends them here (OF 1.3.5 §7.3.2: 0xffff is "no buffer").
        let whole_packets = SwitchConfig::new(Fragments::Normal, 0xffff);
        session.send(&Body::SetConfig(whole_packets))?;
        let ports = Body::MultipartRequest(MultipartRequest::PortDesc);
        let stage = Stage::Greeted(session.request(Instant::now().into_std(), &ports)?);
        let switch = Switch(Arc::new(Shared::new(features, peer, session, core.network.clone())));
        let mut waiting = Batch::default();
        waiting.push(Event::Ready);
        Ok(Connection {
            switch,
            core,
            input,
            output: BytesMut::new(),
            waiting,
            heard: Heard::default(),
            stage,
            complaints: Complaints::default(),
            ports_have_changed: false,
            closed: None,
            deadline: None,
            draining: None,
        })
    }

    async fn serve<R, W>(mut self, mut read: R, mut write: W)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let shared = self.switch.0.clone();
        let mut stop = self.core.stop.subscribe();
        let mut apps = Apps::Idle(Chain::new(&self.core.apps, self.core.deadlines.app), Batch::default());
        let mut timer = std::pin::pin!(tokio::time::sleep_until(Instant::now()));
        loop {
            let now = Instant::now();
            shared.hold();
            self.read_events(now);
            // Neither may wait for a switch that never stops sending. What has arrived comes first: a switch is not
            // silent if we were busy elsewhere.
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                shared.link().session.handle_deadline(now.into_std());
                self.read_events(now);
            }
            if self.draining.is_none() && *stop.borrow() {
                self.draining = Some(now + self.core.deadlines.drain);
            }
            if self.closed.is_some() {
                break;
            }
            self.publish_ports();
            for event in shared.told() {
                self.queue(event, MAX_EVENTS);
            }
            if !matches!(self.stage, Stage::Greeted(_)) {
                apps = self.start_batch(apps);
            }
            // The usual batch is done at its first poll, and what it sent leaves at the first attempt.
            if let Some((chain, batch)) = now_or_later(|cx| apps.poll(cx)).await {
                apps = self.finish_batch(chain, batch);
            }
            shared.release();
            let awaits_answers = self.take_output(now);
            if !self.output.is_empty() {
                let mut writing = std::pin::pin!(write.write(&self.output));
                if let Some(written) = now_or_later(|cx| writing.as_mut().poll(cx)).await {
                    self.written(written);
                }
            }
            let has_events = !self.waiting.is_empty() && !matches!(self.stage, Stage::Greeted(_));
            let drained = apps.is_idle() && !has_events && self.output.is_empty() && !awaits_answers;
            if self.draining.is_some_and(|until| drained || now >= until) {
                shared.close(STOPPED);
                continue;
            }
            if apps.is_idle() && has_events {
                continue;
            }
            let deadline = self.deadline.into_iter().chain(self.draining).min();
            if let Some(deadline) = deadline
                && (timer.is_elapsed() || deadline < timer.deadline())
            {
                timer.as_mut().reset(deadline);
            }
            // While an answer is awaited everything is read, and packets that no app has time for are
            // dropped and counted; else the switch itself is made to wait.
            let may_read =
                self.output.len() < MAX_OUTPUT && (awaits_answers || self.waiting.len() < MAX_WAITING);
            if self.input.capacity() - self.input.len() < LEAST_READ {
                self.input.reserve(READ);
            }
            tokio::select! {
                biased;
                count = read.read_buf(&mut self.input), if may_read => {
                    if let Some(reason) = ended(count) {
                        shared.close(reason);
                    }
                }
                (chain, batch) = poll_fn(|cx| apps.poll(cx)) => apps = self.finish_batch(chain, batch),
                written = write.write(&self.output), if !self.output.is_empty() => self.written(written),
                () = poll_fn(|cx| shared.poll_queued(cx)) => {}
                () = &mut timer => {}
                // The sender lives in the core, which we hold.
                _ = stop.changed(), if self.draining.is_none() => {}
            }
        }
        self.end(apps, &mut write).await;
    }

    /// The apps have handled a batch.
    fn finish_batch(&mut self, chain: Chain, batch: Batch) -> Apps {
        if self.stage == Stage::Entered {
            self.ready();
        }
        Apps::Idle(chain, batch)
    }

    fn written(&mut self, count: std::io::Result<usize>) {
        match count {
            Ok(count) => self.output.advance(count),
            Err(error) => self.switch.0.close(CloseReason::Transport(error.to_string())),
        }
    }

    /// Gives the apps what waits for them, if they have time.
    fn start_batch(&mut self, apps: Apps) -> Apps {
        match apps {
            Apps::Idle(mut chain, empty) if !self.waiting.is_empty() => {
                let mut batch = std::mem::replace(&mut self.waiting, empty);
                let switch = self.switch.clone();
                Apps::Busy(Box::pin(async move {
                    chain.handle(&switch, &mut batch).await;
                    (chain, batch)
                }))
            }
            other => other,
        }
    }

    /// Takes what is to be written, and notes the session's next deadline. Returns whether answers of the switch are
    /// awaited.
    fn take_output(&mut self, now: Instant) -> bool {
        let mut link = self.switch.0.link();
        link.session.commit(now.into_std());
        if self.output.is_empty() {
            // The two buffers take turns; one that a burst has made large is let go.
            if self.output.capacity() > MAX_OUTPUT {
                self.output = BytesMut::new();
            }
            std::mem::swap(&mut self.output, link.session.output());
        }
        self.deadline = link.session.next_deadline().map(Instant::from_std);
        link.session.outstanding() > 0
    }

    /// The switch has told its ports: it enters the view. Changes of ports that it reports later come
    /// later in the stream, too.
    fn enter(&mut self, ports: Result<Reply, RequestError>) -> Result<(), CloseReason> {
        let Ok(Reply::Multipart(MultipartBody::PortDesc(ports))) = ports else {
            warn!(answer = ?ports, "the switch does not tell its ports");
            return Err(CloseReason::Local("the switch does not tell its ports"));
        };
        for port in ports {
            self.set_port(port, Instant::now());
        }
        self.core.enter(&self.switch);
        self.stage = Stage::Entered;
        Ok(())
    }

    /// The apps have handled the switch's arrival.
    fn ready(&mut self) {
        self.stage = Stage::Ready;
        info!(peer = self.switch.peer(), "ready");
        self.core.network.switch_ready(self.switch.id());
        if let Discovery::Every(every) = self.core.discovery {
            let probing = discovery::probe(self.switch.clone(), self.core.clone(), every);
            tokio::spawn(probing.in_current_span());
        }
    }

    /// Turns what has arrived into events.
    fn read_events(&mut self, now: Instant) {
        let shared = self.switch.0.clone();
        let mut link = shared.link();
        loop {
            while let Some(packet) = link.session.next_packet_in(now.into_std(), &mut self.input) {
                match packet {
                    Ok(packet) => self.handle_packet(packet, now),
                    Err(error) => self.unreadable(&error, now),
                }
            }
            let Some(event) = link.session.next_event(now.into_std(), &mut self.input) else { break };
            match event {
                session::Event::Message(message) => self.handle_message(message.body, now),
                session::Event::Answer { xid, result } if self.stage == Stage::Greeted(xid) => {
                    if let Err(reason) = self.enter(result) {
                        link.session.handle_disconnect(reason);
                    }
                }
                session::Event::Answer { xid, result } => link.answer(xid, result),
                session::Event::Undecodable { error, .. } => self.unreadable(&error, now),
                session::Event::Closed(reason) => self.closed = Some(reason),
                session::Event::Open | session::Event::Ready(_) => {}
            }
        }
    }

    fn unreadable(&mut self, error: &DecodeError, now: Instant) {
        if let Some(left_out) = self.complaints.admit(now) {
            warn!(%error, left_out, "unreadable message");
        }
    }

    fn handle_message(&mut self, body: Body, now: Instant) {
        match body {
            Body::PacketIn(message) => self.handle_packet(message, now),
            Body::FlowRemoved(flow) => self.queue(Event::FlowRemoved(flow), MAX_EVENTS),
            Body::PortStatus(status) => {
                match status.reason {
                    PortStatusReason::Delete => self.switch.0.remove_port(status.port.number),
                    _ => self.set_port(status.port.clone(), now),
                }
                self.ports_have_changed = true;
                self.queue(Event::PortStatus(status), MAX_EVENTS);
            }
            Body::Error(error) => {
                if let Some(left_out) = self.complaints.admit(now) {
                    warn!(error = %error.kind, left_out, "the switch refused a message");
                }
                self.queue(Event::Error(error), MAX_EVENTS);
            }
            other => debug!(message = other.name(), "passed over"),
        }
    }

    fn handle_packet(&mut self, message: openflow::PacketIn, now: Instant) {
        if self.draining.is_some() {
            return;
        }
        let Some(packet) = PacketIn::new(message) else {
            debug!("packet-in without ingress port or Ethernet header");
            return;
        };
        let ethernet = packet.ethernet();
        let at = PortRef { switch: self.switch.id(), port: packet.in_port() };
        if ethernet.ethertype == lldp::ETHERTYPE {
            if let Some(from) = self.core.key.read(&packet.data[ethernet.header_len..]) {
                self.core.network.adjacency(from, at);
                return;
            }
        } else if !ethernet.src.is_multicast() {
            let address = Resolution::read(&packet).and_then(|said| said.claim);
            if self.heard.is_news(ethernet.src, at.port, now) || address.is_some() {
                self.core.network.host_heard(ethernet.src, at, address);
            }
        }
        self.queue(Event::PacketIn(packet), MAX_WAITING);
    }

    fn queue(&mut self, event: Event, limit: usize) {
        if self.waiting.len() < limit {
            self.waiting.push(event);
        } else {
            self.switch.0.dropped_events.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn set_port(&mut self, port: Port, now: Instant) {
        if let Err(error) = self.switch.0.set_port(port)
            && let Some(left_out) = self.complaints.admit(now)
        {
            warn!(%error, left_out, "a port is left out");
        }
    }

    /// Tells the view which ports there are now, if that has changed.
    fn publish_ports(&mut self) {
        if std::mem::take(&mut self.ports_have_changed) {
            self.core.network.ports(self.switch.id(), self.switch.ports());
            self.switch.0.ports_changed.notify_one();
        }
    }

    /// The apps may finish what they are at and hear of the end; what was queued is written if it can be.
    async fn end<W: AsyncWrite + Unpin>(mut self, apps: Apps, write: &mut W) {
        let reason = self.closed.take().expect("the loop ends when it is closed");
        info!(%reason, "gone");
        self.core.leave(&self.switch);
        self.switch.0.end();
        let switch = self.switch.clone();
        let mut last = std::mem::take(&mut self.waiting);
        last.push(Event::Gone(reason.clone()));
        let last_events = async {
            let (mut chain, _) = match apps {
                Apps::Idle(chain, batch) => (chain, batch),
                Apps::Busy(work) => work.await,
            };
            chain.handle(&switch, &mut last).await;
        };
        let deadline = self.core.deadlines.drain;
        if tokio::time::timeout(deadline, last_events).await.is_err() {
            warn!("the apps did not finish in time");
        }
        if matches!(reason, CloseReason::Local(_)) {
            self.output.unsplit(self.switch.0.link().session.output().split());
            let written = tokio::time::timeout(deadline, write.write_all(&self.output)).await;
            debug!(?written, "last messages");
        }
    }
}

impl Apps {
    /// Ready when the batch in hand is done; never while idle.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Chain, Batch)> {
        match self {
            Apps::Idle(..) => Poll::Pending,
            Apps::Busy(work) => work.as_mut().poll(cx),
        }
    }

    fn is_idle(&self) -> bool {
        matches!(self, Apps::Idle(..))
    }
}

/// Polls once: what is ready at this moment.
async fn now_or_later<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    poll_fn(|cx| {
        Poll::Ready(match poll(cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// Sources heard a short while ago, so that a stream of packets does not lock the view for each.
#[derive(Default)]
struct Heard {
    recent: HashMap<MacAddr, (PortNo, Instant), foldhash::fast::RandomState>,
}

impl Heard {
    const REFRESH: Duration = Duration::from_secs(1);
    const MAX: usize = 4096;

    fn is_news(&mut self, mac: MacAddr, port: PortNo, now: Instant) -> bool {
        if let Some((known, at)) = self.recent.get(&mac)
            && *known == port
            && now.duration_since(*at) < Self::REFRESH
        {
            return false;
        }
        if self.recent.len() >= Self::MAX {
            self.recent.clear();
        }
        self.recent.insert(mac, (port, now));
        true
    }
}
