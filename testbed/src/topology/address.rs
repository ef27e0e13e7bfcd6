//! An IPv4 address with the length of its network's prefix.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An interface's address, written `10.0.0.1/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ipv4Net {
    /// The address.
    pub address: Ipv4Addr,
    /// The length of the network's prefix in bits, 0 to 32.
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

    /// The bits of an address that number hosts.
    pub(super) fn host_mask(self) -> u32 {
        u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0)
    }
}

impl fmt::Display for Ipv4Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A text that is no address with a prefix length.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no IPv4 address; expected one with its prefix length, such as 10.0.0.1/8")]
pub struct ParseIpv4NetError {
    text: String,
}

impl FromStr for Ipv4Net {
    type Err = ParseIpv4NetError;

    fn from_str(text: &str) -> Result<Self, ParseIpv4NetError> {
        let wrong = || ParseIpv4NetError { text: text.to_owned() };
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address = address.parse().map_err(|_| wrong())?;
        match prefix.parse() {
            Ok(prefix) if prefix <= 32 => Ok(Self { address, prefix }),
            _ => Err(wrong()),
        }
    }
}

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
}
