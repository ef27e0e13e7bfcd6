//! Two trees of ways to a switch that fail by no one link together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use openflow::{DatapathId, PortNo};

use super::{Hop, Topology};
use crate::network::Link;

/// Two ways on from every switch that reaches the root of the trees. No hop is in both trees, except over a link without
/// which the switch would not reach the root at all.
///
/// So a packet can tell by where it came in which tree it is on, and a switch whose link of the first tree fails can put it
/// on the second one by itself: from there the second way does not lead over the link that failed. Every single failure is
/// survived that leaves switch and root connected. (Arc-disjoint spanning arborescences, made from the ears of the graph:
/// Itai and Rodeh, Information and Computation 79 (1988); used so by Chiesa et al., IEEE/ACM Transactions on Networking 25
/// (2017).)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DisjointTrees {
    ways: BTreeMap<DatapathId, Ways>,
    /// The hops of the second tree that are in it alone, by the port where they arrive.
    second_only: BTreeSet<(DatapathId, PortNo)>,
}

/// How packets for the root leave a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// On the first tree.
    pub first: Hop,
    /// On the second; the same one where there is no other.
    pub second: Hop,
}

/// A switch outside the trees, while an ear is looked for.
#[derive(Clone, Copy)]
struct Seen {
    /// The hop towards the trees, and the last of those hops, which reaches them.
    toward: Hop,
    branch: Hop,
    distance: usize,
}

impl Topology {
    /// Two trees to `root`.
    pub fn disjoint_trees(&self, root: DatapathId) -> DisjointTrees {
        let mut trees = DisjointTrees::default();
        // Of the first tree, in hops.
        let mut distances = BTreeMap::from([(root, 0)]);
        loop {
            let seen = self.outside(&distances);
            match self.shortest_ear(&distances, &seen) {
                Some(ear) => trees.add_ear(&mut distances, ear),
                None => {
                    // Whoever is left is reached over a single link.
                    let nearest = seen.iter().find(|(_, it)| it.distance == 1);
                    let Some((switch, Seen { toward, .. })) = nearest else { break };
                    trees.ways.insert(*switch, Ways { first: *toward, second: *toward });
                    distances.insert(*switch, distances[&toward.to.switch] + 1);
                }
            }
        }
        let second = trees.ways.values().filter(|ways| ways.first != ways.second);
        trees.second_only = second.map(|ways| (ways.second.to.switch, ways.second.to.port)).collect();
        trees
    }

    /// The trees to every switch, worked out once.
    pub fn trees(&self) -> impl Iterator<Item = (DatapathId, &DisjointTrees)> {
        self.all_trees().iter().map(|(root, trees)| (*root, trees))
    }

    /// The trees to a switch; `None` for one that is not there.
    pub fn trees_to(&self, root: DatapathId) -> Option<&DisjointTrees> {
        self.all_trees().get(&root)
    }

    fn all_trees(&self) -> &BTreeMap<DatapathId, DisjointTrees> {
        let trees = || self.switches.iter().map(|root| (*root, self.disjoint_trees(*root))).collect();
        self.trees.get_or_init(trees)
    }

    /// All switches outside the trees that reach them, breadth first.
    fn outside(&self, distances: &BTreeMap<DatapathId, usize>) -> BTreeMap<DatapathId, Seen> {
        let mut seen = BTreeMap::new();
        let mut queue: VecDeque<(DatapathId, Option<Seen>)> =
            distances.keys().map(|switch| (*switch, None)).collect();
        while let Some((at, before)) = queue.pop_front() {
            for hop in self.hops_of(at) {
                let switch = hop.to.switch;
                if distances.contains_key(&switch) || seen.contains_key(&switch) {
                    continue;
                }
                let toward = Hop { from: hop.to, to: hop.from };
                let branch = before.map_or(toward, |it| it.branch);
                let found = Seen { toward, branch, distance: before.map_or(1, |it| it.distance + 1) };
                seen.insert(switch, found);
                queue.push_back((switch, Some(found)));
            }
        }
        seen
    }

    /// The shortest way that leaves the trees and comes back to them over another link: its hops, from one end to the
    /// other.
    fn shortest_ear(
        &self,
        distances: &BTreeMap<DatapathId, usize>,
        seen: &BTreeMap<DatapathId, Seen>,
    ) -> Option<Vec<Hop>> {
        let link = |hop: &Hop| Link::new(hop.from, hop.to);
        let mut best: Option<(usize, Hop)> = None;
        for (switch, here) in seen {
            for hop in self.hops_of(*switch) {
                let length = match seen.get(&hop.to.switch) {
                    Some(there) if there.branch != here.branch => here.distance + 1 + there.distance,
                    None if distances.contains_key(&hop.to.switch) && link(hop) != link(&here.branch) => {
                        here.distance + 1
                    }
                    _ => continue,
                };
                if best.is_none_or(|(shortest, _)| length < shortest) {
                    best = Some((length, *hop));
                }
            }
        }
        let (_, bridge) = best?;
        let walk = |from: DatapathId| {
            let mut hops = Vec::new();
            let mut at = from;
            while let Some(it) = seen.get(&at) {
                hops.push(it.toward);
                at = it.toward.to.switch;
            }
            hops
        };
        let mut ear: Vec<Hop> = walk(bridge.from.switch).into_iter().rev().map(Hop::back).collect();
        ear.push(bridge);
        ear.extend(walk(bridge.to.switch));
        Some(ear)
    }
}

