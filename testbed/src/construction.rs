//! Making the namespaces and interfaces of a plan, in as few system calls as it takes.

use std::io;

use rtnetlink::packet_route::RouteNetlinkMessage;

use crate::error::Error;
use crate::fabric::{Fabric, quiet};
use crate::netlink::{Intent, Netlink};
use crate::offload::transmit_checksums_in_software;
use crate::sandbox::NetNs;
use crate::topology::{Node, Plan, PlannedEnd, SwitchKind};
use crate::view::LinkState;
use crate::wiring::{self, FIRST_INDEX, NewInterface};

/// The namespaces of the hosts, with a netlink socket in each for as long as they are furnished.
pub(crate) struct Construction {
    pub(crate) hosts: Vec<NetNs>,
    /// Where the shaped links' frames are taken from one end to the other, if there are such links.
    pub(crate) cable: Option<NetNs>,
    sockets: Vec<Netlink>,
    fabric_socket: Netlink,
}

/// A request and the words for its failure.
struct Step {
    what: String,
    request: RouteNetlinkMessage,
}

/// The index of an interface: `end` is 0 or 1.
pub(crate) fn interface_index(link: usize, end: usize) -> u32 {
    FIRST_INDEX + u32::try_from(2 * link + end).expect("a topology has at most 65536 nodes")
}

/// Makes it all. Blocks; nothing needs undoing after an error, since what was made belongs to
/// namespaces that are then let go, or to the fabric.
pub(crate) fn construct(fabric: &NetNs, plan: &Plan, kinds: &[SwitchKind]) -> Result<Construction, Error> {
    let open = || Netlink::open().map_err(Error::system("open", "a netlink socket"));
    let made = NetNs::create_many(fabric.thread(), plan.hosts.len(), |_| open())?;
    let (hosts, mut sockets): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    let mut fabric_socket = fabric.run_blocking(open)??;

    let cable = plan.shaped.iter().any(Option::is_some).then(|| cable(fabric)).transpose()?;

    let first_bridge = interface_index(plan.links.len(), 0);
    let bridge_of = |end: &PlannedEnd| match end.node {
        Node::Switch(i) if kinds[i] == SwitchKind::Bridge => {
            Some(first_bridge + u32::try_from(i).expect("as in interface_index"))
        }
        _ => None,
    };
    let mut in_fabric = Vec::with_capacity(plan.links.len());
    for (i, switch) in plan.switches.iter().enumerate() {
        if kinds[i] != SwitchKind::Bridge {
            continue;
        }
        in_fabric.push(Step {
            what: format!("bridge {}", switch.name),
            request: wiring::bridge(&NewInterface {
                name: switch.kernel_name.clone(),
                index: first_bridge + u32::try_from(i).expect("as in interface_index"),
                mac: None,
                bridge: None,
            }),
        });
    }
    let mut between_hosts = Vec::new();
    let mut in_cable = Vec::new();
    for (link, [a, b]) in plan.links.iter().enumerate() {
        let new = |end: &PlannedEnd, index| NewInterface {
            name: end.kernel_name.clone(),
            index,
            mac: end.mac,
            bridge: bridge_of(end),
        };
        let (new_a, new_b) = (new(a, interface_index(link, 0)), new(b, interface_index(link, 1)));
        let what = format!("link {} - {}", a.node_name, b.node_name);
        let host = |i: usize| Some(hosts[i].raw_fd());
        if let (Some((cable, _)), true) = (&cable, plan.shaped[link].is_some()) {
            for (end, new) in [(a, &new_a), (b, &new_b)] {
                let half = half(new);
                let what = what.clone();
                match end.node {
                    Node::Switch(_) => {
                        let request = wiring::veth(new, &half, Some(cable.raw_fd()));
                        in_fabric.push(Step { what, request });
                        in_cable.push(up(end, half.index));
                    }
                    Node::Host(i) => in_cable.push(Step { what, request: wiring::veth(&half, new, host(i)) }),
                }
            }
            continue;
        }
        match (a.node, b.node) {
            (Node::Switch(_), Node::Switch(_)) => {
                in_fabric.push(Step { what, request: wiring::veth(&new_a, &new_b, None) });
                // The request speaks for its own end only.
                in_fabric.push(up(b, new_b.index));
                in_fabric.extend(new_b.bridge.map(|bridge| Step {
                    what: format!("port {}", b.name),
                    request: wiring::enslave(new_b.index, bridge),
                }));
            }
            (Node::Switch(_), Node::Host(i)) => {
                in_fabric.push(Step { what, request: wiring::veth(&new_a, &new_b, host(i)) })
            }
            (Node::Host(i), Node::Switch(_)) => {
                in_fabric.push(Step { what, request: wiring::veth(&new_b, &new_a, host(i)) })
            }
            (Node::Host(i), Node::Host(j)) => {
                let request = wiring::veth(&new_a, &new_b, host(j));
                between_hosts.push((i, Step { what, request }));
            }
        }
    }
    perform(&mut fabric_socket, in_fabric)?;
    let (cable, mut cable_socket) = cable.unzip();
    if let Some(socket) = &mut cable_socket {
        perform(socket, in_cable)?;
    }
    for (host, step) in between_hosts {
        perform(&mut sockets[host], vec![step])?;
    }
    for (link, ends) in plan.links.iter().enumerate() {
        for (end, planned) in ends.iter().enumerate() {
            let Node::Host(i) = planned.node else {
                continue;
            };
            let index = interface_index(link, end);
            let requests = [
                planned.ipv4.map(|net| (net.to_string(), wiring::address(index, net))),
                planned.ipv6.map(|net| (net.to_string(), wiring::ipv6_address(index, net))),
            ];
            let step = |(net, request)| Step { what: format!("address {net} of {}", planned.name), request };
            let mut steps: Vec<_> = requests.into_iter().flatten().map(step).collect();
            steps.push(up(planned, index));
            perform(&mut sockets[i], steps)?;
        }
    }
    let settled = || Error::system::<io::Error>("use", "a netlink socket");
    let (mut in_fabric, mut in_cable) = (Vec::new(), Vec::new());
    for (link, ends) in plan.links.iter().enumerate() {
        for (end, planned) in ends.iter().enumerate() {
            let index = interface_index(link, end);
            if plan.shaped[link].is_some() {
                in_cable.push(index);
            }
            match planned.node {
                Node::Switch(_) => in_fabric.push(index),
                Node::Host(i) => sockets[i].settle(&[index]).map_err(settled())?,
            }
        }
    }
    fabric_socket.settle(&in_fabric).map_err(settled())?;
    if let Some(socket) = &mut cable_socket {
        socket.settle(&in_cable).map_err(settled())?;
    }
    Ok(Construction { hosts, cable, sockets, fabric_socket })
}

