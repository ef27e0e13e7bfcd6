//! Switch configuration: fragments, and how much of a packet goes to the controller (OF 1.3.5 §7.3.2).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::wire::{Reader, Wire, wire_enum};

/// Body of set-config and of the get-config reply (OF 1.3.5 §7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchConfig {
    /// What becomes of IP fragments: the two lowest of the flags.
    pub fragments: Fragments,
    /// The other flags, which have no names in OpenFlow 1.3, as they came; zero from whoever keeps to it.
    pub reserved: u16,
    /// Bytes of a packet to send to the controller where no output action says how many;
    /// [`crate::action::WHOLE_PACKET`] is all, without a buffer.
    pub miss_send_len: u16,
}

impl SwitchConfig {
    /// A configuration without flags that have no names.
    pub fn new(fragments: Fragments, miss_send_len: u16) -> SwitchConfig {
        SwitchConfig { fragments, reserved: 0, miss_send_len }
    }
}

/// The flags that tell what becomes of fragments (`OFPC_FRAG_MASK`).
const FRAGMENTS: u16 = 3;

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
        let flags = r.u16()?;
        Ok(SwitchConfig {
            fragments: (flags & FRAGMENTS).into(),
            reserved: flags & !FRAGMENTS,
            miss_send_len: r.u16()?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let fragments = u16::from(self.fragments);
        if fragments & !FRAGMENTS != 0 || self.reserved & FRAGMENTS != 0 {
            let why = "what becomes of fragments is told by the two lowest flags of a configuration";
            return Err(EncodeError::Unsayable { why });
        }
        out.put_u16(fragments | self.reserved);
        out.put_u16(self.miss_send_len);
        Ok(())
    }
}
