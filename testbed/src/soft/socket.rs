//! One packet socket for all ports of a namespace (`packet(7)`): bound to no interface, so that a
//! thousand ports cost one socket, and its end one grace period of the kernel.
//!
//! Frames come and go in batches. What hosts left undone (checksums, cutting of long segments) is
//! passed on with them; see [`wire`].

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use nix::libc;
use openflow::pipeline::{HEADROOM, Offload};

use super::wire::{self, HEADER};
use crate::vlan_tag::{self, Tag};

/// The longest frame that is taken: a segment of 64 kB with its headers.
const LONGEST: usize = 0x1_0000 + 128;

/// Frames taken at a time.
const BATCH: usize = 32;

/// Frames up to this length, in bytes, wait for others to be sent with them.
const SHORT: usize = 2048;

/// Room for frames in the kernel, in bytes, if the kernel allows so much.
const QUEUE: usize = 64 << 20;

/// Room for `struct tpacket_auxdata` and its header.
const CONTROL: usize = 64;

/// The socket. Any thread may use it.
#[derive(Debug)]
pub(crate) struct PacketSocket(OwnedFd);

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

impl PacketSocket {
    /// Opens it in the calling thread's network namespace: it hears all but `lo` from now on.
    pub(crate) fn open() -> io::Result<PacketSocket> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // No protocol yet: nothing is heard before all is set.
        // SAFETY: no memory is passed; the descriptor is new and ours.
        let socket = unsafe { OwnedFd::from_raw_fd(check(libc::socket(libc::AF_PACKET, kind, 0))?) };
        let socket = PacketSocket(socket);
        for option in [libc::PACKET_VNET_HDR, libc::PACKET_AUXDATA, libc::PACKET_IGNORE_OUTGOING] {
            socket.set(libc::SOL_PACKET, option, &1i32)?;
        }
        socket.set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &all_but_loopback())?;
        let size = QUEUE as libc::c_int;
        for (force, ask) in [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
        {
            // In a user namespace of ours it is what the machine allows everybody.
            if socket.set(libc::SOL_SOCKET, force, &size).is_err() {
                socket.set(libc::SOL_SOCKET, ask, &size)?;
            }
        }
        let all = address(0, (libc::ETH_P_ALL as u16).to_be());
        // SAFETY: the address is a complete sockaddr_ll, and its size is told.
        check(unsafe {
            libc::bind(socket.0.as_raw_fd(), (&raw const all).cast(), length::<libc::sockaddr_ll>())
        })?;
        Ok(socket)
    }

    fn set<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        let (fd, value) = (self.0.as_raw_fd(), ptr::from_ref(value).cast());
        // SAFETY: `value` points at a T, whose size is told.
        check(unsafe { libc::setsockopt(fd, level, option, value, length::<T>()) }).map(drop)
    }

    /// Sends one frame out of an interface. One that the kernel has no room for is lost, as on any
    /// wire.
    pub(crate) fn send(&self, interface: u32, frame: &[u8], offload: Option<Offload>) -> io::Result<()> {
        let mut header = wire::write(offload);
        let mut name = address(interface, 0);
        let mut parts = parts(&mut header, frame);
        let message = message(&mut name, &mut parts);
        // SAFETY: all that the message points at lives until the call is over.
        let sent = unsafe { libc::sendmsg(self.0.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn length<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}

fn address(interface: u32, protocol: u16) -> libc::sockaddr_ll {
    // SAFETY: sockaddr_ll is plain data; all zeroes is a valid value of it.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_ifindex = interface.cast_signed();
    address.sll_protocol = protocol;
    address
}

/// The frame behind its header. The kernel only reads what is sent.
fn parts(header: &mut [u8; HEADER], frame: &[u8]) -> [libc::iovec; 2] {
    [
        libc::iovec { iov_base: header.as_mut_ptr().cast(), iov_len: HEADER },
        libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() },
    ]
}

fn message(name: &mut libc::sockaddr_ll, parts: &mut [libc::iovec; 2]) -> libc::msghdr {
    // SAFETY: msghdr is plain data; all zeroes is a valid value of it.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_name = ptr::from_mut(name).cast();
    message.msg_namelen = length::<libc::sockaddr_ll>();
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = 2;
    message
}

/// A filter (`linux/filter.h`) that takes what did not come by interface 1, which is `lo`.
fn all_but_loopback() -> libc::sock_fprog {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const INTERFACE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_IFINDEX).cast_unsigned();
    const fn step(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
        libc::sock_filter { code, jt, jf, k }
    }
    static PROGRAM: [libc::sock_filter; 4] = [
        step(LOAD_WORD, 0, 0, INTERFACE),
        step(JUMP_EQUAL, 0, 1, 1),
        step(RETURN, 0, 0, 0),
        step(RETURN, 0, 0, u32::MAX),
    ];
    // The kernel copies it.
    libc::sock_fprog { len: PROGRAM.len() as u16, filter: PROGRAM.as_ptr().cast_mut() }
}

/// Places for frames that come in.
pub(crate) struct Inbox {
    slots: Vec<Slot>,
}

/// A frame that came in.
pub(crate) struct Came {
    /// By which interface.
    pub(crate) interface: u32,
    /// The frame lies from `start` on; before it is room.
    pub(crate) buf: Vec<u8>,
    pub(crate) start: usize,
    /// What its host left undone.
    pub(crate) offload: Option<Offload>,
}

struct Slot {
    /// Room for headers, and behind it, not counted in its length, for a frame.
    buf: Vec<u8>,
    header: [u8; HEADER],
    name: libc::sockaddr_ll,
    /// Aligned as the headers in it must be.
    control: [u64; CONTROL / 8],
}

