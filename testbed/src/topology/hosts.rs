//! The addresses and routes of hosts: what they have where nothing is said, and whether they make sense.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use openflow::MacAddr;

use super::validate::Culprit;
use super::{HostSpec, InterfaceSpec, Ipv4Net, Ipv6Net, Route, Topology, TopologyError};

impl Topology {
    pub(super) fn check_addresses(&self) -> Result<(), (Culprit, TopologyError)> {
        let mut taken = Taken::default();
        for (i, host) in self.hosts.iter().enumerate() {
            let fail = |error| (Culprit::Host(i), error);
            let first = (Some(host.address(i)), Some(host.ipv6_address(i)), Some(host.mac_address(i)));
            taken.take(&host.name, first).map_err(fail)?;
            let mut ports: Vec<u32> = Vec::new();
            for interface in &host.interfaces {
                if ports.contains(&interface.port) {
                    let (node, port) = (host.name.clone(), interface.port);
                    return Err(fail(TopologyError::InterfaceTwice { node, port }));
                }
                ports.push(interface.port);
                taken.take(&host.name, (interface.ipv4, interface.ipv6, interface.mac)).map_err(fail)?;
            }
            host.check_routes(i).map_err(fail)?;
        }
        Ok(())
    }
}

/// The addresses that hosts have, and who has them.
#[derive(Default)]
struct Taken<'a> {
    ipv4: HashMap<Ipv4Addr, &'a str>,
    ipv6: HashMap<Ipv6Addr, &'a str>,
    mac: HashMap<MacAddr, &'a str>,
}

impl<'a> Taken<'a> {
    /// An interface of the host has these addresses.
    fn take(
        &mut self,
        host: &'a str,
        (ipv4, ipv6, mac): (Option<Ipv4Net>, Option<Ipv6Net>, Option<MacAddr>),
    ) -> Result<(), TopologyError> {
        let bad = |kind, address: String, why| TopologyError::BadAddress {
            host: host.to_owned(),
            kind,
            address,
            why,
        };
        let twice = |kind, address: String, other: &str| TopologyError::DuplicateAddress {
            kind,
            address,
            a: other.to_owned(),
            b: host.to_owned(),
        };
        if let Some(net) = ipv4 {
            if let Some(why) = unfit(net) {
                return Err(bad("IPv4", net.to_string(), why));
            }
            if let Some(other) = self.ipv4.insert(net.address, host) {
                return Err(twice("IPv4", net.address.to_string(), other));
            }
        }
        if let Some(net) = ipv6 {
            if let Some(why) = unfit_v6(net) {
                return Err(bad("IPv6", net.to_string(), why));
            }
            if let Some(other) = self.ipv6.insert(net.address, host) {
                return Err(twice("IPv6", net.address.to_string(), other));
            }
        }
        if let Some(mac) = mac {
            if mac.is_multicast() {
                return Err(bad("MAC", mac.to_string(), "it is a group's"));
            }
            if mac == MacAddr([0; 6]) {
                return Err(bad("MAC", mac.to_string(), "it is no address"));
            }
            if let Some(other) = self.mac.insert(mac, host) {
                return Err(twice("MAC", mac.to_string(), other));
            }
        }
        Ok(())
    }
}

impl HostSpec {
    /// The address that the host has as the `index`-th (from 0) of its topology.
    pub(super) fn address(&self, index: usize) -> Ipv4Net {
        self.ipv4
            .unwrap_or_else(|| Ipv4Net { address: Ipv4Addr::from((10 << 24) | low_bits(index)), prefix: 8 })
    }

    /// The IPv6 address that the host has as the `index`-th (from 0) of its topology: a unique local one (RFC 4193).
    pub(super) fn ipv6_address(&self, index: usize) -> Ipv6Net {
        let default = (0xfd << 120) | u128::from(low_bits(index));
        self.ipv6.unwrap_or(Ipv6Net { address: Ipv6Addr::from(default), prefix: 64 })
    }

    /// The MAC address that the host has as the `index`-th (from 0) of its topology.
    pub(super) fn mac_address(&self, index: usize) -> MacAddr {
        self.mac.unwrap_or_else(|| {
            let [a, b, c, d] = low_bits(index).to_be_bytes();
            MacAddr([0, 0, a, b, c, d])
        })
    }

    /// What is said of the interface at this port, if it is one of the further ones.
    pub(super) fn interface(&self, port: u32) -> Option<&InterfaceSpec> {
        self.interfaces.iter().find(|interface| interface.port == port)
    }

