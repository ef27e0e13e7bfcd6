//! Making the namespaces and interfaces of a plan, in as few system calls as it takes.

use std::io;

use rtnetlink::packet_route::RouteNetlinkMessage;

use crate::error::Error;
use crate::fabric::Fabric;
use crate::netlink::{Intent, Netlink};
use crate::offload::transmit_checksums_in_software;
use crate::sandbox::NetNs;
use crate::topology::{Node, Plan, PlannedEnd, SwitchKind};
use crate::view::LinkState;
use crate::wiring::{self, FIRST_INDEX, NewInterface};

/// The namespaces of the hosts, with a netlink socket in each for as long as they are furnished.
pub(crate) struct Construction {
    pub(crate) hosts: Vec<NetNs>,
    sockets: Vec<Netlink>,
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
    let mut in_fabric = Vec::new();
    for (link, ends) in plan.links.iter().enumerate() {
        for (end, planned) in ends.iter().enumerate() {
            let index = interface_index(link, end);
            match planned.node {
                Node::Switch(_) => in_fabric.push(index),
                Node::Host(i) => sockets[i].settle(&[index]).map_err(settled())?,
            }
        }
    }
    fabric_socket.settle(&in_fabric).map_err(settled())?;
    Ok(Construction { hosts, sockets })
}

impl Construction {
    /// Has every host finish its checksums itself, as userspace switches need it.
    pub(crate) fn checksums_in_software(&self, plan: &Plan) -> Result<(), Error> {
        for end in plan.links.iter().flatten() {
            if let Node::Host(i) = end.node {
                transmit_checksums_in_software(&self.sockets[i], &end.kernel_name)
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
