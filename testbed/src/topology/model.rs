//! A topology as a network of `verify`: the same ports and addresses, without a kernel.

use std::time::Instant;

use verify::{Host, Network, NetworkError};

use super::{Topology, TopologyError};

impl Topology {
    /// The network that a testbed of this topology has, with nothing in its switches' tables. Links carry every frame at
    /// once, whatever they are to do to them.
    ///
    /// # Errors
    /// For a topology that contradicts itself.
    pub fn network(&self, now: Instant) -> Result<Network, TopologyError> {
        let plan = self.plan()?;
        let mut network = Network::new();
        let add = |network: &mut Network| -> Result<(), NetworkError> {
            for (i, host) in self.hosts.iter().enumerate() {
                let new = Host::new(&host.name).mac(host.mac_address(i)).ipv4(host.address(i).address);
                network.add_host(new.ipv6(host.ipv6_address(i).address))?;
            }
            for switch in &plan.switches {
                network.add_switch(&switch.name, switch.dpid)?;
            }
            for link in &plan.links {
                let [a, b] = [&link.ends[0], &link.ends[1]].map(|end| (end.node_name.as_str(), end.port));
                network.connect(a, b, now)?;
            }
            Ok(())
        };
        add(&mut network)?;
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_addresses_are_those_of_the_testbed() {
        let topology: Topology = "linear,2".parse().unwrap();
        let network = topology.network(Instant::now()).unwrap();
        let h2 = network.host("h2").unwrap();
        assert_eq!(h2.ipv4_address().map(|a| a.to_string()).as_deref(), Some("10.0.0.2"));
        assert_eq!(h2.mac_address().to_string(), "00:00:00:00:00:02");
        let ports: Vec<_> = network.switch("s2").unwrap().ports().map(|port| port.number.0).collect();
        assert_eq!(ports, [1, 2]);
        assert_eq!(network.switch("s2").unwrap().datapath_id().0, 2);
        assert_eq!(network.ports("s1").unwrap().get("s1-eth2").map(|port| port.0), Some(2));
    }
}
