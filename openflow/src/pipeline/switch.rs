//! The state of a switch, and what changes it besides packets and messages: ports and time.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use super::buffer::Buffers;
use super::effect::{Effect, Sink};
use super::flow::{Flow, Program};
use super::group::Groups;
use super::meter::Meters;
use super::normal::Stations;
use super::port::Ports;
use super::table::Table;
use crate::ids::{DatapathId, GroupId, MeterId, PortNo, TableId};
use crate::msg::config::{Fragments, SwitchConfig};
use crate::msg::flow_mod::FlowModFlags;
use crate::msg::flow_removed::FlowRemovedReason;
use crate::msg::port::Port;
use crate::multipart::Desc;

/// What a switch is to be: what its features (OF 1.3.5 §7.3.1) and description tell.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who it is.
    pub datapath_id: DatapathId,
    /// How many tables it has, 1 to 255.
    pub n_tables: u8,
    /// How many flows its tables can have together.
    pub max_flows: u32,
    /// How many packets it keeps for the controller; 0 sends every packet whole.
    pub n_buffers: u16,
    /// What it says of itself.
    pub desc: Desc,
}

impl Default for Config {
    /// 254 tables as Open vSwitch has, a million flows in them, no buffers.
    fn default() -> Self {
        Config {
            datapath_id: DatapathId(1),
            n_tables: 254,
            max_flows: 1_000_000,
            n_buffers: 0,
            desc: Desc::default(),
        }
    }
}

/// An OpenFlow 1.3 switch (OF 1.3.5 §2) without its wires: packets, messages and the time come in by method calls,
/// what it does comes out to a [`Sink`].
#[derive(Debug)]
pub struct Switch {
    pub(super) config: Config,
    pub(super) settings: SwitchConfig,
    /// Tables that were used; boxed, for most are not.
    tables: Vec<Option<Box<Table>>>,
    pub(super) table_configs: Vec<u32>,
    pub(super) groups: Groups,
    pub(super) meters: Meters,
    pub(super) ports: Ports,
    pub(super) buffers: Buffers,
    pub(super) stations: Stations,
    /// Whether it forwards by itself, whatever the flows.
    pub(super) standalone: bool,
    /// The number of the last election (OF 1.3.5 §6.3.6).
    pub(super) generation: Option<u64>,
}

impl Switch {
    /// A switch without ports, flows, groups and meters.
    pub fn new(mut config: Config) -> Switch {
        config.n_tables = config.n_tables.clamp(1, 255);
        Switch {
            settings: SwitchConfig::new(Fragments::Normal, 128),
            tables: (0..config.n_tables).map(|_| None).collect(),
            table_configs: vec![0; config.n_tables.into()],
            groups: Groups::default(),
            meters: Meters::default(),
            ports: Ports::default(),
            buffers: Buffers::new(config.n_buffers),
            stations: Stations::default(),
            standalone: false,
            generation: None,
            config,
        }
    }

    /// Who it is.
    pub fn datapath_id(&self) -> DatapathId {
        self.config.datapath_id
    }

    /// Its ports, by number.
    pub fn ports(&self) -> impl Iterator<Item = &Port> {
        self.ports.iter()
    }

    /// One of its ports.
    pub fn port(&self, number: PortNo) -> Option<&Port> {
        self.ports.get(number)
    }

    /// Adds a port, or says what is new of it, such as its state.
    pub fn set_port<S: Sink>(&mut self, port: Port, now: Instant, sink: &mut S) {
        if let Some(status) = self.ports.set(port, now) {
            sink.effect(Effect::PortStatus(status));
        }
    }

    /// Whether it forwards all packets as `OFPP_NORMAL` does, whatever the flows say: what a switch in
    /// "fail standalone mode" does without a controller (OF 1.3.5 §6.3). The flows stay.
    pub fn set_standalone(&mut self, standalone: bool) {
        self.standalone = standalone;
    }

    /// Takes a port away.
    pub fn remove_port<S: Sink>(&mut self, number: PortNo, sink: &mut S) {
        self.stations.forget(number);
        if let Some(status) = self.ports.remove(number) {
            sink.effect(Effect::PortStatus(status));
        }
    }

    /// The flows of a table, in no order.
    pub fn flows(&self, table: TableId) -> impl Iterator<Item = &Flow> {
        self.get_table(table).into_iter().flat_map(|table| table.flows().map(|(_, flow)| flow))
    }

