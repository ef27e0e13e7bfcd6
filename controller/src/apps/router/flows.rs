//! The flows of a router: a pure function of its settings and its neighbours.

use std::collections::BTreeMap;
use std::net::IpAddr;

use openflow::oxm::VlanVid;
use openflow::{Action, Actions, FlowMod, MacAddr, Match, OxmField, PortNo};

use super::settings::{Interface, Settings, Way};
use crate::apps::config::{REST, Tables};
use crate::packet::resolution::{ADVERTISEMENT, SOLICITATION};
use crate::packet::{ARP, ICMPV6, IPV4, IPV6, tagged};
use crate::prefix::Prefix;
use crate::{DeclareError, Desired};

/// Where a neighbour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) mac: MacAddr,
    pub(super) port: PortNo,
    /// Of its interface.
    pub(super) vlan: Option<u16>,
}

/// The neighbours that are known, of all interfaces: their subnets have no address in common.
pub(super) type Known = BTreeMap<IpAddr, Place>;

/// Marks the flows of this app, with the number of its first table.
const COOKIE: u64 = 0xf10b_0000_0000_4000;

/// In the first table: what is for the router to hear, what is to be routed, what else is sent to it, and the rest.
const HEARD: u16 = 0x7fff;
const TO_ROUTE: u16 = 0x7ffe;
const NOT_IP: u16 = 0x7ffd;

/// In the second: the router's own addresses, what no router forwards, neighbours, routes by the length of their prefix.
/// Each way has a flow more, above, for what goes out by the port where it came in (OF 1.3.5 §7.2.5).
const OWN: u16 = 0x7fff;
const NOT_ROUTED: u16 = 0x7ffe;
const NEIGHBOUR: u16 = 0x7ff0;
const ROUTE: u16 = 0x7000;
const NO_ROUTE: u16 = 0x6fff;

/// Destinations that are for one link alone (RFC 3927 §2.7, RFC 1812 §5.3.7, RFC 4291 §2.5.6, §2.7).
const ONE_LINK: [&str; 4] = ["169.254.0.0/16", "224.0.0.0/4", "fe80::/10", "ff00::/8"];

/// All flows of the router on a switch; without one, everything goes on to the app behind.
pub(super) fn desired(
    router: Option<&Settings>,
    known: &Known,
    tables: Tables,
) -> Result<Desired, DeclareError> {
    let owner = tables.owner(COOKIE);
    let mut desired = Desired::new(owner);
    let first = FlowMod::add().table(tables.own);
    desired.add_flow(first.clone().priority(REST).goto_table(tables.next))?;
    let Some(router) = router else { return Ok(desired) };
    for (interface, number) in router.interfaces.iter().zip(1..) {
        for frames in interface.frames() {
            for matching in heard(interface, &frames, router.mac) {
                desired.add_flow(
                    first.clone().priority(HEARD).matching(matching).apply([Action::controller()]),
                )?;
            }
            let to_router = frames.clone().eth_dst(router.mac);
            for family in [IPV4, IPV6] {
                let flow = first.clone().priority(TO_ROUTE).matching(to_router.clone().eth_type(family));
                let flow = if interface.vlan.is_some() { flow.apply([Action::PopVlan]) } else { flow };
                desired.add_flow(flow.write_metadata(number, u64::MAX).goto_table(tables.nth(1)))?;
            }
            desired.add_flow(first.clone().priority(NOT_IP).matching(to_router))?;
        }
    }
    route(router, known, FlowMod::add().table(tables.nth(1)), &mut desired)?;
    Ok(desired)
}

/// The second table.
fn route(router: &Settings, known: &Known, flow: FlowMod, desired: &mut Desired) -> Result<(), DeclareError> {
    let punt = |priority| flow.clone().priority(priority).apply([Action::controller()]);
    for own in router.interfaces.iter().flat_map(|interface| &interface.addresses) {
        let own = Prefix::from(own.address());
        desired.add_flow(punt(OWN).matching(own.as_destination(Match::new())))?;
    }
    for block in ONE_LINK {
        let block: Prefix = block.parse().expect("a prefix");
        desired.add_flow(flow.clone().priority(NOT_ROUTED).matching(block.as_destination(Match::new())))?;
    }
    let to = |desired: &mut Desired, priority: u16, to: Prefix, place: &Place| {
        let there = to.as_destination(Match::new());
        let back = to.as_destination(Match::new().in_port(place.port));
        let out = |port| flow.clone().apply(rewrite(router.mac, place, port));
        desired.add_flow(out(place.port).priority(priority).matching(there))?;
        desired.add_flow(out(PortNo::IN_PORT).priority(priority + 1).matching(back))
    };
    for (address, place) in known {
        if matches!(router.way(*address), Some(Way::Here { .. })) {
            to(desired, NEIGHBOUR, Prefix::from(*address), place)?;
        }
    }
    for (block, way) in router.routes() {
        let priority = ROUTE + 2 * u16::from(block.length());
        let place = match way {
            Way::Via { router, .. } => known.get(&router),
            Way::Here { .. } => None,
        };
        match place {
            Some(place) => to(desired, priority, block, place)?,
            None => desired.add_flow(punt(priority).matching(block.as_destination(Match::new())))?,
        }
    }
    desired.add_flow(punt(NO_ROUTE))
}

