//! A host that stands elsewhere says so.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::libc;
use openflow::MacAddr;

/// Sends a gratuitous ARP request (RFC 5227 §3: who announces an address asks for it) by an interface of the calling
/// thread's namespace, so that switches learn where the address is now, as hypervisors do for machines that move.
pub(crate) fn announce(interface: u32, mac: MacAddr, address: Ipv4Addr) -> io::Result<()> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: takes three integers. Protocol 0: it hears nothing, and so need not wait for a grace period to end.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, owned by nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    let frame = frame(mac, address);
    // SAFETY: sockaddr_ll is plain data; all zeroes is a valid value of it.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = libc::AF_PACKET as u16;
    to.sll_ifindex = interface.cast_signed();
    // SAFETY: frame and address outlive the call, their lengths are passed.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const to).cast(),
            size_of_val(&to) as libc::socklen_t,
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// An ARP request (RFC 826) for the sender's own address, to everybody.
fn frame(mac: MacAddr, address: Ipv4Addr) -> [u8; 42] {
    let mut frame = [0; 42];
    frame[..6].fill(0xff);
    frame[6..12].copy_from_slice(&mac.0);
    // Ethernet type ARP; Ethernet and IPv4 addresses of 6 and 4 bytes; a request.
    frame[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame[22..28].copy_from_slice(&mac.0);
    frame[28..32].copy_from_slice(&address.octets());
    frame[38..].copy_from_slice(&address.octets());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field by field after RFC 826.
    #[test]
    fn an_announcement_is_a_request_for_the_own_address() {
        let frame = frame(MacAddr([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 0, 0, 1));
        let expected = [
            "ffffffffffff",
            "020000000001",
            "0806",
            "0001",
            "0800",
            "06",
            "04",
            "0001",
            "020000000001",
            "0a000001",
            "000000000000",
            "0a000001",
        ];
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected.concat());
    }
}