    /// When [`Switch::expire`] has something to do, at the earliest.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.tables.iter().flatten().filter_map(|table| table.next_deadline()).min()
    }

    /// Takes the flows out whose time is over (OF 1.3.5 §5.5).
    pub fn expire<S: Sink>(&mut self, now: Instant, sink: &mut S) {
        for (id, table) in (0u8..).zip(&mut self.tables) {
            let Some(table) = table else { continue };
            while let Some((flow, reason)) = table.expire(now) {
                tell_removed(&flow, TableId(id), reason, now, sink);
            }
        }
    }

    pub(super) fn has_table(&self, table: TableId) -> bool {
        table.0 < self.config.n_tables
    }

    pub(super) fn get_table(&self, table: TableId) -> Option<&Table> {
        self.tables.get(usize::from(table.0))?.as_deref()
    }

    pub(super) fn get_table_mut(&mut self, table: TableId) -> Option<&mut Table> {
        self.tables.get_mut(usize::from(table.0))?.as_deref_mut()
    }

    /// A table that the switch has, made if it was not used yet.
    #[inline]
    pub(super) fn table_mut(&mut self, table: TableId) -> Option<&mut Table> {
        let place = self.tables.get_mut(usize::from(table.0))?;
        Some(place.get_or_insert_default())
    }

    /// The tables that a request means: one, or all that were used.
    pub(super) fn chosen(&self, wanted: TableId) -> impl Iterator<Item = TableId> + use<> {
        let last = self.config.n_tables;
        let one = if wanted == TableId::ALL { 0..last } else { wanted.0..wanted.0.saturating_add(1) };
        one.map(TableId)
    }

    pub(super) fn flow_count(&self) -> usize {
        self.tables.iter().flatten().map(|table| table.len()).sum()
    }

    /// How many flows name a group or a meter, by what they name.
    pub(super) fn references<'a, K: Eq + Hash, I: Iterator<Item = K>>(
        &'a self,
        names: impl Fn(&'a Program) -> I,
    ) -> HashMap<K, usize> {
        let mut counts = HashMap::new();
        for table in self.tables.iter().flatten() {
            for name in table.flows().flat_map(|(_, flow)| names(&flow.program)) {
                *counts.entry(name).or_default() += 1;
            }
        }
        counts
    }

    /// Takes out the flows whose instructions are such.
    fn remove_flows<S: Sink>(
        &mut self,
        uses: impl Fn(&Program) -> bool,
        reason: FlowRemovedReason,
        now: Instant,
        sink: &mut S,
    ) {
        for id in self.chosen(TableId::ALL) {
            let Some(table) = self.get_table_mut(id) else { continue };
            let gone: Vec<_> =
                table.flows().filter(|(_, flow)| uses(&flow.program)).map(|(at, _)| at).collect();
            for at in gone {
                if let Some(flow) = table.remove(at) {
                    tell_removed(&flow, id, reason, now, sink);
                }
            }
        }
    }

    /// With groups the flows go that use them (OF 1.3.5 §6.5). `gone` is in order.
    pub(super) fn remove_flows_of_groups<S: Sink>(&mut self, gone: &[GroupId], now: Instant, sink: &mut S) {
        if !gone.is_empty() {
            let uses = |program: &Program| program.groups().any(|group| gone.binary_search(&group).is_ok());
            self.remove_flows(uses, FlowRemovedReason::GroupDelete, now, sink);
        }
    }

    /// With meters the flows go that use them (OF 1.3.5 §6.6). OpenFlow 1.3 has no reason of its own
    /// for it. `gone` is in order.
    pub(super) fn remove_flows_of_meters<S: Sink>(&mut self, gone: &[MeterId], now: Instant, sink: &mut S) {
        if !gone.is_empty() {
            let uses = |program: &Program| program.meter().is_some_and(|it| gone.binary_search(&it).is_ok());
            self.remove_flows(uses, FlowRemovedReason::Delete, now, sink);
        }
    }
}

/// Tells that a flow went, if it was added so.
pub(super) fn tell_removed<S: Sink>(
    flow: &Flow,
    table: TableId,
    reason: FlowRemovedReason,
    now: Instant,
    sink: &mut S,
) {
    if flow.flags.contains(FlowModFlags::SEND_FLOW_REM) {
        sink.effect(Effect::FlowRemoved(flow.removed(table, reason, now)));
    }
}