/// What takes a packet without a tag from the router to a place.
pub(super) fn rewrite(mac: MacAddr, place: &Place, port: PortNo) -> Actions {
    let mut actions = Actions::from([
        // First: one whose time is over comes to the controller as it is.
        Action::DecNwTtl,
        Action::set(OxmField::EthSrc(mac.into())),
        Action::set(OxmField::EthDst(place.mac.into())),
    ]);
    for action in tagged(place.vlan).iter().chain([&Action::output(port)]) {
        actions.push(action.clone());
    }
    actions
}

/// What the router itself is to hear of an interface: who asks for its addresses, and what it is answered.
fn heard(interface: &Interface, frames: &Match, mac: MacAddr) -> Vec<Match> {
    let mut heard = Vec::new();
    for own in &interface.addresses {
        match own.address() {
            IpAddr::V4(own) => heard.push(frames.clone().eth_type(ARP).arp_tpa(own)),
            IpAddr::V6(own) => {
                let discovery = frames.clone().eth_type(IPV6).ip_proto(ICMPV6);
                heard.push(discovery.clone().icmpv6_type(SOLICITATION).ipv6_nd_target(own));
                heard.push(discovery.eth_dst(mac).icmpv6_type(ADVERTISEMENT));
            }
        }
    }
    heard
}

impl Interface {
    /// The frames that belong to it.
    fn frames(&self) -> Vec<Match> {
        let vlan = Match::new().vlan_vid(self.vlan.map_or(VlanVid::NONE, VlanVid::tagged));
        if self.ports.is_empty() {
            return vec![vlan];
        }
        self.ports.iter().map(|port| vlan.clone().in_port(*port)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openflow::{DatapathId, TableId};

    use super::super::Routers;
    use super::*;

    const TABLES: Tables = Tables { own: TableId(3), next: TableId(5) };

    fn flows(text: &str, known: &Known) -> Vec<String> {
        let routers = Routers::from_toml(text, Path::new("r.toml")).unwrap();
        let desired = desired(routers.of(DatapathId(1)), known, TABLES).unwrap();
        let mut flows: Vec<String> = desired.flows().map(ToString::to_string).collect();
        flows.sort();
        flows
    }

    const FILE: &str = r#"[[routers]]
switch = 1
interfaces = [
  { ports = [1], addresses = ["10.0.1.254/24"] },
  { vlan = 20, addresses = ["10.0.2.254/24", "fd00:2::fe/64"] },
]
routes = [{ to = "0.0.0.0/0", via = "10.0.2.1" }]
"#;

    #[test]
    fn a_switch_without_a_router_passes_everything_on() {
        let flows = flows(&FILE.replace("switch = 1", "switch = 2"), &Known::new());
        assert_eq!(flows, ["table=3,cookie=0xf10b000000004003,priority=28671 actions=goto_table:5"]);
    }

    #[test]
    fn ways_are_rewritten_once_who_is_there_is_known() {
        let place =
            |last, port, vlan| Place { mac: MacAddr([2, 0, 0, 0, 0, last]), port: PortNo(port), vlan };
        let known = Known::from([
            (IpAddr::from([10, 0, 1, 5]), place(5, 1, None)),
            (IpAddr::from([10, 0, 2, 1]), place(1, 7, Some(20))),
        ]);
        let flows = flows(FILE, &known);
        let with = |part: &str| -> Vec<&str> {
            let found = flows.iter().filter(|flow| flow.contains(part));
            found.map(|flow| flow.split_once(",priority=").unwrap().1).collect()
        };
        let to_host =
            "dec_ttl,set_field:02:f1:00:00:00:01->eth_src,set_field:02:00:00:00:00:05->eth_dst,output:1";
        assert_eq!(with("nw_dst=10.0.1.5 ")[..1], [format!("32752,ip,nw_dst=10.0.1.5 actions={to_host}")]);
        assert_eq!(with("in_port=1,nw_dst=10.0.1.5").len(), 1);
        let to_gateway = "dec_ttl,set_field:02:f1:00:00:00:01->eth_src,set_field:02:00:00:00:00:01->eth_dst,\
                          push_vlan:0x8100,set_field:4116->vlan_vid";
        assert!(
            with("priority=28672,ip")[0].ends_with(&format!("actions={to_gateway},output:7")),
            "{flows:#?}"
        );
        assert!(
            with("priority=28673,ip,in_port=7")[0].ends_with(&format!("{to_gateway},IN_PORT")),
            "{flows:#?}"
        );
        // Who is not known is asked for by the app.
        assert_eq!(
            with("ipv6_dst=fd00:2::/64"),
            ["28800,ipv6,ipv6_dst=fd00:2::/64 actions=CONTROLLER:65535"]
        );
        assert_eq!(
            with("dl_vlan=20,dl_dst=02:f1:00:00:00:01").len(),
            2 + 1 + 1,
            "IPv4, IPv6, the rest, and what neighbours answer: {flows:#?}"
        );
    }
}
