//! Reads a frame: its key, and where its headers lie (OF 1.3.5 §7.2.3.7, §7.2.3.8).
//!
//! A header that is cut short, or whose length is wrong, counts as not there, and with it all that
//! is behind it. Of MPLS and PBB the outermost header is read, of VLAN tags the outermost, and the
//! Ethernet type is the one behind all of them. The transport header of a fragment is not matched,
//! not even that of the first one (OF 1.3.5 §7.3.2: ports are zero).

use crate::oxm::FieldId as F;
use crate::pipeline::key::Key;

/// Ethernet types below this are lengths (IEEE 802.3).
const TYPE_MIN: u16 = 0x0600;
/// What stands for the type of a frame that has none (`ovs-fields(7)`, `eth_type`).
const NO_TYPE: u16 = 0x05ff;
const ETHERNET: usize = 14;

pub(super) const VLAN: [u16; 2] = [0x8100, 0x88a8];
pub(super) const MPLS: [u16; 2] = [0x8847, 0x8848];
pub(super) const PBB: u16 = 0x88e7;
pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const ARP: [u16; 2] = [0x0806, 0x8035];

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const ESP: u8 = 50;
const AUTHENTICATION: u8 = 51;
pub(super) const ICMPV6: u8 = 58;
const NO_NEXT: u8 = 59;
const DESTINATION: u8 = 60;
pub(super) const SCTP: u8 = 132;

/// Offsets of headers in the frame; 0 where there is no such header.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    /// The Ethernet type behind all VLAN tags; of a frame with SNAP the type there.
    pub(super) eth_type: usize,
    /// The outermost VLAN tag's control information.
    pub(super) vlan: usize,
    pub(super) mpls: usize,
    /// The PBB service tag.
    pub(super) pbb: usize,
    pub(super) arp: usize,
    pub(super) ipv4: usize,
    pub(super) ipv6: usize,
    /// The last "next header" of IPv6, or the protocol of IPv4.
    pub(super) proto: usize,
    /// The transport header, whole; not of later fragments.
    pub(super) transport: usize,
    /// Where the IP packet ends.
    pub(super) end: usize,
    /// Target of neighbour discovery, and the addresses of its options.
    pub(super) nd_target: usize,
    pub(super) nd_sll: usize,
    pub(super) nd_tll: usize,
    /// Any fragment, and one that is not the first.
    pub(super) fragment: bool,
    pub(super) later: bool,
    /// IPv6 with a routing header: the checksum is not made with the destination in the header.
    pub(super) routed: bool,
}

#[inline]
fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk().copied()
}

#[inline]
fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_be_bytes)
}

#[inline]
fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_be_bytes)
}

