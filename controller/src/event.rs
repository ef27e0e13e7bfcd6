//! What apps are told.

use openflow::session::CloseReason;
use openflow::{DatapathId, ErrorMsg, FlowRemoved, PortStatus, Role};

use crate::network::{Host, Link, PortRef};
use crate::packet::PacketIn;

/// Something a switch reported, or that happened to it.
#[derive(Clone, Debug)]
pub enum Event {
    /// The handshake is over and the switch answers.
    Ready,
    /// A packet for the controller.
    PacketIn(PacketIn),
    /// A flow has ended.
    FlowRemoved(FlowRemoved),
    /// A port was added, removed or has changed.
    PortStatus(PortStatus),
    /// A role was granted.
    Role(Role),
    /// The network has changed.
    Network(NetworkEvent),
    /// An error for a message that nobody waits on.
    Error(ErrorMsg),
    /// The time of a [timer](crate::Switch::timer) has come.
    Timer(TimerId),
    /// What configures the apps was read anew.
    Reload,
    /// The connection has ended.
    Gone(CloseReason),
}

/// Tells a timer of a switch from its others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimerId(pub(crate) u64);

impl Event {
    /// For logs.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Ready => "ready",
            Event::PacketIn(_) => "packet-in",
            Event::FlowRemoved(_) => "flow-removed",
            Event::PortStatus(_) => "port-status",
            Event::Role(_) => "role",
            Event::Network(_) => "network",
            Event::Error(_) => "error",
            Event::Timer(_) => "timer",
            Event::Reload => "reload",
            Event::Gone(_) => "gone",
        }
    }
}

/// A change of the network view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkEvent {
    /// A switch has connected and told its ports.
    SwitchUp(DatapathId),
    /// Its apps have set it up.
    SwitchReady(DatapathId),
    /// Its connection has ended.
    SwitchDown(DatapathId),
    /// A link was found.
    LinkUp(Link),
    /// A link is gone: a port of it is down, its probes are not heard any more, or a switch went.
    LinkDown(Link),
    /// A host was heard for the first time.
    HostSeen(Host),
    /// A host is attached elsewhere now.
    HostMoved {
        /// As it is now.
        host: Host,
        /// Where it was before.
        from: PortRef,
    },
    /// A host was heard to own one more address.
    HostClaims(Host),
    /// A host was not heard for long, or its switch went.
    HostGone(Host),
    /// The receiver was too slow: so many events are lost. The view itself is right.
    Missed(u64),
}
