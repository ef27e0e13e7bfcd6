//! The interfaces of a network: what the kernel is asked to make.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::MacAddr;
use rtnetlink::packet_route::address::AddressHeaderFlags;
use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVeth, LinkFlags, LinkMessage};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{
    AddressMessageBuilder, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder,
};

use crate::topology::{Ipv4Net, Ipv6Net, Route};
use crate::view::LinkState;

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

/// Indices from here on are bridges'.
pub(crate) const FIRST_BRIDGE: u32 = 1 << 30;

impl NewInterface {
    /// What is said of any kind of interface.
    fn describe<T>(&self, builder: LinkMessageBuilder<T>) -> LinkMessageBuilder<T> {
        let builder = builder.index(self.index).name(self.name.as_str());
        match self.mac {
            Some(mac) => builder.address(mac.0.to_vec()),
            None => builder,
        }
    }
}

/// A pair of virtual Ethernet interfaces (`veth(4)`): `here` in the namespace of the socket that
/// sends the request, and up; `there` in the namespace `target` (a descriptor; `None`: the same),
/// and down: the kernel refuses to set it up before the pair is whole. Made where it belongs,
/// not moved: moving waits for a grace period.
pub(crate) fn veth(here: &NewInterface, there: &NewInterface, target: Option<i32>) -> RouteNetlinkMessage {
    let mut peer = there.describe(LinkMessageBuilder::<LinkUnspec>::new());
    if let Some(namespace) = target {
        peer = peer.setns_by_fd(namespace);
    }
    // LinkVeth's own peer has a name only.
    let kind = LinkMessageBuilder::<LinkVeth>::new_with_info_kind(InfoKind::Veth);
    let mut pair = here.describe(kind).up().set_info_data(InfoData::Veth(InfoVeth::Peer(peer.build())));
    if let Some(bridge) = here.bridge {
        pair = pair.controller(bridge);
    }
    RouteNetlinkMessage::NewLink(pair.build())
}

/// A Linux bridge, up.
pub(crate) fn bridge(interface: &NewInterface) -> RouteNetlinkMessage {
    let kind = LinkMessageBuilder::<LinkBridge>::new_with_info_kind(InfoKind::Bridge);
    RouteNetlinkMessage::NewLink(interface.describe(kind).up().build())
}

/// Makes the interface a port of the bridge.
pub(crate) fn enslave(interface: u32, bridge: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(interface).controller(bridge).build())
}

/// Deletes an interface, and with it the other end of its pair.
pub(crate) fn delete(interface: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::DelLink(LinkUnspec::new_with_index(interface).build())
}

/// Administratively up or down.
pub(crate) fn set_state(interface: u32, state: LinkState) -> LinkMessage {
    let builder = LinkUnspec::new_with_index(interface);
    match state {
        LinkState::Up => builder.up(),
        LinkState::Down => builder.down(),
    }
    .build()
}

/// Asks after one interface. Answering, the kernel first draws its conclusions from the state of
/// the cable (since Linux 6.8), which would otherwise wait for its link watch: up to a second.
pub(crate) fn look(interface: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkUnspec::new_with_index(interface).build())
}

/// Gives an interface an address.
pub(crate) fn address(interface: u32, net: Ipv4Net) -> RouteNetlinkMessage {
    let builder = AddressMessageBuilder::<Ipv4Addr>::new().index(interface);
    RouteNetlinkMessage::NewAddress(builder.address(net.address, net.prefix).build())
}

/// Gives an interface an IPv6 address that can be used at once: nobody else in the network has it, so the kernel need
/// not ask for a second whether somebody does (`IFA_F_NODAD`, RFC 4862 §5.4).
pub(crate) fn ipv6_address(interface: u32, net: Ipv6Net) -> RouteNetlinkMessage {
    let builder = AddressMessageBuilder::<Ipv6Addr>::new().index(interface);
    let mut message = builder.address(net.address, net.prefix).build();
    message.header.flags |= AddressHeaderFlags::Nodad;
    RouteNetlinkMessage::NewAddress(message)
}

/// A route of a host, by this interface of its.
pub(crate) fn route(interface: u32, route: Route) -> RouteNetlinkMessage {
    RouteNetlinkMessage::NewRoute(match route {
        Route::V4 { to, via } => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(to.address, to.prefix)
            .gateway(via)
            .output_interface(interface)
            .build(),
        Route::V6 { to, via } => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(to.address, to.prefix)
            .gateway(via)
            .output_interface(interface)
            .build(),
    })
}

/// An empty place for a neighbour, kept out of the kernel's garbage collection.
///
/// The kernel's neighbour table is one for all namespaces and holds 1024 entries
/// (`net.ipv4.neigh.default.gc_thresh3`, `arp(7)`): fifty hosts that ping each other at once
/// overflow it. Entries marked as learned from outside do not count. The address itself is still
/// resolved by ARP or NDP when the first packet wants it.
pub(crate) fn neighbour(interface: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    let (family, address) = match address {
        IpAddr::V4(address) => (AddressFamily::Inet, NeighbourAddress::Inet(address)),
        IpAddr::V6(address) => (AddressFamily::Inet6, NeighbourAddress::Inet6(address)),
    };
    message.header.family = family;
    message.header.ifindex = interface;
    message.header.flags = NeighbourFlags::ExtLearned;
    message.attributes = vec![NeighbourAttribute::Destination(address)];
    message
}

/// Whether traffic can pass: the interface is up, so is the other end of its cable, and the
/// kernel has drawn its conclusions from that (a queue to send by, a bridge port that forwards),
/// which it does a little later.
pub(crate) fn carries(link: &LinkMessage) -> bool {
    link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running)
}
