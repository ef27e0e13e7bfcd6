//! A flow table: flows, the way to find them, their timeouts (OF 1.3.5 §5.2, §5.5).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::classifier::{Classifier, FlowIx};
use super::flow::{Flow, Program};
use super::key::{Key, Pattern};
use crate::msg::flow_removed::FlowRemovedReason;

/// A flow table.
#[derive(Debug, Default)]
pub(super) struct Table {
    flows: Vec<Option<Flow>>,
    free: Vec<FlowIx>,
    classifier: Classifier,
    deadlines: BTreeSet<(Instant, FlowIx)>,
    pub(super) lookups: u64,
    pub(super) matched: u64,
}

impl Table {
    /// How many flows it has.
    pub(super) fn len(&self) -> usize {
        self.flows.len() - self.free.len()
    }

    /// The flow that takes a packet with this key.
    #[inline]
    pub(super) fn lookup(&mut self, key: &Key) -> Option<(FlowIx, &mut Flow)> {
        self.lookups += 1;
        let at = self.classifier.lookup(key)?;
        self.matched += 1;
        Some((at, self.flows[at as usize].as_mut()?))
    }

    /// Like [`Table::lookup`], and nothing is counted.
    pub(super) fn peek(&self, key: &Key) -> Option<&Flow> {
        self.get(self.classifier.lookup(key)?)
    }

    pub(super) fn get(&self, at: FlowIx) -> Option<&Flow> {
        self.flows.get(at as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, at: FlowIx) -> Option<&mut Flow> {
        self.flows.get_mut(at as usize)?.as_mut()
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = (FlowIx, &Flow)> {
        (0..).zip(&self.flows).filter_map(|(at, flow)| Some((at, flow.as_ref()?)))
    }

    /// The flow with this very pattern and priority.
    pub(super) fn exact(&self, pattern: &Pattern, priority: u16) -> Option<FlowIx> {
        self.classifier.exact(pattern, priority)
    }

    /// The flows that take no packet which `wide` does not take, in the order of their places.
    pub(super) fn within(&self, wide: &Pattern) -> Vec<FlowIx> {
        if wide.is_empty() {
            return self.flows().map(|(at, _)| at).collect();
        }
        let mut found = self.classifier.within(wide);
        found.sort_unstable();
        found
    }

    /// Whether a flow of this priority takes a packet that `pattern` takes too
    /// (OF 1.3.5 §6.4, `OFPFF_CHECK_OVERLAP`).
    pub(super) fn overlaps(&self, pattern: &Pattern, priority: u16) -> bool {
        let mut same = self.classifier.of_priority(priority).filter_map(|at| self.get(at));
        same.any(|flow| flow.pattern.overlaps(pattern))
    }

    /// Adds a flow; there is none with its pattern and priority.
    pub(super) fn insert(&mut self, flow: Flow) {
        let (pattern, priority, program) = (*flow.pattern, flow.priority, Arc::clone(&flow.program));
        let at = match self.free.pop() {
            Some(at) => {
                self.flows[at as usize] = Some(flow);
                at
            }
            None => {
                self.flows.push(Some(flow));
                (self.flows.len() - 1) as FlowIx
            }
        };
        self.classifier.insert(&pattern, priority, at, &program.clauses);
        self.watch(at);
    }

    /// Puts a flow in the place of one with the same pattern and priority.
    pub(super) fn replace(&mut self, at: FlowIx, flow: Flow) {
        let Some(place) = self.flows.get_mut(at as usize) else { return };
        self.classifier.set_clauses(&flow.pattern, flow.priority, at, &flow.program.clauses);
        if let Some(old) = place.replace(flow)
            && let Some(deadline) = old.deadline
        {
            self.deadlines.remove(&(deadline, at));
        }
        self.watch(at);
    }

    /// Gives a flow other instructions; the flow is there.
    pub(super) fn reprogram(&mut self, at: FlowIx, program: &Arc<Program>) -> Option<&mut Flow> {
        let flow = self.flows.get_mut(at as usize)?.as_mut()?;
        flow.program = Arc::clone(program);
        self.classifier.set_clauses(&flow.pattern, flow.priority, at, &program.clauses);
        Some(flow)
    }

    /// Makes the timeouts of a flow, in seconds, no longer than these; 0 leaves one as it is.
    pub(super) fn shorten(&mut self, at: FlowIx, idle: u16, hard: u16) {
        let Some(flow) = self.get_mut(at) else { return };
        let shorter = |old: u16, new: u16| if old == 0 || new != 0 && new < old { new } else { old };
        let (idle, hard) = (shorter(flow.idle_timeout, idle), shorter(flow.hard_timeout, hard));
        if (idle, hard) == (flow.idle_timeout, flow.hard_timeout) {
            return;
        }
        (flow.idle_timeout, flow.hard_timeout) = (idle, hard);
        if let Some(deadline) = flow.deadline {
            self.deadlines.remove(&(deadline, at));
        }
        self.watch(at);
    }

    /// Takes a flow out.
    pub(super) fn remove(&mut self, at: FlowIx) -> Option<Flow> {
        let flow = self.flows.get_mut(at as usize)?.take()?;
        self.free.push(at);
        self.classifier.remove(&flow.pattern, flow.priority, at);
        if let Some(deadline) = flow.deadline {
            self.deadlines.remove(&(deadline, at));
        }
        Some(flow)
    }

    fn watch(&mut self, at: FlowIx) {
        let Some(flow) = self.flows.get_mut(at as usize).and_then(Option::as_mut) else { return };
        flow.deadline = flow.expiry().map(|(when, _)| when);
        if let Some(deadline) = flow.deadline {
            self.deadlines.insert((deadline, at));
        }
    }

    /// When a flow may have to go; it may have taken packets meanwhile, and then stays.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(when, _)| *when)
    }

    /// Takes the next flow out whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(Flow, FlowRemovedReason)> {
        while let Some((when, at)) = self.deadlines.first().copied().filter(|(when, _)| *when <= now) {
            self.deadlines.remove(&(when, at));
            match self.get(at).and_then(Flow::expiry) {
                Some((due, reason)) if due <= now => {
                    return self.remove(at).map(|flow| (flow, reason));
                }
                _ => self.watch(at),
            }
        }
        None
    }
}
