//! The types that match fields carry, and how each lies on the wire.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Masked;
use crate::ids::{MacAddr, PortNo};

/// A value that a match field can carry: a fixed number of bits, big-endian.
pub trait OxmValue: Copy + Eq + sealed::Sealed {
    /// Bytes on the wire.
    const LEN: usize;
    /// All bits set: the mask that masks nothing out.
    const ONES: Self;

    /// The bits that are set in both.
    #[must_use]
    fn and(self, mask: Self) -> Self;

    /// Whether no bit is set.
    fn is_zero(self) -> bool;

    #[doc(hidden)]
    fn read(wire: &[u8]) -> Option<Self>;

    #[doc(hidden)]
    fn write(self, out: &mut [u8]);
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! number_value {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        impl OxmValue for $number {
            const LEN: usize = size_of::<$number>();
            const ONES: Self = <$number>::MAX;

            fn and(self, mask: Self) -> Self {
                self & mask
            }

            fn is_zero(self) -> bool {
                self == 0
            }

            #[inline]
            fn read(wire: &[u8]) -> Option<Self> {
                wire.try_into().ok().map(<$number>::from_be_bytes)
            }

            #[inline]
            fn write(self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_be_bytes());
            }
        }
    )*};
}

number_value!(u8, u16, u32, u64, u128);

/// 128 bits that are no address: a wide register, the label of a connection (`ovs-fields(7)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bits128([u8; 16]);

impl From<u128> for Bits128 {
    fn from(bits: u128) -> Self {
        Bits128(bits.to_be_bytes())
    }
}

impl From<Bits128> for u128 {
    fn from(bits: Bits128) -> Self {
        u128::from_be_bytes(bits.0)
    }
}

impl From<u128> for Masked<Bits128> {
    fn from(bits: u128) -> Self {
        Masked::exact(bits.into())
    }
}

/// Value and mask.
impl From<(u128, u128)> for Masked<Bits128> {
    fn from((value, mask): (u128, u128)) -> Self {
        Masked::new(value.into(), mask.into())
    }
}

impl sealed::Sealed for Bits128 {}
impl OxmValue for Bits128 {
    const LEN: usize = 16;
    const ONES: Self = Bits128([0xff; 16]);

    fn and(self, mask: Self) -> Self {
        (u128::from(self) & u128::from(mask)).into()
    }

    fn is_zero(self) -> bool {
        u128::from(self) == 0
    }

    fn read(wire: &[u8]) -> Option<Self> {
        wire.try_into().ok().map(Bits128)
    }

    fn write(self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// A value that wraps another one bit for bit.
macro_rules! wrapped_value {
    ($($outer:ty, $len:literal, $from:expr, $to:expr, $inner:ty;)*) => {$(
        impl sealed::Sealed for $outer {}
        impl OxmValue for $outer {
            const LEN: usize = $len;
            const ONES: Self = $from(<$inner>::MAX);

            fn and(self, mask: Self) -> Self {
                $from($to(self) & $to(mask))
            }

            fn is_zero(self) -> bool {
                $to(self) == 0
            }

            #[inline]
            fn read(wire: &[u8]) -> Option<Self> {
                <$inner>::read(wire).map($from)
            }

            #[inline]
            fn write(self, out: &mut [u8]) {
                $to(self).write(out);
            }
        }
    )*};
}

wrapped_value! {
    PortNo, 4, PortNo, |port: PortNo| port.0, u32;
    VlanVid, 2, VlanVid, |vid: VlanVid| vid.0, u16;
    Ipv4Addr, 4, Ipv4Addr::from_bits, Ipv4Addr::to_bits, u32;
    Ipv6Addr, 16, Ipv6Addr::from_bits, Ipv6Addr::to_bits, u128;
}

impl sealed::Sealed for MacAddr {}
impl OxmValue for MacAddr {
    const LEN: usize = 6;
    const ONES: Self = MacAddr::BROADCAST;

    fn and(self, mask: Self) -> Self {
        MacAddr(std::array::from_fn(|i| self.0[i] & mask.0[i]))
    }

    fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }

    #[inline]
    fn read(wire: &[u8]) -> Option<Self> {
        wire.try_into().ok().map(MacAddr)
    }

    #[inline]
    fn write(self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// The VLAN of a packet as OpenFlow matches it: bit 12 says that there is a tag, the low 12 bits
/// are its id (OF 1.3.5 §7.2.3.7, `OFPVID_PRESENT`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VlanVid(pub u16);

impl VlanVid {
    /// No tag (`OFPVID_NONE`).
    pub const NONE: VlanVid = VlanVid(0);
    /// The bit that says that there is a tag.
    pub const PRESENT: VlanVid = VlanVid(0x1000);
    /// Any tag, whatever its id.
    pub const ANY: Masked<VlanVid> = Masked { value: VlanVid::PRESENT, mask: Some(VlanVid::PRESENT) };

    /// The tag with this id; of `id` the low 12 bits count.
    pub const fn tagged(id: u16) -> VlanVid {
        VlanVid(0x1000 | id & 0x0fff)
    }

    /// The id of the tag; `None` where there is no tag.
    pub const fn id(self) -> Option<u16> {
        if self.0 & 0x1000 != 0 { Some(self.0 & 0x0fff) } else { None }
    }
}

impl fmt::Display for VlanVid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// Service instance of a provider backbone bridge: 24 bits (`OXM_OF_PBB_ISID`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Isid(u32);

impl Isid {
    /// Of `id` the low 24 bits count.
    pub const fn new(id: u32) -> Isid {
        Isid(id & 0x00ff_ffff)
    }

    /// The id, below 2^24.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Isid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl sealed::Sealed for Isid {}
impl OxmValue for Isid {
    const LEN: usize = 3;
    const ONES: Self = Isid(0x00ff_ffff);

    fn and(self, mask: Self) -> Self {
        Isid(self.0 & mask.0)
    }

    fn is_zero(self) -> bool {
        self.0 == 0
    }

    fn read(wire: &[u8]) -> Option<Self> {
        let &[a, b, c]: &[u8; 3] = wire.try_into().ok()?;
        Some(Isid(u32::from_be_bytes([0, a, b, c])))
    }

    fn write(self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.to_be_bytes()[1..]);
    }
}
