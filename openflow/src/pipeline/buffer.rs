//! Packets that the switch keeps while the controller decides (OF 1.3.5 §6.1.2).

use bytes::Bytes;

use crate::error::BadRequest;
use crate::ids::{BufferId, PortNo};

/// A ring of packets: the oldest makes room for the newest.
#[derive(Debug)]
pub(super) struct Buffers {
    slots: Vec<Slot>,
    next: u32,
}

#[derive(Clone, Debug)]
struct Slot {
    id: u32,
    /// `None` once it was used.
    packet: Option<(Bytes, PortNo)>,
}

impl Buffers {
    pub(super) fn new(n: u16) -> Buffers {
        // No id is all ones: that says that there is no buffer.
        Buffers { slots: vec![Slot { id: u32::MAX, packet: None }; n.into()], next: 0 }
    }

    /// Keeps a packet.
    pub(super) fn keep(&mut self, frame: &[u8], in_port: PortNo) -> Option<BufferId> {
        let n = u32::try_from(self.slots.len()).ok()?;
        let id = self.next;
        let slot = self.slots.get_mut(id.checked_rem(n)? as usize)?;
        *slot = Slot { id, packet: Some((Bytes::copy_from_slice(frame), in_port)) };
        self.next = if id == u32::MAX - 1 { 0 } else { id + 1 };
        Some(BufferId(id))
    }

    /// Gives a packet out, once.
    pub(super) fn take(&mut self, id: BufferId) -> Result<(Bytes, PortNo), BadRequest> {
        let slot = self.slots.iter_mut().find(|slot| slot.id == id.0).filter(|_| id.0 != u32::MAX);
        slot.ok_or(BadRequest::BufferUnknown)?.packet.take().ok_or(BadRequest::BufferEmpty)
    }
}
