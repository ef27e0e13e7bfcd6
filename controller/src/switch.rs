//! The handle of a connected switch.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use openflow::session::{CloseReason, Reply, RequestError, SendError, Session};
use openflow::{
    AggregateStats, Body, DatapathId, Desc, Features, FlowMod, FlowStats, FlowStatsRequest, MultipartBody,
    MultipartRequest, PacketOut, Port, PortMod, PortNo, PortStats, Role, RoleKind, TableStats, Xid,
};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

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
    pub(crate) ports: Mutex<Vec<Port>>,
    link: Mutex<Link>,
    /// Something waits to be written, and the driver has been told.
    queued: AtomicBool,
    driver: AtomicWaker,
    /// Fires whenever the list of ports has changed.
    pub(crate) ports_changed: Notify,
    pub(crate) dropped_events: AtomicU64,
}

/// The session, and who waits for its answers.
pub(crate) struct Link {
    pub(crate) session: Session,
    waiters: HashMap<Xid, oneshot::Sender<Result<Reply, RequestError>>>,
}

impl Link {
    pub(crate) fn answer(&mut self, xid: Xid, result: Result<Reply, RequestError>) {
        if let Some(waiter) = self.waiters.remove(&xid) {
            // The one who asked may have stopped waiting.
            let _ = waiter.send(result);
        }
    }
}

impl Shared {
    pub(crate) fn new(features: Features, peer: String, session: Session) -> Shared {
        Shared {
            features,
            peer,
            ports: Mutex::new(Vec::new()),
            link: Mutex::new(Link { session, waiters: HashMap::new() }),
            queued: AtomicBool::new(false),
            driver: AtomicWaker::new(),
            ports_changed: Notify::new(),
            dropped_events: AtomicU64::new(0),
        }
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Link> {
        // Nothing that could panic runs under the lock in the middle of a change.
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ports(&self) -> MutexGuard<'_, Vec<Port>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(crate) fn close(&self, reason: CloseReason) {
        self.link().session.handle_disconnect(reason);
        self.kick();
    }
}

impl Switch {
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
        self.0.ports().clone()
    }

    /// Whether the connection stands.
    pub fn is_connected(&self) -> bool {
        self.0.link().session.is_open()
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

    /// Asks for a role (OF 1.3.5 §7.3.9) and returns the one that the switch granted.
    pub async fn role(&self, kind: RoleKind, generation_id: u64) -> Result<Role, RequestError> {
        match self.request(Body::RoleRequest(Role { kind, generation_id })).await? {
            Reply::Body(body) => match *body {
                Body::RoleReply(granted) => Ok(granted),
                other => Err(unexpected(&Reply::Body(Box::new(other)))),
            },
            other => Err(unexpected(&other)),
        }
    }

    /// Vendor, hardware and software of the switch (OF 1.3.5 §7.3.5.1).
    pub async fn desc(&self) -> Result<Desc, RequestError> {
        match self.multipart(MultipartRequest::Desc).await? {
            MultipartBody::Desc(desc) => Ok(desc),
            other => Err(unexpected(&Reply::Multipart(other))),
        }
    }

    /// The flows that `which` selects, with their counters (OF 1.3.5 §7.3.5.2).
    pub async fn flow_stats(&self, which: FlowStatsRequest) -> Result<Vec<FlowStats>, RequestError> {
        match self.multipart(MultipartRequest::Flow(which)).await? {
            MultipartBody::Flow(flows) => Ok(flows),
            other => Err(unexpected(&Reply::Multipart(other))),
        }
    }

    /// Sums over the flows that `which` selects (OF 1.3.5 §7.3.5.3).
    pub async fn aggregate_stats(&self, which: FlowStatsRequest) -> Result<AggregateStats, RequestError> {
        match self.multipart(MultipartRequest::Aggregate(which)).await? {
            MultipartBody::Aggregate(sums) => Ok(sums),
            other => Err(unexpected(&Reply::Multipart(other))),
        }
    }

    /// Counters of each table (OF 1.3.5 §7.3.5.4).
    pub async fn table_stats(&self) -> Result<Vec<TableStats>, RequestError> {
        match self.multipart(MultipartRequest::Table).await? {
            MultipartBody::Table(tables) => Ok(tables),
            other => Err(unexpected(&Reply::Multipart(other))),
        }
    }

    /// Counters of a port, or of all with [`PortNo::ANY`] (OF 1.3.5 §7.3.5.6).
    pub async fn port_stats(&self, port: PortNo) -> Result<Vec<PortStats>, RequestError> {
        match self.multipart(MultipartRequest::PortStats(port)).await? {
            MultipartBody::PortStats(ports) => Ok(ports),
            other => Err(unexpected(&Reply::Multipart(other))),
        }
    }

    /// The ports as they are now (OF 1.3.5 §7.3.5.7).
    pub async fn port_desc(&self) -> Result<Vec<Port>, RequestError> {
        match self.multipart(MultipartRequest::PortDesc).await? {
            MultipartBody::PortDesc(ports) => Ok(ports),
            other => Err(unexpected(&Reply::Multipart(other))),
        }
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
            link.waiters.insert(xid, tell);
        }
        self.0.kick();
        told.await.unwrap_or(Err(RequestError::Disconnected))
    }
}

fn unexpected(reply: &Reply) -> RequestError {
    RequestError::BadReply(format!("{reply:?}").chars().take(200).collect())
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Switch({} at {})", self.id(), self.peer())
    }
}
