//! Counters of tables (OF 1.3.5 §7.3.5.4).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::ids::TableId;
use crate::wire::{Reader, Wire, put_zeros};

/// Counters of a table (OF 1.3.5 §7.3.5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Which table.
    pub table: TableId,
    /// How many flows are in it.
    pub active_count: u32,
    /// Packets looked up in it.
    pub lookup_count: u64,
    /// Packets that a flow of it took.
    pub matched_count: u64,
}

impl Wire for TableStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = TableId(r.u8()?);
        r.skip(3)?;
        Ok(TableStats { table, active_count: r.u32()?, lookup_count: r.u64()?, matched_count: r.u64()? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.table.0);
        put_zeros(out, 3);
        out.put_u32(self.active_count);
        out.put_u64(self.lookup_count);
        out.put_u64(self.matched_count);
        Ok(())
    }
}
