//! Groups and what a group-mod does to them (OF 1.3.5 §5.6, §6.5).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use smallvec::SmallVec;

use super::action_set::ActionSet;
use super::classifier::mix;
use super::key::Key;
use super::port::Ports;
use crate::action::{Action, Actions};
use crate::error::{ErrorKind, GroupModFailed};
use crate::ids::{GroupId, PortNo};
use crate::msg::group_mod::{Bucket, GroupKind, GroupMod};
use crate::multipart::{BucketStats, GroupDesc, GroupStats};

/// The most groups, and the most buckets of one.
pub(super) const GROUPS_MAX: usize = 1 << 16;
pub(super) const BUCKETS_MAX: usize = 1 << 12;
/// The longest chain of groups that forward to each other.
pub(super) const CHAIN_MAX: usize = 32;

/// How many buckets' lives are asked for to choose one; beyond it they count as dead.
const LIVES_MAX: u32 = 4 * BUCKETS_MAX as u32;

/// A bucket, its actions also in the order in which they are carried out.
#[derive(Debug)]
pub(super) struct Ready {
    bucket: Bucket,
    pub(super) actions: Actions,
}

#[derive(Debug)]
pub(super) struct Group {
    kind: GroupKind,
    pub(super) buckets: Arc<[Ready]>,
    created: Instant,
    total: BucketStats,
    counts: Vec<BucketStats>,
}

/// The group table.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<GroupId, Group>);

fn forwards(actions: &[Action]) -> impl Iterator<Item = GroupId> {
    actions.iter().filter_map(|action| match action {
        Action::Group(group) => Some(*group),
        _ => None,
    })
}

fn count(stats: &mut BucketStats, len: usize) {
    stats.packet_count += 1;
    stats.byte_count += len as u64;
}

impl Group {
    fn new(request: &GroupMod, now: Instant) -> Group {
        let ready =
            |bucket: &Bucket| Ready { bucket: bucket.clone(), actions: ActionSet::order(&bucket.actions) };
        Group {
            kind: request.kind,
            buckets: request.buckets.iter().map(ready).collect(),
            created: now,
            total: BucketStats::default(),
            counts: vec![BucketStats::default(); request.buckets.len()],
        }
    }

    fn forwards_to(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.buckets.iter().flat_map(|ready| forwards(&ready.bucket.actions))
    }

    /// The groups on whose life that of this one depends.
    fn watches(&self) -> impl Iterator<Item = GroupId> + '_ {
        self.buckets.iter().map(|ready| ready.bucket.watch_group).filter(|group| *group != GroupId::ANY)
    }
}

/// A hash of what stays the same in a connection, in one direction: Ethernet addresses and type,
/// VLAN id, addresses of IP or ARP, protocol, ports of TCP, UDP or SCTP.
///
/// A select group takes from its live buckets, laid out one behind the other as wide as their
/// weights, the one in which the hash, modulo the sum of the weights, lies.
pub(super) fn select_hash(key: &Key) -> u64 {
    let words = key.words();
    let addresses = words[6] & 0xffff_ffff_ffff;
    let chosen = [words[3], words[4], words[5], addresses, words[8], words[9], words[10], words[11]];
    chosen.into_iter().fold(0x5eed, mix)
}

impl Groups {
    pub(super) fn contains(&self, group: GroupId) -> bool {
        self.0.contains_key(&group)
    }

    /// Counts a packet of `len` bytes, and tells which buckets take it.
    pub(super) fn take(
        &mut self,
        id: GroupId,
        key: &Key,
        len: usize,
        ports: &Ports,
    ) -> Option<(Arc<[Ready]>, Range<usize>)> {
        let group = self.0.get(&id)?;
        let left = Cell::new(LIVES_MAX);
        let chosen = match group.kind {
            GroupKind::All => 0..group.buckets.len(),
            GroupKind::Indirect => 0..group.buckets.len().min(1),
            GroupKind::Select => one(self.selected(group, key, ports, &left)),
            GroupKind::FastFailover => {
                one(group.buckets.iter().position(|it| self.is_alive(&it.bucket, ports, &left)))
            }
            GroupKind::Unknown(_) => 0..0,
        };
        let group = self.0.get_mut(&id)?;
        count(&mut group.total, len);
        for bucket in chosen.clone() {
            count(&mut group.counts[bucket], len);
        }
        Some((group.buckets.clone(), chosen))
    }

