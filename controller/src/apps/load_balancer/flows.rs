//! The flows and groups of a load balancer: a pure function of its services and where their backends are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::{Action, Actions, FlowMod, GroupId, MacAddr, Match, OxmField, PortNo};

use super::settings::{Protocol, Service, Services};
use crate::apps::config::{REST, Tables};
use crate::packet::resolution::{ADVERTISEMENT, SOLICITATION};
use crate::packet::{ARP, ICMPV6, IPV6};
use crate::prefix::Prefix;
use crate::{DeclareError, Desired};

/// The Ethernet addresses of backends, and the ports by which a switch reaches them.
pub(super) type Known = BTreeMap<IpAddr, (MacAddr, PortNo)>;

/// Marks the flows of this app, with the number of their table.
const COOKIE: u64 = 0xf10b_0000_0000_1b00;
/// Numbers of groups: those of one table, above those that people give.
const FIRST_GROUP: u32 = 0xf100_0000;
const GROUPS: u32 = 0x1_0000;
/// What the app is to hear, what is for a service, what comes from one, what else is sent to its address, and the rest.
const HEARD: u16 = 0x7fff;
const SERVICE: u16 = 0x7ffe;
const BACK: u16 = 0x7ffd;
const ADDRESS: u16 = 0x7ffc;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// All that a switch is to have. A service none of whose backends is known has its packets come to the controller.
pub(super) fn desired(services: &Services, known: &Known, tables: Tables) -> Result<Desired, DeclareError> {
    let first = FIRST_GROUP + u32::from(tables.own.0) * GROUPS;
    let owner = tables.owner(COOKIE).groups(first..=first + GROUPS - 1);
    let mut desired = Desired::new(owner);
    let flow = FlowMod::add().table(tables.own);
    let punted = flow.clone().apply([Action::controller()]);
    desired.add_flow(flow.clone().priority(REST).goto_table(tables.next))?;
    let addresses: BTreeSet<(IpAddr, MacAddr)> = services.0.iter().map(|it| (it.address, it.mac)).collect();
    for (address, mac) in addresses {
        for heard in heard(address, mac) {
            desired.add_flow(punted.clone().priority(HEARD).matching(heard))?;
        }
        let to = Prefix::from(address).as_destination(Match::new());
        desired.add_flow(punted.clone().priority(ADDRESS).matching(to))?;
    }
    for (service, number) in services.0.iter().zip(first..) {
        let to =
            service.at(Prefix::from(service.address).as_destination(Match::new()), End::To, service.port);
        let buckets = service.buckets(known);
        if buckets.is_empty() {
            desired.add_flow(punted.clone().priority(SERVICE).matching(to))?;
        } else {
            let group = GroupId(number);
            desired.add_group(GroupMod::add(GroupKind::Select, group, buckets))?;
            desired.add_flow(flow.clone().priority(SERVICE).matching(to).apply([Action::Group(group)]))?;
        }
        for backend in &service.backends {
            let from = Prefix::from(backend.address).as_source(Match::new());
            let from = service.at(from, End::From, backend.port);
            let name = [
                Action::set(match service.address {
                    IpAddr::V4(address) => OxmField::Ipv4Src(address.into()),
                    IpAddr::V6(address) => OxmField::Ipv6Src(address.into()),
                }),
                Action::set(service.port_field(End::From, service.port)),
            ];
            let flow = flow.clone().priority(BACK).matching(from).apply(name).goto_table(tables.next);
            desired.add_flow(flow)?;
        }
    }
    Ok(desired)
}

/// What is asked for an address, and answered to it.
fn heard(address: IpAddr, mac: MacAddr) -> Vec<Match> {
    match address {
        IpAddr::V4(address) => vec![Match::new().eth_type(ARP).arp_tpa(address)],
        IpAddr::V6(address) => {
            let discovery = Match::new().eth_type(IPV6).ip_proto(ICMPV6);
            vec![
                discovery.clone().icmpv6_type(SOLICITATION).ipv6_nd_target(address),
                discovery.eth_dst(mac).icmpv6_type(ADVERTISEMENT),
            ]
        }
    }
}

