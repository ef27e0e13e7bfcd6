//! What a switch does with a controller's message (OF 1.3.5 §6, §7.3).

use std::time::Instant;

use bytes::Bytes;

use super::effect::{Effect, Sink};
use super::packet::Packet;
use super::run::Run;
use super::switch::Switch;
use crate::consistency::Place;
use crate::error::{
    BadRequest, ErrorKind, GroupModFailed, MeterModFailed, QueueOpFailed, RoleRequestFailed,
    SwitchConfigFailed, TableModFailed,
};
use crate::extension::{Extension, PacketIn2, PacketInFormat};
use crate::ids::{GroupId, PortNo, TableId, Xid};
use crate::message::{Body, Message};
use crate::msg::async_config::{AsyncConfig, ReasonMasks};
use crate::msg::config::{Fragments, SwitchConfig};
use crate::msg::features::{Capabilities, Features};
use crate::msg::group_mod::{GroupMod, GroupModCommand};
use crate::msg::meter_mod::{MeterMod, MeterModCommand};
use crate::msg::packet_in::PacketIn;
use crate::msg::packet_out::PacketOut;
use crate::msg::queue::QueueConfig;
use crate::msg::role::{Role, RoleKind};
use crate::msg::table_mod::TableMod;

/// What a switch knows of a controller on the other end of a connection (OF 1.3.5 §6.3).
#[derive(Clone, Debug)]
pub struct Controller {
    /// Its role.
    pub role: RoleKind,
    /// Which asynchronous messages it gets.
    pub wants: AsyncConfig,
    /// Which of the switch's controllers it says that it is (`NXT_SET_CONTROLLER_ID`,
    /// `ovs-actions(7)`, `controller`).
    pub id: u16,
    /// In which form packet-ins go to it (`NXT_SET_PACKET_IN_FORMAT`).
    pub packet_in_format: PacketInFormat,
}

impl Default for Controller {
    /// As a connection starts: equal, with all messages but those of used up TTLs; as slave port
    /// changes only (OF 1.3.5 §6.3.6, §7.3.10).
    fn default() -> Self {
        let masks = |master, slave| ReasonMasks { master, slave };
        Controller {
            role: RoleKind::Equal,
            wants: AsyncConfig {
                packet_in: masks(0b011, 0),
                port_status: masks(0b111, 0b111),
                flow_removed: masks(0b1111, 0),
            },
            id: 0,
            packet_in_format: PacketInFormat::Standard,
        }
    }
}

impl Controller {
    /// Whether it is to get what the switch does: false for all but asynchronous messages.
    pub fn wants(&self, effect: &Effect<'_>) -> bool {
        let (masks, reason): (ReasonMasks, u16) = match effect {
            Effect::PacketIn(it) => return self.wants_packet_in(0, it),
            Effect::FlowRemoved(it) => (self.wants.flow_removed, it.reason.into()),
            Effect::PortStatus(it) => (self.wants.port_status, u8::from(it.reason).into()),
            _ => return false,
        };
        self.is_in(masks, reason)
    }

    fn is_in(&self, masks: ReasonMasks, reason: u16) -> bool {
        let mask = if self.role == RoleKind::Slave { masks.slave } else { masks.master };
        mask.checked_shr(reason.into()).unwrap_or(0) & 1 != 0
    }

    /// Whether it is to get a packet-in for the controllers that are `id`: see [`Sink::packet_in`].
    pub fn wants_packet_in(&self, id: u16, packet_in: &PacketIn) -> bool {
        self.id == id && self.is_in(self.wants.packet_in, u8::from(packet_in.reason).into())
    }

    /// A packet-in in the form that it wants, the only one in which `userdata` can be told.
    pub fn packet_in(&self, userdata: &Bytes, packet_in: &PacketIn) -> Body {
        if self.packet_in_format != PacketInFormat::Nxt2 {
            return packet_in.clone().into();
        }
        let PacketIn { buffer, total_len, reason, table, cookie, match_, data } = packet_in.clone();
        let packet_in = PacketIn2 {
            full_len: (usize::from(total_len) != data.len()).then_some(total_len.into()),
            packet: data,
            buffer,
            table: Some(table),
            cookie: Some(cookie),
            reason: Some(reason),
            metadata: Some(match_),
            userdata: Some(userdata.clone()).filter(|it| !it.is_empty()),
            ..PacketIn2::default()
        };
        Extension::PacketIn2(packet_in).into()
    }
}