    fn selected(&self, group: &Group, key: &Key, ports: &Ports, left: &Cell<u32>) -> Option<usize> {
        let alive = |it: &Ready| self.is_alive(&it.bucket, ports, left);
        let weights: SmallVec<[u64; 8]> =
            group.buckets.iter().map(|it| u64::from(it.bucket.weight) * u64::from(alive(it))).collect();
        let mut place = select_hash(key).checked_rem(weights.iter().sum())?;
        weights.iter().position(|weight| {
            let inside = place < *weight;
            place = place.wrapping_sub(*weight);
            inside
        })
    }

    /// A bucket lives with its port or its group; one that watches nothing always does
    /// (OF 1.3.5 §5.6.1, §7.3.4.2). `left` is how many lives may yet be asked for.
    fn is_alive(&self, bucket: &Bucket, ports: &Ports, left: &Cell<u32>) -> bool {
        if bucket.watch_port == PortNo::ANY && bucket.watch_group == GroupId::ANY {
            return true;
        }
        let port = bucket.watch_port != PortNo::ANY && ports.is_live(bucket.watch_port);
        let group = || {
            let asked = left.get().checked_sub(1).inspect(|less| left.set(*less));
            let group = asked.and_then(|_| self.0.get(&bucket.watch_group));
            group.is_some_and(|it| it.buckets.iter().any(|it| self.is_alive(&it.bucket, ports, left)))
        };
        port || group()
    }

    /// Adds or changes a group, whose actions have been checked.
    pub(super) fn set(&mut self, request: &GroupMod, exists: bool, now: Instant) -> Result<(), ErrorKind> {
        if exists != self.contains(request.group) {
            let wrong = if exists { GroupModFailed::UnknownGroup } else { GroupModFailed::GroupExists };
            return Err(wrong.into());
        }
        if request.group > GroupId::MAX {
            return Err(GroupModFailed::InvalidGroup.into());
        }
        if !exists && self.0.len() >= GROUPS_MAX {
            return Err(GroupModFailed::OutOfGroups.into());
        }
        self.check_buckets(request)?;
        let old = self.0.insert(request.group, Group::new(request, now));
        if let Err(error) = self.check_chains(request.group, exists) {
            match old {
                Some(old) => self.0.insert(request.group, old),
                None => self.0.remove(&request.group),
            };
            return Err(error.into());
        }
        // The time since it was added goes on, the counters start anew (OF 1.3.5 §6.5).
        if let (Some(old), Some(new)) = (old, self.0.get_mut(&request.group)) {
            new.created = old.created;
        }
        Ok(())
    }

    fn check_buckets(&self, request: &GroupMod) -> Result<(), GroupModFailed> {
        if request.buckets.len() > BUCKETS_MAX {
            return Err(GroupModFailed::OutOfBuckets);
        }
        let (one, weighted) = match request.kind {
            GroupKind::Unknown(_) => return Err(GroupModFailed::BadType),
            GroupKind::Indirect => (true, false),
            kind => (false, kind == GroupKind::Select),
        };
        if one && request.buckets.len() != 1 {
            return Err(GroupModFailed::InvalidGroup);
        }
        for bucket in &request.buckets {
            if !weighted && bucket.weight > 1 {
                return Err(GroupModFailed::InvalidGroup);
            }
            if bucket.watch_port != PortNo::ANY
                && !bucket.watch_port.is_ordinary()
                && bucket.watch_port != PortNo::LOCAL
            {
                return Err(GroupModFailed::BadWatch);
            }
            let watched = bucket.watch_group;
            if watched != GroupId::ANY && watched != request.group && !self.contains(watched) {
                return Err(GroupModFailed::BadWatch);
            }
        }
        Ok(())
    }

