//! What a node of the network says about packets: echo replies and errors of ICMP (RFC 792, RFC 1812) and ICMPv6
//! (RFC 4443).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use etherparse::{IpNumber, LaxNetSlice, PacketBuilder, TransportSlice};
use openflow::MacAddr;

use super::{PacketIn, written};

/// What is wrong with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its time to live is over.
    TimeExceeded,
    /// No route leads to its destination.
    NoRoute,
    /// Its destination does not answer.
    HostUnreachable,
    /// Nobody listens at its port.
    PortUnreachable,
}

impl Trouble {
    /// Type and code of RFC 792 and RFC 1812 §5.2.7.
    fn v4(self) -> (u8, u8) {
        match self {
            Trouble::TimeExceeded => (11, 0),
            Trouble::NoRoute => (3, 0),
            Trouble::HostUnreachable => (3, 1),
            Trouble::PortUnreachable => (3, 3),
        }
    }

    /// Type and code of RFC 4443 §3.
    fn v6(self) -> (u8, u8) {
        match self {
            Trouble::TimeExceeded => (3, 0),
            Trouble::NoRoute => (1, 0),
            Trouble::HostUnreachable => (1, 3),
            Trouble::PortUnreachable => (1, 4),
        }
    }
}

/// Hops that what we send may take.
const TTL: u8 = 64;
/// The whole error has no more bytes than any host must take: RFC 1812 §4.3.2.3, RFC 4443 §2.4 (c).
const MOST_V4: usize = 576;
const MOST_V6: usize = 1280;

/// The addresses of an IP packet, and its hops left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ip {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) ttl: u8,
}

impl Ip {
    /// `None` for what is no whole IP header.
    pub(crate) fn read(packet: &PacketIn) -> Option<Ip> {
        match packet.headers()?.net? {
            LaxNetSlice::Ipv4(ip) => {
                let ip = ip.header();
                let (src, dst) = (ip.source_addr().into(), ip.destination_addr().into());
                Some(Ip { src, dst, ttl: ip.ttl() })
            }
            LaxNetSlice::Ipv6(ip) => {
                let ip = ip.header();
                let (src, dst) = (ip.source_addr().into(), ip.destination_addr().into());
                Some(Ip { src, dst, ttl: ip.hop_limit() })
            }
            LaxNetSlice::Arp(_) => None,
        }
    }
}

/// The reply to an echo request, from who was asked; `None` where it is none. As a frame without a tag, back to where it
/// came from.
pub(crate) fn echo_reply(packet: &PacketIn, from: MacAddr) -> Option<Bytes> {
    let headers = packet.headers()?;
    let to = packet.ethernet().src;
    let frame = PacketBuilder::ethernet2(from.0, to.0);
    match (headers.net?, headers.transport?) {
        (LaxNetSlice::Ipv4(ip), TransportSlice::Icmpv4(icmp))
            if icmp.type_u8() == 8 && icmp.code_u8() == 0 =>
        {
            let (src, dst) = (ip.header().source(), ip.header().destination());
            let reply = frame.ipv4(dst, src, TTL).icmpv4_raw(0, 0, icmp.bytes5to8());
            written(|out| reply.write(out, icmp.payload()))
        }
        (LaxNetSlice::Ipv6(ip), TransportSlice::Icmpv6(icmp))
            if icmp.type_u8() == 128 && icmp.code_u8() == 0 =>
        {
            let (src, dst) = (ip.header().source(), ip.header().destination());
            let reply = frame.ipv6(dst, src, TTL).icmpv6_raw(129, 0, icmp.bytes5to8());
            written(|out| reply.write(out, icmp.payload()))
        }
        _ => None,
    }
}

/// Tells the sender of a packet what is wrong with it, from this node. `None` where nothing may be said of it: of errors,
/// of what was sent to many or by nobody in particular, and of all but the first fragment (RFC 1812 §4.3.2.7, RFC 4443
/// §2.4 (e)).
pub(crate) fn error(packet: &PacketIn, trouble: Trouble, from: (MacAddr, IpAddr)) -> Option<Bytes> {
    let ethernet = packet.ethernet();
    if ethernet.dst.is_multicast() {
        return None;
    }
    let headers = packet.headers()?;
    let whole = packet.data.get(ethernet.header_len..)?;
    let frame = PacketBuilder::ethernet2(from.0.0, ethernet.src.0);
    match (headers.net?, from.1) {
        (LaxNetSlice::Ipv4(ip), IpAddr::V4(node)) => {
            let header = ip.header();
            let is_error = header.protocol() == IpNumber::ICMP
                && !matches!(ip.payload().payload.first(), Some(0 | 8 | 13 | 14));
            let follows = header.fragments_offset().value() != 0;
            if is_error
                || follows
                || !is_somebody_v4(header.source_addr())
                || header.destination_addr().is_multicast()
            {
                return None;
            }
            let (kind, code) = trouble.v4();
            let told = &whole[..whole.len().min(usize::from(header.total_len())).min(MOST_V4 - 28)];
            let packet = frame.ipv4(node.octets(), header.source(), TTL);
            written(|out| packet.icmpv4_raw(kind, code, [0; 4]).write(out, told))
        }
        (LaxNetSlice::Ipv6(ip), IpAddr::V6(node)) => {
            let header = ip.header();
            // Types below 128 are errors (RFC 4443 §2.1).
            let payload = ip.payload();
            let is_error = payload.ip_number == IpNumber::IPV6_ICMP
                && payload.payload.first().is_none_or(|kind| *kind < 128);
            if is_error || !is_somebody_v6(header.source_addr()) || header.destination_addr().is_multicast() {
                return None;
            }
            let (kind, code) = trouble.v6();
            let length = 40 + usize::from(header.payload_length());
            let told = &whole[..whole.len().min(length).min(MOST_V6 - 48)];
            let packet = frame.ipv6(node.octets(), header.source(), TTL);
            written(|out| packet.icmpv6_raw(kind, code, [0; 4]).write(out, told))
        }
        _ => None,
    }
}

