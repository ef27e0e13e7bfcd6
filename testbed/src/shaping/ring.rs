//! A packet socket (`packet(7)`) that hears every interface of its namespace, with a receive ring in shared memory.
//!
//! One socket for all links: binding one takes the kernel 10 ms, closing one 17 ms, each waiting for a grace period.
//! The ring (`PACKET_RX_RING`, `TPACKET_V2`; kernel documentation, `networking/packet_mmap`) costs no system call a frame, tells
//! when the frame came, and is not bounded by the machine's `rmem_max` as a socket's queue is for ordinary users.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// Room for one frame with the kernel's header, in bytes; frames of an MTU of up to 1900 fit.
const SLOT: usize = 2048;
/// Slots in one contiguous piece of memory: 64 kB.
const SLOTS_A_BLOCK: usize = 32;
const BLOCKS: usize = 256;
const SLOTS: usize = SLOTS_A_BLOCK * BLOCKS;

/// `linux/if_packet.h`.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

/// A frame in the ring.
pub(super) struct Received<'a> {
    /// The interface where it came in.
    pub(super) interface: u32,
    /// When, by the clock of `CLOCK_REALTIME`.
    pub(super) at: Duration,
    /// The VLAN tag (TPID and TCI) that the kernel has taken out of the frame.
    pub(super) tag: Option<[u8; 4]>,
    /// The frame without that tag; `None` if it was too long for a slot.
    pub(super) bytes: Option<&'a [u8]>,
}

impl Received<'_> {
    /// The frame as it was on the wire.
    pub(super) fn frame(&self) -> Option<Box<[u8]>> {
        let bytes = self.bytes?;
        let Some(tag) = self.tag else { return Some(bytes.into()) };
        // Behind the two addresses (IEEE 802.1Q).
        let (addresses, rest) = bytes.split_at_checked(12)?;
        Some([addresses, &tag, rest].concat().into())
    }
}

/// The socket and its ring.
#[derive(Debug)]
pub(super) struct Ring {
    socket: OwnedFd,
    memory: NonNull<u8>,
    next: usize,
}

