//! A packet socket (`packet(7)`) that hears one interface, what comes in and what goes out.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use nix::libc;

use crate::vlan_tag::{self, Tag};

/// Before a frame there is room for the tag that the kernel took out of it.
const ROOM: usize = size_of::<Tag>();
/// The longest frame: a segment of 64 kB, with its headers, that is cut later.
pub(super) const LONGEST: usize = 0x1_0000 + 128;
/// Room for frames that wait in the kernel, in bytes, if it allows so much.
const QUEUE: libc::c_int = 32 << 20;
/// Room for a time (`SCM_TIMESTAMPNS`) and `struct tpacket_auxdata`, with their headers.
const CONTROL: usize = 128;

/// The socket.
#[derive(Debug)]
pub(super) struct Listener(OwnedFd);

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A frame that was heard.
#[derive(Debug)]
pub(super) struct Heard<'a> {
    /// When, since the beginning of 1970.
    pub(super) at: Duration,
    /// Whether the interface sent it; else it came in.
    pub(super) outgoing: bool,
    /// The frame, with its VLAN tag.
    pub(super) bytes: &'a [u8],
    /// How long it was: more than there is of it if it did not fit.
    pub(super) length: usize,
}

/// Memory for one frame.
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    pub(super) fn new() -> Buffer {
        Buffer(vec![0; ROOM + LONGEST])
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

impl Listener {
    /// Opens it in the calling thread's network namespace. An interface that is not up yet is heard from its first frame
    /// on.
    pub(super) fn open(interface: u32) -> io::Result<Listener> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // No protocol yet: nothing is heard before all is set.
        // SAFETY: no memory is passed; the descriptor is new and ours.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::socket(libc::AF_PACKET, kind, 0))?) };
        let listener = Listener(fd);
        listener.set(libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
        listener.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        // In a user namespace of ours it is what the machine allows everybody.
        if listener.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, QUEUE).is_err() {
            listener.set(libc::SOL_SOCKET, libc::SO_RCVBUF, QUEUE)?;
        }
        // SAFETY: sockaddr_ll is plain data; all zeroes is a valid value of it.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = interface.cast_signed();
        let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the address is a complete sockaddr_ll, and its size is told.
        check(unsafe { libc::bind(listener.0.as_raw_fd(), (&raw const address).cast(), length) })?;
        Ok(listener)
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the option takes an int, whose address and size are passed.
        let done =
            unsafe { libc::setsockopt(self.0.as_raw_fd(), level, option, (&raw const value).cast(), length) };
        check(done).map(drop)
    }

    /// The next frame; `None` if none waits.
    pub(super) fn receive<'a>(&self, buffer: &'a mut Buffer) -> io::Result<Option<Heard<'a>>> {
        // SAFETY: these are plain data; all zeroes is a valid value of them.
        let (mut name, mut message): (libc::sockaddr_ll, libc::msghdr) = unsafe { (zeroed(), zeroed()) };
        let mut control = [0u64; CONTROL / 8];
        let mut part = libc::iovec { iov_base: buffer.0[ROOM..].as_mut_ptr().cast(), iov_len: LONGEST };
        message.msg_name = ptr::from_mut(&mut name).cast();
        message.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = CONTROL as _;
        // With MSG_TRUNC it tells how long the frame was.
        // SAFETY: all that the message points at lives until the call is over, and its sizes are told.
        let length = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, libc::MSG_TRUNC) };
        if length < 0 {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(libc::EAGAIN | libc::EINTR) => Ok(None),
                // Said once when the interface goes down; it may come up again.
                Some(libc::ENETDOWN | libc::ENODEV | libc::ENXIO) => Ok(None),
                _ => Err(error),
            };
        }
        let (at, tag) = told(&message);
        let length = length.cast_unsigned();
        let bytes = &mut buffer.0[..ROOM + length.min(LONGEST)];
        let start = tag.map_or(ROOM, |tag| vlan_tag::put_back(tag, bytes, ROOM));
        let outgoing = name.sll_pkttype == libc::PACKET_OUTGOING;
        Ok(Some(Heard { at, outgoing, bytes: &bytes[start..], length: length + ROOM - start }))
    }

    /// How many frames came and found no room, since this was last asked.
    pub(super) fn lost(&self) -> io::Result<u32> {
        // SAFETY: tpacket_stats is plain data; all zeroes is a valid value of it.
        let mut stats: libc::tpacket_stats = unsafe { zeroed() };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        let (fd, option) = (self.0.as_raw_fd(), libc::PACKET_STATISTICS);
        // SAFETY: the kernel writes at most the size that is told.
        check(unsafe {
            libc::getsockopt(fd, libc::SOL_PACKET, option, (&raw mut stats).cast(), &raw mut length)
        })?;
        Ok(stats.tp_drops)
    }
}

/// What the kernel tells beside a frame: when it was heard, and the tag that it took out.
fn told(message: &libc::msghdr) -> (Duration, Option<Tag>) {
    let (mut at, mut tag) = (Duration::ZERO, None);
    // SAFETY: the kernel filled the message, which has control messages of the length that it tells, in memory that lives.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: as above; CMSG_NXTHDR stays within that length.
    while let Some(header) = unsafe { next.as_ref() } {
        let length = header.cmsg_len.saturating_sub(size_of::<libc::cmsghdr>()).min(CONTROL);
        // SAFETY: the data of a control message are `length` bytes behind its header.
        let data = unsafe { std::slice::from_raw_parts(libc::CMSG_DATA(header), length) };
        match (header.cmsg_level, header.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) if length >= size_of::<libc::timespec>() => {
                // SAFETY: a timespec lies there, perhaps not aligned.
                let time = unsafe { data.as_ptr().cast::<libc::timespec>().read_unaligned() };
                let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
                at = Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0));
            }
            (libc::SOL_PACKET, libc::PACKET_AUXDATA) => tag = vlan_tag::tag(data),
            _ => {}
        }
        // SAFETY: as above.
        next = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    (at, tag)
}
