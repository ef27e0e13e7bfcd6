//! Address resolution, read and made: ARP for IPv4 (RFC 826), neighbour discovery for IPv6 (RFC 4861).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use etherparse::PacketBuilder;
use openflow::MacAddr;

use super::{ARP, ICMPV6, IPV6, PacketIn, written};

/// Whether an address is asked for or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An ARP request, a neighbour solicitation.
    Question,
    /// An ARP reply, a neighbour advertisement.
    Answer,
}

/// One message of it, of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resolution {
    pub(crate) kind: Kind,
    /// Who sent it.
    pub(crate) sender: MacAddr,
    /// The address that the sender says it has; `None` where it has none yet (RFC 5227 §2.1.1, RFC 4862 §5.4.2).
    pub(crate) claim: Option<IpAddr>,
    /// The address that is asked for; in an answer of ARP who gets it.
    pub(crate) target: IpAddr,
}

/// Types of ICMPv6 (RFC 4861 §4.2 to §4.4).
pub(crate) const ROUTER_ADVERTISEMENT: u8 = 134;
pub(crate) const SOLICITATION: u8 = 135;
pub(crate) const ADVERTISEMENT: u8 = 136;
/// Routers must not have forwarded these (RFC 4861 §7.1).
const HOP_LIMIT: u8 = 255;

impl Resolution {
    /// What a packet asks or tells, if it is whole and of this kind.
    pub(crate) fn read(packet: &PacketIn) -> Option<Resolution> {
        let ethernet = packet.ethernet();
        match ethernet.ethertype {
            ARP => read_arp(packet.data.get(ethernet.header_len..)?),
            IPV6 => read_neighbour(packet.data.get(ethernet.header_len..)?, ethernet.src),
            _ => None,
        }
    }

    /// Whether an answer is wanted.
    pub(crate) fn is_question(&self) -> bool {
        self.kind == Kind::Question
    }

    /// The answer to a question: `mac` has the address that is asked for. `router` is for IPv6's router flag.
    pub(crate) fn answered(&self, mac: MacAddr, router: Router) -> Option<Bytes> {
        match (self.target, self.claim.unwrap_or(Ipv4Addr::UNSPECIFIED.into())) {
            (IpAddr::V4(target), IpAddr::V4(asker)) => {
                Some(arp(Kind::Answer, (mac, target), (self.sender, asker), self.sender))
            }
            (IpAddr::V6(target), IpAddr::V6(asker)) => {
                const SOLICITED: u8 = 0x40;
                const OVERRIDE: u8 = 0x20;
                let flags = SOLICITED | OVERRIDE | if router == Router::Yes { 0x80 } else { 0 };
                neighbour(ADVERTISEMENT, [flags, 0, 0, 0], (mac, target), (self.sender, asker), target)
            }
            _ => None,
        }
    }
}

/// Whether who answers is a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Router {
    Yes,
    No,
}

/// Asks who has `target`; `of` is asked alone, `None` is everybody. Both addresses must be of one family.
pub(crate) fn question(asker: (MacAddr, IpAddr), target: IpAddr, of: Option<MacAddr>) -> Option<Bytes> {
    match (asker.1, target) {
        (IpAddr::V4(ip), IpAddr::V4(target)) => {
            let nobody = MacAddr::default();
            Some(arp(Kind::Question, (asker.0, ip), (nobody, target), of.unwrap_or(MacAddr::BROADCAST)))
        }
        (IpAddr::V6(ip), IpAddr::V6(target)) => {
            let to = match of {
                Some(mac) => (mac, target),
                None => solicited(target),
            };
            neighbour(SOLICITATION, [0; 4], (asker.0, ip), to, target)
        }
        _ => None,
    }
}

/// The group of all that may have an address (RFC 4291 §2.7.1, RFC 2464 §7).
fn solicited(target: Ipv6Addr) -> (MacAddr, Ipv6Addr) {
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    (MacAddr([0x33, 0x33, 0xff, a, b, c]), group)
}

/// The bytes that ARP of IPv4 over Ethernet starts with (RFC 826).
const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];

fn read_arp(arp: &[u8]) -> Option<Resolution> {
    if !arp.starts_with(&ETHERNET_IPV4) {
        return None;
    }
    let kind = match arp.get(6..8)? {
        [0, 1] => Kind::Question,
        [0, 2] => Kind::Answer,
        _ => return None,
    };
    let address = |at: usize| Some(Ipv4Addr::from(*arp.get(at..)?.first_chunk::<4>()?));
    let (sender, claim, target) = (MacAddr(*arp.get(8..)?.first_chunk()?), address(14)?, address(24)?);
    let claim = (!claim.is_unspecified()).then_some(claim.into());
    Some(Resolution { kind, sender, claim, target: target.into() })
}

