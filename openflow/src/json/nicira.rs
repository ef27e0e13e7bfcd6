//! Open vSwitch's own actions: `"type"` is `nx_` and the word of `ovs-actions(7)`; parts of fields are
//! text, as `NXM_NX_REG0[0..15]`.

use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::matching::{Value, field_name};
use super::scalar::{Data, Symbol, Text, bits, meter, port, table};
use super::{List, Members};
use crate::nicira::{Conntrack, Controller, Learn, LearnFlags, Nat, NatAddresses, NatKind, NxAction, Zone};

impl Members for NxAction {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        to.serialize_entry("type", kind(self))?;
        match self {
            NxAction::Resubmit { in_port, table: number, original_direction } => {
                to.serialize_entry("in_port", &port(*in_port))?;
                to.serialize_entry("table_id", &number.map(table))?;
                to.serialize_entry("ct", original_direction)
            }
            NxAction::SetTunnel(id) => to.serialize_entry("tunnel_id", &bits(u64::from(*id))),
            NxAction::SetTunnel64(id) => to.serialize_entry("tunnel_id", &bits(*id)),
            NxAction::Move { from, to: target } => {
                to.serialize_entry("from", &Text(from))?;
                to.serialize_entry("to", &Text(target))
            }
            NxAction::Load { to: target, value } => {
                to.serialize_entry("to", &Text(target))?;
                to.serialize_entry("value", &bits(*value))
            }
            NxAction::SetField(field) => {
                to.serialize_entry("field", &field_name(field.key()))?;
                to.serialize_entry("value", &Value(field))
            }
            NxAction::Note(note) => to.serialize_entry("data", &Data(note)),
            NxAction::OutputField { from, max_len } => {
                to.serialize_entry("from", &Text(from))?;
                to.serialize_entry("max_len", max_len)
            }
            NxAction::OutputTruncated { port: number, max_len } => {
                to.serialize_entry("port", &port(*number))?;
                to.serialize_entry("max_len", max_len)
            }
            NxAction::Learn(learn) => learn.add(to),
            NxAction::FinTimeout { idle, hard } => {
                to.serialize_entry("idle_timeout", idle)?;
                to.serialize_entry("hard_timeout", hard)
            }
            NxAction::Controller(controller) => controller.add(to),
            NxAction::DecTtl(ids) => to.serialize_entry("controller_ids", ids),
            NxAction::Push(field) | NxAction::Pop(field) => to.serialize_entry("field", &Text(field)),
            NxAction::Conjunction { id, clause, clauses } => {
                to.serialize_entry("conj_id", id)?;
                to.serialize_entry("clause", clause)?;
                to.serialize_entry("clauses", clauses)
            }
            NxAction::Conntrack(ct) => ct.add(to),
            NxAction::Nat(nat) => nat.add(to),
            NxAction::Clone(actions) => to.serialize_entry("actions", &List(actions)),
            NxAction::CheckPacketLarger { length, to: target } => {
                to.serialize_entry("length", length)?;
                to.serialize_entry("to", &Text(target))
            }
            NxAction::PopQueue | NxAction::Exit | NxAction::CtClear => Ok(()),
        }
    }
}

fn kind(action: &NxAction) -> &'static str {
    match action {
        NxAction::Resubmit { .. } => "nx_resubmit",
        NxAction::SetTunnel(_) => "nx_set_tunnel",
        NxAction::SetTunnel64(_) => "nx_set_tunnel64",
        NxAction::PopQueue => "nx_pop_queue",
        NxAction::Move { .. } => "nx_move",
        NxAction::Load { .. } => "nx_load",
        NxAction::SetField(_) => "nx_set_field",
        NxAction::Note(_) => "nx_note",
        NxAction::OutputField { .. } => "nx_output_field",
        NxAction::OutputTruncated { .. } => "nx_output_trunc",
        NxAction::Learn(_) => "nx_learn",
        NxAction::Exit => "nx_exit",
        NxAction::FinTimeout { .. } => "nx_fin_timeout",
        NxAction::Controller(_) => "nx_controller",
        NxAction::DecTtl(_) => "nx_dec_ttl",
        NxAction::Push(_) => "nx_push",
        NxAction::Pop(_) => "nx_pop",
        NxAction::Conjunction { .. } => "nx_conjunction",
        NxAction::Conntrack(_) => "nx_ct",
        NxAction::Nat(_) => "nx_nat",
        NxAction::CtClear => "nx_ct_clear",
        NxAction::Clone(_) => "nx_clone",
        NxAction::CheckPacketLarger { .. } => "nx_check_pkt_larger",
    }
}

