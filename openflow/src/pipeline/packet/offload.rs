//! Packets that are not finished: hosts leave the transport's checksum, and cutting a long segment
//! into short ones, to the network card, and virtual wires pass such packets on as they are
//! (virtio 1.2 §5.1.6.2; Linux: `packet(7)`, `PACKET_VNET_HDR`).
//!
//! They go through the tables whole. Rewrites of addresses keep the unfinished checksum right, and
//! where a packet must be as it would be on a cable (for a controller) it is finished here.

use super::Packet;
use super::checksum::{fold, updated};

/// What is left to be done to a packet (virtio 1.2 §5.1.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offload {
    /// Where the transport's header starts, in bytes from the frame's start. All from there on is to
    /// be summed up.
    pub start: usize,
    /// Where in that header the checksum is; it holds the sum of the pseudo-header, not inverted.
    pub checksum: usize,
    /// How it is to be cut, if it is.
    pub cut: Option<Cut>,
}

/// How a packet is to be cut into several (virtio 1.2 §5.1.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// By what rules.
    pub kind: CutKind,
    /// Bytes of the transport's payload in each but the last.
    pub size: u16,
}

/// The transport of a packet that is to be cut (virtio 1.2 §5.1.6.2, `VIRTIO_NET_HDR_GSO_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutKind {
    /// TCP over IPv4.
    Tcp4,
    /// TCP over IPv6.
    Tcp6,
    /// UDP, each part a datagram of its own.
    Udp,
}

/// Distances from the frame's end, which stay as they are while headers come and go in front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unfinished {
    transport: usize,
    /// The IP header; of others nothing is cut.
    ip: Option<usize>,
    checksum: usize,
    cut: Option<Cut>,
}

/// Flags of TCP that only one of several segments has: the last, and the first (RFC 3168 §6.1.2).
const LAST_ONLY: u8 = 0x09;
const FIRST_ONLY: u8 = 0x80;

impl Packet {
    /// Says what is left to be done to the packet; nothing is where that makes no sense.
    #[must_use]
    pub fn offloaded(mut self, offload: Offload) -> Packet {
        let Offload { start, checksum, cut } = offload;
        let len = self.frame().len();
        let sound =
            start >= 14 && checksum >= 2 && start.checked_add(checksum + 2).is_some_and(|end| end <= len);
        if sound {
            let ip = self.layout.ipv4.max(self.layout.ipv6);
            let ip = (ip != 0 && ip < start).then(|| len - ip);
            let cut = cut.filter(|cut| cut.size > 0 && ip.is_some());
            self.unfinished = Some(Unfinished { transport: len - start, ip, checksum, cut });
        }
        self
    }

    /// What is left to be done to the packet as it is now.
    pub fn offload(&self) -> Option<Offload> {
        let Unfinished { transport, checksum, cut, .. } = self.unfinished?;
        Some(Offload { start: self.frame().len().checked_sub(transport)?, checksum, cut })
    }

    /// Whether the checksum of the transport that was read is the unfinished one.
    pub(super) fn is_unfinished(&self) -> bool {
        let start = self.offload().map(|offload| offload.start);
        start.is_some_and(|start| start == self.layout.transport)
    }

    /// The packet as it would be on a cable: one frame or several.
    pub fn finished(&self) -> Vec<Vec<u8>> {
        let (Some(unfinished), Some(offload)) = (self.unfinished, self.offload()) else {
            return vec![self.frame().to_vec()];
        };
        let cut = offload.cut.and_then(|cut| self.segments(cut, offload, unfinished.ip?));
        let mut frames = cut.unwrap_or_else(|| vec![self.frame().to_vec()]);
        for frame in &mut frames {
            finish(frame, offload.start, offload.checksum);
        }
        frames
    }

