//! Actions that send a packet somewhere: to some controllers, cut to a length.

use crate::ids::PortNo;
use crate::msg::packet_in::PacketInReason;
use crate::nicira::Controller;
use crate::pipeline::effect::{Dropped, Sink};
use crate::pipeline::meter::Verdict;
use crate::pipeline::packet::Packet;
use crate::pipeline::run::{Origin, Run};

impl<S: Sink> Run<'_, S> {
    /// To the controllers that it names (`ovs-actions(7)`, `controller`).
    pub(super) fn controller(&mut self, packet: &Packet, action: &Controller, origin: Origin) {
        if let Some(meter) = action.meter {
            let verdict = self.switch.meters.judge(meter, packet.frame().len(), self.now);
            if matches!(verdict, Verdict::Drop(_)) {
                return self.dropped(Dropped::Meter(meter));
            }
        }
        let reason = match action.reason {
            // Those of later versions are a flow's action in this one.
            PacketInReason::Action | PacketInReason::Unknown(_) if origin.miss => PacketInReason::NoMatch,
            PacketInReason::Unknown(_) => PacketInReason::Action,
            reason => reason,
        };
        let origin = Origin { reason, ..origin };
        self.packet_in(packet, action.max_len, origin, action.id, &action.userdata);
    }

    /// At most so many bytes of it (`ovs-actions(7)`, `output`).
    pub(super) fn output_truncated(&mut self, packet: &Packet, port: PortNo, max_len: u32) {
        let in_port = packet.in_port();
        if port == in_port {
            return self.dropped(Dropped::IngressPort);
        }
        let port = if port == PortNo::IN_PORT { in_port } else { port };
        let max_len = usize::try_from(max_len).unwrap_or(usize::MAX);
        for frame in &packet.finished() {
            let mut cut = Packet::new(&frame[..frame.len().min(max_len)], in_port);
            cut.set_queue(packet.queue());
            self.send(&cut, port);
        }
    }
}
