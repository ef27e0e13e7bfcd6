//! What comes out of a switch, and what can be watched on the way.

use bytes::Bytes;

use super::flow::Flow;
use super::packet::{Offload, Packet};
use crate::action::Action;
use crate::ids::{GroupId, MeterId, PortNo, QueueId, TableId};
use crate::message::Message;
use crate::msg::flow_removed::FlowRemoved;
use crate::msg::packet_in::PacketIn;
use crate::msg::port::PortStatus;

/// Something that the switch does: frames by its ports (OF 1.3.5 §4), messages to controllers (§6.1).
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<'a> {
    /// A frame leaves by a port.
    Output {
        /// An ordinary port or [`PortNo::LOCAL`].
        port: PortNo,
        /// The queue that was set for it.
        queue: Option<QueueId>,
        /// The frame, from its Ethernet header on.
        frame: &'a [u8],
        /// What is left to be done to it; nothing unless the packet came in so.
        offload: Option<Offload>,
    },
    /// A packet for the controllers that want it.
    PacketIn(PacketIn),
    /// A flow went; for the controllers that want it.
    FlowRemoved(FlowRemoved),
    /// A port changed; for the controllers that want it.
    PortStatus(PortStatus),
    /// An answer to the controller that asked.
    Reply(Box<Message>),
    /// The controller that asked is master; whoever was it is slave now (OF 1.3.5 §6.3.6).
    OneMaster,
}

/// A step on the way of a packet (OF 1.3.5 §5.1).
#[derive(Clone, Debug)]
pub enum Step<'a> {
    /// A table was looked up.
    Table {
        /// Which table.
        table: TableId,
        /// The packet as it came there.
        packet: &'a Packet,
        /// The flow that takes it; without one it is dropped.
        flow: Option<&'a Flow>,
    },
    /// An action is carried out.
    Action {
        /// Which action.
        action: &'a Action,
        /// The packet before it.
        packet: &'a Packet,
    },
    /// The tables are behind the packet, its action set is carried out.
    ActionSet,
    /// A bucket of a group takes the packet.
    Bucket {
        /// The group.
        group: GroupId,
        /// Number of the bucket in the group, from 0.
        bucket: usize,
    },
    /// A meter let the packet pass.
    Metered {
        /// Which meter.
        meter: MeterId,
        /// The band that took it.
        band: Option<usize>,
    },
    /// The packet, or this copy of it, ends here.
    Dropped(Dropped),
}

/// Why a packet goes no further (OF 1.3.5 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The port on which it came does not receive (`OFPPC_NO_RECV`, `OFPPC_PORT_DOWN`), or is none.
    Ingress,
    /// It is a fragment, and fragments are dropped (`OFPC_FRAG_DROP`).
    Fragment,
    /// No flow takes it, not even a table-miss flow (OF 1.3.5 §5.4).
    NoFlow,
    /// Neither an output nor a group is in its action set.
    NoOutput,
    /// A meter's band dropped it.
    Meter(MeterId),
    /// The TTL is used up.
    Ttl,
    /// The port is not there, is down, or does not send (`OFPPC_NO_FWD`).
    Egress(PortNo),
    /// The port is the one on which it came in; only [`PortNo::IN_PORT`] sends it back.
    IngressPort,
    /// Its destination is an address for bridges alone, which `OFPP_NORMAL` passes nowhere
    /// (IEEE 802.1Q §8.6.3).
    Reserved,
    /// The group has no bucket that is alive, or is gone.
    NoBucket(GroupId),
    /// The port sends no packet-in (`OFPPC_NO_PACKET_IN`).
    NoPacketIn,
    /// It would be longer than [`super::FRAME_MAX`].
    TooLong,
    /// It would take more actions, or put more on the stack, than one packet may.
    Exhausted,
}

/// Takes what comes out of a switch.
pub trait Sink {
    /// Something that the switch does.
    fn effect(&mut self, effect: Effect<'_>);

    /// A packet-in that the action `controller` or `dec_ttl(ids)` addresses to the controllers that say
    /// that they are `id`, or gives `userdata` to (`ovs-actions(7)`): see
    /// [`super::Controller::packet_in`]. Where nothing is done about it, those of 0 are all
    /// controllers, and nobody learns of the others.
    fn packet_in(&mut self, id: u16, userdata: &Bytes, packet_in: PacketIn) {
        let _ = userdata;
        if id == 0 {
            self.effect(Effect::PacketIn(packet_in));
        }
    }

    /// A step on the way; to be watched, nothing needs to be done.
    #[inline]
    fn step(&mut self, step: &Step<'_>) {
        let _ = step;
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn effect(&mut self, effect: Effect<'_>) {
        (**self).effect(effect);
    }

    fn packet_in(&mut self, id: u16, userdata: &Bytes, packet_in: PacketIn) {
        (**self).packet_in(id, userdata, packet_in);
    }

    #[inline]
    fn step(&mut self, step: &Step<'_>) {
        (**self).step(step);
    }
}
