//! Configuration of a flow table (OF 1.3.5 §7.3.3).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::ids::TableId;
use crate::wire::{Reader, Wire, put_zeros};

/// A change of a flow table's configuration (OF 1.3.5 §7.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableMod {
    /// Which table; [`TableId::ALL`] is all of them.
    pub table: TableId,
    /// The configuration; OpenFlow 1.3 gives its bits no meaning any more.
    pub config: u32,
}

impl Wire for TableMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let table = TableId(r.u8()?);
        r.skip(3)?;
        let config = r.u32()?;
        Ok(TableMod { table, config })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.table.0);
        put_zeros(out, 3);
        out.put_u32(self.config);
        Ok(())
    }
}
