//! Random graphs, and the random numbers that they and the links are made of.

use std::collections::HashSet;

use super::shape::fits;
use super::{HostSpec, Topology, TopologyError};

/// Numbers that look random and are the same for the same seed, everywhere and in every version.
///
/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). The crates of the
/// `rand` family do not promise the same numbers across versions for their default generators.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0, less than 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, as many as there are")]
    pub(crate) fn next_unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0, less than `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        u32::try_from(wide >> 64).expect("less than bound")
    }
}

impl Topology {
    /// A random connected graph of `switches` switches with `links` links between them, no two of which join the
    /// same switches, and a host `h`n on each `s`n. The same for the same seed.
    ///
    /// Each switch is first joined to one before it, then links are added between pairs drawn at random.
    ///
    /// # Errors
    /// [`TopologyError::TooLarge`]; [`TopologyError::Links`] for fewer links than connect all, or more than there are
    /// pairs.
    pub fn random(switches: u32, links: u32, seed: u64) -> Result<Self, TopologyError> {
        fits(u64::from(switches) * 2)?;
        fits(links.into())?;
        let least = switches.saturating_sub(1);
        let most = u64::from(switches) * u64::from(least) / 2;
        if links < least || u64::from(links) > most {
            return Err(TopologyError::Links { links, switches, least: least.into(), most });
        }
        let mut random = SplitMix64::new(seed);
        let mut topology = Self::default();
        for i in 1..=switches {
            let switch = topology.add_switch(i);
            topology.hosts.push(HostSpec::new(format!("h{i}")));
            topology.join(format!("h{i}"), switch);
        }
        let mut pairs = HashSet::new();
        let mut add = |topology: &mut Self, a: u32, b: u32| {
            let new = a != b && pairs.insert((a.min(b), a.max(b)));
            if new {
                topology.join(format!("s{a}"), format!("s{b}"));
            }
            new
        };
        for i in 2..=switches {
            let before = random.below(i - 1) + 1;
            add(&mut topology, before, i);
        }
        let mut missing = u64::from(links) - u64::from(least);
        // Near the most there can be, drawing would go on for long: then what is left is taken in order.
        let mut draws = missing.saturating_mul(20);
        while missing > 0 && draws > 0 {
            let (a, b) = (random.below(switches) + 1, random.below(switches) + 1);
            missing -= u64::from(add(&mut topology, a, b));
            draws -= 1;
        }
        for a in 1..=switches {
            for b in a + 1..=switches {
                if missing == 0 {
                    return Ok(topology);
                }
                missing -= u64::from(add(&mut topology, a, b));
            }
        }
        Ok(topology)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // From its authors' C code, seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        for expected in [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423_u64]
        {
            assert_eq!(random.next_u64(), expected);
        }
    }

    #[test]
    fn a_seed_gives_the_same_connected_graph_again() {
        let graph = Topology::random(20, 30, 7).unwrap();
        assert_eq!(graph, Topology::random(20, 30, 7).unwrap());
        assert_ne!(graph, Topology::random(20, 30, 8).unwrap());
        assert_eq!((graph.switches.len(), graph.hosts.len(), graph.links.len()), (20, 20, 20 + 30));
        let mut reached = HashSet::from(["s1"]);
        for _ in 0..20 {
            for link in &graph.links[20..] {
                if reached.contains(link.a.node.as_str()) || reached.contains(link.b.node.as_str()) {
                    reached.extend([link.a.node.as_str(), link.b.node.as_str()]);
                }
            }
        }
        assert_eq!(reached.len(), 20);
    }

    #[test]
    fn every_number_of_links_that_can_be_is_reached() {
        for links in 4..=10 {
            assert_eq!(Topology::random(5, links, 1).unwrap().links.len(), 5 + links as usize);
        }
        for links in [3, 11] {
            let error = Topology::random(5, links, 1).unwrap_err().to_string();
            assert_eq!(error, format!("{links} links between 5 switches are not possible; expected 4 to 10"));
        }
    }
}
