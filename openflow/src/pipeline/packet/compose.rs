//! A frame from the fields of a match: what `ovs-ofctl compose-packet` makes of it.

use thiserror::Error;

use super::checksum::{crc32c, fold};
use super::parse::{ARP, ICMP, ICMPV6, IPV4, IPV6, MPLS, SCTP, TCP, UDP};
use crate::oxm::FieldId as F;
use crate::oxm::{FieldId, Match, OxmField, VlanVid};

const ETHERNET: usize = 14;
const TPID: u16 = 0x8100;
/// Time to live, hop limit and the TTL of labels where the match says none.
const TTL: u8 = 64;
/// Bits of `nw_frag` (`ovs-fields(7)`): a fragment; one that is not the first.
const FRAGMENT: u128 = 1;
const LATER: u128 = 2;
/// Where Open vSwitch lets a later fragment begin, in units of 8 bytes.
const LATER_OFFSET: u16 = 100;
/// Neighbour solicitation and advertisement (RFC 4861 §4.3, §4.4).
const DISCOVERY: [u128; 2] = [135, 136];

/// What a frame can have of a match.
const IN_FRAME: [FieldId; 40] = [
    F::EthDst,
    F::EthSrc,
    F::EthType,
    F::VlanVid,
    F::VlanPcp,
    F::IpDscp,
    F::IpEcn,
    F::IpProto,
    F::NwTtl,
    F::IpFrag,
    F::Ipv4Src,
    F::Ipv4Dst,
    F::TcpSrc,
    F::TcpDst,
    F::TcpFlags,
    F::UdpSrc,
    F::UdpDst,
    F::SctpSrc,
    F::SctpDst,
    F::Icmpv4Type,
    F::Icmpv4Code,
    F::ArpOp,
    F::ArpSpa,
    F::ArpTpa,
    F::ArpSha,
    F::ArpTha,
    F::Ipv6Src,
    F::Ipv6Dst,
    F::Ipv6Flabel,
    F::Icmpv6Type,
    F::Icmpv6Code,
    F::Ipv6NdTarget,
    F::Ipv6NdSll,
    F::Ipv6NdTll,
    F::MplsLabel,
    F::MplsTc,
    F::MplsBos,
    F::MplsTtl,
    // Not in the frame, and of no matter to it.
    F::InPort,
    F::InPhyPort,
];

/// Why a match makes no frame (`ovs-ofctl(8)`, `compose-packet`).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ComposeError {
    /// A field with a mask: many packets have it, and one is wanted.
    #[error("{0}: a packet has one value there; leave out the mask")]
    Masked(OxmField),
    /// A field that no frame has, such as a register, or that is not written here, such as PBB's.
    #[error("{0}: no packet can be made with it")]
    NotInFrame(OxmField),
    /// Nothing says what the frame holds.
    #[error("nothing says what is in the packet; begin with ip, tcp, arp or another protocol, or dl_type")]
    NoEthType,
    /// A fragment of an IPv6 packet.
    #[error("fragments of IPv6 are not made")]
    Ipv6Fragment,
    /// The payload does not fit into a packet of 65535 bytes.
    #[error("a payload of {0} bytes does not fit into the packet")]
    TooLong(usize),
}

