//! Actions that lead a packet back into the tables, or a copy of it along another way.

use crate::action::Action;
use crate::ids::{PortNo, TableId};
use crate::oxm::FieldId;
use crate::pipeline::effect::Sink;
use crate::pipeline::nesting::Direction;
use crate::pipeline::packet::Packet;
use crate::pipeline::run::{Ended, Origin, Run};

impl<S: Sink> Run<'_, S> {
    /// Looks the packet up in a table, as if it had come in on `in_port`, and does as the flow says.
    /// Behind it the list goes on, also where no flow takes it (`ovs-actions(7)`, `resubmit`).
    pub(super) fn resubmit(
        &mut self,
        packet: &mut Packet,
        in_port: PortNo,
        table: TableId,
        origin: Origin,
    ) -> Result<(), Ended> {
        let table = if table == TableId::ALL { origin.table } else { table };
        let direction = if table > origin.table { Direction::Forth } else { Direction::Back };
        let Some(outside) = self.nesting.enter(direction) else { return self.exhausted() };
        let as_if = (in_port != PortNo::IN_PORT).then(|| {
            let mut key = *packet.key();
            key.set(FieldId::InPort, in_port.0.into());
            key
        });
        let ended = self.walk(packet, table, as_if.as_ref());
        self.nesting = outside;
        self.at = origin.table;
        match ended {
            Ok(()) | Err(Ended::List) => Ok(()),
            ended => ended,
        }
    }

    /// A copy of the packet does these, and what its action set says then; packet, action set and
    /// stack are behind it as before (`ovs-actions(7)`, `clone`).
    pub(super) fn clone(&mut self, packet: &Packet, actions: &[Action], origin: Origin) -> Result<(), Ended> {
        self.spend(self.stack.len() + self.set.len())?;
        let Some(outside) = self.nesting.enter(Direction::Forth) else { return self.exhausted() };
        let (stack, set, led) = (self.stack.clone(), self.set.clone(), self.led);
        let mut copy = packet.clone();
        let ended = self.actions(&mut copy, actions, origin);
        if matches!(ended, Ok(()) | Err(Ended::Lists)) && !self.set.is_empty() {
            self.action_set(&mut copy);
            self.led = led;
        }
        (self.stack, self.set, self.nesting, self.at) = (stack, set, outside, origin.table);
        match ended {
            Err(Ended::Packet | Ended::Lists) => ended,
            _ => Ok(()),
        }
    }
}