#[inline]
fn u48_at(data: &[u8], at: usize) -> Option<u64> {
    let [a, b, c, d, e, f] = array(data, at)?;
    Some(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

/// Reads a frame into a key whose headers are clear.
pub(super) fn parse(frame: &[u8], key: &mut Key) -> Layout {
    let mut layout = Layout::default();
    let mut reader = Reader { frame, key, layout: &mut layout };
    // What is cut short ends the reading, and what was read before stays.
    let _: Option<()> = reader.ethernet();
    layout
}

struct Reader<'a> {
    frame: &'a [u8],
    key: &'a mut Key,
    layout: &'a mut Layout,
}

impl Reader<'_> {
    fn ethernet(&mut self) -> Option<()> {
        let frame = self.frame;
        let header: [u8; ETHERNET] = array(frame, 0)?;
        self.key.put(F::EthDst, u48_at(&header, 0)?);
        self.key.put(F::EthSrc, u48_at(&header, 6)?);
        let mut at = 12;
        let mut kind = u16_at(&header, 12)?;
        // A tag is one if a type follows it.
        while VLAN.contains(&kind) {
            let (Some(tci), Some(next)) = (u16_at(frame, at + 2), u16_at(frame, at + 4)) else { break };
            if self.layout.vlan == 0 {
                self.layout.vlan = at + 2;
                self.key.put(F::VlanVid, u64::from(0x1000 | tci & 0x0fff));
                self.key.put(F::VlanPcp, u64::from(tci >> 13));
            }
            at += 4;
            kind = next;
        }
        if kind < TYPE_MIN {
            // IEEE 802.2 with a SNAP header (RFC 1042) has the type behind it.
            match (array(frame, at + 2), u16_at(frame, at + 8)) {
                (Some([0xaa, 0xaa, 3, 0, 0, 0]), Some(snap @ TYPE_MIN..)) => {
                    at += 8;
                    kind = snap;
                }
                _ => kind = NO_TYPE,
            }
        }
        self.layout.eth_type = at;
        self.key.put(F::EthType, kind.into());
        let at = at + 2;
        match kind {
            IPV4 => self.ipv4(at),
            IPV6 => self.ipv6(at),
            kind if ARP.contains(&kind) => self.arp(at),
            kind if MPLS.contains(&kind) => self.mpls(at),
            PBB => self.pbb(at),
            _ => None,
        }
    }

    fn mpls(&mut self, at: usize) -> Option<()> {
        let entry = u32_at(self.frame, at)?;
        self.layout.mpls = at;
        self.key.put(F::MplsLabel, u64::from(entry >> 12));
        self.key.put(F::MplsTc, u64::from(entry >> 9 & 7));
        self.key.put(F::MplsBos, u64::from(entry >> 8 & 1));
        Some(())
    }

    /// The tag and the customer's addresses behind it (IEEE 802.1Q §9.7).
    fn pbb(&mut self, at: usize) -> Option<()> {
        let [_, a, b, c, ..]: [u8; 16] = array(self.frame, at)?;
        self.layout.pbb = at;
        self.key.put(F::PbbIsid, u64::from(u32::from_be_bytes([0, a, b, c])));
        Some(())
    }

    fn arp(&mut self, at: usize) -> Option<()> {
        let body: [u8; 28] = array(self.frame, at)?;
        if !body.starts_with(&[0, 1, 8, 0, 6, 4]) {
            return None;
        }
        self.layout.arp = at;
        self.key.put(F::ArpOp, u16_at(&body, 6)?.into());
        self.key.put(F::ArpSha, u48_at(&body, 8)?);
        self.key.put(F::ArpSpa, u32_at(&body, 14)?.into());
        self.key.put(F::ArpTha, u48_at(&body, 18)?);
        self.key.put(F::ArpTpa, u32_at(&body, 24)?.into());
        Some(())
    }

    fn ipv4(&mut self, at: usize) -> Option<()> {
        let data = self.frame.get(at..)?;
        let header: [u8; 20] = array(data, 0)?;
        let length = usize::from(header[0] & 0xf) * 4;
        let total = usize::from(u16_at(&header, 2)?);
        if length < header.len() || data.get(..total)?.len() < length {
            return None;
        }
        let fragment = u16_at(&header, 6)?;
        self.layout.ipv4 = at;
        self.layout.proto = at + 9;
        self.layout.end = at + total;
        self.layout.fragment = fragment & 0x3fff != 0;
        self.layout.later = fragment & 0x1fff != 0;
        self.traffic_class(header[1]);
        self.key.put(F::IpProto, header[9].into());
        self.key.put(F::Ipv4Src, u32_at(&header, 12)?.into());
        self.key.put(F::Ipv4Dst, u32_at(&header, 16)?.into());
        self.transport(at + length, header[9])
    }

    fn traffic_class(&mut self, octet: u8) {
        self.key.put(F::IpDscp, u64::from(octet >> 2));
        self.key.put(F::IpEcn, u64::from(octet & 3));
    }

    fn ipv6(&mut self, at: usize) -> Option<()> {
        let data = self.frame.get(at..)?;
        let header: [u8; 40] = array(data, 0)?;
        let total = 40 + usize::from(u16_at(&header, 4)?);
        let data = data.get(..total)?;
        let first = u32_at(&header, 0)?;
        self.layout.ipv6 = at;
        self.layout.end = at + total;
        self.key.set(F::Ipv6Src, u128::from_be_bytes(array(&header, 8)?));
        self.key.set(F::Ipv6Dst, u128::from_be_bytes(array(&header, 24)?));
        let extensions = self.extensions(at, data);
        let Some((proto, payload)) = extensions else {
            // Nothing but the addresses is known where the headers are cut short.
            self.layout.later = true;
            return None;
        };
        self.traffic_class((first >> 20) as u8);
        self.key.put(F::Ipv6Flabel, u64::from(first & 0xf_ffff));
        self.key.put(F::IpProto, proto.into());
        self.transport(payload, proto)
    }

    /// Steps over the extension headers: the protocol behind them, and where it starts.
    fn extensions(&mut self, at: usize, data: &[u8]) -> Option<(u8, usize)> {
        let mut seen = Extensions::default();
        let mut proto = data[6];
        let mut offset = 40;
        self.layout.proto = at + 6;
        loop {
            seen.note(proto);
            let rest = data.get(offset..)?;
            let stated = |unit: usize, more: usize| Some((usize::from(*rest.get(1)?) + more) * unit);
            let length = match proto {
                FRAGMENT => 8,
                AUTHENTICATION => stated(4, 2)?,
                0 | ROUTING | DESTINATION => stated(8, 1)?,
                _ => break,
            };
            let [next, _, f0, f1, ..]: [u8; 8] = array(rest, 0)?;
            rest.get(length..)?;
            self.layout.proto = at + offset;
            self.layout.routed |= proto == ROUTING;
            offset += length;
            if proto == FRAGMENT {
                let position = u16::from_be_bytes([f0, f1]);
                self.layout.fragment |= position != 0;
                if position & 0xfff8 != 0 {
                    // What is in it belongs to no header: it is a fragment (`ovs-fields(7)`).
                    self.layout.later = true;
                    break;
                }
            }
            proto = next;
        }
        self.key.put(F::Ipv6Exthdr, seen.bits.into());
        Some((proto, at + offset))
    }

    fn transport(&mut self, at: usize, proto: u8) -> Option<()> {
        if self.layout.later {
            return None;
        }
        let data = self.frame.get(at..self.layout.end)?;
        let header: [u8; 8] = array(data, 0)?;
        let v6 = self.layout.ipv6 != 0;
        let (src, dst) = match proto {
            TCP => {
                let stated = usize::from(data.get(12)? >> 4) * 4;
                data.get(..stated).filter(|header| header.len() >= 20)?;
                (u16_at(&header, 0)?, u16_at(&header, 2)?)
            }
            UDP => (u16_at(&header, 0)?, u16_at(&header, 2)?),
            SCTP => {
                data.get(..12)?;
                (u16_at(&header, 0)?, u16_at(&header, 2)?)
            }
            ICMP if !v6 => (header[0].into(), header[1].into()),
            ICMPV6 if v6 => (header[0].into(), header[1].into()),
            _ => return None,
        };
        self.layout.transport = at;
        if self.layout.fragment {
            return None;
        }
        self.key.put(F::TcpSrc, src.into());
        self.key.put(F::TcpDst, dst.into());
        match (proto, header[0], header[1]) {
            (ICMPV6, 135 | 136, 0) => self.discovery(at, data),
            _ => None,
        }
    }

    /// Neighbour discovery (RFC 4861 §4.3, §4.4). Options that make no sense make the whole of it
    /// count as nothing.
    fn discovery(&mut self, at: usize, data: &[u8]) -> Option<()> {
        let target = array(data, 8)?;
        let mut found = [0; 2];
        let mut offset = 24;
        while let Some(option) = data.get(offset..).filter(|rest| rest.len() >= 8) {
            let length = usize::from(option[1]) * 8;
            if length == 0 || option.len() < length {
                return None;
            }
            if let (kind @ (1 | 2), 8) = (option[0], length) {
                let place = &mut found[usize::from(kind) - 1];
                // Twice is once too often; an address of zeros is as if it were not there.
                if *place != 0 && u48_at(data, *place)? != 0 {
                    return None;
                }
                *place = offset + 2;
            }
            offset += length;
        }
        self.layout.nd_target = at + 8;
        self.key.set(F::Ipv6NdTarget, u128::from_be_bytes(target));
        for (id, place, offset) in [
            (F::Ipv6NdSll, &mut self.layout.nd_sll, found[0]),
            (F::Ipv6NdTll, &mut self.layout.nd_tll, found[1]),
        ] {
            if offset != 0 {
                *place = at + offset;
                self.key.put(id, u48_at(data, offset)?);
            }
        }
        Some(())
    }
}

/// Which extension headers there are, as the pseudo-field says it (`OFPIEH_*`).
#[derive(Default)]
struct Extensions {
    bits: u16,
    /// Place of the last header in the order of RFC 8200 §4.1.
    place: u8,
}

impl Extensions {
    fn note(&mut self, proto: u8) {
        let (bit, place) = match proto {
            0 => (1 << 6, 1),
            ROUTING => (1 << 5, 3),
            FRAGMENT => (1 << 4, 4),
            AUTHENTICATION => (1 << 2, 5),
            ESP => (1 << 1, 6),
            // Destination options come before a routing header, or last.
            DESTINATION => (1 << 3, if self.place <= 2 && self.bits & 1 << 3 == 0 { 2 } else { 7 }),
            NO_NEXT => {
                self.bits |= 1;
                return;
            }
            _ => return,
        };
        // Destination options may be there twice: before a routing header and at the end.
        let again = self.bits & bit != 0 && !(proto == DESTINATION && place == 7 && self.place != 7);
        if again {
            self.bits |= 1 << 7;
        } else if place < self.place {
            self.bits |= 1 << 8;
        }
        self.bits |= bit;
        self.place = self.place.max(place);
    }
}
