//! Finds the flow for a packet: tuple space search.
//!
//! Flows whose matches look at the same bits are in one subtable, a hash table over these bits, so
//! that a lookup is one probe a subtable however many flows are in it. Subtables are asked in the
//! order of their highest priority, and the search ends where none that follows can win.

use std::collections::{BTreeMap, HashMap};

use hashbrown::HashTable;
use smallvec::SmallVec;

use super::conjunction::{self, Clauses};
use super::key::{Key, Mask, Pattern, WORDS};
use crate::oxm::FieldId;

/// Where a flow lies in its table.
pub(super) type FlowIx = u32;

/// Of the flows with one pattern that of the highest priority comes first.
#[derive(Clone, Copy, Debug)]
struct Rule {
    priority: u16,
    /// Whether it is but a part of a conjunction.
    part: bool,
    flow: FlowIx,
}

/// Flows by pattern and priority. No two have both the same.
#[derive(Debug, Default)]
pub(super) struct Classifier {
    subtables: Vec<Subtable>,
    by_mask: HashMap<Mask, u32>,
    free: Vec<u32>,
    /// Subtables with their highest priorities, the highest first.
    order: Vec<(u16, u32)>,
    /// The clauses of the flows that are parts of conjunctions.
    clauses: HashMap<FlowIx, Clauses>,
}

#[derive(Debug, Default)]
struct Subtable {
    mask: Mask,
    /// The words in which there are bits that count, and these bits.
    words: SmallVec<[(u8, u64); 4]>,
    /// Entries by their place; each has as many words here as `words`.
    keys: Vec<u64>,
    rules: Vec<SmallVec<[Rule; 1]>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    /// How many flows have a priority.
    priorities: BTreeMap<u16, u32>,
}

const SEED: u64 = 0x2545_f491_4f6c_dd1d;

/// Folds a word into a hash: the halves of the product, together.
#[inline]
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
    (product as u64) ^ (product >> 64) as u64
}

impl Subtable {
    fn new(mask: Mask) -> Subtable {
        let words = (0u8..).zip(mask.0).filter(|(_, bits)| *bits != 0).collect();
        Subtable { mask, words, ..Subtable::default() }
    }

    /// The words of a key that count here, masked.
    #[inline]
    fn masked<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = u64> + 'a {
        self.words.iter().map(|(at, bits)| key.words()[usize::from(*at)] & bits)
    }

    #[inline]
    fn hash(&self, key: &Key) -> u64 {
        self.masked(key).fold(SEED, mix)
    }

    #[inline]
    fn find(&self, key: &Key) -> Option<u32> {
        let same =
            |entry: &u32| self.masked(key).zip(self.words_of(*entry)).all(|(mine, word)| mine == *word);
        self.index.find(self.hash(key), same).copied()
    }

    #[inline]
    fn words_of(&self, entry: u32) -> &[u64] {
        let n = self.words.len();
        let at = entry as usize * n;
        &self.keys[at..at + n]
    }

    fn insert(&mut self, value: &Key, rule: Rule) {
        *self.priorities.entry(rule.priority).or_default() += 1;
        if let Some(entry) = self.find(value) {
            let rules = &mut self.rules[entry as usize];
            let at = rules.partition_point(|other| other.priority > rule.priority);
            rules.insert(at, rule);
            return;
        }
        let hash = self.hash(value);
        let words: SmallVec<[u64; WORDS]> = self.masked(value).collect();
        let entry = match self.free.pop() {
            Some(entry) => {
                let at = entry as usize * words.len();
                self.keys[at..at + words.len()].copy_from_slice(&words);
                self.rules[entry as usize].push(rule);
                entry
            }
            None => {
                self.keys.extend_from_slice(&words);
                self.rules.push(SmallVec::from_elem(rule, 1));
                (self.rules.len() - 1) as u32
            }
        };
        let (keys, words) = (&self.keys, &self.words);
        self.index.insert_unique(hash, entry, |entry| {
            let at = *entry as usize * words.len();
            keys[at..at + words.len()].iter().fold(SEED, |hash, word| mix(hash, *word))
        });
    }

    fn remove(&mut self, value: &Key, priority: u16) {
        let Some(entry) = self.find(value) else { return };
        let rules = &mut self.rules[entry as usize];
        let Some(at) = rules.iter().position(|rule| rule.priority == priority) else { return };
        rules.remove(at);
        if rules.is_empty() {
            let hash = self.hash(value);
            if let Ok(found) = self.index.find_entry(hash, |other| *other == entry) {
                found.remove();
            }
            self.free.push(entry);
        }
        if let Some(count) = self.priorities.get_mut(&priority) {
            *count -= 1;
            if *count == 0 {
                self.priorities.remove(&priority);
            }
        }
    }

    /// The entries whose value has the bits of `wide`, which looks at no bit that this subtable does
    /// not look at.
    fn within<'a>(&'a self, wide: &'a Pattern) -> impl Iterator<Item = u32> + 'a {
        let exact = (self.mask == wide.mask).then(|| self.find(&wide.value)).map(|found| found.into_iter());
        let scanned = exact.is_none().then(|| {
            (0..self.rules.len() as u32).filter(|entry| {
                let words = self.words.iter().zip(self.words_of(*entry));
                words.into_iter().all(|((at, _), word)| {
                    let at = usize::from(*at);
                    word & wide.mask.0[at] == wide.value.words()[at]
                })
            })
        });
        exact.into_iter().flatten().chain(scanned.into_iter().flatten())
    }

    fn highest(&self) -> Option<u16> {
        self.priorities.last_key_value().map(|(priority, _)| *priority)
    }
}

