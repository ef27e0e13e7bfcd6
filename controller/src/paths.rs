//! Ways through the network: shortest, disjoint, and the tree that broadcasts take.
//!
//! All links cost the same. Of equally good ways always the same is taken, the one over the lowest datapath ids and
//! ports, so that switches which each decide for themselves agree.

mod trees;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::OnceLock;

use openflow::{DatapathId, PortNo};

pub use self::trees::{DisjointTrees, Ways};
use crate::network::{Link, PortRef, Snapshot};

/// A step from one switch to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    /// Where it leaves.
    pub from: PortRef,
    /// Where it arrives.
    pub to: PortRef,
}

/// The links of a [`Snapshot`], as ways lead over them.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// The hops that leave each switch, in order.
    hops: BTreeMap<DatapathId, Vec<Hop>>,
    switches: BTreeSet<DatapathId>,
    links: Vec<Link>,
    /// Worked out once somebody asks.
    blocked: OnceLock<HashMap<DatapathId, BTreeSet<PortNo>>>,
    trees: OnceLock<BTreeMap<DatapathId, DisjointTrees>>,
}

impl Snapshot {
    /// Its switches and links, to find ways over.
    pub fn topology(&self) -> Topology {
        Topology::new(self.switches.iter().map(|switch| switch.id), self.links.iter().copied())
    }
}

impl Topology {
    /// These switches and links; the ends of links count as switches too.
    pub fn new(
        switches: impl IntoIterator<Item = DatapathId>,
        links: impl IntoIterator<Item = Link>,
    ) -> Topology {
        let mut topology = Topology { switches: switches.into_iter().collect(), ..Topology::default() };
        topology.links = links.into_iter().collect();
        topology.links.sort_unstable();
        topology.links.dedup();
        for link in &topology.links {
            for (from, to) in [(link.a, link.b), (link.b, link.a)] {
                topology.switches.insert(from.switch);
                topology.hops.entry(from.switch).or_default().push(Hop { from, to });
            }
        }
        for hops in topology.hops.values_mut() {
            hops.sort_unstable();
        }
        topology
    }

    fn hops_of(&self, switch: DatapathId) -> &[Hop] {
        self.hops.get(&switch).map_or(&[], Vec::as_slice)
    }

