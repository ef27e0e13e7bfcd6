//! The smallest difference between what a switch has and what it is to have, and the order in which to make it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use openflow::msg::group_mod::GroupMod;
use openflow::msg::meter_mod::{MeterMod, MeterModCommand};
use openflow::{
    Action, Body, FlowMod, FlowModCommand, FlowModFlags, FlowStats, GroupId, Instruction, Instructions,
    TableId,
};

use super::{Desired, FlowKey, Installed};

/// Changes of one kind of thing. Flows come with the later table, then the higher priority first; groups and meters by
/// number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<T> {
    /// What is to be there and is not, as additions.
    pub missing: Vec<T>,
    /// What is there and is to be otherwise, as the messages that change it.
    pub different: Vec<T>,
    /// What is not to be there, as deletions.
    pub surplus: Vec<T>,
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Changes { missing: Vec::new(), different: Vec::new(), surplus: Vec::new() }
    }
}

impl<T> Changes<T> {
    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.missing.len() + self.different.len() + self.surplus.len()
    }

    /// Whether all is as it is to be.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is to be done to a switch, so that it has what its owner desires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Flows.
    pub flows: Changes<FlowMod>,
    /// Groups.
    pub groups: Changes<GroupMod>,
    /// Meters.
    pub meters: Changes<MeterMod>,
    /// Desired flows in whose place there is a flow of somebody else, with the same table, priority and match. They
    /// are left alone.
    pub conflicts: Vec<FlowMod>,
}

impl Difference {
    /// What takes a switch from what it has to what it is to have.
    pub fn between(installed: &Installed, desired: &Desired) -> Difference {
        Difference {
            groups: groups(installed, desired),
            meters: meters(installed, desired),
            ..flows(&installed.flows, desired)
        }
    }

    /// Whether there is nothing to do. Conflicts are nothing that could be done.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty() && self.groups.is_empty() && self.meters.is_empty()
    }

    /// The messages, in steps: each is to be carried out (by a barrier) before the next begins. At every moment a packet
    /// finds what it needs:
    ///
    /// - meters and groups are there before the flows that use them, a group before those whose buckets lead to it;
    /// - flows of later tables come before those that send packets there, and of one table those of higher priority
    ///   come first: a new rule is never hidden by a coarser new one;
    /// - only then surplus goes, the other way round: what leads to a flow before the flow, coarse before fine; groups
    ///   and meters last, for a switch deletes a group's flows with it (OF 1.3.5 §6.4).
    pub fn steps(&self) -> Vec<Vec<Body>> {
        fn bodies<T: Clone + Into<Body>>(messages: &[T]) -> Vec<Body> {
            messages.iter().cloned().map(Into::into).collect()
        }
        let mut steps = vec![
            [bodies(&self.meters.missing), bodies(&self.meters.different)].concat(),
            bodies(&in_order_of_use(self.groups.missing.iter().chain(&self.groups.different))),
        ];
        let by_table = |flows: &mut dyn Iterator<Item = &FlowMod>| {
            let mut tables: BTreeMap<TableId, Vec<FlowMod>> = BTreeMap::new();
            for flow in flows {
                tables.entry(flow.table).or_default().push(flow.clone());
            }
            for flows in tables.values_mut() {
                flows.sort_by_key(|flow| flow.priority);
            }
            tables
        };
        for mut flows in
            by_table(&mut self.flows.missing.iter().chain(&self.flows.different)).into_values().rev()
        {
            flows.reverse();
            steps.push(bodies(&flows));
        }
        for flows in by_table(&mut self.flows.surplus.iter()).into_values() {
            steps.push(bodies(&flows));
        }
        steps.push(bodies(&self.groups.surplus));
        steps.push(bodies(&self.meters.surplus));
        steps.retain(|step| !step.is_empty());
        steps
    }
}

fn flows(installed: &[FlowStats], desired: &Desired) -> Difference {
    let mut difference = Difference::default();
    let changes = &mut difference.flows;
    let mut there: HashSet<FlowKey> = HashSet::with_capacity(installed.len());
    for flow in installed {
        let key = FlowKey::new(flow.table, flow.priority, &flow.match_);
        let wanted = desired.flows.get(&key);
        if !desired.owner.has_flow(flow.cookie) {
            if let Some(wanted) = wanted {
                difference.conflicts.push(wanted.clone());
                there.insert(key);
            }
            continue;
        }
        match wanted {
            None => changes.surplus.push(deletion(flow)),
            Some(wanted) => changes.different.extend(change(flow, wanted)),
        }
        there.insert(key);
    }
    let missing = desired.flows.iter().filter(|(key, _)| !there.contains(*key));
    changes.missing.extend(missing.map(|(_, flow)| flow.clone()));
    // Switches tell their flows in any order.
    for flows in
        [&mut changes.missing, &mut changes.different, &mut changes.surplus, &mut difference.conflicts]
    {
        flows.sort_by(|a, b| {
            let place = |flow: &FlowMod| (flow.table, flow.priority);
            place(b).cmp(&place(a)).then_with(|| a.match_.as_bytes().cmp(b.match_.as_bytes()))
        });
    }
    difference
}

