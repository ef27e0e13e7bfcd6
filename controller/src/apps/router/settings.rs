//! What a router's file says.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;

use openflow::{DatapathId, MacAddr, PortNo};
use serde::Deserialize;
use toml::Spanned;

use crate::apps::file::{self, Dpid, FileError, OrdinaryPort, Station, Vlan, Word};
use crate::prefix::Prefix;

/// Routers, one a switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Routers(BTreeMap<DatapathId, Settings>);

/// One router.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) mac: MacAddr,
    pub(super) interfaces: Vec<Interface>,
    /// Longest prefix first.
    routes: Vec<Route>,
}

/// Where a router is in one subnet of each family, or several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Interface {
    /// Empty is every port.
    pub(super) ports: Vec<PortNo>,
    /// `None` is frames without a tag.
    pub(super) vlan: Option<u16>,
    /// The router's own addresses, with the lengths of their subnets' prefixes.
    pub(super) addresses: Vec<Prefix>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Route {
    to: Prefix,
    way: Way,
}

/// How packets get on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Their destination is in the subnet of this interface.
    Here {
        /// Its place among the router's.
        interface: usize,
    },
    /// Through another router, in the subnet of this interface.
    Via {
        /// Its place among the router's.
        interface: usize,
        /// The other router.
        router: IpAddr,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    routers: Vec<RouterText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouterText {
    switch: Spanned<Dpid>,
    mac: Option<Station>,
    interfaces: Vec<Spanned<InterfaceText>>,
    #[serde(default)]
    routes: Vec<RouteText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InterfaceText {
    #[serde(default)]
    ports: Vec<OrdinaryPort>,
    vlan: Option<Vlan>,
    addresses: Vec<Spanned<Word<Prefix>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteText {
    to: Spanned<Word<Prefix>>,
    via: Spanned<Word<IpAddr>>,
}

/// Whose interfaces can be told apart by the metadata of packets, which has 64 bits, and by eye.
const MOST_INTERFACES: usize = 4096;
/// Each takes two flows.
const MOST_ROUTES: usize = 16_384;

/// What is wrong, and where in the text.
type Wrong = (Range<usize>, String);

impl Routers {
    /// Reads routers from a file:
    ///
    /// ```toml
    /// [[routers]]
    /// switch = 1                                      # datapath id; in hex as a string: "000000000000001f"
    /// mac = "02:f1:00:00:00:01"                       # of all interfaces; made of the datapath id if it is left out
    ///
    /// [[routers.interfaces]]
    /// ports = [1, 2]                                  # frames without a tag on these ports
    /// addresses = ["10.0.1.254/24", "fd00:1::fe/64"]  # the router's own, and their subnets
    ///
    /// [[routers.interfaces]]
    /// vlan = 20                                       # frames with this tag, on any port if there are no `ports`
    /// addresses = ["10.0.2.254/24"]
    ///
    /// [[routers.routes]]
    /// to = "0.0.0.0/0"
    /// via = "10.0.2.1"                                # another router, in the subnet of an interface
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a switch, an address, a subnet or a destination that
    /// is told twice, for interfaces that would take the same frames, and for a `via` that is in no subnet.
    pub fn from_toml(text: &str, path: &Path) -> Result<Routers, FileError> {
        let document: Document = file::parse(text, path)?;
        let mut routers = BTreeMap::new();
        for router in &document.routers {
            let Dpid(dpid) = *router.switch.get_ref();
            let settings = Settings::new(router, dpid)
                .map_err(|(span, what)| file::error_at(path, text, span.start, what))?;
            if routers.insert(dpid, settings).is_some() {
                let what = format!("switch {dpid} has a router already");
                return Err(file::error_at(path, text, router.switch.span().start, what));
            }
        }
        Ok(Routers(routers))
    }

    pub(super) fn of(&self, switch: DatapathId) -> Option<&Settings> {
        self.0.get(&switch)
    }
}

impl Settings {
    fn new(text: &RouterText, dpid: DatapathId) -> Result<Settings, Wrong> {
        let [.., a, b, c, d] = dpid.0.to_be_bytes();
        let mac = text.mac.map_or(MacAddr([0x02, 0xf1, a, b, c, d]), |Station(mac)| mac);
        let mut it = Settings { mac, interfaces: Vec::new(), routes: Vec::new() };
        for text in &text.interfaces {
            it.add_interface(text)?;
        }
        for text in &text.routes {
            it.add_route(text)?;
        }
        it.routes.sort_by_key(|route| std::cmp::Reverse(route.to.length()));
        Ok(it)
    }

    fn add_interface(&mut self, text: &Spanned<InterfaceText>) -> Result<(), Wrong> {
        let (span, text) = (text.span(), text.get_ref());
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err((span, format!("a router has no more than {MOST_INTERFACES} interfaces")));
        }
        let mut ports: Vec<PortNo> = text.ports.iter().map(|OrdinaryPort(port)| *port).collect();
        ports.sort_unstable();
        ports.dedup();
        let vlan = text.vlan.map(|Vlan(id)| id);
        if ports.is_empty() && vlan.is_none() {
            return Err((span, "an interface has `ports`, a `vlan` or both".to_owned()));
        }
        let mut interface = Interface { ports, vlan, addresses: Vec::new() };
        if let Some(other) = self.interfaces.iter().position(|other| other.shares_frames(&interface)) {
            return Err((span, format!("interface {} takes some of the same frames", other + 1)));
        }
        let number = self.interfaces.len();
        for text in &text.addresses {
            let Word(own) = *text.get_ref();
            let address = own.address();
            if own.is_broadcast(address) || own.length() < 31 && address.is_ipv4() && own.network() == own {
                return Err((text.span(), format!("{address} is no address of a single node of its subnet")));
            }
            if address.is_multicast() || address.is_unspecified() || address.is_loopback() {
                return Err((text.span(), format!("{address} is no address of a single node")));
            }
            if let Some(route) = self.routes.iter().find(|route| route.to.overlaps(own)) {
                return Err((text.span(), format!("the subnet {} is another's already", route.to)));
            }
            self.routes.push(Route { to: own.network(), way: Way::Here { interface: number } });
            interface.addresses.push(own);
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn add_route(&mut self, text: &RouteText) -> Result<(), Wrong> {
        let Word(to) = *text.to.get_ref();
        let Word(router) = *text.via.get_ref();
        if self.routes.len() >= MOST_ROUTES {
            return Err((text.to.span(), format!("a router has no more than {MOST_ROUTES} routes")));
        }
        if to.network() != to {
            return Err((
                text.to.span(),
                format!("{to} has bits behind its length; {} has not", to.network()),
            ));
        }
        if to.address().is_ipv4() != router.is_ipv4() {
            return Err((text.via.span(), format!("{router} is not of the same family as {to}")));
        }
        if self.routes.iter().any(|route| route.to == to) {
            return Err((text.to.span(), format!("there is a route to {to} already")));
        }
        let on = self.interfaces.iter().position(|it| it.subnet_of(router).is_some());
        let Some(interface) = on else {
            return Err((text.via.span(), format!("{router} is in the subnet of no interface")));
        };
        if self.owns(router) {
            return Err((text.via.span(), format!("{router} is this router itself")));
        }
        self.routes.push(Route { to, way: Way::Via { interface, router } });
        Ok(())
    }

    /// Whether an address is the router's own.
    pub(super) fn owns(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| interface.owns(address))
    }

    /// How a packet to this address gets on; `None` where no route leads there.
    pub(super) fn way(&self, to: IpAddr) -> Option<Way> {
        self.routes.iter().find(|route| route.to.contains(to)).map(|route| route.way)
    }

    /// All destinations and the ways there.
    pub(super) fn routes(&self) -> impl Iterator<Item = (Prefix, Way)> {
        self.routes.iter().map(|route| (route.to, route.way))
    }

    /// The interface that a frame belongs to.
    pub(super) fn interface_of(&self, port: PortNo, vlan: Option<u16>) -> Option<usize> {
        let takes = |it: &Interface| it.vlan == vlan && (it.ports.is_empty() || it.ports.contains(&port));
        self.interfaces.iter().position(takes)
    }
}

impl Interface {
    fn shares_frames(&self, other: &Interface) -> bool {
        let any = self.ports.is_empty() || other.ports.is_empty();
        self.vlan == other.vlan && (any || self.ports.iter().any(|port| other.ports.contains(port)))
    }

    pub(super) fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address() == address)
    }

    /// The router's own address in the subnet that this address is in.
    pub(super) fn subnet_of(&self, address: IpAddr) -> Option<Prefix> {
        self.addresses.iter().copied().find(|own| own.contains(address))
    }

    /// The router's own address of a family.
    pub(super) fn own(&self, is_ipv4: bool) -> Option<IpAddr> {
        self.addresses.iter().map(|own| own.address()).find(|own| own.is_ipv4() == is_ipv4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Routers, FileError> {
        Routers::from_toml(text, Path::new("r.toml"))
    }

    const ROUTER: &str = r#"[[routers]]
switch = "1f"
interfaces = [
  { ports = [2, 1, 2], addresses = ["10.0.1.254/24", "fd00:1::fe/64"] },
  { vlan = 20, addresses = ["10.0.2.254/24"] },
]
"#;

    #[test]
    fn the_longest_prefix_leads() {
        let routes = "[[routers.routes]]\nto = \"10.0.0.0/8\"\nvia = \"10.0.2.1\"\n\
                      [[routers.routes]]\nto = \"10.0.1.128/25\"\nvia = \"10.0.2.2\"\n";
        let routers = read(&format!("{ROUTER}{routes}")).unwrap();
        let router = routers.of(DatapathId(0x1f)).unwrap();
        let via = |last| Way::Via { interface: 1, router: IpAddr::from([10, 0, 2, last]) };
        for (to, way) in [
            ("10.0.1.5", Some(Way::Here { interface: 0 })),
            ("10.0.1.130", Some(via(2))),
            ("10.9.9.9", Some(via(1))),
            ("fd00:1::7", Some(Way::Here { interface: 0 })),
            ("fd00:2::7", None),
            ("192.168.0.1", None),
        ] {
            assert_eq!(router.way(to.parse().unwrap()), way, "{to}");
        }
        assert_eq!(router.interface_of(PortNo(2), None), Some(0));
        assert_eq!(router.interface_of(PortNo(3), None), None);
        assert_eq!(router.interface_of(PortNo(3), Some(20)), Some(1));
        assert_eq!(router.mac, MacAddr([2, 0xf1, 0, 0, 0, 0x1f]));
    }

    #[test]
    fn errors_point_at_the_place() {
        let route =
            |to: &str, via: &str| format!("{ROUTER}[[routers.routes]]\nto = \"{to}\"\nvia = \"{via}\"\n");
        let interface = |text: &str| format!("[[routers]]\nswitch = 1\ninterfaces = [\n  {text},\n]\n");
        let cases = [
            (format!("{ROUTER}{ROUTER}"), "r.toml:8:10: switch 000000000000001f has a router already"),
            (interface("{ addresses = [] }"), "r.toml:4:3: an interface has `ports`, a `vlan` or both"),
            (interface("{ vlan = 4095, addresses = [] }"), "r.toml:4:12: a VLAN's id is from 1 to 4094"),
            (
                interface("{ ports = [1], addresses = [\"10.0.0.1\"] }"),
                "r.toml:4:30: \"10.0.0.1\": expected an address and a length, such as 10.0.0.0/24 or fd00::/64",
            ),
            (
                interface("{ ports = [1], addresses = [\"10.0.0.0/24\"] }"),
                "r.toml:4:31: 10.0.0.0 is no address of a single node of its subnet",
            ),
            (
                interface("{ ports = [1], addresses = [] },\n  { ports = [2, 1], addresses = [] }"),
                "r.toml:5:3: interface 1 takes some of the same frames",
            ),
            (
                interface(
                    "{ ports = [1], addresses = [\"10.0.0.1/24\"] },\n  { vlan = 3, addresses = [\"10.0.0.2/16\"] }",
                ),
                "r.toml:5:28: the subnet 10.0.0.0/24 is another's already",
            ),
            (
                route("10.1.2.3/8", "10.0.1.1"),
                "r.toml:8:6: 10.1.2.3/8 has bits behind its length; 10.0.0.0/8 has not",
            ),
            (route("0.0.0.0/0", "192.168.0.1"), "r.toml:9:7: 192.168.0.1 is in the subnet of no interface"),
            (route("0.0.0.0/0", "fd00:1::1"), "r.toml:9:7: fd00:1::1 is not of the same family as 0.0.0.0/0"),
            (route("0.0.0.0/0", "10.0.2.254"), "r.toml:9:7: 10.0.2.254 is this router itself"),
            (route("10.0.1.0/24", "10.0.2.1"), "r.toml:8:6: there is a route to 10.0.1.0/24 already"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&text).unwrap_err().to_string(), expected);
        }
    }
}