    /// Refuses loops, and chains that are too long, of groups through `changed`. To one that is new
    /// no group leads.
    fn check_chains(&self, changed: GroupId, existed: bool) -> Result<(), GroupModFailed> {
        // From the groups that nothing is known of to those from which all chains are known: the
        // length of the longest chain from each group that `changed` leads to.
        let mut lengths: BTreeMap<GroupId, usize> = BTreeMap::new();
        let mut open: BTreeSet<GroupId> = BTreeSet::new();
        let mut stack = vec![changed];
        while let Some(group) = stack.last().copied() {
            if lengths.contains_key(&group) {
                stack.pop();
                continue;
            }
            let next: Vec<GroupId> = self
                .0
                .get(&group)
                .map(|it| it.forwards_to().chain(it.watches()).collect())
                .unwrap_or_default();
            if open.insert(group) {
                if next.iter().any(|id| open.contains(id)) {
                    return Err(GroupModFailed::Loop);
                }
                stack.extend(next.into_iter().filter(|id| !lengths.contains_key(id)));
            } else {
                let longest = next.iter().filter_map(|id| lengths.get(id)).max();
                lengths.insert(group, longest.map_or(1, |length| length + 1));
                open.remove(&group);
                stack.pop();
            }
        }
        let below = lengths.get(&changed).copied().unwrap_or(1);
        let above = if existed { self.above(changed) } else { 0 };
        if below + above > CHAIN_MAX {
            return Err(GroupModFailed::ChainingUnsupported);
        }
        Ok(())
    }

    /// The length of the longest chain of groups that leads to this one.
    fn above(&self, group: GroupId) -> usize {
        let mut level: BTreeSet<GroupId> = [group].into();
        let mut length = 0;
        while length <= CHAIN_MAX {
            let leads = |it: &Group| it.forwards_to().chain(it.watches()).any(|id| level.contains(&id));
            let next: BTreeSet<GroupId> =
                self.0.iter().filter(|(_, it)| leads(it)).map(|(id, _)| *id).collect();
            if next.is_empty() {
                break;
            }
            length += 1;
            level = next;
        }
        length
    }

    /// Takes a group out; whether it was there.
    pub(super) fn remove(&mut self, group: GroupId) -> Result<bool, GroupModFailed> {
        if self.0.values().any(|it| it.forwards_to().chain(it.watches()).any(|id| id == group)) {
            return Err(GroupModFailed::ChainedGroup);
        }
        Ok(self.0.remove(&group).is_some())
    }

    /// Takes all groups out.
    pub(super) fn clear(&mut self) -> Vec<GroupId> {
        std::mem::take(&mut self.0).into_keys().collect()
    }

    /// Counters of one group or of all; `flows` tells how many flows name one.
    pub(super) fn stats(
        &self,
        wanted: GroupId,
        flows: &HashMap<GroupId, usize>,
        now: Instant,
    ) -> Vec<GroupStats> {
        let mut references = flows.clone();
        for group in self.0.values().flat_map(Group::forwards_to) {
            *references.entry(group).or_default() += 1;
        }
        let stats = |(id, group): (&GroupId, &Group)| GroupStats {
            group: *id,
            ref_count: references.get(id).map_or(0, |n| u32::try_from(*n).unwrap_or(u32::MAX)),
            packet_count: group.total.packet_count,
            byte_count: group.total.byte_count,
            age: now.saturating_duration_since(group.created).into(),
            buckets: group.counts.clone(),
        };
        self.wanted(wanted).map(stats).collect()
    }

    fn wanted(&self, wanted: GroupId) -> impl Iterator<Item = (&GroupId, &Group)> {
        self.0.iter().filter(move |(id, _)| wanted == GroupId::ALL || **id == wanted)
    }

    pub(super) fn describe(&self) -> Vec<GroupDesc> {
        let buckets = |group: &Group| group.buckets.iter().map(|it| it.bucket.clone()).collect();
        self.0
            .iter()
            .map(|(id, group)| GroupDesc { kind: group.kind, group: *id, buckets: buckets(group) })
            .collect()
    }
}

fn one(bucket: Option<usize>) -> Range<usize> {
    bucket.map_or(0..0, |at| at..at + 1)
}
