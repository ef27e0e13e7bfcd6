//! The bytes of an echo request and its reply (RFC 792, RFC 4443 §4), and the sockets for them.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, setsockopt, socket, sockopt};

use super::Family;

impl Family {
    fn echo_request(self) -> u8 {
        match self {
            Family::V4 => 8,
            Family::V6 => 128,
        }
    }

    fn echo_reply(self) -> u8 {
        match self {
            Family::V4 => 0,
            Family::V6 => 129,
        }
    }
}

/// Header and the 56 bytes of data that `ping(8)` sends too.
pub(super) const REQUEST_LENGTH: usize = 64;

/// Marks the requests of one run, so that other programs' replies are not taken for ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(pub(super) u64);

/// An echo request. `index` comes back in the reply; its low bits are the sequence number.
///
/// Over IPv6 the kernel puts the checksum in, since that covers addresses which it chooses (RFC 3542 §3.1).
pub(super) fn request(family: Family, mark: Mark, index: u32) -> [u8; REQUEST_LENGTH] {
    let mut packet = [0; REQUEST_LENGTH];
    packet[0] = family.echo_request();
    let [.., id_high, id_low] = mark.0.to_be_bytes();
    packet[4..6].copy_from_slice(&[id_high, id_low]);
    packet[6..8].copy_from_slice(&index.to_be_bytes()[2..]);
    packet[8..16].copy_from_slice(&mark.0.to_be_bytes());
    packet[16..20].copy_from_slice(&index.to_be_bytes());
    let sum = checksum(&packet);
    packet[2..4].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// The index of the request that a received packet answers. `None` where it is not the reply to a request with this
/// mark. A raw socket gives IPv4 packets with their header, and of IPv6 packets only the payload, its checksum checked.
pub(super) fn reply(family: Family, mark: Mark, packet: &[u8]) -> Option<u32> {
    let header = match family {
        Family::V4 => (usize::from(packet.first()? & 0xf) * 4).max(20),
        Family::V6 => 0,
    };
    let icmp = packet.get(header..)?;
    if icmp.len() < REQUEST_LENGTH || icmp[0] != family.echo_reply() {
        return None;
    }
    if family == Family::V4 && checksum(icmp) != 0 {
        return None;
    }
    if icmp[8..16] != mark.0.to_be_bytes() {
        return None;
    }
    let index = u32::from_be_bytes(icmp[16..20].try_into().ok()?);
    Some(index)
}

/// The internet checksum (RFC 1071); 0 over data that contains its own.
fn checksum(data: &[u8]) -> u16 {
    let words = data.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Opens a nonblocking ICMP socket in the calling thread's namespace that hears of echo replies
/// only, with the kernel's time of their arrival.
pub(super) fn open_socket(family: Family) -> io::Result<OwnedFd> {
    let (domain, protocol) = match family {
        Family::V4 => (AddressFamily::Inet, SockProtocol::Icmp),
        Family::V6 => (AddressFamily::Inet6, SockProtocol::IcmpV6),
    };
    let fd = socket(domain, SockType::Raw, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, protocol)?;
    setsockopt(&fd, sockopt::ReceiveTimestampns, &true)?;
    // A socket hears of all ICMP in its namespace, above all the others' requests; without the
    // filter those alone could fill its queue.
    const SOL_RAW: libc::c_int = 255;
    // The number of both filters' options (linux/icmp.h, linux/icmpv6.h).
    const FILTER: libc::c_int = 1;
    let reply = family.echo_reply();
    // A bit for each type that is not to be heard of; ICMP's filter is the first word alone.
    let mut blocked = [u32::MAX; 8];
    blocked[usize::from(reply / 32)] &= !(1 << (reply % 32));
    let (level, size) = match family {
        Family::V4 => (SOL_RAW, size_of::<u32>()),
        Family::V6 => (libc::IPPROTO_ICMPV6, size_of_val(&blocked)),
    };
    // SAFETY: the options take a `struct icmp_filter`, one 32-bit word, and a `struct icmp6_filter`, eight of them;
    // that size is passed.
    let done = unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, FILTER, (&raw const blocked).cast(), size as libc::socklen_t)
    };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // Room for all answers of a large network at once: more than the machine's default where we
    // may, as much as everybody may otherwise.
    if setsockopt(&fd, sockopt::RcvBufForce, &(1 << 20)).is_err() {
        setsockopt(&fd, sockopt::RcvBuf, &(1 << 20))?;
    }
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark(0x0123_4567_89ab_cdef);

    fn answered(family: Family, index: u32) -> Vec<u8> {
        let mut icmp = request(family, MARK, index);
        icmp[0] = family.echo_reply();
        icmp[2..4].fill(0);
        let sum = checksum(&icmp);
        icmp[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut packet = match family {
            Family::V4 => vec![0; 20],
            Family::V6 => return icmp.to_vec(),
        };
        packet[0] = 0x45;
        packet.extend(icmp);
        packet
    }

    #[test]
    fn a_reply_leads_back_to_its_request() {
        for family in [Family::V4, Family::V6] {
            assert_eq!(reply(family, MARK, &answered(family, 70_000)), Some(70_000));
        }
    }

    #[test]
    fn what_is_not_our_reply_is_no_reply() {
        for family in [Family::V4, Family::V6] {
            let packet = answered(family, 1);
            assert_eq!(reply(family, Mark(1), &packet), None);
            for length in 0..packet.len() {
                assert_eq!(reply(family, MARK, &packet[..length]), None, "{length} bytes");
            }
            let mut asked = packet.clone();
            let kind = packet.len() - REQUEST_LENGTH;
            asked[kind] = family.echo_request();
            assert_eq!(reply(family, MARK, &asked), None);
        }
        // IPv6's checksum is the kernel's to check.
        let mut broken = answered(Family::V4, 1);
        broken[50] ^= 1;
        assert_eq!(reply(Family::V4, MARK, &broken), None);
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // The example of RFC 1071 §3: the sum is 0xddf2.
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&data), !0xddf2);
    }
}
