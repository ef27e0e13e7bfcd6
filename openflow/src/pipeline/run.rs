//! What a switch does with a packet (OF 1.3.5 §5).

use std::sync::Arc;
use std::time::Instant;

use super::action_set::ActionSet;
use super::effect::{Dropped, Effect, Sink, Step};
use super::group::CHAIN_MAX;
use super::meter::{Verdict, remarked};
use super::normal::Way;
use super::packet::Packet;
use super::switch::Switch;
use crate::action::{Action, WHOLE_PACKET};
use crate::ids::{GroupId, MeterId, PortNo, TableId};
use crate::instruction::Instruction;
use crate::msg::config::Fragments;
use crate::msg::packet_in::{PacketIn, PacketInReason};
use crate::msg::port::{PortConfig, PortState};
use crate::oxm::{FieldId, Match, OxmField};
use bytes::Bytes;

/// The most actions that are carried out for one packet with all its copies.
const ACTIONS_MAX: u32 = 1 << 16;

/// A packet, or this copy of it, goes no further.
pub(super) struct Ended;

/// Who sends a packet: what a packet-in tells of it.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) table: TableId,
    pub(super) cookie: u64,
    pub(super) reason: PacketInReason,
    /// Whether actions may send to the tables: those of a packet-out.
    pub(super) tables: bool,
    /// How many groups it is inside of.
    depth: usize,
}

impl Origin {
    /// The cookie where no flow is behind it (OF 1.3.5 §7.4.1).
    const NO_COOKIE: u64 = u64::MAX;

    pub(super) const PACKET_OUT: Origin = Origin {
        table: TableId(0),
        cookie: Origin::NO_COOKIE,
        reason: PacketInReason::Action,
        tables: true,
        depth: 0,
    };
}

impl Switch {
    /// A packet came in on its port. Time-outs are not looked at: see [`Switch::expire`].
    ///
    /// The packet comes back for its buffer.
    pub fn receive<S: Sink>(&mut self, mut packet: Packet, now: Instant, sink: &mut S) -> Packet {
        if !self.ports.receive(packet.in_port(), packet.frame().len()) {
            sink.step(&Step::Dropped(Dropped::Ingress));
            return packet;
        }
        Run::new(self, now, sink).tables(&mut packet);
        packet
    }

    /// The flow that takes a packet in a table; nothing is counted.
    pub fn lookup(&self, table: TableId, packet: &Packet) -> Option<&super::flow::Flow> {
        self.get_table(table)?.peek(packet.key())
    }
}

/// A packet on its way.
pub(super) struct Run<'a, S> {
    switch: &'a mut Switch,
    sink: &'a mut S,
    now: Instant,
    left: u32,
    /// What `push` put there.
    pub(super) stack: Vec<u128>,
}

