//! A packet on its way through a switch: its bytes, its key, and where its headers are.

mod checksum;
mod compose;
mod offload;
mod parse;
mod rewrite;
mod tags;
mod ttl;

#[cfg(test)]
mod tests;

use std::fmt;

use super::key::{Key, Pattern};
use crate::ids::{PortNo, QueueId};
use crate::oxm::{FieldId, Match};
use parse::Layout;

pub use compose::{ComposeError, compose};
pub use offload::{Cut, CutKind, Offload};

/// Bytes kept free in front of a frame, so that pushed tags need no copy: four PBB headers or a
/// dozen of tags.
pub const HEADROOM: usize = 72;

/// The longest frame that rewriting makes. What would be longer is dropped.
pub const FRAME_MAX: usize = 0x1_0000 + 1024;

/// A frame with its key (OF 1.3.5 §5.3). Each change of the frame changes the key with it.
#[derive(Clone)]
pub struct Packet {
    buf: Vec<u8>,
    start: usize,
    key: Key,
    layout: Layout,
    queue: Option<QueueId>,
    unfinished: Option<offload::Unfinished>,
}

/// A rewrite (OF 1.3.5 §5.12) that would make a frame longer than [`FRAME_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Packet {
    /// A frame from its Ethernet header on, as it came in on `port`.
    pub fn new(frame: &[u8], port: PortNo) -> Packet {
        let mut buf = Vec::with_capacity(HEADROOM + frame.len());
        buf.resize(HEADROOM, 0);
        buf.extend_from_slice(frame);
        Packet::in_place(buf, HEADROOM, port)
    }

    /// A frame that lies in `buf` from `start` on; what is before it is room for headers. A `start`
    /// behind the end makes an empty frame.
    pub fn in_place(buf: Vec<u8>, start: usize, port: PortNo) -> Packet {
        let start = start.min(buf.len());
        let (key, layout) = (Key::default(), Layout::default());
        let mut packet = Packet { buf, start, key, layout, queue: None, unfinished: None };
        packet.key.set(FieldId::InPort, port.0.into());
        packet.key.set(FieldId::InPhyPort, port.0.into());
        packet.parse();
        packet
    }

    /// Says which physical port is under the ingress port, where that is another one.
    #[must_use]
    pub fn phy_port(mut self, port: PortNo) -> Packet {
        self.key.set(FieldId::InPhyPort, port.0.into());
        self
    }

    /// Sets the metadata of the tunnel through which the packet came.
    #[must_use]
    pub fn tunnel_id(mut self, id: u64) -> Packet {
        self.key.set(FieldId::TunnelId, id.into());
        self
    }

    /// The frame as it is now, from its Ethernet header on.
    #[inline]
    pub fn frame(&self) -> &[u8] {
        &self.buf[self.start..]
    }

    /// The buffer, to be filled anew.
    pub fn into_buf(self) -> Vec<u8> {
        self.buf
    }

    /// What flows can match of it.
    #[inline]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whether a flow with this match takes it; `None` where the match has a field that no flow can
    /// match here.
    pub fn fits(&self, matched: &Match) -> Option<bool> {
        Some(Pattern::new(matched).ok()?.fits(&self.key))
    }

    /// The port on which it came in.
    #[inline]
    pub fn in_port(&self) -> PortNo {
        PortNo(self.key.get(FieldId::InPort) as u32)
    }

    /// The metadata register.
    #[inline]
    pub fn metadata(&self) -> u64 {
        self.key.get(FieldId::Metadata) as u64
    }

    /// Metadata of the tunnel that it is of.
    pub fn tunnel(&self) -> u64 {
        self.key.get(FieldId::TunnelId) as u64
    }

    /// Whether it is an IP packet, with or without VLAN tags.
    pub(super) fn is_ip(&self) -> bool {
        self.layout.ipv4 != 0 || self.layout.ipv6 != 0
    }

    /// Its length in bytes without its outermost VLAN tag.
    pub(super) fn len_untagged(&self) -> usize {
        self.frame().len() - if self.layout.vlan != 0 { 4 } else { 0 }
    }

    /// The flags of TCP, where it has them.
    pub(super) fn tcp_flags(&self) -> Option<u16> {
        let at = self.transport_of(6)?;
        Some(u16::from_be_bytes(self.read(at + 12)) & 0x0fff)
    }

    /// Whether it is a fragment of an IP packet.
    pub fn is_fragment(&self) -> bool {
        self.layout.fragment
    }

    /// The queue for its outputs.
    pub fn queue(&self) -> Option<QueueId> {
        self.queue
    }

    pub(super) fn set_queue(&mut self, queue: Option<QueueId>) {
        self.queue = queue;
    }

    pub(super) fn set_metadata(&mut self, value: u64) {
        self.key.set(FieldId::Metadata, value.into());
    }

    #[inline]
    fn frame_mut(&mut self) -> &mut [u8] {
        &mut self.buf[self.start..]
    }

    /// Reads the frame anew.
    #[inline]
    fn parse(&mut self) {
        self.key.clear_headers();
        self.layout = parse::parse(&self.buf[self.start..], &mut self.key);
    }

    /// Makes room of `len` bytes in front of the byte at `at`; what they hold is not said.
    fn insert(&mut self, at: usize, len: usize) -> Result<(), TooLong> {
        if self.frame().len() + len > FRAME_MAX {
            return Err(TooLong);
        }
        if self.start < len {
            let more = HEADROOM.max(len);
            self.buf.splice(..0, std::iter::repeat_n(0, more));
            self.start += more;
        }
        let old = self.start;
        self.start -= len;
        self.buf.copy_within(old..old + at, self.start);
        Ok(())
    }

    /// Takes out `len` bytes from `at` on.
    fn remove(&mut self, at: usize, len: usize) {
        self.buf.copy_within(self.start..self.start + at, self.start + len);
        self.start += len;
    }

    fn read<const N: usize>(&self, at: usize) -> [u8; N] {
        self.frame().get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.frame_mut().get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet").field("in_port", &self.in_port()).field("frame", &self.frame()).finish()
    }
}