// SAFETY: the mapping belongs to this value alone and is not tied to a thread.
unsafe impl Send for Ring {}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Ring {
    /// Opens a socket in the calling thread's network namespace. It hears what comes in from now on.
    pub(super) fn open() -> io::Result<Self> {
        let protocol = libc::c_int::from((libc::ETH_P_ALL as u16).to_be());
        // Without a protocol at first: nothing may come before the ring is there.
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: a plain system call; the descriptor is checked and owned from then on.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is a new descriptor that nobody else has.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        set(&socket, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V2 as libc::c_int))?;
        set(&socket, PACKET_IGNORE_OUTGOING, &1)?;
        set(&socket, libc::PACKET_QDISC_BYPASS, &1)?;
        let request = libc::tpacket_req {
            tp_block_size: (SLOT * SLOTS_A_BLOCK) as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: SLOT as u32,
            tp_frame_nr: SLOTS as u32,
        };
        set(&socket, libc::PACKET_RX_RING, &request)?;
        let length = NonZeroUsize::new(SLOT * SLOTS).expect("not zero");
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new shared mapping at an address that the kernel chooses.
        let memory = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, &socket, 0) }?;
        let ring = Self { socket, memory: memory.cast(), next: 0 };
        // SAFETY: sockaddr_ll is plain data; all zeroes is a valid value of it.
        let mut all: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        all.sll_family = libc::AF_PACKET as u16;
        all.sll_protocol = protocol as u16;
        // SAFETY: `all` is a complete sockaddr_ll, whose size is passed.
        let bound = unsafe {
            libc::bind(ring.socket.as_raw_fd(), (&raw const all).cast(), size_of_val(&all) as libc::socklen_t)
        };
        if bound < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(ring)
    }

    /// Hands the next frame to `take`; `false` if there is none.
    pub(super) fn receive(&mut self, take: impl FnOnce(Received<'_>)) -> bool {
        // SAFETY: `next` is below SLOTS, so the slot lies in the mapping. Slots are aligned to 2048 bytes, and begin
        // with a tpacket2_hdr, whose status the kernel changes last when it fills them.
        let slot = unsafe { self.memory.add(self.next * SLOT) };
        // SAFETY: as above; tp_status is the header's first field, a 32-bit number shared with the kernel.
        let status = unsafe { AtomicU32::from_ptr(slot.cast::<u32>().as_ptr()) };
        let state = status.load(Ordering::Acquire);
        if state & libc::TP_STATUS_USER == 0 {
            return false;
        }
        // SAFETY: the slot is ours until its status is given back; the header lies in it.
        let header = unsafe { slot.cast::<libc::tpacket2_hdr>().read() };
        let address_at = size_of::<libc::tpacket2_hdr>().next_multiple_of(16);
        // SAFETY: behind the header, aligned to TPACKET_ALIGNMENT (16), stands the sender's sockaddr_ll.
        let address = unsafe { slot.add(address_at).cast::<libc::sockaddr_ll>().read_unaligned() };
        let (start, length) = (usize::from(header.tp_mac), header.tp_snaplen as usize);
        let whole = header.tp_snaplen == header.tp_len && start + length <= SLOT;
        // SAFETY: the kernel has written `length` bytes from `start` on, within the slot as just checked.
        let bytes = whole.then(|| unsafe { std::slice::from_raw_parts(slot.add(start).as_ptr(), length) });
        let tag = (state & libc::TP_STATUS_VLAN_VALID != 0).then(|| {
            let known = state & libc::TP_STATUS_VLAN_TPID_VALID != 0;
            let tpid = if known { header.tp_vlan_tpid } else { 0x8100 };
            let ([a, b], [c, d]) = (tpid.to_be_bytes(), header.tp_vlan_tci.to_be_bytes());
            [a, b, c, d]
        });
        take(Received {
            interface: address.sll_ifindex.cast_unsigned(),
            at: Duration::new(header.tp_sec.into(), header.tp_nsec),
            tag,
            bytes,
        });
        status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % SLOTS;
        true
    }

    /// Sends frames, each by an interface; returns how many were sent. The rest, if any, found no room.
    pub(super) fn send(&self, frames: &[(u32, Box<[u8]>)]) -> usize {
        let mut addresses: Vec<libc::sockaddr_ll> = frames
            .iter()
            .map(|(interface, _)| {
                // SAFETY: sockaddr_ll is plain data; all zeroes is a valid value of it.
                let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
                address.sll_family = libc::AF_PACKET as u16;
                address.sll_ifindex = interface.cast_signed();
                address
            })
            .collect();
        let mut pieces: Vec<libc::iovec> = frames
            .iter()
            .map(|(_, frame)| libc::iovec {
                iov_base: frame.as_ptr().cast_mut().cast(),
                iov_len: frame.len(),
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = addresses
            .iter_mut()
            .zip(&mut pieces)
            .map(|(address, piece)| {
                // SAFETY: mmsghdr is plain data; all zeroes is a valid value of it.
                let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
                message.msg_hdr.msg_name = (&raw mut *address).cast();
                message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
                message.msg_hdr.msg_iov = piece;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        let mut sent = 0;
        while sent < messages.len() {
            let rest = &mut messages[sent..];
            // SAFETY: every header points at an address and a piece that outlive the call; the kernel reads them only.
            let done = unsafe {
                libc::sendmmsg(self.socket.as_raw_fd(), rest.as_mut_ptr(), rest.len() as libc::c_uint, 0)
            };
            match usize::try_from(done) {
                Ok(some) if some > 0 => sent += some,
                _ => match io::Error::last_os_error().kind() {
                    io::ErrorKind::Interrupted => {}
                    // This frame cannot be sent: its interface is down, say. The others may.
                    _ => sent += 1,
                },
            }
        }
        sent
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length and nothing borrows from it.
        let _ = unsafe { munmap(self.memory.cast(), SLOT * SLOTS) };
    }
}

fn set<T>(socket: &OwnedFd, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the option's value is of the type that its callers pass, by address and size.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_the_kernel_took_out_is_put_back() {
        let frame: Vec<u8> = (0..60).collect();
        let received =
            |tag, bytes| Received { interface: 1, at: Duration::ZERO, tag, bytes }.frame().map(Vec::from);
        assert_eq!(received(None, Some(&frame)), Some(frame.clone()));
        let tagged = received(Some([0x81, 0, 0x20, 5]), Some(&frame)).unwrap();
        assert_eq!(tagged.len(), 64);
        assert_eq!(tagged[10..18], [10, 11, 0x81, 0, 0x20, 5, 12, 13]);
        assert_eq!(received(Some([0x81, 0, 0, 5]), Some(&frame[..11])), None);
        assert_eq!(received(None, None), None);
    }
}
