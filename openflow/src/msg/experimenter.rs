//! Messages of experimenters, kept as they came (OF 1.3.5 §7.5.4).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError};
use crate::wire::{Reader, Wire};

/// A message, multipart request or multipart reply of an experimenter (OF 1.3.5 §7.5.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experimenter {
    /// Whose it is: an OUI with a zero in front, or a number that the ONF gave. 0x2320 is Nicira,
    /// 0x4f4e4600 the ONF itself.
    pub experimenter: u32,
    /// The experimenter's own type.
    pub exp_type: u32,
    /// All that follows.
    pub data: Bytes,
}

impl Wire for Experimenter {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Experimenter { experimenter: r.u32()?, exp_type: r.u32()?, data: r.opaque() })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.experimenter);
        out.put_u32(self.exp_type);
        out.put_slice(&self.data);
        Ok(())
    }
}
