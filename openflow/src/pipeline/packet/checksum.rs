//! Checksums that follow a rewrite: the internet checksum by difference (RFC 1624), SCTP's CRC-32c
//! (RFC 9260, appendix A).

use super::Packet;
use super::parse::{ICMP, ICMPV6, Layout, SCTP, TCP, UDP};

/// The checksum after 16-bit words changed from `old` to `new`, both of the same, even length
/// (RFC 1624 §3, equation 3).
pub(super) fn updated(checksum: u16, old: &[u8], new: &[u8]) -> u16 {
    let words = |bytes: &[u8], flip: u16| {
        bytes.chunks_exact(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]) ^ flip)).sum::<u32>()
    };
    let sum = u32::from(!checksum) + words(old, 0xffff) + words(new, 0);
    !fold(sum)
}

pub(super) fn fold(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    ((once & 0xffff) + (once >> 16)) as u16
}

const CASTAGNOLI: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = n as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

pub(super) fn crc32c(parts: [&[u8]; 3]) -> u32 {
    let all = parts.iter().flat_map(|part| part.iter());
    !all.fold(u32::MAX, |crc, byte| CASTAGNOLI[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

/// Where a transport protocol has its checksum, and whether the addresses go into it.
fn place(proto: u8) -> Option<(usize, bool)> {
    match proto {
        TCP => Some((16, true)),
        UDP => Some((6, true)),
        ICMPV6 => Some((2, true)),
        ICMP => Some((2, false)),
        _ => None,
    }
}

impl Packet {
    /// Overwrites an even number of bytes at an even distance from the start of the transport
    /// header, whose checksum follows.
    pub(super) fn write_transport(&mut self, at: usize, new: &[u8]) {
        let proto = self.frame()[self.layout.proto];
        if self.is_unfinished() {
            // Made of all of it when it is finished.
            return self.write(at, new);
        }
        if proto == SCTP {
            let before = self.sctp_crc();
            self.write(at, new);
            let change = before ^ self.sctp_crc();
            let at = self.layout.transport + 8;
            // What was wrong before stays as wrong. Of a fragment nobody knows the whole.
            if !self.layout.fragment {
                let crc = u32::from_le_bytes(self.read(at)) ^ change;
                self.write(at, &crc.to_le_bytes());
            }
            return;
        }
        self.update_transport(at, new, true);
        self.write(at, new);
    }

    /// The transport's checksum after the bytes at `at` become `new`; the caller writes them.
    /// `inside` tells that they are the transport's own; else they are of the pseudo-header.
    pub(super) fn update_transport(&mut self, at: usize, new: &[u8], inside: bool) {
        let Layout { transport, proto, .. } = self.layout;
        if transport == 0 {
            return;
        }
        let proto = self.frame()[proto];
        let Some((offset, pseudo)) = place(proto) else { return };
        if !inside && !pseudo {
            return;
        }
        let sum = u16::from_be_bytes(self.read(transport + offset));
        let old = self.frame().get(at..at + new.len()).unwrap_or_default();
        if self.is_unfinished() {
            let sum = !updated(!sum, old, new);
            return self.write(transport + offset, &sum.to_be_bytes());
        }
        // UDP without a checksum (RFC 768).
        if proto == UDP && sum == 0 {
            return;
        }
        let sum = match (proto, updated(sum, old, new)) {
            (UDP, 0) => 0xffff,
            (_, sum) => sum,
        };
        self.write(transport + offset, &sum.to_be_bytes());
    }

    /// Overwrites an even number of bytes at an even offset of the IPv4 header, whose checksum
    /// follows.
    pub(super) fn write_ipv4(&mut self, offset: usize, new: &[u8]) {
        let at = self.layout.ipv4 + offset;
        let sum = u16::from_be_bytes(self.read(self.layout.ipv4 + 10));
        let old = self.frame().get(at..at + new.len()).unwrap_or_default();
        let sum = updated(sum, old, new);
        self.write(self.layout.ipv4 + 10, &sum.to_be_bytes());
        self.write(at, new);
    }

    /// The CRC of the SCTP packet, its checksum counted as zero.
    fn sctp_crc(&self) -> u32 {
        let data = self.frame().get(self.layout.transport..self.layout.end).unwrap_or_default();
        match data.split_at_checked(12) {
            Some((header, rest)) => crc32c([&header[..8], &[0; 4], rest]),
            None => 0,
        }
    }
}
