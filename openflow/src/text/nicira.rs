//! Open vSwitch's own actions in the words of `ovs-actions(7)`.

use std::fmt;
use std::net::IpAddr;

use super::action::{Name, Value};
use super::{AltHex, List, reason};
use crate::action::{Action, Actions, WHOLE_PACKET};
use crate::ids::{PortNo, TableId};
use crate::msg::flow_mod::DEFAULT_PRIORITY;
use crate::msg::packet_in::PacketInReason;
use crate::nicira::{
    ActionField, Conntrack, Controller, Learn, LearnFlags, LearnSource, LearnSpec, LearnTarget, Nat,
    NatAddresses, NatKind, NxAction, Subfield, Zone, widen,
};
use crate::oxm::OxmField;

/// `NXM_NX_REG0[]`, `NXM_NX_REG0[3]`, `NXM_NX_REG0[0..15]`.
impl fmt::Display for Subfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field().header_name())?;
        let (first, last) = (self.offset(), self.offset() + self.bits() - 1);
        match self.bits() {
            _ if self.is_whole() => f.write_str("[]"),
            1 => write!(f, "[{first}]"),
            _ => write!(f, "[{first}..{last}]"),
        }
    }
}

/// A port of 16 bits, as its wider form.
struct Narrow(PortNo);

impl fmt::Display for Narrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// What is set by nobody (`OFPP_UNSET` of OpenFlow 1.5).
        const UNSET: PortNo = PortNo(0xffff_fff7);
        match self.0 {
            UNSET => f.write_str("UNSET"),
            port if port.reserved_name().is_none() => write!(f, "{}", port.0 & 0xffff),
            port => write!(f, "{port}"),
        }
    }
}

/// Bytes with points between: `01.02`.
pub(super) struct Dotted<'a>(pub(super) &'a [u8]);

impl fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        self.0.iter().try_for_each(|byte| {
            write!(f, "{between}{byte:02x}")?;
            between = ".";
            Ok(())
        })
    }
}

impl fmt::Display for NxAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NxAction::Resubmit { in_port, table, original_direction } => {
                let table = table.filter(|table| *table != TableId::ALL);
                if table.is_none() && *in_port != PortNo::IN_PORT {
                    return write!(f, "resubmit:{}", Narrow(*in_port));
                }
                f.write_str("resubmit(")?;
                if *in_port != PortNo::IN_PORT {
                    write!(f, "{}", Narrow(*in_port))?;
                }
                f.write_str(",")?;
                if let Some(table) = table {
                    write!(f, "{table}")?;
                }
                f.write_str(if *original_direction { ",ct)" } else { ")" })
            }
            NxAction::SetTunnel(id) => write!(f, "set_tunnel:{}", AltHex(*id)),
            NxAction::SetTunnel64(id) => write!(f, "set_tunnel64:{}", AltHex(*id)),
            NxAction::PopQueue => f.write_str("pop_queue"),
            NxAction::Move { from, to } => write!(f, "move:{from}->{to}"),
            NxAction::Load { to, value } => write!(f, "load:{}->{to}", AltHex(*value)),
            NxAction::SetField(field) => write!(f, "set_field:{}->{}", Value(field), Name(field)),
            NxAction::Note(note) => write!(f, "note:{}", Dotted(note)),
            NxAction::OutputField { from, .. } => write!(f, "output:{from}"),
            NxAction::OutputTruncated { port, max_len } => {
                write!(f, "output(port={},max_len={max_len})", Narrow(*port))
            }
            NxAction::Learn(learn) => write!(f, "{learn}"),
            NxAction::Exit => f.write_str("exit"),
            NxAction::FinTimeout { idle, hard } => {
                f.write_str("fin_timeout(")?;
                let mut list = List::new(f);
                if *idle != 0 {
                    list.named("idle_timeout", idle)?;
                }
                if *hard != 0 {
                    list.named("hard_timeout", hard)?;
                }
                f.write_str(")")
            }
            NxAction::Controller(controller) => write!(f, "{controller}"),
            NxAction::DecTtl(ids) => {
                f.write_str("dec_ttl(")?;
                let mut list = List::new(f);
                ids.iter().try_for_each(|id| list.item(id))?;
                f.write_str(")")
            }
            NxAction::Push(field) => write!(f, "push:{field}"),
            NxAction::Pop(field) => write!(f, "pop:{field}"),
            NxAction::Conjunction { id, clause, clauses } => {
                write!(f, "conjunction({id},{}/{clauses})", u16::from(*clause) + 1)
            }
            NxAction::Conntrack(ct) => write!(f, "{ct}"),
            NxAction::Nat(nat) => write!(f, "{nat}"),
            NxAction::CtClear => f.write_str("ct_clear"),
            NxAction::Clone(actions) => write!(f, "clone({actions})"),
            NxAction::CheckPacketLarger { length, to } => write!(f, "check_pkt_larger({length})->{to}"),
        }
    }
}

