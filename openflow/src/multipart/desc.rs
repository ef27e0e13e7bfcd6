//! What the switch is (OF 1.3.5 §7.3.5.1).

use bytes::BytesMut;

use crate::error::{DecodeError, EncodeError};
use crate::msg::fixed_str::FixedStr;
use crate::wire::{Reader, Wire};

/// Maker and make of a switch (OF 1.3.5 §7.3.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desc {
    /// Manufacturer.
    pub manufacturer: FixedStr<256>,
    /// Hardware.
    pub hardware: FixedStr<256>,
    /// Software.
    pub software: FixedStr<256>,
    /// Serial number.
    pub serial: FixedStr<32>,
    /// The datapath in words.
    pub datapath: FixedStr<256>,
}

impl Wire for Desc {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Desc {
            manufacturer: FixedStr::read(r)?,
            hardware: FixedStr::read(r)?,
            software: FixedStr::read(r)?,
            serial: FixedStr::read(r)?,
            datapath: FixedStr::read(r)?,
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.manufacturer.write(out);
        self.hardware.write(out);
        self.software.write(out);
        self.serial.write(out);
        self.datapath.write(out);
        Ok(())
    }
}
