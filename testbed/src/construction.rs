//! Making the namespaces and interfaces of a plan, in as few system calls as it takes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;

use rtnetlink::packet_route::RouteNetlinkMessage;

use crate::capture::{Capture, CaptureSpec};
use crate::captures;
use crate::error::Error;
use crate::fabric::quiet;
use crate::netlink::{Intent, Netlink};
use crate::offload::transmit_checksums_in_software;
use crate::sandbox::NetNs;
use crate::topology::{Node, Plan, PlannedEnd, PlannedLink, SwitchKind};
use crate::view::LinkState;
use crate::wiring::{self, FIRST_BRIDGE, FIRST_INDEX, NewInterface};

/// What is to be made of a plan, or unmade: positions in its lists.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub(crate) hosts: Vec<usize>,
    pub(crate) switches: Vec<usize>,
    pub(crate) links: Vec<usize>,
}

impl Parts {
    pub(crate) fn all(plan: &Plan) -> Parts {
        Parts {
            hosts: (0..plan.hosts.len()).collect(),
            switches: (0..plan.switches.len()).collect(),
            links: (0..plan.links.len()).collect(),
        }
    }
}

/// The namespaces of a network, with a netlink socket in each that is being furnished.
pub(crate) struct Construction {
    /// Those of the hosts, as in the plan.
    pub(crate) hosts: Vec<NetNs>,
    /// Where the shaped links' frames are taken from one end to the other, if there are such links.
    pub(crate) cable: Option<NetNs>,
    /// Those that began before the first frame.
    pub(crate) captures: Vec<Capture>,
    sockets: HashMap<usize, Netlink>,
    fabric_socket: Netlink,
    cable_socket: Option<Netlink>,
}

/// A request and the words for its failure.
struct Step {
    what: String,
    request: RouteNetlinkMessage,
}

/// The index of an interface of the link numbered `link`: `end` is 0 or 1.
pub(crate) fn interface_index(link: usize, end: usize) -> u32 {
    FIRST_INDEX + u32::try_from(2 * link + end).expect("nobody makes a billion links")
}

/// The index of the bridge that is the switch numbered `switch`.
pub(crate) fn bridge_index(switch: usize) -> u32 {
    FIRST_BRIDGE + u32::try_from(switch).expect("nobody makes a billion switches")
}

fn open() -> Result<Netlink, Error> {
    Netlink::open().map_err(Error::system("open", "a netlink socket"))
}

/// Makes the parts of a plan, beside what `hosts` (by the plan's order, `None` for new ones) and `cable` already are.
/// Blocks. After an error what was made belongs to namespaces that are then let go; what was made in those that stay
/// is for [`demolish`].
pub(crate) fn construct(
    fabric: &NetNs,
    hosts: Vec<Option<NetNs>>,
    cable: Option<NetNs>,
    plan: &Plan,
    kinds: &[SwitchKind],
    parts: &Parts,
    captures: &[CaptureSpec],
) -> Result<Construction, Error> {
    let mut construction = Construction::furnish(fabric, hosts, cable, plan, parts)?;
    construction.make(plan, kinds, parts)?;
    // Hosts' interfaces are still down.
    construction.captures = captures::from_the_start(captures, plan, fabric, &construction.hosts)?;
    construction.set_addresses(plan, parts)?;
    construction.settle(plan, parts)?;
    Ok(construction)
}

/// Unmakes links and bridges of a plan; what is gone already is as good.
pub(crate) fn demolish(
    fabric: &NetNs,
    hosts: &[Option<NetNs>],
    cable: Option<&NetNs>,
    plan: &Plan,
    kinds: &[SwitchKind],
    parts: &Parts,
) -> Result<(), Error> {
    let mut in_fabric = Vec::new();
    let mut in_cable = Vec::new();
    for link in parts.links.iter().map(|link| &plan.links[*link]) {
        let what = |end: usize| (link.ends[end].name.clone(), interface_index(link.number, end));
        if link.shaped.is_some() {
            in_cable.extend([what(0), what(1)]);
            continue;
        }
        // One end takes the other with it.
        match link.ends.each_ref().map(|end| end.node) {
            [Node::Switch(_), _] => in_fabric.push(what(0)),
            [_, Node::Switch(_)] => in_fabric.push(what(1)),
            [Node::Host(i), _] => {
                if let Some(host) = &hosts[i] {
                    delete(&mut host.run_blocking(open)??, vec![what(0)])?;
                }
            }
        }
    }
    for switch in parts.switches.iter().filter(|switch| kinds[**switch] == SwitchKind::Bridge) {
        let switch = &plan.switches[*switch];
        in_fabric.push((switch.name.clone(), bridge_index(switch.number)));
    }
    delete(&mut fabric.run_blocking(open)??, in_fabric)?;
    if let Some(cable) = cable {
        delete(&mut cable.run_blocking(open)??, in_cable)?;
    }
    Ok(())
}