    /// The parts, their checksums unfinished still. `None` where nothing is to be cut.
    fn segments(&self, cut: Cut, offload: Offload, ip: usize) -> Option<Vec<Vec<u8>>> {
        let frame = self.frame();
        let ip = frame.len().checked_sub(ip)?;
        let header = match cut.kind {
            CutKind::Udp => 8,
            _ => usize::from(frame.get(offload.start + 12)? >> 4) * 4,
        };
        let (headers, payload) = frame.split_at_checked(offload.start + header)?;
        let parts = payload.chunks(cut.size.into());
        let last = parts.len().checked_sub(1).filter(|last| *last > 0)?;
        let whole = u16::try_from(frame.len() - offload.start).unwrap_or(u16::MAX);
        let make = |(n, part): (usize, &[u8])| {
            let mut out = [headers, part].concat();
            let length = (header + part.len()) as u16;
            let (lower, upper) = out.split_at_mut(offload.start);
            cut_ip(lower, ip, offload.start - ip, length, n as u16);
            match cut.kind {
                CutKind::Udp => upper[4..6].copy_from_slice(&length.to_be_bytes()),
                _ => {
                    let sequence = upper[4..8].first_chunk().copied().map_or(0, u32::from_be_bytes);
                    let sequence = sequence.wrapping_add(n as u32 * u32::from(cut.size));
                    upper[4..8].copy_from_slice(&sequence.to_be_bytes());
                    let cleared = if n == last { 0 } else { LAST_ONLY } | if n == 0 { 0 } else { FIRST_ONLY };
                    upper[13] &= !cleared;
                }
            }
            // The pseudo-header tells the length.
            let sum = &mut upper[offload.checksum..offload.checksum + 2];
            let old = u16::from_be_bytes([sum[0], sum[1]]);
            let new = !updated(!old, &whole.to_be_bytes(), &length.to_be_bytes());
            sum.copy_from_slice(&new.to_be_bytes());
            out
        };
        Some(parts.enumerate().map(make).collect())
    }
}