impl<'a, S: Sink> Run<'a, S> {
    pub(super) fn new(switch: &'a mut Switch, now: Instant, sink: &'a mut S) -> Run<'a, S> {
        Run { switch, sink, now, left: ACTIONS_MAX, stack: Vec::new() }
    }

    fn dropped(&mut self, why: Dropped) {
        self.sink.step(&Step::Dropped(why));
    }

    /// More than one packet may have.
    pub(super) fn exhausted(&mut self) -> Result<(), Ended> {
        self.dropped(Dropped::Exhausted);
        Err(Ended)
    }

    /// Through the tables, from the first on.
    pub(super) fn tables(&mut self, packet: &mut Packet) {
        if packet.is_fragment() && self.switch.settings.fragments == Fragments::Drop {
            return self.dropped(Dropped::Fragment);
        }
        if self.switch.standalone {
            return self.normal(packet);
        }
        let mut set = ActionSet::default();
        let mut next = Some(TableId(0));
        let mut last = TableId(0);
        while let Some(table) = next {
            last = table;
            match self.table(packet, table, &mut set) {
                Ok(goto) => next = goto.filter(|goto| *goto > table),
                Err(Ended) => return,
            }
        }
        self.sink.step(&Step::ActionSet);
        let actions = set.in_order();
        if actions.is_empty() {
            return self.dropped(Dropped::NoOutput);
        }
        let origin = Origin { table: last, tables: false, ..Origin::PACKET_OUT };
        let _: Result<(), Ended> = self.actions(packet, actions, origin);
    }

    /// Through one table; the table that follows.
    fn table(
        &mut self,
        packet: &mut Packet,
        id: TableId,
        set: &mut ActionSet,
    ) -> Result<Option<TableId>, Ended> {
        let flow = self.switch.table_mut(id).and_then(|table| table.lookup(packet.key()));
        self.sink.step(&Step::Table { table: id, packet, flow: flow.as_deref() });
        let Some(flow) = flow else {
            self.dropped(Dropped::NoFlow);
            return Err(Ended);
        };
        flow.count(packet.frame().len(), self.now);
        let reason = if flow.is_table_miss() { PacketInReason::NoMatch } else { PacketInReason::Action };
        let origin = Origin { table: id, cookie: flow.cookie, reason, tables: false, depth: 0 };
        let program = Arc::clone(&flow.program);
        let mut goto = None;
        for instruction in program.steps() {
            match instruction {
                Instruction::Meter(meter) => self.meter(packet, *meter)?,
                Instruction::ApplyActions(actions) => self.actions(packet, actions, origin)?,
                Instruction::ClearActions => set.clear(),
                Instruction::WriteActions(actions) => set.write(actions),
                Instruction::WriteMetadata { metadata, mask } => {
                    packet.set_metadata(packet.metadata() & !mask | metadata & mask);
                }
                Instruction::GotoTable(table) => goto = Some(*table),
                _ => {}
            }
        }
        Ok(goto)
    }

    fn meter(&mut self, packet: &mut Packet, meter: MeterId) -> Result<(), Ended> {
        let band = match self.switch.meters.judge(meter, packet.frame().len(), self.now) {
            Verdict::Pass => None,
            Verdict::Drop(_) => {
                self.dropped(Dropped::Meter(meter));
                return Err(Ended);
            }
            Verdict::Remark(band, levels) => {
                let dscp = packet.key().get(FieldId::IpDscp) as u8;
                packet.set_field(FieldId::IpDscp, remarked(dscp, levels).into());
                Some(band)
            }
        };
        self.sink.step(&Step::Metered { meter, band });
        Ok(())
    }

    /// Carries actions out in order.
    pub(super) fn actions(
        &mut self,
        packet: &mut Packet,
        actions: &[Action],
        origin: Origin,
    ) -> Result<(), Ended> {
        for action in actions {
            let Some(left) = self.left.checked_sub(1) else {
                return self.exhausted();
            };
            self.left = left;
            self.sink.step(&Step::Action { action, packet });
            self.action(packet, action, origin)?;
        }
        Ok(())
    }

    fn action(&mut self, packet: &mut Packet, action: &Action, origin: Origin) -> Result<(), Ended> {
        let mut too_long = false;
        let mut used_up = false;
        match action {
            Action::Output { port, max_len } => self.output(packet, *port, *max_len, origin),
            Action::Group(group) => self.group(packet, *group, origin),
            Action::SetQueue(queue) => packet.set_queue(Some(*queue)),
            Action::SetField(field) => {
                if let (Some(id), Some((value, _))) = (field.id(), field.to_bits()) {
                    packet.set_field(id, value);
                }
            }
            Action::PushVlan(eth_type) => too_long = packet.push_vlan(*eth_type).is_err(),
            Action::PushMpls(eth_type) => too_long = packet.push_mpls(*eth_type).is_err(),
            Action::PushPbb(eth_type) => too_long = packet.push_pbb(*eth_type).is_err(),
            Action::PopVlan => packet.pop_vlan(),
            Action::PopMpls(eth_type) => packet.pop_mpls(*eth_type),
            Action::PopPbb => packet.pop_pbb(),
            Action::SetNwTtl(ttl) => packet.set_nw_ttl(*ttl),
            Action::SetMplsTtl(ttl) => packet.set_mpls_ttl(*ttl),
            Action::DecNwTtl => used_up = packet.dec_nw_ttl().is_err(),
            Action::DecMplsTtl => used_up = packet.dec_mpls_ttl().is_err(),
            Action::CopyTtlOut => packet.copy_ttl_out(),
            Action::CopyTtlIn => packet.copy_ttl_in(),
            Action::Nicira(action) => self.nicira(packet, action, origin)?,
            // No flow, group or packet-out with others is taken.
            _ => {}
        }
        if too_long {
            self.dropped(Dropped::TooLong);
            return Err(Ended);
        }
        if used_up {
            let origin = Origin { reason: PacketInReason::InvalidTtl, ..origin };
            let max_len = self.switch.settings.miss_send_len;
            self.packet_in(packet, max_len, origin);
            self.dropped(Dropped::Ttl);
            return Err(Ended);
        }
        Ok(())
    }

    /// The buckets of a group, each with a copy.
    fn group(&mut self, packet: &Packet, id: GroupId, origin: Origin) {
        let Switch { groups, ports, .. } = &mut *self.switch;
        let len = packet.frame().len();
        let chosen = groups.take(id, packet.key(), len, ports).filter(|(_, chosen)| !chosen.is_empty());
        let Some((buckets, chosen)) = chosen.filter(|_| origin.depth < CHAIN_MAX) else {
            return self.dropped(Dropped::NoBucket(id));
        };
        let origin = Origin { cookie: Origin::NO_COOKIE, tables: false, depth: origin.depth + 1, ..origin };
        for bucket in chosen {
            self.sink.step(&Step::Bucket { group: id, bucket });
            let mut copy = packet.clone();
            // What ends a copy does not end the packet.
            let _: Result<(), Ended> = self.actions(&mut copy, &buckets[bucket].actions, origin);
        }
    }

    pub(super) fn output(&mut self, packet: &mut Packet, port: PortNo, max_len: u16, origin: Origin) {
        let in_port = packet.in_port();
        match port {
            PortNo::IN_PORT => self.send(packet, in_port),
            PortNo::CONTROLLER => self.packet_in(packet, max_len, origin),
            PortNo::NORMAL => self.normal(packet),
            PortNo::ALL | PortNo::FLOOD => self.flood(packet, port == PortNo::FLOOD),
            PortNo::TABLE if origin.tables => self.tables(&mut packet.clone()),
            // Only IN_PORT sends it back (OF 1.3.5 §4.5).
            port if port == in_port => self.dropped(Dropped::IngressPort),
            port => self.send(packet, port),
        }
    }

    /// As a switch without OpenFlow does.
    fn normal(&mut self, packet: &Packet) {
        let in_port = packet.in_port();
        match self.switch.stations.way(packet, self.now) {
            Way::Port(port) if port == in_port => self.dropped(Dropped::IngressPort),
            Way::Port(port) => self.send(packet, port),
            Way::All => self.flood(packet, true),
            Way::Nowhere => self.dropped(Dropped::Reserved),
        }
    }

    /// To every port but the one on which it came, and but those that do not forward; blocked ones
    /// are left out of a flood (OF 1.3.5 §4.5, `OFPP_ALL`, `OFPP_FLOOD`).
    fn flood(&mut self, packet: &Packet, flood: bool) {
        let in_port = packet.in_port();
        let takes = self.switch.ports.iter().filter(|port| {
            let closed =
                port.config.contains(PortConfig::NO_FWD) || flood && port.state.contains(PortState::BLOCKED);
            port.number != in_port && !closed
        });
        let takes: Vec<PortNo> = takes.map(|port| port.number).collect();
        for port in takes {
            self.send(packet, port);
        }
    }

    fn send(&mut self, packet: &Packet, port: PortNo) {
        if !self.switch.ports.send(port, packet.frame().len()) {
            return self.dropped(Dropped::Egress(port));
        }
        let (queue, frame, offload) = (packet.queue(), packet.frame(), packet.offload());
        if offload.is_some_and(|offload| offload.cut.is_some()) && !packet.is_ip() {
            // Below other headers nobody else would find what is to be cut.
            for frame in &packet.finished() {
                self.sink.effect(Effect::Output { port, queue, frame, offload: None });
            }
            return;
        }
        self.sink.effect(Effect::Output { port, queue, frame, offload });
    }

    fn packet_in(&mut self, packet: &Packet, max_len: u16, origin: Origin) {
        let in_port = packet.in_port();
        let port = self.switch.ports.get(in_port);
        if port.is_some_and(|port| port.config.contains(PortConfig::NO_PACKET_IN)) {
            return self.dropped(Dropped::NoPacketIn);
        }
        if packet.offload().is_some() {
            for frame in &packet.finished() {
                self.packet_in_of(packet, frame, max_len, origin);
            }
            return;
        }
        self.packet_in_of(packet, packet.frame(), max_len, origin);
    }

    /// A packet-in of a packet whose bytes are `frame` when they are finished.
    fn packet_in_of(&mut self, packet: &Packet, frame: &[u8], max_len: u16, origin: Origin) {
        let in_port = packet.in_port();
        let kept = max_len != WHOLE_PACKET && usize::from(max_len) < frame.len();
        let buffer = if kept { self.switch.buffers.keep(frame, in_port) } else { None };
        let len = if buffer.is_some() { usize::from(max_len) } else { frame.len() };
        let mut match_ = Match::new().in_port(in_port);
        let phy_port = PortNo(packet.key().get(FieldId::InPhyPort) as u32);
        if phy_port != in_port {
            match_ = match_.in_phy_port(phy_port);
        }
        if packet.metadata() != 0 {
            match_ = match_.metadata(packet.metadata());
        }
        if packet.tunnel() != 0 {
            match_ = match_.tunnel_id(packet.tunnel());
        }
        for (id, value) in packet.key().registers() {
            match_.extend(OxmField::from_bits(id, value.into(), None));
        }
        self.sink.effect(Effect::PacketIn(PacketIn {
            buffer,
            total_len: u16::try_from(frame.len()).unwrap_or(u16::MAX),
            reason: origin.reason,
            table: origin.table,
            cookie: origin.cookie,
            match_,
            data: Bytes::copy_from_slice(&frame[..len]),
        }));
    }
}
