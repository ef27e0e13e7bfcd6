//! Blocks of addresses, as routes have them (RFC 4632, RFC 4291 §2.3).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use openflow::Match;
use openflow::oxm::Masked;
use thiserror::Error;

use crate::packet::{IPV4, IPV6};

/// An address and how many of its bits, from the front, it has in common with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Prefix {
    address: IpAddr,
    length: u8,
}

/// Why a text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ParsePrefixError {
    #[error("expected an address and a length, such as 10.0.0.0/24 or fd00::/64")]
    Form,
    #[error("the length is from 0 to {0}")]
    Length(u8),
}

impl FromStr for Prefix {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Prefix, ParsePrefixError> {
        let (address, length) = text.split_once('/').ok_or(ParsePrefixError::Form)?;
        let address: IpAddr = address.parse().map_err(|_| ParsePrefixError::Form)?;
        let length = length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().ok()).flatten();
        let longest = bits(address);
        let length = length.filter(|length| *length <= longest).ok_or(ParsePrefixError::Length(longest))?;
        Ok(Prefix { address, length })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl Prefix {
    /// The address as it is written, bits behind the length included.
    pub(crate) fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    pub(crate) fn length(self) -> u8 {
        self.length
    }

    /// The block itself: the bits behind the length are zero.
    pub(crate) fn network(self) -> Prefix {
        let address = match self.address {
            IpAddr::V4(it) => IpAddr::V4((it.to_bits() & mask_v4(self.length)).into()),
            IpAddr::V6(it) => IpAddr::V6((it.to_bits() & mask_v6(self.length)).into()),
        };
        Prefix { address, ..self }
    }

    /// Whether an address is of the block.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()) & mask_v4(self.length) == 0,
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()) & mask_v6(self.length) == 0,
            _ => false,
        }
    }

    /// Whether two blocks have an address in common.
    pub(crate) fn overlaps(self, other: Prefix) -> bool {
        self.contains(other.address) && self.length <= other.length
            || other.contains(self.address) && other.length <= self.length
    }

    /// Whether it is the address of all hosts of the block (RFC 919): IPv4 alone has one.
    pub(crate) fn is_broadcast(self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(it) => {
                self.length < 31 && self.contains(address) && it.to_bits() | mask_v4(self.length) == u32::MAX
            }
            IpAddr::V6(_) => false,
        }
    }

    /// Packets to the block.
    pub(crate) fn as_destination(self, matching: Match) -> Match {
        match self.network().address {
            IpAddr::V4(it) => {
                let masked = Masked::new(it, mask_v4(self.length).into());
                let matching = matching.eth_type(IPV4);
                if self.length == 0 { matching } else { matching.ipv4_dst(masked) }
            }
            IpAddr::V6(it) => {
                let masked = Masked::new(it, mask_v6(self.length).into());
                let matching = matching.eth_type(IPV6);
                if self.length == 0 { matching } else { matching.ipv6_dst(masked) }
            }
        }
    }

    /// Packets from the block.
    pub(crate) fn as_source(self, matching: Match) -> Match {
        match self.network().address {
            IpAddr::V4(it) => {
                let masked = Masked::new(it, mask_v4(self.length).into());
                let matching = matching.eth_type(IPV4);
                if self.length == 0 { matching } else { matching.ipv4_src(masked) }
            }
            IpAddr::V6(it) => {
                let masked = Masked::new(it, mask_v6(self.length).into());
                let matching = matching.eth_type(IPV6);
                if self.length == 0 { matching } else { matching.ipv6_src(masked) }
            }
        }
    }
}

impl From<IpAddr> for Prefix {
    /// The block of one address.
    fn from(address: IpAddr) -> Prefix {
        Prefix { address, length: bits(address) }
    }
}

fn mask_v4(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

fn mask_v6(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn prefixes_are_read_and_hold_addresses() {
        for (text, inside, outside) in [
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "255.1.1.1", "::1"),
            ("10.0.0.7/32", "10.0.0.7", "10.0.0.6"),
            ("fd00:1::5/64", "fd00:1::ffff", "fd00:2::1"),
            ("::/0", "ff02::1", "1.1.1.1"),
        ] {
            assert!(prefix(text).contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!prefix(text).contains(outside.parse().unwrap()), "{text} {outside}");
            assert_eq!(prefix(text).to_string(), text);
        }
        assert_eq!(prefix("10.1.2.3/8").network(), prefix("10.0.0.0/8"));
        for wrong in ["10.0.0.1", "10.0.0/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/+8", "10.0.0.0/", "x/8"]
        {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn blocks_overlap_if_one_is_in_the_other() {
        assert!(prefix("10.0.0.0/8").overlaps(prefix("10.1.0.0/16")));
        assert!(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
        assert!(!prefix("10.1.0.0/16").overlaps(prefix("10.2.0.0/16")));
        assert!(!prefix("0.0.0.0/0").overlaps(prefix("::/0")));
    }

    #[test]
    fn the_last_address_of_an_ipv4_block_is_for_all() {
        assert!(prefix("10.0.1.5/24").is_broadcast("10.0.1.255".parse().unwrap()));
        assert!(!prefix("10.0.1.5/24").is_broadcast("10.0.2.255".parse().unwrap()));
        assert!(!prefix("10.0.1.4/31").is_broadcast("10.0.1.5".parse().unwrap()));
    }
}
