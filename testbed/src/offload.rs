//! Checksum offload of a host's interfaces (`ethtool(8)`, by `SIOCETHTOOL`).
//!
//! Over a veth pair the kernel leaves transport checksums unfinished and segments oversized, for
//! the receiving kernel to accept as they are. A switch in userspace sees those frames raw and
//! passes them on; the next kernel drops them, and TCP hangs though ping works. With transmit
//! checksums done by the sender (which takes segmentation offload with it) all is well.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// `ETHTOOL_STXCSUM` of `linux/ethtool.h`: sets transmit checksum offload.
const SET_TRANSMIT_CHECKSUM: u32 = 0x17;

/// `struct ethtool_value` of `linux/ethtool.h`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

nix::ioctl_write_ptr_bad!(ethtool, libc::SIOCETHTOOL, libc::ifreq);

/// Has `interface` finish its checksums before it sends. `socket` is any socket made in the
/// interface's namespace.
pub(crate) fn transmit_checksums_in_software(socket: &impl AsFd, interface: &str) -> io::Result<()> {
    let mut value = EthtoolValue { command: SET_TRANSMIT_CHECKSUM, data: 0 };
    // SAFETY: ifreq is plain data; all zeroes is a valid value of it.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays NUL.
    let room = request.ifr_name.len() - 1;
    for (to, from) in request.ifr_name[..room].iter_mut().zip(interface.bytes()) {
        *to = from.cast_signed() as libc::c_char;
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: `request` is a complete ifreq whose data points at an ethtool_value; both outlive
    // the call, which is what SIOCETHTOOL with this command reads.
    unsafe { ethtool(socket.as_fd().as_raw_fd(), &raw const request) }?;
    Ok(())
}
