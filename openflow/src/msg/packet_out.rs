//! Packets that a controller sends out (OF 1.3.5 §7.3.7).

use bytes::{BufMut, Bytes, BytesMut};

use crate::action::Actions;
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{BufferId, PortNo};
use crate::wire::{Reader, Wire, put_zeros};

/// A packet, and what the switch is to do with it (OF 1.3.5 §7.3.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketOut {
    /// A packet that the switch keeps; then `data` is empty.
    pub buffer: Option<BufferId>,
    /// The ingress port that the actions see; [`PortNo::CONTROLLER`] where there is none.
    pub in_port: PortNo,
    /// What to do with it.
    pub actions: Actions,
    /// The packet from its Ethernet header on.
    pub data: Bytes,
}

impl PacketOut {
    /// Sends this packet through these actions, as if it came from the controller.
    pub fn new(data: Bytes, actions: impl Into<Actions>) -> PacketOut {
        PacketOut { buffer: None, in_port: PortNo::CONTROLLER, actions: actions.into(), data }
    }

    /// As if it came in on this port: flooding leaves it out.
    #[must_use]
    pub fn in_port(mut self, port: PortNo) -> PacketOut {
        self.in_port = port;
        self
    }
}

impl Wire for PacketOut {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let buffer = BufferId::from_wire(r.u32()?);
        let in_port = PortNo(r.u32()?);
        let actions_len = r.u16()?;
        r.skip(6)?;
        let mut actions = r.nested(actions_len, 0, Part::Action)?;
        Ok(PacketOut { buffer, in_port, actions: Actions::read(&mut actions)?, data: r.opaque() })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(BufferId::to_wire(self.buffer));
        out.put_u32(self.in_port.0);
        let at = out.len();
        put_zeros(out, 8);
        let start = out.len();
        self.actions.write(out)?;
        crate::wire::patch_len(out, start, at, Part::Action)?;
        out.put_slice(&self.data);
        Ok(())
    }
}
