//! What a switch is: the features reply (OF 1.3.5 §7.3.1).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::ids::DatapathId;
use crate::wire::{Reader, Wire, put_zeros, wire_flags};

/// The answer to a features request (OF 1.3.5 §7.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Who the switch is.
    pub datapath_id: DatapathId,
    /// How many packets it can keep.
    pub n_buffers: u32,
    /// How many flow tables it has.
    pub n_tables: u8,
    /// 0 on the main connection, else the number of the auxiliary one.
    pub auxiliary_id: u8,
    /// What it can do.
    pub capabilities: Capabilities,
}

wire_flags! {
    /// What a switch can do (`OFPC_*`, OF 1.3.5 §7.3.1).
    Capabilities: u32 {
        /// Flow statistics.
        const FLOW_STATS = 1 << 0;
        /// Table statistics.
        const TABLE_STATS = 1 << 1;
        /// Port statistics.
        const PORT_STATS = 1 << 2;
        /// Group statistics.
        const GROUP_STATS = 1 << 3;
        /// Reassembles IP fragments.
        const IP_REASM = 1 << 5;
        /// Queue statistics.
        const QUEUE_STATS = 1 << 6;
        /// Blocks ports that would make a loop.
        const PORT_BLOCKED = 1 << 8;
    }
}

impl Wire for Features {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let datapath_id = DatapathId(r.u64()?);
        let n_buffers = r.u32()?;
        let n_tables = r.u8()?;
        let auxiliary_id = r.u8()?;
        r.skip(2)?;
        let capabilities = Capabilities::from_bits_retain(r.u32()?);
        // Reserved; earlier versions had the actions here.
        r.skip(4)?;
        Ok(Features { datapath_id, n_buffers, n_tables, auxiliary_id, capabilities })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u64(self.datapath_id.0);
        out.put_u32(self.n_buffers);
        out.put_u8(self.n_tables);
        out.put_u8(self.auxiliary_id);
        put_zeros(out, 2);
        out.put_u32(self.capabilities.bits());
        put_zeros(out, 4);
        Ok(())
    }
}
