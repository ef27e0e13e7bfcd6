//! The interfaces of a network: what the kernel is asked to make.

use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use openflow::MacAddr;

use crate::topology::Ipv4Net;

/// An interface to be.
#[derive(Debug, Clone)]
pub(crate) struct NewInterface {
    pub(crate) name: String,
    /// Its index, chosen by us, so that what follows need not ask for it.
    pub(crate) index: u32,
    pub(crate) mac: Option<MacAddr>,
    /// The bridge that it is a port of.
    pub(crate) bridge: Option<u32>,
}

/// Indices from here on are ours: the kernel's own choices in a new namespace start at 1 and
/// stay far below.
pub(crate) const FIRST_INDEX: u32 = 10_000;

impl NewInterface {
    fn message(&self) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = self.index;
        message.attributes.push(LinkAttribute::IfName(self.name.clone()));
        if let Some(mac) = self.mac {
            message.attributes.push(LinkAttribute::Address(mac.0.to_vec()));
        }
        message
    }

    fn message_up(&self) -> LinkMessage {
        let mut message = self.message();
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message
    }
}

/// A pair of virtual Ethernet interfaces (`veth(4)`): `here` in the namespace of the socket that
/// sends the request, and up; `there` in the namespace `target` (a descriptor; `None`: the same),
/// and down: the kernel refuses to set it up before the pair is whole. Made where it belongs,
/// not moved: moving waits for a grace period.
pub(crate) fn veth(here: &NewInterface, there: &NewInterface, target: Option<i32>) -> RouteNetlinkMessage {
    let mut peer = there.message();
    peer.attributes.extend(target.map(LinkAttribute::NetNsFd));
    let mut message = here.message_up();
    message.attributes.extend(here.bridge.map(LinkAttribute::Controller));
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    RouteNetlinkMessage::NewLink(message)
}

/// A Linux bridge, up.
pub(crate) fn bridge(interface: &NewInterface) -> RouteNetlinkMessage {
    let mut message = interface.message_up();
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]));
    RouteNetlinkMessage::NewLink(message)
}

/// Makes the interface a port of the bridge.
pub(crate) fn enslave(interface: u32, bridge: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = interface;
    message.attributes.push(LinkAttribute::Controller(bridge));
    RouteNetlinkMessage::SetLink(message)
}

/// Administratively up or down.
pub(crate) fn set_flags(interface: u32, flags: LinkFlags) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = interface;
    message.header.flags = flags;
    message.header.change_mask = LinkFlags::Up;
    RouteNetlinkMessage::SetLink(message)
}

/// Asks after one interface. Answering, the kernel first draws its conclusions from the state of
/// the cable (since Linux 6.8), which would otherwise wait for its link watch: up to a second.
pub(crate) fn look(interface: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = interface;
    RouteNetlinkMessage::GetLink(message)
}

/// Gives an interface an address.
pub(crate) fn address(interface: u32, net: Ipv4Net) -> RouteNetlinkMessage {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = net.prefix;
    message.header.index = interface;
    message.attributes = vec![
        AddressAttribute::Address(IpAddr::V4(net.address)),
        AddressAttribute::Local(IpAddr::V4(net.address)),
    ];
    // RFC 3021: the two addresses of a /31 are both hosts'.
    if net.prefix < 31 {
        message.attributes.push(AddressAttribute::Broadcast(net.broadcast()));
    }
    RouteNetlinkMessage::NewAddress(message)
}

/// An empty place for a neighbour, kept out of the kernel's garbage collection.
///
/// The kernel's neighbour table is one for all namespaces and holds 1024 entries
/// (`net.ipv4.neigh.default.gc_thresh3`, `arp(7)`): fifty hosts that ping each other at once
/// overflow it. Entries marked as learned from outside do not count. The address itself is still
/// resolved by ARP when the first packet wants it.
pub(crate) fn neighbour(interface: u32, address: Ipv4Addr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.ifindex = interface;
    message.header.flags = NeighbourFlags::ExtLearned;
    message.attributes = vec![NeighbourAttribute::Destination(NeighbourAddress::Inet(address))];
    message
}

/// Whether traffic can pass: the interface is up, so is the other end of its cable, and the
/// kernel has drawn its conclusions from that (a queue to send by, a bridge port that forwards),
/// which it does a little later.
pub(crate) fn carries(link: &LinkMessage) -> bool {
    link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running)
}
