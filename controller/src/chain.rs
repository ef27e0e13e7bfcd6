//! How a chain of apps handles a batch of events; what becomes of one that fails.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::{error, warn};

use crate::app::{App, AppFactory, StopReason, StoppedApp, Verdict};
use crate::event::Event;
use crate::switch::Switch;

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

    /// The name of the event at this place, for logs.
    fn name(&self, at: usize) -> &'static str {
        self.events.get(at).map_or("none", |(event, _)| event.name())
    }
}

type HandleBatch<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// [`App`] behind a pointer. Erased a batch at a time, so that an event costs no allocation.
pub(crate) trait AnyApp: Send {
    /// `at` tells which event is being handled.
    fn handle<'a>(
        &'a mut self,
        name: &'a str,
        switch: &'a Switch,
        batch: &'a mut Batch,
        at: &'a AtomicUsize,
    ) -> HandleBatch<'a>;
}

impl<A: App> AnyApp for A {
    fn handle<'a>(
        &'a mut self,
        name: &'a str,
        switch: &'a Switch,
        batch: &'a mut Batch,
        at: &'a AtomicUsize,
    ) -> HandleBatch<'a> {
        Box::pin(async move {
            for (place, (event, verdict)) in batch.events.iter_mut().enumerate() {
                if *verdict == Verdict::Consume {
                    continue;
                }
                at.store(place, Ordering::Relaxed);
                let outcome = match event {
                    Event::PacketIn(packet) => self.packet_in(switch, packet).await.map(|v| *verdict = v),
                    Event::Ready => self.ready(switch).await,
                    Event::FlowRemoved(flow) => self.flow_removed(switch, flow).await,
                    Event::PortStatus(status) => self.port_status(switch, status).await,
                    Event::Role(role) => self.role(switch, role).await,
                    Event::Network(change) => self.network(switch, change).await,
                    Event::Error(error) => self.error(switch, error).await,
                    Event::Timer(timer) => self.timer(switch, *timer).await,
                    Event::Reload => self.reload(switch).await,
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
    apps: Vec<Running>,
    /// How long a handler may take for one event.
    deadline: Duration,
}

struct Running {
    name: Arc<str>,
    app: Box<dyn AnyApp>,
}

impl Chain {
    pub(crate) fn new(factories: &[AppFactory], deadline: Duration) -> Chain {
        let apps = factories.iter().map(|f| Running { name: f.shared_name(), app: f.make() }).collect();
        Chain { apps, deadline }
    }

    /// Takes the batch through all apps. An app that panics or stalls is reported and left out from
    /// then on; the others go on with all events.
    pub(crate) async fn handle(&mut self, switch: &Switch, batch: &mut Batch) {
        let mut at = 0;
        while let Some(running) = self.apps.get_mut(at) {
            match running.handle(switch, batch, self.deadline).await {
                Ok(()) => at += 1,
                Err(why) => {
                    let Running { name, app } = self.apps.remove(at);
                    // Even the end of a broken app must not hurt the others.
                    let _ = std::panic::catch_unwind(AssertUnwindSafe(|| drop(app)));
                    error!(app = %name, switch = %switch.id(), %why, "app is stopped for this switch");
                    switch.0.stopped(StoppedApp { app: name.to_string(), why });
                }
            }
        }
        batch.events.clear();
    }
}

impl Running {
    async fn handle(
        &mut self,
        switch: &Switch,
        batch: &mut Batch,
        deadline: Duration,
    ) -> Result<(), StopReason> {
        let place = AtomicUsize::new(0);
        let end = {
            let work = AssertUnwindSafe(self.app.handle(&self.name, switch, batch, &place)).catch_unwind();
            let mut work = pin!(work);
            loop {
                let before = place.load(Ordering::Relaxed);
                match timeout(deadline, work.as_mut()).await {
                    Ok(end) => break Some(end),
                    // It is slow, but gets on.
                    Err(_) if place.load(Ordering::Relaxed) != before => {}
                    Err(_) => break None,
                }
            }
        };
        let event = batch.name(place.load(Ordering::Relaxed));
        match end {
            Some(Ok(())) => Ok(()),
            Some(Err(panic)) => Err(StopReason::Panicked { event, message: panic_text(&*panic).to_owned() }),
            None => Err(StopReason::Stalled { event, after: deadline }),
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