impl Members for Learn {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        to.serialize_entry("table_id", &table(self.table))?;
        to.serialize_entry("idle_timeout", &self.idle_timeout)?;
        to.serialize_entry("hard_timeout", &self.hard_timeout)?;
        to.serialize_entry("fin_idle_timeout", &self.fin_idle_timeout)?;
        to.serialize_entry("fin_hard_timeout", &self.fin_hard_timeout)?;
        to.serialize_entry("priority", &self.priority)?;
        to.serialize_entry("cookie", &bits(self.cookie))?;
        to.serialize_entry("send_flow_rem", &self.flags.contains(LearnFlags::SEND_FLOW_REM))?;
        to.serialize_entry("delete_learned", &self.flags.contains(LearnFlags::DELETE_LEARNED))?;
        to.serialize_entry("limit", &self.limit.map(|limit| limit.flows))?;
        to.serialize_entry("result_dst", &self.limit.and_then(|limit| limit.result).map(Text))?;
        to.serialize_entry("specs", &Texts(&self.specs))
    }
}

/// An array of what prints.
struct Texts<'a, T>(&'a [T]);

impl<T: std::fmt::Display> serde::Serialize for Texts<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|one| sequence.serialize_element(&Text(one)))?;
        sequence.end()
    }
}

impl Members for Controller {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        to.serialize_entry("max_len", &self.max_len)?;
        to.serialize_entry("controller_id", &self.id)?;
        to.serialize_entry("reason", &Symbol::from(self.reason))?;
        to.serialize_entry("userdata", &Data(&self.userdata))?;
        to.serialize_entry("pause", &self.pause)?;
        to.serialize_entry("meter_id", &self.meter.map(meter))
    }
}

impl Members for Conntrack {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        to.serialize_entry("commit", &self.commit)?;
        to.serialize_entry("force", &self.force)?;
        match self.zone {
            Zone::Number(zone) => to.serialize_entry("zone", &zone)?,
            Zone::Field(field) => to.serialize_entry("zone", &Text(field))?,
        }
        to.serialize_entry("table_id", &self.table.map(table))?;
        to.serialize_entry("alg", &self.alg)?;
        to.serialize_entry("actions", &List(&self.actions))
    }
}

impl Members for Nat {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        let kind = self.kind.map(|kind| match kind {
            NatKind::Source => "src",
            NatKind::Destination => "dst",
        });
        to.serialize_entry("nat", &kind)?;
        let (first, last) = match self.addresses {
            NatAddresses::None => (None, None),
            NatAddresses::V4(first, last) => (Some(first.to_string()), last.map(|last| last.to_string())),
            NatAddresses::V6(first, last) => (Some(first.to_string()), last.map(|last| last.to_string())),
        };
        to.serialize_entry("first_address", &first)?;
        to.serialize_entry("last_address", &last)?;
        to.serialize_entry("first_port", &self.ports.map(|(first, _)| first))?;
        to.serialize_entry("last_port", &self.ports.and_then(|(_, last)| last))?;
        to.serialize_entry("persistent", &self.persistent)?;
        to.serialize_entry("hash", &self.hash)?;
        to.serialize_entry("random", &self.random)
    }
}
