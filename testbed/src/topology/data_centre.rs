//! Shapes with loops: of data centres, and of textbooks. Where there are loops, a learning switch needs help:
//! an app that is safe with them, or the spanning tree protocol.

use openflow::DatapathId;

use super::shape::fits;
use super::{HostSpec, SwitchSpec, Topology, TopologyError};

impl Topology {
    /// A torus of `x` by `y` switches `s`i`x`j, each joined to the next in both directions, the last to the first,
    /// with `hosts` hosts each: `h`i`x`j, or `h`i`x`j`x`k where a switch has several. Names, datapath ids and order
    /// are those of Mininet's `TorusTopo` (`mininet/topolib.py`).
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`]; [`TopologyError::Shape`] for fewer than 3 by 3.
    pub fn torus(x: u32, y: u32, hosts: u32) -> Result<Self, TopologyError> {
        for number in [x, y] {
            if number < 3 {
                return Err(TopologyError::Shape { number, what: "side of a torus", expected: "3 or more" });
            }
        }
        fits(product(&[x.into(), y.into(), 1 + u64::from(hosts)]))?;
        let mut topology = Self::default();
        // Mininet's 256, or more where that would give two switches the same id.
        let row = u64::from(y + 1).next_power_of_two().max(256);
        for i in 1..=x {
            for j in 1..=y {
                let mut switch = SwitchSpec::new(format!("s{i}x{j}"));
                switch.dpid = Some(DatapathId(u64::from(i) * row + u64::from(j)));
                topology.switches.push(switch);
                for k in 1..=hosts {
                    let host = match hosts {
                        1 => format!("h{i}x{j}"),
                        _ => format!("h{i}x{j}x{k}"),
                    };
                    topology.hosts.push(HostSpec::new(host.as_str()));
                    topology.join(host, format!("s{i}x{j}"));
                }
            }
        }
        for i in 0..x {
            for j in 0..y {
                let here = format!("s{}x{}", i + 1, j + 1);
                topology.join(here.as_str(), format!("s{}x{}", i + 1, (j + 1) % y + 1));
                topology.join(here, format!("s{}x{}", (i + 1) % x + 1, j + 1));
            }
        }
        Ok(topology)
    }

    /// A ring of `switches` switches, with a host `h`n on each `s`n.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`]; [`TopologyError::Shape`] for fewer than 3.
    pub fn ring(switches: u32) -> Result<Self, TopologyError> {
        if switches < 3 {
            return Err(TopologyError::Shape {
                number: switches,
                what: "number of switches in a ring",
                expected: "3 or more",
            });
        }
        let mut topology = Self::linear(switches, 1)?;
        topology.join("s1", format!("s{switches}"));
        Ok(topology)
    }

    /// `switches` switches, each joined to every other, with a host `h`n on each `s`n.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`], also for too many links.
    pub fn mesh(switches: u32) -> Result<Self, TopologyError> {
        let n = u64::from(switches);
        fits(n * 2)?;
        fits(n * n / 2)?;
        let mut topology = Self::default();
        for i in 1..=switches {
            let switch = topology.add_switch(i);
            topology.hosts.push(HostSpec::new(format!("h{i}")));
            topology.join(format!("h{i}"), switch);
        }
        for i in 1..=switches {
            for j in i + 1..=switches {
                topology.join(format!("s{i}"), format!("s{j}"));
            }
        }
        Ok(topology)
    }

    /// A fat tree of switches with `k` ports (Al-Fares, Loukissas, Vahdat: A Scalable, Commodity Data Center Network
    /// Architecture, SIGCOMM 2008): `k` pods of `k`/2 aggregation switches `a`pod`x`i and `k`/2 edge switches
    /// `e`pod`x`i with `k`/2 hosts each, and (`k`/2)² core switches `c`i. Hosts are `h1` and so on; datapath ids count
    /// from 1, core first.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`]; [`TopologyError::Shape`] for an odd `k`.
    pub fn fat_tree(k: u32) -> Result<Self, TopologyError> {
        if k < 2 || !k.is_multiple_of(2) {
            return Err(TopologyError::Shape {
                number: k,
                what: "number of ports of a fat tree's switches",
                expected: "an even number from 2",
            });
        }
        let half = k / 2;
        fits(product(&[k.into(), k.into(), u64::from(k) + 5]) / 4)?;
        let mut topology = Self::default();
        for i in 1..=half * half {
            topology.add_numbered(format!("c{i}"));
        }
        for pod in 1..=k {
            for i in 1..=half {
                topology.add_numbered(format!("a{pod}x{i}"));
                for j in 1..=half {
                    topology.join(format!("a{pod}x{i}"), format!("c{}", (i - 1) * half + j));
                }
            }
            for i in 1..=half {
                let edge = topology.add_numbered(format!("e{pod}x{i}"));
                topology.add_hosts(&edge, half);
                for j in 1..=half {
                    topology.join(edge.as_str(), format!("a{pod}x{j}"));
                }
            }
        }
        Ok(topology)
    }

    /// `leaves` switches `leaf`i, each joined to each of `spines` switches `spine`i and with `hosts` hosts. Hosts are
    /// `h1` and so on; datapath ids count from 1, spines first.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`], also for too many links.
    pub fn leaf_spine(leaves: u32, spines: u32, hosts: u32) -> Result<Self, TopologyError> {
        fits(product(&[leaves.into(), 1 + u64::from(hosts)]).saturating_add(spines.into()))?;
        fits(product(&[leaves.into(), u64::from(spines) + u64::from(hosts)]))?;
        let mut topology = Self::default();
        for i in 1..=spines {
            topology.add_numbered(format!("spine{i}"));
        }
        for i in 1..=leaves {
            let leaf = topology.add_numbered(format!("leaf{i}"));
            topology.add_hosts(&leaf, hosts);
            for j in 1..=spines {
                topology.join(leaf.as_str(), format!("spine{j}"));
            }
        }
        Ok(topology)
    }

    /// Adds a switch whose datapath id is its place in the list, from 1.
    fn add_numbered(&mut self, name: String) -> String {
        let mut switch = SwitchSpec::new(name.as_str());
        switch.dpid = Some(DatapathId(self.switches.len() as u64 + 1));
        self.switches.push(switch);
        name
    }

    /// Adds hosts to a switch; all hosts count from `h1`.
    pub(super) fn add_hosts(&mut self, switch: &str, hosts: u32) {
        for _ in 0..hosts {
            let host = format!("h{}", self.hosts.len() + 1);
            self.hosts.push(HostSpec::new(host.as_str()));
            self.join(host, switch);
        }
    }
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |product, factor| product.saturating_mul(*factor))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// How many links each node has.
    fn degrees(topology: &Topology) -> HashMap<&str, usize> {
        let mut degrees = HashMap::new();
        for end in topology.links.iter().flat_map(|link| [&link.a, &link.b]) {
            *degrees.entry(end.node.as_str()).or_default() += 1;
        }
        degrees
    }

    #[test]
    fn a_torus_is_mininets() {
        // What `TorusTopo` of `mininet/topolib.py` makes of (3, 3), worked through by hand.
        let torus = Topology::torus(3, 3, 1).unwrap();
        let text = |link: &super::super::LinkSpec| format!("{}-{}", link.a, link.b);
        let links: Vec<_> = torus.links.iter().map(text).collect();
        assert_eq!(links[..3], ["h1x1-s1x1", "h1x2-s1x2", "h1x3-s1x3"]);
        assert_eq!(links[9..13], ["s1x1-s1x2", "s1x1-s2x1", "s1x2-s1x3", "s1x2-s2x2"]);
        assert_eq!(links[25..], ["s3x3-s3x1", "s3x3-s1x3"]);
        assert_eq!(torus.switches[4].dpid, Some(DatapathId(0x202)));
        assert_eq!(Topology::torus(3, 4, 2).unwrap().hosts[1].name, "h1x1x2");
        Topology::torus(3, 300, 1).unwrap().validate().unwrap();
        assert!(Topology::torus(2, 3, 1).is_err());
    }

    #[test]
    fn a_fat_tree_uses_every_port_once() {
        for k in [2, 4, 6] {
            let tree = Topology::fat_tree(k).unwrap();
            tree.validate().unwrap();
            let k = k as usize;
            assert_eq!((tree.switches.len(), tree.hosts.len()), (5 * k * k / 4, k * k * k / 4));
            let degrees = degrees(&tree);
            assert!(tree.switches.iter().all(|switch| degrees[switch.name.as_str()] == k));
        }
        let error = Topology::fat_tree(3).unwrap_err().to_string();
        assert_eq!(error, "3 is no number of ports of a fat tree's switches; expected an even number from 2");
    }

    #[test]
    fn rings_meshes_and_leaves_with_spines_have_their_links() {
        let ring = Topology::ring(5).unwrap();
        assert!(ring.switches.iter().all(|switch| degrees(&ring)[switch.name.as_str()] == 3));
        let mesh = Topology::mesh(5).unwrap();
        assert_eq!(mesh.links.len(), 5 + 10);
        let leaves = Topology::leaf_spine(3, 2, 4).unwrap();
        leaves.validate().unwrap();
        assert_eq!((leaves.hosts.len(), leaves.links.len()), (12, 12 + 6));
        assert_eq!(degrees(&leaves)["leaf2"], 6);
    }

    #[test]
    fn a_mistyped_number_does_not_fill_the_memory() {
        for result in [
            Topology::torus(u32::MAX, u32::MAX, u32::MAX),
            Topology::ring(u32::MAX),
            Topology::mesh(u32::MAX),
            Topology::mesh(10_000),
            Topology::fat_tree(u32::MAX - 1),
            Topology::leaf_spine(u32::MAX, u32::MAX, u32::MAX),
            Topology::leaf_spine(30_000, 30_000, 1),
        ] {
            assert!(matches!(result, Err(TopologyError::TooLarge { .. })));
        }
    }
}
