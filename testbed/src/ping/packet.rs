//! The bytes of an echo request and its reply (RFC 792), and the sockets for them.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, setsockopt, socket, sockopt};

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;

/// Header and the 56 bytes of data that `ping(8)` sends too.
pub(super) const REQUEST_LENGTH: usize = 64;

/// Marks the requests of one run, so that other programs' replies are not taken for ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark(pub(super) u64);

/// An echo request. `index` comes back in the reply; its low bits are the sequence number.
pub(super) fn request(mark: Mark, index: u32) -> [u8; REQUEST_LENGTH] {
    let mut packet = [0; REQUEST_LENGTH];
    packet[0] = ECHO_REQUEST;
    let [.., id_high, id_low] = mark.0.to_be_bytes();
    packet[4..6].copy_from_slice(&[id_high, id_low]);
    packet[6..8].copy_from_slice(&index.to_be_bytes()[2..]);
    packet[8..16].copy_from_slice(&mark.0.to_be_bytes());
    packet[16..20].copy_from_slice(&index.to_be_bytes());
    let sum = checksum(&packet);
    packet[2..4].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// Whose reply a received IPv4 packet is: its source and the index of its request. `None` where
/// it is not the reply to a request with this mark.
pub(super) fn reply(mark: Mark, packet: &[u8]) -> Option<(Ipv4Addr, u32)> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let source: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let icmp = packet.get(header.max(20)..)?;
    if icmp.len() < REQUEST_LENGTH || icmp[0] != ECHO_REPLY || checksum(icmp) != 0 {
        return None;
    }
    if icmp[8..16] != mark.0.to_be_bytes() {
        return None;
    }
    let index = u32::from_be_bytes(icmp[16..20].try_into().ok()?);
    Some((source.into(), index))
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
pub(super) fn open_socket() -> io::Result<OwnedFd> {
    let fd = socket(
        AddressFamily::Inet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        SockProtocol::Icmp,
    )?;
    setsockopt(&fd, sockopt::ReceiveTimestampns, &true)?;
    // A socket hears of all ICMP in its namespace, above all the others' requests; without the
    // filter those alone could fill its queue.
    const SOL_RAW: libc::c_int = 255;
    const ICMP_FILTER: libc::c_int = 1;
    let blocked: u32 = !(1 << ECHO_REPLY);
    // SAFETY: the option takes a `struct icmp_filter`, one 32-bit word, whose size is passed.
    let done = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            SOL_RAW,
            ICMP_FILTER,
            (&raw const blocked).cast(),
            size_of_val(&blocked) as libc::socklen_t,
        )
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

    fn answered(index: u32) -> Vec<u8> {
        let mut icmp = request(MARK, index);
        icmp[0] = ECHO_REPLY;
        icmp[2..4].fill(0);
        let sum = checksum(&icmp);
        icmp[2..4].copy_from_slice(&sum.to_be_bytes());
        let mut packet = vec![0; 20];
        packet[0] = 0x45;
        packet[12..16].copy_from_slice(&[10, 0, 0, 2]);
        packet.extend(icmp);
        packet
    }

    #[test]
    fn a_reply_leads_back_to_its_request() {
        let packet = answered(70_000);
        let found = reply(MARK, &packet);
        assert_eq!(found, Some((Ipv4Addr::new(10, 0, 0, 2), 70_000)));
    }

    #[test]
    fn what_is_not_our_reply_is_no_reply() {
        let packet = answered(1);
        assert_eq!(reply(Mark(1), &packet), None);
        for length in 0..packet.len() {
            assert_eq!(reply(MARK, &packet[..length]), None, "{length} bytes");
        }
        let mut broken = packet.clone();
        broken[50] ^= 1;
        assert_eq!(reply(MARK, &broken), None);
        let mut asked = packet;
        asked[20] = ECHO_REQUEST;
        assert_eq!(reply(MARK, &asked), None);
    }

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // The example of RFC 1071 §3: the sum is 0xddf2.
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&data), !0xddf2);
    }
}