/// Makes the frame that has these fields, lengths and checksums right, `payload` behind its headers.
///
/// What the match does not say is zero, but for the TTL, which is 64, and the bottom of a label stack.
/// `in_port` is left alone. The frame is not filled up to Ethernet's 60 bytes.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::pipeline::compose;
/// use openflow::text::{Frame, Parser};
/// let fields = Parser::new().matching("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_dst=53")?;
/// let frame = compose(&fields, b"hello")?;
/// assert_eq!(frame.len(), 14 + 20 + 8 + 5);
/// assert!(Frame(&frame).to_string().starts_with("udp,vlan_tci=0x0000,"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A field that a frame cannot have, or has in many ways; too long a payload.
pub fn compose(matched: &Match, payload: &[u8]) -> Result<Vec<u8>, ComposeError> {
    if payload.len() > super::FRAME_MAX {
        return Err(ComposeError::TooLong(payload.len()));
    }
    for field in matched {
        if field.id().is_none_or(|id| !IN_FRAME.contains(&id)) {
            return Err(ComposeError::NotInFrame(field));
        }
        if !is_one_value(&field) {
            return Err(ComposeError::Masked(field));
        }
    }
    let fields = Fields(matched);
    let Some(OxmField::EthType(eth_type)) = matched.get(F::EthType) else {
        return Err(ComposeError::NoEthType);
    };
    let mut frame = Vec::with_capacity(ETHERNET + 64 + payload.len());
    fields.put(&mut frame, F::EthDst, 6);
    fields.put(&mut frame, F::EthSrc, 6);
    let vid = fields.get(F::VlanVid) as u16;
    if vid & VlanVid::PRESENT.0 != 0 {
        let tci = vid & 0x0fff | (fields.get(F::VlanPcp) as u16) << 13;
        frame.extend_from_slice(&TPID.to_be_bytes());
        frame.extend_from_slice(&tci.to_be_bytes());
    }
    frame.extend_from_slice(&eth_type.to_be_bytes());
    match eth_type {
        IPV4 => fields.ipv4(&mut frame, payload)?,
        IPV6 => fields.ipv6(&mut frame, payload)?,
        kind if ARP.contains(&kind) => fields.arp(&mut frame),
        kind if MPLS.contains(&kind) => {
            fields.mpls(&mut frame);
            frame.extend_from_slice(payload);
        }
        _ => frame.extend_from_slice(payload),
    }
    if frame.len() > super::FRAME_MAX {
        return Err(ComposeError::TooLong(payload.len()));
    }
    Ok(frame)
}

/// Whether the field leaves a packet no choice. "Some tag" is one whose id is 0; of flags those are
/// clear of which nothing is said.
fn is_one_value(field: &OxmField) -> bool {
    let all = |id: FieldId| u128::MAX >> (u128::BITS - id.bits());
    match (field.id(), field.to_bits()) {
        (Some(F::VlanVid), Some((_, mask))) => {
            mask == u128::from(VlanVid::PRESENT.0) || mask & all(F::VlanVid) == all(F::VlanVid)
        }
        (Some(F::TcpFlags), _) => true,
        (Some(id), Some((_, mask))) => mask & all(id) == all(id),
        _ => false,
    }
}

struct Fields<'a>(&'a Match);