impl Hop {
    /// The other way.
    fn back(self) -> Hop {
        Hop { from: self.to, to: self.from }
    }
}

impl DisjointTrees {
    /// How packets for the root leave this switch; `None` for the root itself, and where no way leads there.
    pub fn ways(&self, switch: DatapathId) -> Option<Ways> {
        self.ways.get(&switch).copied()
    }

    /// The ports of a switch by which packets come that are on the second tree.
    pub fn second_arrives(&self, switch: DatapathId) -> impl Iterator<Item = PortNo> {
        let all = (switch, PortNo(0))..=(switch, PortNo(u32::MAX));
        self.second_only.range(all).map(|(_, port)| *port)
    }

    /// The switches of an ear have the one tree along it and the other against it.
    fn add_ear(&mut self, distances: &mut BTreeMap<DatapathId, usize>, mut ear: Vec<Hop>) {
        let (Some(begin), Some(end)) = (ear.first(), ear.last()) else { return };
        // The first tree goes to the nearer end.
        if distances[&begin.from.switch] < distances[&end.to.switch] {
            ear = ear.into_iter().rev().map(Hop::back).collect();
        }
        let mut distance = ear.last().map_or(0, |hop| distances[&hop.to.switch]);
        for pair in ear.windows(2).rev() {
            let [before, after] = pair else { continue };
            distance += 1;
            distances.insert(after.from.switch, distance);
            self.ways.insert(after.from.switch, Ways { first: *after, second: before.back() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::PortRef;
    use crate::paths::tests::{at, topology};

    /// The hops of a packet as the switches would send it when one link is down; `None` if it is lost or goes in circles.
    fn sent(topology: &Topology, from: DatapathId, to: DatapathId, down: Option<Link>) -> Option<usize> {
        let trees = topology.disjoint_trees(to);
        let works = |hop: &Hop| down != Some(Link::new(hop.from, hop.to));
        let (mut here, mut hops) = (PortRef { switch: from, port: PortNo(0) }, 0);
        while here.switch != to {
            let ways = trees.ways(here.switch)?;
            let on_second = trees.second_arrives(here.switch).any(|port| port == here.port);
            let hop = match on_second || !works(&ways.first) {
                true => ways.second,
                false => ways.first,
            };
            if !works(&hop) {
                return None;
            }
            (here, hops) = (hop.to, hops + 1);
            if hops > 1000 {
                return None;
            }
        }
        Some(hops)
    }

    fn connected(links: &[(u64, u64)], without: usize, from: DatapathId, to: DatapathId) -> bool {
        let left = links.iter().zip(1..).enumerate().filter(|(at, _)| *at != without);
        let left = left.map(|(_, ((a, b), port))| Link::new(at(*a, port), at(*b, port)));
        Topology::new([from, to], left).shortest_path(from, to).is_some()
    }

    /// Holds every pair of switches and every link of a network to the promise of [`DisjointTrees`].
    fn survives(links: &[(u64, u64)]) {
        let topology = topology(links);
        let switches: BTreeSet<u64> = links.iter().flat_map(|(a, b)| [*a, *b]).collect();
        for from in switches.iter().copied().map(DatapathId) {
            for to in switches.iter().copied().map(DatapathId).filter(|to| *to != from) {
                let reached = topology.shortest_path(from, to).is_some();
                assert_eq!(sent(&topology, from, to, None).is_some(), reached, "{from} to {to}: {links:?}");
                for (number, ((a, b), port)) in links.iter().zip(1..).enumerate() {
                    let down = Some(Link::new(at(*a, port), at(*b, port)));
                    let arrives = sent(&topology, from, to, down).is_some();
                    let can = connected(links, number, from, to);
                    assert_eq!(arrives, can, "{from} to {to} without {down:?}: {links:?}");
                }
            }
        }
    }

    #[test]
    fn every_single_failure_is_survived_that_can_be() {
        survives(&[(1, 2), (2, 3), (3, 1)]);
        survives(&[(1, 2), (1, 2)]);
        // Two rings that share a switch, a bridge, and a ring behind it.
        survives(&[(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 3), (5, 6), (6, 7), (7, 8), (8, 6)]);
        // A grid.
        survives(&[
            (1, 2),
            (2, 3),
            (4, 5),
            (5, 6),
            (7, 8),
            (8, 9),
            (1, 4),
            (4, 7),
            (2, 5),
            (5, 8),
            (3, 6),
            (6, 9),
        ]);
        // A tree has nothing to spare, and two parts do not meet.
        survives(&[(1, 2), (2, 3), (2, 4), (8, 9)]);
    }

    #[test]
    fn and_in_networks_that_nobody_has_thought_of() {
        // A linear congruential generator (Knuth, TAOCP 2, §3.3.4): the same networks each time.
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..60 {
            let switches = 3 + next(7);
            let links: Vec<(u64, u64)> = (0..switches + next(8))
                .map(|_| (1 + next(switches), 1 + next(switches)))
                .filter(|(a, b)| a != b)
                .collect();
            survives(&links);
        }
    }

    #[test]
    fn the_first_tree_takes_the_nearer_end() {
        let ring = topology(&[(1, 2), (2, 3), (3, 4), (4, 1)]);
        let hops = |from| sent(&ring, DatapathId(from), DatapathId(1), None);
        assert!([2, 3, 4].map(|from| hops(from).unwrap()).iter().sum::<usize>() <= 6);
        assert_eq!(ring.disjoint_trees(DatapathId(1)).ways(DatapathId(1)), None);
    }
}