    /// How many hops every switch that can be reached is away.
    fn distances(&self, from: DatapathId) -> HashMap<DatapathId, usize> {
        let mut distances = HashMap::from([(from, 0)]);
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            let next = distances[&at] + 1;
            for hop in self.hops_of(at) {
                if let Entry::Vacant(unseen) = distances.entry(hop.to.switch) {
                    unseen.insert(next);
                    queue.push_back(hop.to.switch);
                }
            }
        }
        distances
    }

    /// A shortest way; empty from a switch to itself, `None` where there is none.
    pub fn shortest_path(&self, from: DatapathId, to: DatapathId) -> Option<Vec<Hop>> {
        let distances = self.distances(to);
        let mut left = *distances.get(&from)?;
        let mut at = from;
        let mut path = Vec::with_capacity(left);
        while left > 0 {
            left -= 1;
            let hop = self.hops_of(at).iter().find(|hop| distances.get(&hop.to.switch) == Some(&left))?;
            path.push(*hop);
            at = hop.to.switch;
        }
        Some(path)
    }

    /// The port through which a switch sends what is for another one, along a shortest way. Every switch on that way
    /// that asks gets the same way's next port, so what they set up each by themselves has no loops.
    pub fn next_port(&self, from: DatapathId, to: DatapathId) -> Option<PortNo> {
        self.shortest_path(from, to)?.first().map(|hop| hop.from.port)
    }

    /// Up to `count` ways that have no link in common, shortest in sum (Suurballe, Networks 4 (1974), by augmenting
    /// paths); fewer where there are not so many. Sorted by length.
    pub fn disjoint_paths(&self, from: DatapathId, to: DatapathId, count: usize) -> Vec<Vec<Hop>> {
        if from == to {
            return Vec::new();
        }
        // Hops in use; one is never used in both directions, for then neither is.
        let mut used: BTreeSet<Hop> = BTreeSet::new();
        for _ in 0..count {
            let Some(path) = self.augmenting_path(from, to, &used) else { break };
            for hop in path {
                let back = Hop { from: hop.to, to: hop.from };
                if !used.remove(&back) {
                    used.insert(hop);
                }
            }
        }
        let mut paths = Vec::new();
        while let Some(first) = used.iter().copied().find(|hop| hop.from.switch == from) {
            used.remove(&first);
            let (mut path, mut at) = (vec![first], first.to.switch);
            while at != to {
                let next = used.iter().copied().find(|hop| hop.from.switch == at);
                let next = next.expect("as many hops leave a switch on the way as come to it");
                used.remove(&next);
                path.push(next);
                at = next.to.switch;
            }
            paths.push(path);
        }
        paths.sort_by_key(Vec::len);
        paths
    }

    /// The cheapest way over hops that are not in use; to give a used one back pays its cost (Bellman-Ford).
    fn augmenting_path(&self, from: DatapathId, to: DatapathId, used: &BTreeSet<Hop>) -> Option<Vec<Hop>> {
        let mut best: BTreeMap<DatapathId, (i64, Option<Hop>)> = BTreeMap::from([(from, (0, None))]);
        for _ in 0..self.switches.len() {
            let mut settled = true;
            for hop in self.hops.values().flatten().filter(|hop| !used.contains(hop)) {
                let Some(&(so_far, _)) = best.get(&hop.from.switch) else { continue };
                let gives_back = used.contains(&Hop { from: hop.to, to: hop.from });
                let cost = so_far + if gives_back { -1 } else { 1 };
                if best.get(&hop.to.switch).is_none_or(|(known, _)| cost < *known) {
                    best.insert(hop.to.switch, (cost, Some(*hop)));
                    settled = false;
                }
            }
            if settled {
                break;
            }
        }
        let mut path = Vec::new();
        let mut at = to;
        while at != from {
            // No way is longer than there are switches: the costs have no negative circles.
            let hop = best.get(&at).and_then(|(_, hop)| *hop).filter(|_| path.len() < self.switches.len())?;
            path.push(hop);
            at = hop.from.switch;
        }
        path.reverse();
        Some(path)
    }

    /// Links that join all switches that can reach each other, without a circle: what a broadcast takes to get
    /// everywhere once. In every connected part the tree of shortest ways from its lowest datapath id.
    pub fn spanning_tree(&self) -> BTreeSet<Link> {
        let mut tree = BTreeSet::new();
        let mut reached = BTreeSet::new();
        for &root in &self.switches {
            if !reached.insert(root) {
                continue;
            }
            let mut queue = VecDeque::from([root]);
            while let Some(at) = queue.pop_front() {
                for hop in self.hops_of(at) {
                    if reached.insert(hop.to.switch) {
                        tree.insert(Link::new(hop.from, hop.to));
                        queue.push_back(hop.to.switch);
                    }
                }
            }
        }
        tree
    }

    /// The ports of a switch through which a broadcast must not go: those of links outside the tree.
    pub fn blocked_ports(&self, switch: DatapathId) -> &BTreeSet<PortNo> {
        static NONE: BTreeSet<PortNo> = BTreeSet::new();
        let blocked = self.blocked.get_or_init(|| {
            let tree = self.spanning_tree();
            let mut blocked: HashMap<DatapathId, BTreeSet<PortNo>> = HashMap::new();
            let outside = self.links.iter().filter(|link| !tree.contains(link));
            for end in outside.flat_map(|link| [link.a, link.b]) {
                blocked.entry(end.switch).or_default().insert(end.port);
            }
            blocked
        });
        blocked.get(&switch).unwrap_or(&NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn at(switch: u64, port: u32) -> PortRef {
        PortRef { switch: DatapathId(switch), port: PortNo(port) }
    }

    /// Each link has a number, which is its port at both ends.
    pub(super) fn topology(links: &[(u64, u64)]) -> Topology {
        let links = links.iter().zip(1..).map(|((a, b), port)| Link::new(at(*a, port), at(*b, port)));
        Topology::new([], links)
    }

    fn ports(path: &[Hop]) -> Vec<u32> {
        path.iter().map(|hop| hop.from.port.0).collect()
    }

    /// 1 - 2 - 3 and 1 - 4 - 3, the long way 1 - 5 - 6 - 3, and 7 - 8 apart.
    fn example() -> Topology {
        topology(&[(1, 2), (2, 3), (1, 4), (4, 3), (1, 5), (5, 6), (6, 3), (7, 8)])
    }

    #[test]
    fn the_shortest_way_is_found_and_is_always_the_same() {
        let topology = example();
        let (one, three) = (DatapathId(1), DatapathId(3));
        assert_eq!(topology.shortest_path(one, three).map(|path| ports(&path)), Some(vec![1, 2]));
        assert_eq!(topology.next_port(one, three), Some(PortNo(1)));
        assert_eq!(topology.next_port(DatapathId(5), three), Some(PortNo(6)));
        assert_eq!(topology.shortest_path(one, one), Some(Vec::new()));
        assert_eq!(topology.shortest_path(one, DatapathId(7)), None);
        assert_eq!(topology.next_port(one, DatapathId(99)), None);
    }

    #[test]
    fn parallel_links_are_ways_of_their_own() {
        let topology = topology(&[(1, 2), (1, 2)]);
        let paths = topology.disjoint_paths(DatapathId(1), DatapathId(2), 5);
        assert_eq!(paths.iter().map(|path| ports(path)).collect::<Vec<_>>(), [[1], [2]]);
    }

    #[test]
    fn disjoint_ways_share_no_link() {
        let paths = example().disjoint_paths(DatapathId(1), DatapathId(3), 3);
        let lengths: Vec<usize> = paths.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 2, 3]);
        let links: BTreeSet<Link> = paths.iter().flatten().map(|hop| Link::new(hop.from, hop.to)).collect();
        assert_eq!(links.len(), 7);
        assert_eq!(example().disjoint_paths(DatapathId(1), DatapathId(3), 2).len(), 2);
        assert!(example().disjoint_paths(DatapathId(1), DatapathId(8), 2).is_empty());
    }

    #[test]
    fn a_shortest_way_is_given_up_where_it_is_in_the_way_of_two() {
        // The shortest way 1 - 2 - 3 - 4 uses 2 - 3, which two disjoint ways must leave alone.
        let topology = topology(&[(1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 3), (2, 7), (7, 8), (8, 4)]);
        let paths = topology.disjoint_paths(DatapathId(1), DatapathId(4), 2);
        assert_eq!(paths.iter().map(|path| ports(path)).collect::<Vec<_>>(), [[1, 7, 8, 9], [4, 5, 6, 3]]);
    }

    #[test]
    fn a_broadcast_reaches_every_switch_once() {
        let topology = example();
        let tree = topology.spanning_tree();
        // Two parts with 6 and 2 switches.
        assert_eq!(tree.len(), 5 + 1);
        assert_eq!(*topology.blocked_ports(DatapathId(3)), [PortNo(4), PortNo(7)].into());
        assert!(topology.blocked_ports(DatapathId(7)).is_empty());
    }
}