/// `CONTROLLER:128` where that says all, else `controller(reason=no_match,id=1)`.
impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == (Controller { max_len: self.max_len, ..Controller::default() }) {
            return write!(f, "CONTROLLER:{}", self.max_len);
        }
        f.write_str("controller(")?;
        let mut list = List::new(f);
        if self.reason != PacketInReason::Action {
            list.named("reason", reason::packet_in(self.reason))?;
        }
        if self.max_len != WHOLE_PACKET {
            list.named("max_len", self.max_len)?;
        }
        if self.id != 0 {
            list.named("id", self.id)?;
        }
        if !self.userdata.is_empty() {
            list.named("userdata", Dotted(&self.userdata))?;
        }
        if self.pause {
            list.item("pause")?;
        }
        if let Some(meter) = self.meter {
            list.named("meter_id", meter)?;
        }
        f.write_str(")")
    }
}

/// `ct(commit,zone=5,nat(src=10.0.0.1),exec(set_field:0x1->ct_mark))`.
impl fmt::Display for Conntrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ct(")?;
        let mut list = List::new(f);
        if self.commit {
            list.item("commit")?;
        }
        if self.force {
            list.item("force")?;
        }
        if let Some(table) = self.table {
            list.named("table", table)?;
        }
        match self.zone {
            Zone::Number(0) => {}
            Zone::Number(zone) => list.named("zone", zone)?,
            Zone::Field(field) => list.named("zone", field)?,
        }
        let (nat, others) = split_nat(&self.actions);
        if let Some(nat) = nat {
            list.item(nat)?;
        }
        if !others.is_empty() {
            list.item(format_args!("exec({})", Actions::from(others)))?;
        }
        match self.alg {
            0 => {}
            21 => list.named("alg", "ftp")?,
            69 => list.named("alg", "tftp")?,
            alg => list.named("alg", alg)?,
        }
        f.write_str(")")
    }
}

/// A translation that stands first, and the other actions.
fn split_nat(actions: &[Action]) -> (Option<&Nat>, &[Action]) {
    if let Some((Action::Nicira(first), others)) = actions.split_first()
        && let NxAction::Nat(nat) = &**first
    {
        return (Some(nat), others);
    }
    (None, actions)
}

/// `nat`, `nat(src=10.0.0.1-10.0.0.9:80-90,random)`.
impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nat")?;
        let Some(kind) = self.kind else { return Ok(()) };
        f.write_str(match kind {
            NatKind::Source => "(src",
            NatKind::Destination => "(dst",
        })?;
        let (first, last): (Option<IpAddr>, Option<IpAddr>) = match self.addresses {
            NatAddresses::None => (None, None),
            NatAddresses::V4(first, last) => (Some(first.into()), last.map(IpAddr::from)),
            NatAddresses::V6(first, last) => (Some(first.into()), last.map(IpAddr::from)),
        };
        if first.is_some() || self.ports.is_some() {
            f.write_str("=")?;
        }
        // With a port behind it, an IPv6 address stands in brackets.
        let bracketed = |address: IpAddr| match (address, self.ports) {
            (IpAddr::V6(address), Some(_)) => format!("[{address}]"),
            (address, _) => address.to_string(),
        };
        if let Some(first) = first {
            f.write_str(&bracketed(first))?;
        }
        if let Some(last) = last {
            write!(f, "-{}", bracketed(last))?;
        }
        if let Some((first, last)) = self.ports {
            write!(f, ":{first}")?;
            if let Some(last) = last {
                write!(f, "-{last}")?;
            }
        }
        for (set, word) in [(self.persistent, "persistent"), (self.hash, "hash"), (self.random, "random")] {
            if set {
                write!(f, ",{word}")?;
            }
        }
        f.write_str(")")
    }
}

