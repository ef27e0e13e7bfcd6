//! Actions and instructions: objects with a `"type"`.

use serde::ser::SerializeMap;

use super::matching::{Value, field_name};
use super::names::{ACTIONS, INSTRUCTIONS, named};
use super::scalar::{Data, bits, group, meter, port, queue, table};
use super::{List, Members};
use crate::action::Action;
use crate::instruction::Instruction;

impl Members for Action {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        if let Action::Nicira(action) = self {
            return action.add(to);
        }
        to.serialize_entry("type", &named(self.kind(), ACTIONS))?;
        match self {
            Action::Output { port: number, max_len } => {
                to.serialize_entry("port", &port(*number))?;
                to.serialize_entry("max_len", max_len)
            }
            Action::SetMplsTtl(ttl) => to.serialize_entry("mpls_ttl", ttl),
            Action::SetNwTtl(ttl) => to.serialize_entry("nw_ttl", ttl),
            Action::PushVlan(ethertype)
            | Action::PushMpls(ethertype)
            | Action::PopMpls(ethertype)
            | Action::PushPbb(ethertype) => to.serialize_entry("ethertype", ethertype),
            Action::SetQueue(id) => to.serialize_entry("queue_id", &queue(*id)),
            Action::Group(id) => to.serialize_entry("group_id", &group(*id)),
            Action::SetField(field) => {
                to.serialize_entry("field", &field_name(field.key()))?;
                to.serialize_entry("value", &Value(field))
            }
            Action::Experimenter { experimenter, body } => {
                to.serialize_entry("experimenter", experimenter)?;
                to.serialize_entry("data", &Data(body))
            }
            Action::Unknown { body, .. } => to.serialize_entry("data", &Data(body)),
            Action::CopyTtlOut
            | Action::CopyTtlIn
            | Action::DecMplsTtl
            | Action::PopVlan
            | Action::DecNwTtl
            | Action::PopPbb
            | Action::Nicira(_) => Ok(()),
        }
    }
}

impl Members for Instruction {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        to.serialize_entry("type", &named(self.kind(), INSTRUCTIONS))?;
        match self {
            Instruction::GotoTable(id) => to.serialize_entry("table_id", &table(*id)),
            Instruction::WriteMetadata { metadata, mask } => {
                to.serialize_entry("metadata", &bits(*metadata))?;
                to.serialize_entry("metadata_mask", &bits(*mask))
            }
            Instruction::WriteActions(actions) | Instruction::ApplyActions(actions) => {
                to.serialize_entry("actions", &List(actions))
            }
            Instruction::ClearActions => Ok(()),
            Instruction::Meter(id) => to.serialize_entry("meter_id", &meter(*id)),
            Instruction::Experimenter { experimenter, body } => {
                to.serialize_entry("experimenter", experimenter)?;
                to.serialize_entry("data", &Data(body))
            }
            Instruction::Unknown { body, .. } => to.serialize_entry("data", &Data(body)),
        }
    }
}