fn read_neighbour(ipv6: &[u8], src: MacAddr) -> Option<Resolution> {
    const HEADER: usize = 40;
    if (*ipv6.get(6)?, *ipv6.get(7)?) != (ICMPV6, HOP_LIMIT) {
        return None;
    }
    let address = |at: usize| Some(Ipv6Addr::from(*ipv6.get(at..)?.first_chunk::<16>()?));
    let (kind, target) = match *ipv6.get(HEADER)? {
        SOLICITATION => (Kind::Question, address(HEADER + 8)?),
        ADVERTISEMENT => (Kind::Answer, address(HEADER + 8)?),
        _ => return None,
    };
    let claim = if kind == Kind::Question { address(8)? } else { target };
    let usable = !claim.is_unspecified() && !claim.is_multicast();
    Some(Resolution { kind, sender: src, claim: usable.then_some(claim.into()), target: target.into() })
}

fn arp(kind: Kind, from: (MacAddr, Ipv4Addr), to: (MacAddr, Ipv4Addr), frame_to: MacAddr) -> Bytes {
    let operation = if kind == Kind::Question { 1 } else { 2 };
    [
        &frame_to.0[..],
        &from.0.0,
        &ARP.to_be_bytes(),
        &ETHERNET_IPV4,
        &[0, operation],
        &from.0.0,
        &from.1.octets(),
        &to.0.0,
        &to.1.octets(),
    ]
    .concat()
    .into()
}

/// A solicitation or an advertisement, with the option that tells the sender's link-layer address (RFC 4861 §4.6.1).
fn neighbour(
    kind: u8,
    flags: [u8; 4],
    from: (MacAddr, Ipv6Addr),
    to: (MacAddr, Ipv6Addr),
    target: Ipv6Addr,
) -> Option<Bytes> {
    let option = [if kind == SOLICITATION { 1 } else { 2 }, 1];
    let body = [&target.octets()[..], &option, &from.0.0].concat();
    let packet = PacketBuilder::ethernet2(from.0.0, to.0.0).ipv6(from.1.octets(), to.1.octets(), HOP_LIMIT);
    written(|out| packet.icmpv6_raw(kind, 0, flags).write(out, &body))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::packet;
    use super::*;

    const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

    /// `tcpdump -XX` of what Linux asks and answers (iputils' arping and ping, Linux 6.1).
    const ARP_REQUEST: &str =
        "ffffffffffff0200000000010806000108000604000102000000000 10a0000010000000000000a000002";
    const SOLICITS: &str = "3333ff000002 020000000001 86dd 60000000 0020 3aff fd000000000000000000000000000001 \
        ff0200000000000000000001ff000002 8700";

    #[test]
    fn arp_is_asked_as_linux_asks_and_read_back() {
        let asker = (MAC, "10.0.0.1".parse().unwrap());
        let frame = question(asker, "10.0.0.2".parse().unwrap(), None).unwrap();
        assert_eq!(hex(&frame), ARP_REQUEST.replace(' ', ""));
        let read = Resolution::read(&packet(frame)).unwrap();
        assert_eq!((read.kind, read.sender, read.claim), (Kind::Question, MAC, Some(asker.1)));
        let answer = read.answered(MacAddr([2, 0, 0, 0, 0, 2]), Router::No).unwrap();
        assert_eq!(answer[..6], MAC.0);
        let read = Resolution::read(&packet(answer)).unwrap();
        assert_eq!((read.kind, read.sender.0[5], read.claim), (Kind::Answer, 2, "10.0.0.2".parse().ok()));
    }

    #[test]
    fn a_neighbour_is_asked_as_linux_asks_and_read_back() {
        let asker = (MAC, "fd00::1".parse().unwrap());
        let frame = question(asker, "fd00::2".parse().unwrap(), None).unwrap();
        assert!(hex(&frame).starts_with(&SOLICITS.replace(' ', "")), "{}", hex(&frame));
        assert!(hex(&frame).ends_with("0101020000000001"), "its own address is an option");
        let read = Resolution::read(&packet(frame.clone())).unwrap();
        assert_eq!((read.claim, read.target), (Some(asker.1), "fd00::2".parse().unwrap()));
        let answer = read.answered(MacAddr([2, 0, 0, 0, 0, 2]), Router::Yes).unwrap();
        let read = Resolution::read(&packet(answer)).unwrap();
        assert_eq!((read.kind, read.sender.0[5], read.claim), (Kind::Answer, 2, "fd00::2".parse().ok()));
        let mut routed = frame.to_vec();
        routed[14 + 7] = 254;
        assert_eq!(Resolution::read(&packet(routed.into())), None, "it comes from another link");
    }

    #[test]
    fn a_cut_message_is_none() {
        for (asker, target) in [("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")] {
            let frame = question((MAC, asker.parse().unwrap()), target.parse().unwrap(), None).unwrap();
            let least = if asker.contains(':') { 14 + 40 + 24 } else { 14 + 28 };
            for cut in 14..least {
                assert_eq!(Resolution::read(&packet(frame.slice(..cut))), None, "{cut}");
            }
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