fn empty(mut buf: Vec<u8>) -> Vec<u8> {
    buf.truncate(HEADROOM);
    buf.resize(HEADROOM, 0);
    buf.reserve(LONGEST);
    buf
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        let slot = |_| Slot {
            buf: empty(Vec::new()),
            header: [0; HEADER],
            name: address(0, 0),
            control: [0; CONTROL / 8],
        };
        Inbox { slots: (0..BATCH).map(slot).collect() }
    }

    /// Takes what waits in the socket, at most a batch, and hands each frame to `each`, which gives
    /// its buffer back. How many there were: none where nothing waits.
    pub(crate) fn receive(
        &mut self,
        socket: &PacketSocket,
        mut each: impl FnMut(Came) -> Vec<u8>,
    ) -> io::Result<usize> {
        // SAFETY: iovec and mmsghdr are plain data; all zeroes is a valid value of them.
        let mut parts: [[libc::iovec; 2]; BATCH] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        for ((slot, parts), message) in self.slots.iter_mut().zip(&mut parts).zip(&mut messages) {
            let room = slot.buf.spare_capacity_mut();
            parts[0] = libc::iovec { iov_base: slot.header.as_mut_ptr().cast(), iov_len: HEADER };
            parts[1] = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
            message.msg_hdr = self::message(&mut slot.name, parts);
            message.msg_hdr.msg_control = slot.control.as_mut_ptr().cast();
            message.msg_hdr.msg_controllen = CONTROL as _;
        }
        let (fd, first) = (socket.0.as_raw_fd(), messages.as_mut_ptr());
        // SAFETY: the messages point into slots, which stay where they are until the call is over, at
        // memory that nobody else uses and whose sizes are told.
        let count = unsafe {
            libc::recvmmsg(fd, first, BATCH as libc::c_uint, libc::MSG_DONTWAIT as _, ptr::null_mut())
        };
        let count = check(count)?.cast_unsigned() as usize;
        for (slot, message) in self.slots.iter_mut().zip(&messages).take(count) {
            let tag = vlan(&message.msg_hdr);
            let Some(len) = (message.msg_len as usize).checked_sub(HEADER) else { continue };
            if message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
                continue;
            }
            let mut buf = std::mem::take(&mut slot.buf);
            // SAFETY: the kernel wrote `len` bytes behind those that there were, within the capacity.
            unsafe { buf.set_len(HEADROOM + len.min(buf.capacity() - HEADROOM)) };
            let start = tag.map_or(HEADROOM, |tag| vlan_tag::put_back(tag, &mut buf, HEADROOM));
            let mut offload = wire::read(slot.header);
            if let Some(offload) = &mut offload {
                offload.start += HEADROOM - start;
            }
            let interface = slot.name.sll_ifindex.cast_unsigned();
            slot.buf = empty(each(Came { interface, buf, start, offload }));
        }
        Ok(count)
    }
}

/// The tag that the kernel took out of a frame.
fn vlan(message: &libc::msghdr) -> Option<Tag> {
    // SAFETY: the message is one that the kernel filled: it has control messages of the length that it
    // tells, in memory that lives.
    let first = unsafe { libc::CMSG_FIRSTHDR(message).as_ref() }?;
    let is_auxdata = (first.cmsg_level, first.cmsg_type) == (libc::SOL_PACKET, libc::PACKET_AUXDATA);
    let len = (first.cmsg_len as usize).checked_sub(size_of::<libc::cmsghdr>())?;
    if !is_auxdata || len > CONTROL {
        return None;
    }
    // SAFETY: the data of a control message are `len` bytes behind its header.
    vlan_tag::tag(unsafe { std::slice::from_raw_parts(libc::CMSG_DATA(first), len) })
}

/// Frames that wait to be sent together.
#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    interface: u32,
    header: [u8; HEADER],
    len: usize,
}

impl Outbox {
    /// Sends a frame, soon if it is short: then with others.
    pub(super) fn send(
        &mut self,
        socket: &PacketSocket,
        interface: u32,
        frame: &[u8],
        offload: Option<Offload>,
    ) {
        if frame.len() > SHORT {
            // The order stays.
            self.flush(socket);
            // What cannot be sent is lost, as on any wire.
            let _ = socket.send(interface, frame, offload);
            return;
        }
        self.bytes.extend_from_slice(frame);
        self.waiting.push(Waiting { interface, header: wire::write(offload), len: frame.len() });
        if self.waiting.len() >= BATCH {
            self.flush(socket);
        }
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, socket: &PacketSocket) {
        if self.waiting.is_empty() {
            return;
        }
        // SAFETY: these are plain data; all zeroes is a valid value of them.
        let mut names: [libc::sockaddr_ll; BATCH] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut all_parts: [[libc::iovec; 2]; BATCH] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        let places = names.iter_mut().zip(&mut all_parts).zip(&mut messages);
        let mut rest = &self.bytes[..];
        for (((name, parts), message), waiting) in places.zip(&mut self.waiting) {
            let (frame, behind) = rest.split_at(waiting.len);
            rest = behind;
            *name = address(waiting.interface, 0);
            *parts = self::parts(&mut waiting.header, frame);
            message.msg_hdr = self::message(name, parts);
        }
        let mut next = 0;
        while next < self.waiting.len() {
            let some = &mut messages[next..self.waiting.len()];
            let (fd, count) = (socket.0.as_raw_fd(), some.len() as libc::c_uint);
            // SAFETY: all that the messages point at lives until the call is over.
            let sent = unsafe { libc::sendmmsg(fd, some.as_mut_ptr(), count, libc::MSG_DONTWAIT as _) };
            // The first that cannot be sent is lost, as on any wire, and the others are not.
            next += usize::try_from(sent).unwrap_or(0).max(1);
        }
        self.bytes.clear();
        self.waiting.clear();
    }
}
