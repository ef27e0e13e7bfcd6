//! A value together with the bits of it that count.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::OxmValue;
use crate::ids::{MacAddr, ParseIdError};

/// A value of which only the bits of the mask count; without a mask all of them do.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use std::net::Ipv4Addr;
/// use openflow::oxm::Masked;
/// let net: Masked<Ipv4Addr> = "10.0.0.0/8".parse()?;
/// assert!(net.contains(Ipv4Addr::new(10, 1, 2, 3)));
/// assert_eq!(net.to_string(), "10.0.0.0/8");
/// # Ok::<(), openflow::ids::ParseIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Masked<T> {
    /// The value; bits that the mask leaves out are to be zero (OF 1.3.5 §7.2.3.5).
    pub value: T,
    /// The bits that count; `None` is all of them.
    pub mask: Option<T>,
}

impl<T: OxmValue> Masked<T> {
    /// Exactly this value.
    pub const fn exact(value: T) -> Self {
        Masked { value, mask: None }
    }

    /// The bits of `value` that `mask` has; the others become zero, and a mask of ones is dropped.
    pub fn new(value: T, mask: T) -> Self {
        Masked { value: value.and(mask), mask: (mask != T::ONES).then_some(mask) }
    }

    /// The bits that count, spelt out.
    pub fn mask_bits(&self) -> T {
        self.mask.unwrap_or(T::ONES)
    }

    /// Whether no bit counts, so that every value fits.
    pub fn is_wildcard(&self) -> bool {
        self.mask.is_some_and(T::is_zero)
    }

    /// Whether `value` has the bits that count.
    pub fn contains(&self, value: T) -> bool {
        let mask = self.mask_bits();
        value.and(mask) == self.value.and(mask)
    }
}

impl<T: OxmValue> From<T> for Masked<T> {
    fn from(value: T) -> Self {
        Masked::exact(value)
    }
}

/// Value and mask.
impl<T: OxmValue> From<(T, T)> for Masked<T> {
    fn from((value, mask): (T, T)) -> Self {
        Masked::new(value, mask)
    }
}

/// An address that is cut into a network and a host part: IPv4's or IPv6's.
pub trait IpValue: OxmValue + fmt::Display + FromStr {
    /// How many bits it has.
    const WIDTH: u8;

    /// The mask of a prefix; more bits than the address has count as all.
    fn netmask(len: u8) -> Self;

    /// How many bits are set at the front, if no others are.
    fn as_prefix_len(self) -> Option<u8>;
}

macro_rules! ip_values {
    ($($address:ty, $bits:ty;)*) => {$(
        impl IpValue for $address {
            const WIDTH: u8 = <$bits>::BITS as u8;

            fn netmask(len: u8) -> Self {
                let host = Self::WIDTH.saturating_sub(len);
                Self::from_bits(<$bits>::MAX.checked_shl(host.into()).unwrap_or(0))
            }

            fn as_prefix_len(self) -> Option<u8> {
                let len = self.to_bits().leading_ones();
                (self.to_bits().count_ones() == len).then_some(len as u8)
            }
        }
    )*};
}

ip_values! {
    Ipv4Addr, u32;
    Ipv6Addr, u128;
}

impl<T: IpValue> Masked<T> {
    /// The network of the first `len` bits; more than the address has count as all.
    pub fn prefix(address: T, len: u8) -> Self {
        Masked::new(address, T::netmask(len))
    }

    /// Length of the prefix that the mask is; `None` for a mask with holes.
    pub fn prefix_len(&self) -> Option<u8> {
        self.mask_bits().as_prefix_len()
    }
}

impl<T: IpValue> FromStr for Masked<T> {
    type Err = ParseIdError;

    /// Reads `address`, `address/length` or `address/mask`.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = || ParseIdError {
            what: "network",
            expected: "an address, alone or with /length or /mask",
            text: text.to_owned(),
        };
        let Some((address, mask)) = text.split_once('/') else {
            return text.parse().map(Masked::exact).map_err(|_| wrong());
        };
        let address: T = address.parse().map_err(|_| wrong())?;
        if let Ok(mask) = mask.parse() {
            return Ok(Masked::new(address, mask));
        }
        match mask.parse() {
            Ok(len) if len <= T::WIDTH => Ok(Masked::prefix(address, len)),
            _ => Err(wrong()),
        }
    }
}

impl<T: IpValue> fmt::Display for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mask, self.prefix_len()) {
            (None, _) => write!(f, "{}", self.value),
            (_, Some(len)) => write!(f, "{}/{len}", self.value),
            (Some(mask), None) => write!(f, "{}/{mask}", self.value),
        }
    }
}

impl fmt::Display for Masked<MacAddr> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mask {
            None => write!(f, "{}", self.value),
            Some(mask) => write!(f, "{}/{mask}", self.value),
        }
    }
}

impl FromStr for Masked<MacAddr> {
    type Err = ParseIdError;

    /// Reads `address` or `address/mask`.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text.split_once('/') {
            None => text.parse().map(Masked::exact),
            Some((value, mask)) => Ok(Masked::new(value.parse()?, mask.parse()?)),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn networks_read_and_print() {
        for (text, value, mask) in [
            ("10.0.0.0/8", [10, 0, 0, 0], Some([255, 0, 0, 0])),
            ("10.1.2.3", [10, 1, 2, 3], None),
            ("10.1.2.3/32", [10, 1, 2, 3], None),
            ("10.1.2.3/0", [0; 4], Some([0; 4])),
            ("10.1.2.3/255.0.255.0", [10, 0, 2, 0], Some([255, 0, 255, 0])),
        ] {
            let net: Masked<Ipv4Addr> = text.parse().unwrap();
            assert_eq!(net.value, Ipv4Addr::from(value), "{text}");
            assert_eq!(net.mask, mask.map(Ipv4Addr::from), "{text}");
            assert_eq!(net.to_string().parse(), Ok(net), "{text}");
        }
        for wrong in ["10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "/8", "::/8"] {
            assert!(wrong.parse::<Masked<Ipv4Addr>>().is_err(), "{wrong}");
        }
        let net: Masked<Ipv6Addr> = "2001:db8::1/32".parse().unwrap();
        assert_eq!(net.to_string(), "2001:db8::/32");
        assert!("::/129".parse::<Masked<Ipv6Addr>>().is_err());
    }

    #[test]
    fn contains_looks_at_the_masked_bits_alone() {
        let net = Masked::prefix(Ipv4Addr::new(10, 0, 0, 0), 8);
        assert!(net.contains(Ipv4Addr::new(10, 9, 9, 9)));
        assert!(!net.contains(Ipv4Addr::new(11, 0, 0, 0)));
        assert!(Masked::prefix(Ipv4Addr::LOCALHOST, 0).is_wildcard());
        assert!(Masked::exact(7u16).contains(7) && !Masked::exact(7u16).contains(8));
    }
}
