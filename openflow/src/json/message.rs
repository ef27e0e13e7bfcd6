//! Whole messages, and those that are small.

use serde::ser::SerializeMap;

use super::names::ERROR_TYPES;
use super::scalar::{Data, Flags, Symbol, Text, count, port, table};
use super::{List, Members, Object, object};
use crate::error::{ErrorKind, ErrorMsg};
use crate::ids::Xid;
use crate::msg::async_config::{AsyncConfig, ReasonMasks};
use crate::msg::config::SwitchConfig;
use crate::msg::features::Features;
use crate::msg::hello::{Hello, HelloElement};
use crate::msg::role::Role;
use crate::msg::table_mod::TableMod;
use crate::{Body, Message};

impl Members for Message {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        Whole { xid: self.xid, body: &self.body }.add(to)
    }
}

/// A message whose body lies elsewhere.
pub(super) struct Whole<'a> {
    pub(super) xid: Xid,
    pub(super) body: &'a Body,
}

impl Members for Whole<'_> {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        match self.body {
            Body::Unknown { msg_type, .. } => to.serialize_entry("type", msg_type)?,
            body => {
                let name = body.name();
                let name = name.split_once('_').map_or(name, |(_, name)| name).to_ascii_lowercase();
                to.serialize_entry("type", &name)?;
            }
        }
        to.serialize_entry("xid", &self.xid.0)?;
        match self.body {
            Body::Hello(it) => it.add(to),
            Body::Error(it) => it.add(to),
            Body::EchoRequest(data) | Body::EchoReply(data) => to.serialize_entry("data", &Data(data)),
            Body::Experimenter(it) => it.add(to),
            Body::Extension(it) => super::extension::add(it, self.xid, to),
            Body::FeaturesReply(it) => it.add(to),
            Body::GetConfigReply(it) | Body::SetConfig(it) => it.add(to),
            Body::PacketIn(it) => it.add(to),
            Body::FlowRemoved(it) => it.add(to),
            Body::PortStatus(it) => it.add(to),
            Body::PacketOut(it) => it.add(to),
            Body::FlowMod(it) => it.add(to),
            Body::GroupMod(it) => it.add(to),
            Body::PortMod(it) => it.add(to),
            Body::TableMod(it) => it.add(to),
            Body::MultipartRequest(it) => it.add(to),
            Body::MultipartReply(it) => it.add(to),
            Body::QueueGetConfigRequest(it) => to.serialize_entry("port", &port(*it)),
            Body::QueueGetConfigReply(it) => it.add(to),
            Body::RoleRequest(it) | Body::RoleReply(it) => it.add(to),
            Body::GetAsyncReply(it) | Body::SetAsync(it) => it.add(to),
            Body::MeterMod(it) => it.add(to),
            Body::Unknown { payload, .. } => to.serialize_entry("data", &Data(payload)),
            Body::FeaturesRequest
            | Body::GetConfigRequest
            | Body::BarrierRequest
            | Body::BarrierReply
            | Body::GetAsyncRequest => Ok(()),
        }
    }
}

object! {
    Hello as hello {
        "version": hello.version,
        "versions": hello.versions,
        "elements": List(&hello.other),
        "rest": Data(&hello.rest),
    }

    HelloElement as element {
        "type": element.kind,
        "data": Data(&element.body),
    }

    Features as features {
        "datapath_id": Text(features.datapath_id),
        "n_buffers": features.n_buffers,
        "n_tables": features.n_tables,
        "auxiliary_id": features.auxiliary_id,
        "capabilities": Flags(features.capabilities),
    }

    SwitchConfig as config {
        "flags": Symbol::from(config.fragments),
        "reserved": config.reserved,
        "miss_send_len": config.miss_send_len,
    }

    TableMod as it {
        "table_id": table(it.table),
        "config": it.config,
    }

    Role as role {
        "role": Symbol::from(role.kind),
        "generation_id": count(role.generation_id),
    }

    AsyncConfig as config {
        "packet_in_mask": Object(&config.packet_in),
        "port_status_mask": Object(&config.port_status),
        "flow_removed_mask": Object(&config.flow_removed),
    }

    ReasonMasks as masks {
        "master": masks.master,
        "slave": masks.slave,
    }
}

impl Members for ErrorMsg {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        if let ErrorKind::Experimenter { exp_type, experimenter } = self.kind {
            to.serialize_entry("error_type", "experimenter")?;
            to.serialize_entry("exp_type", &exp_type)?;
            to.serialize_entry("experimenter", &experimenter)?;
        } else {
            let etype = self.kind.etype();
            match (self.kind.name(), ERROR_TYPES.get(usize::from(etype))) {
                // The numbers of other versions mean something else.
                (Some(name), Some(known)) => {
                    to.serialize_entry("error_type", known)?;
                    to.serialize_entry("code", name)?;
                }
                _ => {
                    to.serialize_entry("error_type", &etype)?;
                    to.serialize_entry("code", &self.kind.code())?;
                }
            }
        }
        to.serialize_entry("data", &Data(&self.data))
    }
}