fn is_somebody_v4(address: Ipv4Addr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || address.is_broadcast())
}

fn is_somebody_v6(address: Ipv6Addr) -> bool {
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::packet;
    use super::*;
    use etherparse::{LaxSlicedPacket, SlicedPacket};

    const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const ROUTER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xfe]);

    macro_rules! frame {
        ($packet:expr, $payload:expr) => {
            written(|out| $packet.write(out, $payload)).expect("it fits")
        };
    }

    fn v4(src: [u8; 4]) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
        PacketBuilder::ethernet2(HOST, ROUTER.0).ipv4(src, [10, 0, 2, 1], 1)
    }

    fn node() -> (MacAddr, IpAddr) {
        (ROUTER, Ipv4Addr::new(10, 0, 1, 254).into())
    }

    #[test]
    fn an_error_quotes_the_packet_to_its_sender() {
        let bad = packet(frame!(v4([10, 0, 1, 1]).udp(5, 33434), &[7; 1000]));
        assert_eq!(Ip::read(&bad).unwrap().ttl, 1);
        let told = error(&bad, Trouble::TimeExceeded, node()).unwrap();
        assert_eq!(told.len(), 14 + MOST_V4);
        let headers = SlicedPacket::from_ethernet(&told).unwrap();
        let Some(TransportSlice::Icmpv4(icmp)) = headers.transport else { panic!("ICMP") };
        assert_eq!((icmp.type_u8(), icmp.code_u8()), (11, 0));
        let quoted = LaxSlicedPacket::from_ip(icmp.payload()).unwrap();
        let Some(TransportSlice::Udp(udp)) = quoted.transport else { panic!("UDP") };
        assert_eq!(udp.destination_port(), 33434);
        assert_eq!(told[..6], HOST);
        // The checksum over the whole message is that of no error.
        let sum = told[14 + 20..]
            .chunks(2)
            .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
        let sum = sum.fold(0, |sum, word| {
            let sum: u32 = sum + word;
            (sum & 0xffff) + (sum >> 16)
        });
        assert_eq!(sum, 0xffff);
    }

    #[test]
    fn nothing_is_said_of_errors_and_of_what_nobody_sent() {
        let of = |frame: Bytes| error(&packet(frame), Trouble::NoRoute, node());
        let echo = v4([10, 0, 1, 1]).icmpv4_echo_request(1, 2);
        assert!(of(frame!(echo, b"x")).is_some());
        let unreachable = v4([10, 0, 1, 1]).icmpv4_raw(3, 0, [0; 4]);
        assert_eq!(of(frame!(unreachable, &[0; 28])), None);
        for src in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255; 4]] {
            assert_eq!(of(frame!(v4(src).udp(1, 2), b"x")), None, "{src:?}");
        }
        let v6 = PacketBuilder::ethernet2(HOST, ROUTER.0).ipv6([0xfd; 16], [0xfc; 16], 1);
        let own = (ROUTER, "fd00::fe".parse().unwrap());
        let late = packet(frame!(v6.icmpv6_raw(3, 0, [0; 4]), b"x"));
        assert_eq!(error(&late, Trouble::NoRoute, own), None);
        // Cut anywhere, it is no packet or one of which little can be quoted, and never a panic.
        let whole = frame!(v4([10, 0, 1, 1]).udp(1, 2), b"x");
        for cut in 14..whole.len() {
            of(whole.slice(..cut));
        }
    }

    #[test]
    fn echoes_are_answered() {
        let asked = packet(frame!(v4([10, 0, 1, 1]).icmpv4_echo_request(7, 9), b"data"));
        let reply = echo_reply(&asked, ROUTER).unwrap();
        let headers = SlicedPacket::from_ethernet(&reply).unwrap();
        let Some(TransportSlice::Icmpv4(icmp)) = headers.transport else { panic!("ICMP") };
        assert_eq!((icmp.type_u8(), icmp.bytes5to8(), icmp.payload()), (0, [0, 7, 0, 9], &b"data"[..]));
        assert_eq!(echo_reply(&packet(reply.clone()), ROUTER), None);
    }
}