/// Deletes this flow, and none that somebody put in its place meanwhile.
fn deletion(flow: &FlowStats) -> FlowMod {
    FlowMod::delete_strict()
        .table(flow.table)
        .priority(flow.priority)
        .matching(flow.match_.clone())
        .with_cookie(flow.cookie, u64::MAX)
}

/// What makes the flow as it is wanted. Where only its instructions differ they are changed in place, which leaves its
/// counters; else it is added anew in its own place.
fn change(flow: &FlowStats, wanted: &FlowMod) -> Option<FlowMod> {
    /// The others are for the moment of the change (OF 1.3.5 §7.3.4.1).
    const LASTING: FlowModFlags =
        FlowModFlags::SEND_FLOW_REM.union(FlowModFlags::NO_PKT_COUNTS).union(FlowModFlags::NO_BYT_COUNTS);
    let kept_alike = (flow.cookie, flow.idle_timeout, flow.hard_timeout, flow.flags & LASTING)
        == (wanted.cookie, wanted.idle_timeout, wanted.hard_timeout, wanted.flags & LASTING);
    if !kept_alike {
        return Some(wanted.clone());
    }
    (!mean_the_same(&flow.instructions, &wanted.instructions)).then(|| FlowMod {
        command: FlowModCommand::ModifyStrict,
        cookie_mask: u64::MAX,
        ..wanted.clone()
    })
}

/// Instructions are a set (OF 1.3.5 §5.9): their order means nothing, and no actions are nothing.
fn mean_the_same(one: &Instructions, other: &Instructions) -> bool {
    fn does_something(instruction: &&Instruction) -> bool {
        match instruction {
            Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => !actions.is_empty(),
            _ => true,
        }
    }
    let count = |instructions: &Instructions| instructions.iter().filter(does_something).count();
    count(one) == count(other)
        && one.iter().filter(does_something).all(|instruction| other.contains(instruction))
}

fn groups(installed: &Installed, desired: &Desired) -> Changes<GroupMod> {
    let mut changes = Changes::default();
    let mut there = BTreeSet::new();
    for group in installed.groups.iter().filter(|group| desired.owner.has_group(group.group)) {
        there.insert(group.group);
        match desired.groups.get(&group.group) {
            None => changes.surplus.push(GroupMod::delete(group.group)),
            Some(wanted) if (wanted.kind, &wanted.buckets) == (group.kind, &group.buckets) => {}
            Some(wanted) => {
                changes.different.push(GroupMod::modify(wanted.kind, wanted.group, wanted.buckets.clone()));
            }
        }
    }
    changes.missing =
        desired.groups.values().filter(|group| !there.contains(&group.group)).cloned().collect();
    changes
}

fn meters(installed: &Installed, desired: &Desired) -> Changes<MeterMod> {
    let mut changes = Changes::default();
    let mut there = BTreeSet::new();
    for meter in installed.meters.iter().filter(|meter| desired.owner.has_meter(meter.meter)) {
        there.insert(meter.meter);
        match desired.meters.get(&meter.meter) {
            None => changes.surplus.push(MeterMod {
                command: MeterModCommand::Delete,
                flags: meter.flags,
                meter: meter.meter,
                bands: Vec::new(),
            }),
            Some(wanted) if (wanted.flags, &wanted.bands) == (meter.flags, &meter.bands) => {}
            Some(wanted) => {
                changes.different.push(MeterMod { command: MeterModCommand::Modify, ..wanted.clone() });
            }
        }
    }
    changes.missing =
        desired.meters.values().filter(|meter| !there.contains(&meter.meter)).cloned().collect();
    changes
}

/// Groups so that each comes after those to which its buckets lead, as far as they are among these. A circle, which no
/// switch takes, is in any order.
fn in_order_of_use<'a>(groups: impl Iterator<Item = &'a GroupMod>) -> Vec<GroupMod> {
    let mut left: BTreeMap<GroupId, &GroupMod> = groups.map(|group| (group.group, group)).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let leads_on = |group: &GroupMod| {
            let actions = group.buckets.iter().flat_map(|bucket| bucket.actions.iter());
            actions.into_iter().any(|action| matches!(action, Action::Group(id) if left.contains_key(id)))
        };
        let mut next: Vec<GroupId> = left.values().filter(|g| !leads_on(g)).map(|g| g.group).collect();
        if next.is_empty() {
            next.extend(left.keys());
        }
        ordered.extend(next.iter().filter_map(|id| left.remove(id)).cloned());
    }
    ordered
}

#[cfg(test)]
mod tests;
