//! Which datapath carries the packets: the kernel's, or the daemon's own.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use super::error::Error;
use crate::sandbox::NetNs;

/// Where packets are switched (`ovs-vswitchd.conf.db(5)`, Bridge, `datapath_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datapath {
    /// The kernel's `openvswitch` module.
    Kernel,
    /// A thread of `ovs-vswitchd`, on packet sockets. Hosts' transmit checksum offload must be
    /// off then, or TCP does not get through.
    Userspace,
}

impl Datapath {
    /// The kernel's where it has the module (it is loaded if it can be), else userspace.
    ///
    /// # Errors
    /// When the kernel does not answer in that namespace.
    pub async fn detect(fabric: &NetNs) -> Result<Self, Error> {
        let found = fabric
            .run(|| has_family(b"ovs_datapath\0"))
            .await?
            .map_err(Error::system("ask the kernel for", "ovs_datapath"))?;
        Ok(if found { Datapath::Kernel } else { Datapath::Userspace })
    }

    /// `datapath_type` in the database.
    pub(super) fn name(self) -> &'static str {
        match self {
            Datapath::Kernel => "system",
            Datapath::Userspace => "netdev",
        }
    }
}

/// Whether `/dev/net/tun` can be opened: each userspace bridge has a tap as its own port.
///
/// # Errors
/// [`Error::Tun`] with the remedy.
pub fn tun_device() -> Result<(), Error> {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/net/tun");
    opened.map(drop).map_err(|source| Error::Tun {
        remedy: match source.kind() {
            io::ErrorKind::PermissionDenied => "as root: chmod 0666 /dev/net/tun, or run as root",
            _ => {
                "as root: modprobe tun; mkdir -p /dev/net; mknod /dev/net/tun c 10 200; \
                 chmod 0666 /dev/net/tun"
            }
        },
        source,
    })
}

/// Asks generic netlink's controller for a family by name (NUL-terminated), which also makes
/// the kernel look for a module that brings it (`genl_ctrl`, `linux/genetlink.h`).
fn has_family(name: &[u8]) -> io::Result<bool> {
    const CONTROLLER: u16 = 0x10;
    const GET_FAMILY: u8 = 3;
    const FAMILY_NAME: u16 = 2;
    const REQUEST: u16 = 1;
    const ERROR: u16 = 2;
    const HEADERS: usize = 16 + 4 + 4;

    let padded = name.len().next_multiple_of(4);
    let length = |bytes: usize| u32::try_from(bytes).expect("a family's name is short");
    let mut request = Vec::with_capacity(HEADERS + padded);
    // struct nlmsghdr: length, type, flags, sequence, port.
    request.extend(length(HEADERS + padded).to_ne_bytes());
    request.extend(CONTROLLER.to_ne_bytes());
    request.extend(REQUEST.to_ne_bytes());
    request.extend([0; 8]);
    // struct genlmsghdr: command, version, reserved.
    request.extend([GET_FAMILY, 1, 0, 0]);
    // struct nlattr: length without padding, type.
    let attribute = u16::try_from(4 + name.len()).expect("a family's name is short");
    request.extend(attribute.to_ne_bytes());
    request.extend(FAMILY_NAME.to_ne_bytes());
    request.extend(name);
    request.resize(HEADERS + padded, 0);

    let socket =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkGeneric)?;
    send(socket.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut reply = [0u8; 8192];
    let count = recv(socket.as_raw_fd(), &mut reply, MsgFlags::empty())?;
    let header = reply[..count].get(..20).ok_or(io::ErrorKind::UnexpectedEof)?;
    let kind = u16::from_ne_bytes([header[4], header[5]]);
    let code = i32::from_ne_bytes([header[16], header[17], header[18], header[19]]);
    match (kind, code) {
        (ERROR, code) if code == -nix::libc::ENOENT => Ok(false),
        (ERROR, code) => Err(io::Error::from_raw_os_error(-code)),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The controller is a family itself, on every kernel with generic netlink.
    #[test]
    fn families_are_told_apart() {
        assert!(has_family(b"nlctrl\0").unwrap());
        assert!(!has_family(b"no_such_family\0").unwrap());
    }
}
