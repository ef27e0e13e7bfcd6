//! The TCP segment in a captured packet.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};

use super::CaptureError;

/// One TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// Sequence number of the first byte, or of the SYN in front of it.
    pub(super) sequence: u32,
    /// The connection begins.
    pub(super) syn: bool,
    pub(super) payload: &'a [u8],
}

/// Link types of tcpdump (`pcap-linktype(7)`).
mod link {
    pub(super) const NULL: u32 = 0;
    pub(super) const ETHERNET: u32 = 1;
    pub(super) const RAW: u32 = 101;
    pub(super) const LOOP: u32 = 108;
    pub(super) const LINUX_SLL: u32 = 113;
    pub(super) const IPV4: u32 = 228;
    pub(super) const IPV6: u32 = 229;
    pub(super) const LINUX_SLL2: u32 = 276;
}

/// Bytes of the headers of Linux's "any" device: version 1 with the EtherType at its end, version 2 at its start.
const SLL_LEN: usize = 16;
const SLL2_LEN: usize = 20;
/// Bytes of the address family in front of packets of BSD's loopback.
const NULL_LEN: usize = 4;

impl<'a> Segment<'a> {
    /// The segment in a packet; `None` where there is no TCP in it, or only a fragment of IP.
    ///
    /// # Errors
    /// [`CaptureError::LinkType`] when the packet's first header is of a kind that is not read.
    pub(super) fn parse(link_type: u32, data: &'a [u8]) -> Result<Option<Self>, CaptureError> {
        let packet = match link_type {
            link::ETHERNET => LaxSlicedPacket::from_ethernet(data).ok(),
            link::RAW | link::IPV4 | link::IPV6 => LaxSlicedPacket::from_ip(data).ok(),
            link::NULL | link::LOOP => {
                data.get(NULL_LEN..).and_then(|data| LaxSlicedPacket::from_ip(data).ok())
            }
            link::LINUX_SLL => of_ether_type(data, SLL_LEN - 2, SLL_LEN),
            link::LINUX_SLL2 => of_ether_type(data, 0, SLL2_LEN),
            link_type => return Err(CaptureError::LinkType { link_type }),
        };
        Ok(packet.and_then(|packet| Segment::of(&packet)))
    }

    fn of(packet: &LaxSlicedPacket<'a>) -> Option<Self> {
        let (source, destination): (IpAddr, IpAddr) = match &packet.net {
            Some(LaxNetSlice::Ipv4(ip)) => {
                (ip.header().source_addr().into(), ip.header().destination_addr().into())
            }
            Some(LaxNetSlice::Ipv6(ip)) => {
                (ip.header().source_addr().into(), ip.header().destination_addr().into())
            }
            _ => return None,
        };
        let Some(TransportSlice::Tcp(tcp)) = &packet.transport else {
            return None;
        };
        Some(Segment {
            from: (source, tcp.source_port()).into(),
            to: (destination, tcp.destination_port()).into(),
            sequence: tcp.sequence_number(),
            syn: tcp.syn(),
            payload: tcp.payload(),
        })
    }
}

/// A packet behind a header of `len` bytes with an EtherType in it.
fn of_ether_type(data: &[u8], at: usize, len: usize) -> Option<LaxSlicedPacket<'_>> {
    let ether_type = EtherType(u16::from_be_bytes(*data.get(at..)?.first_chunk()?));
    Some(LaxSlicedPacket::from_ether_type(ether_type, data.get(len..)?))
}
