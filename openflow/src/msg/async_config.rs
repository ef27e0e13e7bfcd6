//! Which asynchronous messages a controller gets (OF 1.3.5 §7.3.10).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::wire::{Reader, Wire};

/// Body of set-async and of the get-async reply: one bit a reason, by the reason's number (OF 1.3.5 §7.3.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsyncConfig {
    /// Reasons of packet-ins.
    pub packet_in: ReasonMasks,
    /// Reasons of port-status messages.
    pub port_status: ReasonMasks,
    /// Reasons of flow-removed messages.
    pub flow_removed: ReasonMasks,
}

/// Reasons for which a message is sent, by the role of the controller (OF 1.3.5 §7.3.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReasonMasks {
    /// While it is master or equal.
    pub master: u32,
    /// While it is slave.
    pub slave: u32,
}

impl ReasonMasks {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(ReasonMasks { master: r.u32()?, slave: r.u32()? })
    }
}

impl Wire for AsyncConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(AsyncConfig {
            packet_in: ReasonMasks::read(r)?,
            port_status: ReasonMasks::read(r)?,
            flow_removed: ReasonMasks::read(r)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        for masks in [self.packet_in, self.port_status, self.flow_removed] {
            out.put_u32(masks.master);
            out.put_u32(masks.slave);
        }
        Ok(())
    }
}