/// A namespace for the inner halves of shaped links, in which the kernel itself says nothing.
fn cable(fabric: &NetNs) -> Result<(NetNs, Netlink), Error> {
    let open = |_| {
        quiet();
        Netlink::open().map_err(Error::system("open", "a netlink socket"))
    };
    NetNs::create_many(fabric.thread(), 1, open)?.pop().ok_or(Error::Ended)
}

/// The inner half of an end of a shaped link.
fn half(end: &NewInterface) -> NewInterface {
    NewInterface { name: format!("half{}", end.index), index: end.index, mac: None, bridge: None }
}

impl Construction {
    /// Has those finish their checksums, and cut their segments, whose frames are read by a program: every host, where
    /// the switches are in userspace, and both ends of shaped links.
    pub(crate) fn checksums_in_software(&self, plan: &Plan, switches: bool) -> Result<(), Error> {
        for (ends, shaped) in plan.links.iter().zip(&plan.shaped) {
            for end in ends {
                let socket = match end.node {
                    Node::Host(i) if switches || shaped.is_some() => &self.sockets[i],
                    Node::Switch(_) if shaped.is_some() => &self.fabric_socket,
                    _ => continue,
                };
                transmit_checksums_in_software(socket, &end.kernel_name)
                    .map_err(Error::system("switch off checksum offload of", end.name.clone()))?;
            }
        }
        Ok(())
    }
}

fn up(end: &PlannedEnd, index: u32) -> Step {
    Step {
        what: end.name.clone(),
        request: RouteNetlinkMessage::SetLink(wiring::set_state(index, LinkState::Up)),
    }
}

fn perform(socket: &mut Netlink, steps: Vec<Step>) -> Result<(), Error> {
    let (names, requests): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .map(|step| {
            let intent = match step.request {
                RouteNetlinkMessage::SetLink(_) => Intent::Change,
                _ => Intent::Create,
            };
            (step.what, (intent, step.request))
        })
        .unzip();
    let results = socket.request_all(requests).map_err(Error::system("use", "a netlink socket"))?;
    for (what, result) in names.into_iter().zip(results) {
        result.map_err(|error: io::Error| match error.raw_os_error() {
            Some(nix::libc::EOPNOTSUPP) => Error::Unavailable {
                what: format!("cannot create {what}: the kernel lacks its kind of interface"),
                remedy: "load the module (modprobe veth, modprobe bridge)".to_owned(),
            },
            _ => Error::system("create", what)(error),
        })?;
    }
    Ok(())
}

/// [`construct`], away from the runtime's workers.
pub(crate) async fn construct_in(
    fabric: &Fabric,
    plan: std::sync::Arc<Plan>,
    kinds: Vec<SwitchKind>,
) -> Result<Construction, Error> {
    let namespace = fabric.namespace().clone();
    tokio::task::spawn_blocking(move || construct(&namespace, &plan, &kinds))
        .await
        .map_err(|_| Error::Ended)?
}