/// Whether a slave may send it (OF 1.3.5 §6.3.6).
fn changes(body: &Body) -> bool {
    use crate::multipart::MultipartRequest;
    match body {
        Body::MultipartRequest(MultipartRequest::TableFeatures { tables, .. }) => !tables.is_empty(),
        Body::PacketOut(_)
        | Body::FlowMod(_)
        | Body::GroupMod(_)
        | Body::PortMod(_)
        | Body::TableMod(_)
        | Body::MeterMod(_)
        | Body::SetConfig(_) => true,
        _ => false,
    }
}

impl Switch {
    /// Carries a message out. Answers and all that follows from it go to `sink`; messages are
    /// carried out one after the other, so a barrier has nothing to wait for.
    ///
    /// # Errors
    /// With which the switch answers instead: see [`crate::ErrorMsg::answering`], which wants the
    /// message as it came.
    pub fn handle<S: Sink>(
        &mut self,
        from: &mut Controller,
        message: Message,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        let Message { xid, body } = message;
        if from.role == RoleKind::Slave && changes(&body) {
            return Err(BadRequest::IsSlave.into());
        }
        let reply = match body {
            Body::Hello(_) | Body::Error(_) | Body::EchoReply(_) => return Ok(()),
            Body::EchoRequest(data) => Body::EchoReply(data),
            Body::FeaturesRequest => Body::FeaturesReply(self.features()),
            Body::GetConfigRequest => Body::GetConfigReply(self.settings),
            Body::BarrierRequest => Body::BarrierReply,
            Body::GetAsyncRequest => Body::GetAsyncReply(from.wants),
            Body::SetAsync(wants) => {
                from.wants = wants;
                return Ok(());
            }
            Body::RoleRequest(role) => Body::RoleReply(self.role(from, role, sink)?),
            Body::QueueGetConfigRequest(port) => Body::QueueGetConfigReply(self.queues(port)?),
            Body::MultipartRequest(request) => return self.multipart(xid, &request, now, sink),
            Body::SetConfig(config) => return self.configure(config),
            Body::PacketOut(request) => return self.packet_out(request, now, sink),
            Body::FlowMod(request) => return self.flow_mod(request, now, sink),
            Body::GroupMod(request) => return self.group_mod(&request, now, sink),
            Body::MeterMod(request) => return self.meter_mod(&request, now, sink),
            Body::TableMod(request) => return self.table_mod(request),
            Body::PortMod(request) => {
                if let Some(status) = self.ports.modify(&request)? {
                    sink.effect(Effect::PortStatus(status));
                }
                return Ok(());
            }
            Body::Extension(it) => return extend(from, &it),
            Body::Experimenter(_) => return Err(BadRequest::BadExperimenter.into()),
            // What only a switch sends, and what has no name.
            _ => return Err(BadRequest::BadType.into()),
        };
        answer(xid, reply, sink);
        Ok(())
    }

    /// What the switch is (OF 1.3.5 §7.3.1).
    pub fn features(&self) -> Features {
        Features {
            datapath_id: self.config.datapath_id,
            n_buffers: self.config.n_buffers.into(),
            n_tables: self.config.n_tables,
            auxiliary_id: 0,
            capabilities: Capabilities::FLOW_STATS
                | Capabilities::TABLE_STATS
                | Capabilities::PORT_STATS
                | Capabilities::GROUP_STATS,
        }
    }

    fn configure(&mut self, config: SwitchConfig) -> Result<(), ErrorKind> {
        match config.fragments {
            Fragments::Normal | Fragments::Drop if config.reserved == 0 => {}
            _ => return Err(SwitchConfigFailed::BadFlags.into()),
        }
        self.settings = config;
        Ok(())
    }

    fn role<S: Sink>(&mut self, from: &mut Controller, asked: Role, sink: &mut S) -> Result<Role, ErrorKind> {
        if matches!(asked.kind, RoleKind::Master | RoleKind::Slave) {
            if self.generation.is_some_and(|last| asked.is_older_than(last)) {
                return Err(RoleRequestFailed::Stale.into());
            }
            self.generation = Some(asked.generation_id);
        }
        match asked.kind {
            RoleKind::NoChange => {}
            RoleKind::Unknown(_) => return Err(RoleRequestFailed::BadRole.into()),
            kind => from.role = kind,
        }
        if asked.kind == RoleKind::Master {
            sink.effect(Effect::OneMaster);
        }
        Ok(Role { kind: from.role, generation_id: self.generation.unwrap_or(u64::MAX) })
    }