/// One end of a connection.
#[derive(Clone, Copy)]
enum End {
    From,
    To,
}

impl Service {
    fn port_field(&self, end: End, port: u16) -> OxmField {
        match (self.protocol, end) {
            (Protocol::Tcp, End::From) => OxmField::TcpSrc(port.into()),
            (Protocol::Tcp, End::To) => OxmField::TcpDst(port.into()),
            (Protocol::Udp, End::From) => OxmField::UdpSrc(port.into()),
            (Protocol::Udp, End::To) => OxmField::UdpDst(port.into()),
        }
    }

    fn at(&self, matching: Match, end: End, port: u16) -> Match {
        let protocol = match self.protocol {
            Protocol::Tcp => TCP,
            Protocol::Udp => UDP,
        };
        matching.ip_proto(protocol).with(self.port_field(end, port))
    }

    fn buckets(&self, known: &Known) -> Vec<Bucket> {
        let there = self.backends.iter().filter_map(|backend| Some((backend, known.get(&backend.address)?)));
        there
            .map(|(backend, (mac, port))| {
                let actions: Actions = [
                    Action::set(OxmField::EthDst((*mac).into())),
                    Action::set(match backend.address {
                        IpAddr::V4(address) => OxmField::Ipv4Dst(address.into()),
                        IpAddr::V6(address) => OxmField::Ipv6Dst(address.into()),
                    }),
                    Action::set(self.port_field(End::To, backend.port)),
                    Action::output(*port),
                ]
                .into_iter()
                .collect();
                // A bucket whose port goes down is left out by the switch at once.
                Bucket::new(actions).weight(backend.weight).watch_port(*port)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openflow::TableId;

    use super::*;

    #[test]
    fn connections_are_spread_over_the_backends_that_are_known() {
        let text = r#"[[services]]
address = "10.0.0.100"
protocol = "tcp"
port = 80
backends = [{ address = "10.0.0.1", port = 8080, weight = 3 }, { address = "10.0.0.2" }]
"#;
        let services = Services::from_toml(text, Path::new("b.toml")).unwrap();
        let tables = Tables { own: TableId(2), next: TableId(3) };
        let told = |known: &Known| {
            let desired = desired(&services, known, tables).unwrap();
            let mut flows: Vec<String> = desired.flows().map(ToString::to_string).collect();
            flows.sort_by_key(|flow| flow.find("priority=").map(|at| flow[at..].to_owned()));
            flows.reverse();
            let cut = |flow: &str| flow.split_once("priority=").unwrap().1.to_owned();
            flows.iter().map(|flow| cut(flow)).collect::<Vec<_>>()
        };
        let back = |host, port| {
            format!(
                "32765,tcp,nw_src=10.0.0.{host},tp_src={port} actions=set_field:10.0.0.100->ip_src,\
                     set_field:80->tcp_src,goto_table:3"
            )
        };
        let expected = |service: &str| {
            [
                "32767,arp,arp_tpa=10.0.0.100 actions=CONTROLLER:65535".to_owned(),
                format!("32766,tcp,nw_dst=10.0.0.100,tp_dst=80 actions={service}"),
                back(2, 80),
                back(1, 8080),
                "32764,ip,nw_dst=10.0.0.100 actions=CONTROLLER:65535".to_owned(),
                "28671 actions=goto_table:3".to_owned(),
            ]
        };
        assert_eq!(told(&Known::new()), expected("CONTROLLER:65535"));
        let known = Known::from([(IpAddr::from([10, 0, 0, 1]), (MacAddr([2, 0, 0, 0, 0, 1]), PortNo(7)))]);
        assert_eq!(told(&known), expected("group:4043440128"));
        let bucket = &services.0[0].buckets(&known)[0];
        assert_eq!((bucket.weight, bucket.watch_port), (3, PortNo(7)));
        let actions = "set_field:02:00:00:00:00:01->eth_dst,set_field:10.0.0.1->ip_dst,set_field:8080->tcp_dst,output:7";
        assert_eq!(bucket.actions.to_string(), actions);
    }
}
