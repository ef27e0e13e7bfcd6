//! A flow in its table: what it matches, what it does, what it has counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::conjunction::{self, Clauses};
use super::key::Pattern;
use crate::action::Action;
use crate::ids::{GroupId, MeterId, PortNo, TableId};
use crate::instruction::{Instruction, Instructions};
use crate::msg::flow_mod::FlowModFlags;
use crate::msg::flow_removed::{FlowRemoved, FlowRemovedReason};
use crate::multipart::FlowStats;
use crate::nicira::NxAction;
use crate::oxm::Match;

/// Instructions with the order in which they are carried out.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) instructions: Instructions,
    order: SmallVec<[u8; 6]>,
    /// Of a flow that is a part of conjunctions.
    pub(super) clauses: Clauses,
}

impl Program {
    /// Meter, apply, clear, write, metadata, goto (OF 1.3.5 §5.9).
    pub(super) fn new(instructions: Instructions) -> Program {
        let rank = |instruction: &Instruction| match instruction {
            Instruction::Meter(_) => 0,
            Instruction::ApplyActions(_) => 1,
            Instruction::ClearActions => 2,
            Instruction::WriteActions(_) => 3,
            Instruction::WriteMetadata { .. } => 4,
            Instruction::GotoTable(_) => 5,
            _ => 6,
        };
        let mut order: SmallVec<[u8; 6]> = (0..=u8::MAX).take(instructions.len()).collect();
        order.sort_by_key(|at| rank(&instructions[usize::from(*at)]));
        let clauses = conjunction::clauses(instructions.applied());
        Program { instructions, order, clauses }
    }

    /// The instructions in the order in which they are carried out.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Instruction> {
        self.order.iter().map(|at| &self.instructions[usize::from(*at)])
    }

    fn actions(&self) -> impl Iterator<Item = &Action> {
        self.instructions.iter().flat_map(|instruction| match instruction {
            Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => flat(actions),
            _ => flat(&[]),
        })
    }

    pub(super) fn outputs_to(&self, wanted: PortNo) -> bool {
        self.actions().any(|action| matches!(action, Action::Output { port, .. } if *port == wanted))
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.actions().filter_map(|action| match action {
            Action::Group(group) => Some(*group),
            _ => None,
        })
    }

    pub(super) fn uses_group(&self, wanted: GroupId) -> bool {
        self.groups().any(|group| group == wanted)
    }

    pub(super) fn meter(&self) -> Option<MeterId> {
        self.instructions.iter().find_map(|instruction| match instruction {
            Instruction::Meter(meter) => Some(*meter),
            _ => None,
        })
    }
}

/// Actions, and those in them.
pub(super) fn flat(actions: &[Action]) -> impl Iterator<Item = &Action> {
    let mut open: SmallVec<[std::slice::Iter<'_, Action>; 2]> = SmallVec::new();
    open.push(actions.iter());
    std::iter::from_fn(move || {
        loop {
            let Some(action) = open.last_mut()?.next() else {
                open.pop();
                continue;
            };
            if let Action::Nicira(nested) = action
                && let NxAction::Clone(actions) = &**nested
            {
                open.push(actions.iter());
            }
            return Some(action);
        }
    })
}

/// A flow with its counters (OF 1.3.5 §5.2).
#[derive(Clone, Debug)]
pub struct Flow {
    pub(super) match_: Match,
    /// Boxed, for packets do not need it: what they need lies closer together.
    pub(super) pattern: Box<Pattern>,
    pub(super) is_table_miss: bool,
    pub(super) priority: u16,
    pub(super) cookie: u64,
    pub(super) flags: FlowModFlags,
    pub(super) idle_timeout: u16,
    pub(super) hard_timeout: u16,
    pub(super) program: Arc<Program>,
    pub(super) created: Instant,
    pub(super) used: Instant,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// When it is to be looked at, if it has a timeout.
    pub(super) deadline: Option<Instant>,
}

impl Flow {
    /// Which packets it takes.
    pub fn match_(&self) -> &Match {
        &self.match_
    }

    /// What becomes of them.
    pub fn instructions(&self) -> &Instructions {
        &self.program.instructions
    }

    /// Of two flows that match the higher takes the packet.
    pub fn priority(&self) -> u16 {
        self.priority
    }

    /// The controller's mark on it.
    pub fn cookie(&self) -> u64 {
        self.cookie
    }

    /// Whether it is the table-miss flow: all packets, priority 0 (OF 1.3.5 §5.4).
    pub fn is_table_miss(&self) -> bool {
        self.is_table_miss
    }

    pub(super) fn count(&mut self, len: usize, now: Instant) {
        self.used = now;
        if !self.flags.contains(FlowModFlags::NO_PKT_COUNTS) {
            self.packets += 1;
        }
        if !self.flags.contains(FlowModFlags::NO_BYT_COUNTS) {
            self.bytes += len as u64;
        }
    }

    /// When it goes if no further packet comes, and why.
    pub(super) fn expiry(&self) -> Option<(Instant, FlowRemovedReason)> {
        let after = |from: Instant, secs: u16| {
            (secs != 0).then(|| from.checked_add(Duration::from_secs(secs.into()))).flatten()
        };
        let hard = after(self.created, self.hard_timeout).map(|at| (at, FlowRemovedReason::HardTimeout));
        let idle = after(self.used, self.idle_timeout).map(|at| (at, FlowRemovedReason::IdleTimeout));
        match (hard, idle) {
            (Some(hard), Some(idle)) => Some(if hard.0 <= idle.0 { hard } else { idle }),
            (hard, idle) => hard.or(idle),
        }
    }

    /// As the flow statistics tell it. A counter that is not kept is all ones (OF 1.3.5 §5.8).
    pub fn stats(&self, table: TableId, now: Instant) -> FlowStats {
        let (packet_count, byte_count) = self.told();
        FlowStats {
            table,
            age: now.saturating_duration_since(self.created).into(),
            priority: self.priority,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            flags: self.flags,
            cookie: self.cookie,
            packet_count,
            byte_count,
            match_: self.match_.clone(),
            instructions: self.program.instructions.clone(),
        }
    }

    pub(super) fn removed(&self, table: TableId, reason: FlowRemovedReason, now: Instant) -> FlowRemoved {
        let (packet_count, byte_count) = self.told();
        FlowRemoved {
            cookie: self.cookie,
            priority: self.priority,
            reason,
            table,
            age: now.saturating_duration_since(self.created).into(),
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            packet_count,
            byte_count,
            match_: self.match_.clone(),
        }
    }

    fn told(&self) -> (u64, u64) {
        let kept = |no: FlowModFlags, count: u64| if self.flags.contains(no) { u64::MAX } else { count };
        (kept(FlowModFlags::NO_PKT_COUNTS, self.packets), kept(FlowModFlags::NO_BYT_COUNTS, self.bytes))
    }
}