impl Classifier {
    /// The flow of the highest priority that takes a packet with this key.
    #[inline]
    pub(super) fn lookup(&self, key: &Key) -> Option<FlowIx> {
        if self.clauses.is_empty() { self.plain(key) } else { self.with_conjunctions(key) }
    }

    /// The same where there are no conjunctions.
    #[inline]
    fn plain(&self, key: &Key) -> Option<FlowIx> {
        let mut best: Option<Rule> = None;
        for (highest, at) in &self.order {
            if best.is_some_and(|best| best.priority >= *highest) {
                break;
            }
            let subtable = &self.subtables[*at as usize];
            let Some(entry) = subtable.find(key) else { continue };
            if let Some(rule) = subtable.rules[entry as usize].first()
                && best.is_none_or(|best| rule.priority > best.priority)
            {
                best = Some(*rule);
            }
        }
        best.map(|rule| rule.flow)
    }

    /// What takes the packet without conjunctions, and the parts of these that take it and are of a
    /// higher priority, the highest first.
    fn whole_and_parts(&self, key: &Key) -> (Option<Rule>, SmallVec<[Rule; 8]>) {
        let mut whole: Option<Rule> = None;
        let mut parts: SmallVec<[Rule; 8]> = SmallVec::new();
        for (highest, at) in &self.order {
            if whole.is_some_and(|whole| whole.priority >= *highest) {
                break;
            }
            let subtable = &self.subtables[*at as usize];
            let Some(entry) = subtable.find(key) else { continue };
            for rule in &subtable.rules[entry as usize] {
                if whole.is_some_and(|whole| whole.priority >= rule.priority) {
                    break;
                }
                if !rule.part {
                    whole = Some(*rule);
                    break;
                }
                parts.push(*rule);
            }
        }
        parts.retain(|part| whole.is_none_or(|whole| part.priority > whole.priority));
        parts.sort_by_key(|part| std::cmp::Reverse(part.priority));
        (whole, parts)
    }

    /// "When the conjunctive match condition is met", the flow with its `conj_id`, which is looked for
    /// without conjunctions; where there is none it is "as if the conjunctive flow had not matched at
    /// all" (`ovs-fields(7)`, "Conjunctive Match Fields").
    #[inline(never)]
    fn with_conjunctions(&self, key: &Key) -> Option<FlowIx> {
        let (whole, parts) = self.whole_and_parts(key);
        for same in parts.chunk_by(|a, b| a.priority == b.priority) {
            let clauses = same.iter().filter_map(|part| self.clauses.get(&part.flow));
            for id in conjunction::met(clauses) {
                let mut key = *key;
                key.set(FieldId::ConjId, id.into());
                if let (Some(found), _) = self.whole_and_parts(&key) {
                    return Some(found.flow);
                }
            }
        }
        whole.map(|rule| rule.flow)
    }

