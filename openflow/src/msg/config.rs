//! Switch configuration: fragments, and how much of a packet goes to the controller (OF 1.3.5 §7.3.2).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::wire::{Reader, Wire, wire_enum};

/// Body of set-config and of the get-config reply (OF 1.3.5 §7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchConfig {
    /// What becomes of IP fragments.
    pub fragments: Fragments,
    /// Bytes of a packet to send to the controller where no output action says how many;
    /// [`crate::action::WHOLE_PACKET`] is all, without a buffer.
    pub miss_send_len: u16,
}

wire_enum! {
    /// What becomes of IP fragments (`OFPC_FRAG_*`, OF 1.3.5 §7.3.2).
    Fragments: u16 {
        /// Treated like other packets, with ports that are zero.
        Normal = 0, "normal";
        /// Dropped.
        Drop = 1, "drop";
        /// Put together.
        Reassemble = 2, "reassemble";
    }
}

impl Wire for SwitchConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(SwitchConfig { fragments: r.u16()?.into(), miss_send_len: r.u16()? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.fragments.into());
        out.put_u16(self.miss_send_len);
        Ok(())
    }
}
