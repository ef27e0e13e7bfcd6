//! Packets that came to the controller, and their headers.

pub(crate) mod icmp;
pub(crate) mod resolution;

use std::ops::Deref;

use bytes::Bytes;
use etherparse::LaxSlicedPacket;
use openflow::oxm::VlanVid;
use openflow::{Action, Actions, MacAddr, OxmField, PacketOut, PortNo};

/// Ethertype of IPv4.
pub(crate) const IPV4: u16 = 0x0800;
/// Ethertype of ARP.
pub(crate) const ARP: u16 = 0x0806;
/// Ethertype of IPv6.
pub(crate) const IPV6: u16 = 0x86dd;
/// ICMPv6 among the protocols of IPv6.
pub(crate) const ICMPV6: u8 = 58;

/// The frame that `write` writes; `None` where it would have more than a packet can.
pub(crate) fn written<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Option<Bytes> {
    let mut frame = Vec::with_capacity(128);
    write(&mut frame).ok()?;
    Some(frame.into())
}

/// What puts a frame without a tag into a VLAN.
pub(crate) fn tagged(vlan: Option<u16>) -> Actions {
    match vlan {
        Some(id) => {
            let vid = OxmField::VlanVid(VlanVid::tagged(id).into());
            [Action::PushVlan(0x8100), Action::set(vid)].into()
        }
        None => Actions::new(),
    }
}

/// A frame without a tag, out of these ports into a VLAN.
pub(crate) fn out(frame: Bytes, vlan: Option<u16>, ports: &[PortNo]) -> PacketOut {
    let mut actions = tagged(vlan);
    ports.iter().for_each(|port| actions.push(Action::output(*port)));
    PacketOut::new(frame, actions)
}

/// The Ethernet header of a frame, behind one 802.1Q tag where there is one (IEEE 802.3 §3, 802.1Q §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// Destination address.
    pub dst: MacAddr,
    /// Source address.
    pub src: MacAddr,
    /// VLAN id, 0 to 4095, of the outer tag.
    pub vlan: Option<u16>,
    /// What is inside: 0x0800 IPv4, 0x0806 ARP, 0x86dd IPv6, 0x88cc LLDP …
    pub ethertype: u16,
    /// Bytes up to the payload.
    pub header_len: usize,
}

impl Ethernet {
    /// Reads the header; `None` where the frame is too short to have one.
    pub fn parse(frame: &[u8]) -> Option<Ethernet> {
        const VLAN: [u16; 2] = [0x8100, 0x88a8];
        let dst = MacAddr(*frame.first_chunk()?);
        let src = MacAddr(*frame.get(6..)?.first_chunk()?);
        let word = |at: usize| Some(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?));
        let outer = word(12)?;
        let (vlan, ethertype, header_len) =
            if VLAN.contains(&outer) { (Some(word(14)? & 0x0fff), word(16)?, 18) } else { (None, outer, 14) };
        Some(Ethernet { dst, src, vlan, ethertype, header_len })
    }
}

/// A packet-in, and the headers of its packet. Derefs to the message as it came.
#[derive(Clone, Debug)]
pub struct PacketIn {
    message: openflow::PacketIn,
    in_port: PortNo,
    ethernet: Ethernet,
}

impl PacketIn {
    /// `None` for a packet-in without an ingress port, which OF 1.3.5 §7.4.1 does not allow, or with no
    /// whole Ethernet header.
    pub(crate) fn new(message: openflow::PacketIn) -> Option<PacketIn> {
        let in_port = message.in_port()?;
        let ethernet = Ethernet::parse(&message.data)?;
        Some(PacketIn { message, in_port, ethernet })
    }

    /// The port on which the packet arrived.
    pub fn in_port(&self) -> PortNo {
        self.in_port
    }

    /// The Ethernet header.
    pub fn ethernet(&self) -> Ethernet {
        self.ethernet
    }

    /// All headers that are there, as far as the packet was sent along (a switch may send only its
    /// first bytes).
    pub fn headers(&self) -> Option<LaxSlicedPacket<'_>> {
        LaxSlicedPacket::from_ethernet(&self.message.data).ok()
    }
}

impl Deref for PacketIn {
    type Target = openflow::PacketIn;

    fn deref(&self) -> &openflow::PacketIn {
        &self.message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_with_and_without_a_tag() {
        let plain = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06, 9];
        let header = Ethernet::parse(&plain).expect("whole header");
        assert_eq!((header.vlan, header.ethertype, header.header_len), (None, 0x0806, 14));
        assert_eq!(header.src, MacAddr([2, 0, 0, 0, 0, 2]));
        let tagged = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0x00, 0x60, 0x0a, 0x86, 0xdd];
        let header = Ethernet::parse(&tagged).expect("whole header");
        assert_eq!((header.vlan, header.ethertype, header.header_len), (Some(10), 0x86dd, 18));
        for cut in 0..14 {
            assert_eq!(Ethernet::parse(&plain[..cut]), None);
        }
        assert_eq!(Ethernet::parse(&tagged[..17]), None);
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use openflow::{Match, PacketInReason, TableId};

    use super::*;

    /// A packet that came in by port 1.
    pub(crate) fn packet(data: Bytes) -> PacketIn {
        let (reason, match_) = (PacketInReason::Action, Match::new().in_port(PortNo(1)));
        let total_len = data.len() as u16;
        let (buffer, table, cookie) = (None, TableId(0), 0);
        PacketIn::new(openflow::PacketIn { buffer, total_len, reason, table, cookie, match_, data })
            .expect("whole")
    }
}