/// Length, identification and checksum of one part's IP header, which is `len` bytes long.
fn cut_ip(frame: &mut [u8], at: usize, len: usize, payload: u16, n: u16) {
    let Some(header) = frame.get_mut(at..) else { return };
    match header.first().map(|first| first >> 4) {
        Some(4) if header.len() >= 20 => {
            let total = (len as u16).wrapping_add(payload);
            let id = u16::from_be_bytes([header[4], header[5]]).wrapping_add(n);
            header[2..4].copy_from_slice(&total.to_be_bytes());
            header[4..6].copy_from_slice(&id.to_be_bytes());
            header[10..12].fill(0);
            let sum = !sum(header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        Some(6) if header.len() >= 40 => {
            let length = (len as u16).wrapping_sub(40).wrapping_add(payload);
            header[4..6].copy_from_slice(&length.to_be_bytes());
        }
        _ => {}
    }
}

/// Makes the checksum of all from `start` on, which holds the pseudo-header's sum.
fn finish(frame: &mut [u8], start: usize, checksum: usize) {
    let Some(transport) = frame.get_mut(start..) else { return };
    let sum = match !sum(transport) {
        // Zero says that there is none (RFC 768); for TCP the two are equal.
        0 => 0xffff,
        sum => sum,
    };
    if let Some(place) = transport.get_mut(checksum..checksum + 2) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
}

/// The sum of 16-bit words, in ones' complement (RFC 1071).
fn sum(data: &[u8]) -> u16 {
    let words = data.chunks(2).map(|word| u64::from(word[0]) << 8 | u64::from(*word.get(1).unwrap_or(&0)));
    let sum: u64 = words.sum();
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    fold(((sum & 0xffff) + (sum >> 16)) as u32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::ids::PortNo;
    use crate::oxm::FieldId;
    use etherparse::{PacketBuilder, TcpOptionElement};

    /// A TCP or UDP packet with this payload, as etherparse finishes it.
    fn built(six: bool, udp: bool, payload: &[u8], part: u16, flags: (bool, bool)) -> Vec<u8> {
        let mut out = Vec::new();
        let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let ip = if six {
            ethernet.ipv6([0x20; 16], [0xfe; 16], 64)
        } else {
            let mut header =
                etherparse::Ipv4Header::new(0, 64, etherparse::IpNumber::TCP, [10, 0, 0, 1], [10, 0, 0, 2])
                    .unwrap();
            header.identification = 7 + part;
            ethernet.ip(etherparse::IpHeaders::Ipv4(header, Default::default()))
        };
        if udp {
            ip.udp(1000, 2000).write(&mut out, payload).unwrap();
            return out;
        }
        let mut tcp = ip
            .tcp(1000, 2000, 0xffff_ff00u32.wrapping_add(u32::from(part) * 100), 500)
            .ack(9)
            .options(&[TcpOptionElement::Noop, TcpOptionElement::Noop, TcpOptionElement::Timestamp(1, 2)])
            .unwrap();
        if flags.0 {
            tcp = tcp.psh().fin();
        }
        if flags.1 {
            tcp = tcp.cwr();
        }
        tcp.write(&mut out, payload).unwrap();
        out
    }

    /// As a host leaves it: in place of the checksum the pseudo-header's sum.
    fn unfinished(mut frame: Vec<u8>, six: bool, udp: bool, cut: Option<u16>) -> Packet {
        let start = if six { 54 } else { 34 };
        let checksum = if udp { 6 } else { 16 };
        let addresses = if six { &frame[22..54] } else { &frame[26..34] };
        let proto = if udp { 17 } else { 6 };
        let length = ((frame.len() - start) as u16).to_be_bytes();
        let pseudo = sum(&[addresses, &[0, proto], &length].concat());
        frame[start + checksum..start + checksum + 2].copy_from_slice(&pseudo.to_be_bytes());
        let kind = match (udp, six) {
            (true, _) => CutKind::Udp,
            (false, true) => CutKind::Tcp6,
            (false, false) => CutKind::Tcp4,
        };
        let cut = cut.map(|size| Cut { kind, size });
        Packet::new(&frame, PortNo(1)).offloaded(Offload { start, checksum, cut })
    }

    fn payload() -> Vec<u8> {
        (0..=250).collect()
    }

    #[test]
    fn a_packet_is_finished_as_if_it_had_always_been() {
        for (six, udp) in [(false, false), (false, true), (true, false), (true, true)] {
            let whole = built(six, udp, &payload(), 0, (true, true));
            let packet = unfinished(whole.clone(), six, udp, None);
            assert_ne!(packet.frame(), whole);
            assert_eq!(packet.finished(), [whole]);
        }
    }

    #[test]
    fn a_packet_is_cut_as_if_it_had_come_in_parts() {
        for (six, udp) in [(false, false), (false, true), (true, false), (true, true)] {
            let packet = unfinished(built(six, udp, &payload(), 0, (true, true)), six, udp, Some(100));
            let parts: Vec<_> = payload()
                .chunks(100)
                .zip(0..)
                .map(|(part, n)| built(six, udp, part, n, (n == 2, n == 0)))
                .collect();
            assert_eq!(packet.finished(), parts, "{six} {udp}");
        }
    }

    #[test]
    fn rewrites_and_tags_leave_an_unfinished_checksum_right() {
        for (six, udp) in [(false, false), (false, true), (true, false), (true, true)] {
            let whole = built(six, udp, &payload(), 0, (false, false));
            let mut finished = Packet::new(&whole, PortNo(1));
            let mut packet = unfinished(whole, six, udp, None);
            for packet in [&mut finished, &mut packet] {
                let (src, dst) = if six {
                    (FieldId::Ipv6Src, FieldId::Ipv6Dst)
                } else {
                    (FieldId::Ipv4Src, FieldId::Ipv4Dst)
                };
                packet.set_field(src, 0x0a00_0063);
                packet.push_vlan(0x8100).unwrap();
                packet.set_field(dst, 0xac10_0001);
                packet.set_field(if udp { FieldId::UdpDst } else { FieldId::TcpDst }, 8080);
                packet.set_field(FieldId::IpDscp, 12);
                packet.dec_nw_ttl().unwrap();
                packet.push_mpls(0x8847).unwrap();
                packet.pop_mpls(if six { 0x86dd } else { 0x0800 });
            }
            assert_eq!(packet.offload().unwrap().start, if six { 58 } else { 38 });
            assert_eq!(packet.finished(), [finished.frame()], "{six} {udp}");
        }
    }

    #[test]
    fn nonsense_is_passed_on_as_it_is() {
        let frame = built(false, false, &payload(), 0, (false, false));
        let cut = Some(Cut { kind: CutKind::Tcp4, size: 0 });
        for (start, checksum) in [(0, 16), (34, 0), (5000, 16), (34, 5000), (usize::MAX, 2)] {
            let packet = Packet::new(&frame, PortNo(1)).offloaded(Offload { start, checksum, cut });
            assert_eq!((packet.offload(), packet.finished()), (None, vec![frame.clone()]));
        }
        // No part would be smaller than the whole, or the header ends behind the frame.
        for (at, size) in [(0x50, 1000), (0xf0, 1)] {
            let mut frame = built(false, false, &[1, 2], 0, (false, false));
            frame[46] = at;
            let cut = Some(Cut { kind: CutKind::Tcp4, size });
            let packet = Packet::new(&frame, PortNo(1)).offloaded(Offload { start: 34, checksum: 16, cut });
            assert_eq!(packet.finished().len(), 1);
        }
    }
}
