//! Desired state: an app declares which flows, groups and meters a switch is to have from it, and the controller makes
//! the switch match, by the smallest difference.

mod difference;
mod keeper;
mod reconcile;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use openflow::msg::flow_removed::Age;
use openflow::msg::group_mod::{GroupMod, GroupModCommand};
use openflow::msg::meter_mod::{MeterMod, MeterModCommand};
use openflow::multipart::{GroupDesc, MeterConfig};
use openflow::{FlowMod, FlowModCommand, FlowStats, GroupId, Match, MeterId, TableId};
use thiserror::Error;

pub use self::difference::{Changes, Difference};
pub use self::keeper::Keeper;
pub use self::reconcile::ReconcileError;

/// Whose flows, groups and meters are meant. Nothing of anybody else's is ever changed or deleted.
///
/// Flows are told by their cookies. Groups and meters have none, so these are told by their numbers; an owner has none
/// of them unless it is given some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    cookie: u64,
    mask: u64,
    groups: Option<RangeInclusive<u32>>,
    meters: Option<RangeInclusive<u32>>,
}

impl Owner {
    /// The owner of the flows whose cookies have the bits `mask` as in `cookie`. With an empty mask that is all flows.
    pub fn new(cookie: u64, mask: u64) -> Owner {
        Owner { cookie: cookie & mask, mask, groups: None, meters: None }
    }

    /// The owner of these groups, too.
    #[must_use]
    pub fn groups(self, numbers: RangeInclusive<u32>) -> Owner {
        Owner { groups: Some(numbers), ..self }
    }

    /// The owner of these meters, too.
    #[must_use]
    pub fn meters(self, numbers: RangeInclusive<u32>) -> Owner {
        Owner { meters: Some(numbers), ..self }
    }

    fn has_flow(&self, cookie: u64) -> bool {
        cookie & self.mask == self.cookie
    }

    fn has_group(&self, group: GroupId) -> bool {
        self.groups.as_ref().is_some_and(|numbers| numbers.contains(&group.0))
    }

    fn has_meter(&self, meter: MeterId) -> bool {
        self.meters.as_ref().is_some_and(|numbers| numbers.contains(&meter.0))
    }
}

/// A declaration that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeclareError {
    /// It does not add anything: desired are things, not changes.
    #[error("it is no addition")]
    NotAnAddition,
    /// A flow belongs to one table.
    #[error("a flow is in one table")]
    AllTables,
    /// The group's number is none of the owner's.
    #[error("group {} is not its owner's", .0.0)]
    ForeignGroup(GroupId),
    /// The meter's number is none of the owner's.
    #[error("meter {} is not its owner's", .0.0)]
    ForeignMeter(MeterId),
}

/// What makes two flows the same one (OF 1.3.5 §6.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FlowKey {
    table: TableId,
    priority: u16,
    match_: Match,
}

impl FlowKey {
    fn new(table: TableId, priority: u16, match_: &Match) -> FlowKey {
        FlowKey { table, priority, match_: match_.normalized() }
    }

    fn of(flow: &FlowMod) -> FlowKey {
        FlowKey::new(flow.table, flow.priority, &flow.match_)
    }
}

/// All that a switch is to have from one owner.
///
/// ```
/// use flowbed_controller::{Desired, Owner};
/// use openflow::{Action, FlowMod, Match, PortNo};
///
/// let mut desired = Desired::new(Owner::new(0x2a << 56, 0xff << 56));
/// desired.add_flow(FlowMod::add().matching(Match::new().in_port(PortNo(1))).apply([Action::output(PortNo(2))]))?;
/// assert_eq!(desired.flows().len(), 1);
/// # Ok::<(), flowbed_controller::DeclareError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    owner: Owner,
    flows: HashMap<FlowKey, FlowMod>,
    groups: BTreeMap<GroupId, GroupMod>,
    meters: BTreeMap<MeterId, MeterMod>,
}

impl Desired {
    /// Nothing yet: all that the owner has on a switch is surplus.
    pub fn new(owner: Owner) -> Desired {
        Desired { owner, flows: HashMap::new(), groups: BTreeMap::new(), meters: BTreeMap::new() }
    }

    /// Whose it is.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Adds a flow, in place of one with the same table, priority and match. The bits of its cookie that mark the owner
    /// are set here. A packet that the switch has buffered is no part of a state, and is left out.
    pub fn add_flow(&mut self, mut flow: FlowMod) -> Result<(), DeclareError> {
        if flow.command != FlowModCommand::Add {
            return Err(DeclareError::NotAnAddition);
        }
        if flow.table == TableId::ALL {
            return Err(DeclareError::AllTables);
        }
        flow.cookie = flow.cookie & !self.owner.mask | self.owner.cookie;
        flow.buffer = None;
        self.flows.insert(FlowKey::of(&flow), flow);
        Ok(())
    }

    /// Adds a group, in place of one with the same number.
    pub fn add_group(&mut self, group: GroupMod) -> Result<(), DeclareError> {
        if group.command != GroupModCommand::Add {
            return Err(DeclareError::NotAnAddition);
        }
        if !self.owner.has_group(group.group) {
            return Err(DeclareError::ForeignGroup(group.group));
        }
        self.groups.insert(group.group, group);
        Ok(())
    }

    /// Adds a meter, in place of one with the same number.
    pub fn add_meter(&mut self, meter: MeterMod) -> Result<(), DeclareError> {
        if meter.command != MeterModCommand::Add {
            return Err(DeclareError::NotAnAddition);
        }
        if !self.owner.has_meter(meter.meter) {
            return Err(DeclareError::ForeignMeter(meter.meter));
        }
        self.meters.insert(meter.meter, meter);
        Ok(())
    }

    /// What a switch has that has all this, and nothing of anybody else.
    fn installed(&self) -> Installed {
        let group = |group: &GroupMod| GroupDesc {
            group: group.group,
            kind: group.kind,
            buckets: group.buckets.clone(),
        };
        let meter = |meter: &MeterMod| MeterConfig {
            flags: meter.flags,
            meter: meter.meter,
            bands: meter.bands.clone(),
        };
        Installed {
            flows: self.flows.values().map(made_by).collect(),
            groups: self.groups.values().map(group).collect(),
            meters: self.meters.values().map(meter).collect(),
        }
    }

    /// The flows, in no order.
    pub fn flows(&self) -> impl ExactSizeIterator<Item = &FlowMod> {
        self.flows.values()
    }
}

/// The flow that an addition makes, before any packet.
fn made_by(flow: &FlowMod) -> FlowStats {
    FlowStats {
        table: flow.table,
        age: Age::default(),
        priority: flow.priority,
        idle_timeout: flow.idle_timeout,
        hard_timeout: flow.hard_timeout,
        flags: flow.flags,
        cookie: flow.cookie,
        packet_count: 0,
        byte_count: 0,
        match_: flow.match_.clone(),
        instructions: flow.instructions.clone(),
    }
}

/// What a switch has, of everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Installed {
    /// Flows of all tables.
    pub flows: Vec<FlowStats>,
    /// Groups.
    pub groups: Vec<GroupDesc>,
    /// Meters.
    pub meters: Vec<MeterConfig>,
}
