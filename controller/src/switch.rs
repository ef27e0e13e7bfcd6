//! The handle of a connected switch.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use openflow::msg::group_mod::GroupMod;
use openflow::msg::meter_mod::MeterMod;
use openflow::msg::table_mod::TableMod;
use openflow::session::{CloseReason, Reply, RequestError, SendError, Session};
use openflow::{
    Body, DatapathId, Features, FlowMod, MultipartBody, MultipartRequest, PacketOut, Port, PortMod, PortNo,
    Role, RoleKind, Xid,
};
use thiserror::Error;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use crate::app::StoppedApp;
use crate::event::{Event, TimerId};
use crate::network::Network;

/// Events from elsewhere that may wait for a driver.
const MAX_TOLD: usize = 4096;

/// A connected switch. Cheap to clone; a handle that outlives the connection answers with
/// [`RequestError::Disconnected`] or [`SendError::Closed`].
///
/// Messages leave in the order of the calls. What is sent while a batch of events is handled goes out
/// in one write.
#[derive(Clone)]
pub struct Switch(pub(crate) Arc<Shared>);

/// What the handles and the driver of a connection share.
pub(crate) struct Shared {
    features: Features,
    peer: String,
    ports: Mutex<BTreeMap<PortNo, Port>>,
    left_out_ports: AtomicU64,
    link: Mutex<Link>,
    /// Something waits to be written, and the driver has been told.
    queued: AtomicBool,
    driver: AtomicWaker,
    /// Fires whenever the list of ports has changed.
    pub(crate) ports_changed: Notify,
    pub(crate) dropped_events: AtomicU64,
    network: Network,
    /// Events that do not come from the connection.
    told: Mutex<Vec<Event>>,
    stopped: Mutex<Vec<StoppedApp>>,
    /// How many timers were made.
    timers: AtomicU64,
    /// True once the connection has ended.
    ended: watch::Sender<bool>,
}

/// The session, and who waits for its answers.
pub(crate) struct Link {
    pub(crate) session: Session,
    waiters: HashMap<Xid, Waiter>,
}

/// Who waits for an answer.
enum Waiter {
    One(oneshot::Sender<Result<Reply, RequestError>>),
    /// A message of a batch, by its place.
    OfBatch(Arc<Mutex<Gathering>>, usize),
}

/// The answers to a batch. Who waits for them is told when this is dropped with its last waiter.
struct Gathering {
    failures: Vec<(usize, RequestError)>,
    tell: Option<oneshot::Sender<Vec<(usize, RequestError)>>>,
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            // The one who asked may have stopped waiting.
            let _ = tell.send(std::mem::take(&mut self.failures));
        }
    }
}

/// A switch has no more than [`Switch::MAX_PORTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {} ports", Switch::MAX_PORTS)]
pub(crate) struct TooManyPorts;

/// Which messages of a batch failed; all others were carried out.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{} of {of} messages failed; the first, number {}: {}", failures.len(), failures[0].0, failures[0].1)]
pub struct ApplyError {
    /// The places of the messages in the batch, from 0, in order, and what became of each. Not empty.
    pub failures: Vec<(usize, RequestError)>,
    /// How many messages the batch had.
    pub of: usize,
}

impl Link {
    pub(crate) fn answer(&mut self, xid: Xid, result: Result<Reply, RequestError>) {
        match (self.waiters.remove(&xid), result) {
            (Some(Waiter::One(waiter)), result) => {
                // The one who asked may have stopped waiting.
                let _ = waiter.send(result);
            }
            (Some(Waiter::OfBatch(batch, place)), Err(error)) => {
                batch.lock().unwrap_or_else(PoisonError::into_inner).failures.push((place, error));
            }
            (Some(Waiter::OfBatch(..)), Ok(_)) | (None, _) => {}
        }
    }
}

impl Shared {
    pub(crate) fn new(features: Features, peer: String, session: Session, network: Network) -> Shared {
        Shared {
            features,
            peer,
            ports: Mutex::default(),
            left_out_ports: AtomicU64::new(0),
            link: Mutex::new(Link { session, waiters: HashMap::new() }),
            queued: AtomicBool::new(false),
            driver: AtomicWaker::new(),
            ports_changed: Notify::new(),
            dropped_events: AtomicU64::new(0),
            network,
            told: Mutex::default(),
            stopped: Mutex::default(),
            timers: AtomicU64::new(0),
            ended: watch::Sender::new(false),
        }
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Link> {
        // Nothing that could panic runs under the lock in the middle of a change.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ports(&self) -> MutexGuard<'_, BTreeMap<PortNo, Port>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A port is there, or is now like this.
    pub(crate) fn set_port(&self, port: Port) -> Result<(), TooManyPorts> {
        let mut ports = self.ports();
        if ports.len() >= Switch::MAX_PORTS && !ports.contains_key(&port.number) {
            self.left_out_ports.fetch_add(1, Ordering::Relaxed);
            return Err(TooManyPorts);
        }
        ports.insert(port.number, port);
        Ok(())
    }

    pub(crate) fn remove_port(&self, number: PortNo) {
        self.ports().remove(&number);
    }

    /// Tells the driver that there is something to write; once until it has looked.
    fn kick(&self) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.driver.wake();
        }
    }

