//! What an app is, and how a chain of them handles a batch of events.

use std::future::{self, Future};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use openflow::session::CloseReason;
use openflow::{ErrorMsg, FlowRemoved, PortStatus};
use tracing::{error, warn};

use crate::event::Event;
use crate::packet::PacketIn;
use crate::switch::Switch;

/// Whatever made a handler fail. It is logged with the app's name and the datapath id.
pub type AppError = Box<dyn std::error::Error + Send + Sync>;

/// What handlers return.
pub type AppResult<T = ()> = Result<T, AppError>;

/// Whether the apps behind this one see the packet too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// They do.
    #[default]
    Pass,
    /// They do not: it is dealt with.
    Consume,
}

/// An app: async handlers for what a switch reports. All have a default that does nothing.
///
/// Registered with [`Builder::per_switch`](crate::Builder::per_switch), each switch has an instance of
/// its own, so its fields are state per switch and need no lock. Handlers of one switch never run at
/// the same time; those of different switches do. A handler may await the switch's answers: the
/// connection is served meanwhile.
pub trait App: Send + 'static {
    /// The switch is there and answers. The place for its first flows.
    fn ready(&mut self, switch: &Switch) -> impl Future<Output = AppResult> + Send {
        let _ = switch;
        future::ready(Ok(()))
    }

    /// A packet came to the controller (OF 1.3.5 §7.4.1).
    fn packet_in(
        &mut self,
        switch: &Switch,
        packet: &PacketIn,
    ) -> impl Future<Output = AppResult<Verdict>> + Send {
        let _ = (switch, packet);
        future::ready(Ok(Verdict::Pass))
    }

    /// A flow that asked for it has ended (OF 1.3.5 §7.4.2).
    fn flow_removed(
        &mut self,
        switch: &Switch,
        flow: &FlowRemoved,
    ) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, flow);
        future::ready(Ok(()))
    }

    /// A port was added, removed or has changed (OF 1.3.5 §7.4.3).
    fn port_status(
        &mut self,
        switch: &Switch,
        status: &PortStatus,
    ) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, status);
        future::ready(Ok(()))
    }

    /// The switch refused a message that was sent with [`Switch::send`].
    fn error(&mut self, switch: &Switch, error: &ErrorMsg) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, error);
        future::ready(Ok(()))
    }

    /// The connection has ended; this instance is dropped next.
    fn gone(&mut self, switch: &Switch, why: &CloseReason) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, why);
        future::ready(Ok(()))
    }
}

/// Makes an app's instance for each switch that connects.
#[derive(Clone)]
pub struct AppFactory {
    name: Arc<str>,
    make: Arc<dyn Fn() -> Box<dyn AnyApp> + Send + Sync>,
}

impl AppFactory {
    /// `name` is for logs and error messages.
    pub fn new<A: App>(name: &str, make: impl Fn() -> A + Send + Sync + 'static) -> AppFactory {
        AppFactory { name: name.into(), make: Arc::new(move || Box::new(make())) }
    }

    /// As given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for AppFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AppFactory").field(&self.name).finish()
    }
}

/// Events of one switch on their way through its apps.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    events: Vec<(Event, Verdict)>,
}

impl Batch {
    pub(crate) fn push(&mut self, event: Event) {
        self.events.push((event, Verdict::Pass));
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }
}

type HandleBatch<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// [`App`] behind a pointer. Erased a batch at a time, so that an event costs no allocation.
pub(crate) trait AnyApp: Send {
    fn handle<'a>(&'a mut self, name: &'a str, switch: &'a Switch, batch: &'a mut Batch) -> HandleBatch<'a>;
}

impl<A: App> AnyApp for A {
    fn handle<'a>(&'a mut self, name: &'a str, switch: &'a Switch, batch: &'a mut Batch) -> HandleBatch<'a> {
        Box::pin(async move {
            for (event, verdict) in &mut batch.events {
                if *verdict == Verdict::Consume {
                    continue;
                }
                let outcome = match event {
                    Event::PacketIn(packet) => self.packet_in(switch, packet).await.map(|v| *verdict = v),
                    Event::Ready => self.ready(switch).await,
                    Event::FlowRemoved(flow) => self.flow_removed(switch, flow).await,
                    Event::PortStatus(status) => self.port_status(switch, status).await,
                    Event::Error(error) => self.error(switch, error).await,
                    Event::Gone(why) => self.gone(switch, why).await,
                };
                if let Err(error) = outcome {
                    warn!(app = name, switch = %switch.id(), event = event.name(), %error, "handler failed");
                }
            }
        })
    }
}

/// The apps of one switch, in order.
pub(crate) struct Chain {
    apps: Vec<(Arc<str>, Box<dyn AnyApp>)>,
}

impl Chain {
    pub(crate) fn new(factories: &[AppFactory]) -> Chain {
        Chain { apps: factories.iter().map(|f| (f.name.clone(), (f.make)())).collect() }
    }

    /// Takes the batch through all apps. An app that panics is reported and left out from then on; the
    /// others go on.
    pub(crate) async fn handle(&mut self, switch: &Switch, batch: &mut Batch) {
        let mut at = 0;
        while let Some((name, app)) = self.apps.get_mut(at) {
            match AssertUnwindSafe(app.handle(name, switch, batch)).catch_unwind().await {
                Ok(()) => at += 1,
                Err(panic) => {
                    error!(app = %name, switch = %switch.id(), panic = panic_text(&panic),
                           "app panicked and is stopped for this switch");
                    self.apps.remove(at);
                }
            }
        }
        batch.clear();
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
