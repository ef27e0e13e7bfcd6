//! What a switch does with a packet (OF 1.3.5 §5).

use std::sync::Arc;
use std::time::Instant;

use super::action_set::ActionSet;
use super::classifier::FlowIx;
use super::effect::{Dropped, Effect, Sink, Step};
use super::group::CHAIN_MAX;
use super::key::Key;
use super::meter::{Verdict, remarked};
use super::nesting::{Direction, Nesting};
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

/// The most flow tables that are looked up for one packet with all its copies (`ovs-actions(7)`, "Too
/// many resubmits").
const LOOKUPS_MAX: u32 = 4096;

/// What an action ends besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The actions of its list behind it, and of the tables behind that: no flow takes the packet, its
    /// TTL is used up, the frame too long.
    List,
    /// All lists of actions that are under way, but not the action set (`exit`).
    Lists,
    /// The packet, or this copy of it (a meter).
    Copy,
    /// The packet with all its copies: it takes more than one packet may.
    Packet,
}

/// Who sends a packet: what a packet-in tells of it.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) table: TableId,
    pub(super) cookie: u64,
    pub(super) reason: PacketInReason,
    /// Whether they are a table-miss flow's.
    pub(super) miss: bool,
    /// Whether actions may send to the tables: those of a packet-out.
    pub(super) tables: bool,
    /// Where in its table the flow is that the actions are of.
    pub(super) flow: Option<FlowIx>,
    /// How many groups it is inside of.
    pub(super) depth: usize,
}

impl Origin {
    /// The cookie where no flow is behind it (OF 1.3.5 §7.4.1).
    const NO_COOKIE: u64 = u64::MAX;

    pub(super) const PACKET_OUT: Origin = Origin {
        table: TableId(0),
        cookie: Origin::NO_COOKIE,
        reason: PacketInReason::Action,
        miss: false,
        tables: true,
        flow: None,
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
    pub(super) switch: &'a mut Switch,
    pub(super) sink: &'a mut S,
    pub(super) now: Instant,
    left: u32,
    lookups: u32,
    /// The table that it is in.
    pub(super) at: TableId,
    /// Whether a table-miss flow is no reason for what is sent to the controller: an action set or a
    /// packet-out led there.
    pub(super) led: bool,
    /// The action set. It is of the whole way, whatever is looked up again.
    pub(super) set: ActionSet,
    /// What `push` put there.
    pub(super) stack: Vec<u128>,
    pub(super) nesting: Nesting,
}

impl<'a, S: Sink> Run<'a, S> {
    pub(super) fn new(switch: &'a mut Switch, now: Instant, sink: &'a mut S) -> Run<'a, S> {
        let (at, set, stack) = (TableId(0), ActionSet::default(), Vec::new());
        Run {
            switch,
            sink,
            now,
            left: ACTIONS_MAX,
            lookups: 0,
            at,
            led: false,
            set,
            stack,
            nesting: Nesting::default(),
        }
    }

    pub(super) fn dropped(&mut self, why: Dropped) {
        self.sink.step(&Step::Dropped(why));
    }

    /// More than one packet may have.
    pub(super) fn exhausted<T>(&mut self) -> Result<T, Ended> {
        self.dropped(Dropped::Exhausted);
        Err(Ended::Packet)
    }

    /// Takes so many of the actions that the packet is good for.
    pub(super) fn spend(&mut self, count: usize) -> Result<(), Ended> {
        match u32::try_from(count).ok().and_then(|count| self.left.checked_sub(count)) {
            Some(left) => self.left = left,
            None => return self.exhausted(),
        }
        Ok(())
    }

    /// Through the tables, from the first on, and the action set.
    pub(super) fn tables(&mut self, packet: &mut Packet) {
        if packet.is_fragment() && self.switch.settings.fragments == Fragments::Drop {
            return self.dropped(Dropped::Fragment);
        }
        if self.switch.standalone {
            return self.normal(packet);
        }
        self.led = false;
        match self.walk(packet, TableId(0), None) {
            Ok(()) | Err(Ended::Lists) => self.action_set(packet),
            Err(_) => {}
        }
    }

    /// The actions of a packet-out. However they end, the message has been carried out.
    pub(super) fn packet_out(&mut self, packet: &mut Packet, actions: &[Action]) {
        self.led = true;
        let ended = self.actions(packet, actions, Origin::PACKET_OUT);
        // What it was resubmitted to may have written one.
        if matches!(ended, Ok(()) | Err(Ended::Lists)) && !self.set.is_empty() {
            self.action_set(packet);
        }
    }

    /// The tables are behind the packet.
    pub(super) fn action_set(&mut self, packet: &mut Packet) {
        self.sink.step(&Step::ActionSet);
        // What is written meanwhile comes too late.
        let set = std::mem::take(&mut self.set);
        let actions = set.in_order();
        if actions.is_empty() {
            return self.dropped(Dropped::NoOutput);
        }
        let origin = Origin { table: self.at, tables: false, ..Origin::PACKET_OUT };
        self.led = true;
        let _: Result<(), Ended> = self.actions(packet, actions, origin);
    }

    /// From a table on, as far as there is a next one. In the first the packet may be looked up as if
    /// it were another.
    pub(super) fn walk(
        &mut self,
        packet: &mut Packet,
        first: TableId,
        as_if: Option<&Key>,
    ) -> Result<(), Ended> {
        let mut next = self.table(packet, first, as_if)?;
        while let Some(table) = next.filter(|next| *next > self.at) {
            next = self.table(packet, table, None)?;
        }
        Ok(())
    }