    /// The driver is at work and will look at the output anyway: it need not be told.
    pub(crate) fn hold(&self) {
        self.queued.store(true, Ordering::Release);
    }

    /// The driver looks at the output now; what is queued later must tell it again.
    pub(crate) fn release(&self) {
        self.queued.store(false, Ordering::Release);
    }

    /// Ready when something was queued since [`Shared::release`].
    pub(crate) fn poll_queued(&self, cx: &Context<'_>) -> Poll<()> {
        self.driver.register(cx.waker());
        if self.queued.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands the apps an event that does not come from the connection.
    pub(crate) fn tell(&self, event: Event) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MAX_TOLD {
            told.push(event);
        } else {
            self.dropped_events.fetch_add(1, Ordering::Relaxed);
        }
        drop(told);
        self.kick();
    }

    pub(crate) fn told(&self) -> Vec<Event> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn stopped(&self, app: StoppedApp) {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).push(app);
    }

    pub(crate) fn end(&self) {
        self.ended.send_replace(true);
    }

    pub(crate) fn ended(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        self.link().session.handle_disconnect(reason);
        self.kick();
    }
}

impl Switch {
    /// Ports of one switch that are known at one time; others are left out, and counted: a switch must not fill the
    /// memory.
    pub const MAX_PORTS: usize = 16_384;

    /// The datapath id.
    pub fn id(&self) -> DatapathId {
        self.0.features.datapath_id
    }

    /// What the switch said of itself in the handshake (OF 1.3.5 §7.3.1).
    pub fn features(&self) -> &Features {
        &self.0.features
    }

    /// Where it connected from.
    pub fn peer(&self) -> &str {
        &self.0.peer
    }

    /// Its ports as last reported, by number.
    pub fn ports(&self) -> Vec<Port> {
        self.0.ports().values().cloned().collect()
    }

    /// How often the switch reported a port when it had [`Switch::MAX_PORTS`] others.
    pub fn left_out_ports(&self) -> u64 {
        self.0.left_out_ports.load(Ordering::Relaxed)
    }

    /// Whether the connection stands.
    pub fn is_connected(&self) -> bool {
        self.0.link().session.is_open()
    }