    /// The routes of the `index`-th host that leave by its first interface, for `None`, or by a further one: by that whose
    /// network is the smallest that has the next hop.
    pub(super) fn routes_by(&self, index: usize, port: Option<u32>) -> Vec<Route> {
        let first = (None, Some(self.address(index)), Some(self.ipv6_address(index)));
        let further = self.interfaces.iter().map(|further| (Some(further.port), further.ipv4, further.ipv6));
        let interfaces: Vec<_> = std::iter::once(first).chain(further).collect();
        let way = |route: &Route| {
            let fits =
                interfaces.iter().filter_map(|(port, ipv4, ipv6)| Some((route.fit(*ipv4, *ipv6)?, *port)));
            fits.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, port)| port)
        };
        self.routes.iter().filter(|route| way(route) == Some(port)).copied().collect()
    }

    /// Each next hop is a neighbour, and nobody is his own.
    fn check_routes(&self, index: usize) -> Result<(), TopologyError> {
        let first = (Some(self.address(index)), Some(self.ipv6_address(index)));
        let further = self.interfaces.iter().map(|interface| (interface.ipv4, interface.ipv6));
        let interfaces: Vec<_> = std::iter::once(first).chain(further).collect();
        for (i, route) in self.routes.iter().enumerate() {
            let bad =
                |why| TopologyError::BadRoute { host: self.name.clone(), route: route.to_string(), why };
            if interfaces.iter().all(|(ipv4, ipv6)| route.fit(*ipv4, *ipv6).is_none()) {
                return Err(bad("its next hop is in no network of the host's own"));
            }
            let own = interfaces.iter().any(|(ipv4, ipv6)| {
                let ours = [ipv4.map(|net| net.address.into()), ipv6.map(|net| net.address.into())];
                ours.contains(&Some(route.via()))
            });
            if own {
                return Err(bad("its next hop is the host itself"));
            }
            if self.routes[..i].iter().any(|other| other.leads_where(route)) {
                return Err(bad("another one leads to the same network"));
            }
        }
        Ok(())
    }
}

/// A host's number from 1, in the 24 bits that a default address has for it.
fn low_bits(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX) & 0x00ff_ffff
}

fn unfit(net: Ipv4Net) -> Option<&'static str> {
    let host_bits = u32::from(net.address) & net.host_mask();
    let address = net.address;
    if address.is_unspecified() || address.is_broadcast() || address.octets()[0] == 0 {
        Some("it is no host's")
    } else if address.is_multicast() || address.is_loopback() {
        Some("it is no unicast address of a network")
    } else if net.prefix == 0 {
        Some("a prefix of 0 bits would take in every address")
    } else if net.prefix < 31 && (host_bits == 0 || host_bits == net.host_mask()) {
        Some("it is the network's own or its broadcast address")
    } else {
        None
    }
}

fn unfit_v6(net: Ipv6Net) -> Option<&'static str> {
    let address = net.address;
    if address.is_unspecified() {
        Some("it is no host's")
    } else if address.is_multicast() || address.is_loopback() {
        Some("it is no unicast address of a network")
    } else if address.is_unicast_link_local() {
        Some("the kernel gives link-local addresses itself")
    } else if net.prefix == 0 {
        Some("a prefix of 0 bits would take in every address")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::LinkSpec;
    use super::*;

    fn router() -> Topology {
        let mut topology = Topology::single(3).unwrap();
        topology.hosts[1].interfaces = vec![InterfaceSpec {
            port: 1,
            ipv4: Some("10.2.0.1/16".parse().unwrap()),
            ipv6: Some("fd00:2::1/64".parse().unwrap()),
            mac: None,
        }];
        topology.links.push(LinkSpec::new("h2:1".parse().unwrap(), "s1".parse().unwrap()));
        topology
    }

    #[test]
    fn further_interfaces_have_their_own_addresses_and_routes_leave_where_their_next_hop_is() {
        let mut topology = router();
        let routes = ["default via 10.2.0.9", "192.168.0.0/16 via 10.0.0.9", "default via fd00::9"];
        topology.hosts[1].routes = routes.iter().map(|text| text.parse().unwrap()).collect();
        let plan = topology.plan().unwrap();
        let end = |link: usize| &plan.links[link].ends[0];
        let texts = |link| end(link).routes.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            (end(1).name.as_str(), end(1).ipv4.unwrap().to_string()),
            ("h2-eth0", "10.0.0.2/8".into())
        );
        assert_eq!(texts(1), ["192.168.0.0/16 via 10.0.0.9", "default via fd00::9"]);
        assert_eq!(
            (end(3).name.as_str(), end(3).ipv4.unwrap().to_string()),
            ("h2-eth1", "10.2.0.1/16".into())
        );
        assert_eq!(end(3).ipv6.unwrap().to_string(), "fd00:2::1/64");
        assert_eq!(texts(3), ["default via 10.2.0.9"]);
        assert_eq!(Topology::from_toml(&topology.to_toml(), std::path::Path::new("x")).unwrap(), topology);
    }

    #[test]
    fn what_a_host_cannot_have_is_said() {
        type Spoil = fn(&mut HostSpec);
        let complaint = |change: Spoil| {
            let mut topology = router();
            change(&mut topology.hosts[1]);
            topology.validate().unwrap_err().to_string()
        };
        let cases: [(Spoil, &str); 5] = [
            (
                |host| host.routes = vec!["default via 192.168.0.1".parse().unwrap()],
                "h2 cannot have the route default via 192.168.0.1: its next hop is in no network of the host's own",
            ),
            (
                |host| host.routes = vec!["default via fd00:2::1".parse().unwrap()],
                "h2 cannot have the route default via fd00:2::1: its next hop is the host itself",
            ),
            (
                |host| {
                    host.routes =
                        ["default via 10.0.0.9", "default via 10.0.0.8"].map(|r| r.parse().unwrap()).into()
                },
                "h2 cannot have the route default via 10.0.0.8: another one leads to the same network",
            ),
            (|host| host.interfaces.push(host.interfaces[0].clone()), "interface 1 of h2 is described twice"),
            (
                |host| host.interfaces[0].ipv4 = Some("10.0.0.3/16".parse().unwrap()),
                "h2 and h3 have the same IPv4 address 10.0.0.3",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(complaint(change), expected);
        }
    }
}