/// `learn(table=1,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])`.
impl fmt::Display for Learn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "learn(table={}", self.table)?;
        for (name, seconds) in [
            ("idle_timeout", self.idle_timeout),
            ("hard_timeout", self.hard_timeout),
            ("fin_idle_timeout", self.fin_idle_timeout),
            ("fin_hard_timeout", self.fin_hard_timeout),
        ] {
            if seconds != 0 {
                write!(f, ",{name}={seconds}")?;
            }
        }
        if self.priority != DEFAULT_PRIORITY {
            write!(f, ",priority={}", self.priority)?;
        }
        if self.flags.contains(LearnFlags::SEND_FLOW_REM) {
            f.write_str(",send_flow_rem")?;
        }
        if self.flags.contains(LearnFlags::DELETE_LEARNED) {
            f.write_str(",delete_learned")?;
        }
        if self.cookie != 0 {
            write!(f, ",cookie={:#x}", self.cookie)?;
        }
        if let Some(limit) = self.limit {
            if limit.flows != 0 {
                write!(f, ",limit={}", limit.flows)?;
            }
            if let Some(result) = limit.result {
                write!(f, ",result_dst={result}")?;
            }
        }
        self.specs.iter().try_for_each(|spec| write!(f, ",{spec}"))?;
        f.write_str(")")
    }
}

impl fmt::Display for LearnSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.target, &self.source) {
            (LearnTarget::Match(to), LearnSource::Field(from)) if to == from => write!(f, "{to}"),
            (LearnTarget::Match(to), LearnSource::Field(from)) => write!(f, "{to}={from}"),
            (LearnTarget::Match(to), LearnSource::Value(value)) => match whole_value(*to, value) {
                Some(field) => write!(f, "{}={}", Name(&field), Value(&field)),
                None if to.is_whole() => older(*to, number(value), f),
                None => write!(f, "{to}={}", AltHex(number(value))),
            },
            (LearnTarget::Load(to), LearnSource::Field(from)) => write!(f, "load:{from}->{to}"),
            (LearnTarget::Load(to), LearnSource::Value(value)) => {
                write!(f, "load:{}->{to}", AltHex(number(value)))
            }
            (LearnTarget::Output(_), LearnSource::Field(from)) => write!(f, "output:{from}"),
            (LearnTarget::Output(_), LearnSource::Value(value)) => {
                write!(f, "output:{}", AltHex(number(value)))
            }
        }
    }
}

/// The field with its value, where all of it is meant.
fn whole_value(to: Subfield, value: &[u8]) -> Option<OxmField> {
    match to.field() {
        ActionField::Oxm(id) if to.is_whole() => OxmField::from_bits(id, number(value), None),
        _ => None,
    }
}

/// The whole of a field that matches have by another name.
fn older(field: Subfield, value: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match field.field() {
        ActionField::Oxm(id) => write!(f, "{}={}", id.name(), AltHex(value)),
        ActionField::InPort => write!(f, "in_port={}", Narrow(widen(value as u16))),
        ActionField::VlanTci => write!(f, "vlan_tci={value:#x}"),
        ActionField::NwTos => write!(f, "nw_tos={value}"),
    }
}

/// The low 128 bits, big-endian.
fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}