impl Fields<'_> {
    fn said(&self, id: FieldId) -> Option<u128> {
        self.0.get(id).and_then(|field| field.to_bits()).map(|(value, _)| value)
    }

    fn get(&self, id: FieldId) -> u128 {
        self.said(id).unwrap_or(0)
    }

    fn byte(&self, id: FieldId) -> u8 {
        self.get(id) as u8
    }

    fn ttl(&self, id: FieldId) -> u8 {
        self.said(id).map_or(TTL, |ttl| ttl as u8)
    }

    /// Appends the last `len` bytes of a field's value.
    fn put(&self, out: &mut Vec<u8>, id: FieldId, len: usize) {
        out.extend_from_slice(&self.get(id).to_be_bytes()[16 - len..]);
    }

    fn tos(&self) -> u8 {
        self.byte(F::IpDscp) << 2 | self.byte(F::IpEcn)
    }

    fn arp(&self, out: &mut Vec<u8>) {
        // Ethernet and IPv4 (RFC 826).
        out.extend_from_slice(&[0, 1, 8, 0, 6, 4]);
        for (id, len) in [(F::ArpOp, 2), (F::ArpSha, 6), (F::ArpSpa, 4), (F::ArpTha, 6), (F::ArpTpa, 4)] {
            self.put(out, id, len);
        }
    }

    /// One entry (RFC 3032 §2.1).
    fn mpls(&self, out: &mut Vec<u8>) {
        let bottom = self.said(F::MplsBos).unwrap_or(1) as u32;
        let (label, class) = (self.get(F::MplsLabel) as u32, self.get(F::MplsTc) as u32);
        let entry = label << 12 | class << 9 | bottom << 8 | u32::from(self.ttl(F::MplsTtl));
        out.extend_from_slice(&entry.to_be_bytes());
    }

    fn ipv4(&self, out: &mut Vec<u8>, payload: &[u8]) -> Result<(), ComposeError> {
        let at = out.len();
        let frag = self.get(F::IpFrag);
        out.extend_from_slice(&[0x45, self.tos(), 0, 0, 0, 0]);
        // More fragments follow (RFC 791 §3.1).
        let more = u16::from(frag & FRAGMENT != 0) << 13;
        let offset = if frag & LATER != 0 { LATER_OFFSET } else { 0 };
        out.extend_from_slice(&(more | offset).to_be_bytes());
        out.extend_from_slice(&[self.ttl(F::NwTtl), self.byte(F::IpProto), 0, 0]);
        self.put(out, F::Ipv4Src, 4);
        self.put(out, F::Ipv4Dst, 4);
        let transport = out.len();
        if frag & LATER == 0 {
            self.transport(out, payload, at + 12..transport);
        } else {
            out.extend_from_slice(payload);
        }
        let len = u16::try_from(out.len() - at).map_err(|_| ComposeError::TooLong(payload.len()))?;
        out[at + 2..at + 4].copy_from_slice(&len.to_be_bytes());
        let sum = !sum(&out[at..transport]);
        out[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
        Ok(())
    }

    fn ipv6(&self, out: &mut Vec<u8>, payload: &[u8]) -> Result<(), ComposeError> {
        if self.get(F::IpFrag) != 0 {
            return Err(ComposeError::Ipv6Fragment);
        }
        let at = out.len();
        let first = 6 << 28 | u32::from(self.tos()) << 20 | self.get(F::Ipv6Flabel) as u32 & 0xf_ffff;
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&[0, 0, self.byte(F::IpProto), self.ttl(F::NwTtl)]);
        self.put(out, F::Ipv6Src, 16);
        self.put(out, F::Ipv6Dst, 16);
        let transport = out.len();
        self.transport(out, payload, at + 8..transport);
        let len = u16::try_from(out.len() - transport).map_err(|_| ComposeError::TooLong(payload.len()))?;
        out[at + 4..at + 6].copy_from_slice(&len.to_be_bytes());
        Ok(())
    }

    /// The transport's header with its checksum, and the payload. `addresses` is where those of IP lie.
    fn transport(&self, out: &mut Vec<u8>, payload: &[u8], addresses: std::ops::Range<usize>) {
        let proto = self.byte(F::IpProto);
        let v6 = addresses.len() == 32;
        let at = out.len();
        let (checksum, pseudo) = match proto {
            TCP => {
                self.put(out, F::TcpSrc, 2);
                self.put(out, F::TcpDst, 2);
                out.extend_from_slice(&[0; 8]);
                let flags = 5 << 12 | self.get(F::TcpFlags) as u16 & 0x0fff;
                out.extend_from_slice(&flags.to_be_bytes());
                out.extend_from_slice(&[0; 6]);
                (16, true)
            }
            UDP => {
                self.put(out, F::UdpSrc, 2);
                self.put(out, F::UdpDst, 2);
                // What is too long for the field is too long for IP, too.
                let len = (8 + payload.len()) as u16;
                out.extend_from_slice(&len.to_be_bytes());
                out.extend_from_slice(&[0; 2]);
                (6, true)
            }
            SCTP => {
                self.put(out, F::SctpSrc, 2);
                self.put(out, F::SctpDst, 2);
                out.extend_from_slice(&[0; 8]);
                out.extend_from_slice(payload);
                let crc = crc32c([&out[at..], &[], &[]]);
                out[at + 8..at + 12].copy_from_slice(&crc.to_le_bytes());
                return;
            }
            ICMP if !v6 => {
                out.extend_from_slice(&[self.byte(F::Icmpv4Type), self.byte(F::Icmpv4Code)]);
                out.extend_from_slice(&[0; 6]);
                (2, false)
            }
            ICMPV6 if v6 => {
                out.extend_from_slice(&[self.byte(F::Icmpv6Type), self.byte(F::Icmpv6Code)]);
                out.extend_from_slice(&[0; 6]);
                if DISCOVERY.contains(&self.get(F::Icmpv6Type)) {
                    self.discovery(out);
                }
                (2, true)
            }
            _ => {
                out.extend_from_slice(payload);
                return;
            }
        };
        out.extend_from_slice(payload);
        let mut total = u32::from(sum(&out[at..]));
        if pseudo {
            // RFC 793 §3.1, RFC 8200 §8.1; a length beyond 16 bits is refused by the caller.
            total += u32::from(sum(&out[addresses])) + u32::from(proto) + (out.len() - at) as u32 % 0x1_0000;
        }
        let value = match (proto, !fold(total)) {
            (UDP, 0) => 0xffff,
            (_, value) => value,
        };
        out[at + checksum..at + checksum + 2].copy_from_slice(&value.to_be_bytes());
    }

    /// Target and options of neighbour discovery.
    fn discovery(&self, out: &mut Vec<u8>) {
        self.put(out, F::Ipv6NdTarget, 16);
        for (kind, id) in [(1, F::Ipv6NdSll), (2, F::Ipv6NdTll)] {
            if self.get(id) != 0 {
                out.extend_from_slice(&[kind, 1]);
                self.put(out, id, 6);
            }
        }
    }
}