fn delete(socket: &mut Netlink, interfaces: Vec<(String, u32)>) -> Result<(), Error> {
    let (names, requests): (Vec<_>, Vec<_>) =
        interfaces.into_iter().map(|(name, index)| (name, (Intent::Change, wiring::delete(index)))).unzip();
    let results = socket.request_all(requests).map_err(Error::system("use", "a netlink socket"))?;
    for (name, result) in names.into_iter().zip(results) {
        match result {
            Err(error) if error.raw_os_error() != Some(nix::libc::ENODEV) => {
                return Err(Error::system("delete", name)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Construction {
    /// Makes the namespaces that are missing, and opens a socket wherever something is to be made.
    fn furnish(
        fabric: &NetNs,
        hosts: Vec<Option<NetNs>>,
        cable: Option<NetNs>,
        plan: &Plan,
        parts: &Parts,
    ) -> Result<Self, Error> {
        let missing: Vec<usize> = (0..hosts.len()).filter(|i| hosts[*i].is_none()).collect();
        let furnish = |nth: usize| {
            if plan.hosts[missing[nth]].forward {
                forward()?;
            }
            open()
        };
        let mut made = NetNs::create_many(fabric.thread(), missing.len(), furnish)?.into_iter();
        let mut sockets = HashMap::new();
        let mut all = Vec::with_capacity(hosts.len());
        for (i, host) in hosts.into_iter().enumerate() {
            match host {
                Some(host) => all.push(host),
                None => {
                    let (host, socket) = made.next().ok_or(Error::Ended)?;
                    sockets.insert(i, socket);
                    all.push(host);
                }
            }
        }
        let ends = parts.links.iter().flat_map(|link| &plan.links[*link].ends);
        for i in ends.filter_map(|end| if let Node::Host(i) = end.node { Some(i) } else { None }) {
            if let Entry::Vacant(place) = sockets.entry(i) {
                place.insert(all[i].run_blocking(open)??);
            }
        }
        let fabric_socket = fabric.run_blocking(open)??;
        let needed = parts.links.iter().any(|link| plan.links[*link].shaped.is_some());
        let (cable, cable_socket) = match cable {
            Some(cable) if needed => {
                let socket = cable.run_blocking(open)??;
                (Some(cable), Some(socket))
            }
            None if needed => {
                let (cable, socket) = new_cable(fabric)?;
                (Some(cable), Some(socket))
            }
            cable => (cable, None),
        };
        Ok(Self { hosts: all, cable, captures: Vec::new(), sockets, fabric_socket, cable_socket })
    }

    /// Makes bridges and links.
    fn make(&mut self, plan: &Plan, kinds: &[SwitchKind], parts: &Parts) -> Result<(), Error> {
        let bridge_of = |end: &PlannedEnd| match end.node {
            Node::Switch(i) if kinds[i] == SwitchKind::Bridge => Some(bridge_index(plan.switches[i].number)),
            _ => None,
        };
        let mut in_fabric = Vec::with_capacity(parts.links.len());
        for i in parts.switches.iter().filter(|i| kinds[**i] == SwitchKind::Bridge) {
            let switch = &plan.switches[*i];
            in_fabric.push(Step {
                what: format!("bridge {}", switch.name),
                request: wiring::bridge(&NewInterface {
                    name: switch.kernel_name.clone(),
                    index: bridge_index(switch.number),
                    mac: None,
                    bridge: None,
                }),
            });
        }
        let mut between_hosts = Vec::new();
        let mut in_cable = Vec::new();
        for PlannedLink { number, ends: [a, b], shaped } in parts.links.iter().map(|link| &plan.links[*link])
        {
            let new = |end: &PlannedEnd, index| NewInterface {
                name: end.kernel_name.clone(),
                index,
                mac: end.mac,
                bridge: bridge_of(end),
            };
            let (new_a, new_b) = (new(a, interface_index(*number, 0)), new(b, interface_index(*number, 1)));
            let what = format!("link {} - {}", a.node_name, b.node_name);
            let host = |i: usize| Some(self.hosts[i].raw_fd());
            if let (Some(cable), true) = (&self.cable, shaped.is_some()) {
                for (end, new) in [(a, &new_a), (b, &new_b)] {
                    let half = half(new);
                    let what = what.clone();
                    match end.node {
                        Node::Switch(_) => {
                            let request = wiring::veth(new, &half, Some(cable.raw_fd()));
                            in_fabric.push(Step { what, request });
                            in_cable.push(up(end, half.index));
                        }
                        Node::Host(i) => {
                            in_cable.push(Step { what, request: wiring::veth(&half, new, host(i)) })
                        }
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
        perform(&mut self.fabric_socket, in_fabric)?;
        if let Some(socket) = &mut self.cable_socket {
            perform(socket, in_cable)?;
        }
        for (host, step) in between_hosts {
            perform(self.socket(host)?, vec![step])?;
        }
        Ok(())
    }

    fn set_addresses(&mut self, plan: &Plan, parts: &Parts) -> Result<(), Error> {
        for link in parts.links.iter().map(|link| &plan.links[*link]) {
            for (end, planned) in link.ends.iter().enumerate() {
                let Node::Host(i) = planned.node else {
                    continue;
                };
                let index = interface_index(link.number, end);
                let requests = [
                    planned.ipv4.map(|net| (net.to_string(), wiring::address(index, net))),
                    planned.ipv6.map(|net| (net.to_string(), wiring::ipv6_address(index, net))),
                ];
                let step =
                    |(net, request)| Step { what: format!("address {net} of {}", planned.name), request };
                let mut steps: Vec<_> = requests.into_iter().flatten().map(step).collect();
                // A route needs an interface that is up.
                steps.push(up(planned, index));
                steps.extend(planned.routes.iter().map(|route| Step {
                    what: format!("route {route} of {}", planned.node_name),
                    request: wiring::route(index, *route),
                }));
                perform(self.socket(i)?, steps)?;
            }
        }
        Ok(())
    }

    fn settle(&mut self, plan: &Plan, parts: &Parts) -> Result<(), Error> {
        let settled = || Error::system::<io::Error>("use", "a netlink socket");
        let (mut in_fabric, mut in_cable) = (Vec::new(), Vec::new());
        for link in parts.links.iter().map(|link| &plan.links[*link]) {
            for (end, planned) in link.ends.iter().enumerate() {
                let index = interface_index(link.number, end);
                if link.shaped.is_some() {
                    in_cable.push(index);
                }
                match planned.node {
                    Node::Switch(_) => in_fabric.push(index),
                    Node::Host(i) => self.socket(i)?.settle(&[index]).map_err(settled())?,
                }
            }
        }
        self.fabric_socket.settle(&in_fabric).map_err(settled())?;
        if let Some(socket) = &mut self.cable_socket {
            socket.settle(&in_cable).map_err(settled())?;
        }
        Ok(())
    }

    fn socket(&mut self, host: usize) -> Result<&mut Netlink, Error> {
        self.sockets.get_mut(&host).ok_or(Error::Ended)
    }

    /// Has those finish their checksums, and cut their segments, whose frames are read by a program: every host, where
    /// the switches are in userspace, and both ends of shaped links.
    pub(crate) fn checksums_in_software(
        &self,
        plan: &Plan,
        parts: &Parts,
        switches: bool,
    ) -> Result<(), Error> {
        for link in parts.links.iter().map(|link| &plan.links[*link]) {
            for end in &link.ends {
                let socket = match end.node {
                    Node::Host(i) if switches || link.shaped.is_some() => self.sockets.get(&i),
                    Node::Switch(_) if link.shaped.is_some() => Some(&self.fabric_socket),
                    _ => continue,
                };
                transmit_checksums_in_software(socket.ok_or(Error::Ended)?, &end.kernel_name)
                    .map_err(Error::system("switch off checksum offload of", end.name.clone()))?;
            }
        }
        Ok(())
    }
}

/// Has the namespace of the calling thread pass packets on between its interfaces (the kernel's ip-sysctl).
fn forward() -> Result<(), Error> {
    for path in ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"] {
        std::fs::write(path, "1").map_err(Error::system("write", path))?;
    }
    Ok(())
}

/// A namespace for the inner halves of shaped links, in which the kernel itself says nothing.
fn new_cable(fabric: &NetNs) -> Result<(NetNs, Netlink), Error> {
    let furnish = |_| {
        quiet();
        open()
    };
    NetNs::create_many(fabric.thread(), 1, furnish)?.pop().ok_or(Error::Ended)
}

/// The inner half of an end of a shaped link.
fn half(end: &NewInterface) -> NewInterface {
    NewInterface { name: format!("half{}", end.index), index: end.index, mac: None, bridge: None }
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
