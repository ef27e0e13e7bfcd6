//! The controller: its builder, its listener, its end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use openflow::DatapathId;
use openflow::session::Config;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::app::{App, AppFactory};
use crate::core::{Core, Deadlines};
use crate::discovery::Discovery;
use crate::driver;
use crate::event::{Event, NetworkEvent};
use crate::network::{Link, Network};
use crate::switch::Switch;

/// Settings of a controller that is not running yet.
#[derive(Debug)]
pub struct Builder {
    apps: Vec<AppFactory>,
    session: Config,
    discovery: Discovery,
    deadlines: Deadlines,
}

impl Builder {
    /// Adds an app behind those added before; `make` is called for each switch that connects.
    #[must_use]
    pub fn per_switch<A: App>(self, name: &str, make: impl Fn() -> A + Send + Sync + 'static) -> Builder {
        self.app(AppFactory::new(name, make))
    }

    /// Adds an app by its factory, such as [`apps::by_name`](crate::apps::by_name) returns.
    #[must_use]
    pub fn app(mut self, app: AppFactory) -> Builder {
        self.apps.push(app);
        self
    }

    /// Sets deadlines and bounds of the sessions.
    #[must_use]
    pub fn session(mut self, config: Config) -> Builder {
        self.session = config;
        self
    }

    /// Sets whether and how often links are looked for.
    #[must_use]
    pub fn discovery(mut self, discovery: Discovery) -> Builder {
        self.discovery = discovery;
        self
    }

    /// Sets how long a handler may take for one event before its app is stopped for that switch; 30 s
    /// where this is not called. Longer than [`Config::request_timeout`], or a handler that awaits a
    /// silent switch is stopped before it hears of the timeout.
    #[must_use]
    pub fn app_deadline(mut self, deadline: Duration) -> Builder {
        self.deadlines.app = deadline;
        self
    }

    /// Sets how long the end of a connection may take: the apps' last events, answers that are still
    /// awaited, and what is still to be written; 1 s where this is not called.
    #[must_use]
    pub fn drain_deadline(mut self, deadline: Duration) -> Builder {
        self.deadlines.drain = deadline;
        self
    }

    /// Sets after how long a host is forgotten that is not heard any more; 15 minutes where this is not
    /// called. Packets that flows take to their end are not heard.
    #[must_use]
    pub fn host_age(mut self, age: Duration) -> Builder {
        self.deadlines.host = age;
        self
    }

    /// Starts to accept switches on a socket that the caller has bound, inside a tokio runtime.
    pub fn start(self, listener: TcpListener) -> Controller {
        let controller = self.start_without_listener();
        controller.listen(listener);
        controller
    }

    /// Starts with no socket; connections come through [`Controller::attach`].
    pub fn start_without_listener(self) -> Controller {
        let core = Arc::new(Core::new(self.apps, self.session, self.discovery, self.deadlines));
        let controller = Controller { core: core.clone(), tasks: Arc::default() };
        controller.spawn(forward_events(core.clone()));
        controller.spawn(expire_hosts(core.clone()));
        if let Some(age) = core.link_age() {
            controller.spawn(expire_links(core, age));
        }
        controller
    }
}

/// A running controller. Cheap to clone; it runs until [`Controller::shutdown`].
#[derive(Clone)]
pub struct Controller {
    core: Arc<Core>,
    tasks: Arc<std::sync::Mutex<JoinSet<()>>>,
}

/// Switches that were not ready in time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} of {awaited} switches not ready after {after:?}: {}", missing.len(),
        missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
pub struct NotReady {
    /// Who is missing.
    pub missing: Vec<DatapathId>,
    /// How many were waited for.
    pub awaited: usize,
    /// For how long.
    pub after: Duration,
}

/// Links that were not found in time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} of {awaited} links between switches not found after {after:?}: {}", missing.len(),
        missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
pub struct LinksNotFound {
    /// Which.
    pub missing: Vec<Link>,
    /// How many were waited for.
    pub awaited: usize,
    /// For how long.
    pub after: Duration,
}

impl Controller {
    /// A controller with no apps, that looks for links.
    pub fn builder() -> Builder {
        Builder {
            apps: Vec::new(),
            session: Config::controller(),
            discovery: Discovery::default(),
            deadlines: Deadlines::default(),
        }
    }

    /// The network as the controller sees it.
    pub fn network(&self) -> &Network {
        &self.core.network
    }

    /// A connected switch.
    pub fn switch(&self, id: DatapathId) -> Option<Switch> {
        self.core.switch(id)
    }

    /// All connected switches, by datapath id.
    pub fn switches(&self) -> Vec<Switch> {
        self.core.switches()
    }