/// The sum of 16-bit words, folded (RFC 1071).
fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    // At most 32768 words of 16 bits: no overflow.
    fold(words.sum())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::super::Packet;
    use super::*;
    use crate::ids::PortNo;
    use crate::text::Parser;

    fn fields(text: &str) -> Match {
        Parser::new().matching(text).unwrap()
    }

    #[test]
    fn frames_are_those_of_open_vswitch() {
        let golden = include_str!("../../../tests/golden/composed.txt");
        for line in golden.lines() {
            let [text, payload, frame] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let payload = if payload == "-" { Vec::new() } else { hex::decode(payload).unwrap() };
            let made = compose(&fields(text), &payload).unwrap();
            assert_eq!(hex::encode(made), frame, "{text}");
        }
        assert_eq!(golden.lines().count(), 22);
    }

    #[test]
    fn what_was_asked_for_is_read_back() {
        for text in [
            "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1,tp_dst=2,nw_tos=32",
            "udp6,ipv6_src=fd00::1,ipv6_dst=fd00::2,tp_src=5,tp_dst=6,dl_vlan=9,dl_vlan_pcp=2",
            "icmp6,icmp_type=135,nd_target=fd00::9,nd_sll=02:00:00:00:00:01",
            "arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,dl_dst=ff:ff:ff:ff:ff:ff",
            "mplsm,mpls_label=7,mpls_tc=1,mpls_bos=0",
        ] {
            let asked = fields(text);
            let frame = compose(&asked, b"odd").unwrap();
            let packet = Packet::new(&frame, PortNo(1));
            for field in &asked {
                let id = field.id().unwrap();
                assert_eq!(packet.key().get(id), field.to_bits().unwrap().0, "{text}: {field}");
            }
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for (text, complaint) in [
            ("ip,nw_dst=10.0.0.0/8", "nw_dst=10.0.0.0/8: a packet has one value there"),
            ("ip,reg0=5", "reg0=0x5: no packet can be made with it"),
            ("dl_vlan=5", "nothing says what is in the packet"),
            ("ipv6,nw_frag=first", "fragments of IPv6"),
        ] {
            let error = compose(&fields(text), &[]).unwrap_err().to_string();
            assert!(error.starts_with(complaint), "{text}: {error}");
        }
        let long = vec![0; 65536 - 28];
        assert_eq!(compose(&fields("udp"), &long), Err(ComposeError::TooLong(long.len())));
        assert_eq!(compose(&fields("udp"), &long[1..]).map(|frame| frame.len()), Ok(14 + 65535));
        let endless = vec![0; 1 << 20];
        for text in ["udp6", "dl_type=0x88b5", "tcp"] {
            assert_eq!(compose(&fields(text), &endless), Err(ComposeError::TooLong(1 << 20)), "{text}");
        }
    }
}