    /// The view of the whole network.
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// Apps that failed and are stopped for this switch, in the order of their ends.
    pub fn stopped_apps(&self) -> Vec<StoppedApp> {
        self.0.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Events, such as packet-ins, that were dropped because the apps did not keep up.
    pub fn dropped_events(&self) -> u64 {
        self.0.dropped_events.load(Ordering::Relaxed)
    }

    /// Sends any message and waits for nothing. Should the switch refuse it, apps hear of it in
    /// [`App::error`](crate::App::error). This is the hatch for whatever has no method here.
    pub fn send(&self, message: impl Into<Body>) -> Result<(), SendError> {
        self.0.link().session.send(&message.into())?;
        self.0.kick();
        Ok(())
    }

    /// Sends a packet out (OF 1.3.5 §7.3.7). OpenFlow acknowledges none, so this waits for none.
    pub fn packet_out(&self, packet: PacketOut) -> Result<(), SendError> {
        self.send(packet)
    }

    /// Changes the flow table. Returns when the switch has done so, or with its own error for this very
    /// message.
    pub async fn flow_mod(&self, flow: FlowMod) -> Result<(), RequestError> {
        self.modify(flow).await
    }

    /// Changes a port's configuration (OF 1.3.5 §7.3.4.3).
    pub async fn port_mod(&self, port: PortMod) -> Result<(), RequestError> {
        self.modify(port).await
    }

    /// Changes the group table (OF 1.3.5 §7.3.4.2).
    pub async fn group_mod(&self, group: GroupMod) -> Result<(), RequestError> {
        self.modify(group).await
    }

    /// Changes the meter table (OF 1.3.5 §7.3.4.4).
    pub async fn meter_mod(&self, meter: MeterMod) -> Result<(), RequestError> {
        self.modify(meter).await
    }

    /// Changes a table's configuration (OF 1.3.5 §7.3.3).
    pub async fn table_mod(&self, table: TableMod) -> Result<(), RequestError> {
        self.modify(table).await
    }

    /// Carries out a batch of modifications: they leave in one write with one barrier behind them, in
    /// their order. A refused one does not keep the others from being carried out: OpenFlow has no
    /// transactions.
    ///
    /// # Errors
    /// Every message that failed, by its place, with the switch's own error for it.
    ///
    /// ```no_run
    /// # use flowbed_controller::{ApplyError, Switch};
    /// # use openflow::{Action, FlowMod, Match, PortNo};
    /// # async fn example(switch: &Switch) -> Result<(), ApplyError> {
    /// let flows = (1..=1000).map(|port| {
    ///     FlowMod::add().matching(Match::new().in_port(PortNo(port))).apply([Action::output(PortNo(port + 1))])
    /// });
    /// switch.apply(flows).await
    /// # }
    /// ```
    pub async fn apply<M: Into<Body>>(&self, batch: impl IntoIterator<Item = M>) -> Result<(), ApplyError> {
        let (tell, told) = oneshot::channel();
        let gathering = Arc::new(Mutex::new(Gathering { failures: Vec::new(), tell: Some(tell) }));
        let mut not_sent = Vec::new();
        // The caller's iterator may do anything, so it is not run under the lock.
        let batch: Vec<Body> = batch.into_iter().map(Into::into).collect();
        let of = batch.len();
        {
            let mut link = self.0.link();
            let now = Instant::now().into_std();
            for (place, message) in batch.iter().enumerate() {
                match link.session.modify(now, message) {
                    Ok(xid) => {
                        link.waiters.insert(xid, Waiter::OfBatch(gathering.clone(), place));
                    }
                    Err(error) => not_sent.push((place, error.into())),
                }
            }
        }
        drop(gathering);
        self.0.kick();
        // The last waiter tells, and none is ever lost: a session answers for each of them.
        let mut failures = told.await.unwrap_or_default();
        failures.append(&mut not_sent);
        failures.sort_by_key(|(place, _)| *place);
        if failures.is_empty() { Ok(()) } else { Err(ApplyError { failures, of }) }
    }

    /// Sends a message that OpenFlow answers only with errors, and waits until the switch has carried
    /// it out: for a barrier behind it.
    pub async fn modify(&self, message: impl Into<Body>) -> Result<(), RequestError> {
        let message = message.into();
        self.ask(|session, now| session.modify(now, &message)).await.map(drop)
    }

    /// Sends a request and waits for its reply.
    pub async fn request(&self, message: impl Into<Body>) -> Result<Reply, RequestError> {
        let message = message.into();
        self.ask(|session, now| session.request(now, &message)).await
    }

    /// Returns when the switch has carried out all that was sent before (OF 1.3.5 §7.3.8).
    pub async fn barrier(&self) -> Result<(), RequestError> {
        self.request(Body::BarrierRequest).await.map(drop)
    }

    /// Asks for a role (OF 1.3.5 §7.3.9) and returns the one that the switch granted; apps hear of it in
    /// [`App::role`](crate::App::role). A switch refuses a `generation_id` that is older, in the sense of
    /// wrapping 64-bit numbers, than the largest it was told.
    pub async fn role(&self, kind: RoleKind, generation_id: u64) -> Result<Role, RequestError> {
        match self.request(Body::RoleRequest(Role { kind, generation_id })).await? {
            Reply::Body(body) => match *body {
                Body::RoleReply(granted) => {
                    self.0.tell(Event::Role(granted));
                    Ok(granted)
                }
                other => Err(unexpected(&Reply::Body(Box::new(other)))),
            },
            other => Err(unexpected(&other)),
        }
    }

    /// Has the apps of this switch told after this time: [`App::timer`](crate::App::timer). An app knows its own timers by
    /// what this returns. There is no way to stop one: who has lost interest in a timer lets it pass.
    pub fn timer(&self, after: Duration) -> TimerId {
        let id = TimerId(self.0.timers.fetch_add(1, Ordering::Relaxed));
        let shared = self.0.clone();
        tokio::spawn(async move {
            let mut ended = shared.ended();
            tokio::select! {
                () = tokio::time::sleep(after) => shared.tell(Event::Timer(id)),
                _ = ended.wait_for(|ended| *ended) => {}
            }
        });
        id
    }

    /// Any multipart request; all parts of the reply.
    pub async fn multipart(&self, request: MultipartRequest) -> Result<MultipartBody, RequestError> {
        match self.request(Body::MultipartRequest(request)).await? {
            Reply::Multipart(body) => Ok(body),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(
        &self,
        send: impl FnOnce(&mut Session, std::time::Instant) -> Result<Xid, SendError>,
    ) -> Result<Reply, RequestError> {
        let (tell, told) = oneshot::channel();
        {
            let mut link = self.0.link();
            let xid = send(&mut link.session, Instant::now().into_std())?;
            link.waiters.insert(xid, Waiter::One(tell));
        }
        self.0.kick();
        told.await.unwrap_or(Err(RequestError::Disconnected))
    }
}

pub(crate) fn unexpected(reply: &Reply) -> RequestError {
    RequestError::BadReply(format!("{reply:?}").chars().take(200).collect())
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Switch({} at {})", self.id(), self.peer())
    }
}