    /// Serves a switch on any transport; `peer` says where it is, for logs.
    pub fn attach<S>(&self, stream: S, peer: String)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (read, write) = tokio::io::split(stream);
        self.spawn(driver::run(read, write, peer, self.core.clone()));
    }

    /// Returns when all these switches are connected and their apps have handled
    /// [`App::ready`](crate::App::ready).
    pub async fn wait_ready(&self, switches: &[DatapathId], within: Duration) -> Result<(), NotReady> {
        let is_missing = |id: &DatapathId| !self.core.network.is_ready(*id);
        let missing = || switches.iter().copied().filter(is_missing).collect::<Vec<_>>();
        match self.seen(within, || missing().is_empty()).await {
            true => Ok(()),
            false => Err(NotReady { missing: missing(), awaited: switches.len(), after: within }),
        }
    }

    /// Returns when all these links were found, each in at least one direction.
    ///
    /// # Errors
    /// Which were not found `within` that time.
    pub async fn wait_links(&self, links: &[Link], within: Duration) -> Result<(), LinksNotFound> {
        let missing = || {
            let found = self.core.network.links();
            links.iter().copied().filter(|link| found.binary_search(link).is_err()).collect::<Vec<_>>()
        };
        match self.seen(within, || missing().is_empty()).await {
            true => Ok(()),
            false => Err(LinksNotFound { missing: missing(), awaited: links.len(), after: within }),
        }
    }

    /// Whether the network comes to be so `within` that time.
    async fn seen(&self, within: Duration, so: impl Fn() -> bool) -> bool {
        let mut changes = self.core.network.changes();
        let seen = async {
            while !so() {
                // The sender lives in the core, which we hold.
                let _ = changes.changed().await;
            }
        };
        tokio::time::timeout(within, seen).await.is_ok()
    }

    /// Tells the apps of all connected switches to look at what configures them anew: [`App::reload`].
    pub fn reload(&self) {
        for switch in self.switches() {
            switch.0.tell(Event::Reload);
        }
    }

    /// Returns when the controller was shut down.
    pub async fn finished(&self) {
        let mut stop = self.core.stop.subscribe();
        // The sender lives in the core, which we hold.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Ends the controller: no new switch is accepted, no packet is taken any more, what the apps have in
    /// hand is finished and acknowledged, what is queued is written, connections are closed; all within
    /// [`Builder::drain_deadline`] and once more that for the apps' [`App::gone`](crate::App::gone).
    pub async fn shutdown(&self) {
        self.core.stop.send_replace(true);
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        while tasks.join_next().await.is_some() {}
        // What was begun at the last moment.
        let late = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        late.join_all().await;
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

async fn expire_links(core: Arc<Core>, age: Duration) {
    let mut stop = core.stop.subscribe();
    let mut tick = tokio::time::interval(age / 6);
    loop {
        tokio::select! {
            _ = tick.tick() => core.network.expire_links(age),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn expire_hosts(core: Arc<Core>) {
    let age = core.deadlines.host;
    let mut stop = core.stop.subscribe();
    let mut tick = tokio::time::interval((age / 10).max(Duration::from_millis(100)));
    loop {
        tokio::select! {
            _ = tick.tick() => core.network.expire_hosts(age),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Tells the apps of every switch what changes in the network.
async fn forward_events(core: Arc<Core>) {
    let mut stop = core.stop.subscribe();
    let mut events = core.network.events();
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let event = match event {
            Ok(event) => event,
            Err(RecvError::Lagged(missed)) => NetworkEvent::Missed(missed),
            Err(RecvError::Closed) => return,
        };
        for switch in core.switches() {
            switch.0.tell(Event::Network(event.clone()));
        }
    }
}

impl std::fmt::Debug for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controller").field("switches", &self.switches()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use openflow::PortNo;

    use super::*;
    use crate::network::PortRef;

    #[tokio::test(start_paused = true)]
    async fn links_that_are_not_found_are_named() {
        let controller = Controller::builder().start_without_listener();
        let at = |switch| PortRef { switch: DatapathId(switch), port: PortNo(2) };
        let links = [Link::new(at(1), at(2)), Link::new(at(2), at(3))];
        controller.network().adjacency(at(2), at(1));
        let error = controller.wait_links(&links, Duration::from_secs(3)).await.unwrap_err();
        let expected = "1 of 2 links between switches not found after 3s: \
                        port 2 of 0000000000000002 to port 2 of 0000000000000003";
        assert_eq!(error.to_string(), expected);
        controller.network().adjacency(at(2), at(3));
        assert_eq!(controller.wait_links(&links, Duration::ZERO).await, Ok(()));
    }
}
