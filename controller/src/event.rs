//! What apps are told.

use openflow::session::CloseReason;
use openflow::{ErrorMsg, FlowRemoved, PortStatus};

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
    /// An error for a message that nobody waits on.
    Error(ErrorMsg),
    /// The connection has ended.
    Gone(CloseReason),
}

impl Event {
    /// For logs.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Ready => "ready",
            Event::PacketIn(_) => "packet-in",
            Event::FlowRemoved(_) => "flow-removed",
            Event::PortStatus(_) => "port-status",
            Event::Error(_) => "error",
            Event::Gone(_) => "gone",
        }
    }
}
