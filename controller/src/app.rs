//! What an app is.

use std::future::{self, Future};
use std::sync::Arc;
use std::time::Duration;

use openflow::session::CloseReason;
use openflow::{ErrorMsg, FlowRemoved, PortStatus, Role};

use crate::chain::AnyApp;
use crate::event::{NetworkEvent, TimerId};
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
/// connection is served meanwhile. One that panics, or takes longer for an event than
/// [`Builder::app_deadline`](crate::Builder::app_deadline), is stopped for this switch and reported:
/// [`Switch::stopped_apps`]. A handler must not block its thread, which serves other switches too.
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

    /// The switch has granted a role that was asked for with [`Switch::role`] (OF 1.3.5 §7.3.9).
    fn role(&mut self, switch: &Switch, role: &Role) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, role);
        future::ready(Ok(()))
    }

    /// Something changed in the network, be it here or at another switch: links, hosts, switches.
    /// [`Switch::network`] has the whole view.
    fn network(&mut self, switch: &Switch, change: &NetworkEvent) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, change);
        future::ready(Ok(()))
    }

    /// The switch refused a message that was sent with [`Switch::send`].
    fn error(&mut self, switch: &Switch, error: &ErrorMsg) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, error);
        future::ready(Ok(()))
    }

    /// The time of a timer has come, of this app or another: see [`Switch::timer`].
    fn timer(&mut self, switch: &Switch, timer: TimerId) -> impl Future<Output = AppResult> + Send {
        let _ = (switch, timer);
        future::ready(Ok(()))
    }

    /// What configures the apps was read anew ([`Controller::reload`](crate::Controller::reload)): one that keeps what it
    /// read looks at it again.
    fn reload(&mut self, switch: &Switch) -> impl Future<Output = AppResult> + Send {
        let _ = switch;
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
    needs_links: bool,
}

impl AppFactory {
    /// `name` is for logs and error messages.
    pub fn new<A: App>(name: &str, make: impl Fn() -> A + Send + Sync + 'static) -> AppFactory {
        AppFactory { name: name.into(), make: Arc::new(move || Box::new(make())), needs_links: false }
    }

    /// The app does its work by the links between switches, and cannot do it well before they are found. Who brings a
    /// network up may wait for that: [`Controller::wait_links`](crate::Controller::wait_links).
    #[must_use]
    pub fn needing_links(self) -> AppFactory {
        AppFactory { needs_links: true, ..self }
    }

    /// Whether it was said to be [`needing_links`](Self::needing_links).
    pub fn needs_links(&self) -> bool {
        self.needs_links
    }

    /// As given.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    pub(crate) fn make(&self) -> Box<dyn AnyApp> {
        (self.make)()
    }
}

impl std::fmt::Debug for AppFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AppFactory").field(&self.name).finish()
    }
}

/// An app that no longer handles a switch's events, because it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedApp {
    /// Its name.
    pub app: String,
    /// What it did.
    pub why: StopReason,
}

/// Why an app is stopped for a switch. The other apps go on, and so does this one for other switches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// A handler panicked.
    #[error("it panicked at a {event} event: {message}")]
    Panicked {
        /// What it was handling.
        event: &'static str,
        /// The panic's message.
        message: String,
    },
    /// A handler did not return in time ([`Builder::app_deadline`](crate::Builder::app_deadline)).
    #[error("it did not handle a {event} event within {after:?}")]
    Stalled {
        /// What it was handling.
        event: &'static str,
        /// The deadline.
        after: Duration,
    },
}
