//! Time to live: IPv4's, IPv6's hop limit, that of MPLS (OF 1.3.5 §5.12, "change-TTL").

use super::Packet;
use super::parse::{IPV4, IPV6, MPLS};
use crate::oxm::FieldId;

/// A TTL that is used up: the packet goes no further (OF 1.3.5 §5.12: one that is zero, or becomes
/// so by counting down).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UsedUp;

impl Packet {
    /// The TTL of IPv4, or IPv6's hop limit.
    pub fn nw_ttl(&self) -> Option<u8> {
        let l = self.layout;
        match (l.ipv4, l.ipv6) {
            (0, 0) => None,
            (0, at) => Some(self.read::<1>(at + 7)[0]),
            (at, _) => Some(self.read::<1>(at + 8)[0]),
        }
    }

    /// The TTL of the outermost MPLS entry.
    pub fn mpls_ttl(&self) -> Option<u8> {
        let at = self.layout.mpls;
        (at != 0).then(|| self.read::<1>(at + 3)[0])
    }

    pub(crate) fn set_nw_ttl(&mut self, ttl: u8) {
        let l = self.layout;
        if l.ipv4 != 0 {
            let [_, proto] = self.read(l.ipv4 + 8);
            self.write_ipv4(8, &[ttl, proto]);
        } else if l.ipv6 != 0 {
            self.write(l.ipv6 + 7, &[ttl]);
        }
    }

    pub(crate) fn set_mpls_ttl(&mut self, ttl: u8) {
        if self.layout.mpls != 0 {
            self.write(self.layout.mpls + 3, &[ttl]);
        }
    }

    /// Counts down. Of an IP packet without a sound header the TTL counts as zero.
    pub(crate) fn dec_nw_ttl(&mut self) -> Result<(), UsedUp> {
        match self.nw_ttl() {
            None if !self.has_type(&[IPV4, IPV6]) => {}
            None => return Err(UsedUp),
            Some(0 | 1) => return Err(UsedUp),
            Some(ttl) => self.set_nw_ttl(ttl - 1),
        }
        Ok(())
    }

    pub(crate) fn dec_mpls_ttl(&mut self) -> Result<(), UsedUp> {
        match self.mpls_ttl() {
            None if !self.has_type(&MPLS) => {}
            None => return Err(UsedUp),
            Some(0 | 1) => return Err(UsedUp),
            Some(ttl) => self.set_mpls_ttl(ttl - 1),
        }
        Ok(())
    }

    fn has_type(&self, types: &[u16]) -> bool {
        types.contains(&(self.key.get(FieldId::EthType) as u16))
    }

    /// Copies the TTL of the header below the outermost MPLS entry into that entry.
    pub(crate) fn copy_ttl_out(&mut self) {
        if let Some(ttl) = self.below_mpls().map(|at| self.read::<1>(at)[0]) {
            self.set_mpls_ttl(ttl);
        }
    }

    /// Copies the TTL of the outermost MPLS entry into the header below it.
    pub(crate) fn copy_ttl_in(&mut self) {
        let (Some(ttl), Some(at)) = (self.mpls_ttl(), self.below_mpls()) else { return };
        let ip = self.layout.mpls + 4;
        let [version, ..] = self.read::<20>(ip);
        if self.is_bottom() && version >> 4 == 4 {
            let sum = u16::from_be_bytes(self.read(ip + 10));
            let [old, proto] = self.read(at);
            let sum = super::checksum::updated(sum, &[old, proto], &[ttl, proto]);
            self.write(ip + 10, &sum.to_be_bytes());
        }
        self.write(at, &[ttl]);
    }

    fn is_bottom(&self) -> bool {
        self.read::<3>(self.layout.mpls)[2] & 1 != 0
    }

    /// Where the TTL below the outermost MPLS entry is: in the next entry, or behind the last in
    /// what starts as IPv4 or IPv6 does.
    fn below_mpls(&self) -> Option<usize> {
        let at = self.layout.mpls;
        if at == 0 {
            return None;
        }
        let next = at + 4;
        let left = self.frame().len().saturating_sub(next);
        if !self.is_bottom() {
            return (left >= 4).then_some(next + 3);
        }
        match self.read::<1>(next)[0] >> 4 {
            4 if left >= 20 => Some(next + 8),
            6 if left >= 40 => Some(next + 7),
            _ => None,
        }
    }
}
