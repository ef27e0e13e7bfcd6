//! An address with the length of its network's prefix.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An interface's address, written `10.0.0.1/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ipv4Net {
    /// The address.
    pub address: Ipv4Addr,
    /// The length of the network's prefix in bits, 0 to 32.
    pub prefix: u8,
}

/// An interface's address, written `fd00::1/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ipv6Net {
    /// The address.
    pub address: Ipv6Addr,
    /// The length of the network's prefix in bits, 0 to 128.
    pub prefix: u8,
}

impl Ipv4Net {
    /// The network's broadcast address.
    #[must_use]
    pub fn broadcast(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.address) | self.host_mask())
    }

    /// Whether `address` is in the same network.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        let differing = u32::from(self.address) ^ u32::from(address);
        differing & !self.host_mask() == 0
    }

    /// The network itself: the address without the bits that number hosts.
    #[must_use]
    pub fn network(self) -> Ipv4Net {
        Ipv4Net { address: Ipv4Addr::from(u32::from(self.address) & !self.host_mask()), ..self }
    }

    /// The bits of an address that number hosts.
    pub(super) fn host_mask(self) -> u32 {
        u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0)
    }
}

impl Ipv6Net {
    /// Whether `address` is in the same network.
    #[must_use]
    pub fn contains(self, address: Ipv6Addr) -> bool {
        (u128::from(self.address) ^ u128::from(address)) & !self.host_mask() == 0
    }

    /// The network itself: the address without the bits that number hosts.
    #[must_use]
    pub fn network(self) -> Ipv6Net {
        Ipv6Net { address: Ipv6Addr::from(u128::from(self.address) & !self.host_mask()), ..self }
    }

    fn host_mask(self) -> u128 {
        u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0)
    }
}

/// A text that is no address with a prefix length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind} address; expected one with its prefix length, such as {example}")]
pub struct ParseAddressError {
    text: String,
    kind: &'static str,
    example: &'static str,
}

/// The text form of an address with a prefix length, both ways.
macro_rules! text {
    ($net:ident, $kind:literal, $longest:literal, $example:literal) => {
        impl fmt::Display for $net {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.address, self.prefix)
            }
        }

        impl FromStr for $net {
            type Err = ParseAddressError;

            fn from_str(text: &str) -> Result<Self, ParseAddressError> {
                let wrong = || ParseAddressError { text: text.to_owned(), kind: $kind, example: $example };
                let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
                let address = address.parse().map_err(|_| wrong())?;
                match prefix.parse() {
                    Ok(prefix) if prefix <= $longest => Ok(Self { address, prefix }),
                    _ => Err(wrong()),
                }
            }
        }
    };
}

text!(Ipv4Net, "IPv4", 32, "10.0.0.1/8");
text!(Ipv6Net, "IPv6", 128, "fd00::1/64");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let net: Ipv4Net = "10.0.1.2/8".parse().unwrap();
        assert_eq!(net.to_string(), "10.0.1.2/8");
        assert_eq!(net.broadcast(), Ipv4Addr::new(10, 255, 255, 255));
        assert!(net.contains(Ipv4Addr::new(10, 9, 9, 9)));
        assert!(!net.contains(Ipv4Addr::new(11, 0, 1, 2)));
        assert_eq!("1.2.3.4/32".parse::<Ipv4Net>().unwrap().host_mask(), 0);
        for bad in ["10.0.0.1", "10.0.0.1/33", "10.0.0/8", "10.0.0.1/", "/8"] {
            assert!(bad.parse::<Ipv4Net>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ipv6_addresses_are_read_and_written() {
        let net: Ipv6Net = "fd00:0::1/64".parse().unwrap();
        assert_eq!(net.to_string(), "fd00::1/64");
        assert!(net.contains("fd00::ffff".parse().unwrap()));
        assert!(!net.contains("fd00:0:0:1::1".parse().unwrap()));
        for bad in ["fd00::1", "fd00::1/129", "10.0.0.1/8", "fd00::1/"] {
            assert!(bad.parse::<Ipv6Net>().is_err(), "{bad}");
        }
    }
}
