//! One direction of a TCP connection: segments in, messages out.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::Content;
use super::segment::Segment;
use crate::frame::{self, HEADER_LEN, Header};

/// Bytes that wait for a lost segment, at most: TCP's window is hardly ever larger.
const WAITING_MAX: usize = 4 << 20;
/// What a segment counts for among them besides its bytes, so that empty ones do not wait for nothing.
const SEGMENT_COST: usize = 64;
/// Version byte of OpenFlow 1.5, the highest there is, and the highest type of a message in any version.
const VERSION_MAX: u8 = 6;
const TYPE_MAX: u8 = 35;

/// Puts segments in order and splits what they carry into messages.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Where the bytes in order end; `None` before the first segment.
    end: Option<End>,
    /// Bytes in order of which no message was made yet; it starts where a message starts.
    ready: BytesMut,
    /// Segments that came early, by position.
    early: BTreeMap<u64, Bytes>,
    waiting: usize,
    /// Whether it is not known where the next message starts.
    astray: bool,
    /// Bytes lost since the last message.
    lost: u64,
}

/// A place in the stream: as a sequence number, which wraps, and as a position, which does not.
#[derive(Clone, Copy, Debug)]
struct End {
    sequence: u32,
    position: u64,
}

impl Stream {
    /// Takes a segment; what it completes goes to `out`.
    pub(super) fn push(&mut self, segment: &Segment<'_>, out: &mut Vec<Content>) {
        if segment.syn {
            // Perhaps another connection between the same ends: what the last one left open stays so.
            self.finish(out);
            let end = End { sequence: segment.sequence.wrapping_add(1), position: 0 };
            *self = Stream { end: Some(end), ..Stream::default() };
            return self.append(segment.payload, out);
        }
        let end = *self.end.get_or_insert_with(|| {
            self.astray = true;
            End { sequence: segment.sequence, position: 0 }
        });
        // The distance of two sequence numbers has a sign (RFC 9293 §3.4).
        let distance = segment.sequence.wrapping_sub(end.sequence).cast_signed();
        if let Ok(ahead @ 1..) = u64::try_from(distance) {
            return self.wait(end.position + ahead, segment.payload, out);
        }
        let known = usize::try_from(distance.unsigned_abs()).unwrap_or(usize::MAX);
        self.append(segment.payload.get(known..).unwrap_or_default(), out);
        self.append_waiting(out);
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self, out: &mut Vec<Content>) {
        while !self.early.is_empty() {
            self.skip(out);
        }
        self.lose_rest();
        self.tell_lost(out);
    }

    /// Bytes that it has taken for those in order.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.ready.capacity()
    }

    fn wait(&mut self, position: u64, payload: &[u8], out: &mut Vec<Content>) {
        let known = self.early.get(&position).map_or(0, Bytes::len);
        if payload.len() > known {
            let shorter = self.early.insert(position, Bytes::copy_from_slice(payload));
            self.waiting += payload.len() + SEGMENT_COST;
            self.waiting -= shorter.map_or(0, |shorter| shorter.len() + SEGMENT_COST);
        }
        while self.waiting > WAITING_MAX && !self.early.is_empty() {
            self.skip(out);
        }
    }

    /// Takes what had come early and now is in order.
    fn append_waiting(&mut self, out: &mut Vec<Content>) {
        while let (Some(end), Some(first)) = (self.end, self.early.first_entry()) {
            if *first.key() > end.position {
                return;
            }
            let (position, payload) = first.remove_entry();
            self.waiting -= payload.len() + SEGMENT_COST;
            let known = usize::try_from(end.position - position).unwrap_or(usize::MAX);
            self.append(payload.get(known..).unwrap_or_default(), out);
        }
    }

    /// Gives up what is missing in front of the first segment that waits.
    fn skip(&mut self, out: &mut Vec<Content>) {
        if let (Some(end), Some((&position, _))) = (&mut self.end, self.early.first_key_value()) {
            let gap = position.saturating_sub(end.position);
            end.position += gap;
            // Distances are below 2^31.
            end.sequence = end.sequence.wrapping_add(u32::try_from(gap).unwrap_or(u32::MAX));
            self.lost += gap;
            self.lose_rest();
            self.astray = true;
        }
        self.append_waiting(out);
    }

    fn append(&mut self, bytes: &[u8], out: &mut Vec<Content>) {
        if let Some(end) = &mut self.end {
            end.sequence = end.sequence.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            end.position += bytes.len() as u64;
        }
        if self.astray && !bytes.is_empty() {
            // Most messages start where a segment does.
            if !could_be_messages(bytes) {
                self.lost += bytes.len() as u64;
                return;
            }
            self.astray = false;
        }
        self.ready.extend_from_slice(bytes);
        self.split(out);
    }

    fn split(&mut self, out: &mut Vec<Content>) {
        loop {
            // Not before it is whole: frame::next makes room for what a header promises, which a thousand connections
            // may do that never go on.
            let promised = Header::parse(&self.ready).map_or(0, |header| usize::from(header.length));
            if promised > self.ready.len() {
                return;
            }
            match frame::next(&mut self.ready) {
                Ok(Some(message)) => {
                    self.tell_lost(out);
                    out.push(Content::Message(message));
                }
                Ok(None) => return,
                Err(_) => {
                    self.lose_rest();
                    self.astray = true;
                    return;
                }
            }
        }
    }

    fn lose_rest(&mut self) {
        self.lost += self.ready.len() as u64;
        self.ready.clear();
    }

    fn tell_lost(&mut self, out: &mut Vec<Content>) {
        if self.lost > 0 {
            out.push(Content::Lost(std::mem::take(&mut self.lost)));
        }
    }
}

/// Whether headers of messages stand where they should, as far as these bytes go.
fn could_be_messages(mut bytes: &[u8]) -> bool {
    while let Ok(header) = Header::parse(bytes) {
        let plausible = (1..=VERSION_MAX).contains(&header.version) && header.msg_type <= TYPE_MAX;
        if !plausible || usize::from(header.length) < HEADER_LEN {
            return false;
        }
        bytes = bytes.get(usize::from(header.length)..).unwrap_or_default();
    }
    bytes.first().is_none_or(|version| (1..=VERSION_MAX).contains(version))
}