    /// Through one table; the table that follows.
    fn table(
        &mut self,
        packet: &mut Packet,
        id: TableId,
        as_if: Option<&Key>,
    ) -> Result<Option<TableId>, Ended> {
        if self.lookups == LOOKUPS_MAX {
            return self.exhausted();
        }
        self.lookups += 1;
        self.at = id;
        let key = as_if.unwrap_or(packet.key());
        let found = self.switch.table_mut(id).and_then(|table| table.lookup(key));
        self.sink.step(&Step::Table { table: id, packet, flow: found.as_ref().map(|(_, flow)| &**flow) });
        let Some((at, flow)) = found else {
            // Where it was looked up again it goes on.
            if self.nesting.is_outermost() {
                self.dropped(Dropped::NoFlow);
            }
            return Err(Ended::List);
        };
        flow.count(packet.frame().len(), self.now);
        let miss = flow.is_table_miss();
        let reason = if miss && !self.led { PacketInReason::NoMatch } else { PacketInReason::Action };
        let cookie = flow.cookie;
        let origin = Origin { table: id, cookie, reason, miss, tables: false, flow: Some(at), depth: 0 };
        let program = Arc::clone(&flow.program);
        let mut goto = None;
        for instruction in program.steps() {
            match instruction {
                Instruction::Meter(meter) => self.meter(packet, *meter)?,
                Instruction::ApplyActions(actions) => self.actions(packet, actions, origin)?,
                Instruction::ClearActions => self.set.clear(),
                Instruction::WriteActions(actions) => {
                    self.spend(actions.len())?;
                    self.set.write(actions);
                }
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
                return Err(Ended::Copy);
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
            self.spend(1)?;
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
            Action::Group(group) => self.group(packet, *group, origin)?,
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
            return Err(Ended::List);
        }
        if used_up { self.used_up(packet, &[0], origin) } else { Ok(()) }
    }

    /// The TTL is: these controllers are told.
    pub(super) fn used_up(&mut self, packet: &Packet, ids: &[u16], origin: Origin) -> Result<(), Ended> {
        let origin = Origin { reason: PacketInReason::InvalidTtl, ..origin };
        let max_len = self.switch.settings.miss_send_len;
        for id in ids {
            self.packet_in(packet, max_len, origin, *id, &Bytes::new());
        }
        self.dropped(Dropped::Ttl);
        Err(Ended::List)
    }

    /// The buckets of a group, each with a copy.
    fn group(&mut self, packet: &Packet, id: GroupId, origin: Origin) -> Result<(), Ended> {
        let Switch { groups, ports, .. } = &mut *self.switch;
        let len = packet.frame().len();
        let chosen = groups.take(id, packet.key(), len, ports).filter(|(_, chosen)| !chosen.is_empty());
        let Some((buckets, chosen)) = chosen.filter(|_| origin.depth < CHAIN_MAX) else {
            self.dropped(Dropped::NoBucket(id));
            return Ok(());
        };
        let Some(outside) = self.nesting.enter(Direction::Forth) else { return self.exhausted() };
        let depth = origin.depth + 1;
        let origin = Origin { table: origin.table, tables: false, depth, ..Origin::PACKET_OUT };
        for bucket in chosen {
            self.sink.step(&Step::Bucket { group: id, bucket });
            let mut copy = packet.clone();
            // What ends a copy does not end the packet.
            let _: Result<(), Ended> = self.actions(&mut copy, &buckets[bucket].actions, origin);
            self.at = origin.table;
        }
        self.nesting = outside;
        Ok(())
    }

    pub(super) fn output(&mut self, packet: &mut Packet, port: PortNo, max_len: u16, origin: Origin) {
        let in_port = packet.in_port();
        match port {
            PortNo::IN_PORT => self.send(packet, in_port),
            PortNo::CONTROLLER => self.packet_in(packet, max_len, origin, 0, &Bytes::new()),
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

    pub(super) fn send(&mut self, packet: &Packet, port: PortNo) {
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

    /// For the controllers that are `id`, with this for them to read.
    pub(super) fn packet_in(
        &mut self,
        packet: &Packet,
        max_len: u16,
        origin: Origin,
        id: u16,
        userdata: &Bytes,
    ) {
        let in_port = packet.in_port();
        let port = self.switch.ports.get(in_port);
        if port.is_some_and(|port| port.config.contains(PortConfig::NO_PACKET_IN)) {
            return self.dropped(Dropped::NoPacketIn);
        }
        let tell = |run: &mut Self, frame: &[u8]| {
            let packet_in = run.packet_in_of(packet, frame, max_len, origin);
            if id == 0 && userdata.is_empty() {
                run.sink.effect(Effect::PacketIn(packet_in));
            } else {
                run.sink.packet_in(id, userdata, packet_in);
            }
        };
        if packet.offload().is_some() {
            return packet.finished().iter().for_each(|frame| tell(self, frame));
        }
        tell(self, packet.frame());
    }

    /// A packet-in of a packet whose bytes are `frame` when they are finished.
    fn packet_in_of(&mut self, packet: &Packet, frame: &[u8], max_len: u16, origin: Origin) -> PacketIn {
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
        PacketIn {
            buffer,
            total_len: u16::try_from(frame.len()).unwrap_or(u16::MAX),
            reason: origin.reason,
            table: origin.table,
            cookie: origin.cookie,
            match_,
            data: Bytes::copy_from_slice(&frame[..len]),
        }
    }
}
