//! Which of several controllers may change a switch (OF 1.3.5 §7.3.9).

use bytes::{BufMut, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::wire::{Reader, Wire, put_zeros, wire_enum};

/// Body of role request and role reply (OF 1.3.5 §7.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// The role asked for, or the one in force.
    pub kind: RoleKind,
    /// Number of the election; a master or slave with an older one is refused.
    pub generation_id: u64,
}

impl Role {
    /// Whether its election came before that of number `last`. The numbers go round: less than half of them behind is
    /// before (OF 1.3.5 §6.3.6).
    pub fn is_older_than(&self, last: u64) -> bool {
        (self.generation_id.wrapping_sub(last) as i64) < 0
    }
}

wire_enum! {
    /// The roles of a controller (`OFPCR_ROLE_*`, OF 1.3.5 §7.3.9).
    RoleKind: u32 {
        /// Asks for the role in force.
        NoChange = 0, "nochange";
        /// Full access, with others.
        Equal = 1, "equal";
        /// Full access, at most one.
        Master = 2, "primary";
        /// Reads only.
        Slave = 3, "secondary";
    }
}

impl Wire for Role {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u32()?.into();
        r.skip(4)?;
        let generation_id = r.u64()?;
        Ok(Role { kind, generation_id })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.kind.into());
        put_zeros(out, 4);
        out.put_u64(self.generation_id);
        Ok(())
    }
}
