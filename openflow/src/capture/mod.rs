//! Messages out of a packet capture: pcap or pcapng, TCP put together again.
//!
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::Message;
//! use openflow::capture::{Capture, Content, PORTS};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = include_bytes!("../../tests/golden/ovs_session.pcap");
//! for seen in Capture::read(file, &PORTS)? {
//!     let seen = seen?;
//!     if let Content::Message(frame) = seen.content {
//!         println!("{} > {}: {:?}", seen.from, seen.to, Message::decode(frame)?);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod packets;
mod segment;
mod stream;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use packets::Packets;
use segment::Segment;
use stream::Stream;

/// The TCP ports that OpenFlow has: IANA's, and the one in use before (OF 1.3.5 §6.3.1).
pub const PORTS: [u16; 2] = [6653, 6633];

/// Something seen on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When the packet that completed it was captured, since the Unix epoch.
    pub time: Duration,
    /// Who sent it.
    pub from: SocketAddr,
    /// Who received it.
    pub to: SocketAddr,
    /// What it is.
    pub content: Content,
}

/// What was seen on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A whole message, for [`crate::Message::decode`].
    Message(Bytes),
    /// So many bytes are not in the capture, or are no message.
    Lost(u64),
}

/// What makes a capture unreadable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// Neither pcap nor pcapng.
    #[error(
        "this is no capture file: it starts with {start}; expected pcap or pcapng, as tcpdump -w writes them"
    )]
    Magic {
        /// The first bytes, in hex.
        start: String,
    },
    /// The file breaks off in the middle of a packet.
    #[error("the capture breaks off at byte {offset}, in the middle of a packet")]
    CutOff {
        /// Where in the file, bytes.
        offset: usize,
    },
    /// The file is not what its format wants.
    #[error("the capture is damaged at byte {offset}: {reason}")]
    Damaged {
        /// Where in the file, bytes.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// Packets of a link layer that this crate does not read.
    #[error(
        "packets of link type {link_type} are not read; capture on an Ethernet, loopback or \"any\" interface"
    )]
    LinkType {
        /// Its number among the link types of tcpdump.
        link_type: u32,
    },
}

/// Reads the messages of a capture, in the order in which they were complete.
///
/// A connection whose beginning is not in the capture is read from the first segment that starts with a message. What
/// came twice is read once; what came out of order is put in order.
#[derive(Debug)]
pub struct Capture<'a> {
    packets: Packets<'a>,
    ports: Vec<u16>,
    streams: HashMap<(SocketAddr, SocketAddr), Stream>,
    seen: VecDeque<Seen>,
    time: Duration,
}

impl<'a> Capture<'a> {
    /// A reader of the TCP connections with one of these ports at either end.
    ///
    /// # Errors
    /// [`CaptureError::Magic`] when the file is no capture.
    pub fn read(file: &'a [u8], ports: &[u16]) -> Result<Self, CaptureError> {
        Ok(Capture {
            packets: Packets::new(file)?,
            ports: ports.to_vec(),
            streams: HashMap::new(),
            seen: VecDeque::new(),
            time: Duration::ZERO,
        })
    }

    /// Whether these bytes start as a capture does.
    pub fn looks_like(file: &[u8]) -> bool {
        packets::looks_like(file)
    }

    fn segment(&mut self, segment: &Segment<'_>) {
        if !self.ports.contains(&segment.from.port()) && !self.ports.contains(&segment.to.port()) {
            return;
        }
        let mut contents = Vec::new();
        self.streams.entry((segment.from, segment.to)).or_default().push(segment, &mut contents);
        self.tell((segment.from, segment.to), contents);
    }

    /// No more packets: what waits for a lost segment waits in vain.
    fn finish(&mut self) {
        let mut streams: Vec<_> = self.streams.drain().collect();
        streams.sort_by_key(|(ends, _)| *ends);
        for (ends, mut stream) in streams {
            let mut contents = Vec::new();
            stream.finish(&mut contents);
            self.tell(ends, contents);
        }
    }

    fn tell(&mut self, (from, to): (SocketAddr, SocketAddr), contents: Vec<Content>) {
        let time = self.time;
        self.seen.extend(contents.into_iter().map(|content| Seen { time, from, to, content }));
    }
}

impl Iterator for Capture<'_> {
    type Item = Result<Seen, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return Some(Ok(seen));
            }
            match self.packets.next() {
                Some(Ok(packet)) => {
                    self.time = packet.time;
                    match Segment::parse(packet.link_type, packet.data) {
                        Ok(Some(segment)) => self.segment(&segment),
                        Ok(None) => {}
                        Err(error) => return Some(Err(error)),
                    }
                }
                Some(Err(error)) => return Some(Err(error)),
                None if self.streams.is_empty() => return None,
                None => self.finish(),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a failed test may panic")]
mod tests;