    /// The flow with this very pattern and priority.
    pub(super) fn exact(&self, pattern: &Pattern, priority: u16) -> Option<FlowIx> {
        let subtable = &self.subtables[*self.by_mask.get(&pattern.mask)? as usize];
        let entry = subtable.find(&pattern.value)?;
        let rules = &subtable.rules[entry as usize];
        rules.iter().find(|rule| rule.priority == priority).map(|rule| rule.flow)
    }

    /// The flows that take no packet which `wide` does not take.
    pub(super) fn within(&self, wide: &Pattern) -> Vec<FlowIx> {
        let mut found = Vec::new();
        for (_, at) in &self.order {
            let subtable = &self.subtables[*at as usize];
            if subtable.mask.covers(&wide.mask) {
                for entry in subtable.within(wide) {
                    found.extend(subtable.rules[entry as usize].iter().map(|rule| rule.flow));
                }
            }
        }
        found
    }

    /// The flows of a priority, by subtables: those that could overlap.
    pub(super) fn of_priority(&self, priority: u16) -> impl Iterator<Item = FlowIx> + '_ {
        let subtables = self.order.iter().map(|(_, at)| &self.subtables[*at as usize]);
        subtables
            .filter(move |subtable| subtable.priorities.contains_key(&priority))
            .flat_map(|subtable| subtable.rules.iter().flatten())
            .filter(move |rule| rule.priority == priority)
            .map(|rule| rule.flow)
    }

    /// Adds a flow; there is none with this pattern and priority.
    pub(super) fn insert(&mut self, pattern: &Pattern, priority: u16, flow: FlowIx, clauses: &Clauses) {
        let at = match self.by_mask.get(&pattern.mask) {
            Some(at) => *at,
            None => self.add_subtable(pattern.mask),
        };
        let subtable = &mut self.subtables[at as usize];
        let before = subtable.highest();
        subtable.insert(&pattern.value, Rule { priority, part: !clauses.is_empty(), flow });
        self.reorder(at, before);
        if !clauses.is_empty() {
            self.clauses.insert(flow, clauses.clone());
        }
    }

    /// Says that a flow has other clauses now, or none.
    pub(super) fn set_clauses(&mut self, pattern: &Pattern, priority: u16, flow: FlowIx, clauses: &Clauses) {
        let old = self.clauses.remove(&flow);
        if !clauses.is_empty() {
            self.clauses.insert(flow, clauses.clone());
        }
        if old.is_some() != clauses.is_empty() {
            return;
        }
        let Some(at) = self.by_mask.get(&pattern.mask) else { return };
        let subtable = &mut self.subtables[*at as usize];
        let Some(entry) = subtable.find(&pattern.value) else { return };
        let rules = &mut subtable.rules[entry as usize];
        if let Some(rule) = rules.iter_mut().find(|rule| rule.priority == priority) {
            rule.part = !clauses.is_empty();
        }
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, pattern: &Pattern, priority: u16, flow: FlowIx) {
        self.clauses.remove(&flow);
        let Some(at) = self.by_mask.get(&pattern.mask).copied() else { return };
        let subtable = &mut self.subtables[at as usize];
        let before = subtable.highest();
        subtable.remove(&pattern.value, priority);
        let empty = subtable.priorities.is_empty();
        self.reorder(at, before);
        if empty {
            self.by_mask.remove(&pattern.mask);
            self.subtables[at as usize] = Subtable::default();
            self.free.push(at);
        }
    }

    fn add_subtable(&mut self, mask: Mask) -> u32 {
        let subtable = Subtable::new(mask);
        let at = match self.free.pop() {
            Some(at) => {
                self.subtables[at as usize] = subtable;
                at
            }
            None => {
                self.subtables.push(subtable);
                (self.subtables.len() - 1) as u32
            }
        };
        self.by_mask.insert(mask, at);
        at
    }

    /// Puts a subtable in its place after its highest priority was `before`.
    fn reorder(&mut self, at: u32, before: Option<u16>) {
        let now = self.subtables[at as usize].highest();
        if now == before {
            return;
        }
        if let Some(before) = before {
            let first = self.order.partition_point(|(priority, _)| *priority > before);
            if let Some(place) = self.order[first..].iter().position(|(_, other)| *other == at) {
                self.order.remove(first + place);
            }
        }
        if let Some(now) = now {
            let place = self.order.partition_point(|(priority, _)| *priority >= now);
            self.order.insert(place, (now, at));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::ids::PortNo;
    use crate::oxm::Match;
    use proptest::prelude::*;

    /// Matches over a header space of 2 ports, 4 values of metadata and 4 of the tunnel.
    fn pattern() -> impl Strategy<Value = Pattern> {
        (0u32..3, 0u64..4, 0u64..4, 0u64..4, 0u64..4).prop_map(|(port, m, mm, t, tm)| {
            let matched = Match::new().metadata((m, mm)).tunnel_id((t, tm));
            let matched = if port == 0 { matched } else { matched.in_port(PortNo(port)) };
            Pattern::new(&matched).unwrap()
        })
    }

    #[derive(Clone, Debug)]
    enum Change {
        Add(Pattern, u16),
        Delete(Pattern),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let add = (pattern(), 0u16..6).prop_map(|(pattern, priority)| Change::Add(pattern, priority));
        let delete = pattern().prop_map(Change::Delete);
        prop::collection::vec(prop_oneof![6 => add, 1 => delete], 0..60)
    }

    fn keys() -> impl Iterator<Item = Key> {
        (0..3 * 4 * 4).map(|n| {
            let mut key = Key::default();
            key.set(FieldId::InPort, n / 16);
            key.set(FieldId::Metadata, n / 4 % 4);
            key.set(FieldId::TunnelId, n % 4);
            key
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_finds_what_a_list_finds(changes in changes()) {
            let mut classifier = Classifier::default();
            let mut list: Vec<(Pattern, u16, FlowIx)> = Vec::new();
            for (flow, change) in (0..).zip(changes) {
                match change {
                    Change::Add(pattern, priority) => {
                        let known = list.iter().find(|(p, n, _)| *p == pattern && *n == priority);
                        prop_assert_eq!(classifier.exact(&pattern, priority), known.map(|it| it.2));
                        if known.is_none() {
                            classifier.insert(&pattern, priority, flow, &Clauses::new());
                            list.push((pattern, priority, flow));
                        }
                    }
                    Change::Delete(wide) => {
                        let mut gone = classifier.within(&wide);
                        gone.sort_unstable();
                        let (out, left): (Vec<_>, Vec<_>) =
                            list.into_iter().partition(|(pattern, ..)| wide.includes(pattern));
                        list = left;
                        prop_assert_eq!(gone, out.iter().map(|it| it.2).collect::<Vec<_>>());
                        for (pattern, priority, flow) in out {
                            classifier.remove(&pattern, priority, flow);
                        }
                    }
                }
                for key in keys() {
                    let fits = list.iter().filter(|(pattern, ..)| pattern.fits(&key));
                    let best = fits.clone().map(|it| it.1).max();
                    let found = classifier.lookup(&key).map(|flow| list.iter().find(|it| it.2 == flow).unwrap());
                    prop_assert_eq!(found.map(|it| it.1), best);
                    prop_assert!(found.is_none_or(|it| it.0.fits(&key)));
                }
                let mut of: Vec<_> = classifier.of_priority(3).collect();
                of.sort_unstable();
                let expected: Vec<_> = list.iter().filter(|it| it.1 == 3).map(|it| it.2).collect();
                prop_assert_eq!(of, expected);
            }
            prop_assert_eq!(classifier.order.len(), classifier.by_mask.len());
        }
    }
}