    /// There are no queues: outputs tell which one is set, and who sends them may have them.
    fn queues(&self, port: PortNo) -> Result<QueueConfig, ErrorKind> {
        if port != PortNo::ANY && self.ports.get(port).is_none() {
            return Err(QueueOpFailed::BadPort.into());
        }
        Ok(QueueConfig { port, queues: Vec::new() })
    }

    fn packet_out<S: Sink>(
        &mut self,
        request: PacketOut,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        let port = request.in_port;
        let real = port.is_ordinary() || port == PortNo::LOCAL;
        if port != PortNo::CONTROLLER && !real {
            return Err(BadRequest::BadPort.into());
        }
        self.check_actions(&request.actions, Place::PacketOut, None)?;
        let frame = match request.buffer {
            Some(buffer) => self.buffers.take(buffer)?.0,
            None => request.data,
        };
        let mut packet = Packet::new(&frame, port);
        Run::new(self, now, sink).packet_out(&mut packet, &request.actions);
        Ok(())
    }

    fn group_mod<S: Sink>(
        &mut self,
        request: &GroupMod,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        match request.command {
            GroupModCommand::Add | GroupModCommand::Modify => {
                for bucket in &request.buckets {
                    self.check_actions(&bucket.actions, Place::Bucket, Some(request.group))?;
                }
                self.groups.set(request, request.command == GroupModCommand::Modify, now)
            }
            GroupModCommand::Delete if request.group == GroupId::ALL => {
                let gone = self.groups.clear();
                self.remove_flows_of_groups(&gone, now, sink);
                Ok(())
            }
            GroupModCommand::Delete if request.group > GroupId::MAX => {
                Err(GroupModFailed::InvalidGroup.into())
            }
            // That there is no such group is no error (OF 1.3.5 §6.5).
            GroupModCommand::Delete => {
                if self.groups.remove(request.group)? {
                    self.remove_flows_of_groups(&[request.group], now, sink);
                }
                Ok(())
            }
            GroupModCommand::Unknown(_) => Err(GroupModFailed::BadCommand.into()),
        }
    }

    fn meter_mod<S: Sink>(
        &mut self,
        request: &MeterMod,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        match request.command {
            MeterModCommand::Add => Ok(self.meters.set(request, false, now)?),
            MeterModCommand::Modify => Ok(self.meters.set(request, true, now)?),
            MeterModCommand::Delete => {
                let gone = self.meters.remove(request.meter);
                self.remove_flows_of_meters(&gone, now, sink);
                Ok(())
            }
            MeterModCommand::Unknown(_) => Err(MeterModFailed::BadCommand.into()),
        }
    }

    /// The bits of the configuration mean nothing any more; they are kept (OF 1.3.5 §7.3.3).
    fn table_mod(&mut self, request: TableMod) -> Result<(), ErrorKind> {
        if request.table != TableId::ALL && !self.has_table(request.table) {
            return Err(TableModFailed::BadTable.into());
        }
        if request.config & !3 != 0 {
            return Err(TableModFailed::BadConfig.into());
        }
        for table in self.chosen(request.table) {
            if let Some(config) = self.table_configs.get_mut(usize::from(table.0)) {
                *config = request.config;
            }
        }
        Ok(())
    }
}

/// What a controller says of itself in Open vSwitch's words.
fn extend(from: &mut Controller, message: &Extension) -> Result<(), ErrorKind> {
    match message {
        Extension::SetControllerId(id) => from.id = *id,
        Extension::SetPacketInFormat(format @ (PacketInFormat::Standard | PacketInFormat::Nxt2)) => {
            from.packet_in_format = *format;
        }
        Extension::SetPacketInFormat(_) => return Err(BadRequest::Eperm.into()),
        _ => return Err(BadRequest::BadExperimenter.into()),
    }
    Ok(())
}

pub(super) fn answer<S: Sink>(xid: Xid, body: impl Into<Body>, sink: &mut S) {
    sink.effect(Effect::Reply(Box::new(Message { xid, body: body.into() })));
}
