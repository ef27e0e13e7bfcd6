//! Open vSwitch's own actions (`ovs-actions(7)`): what is taken, and what they do to fields.
//! [`again`] has those that look the packet up again, [`tell`] those that send it somewhere.

mod again;
mod tell;

use super::effect::Sink;
use super::key::Key;
use super::packet::Packet;
use super::run::{Ended, Origin, Run};
use crate::consistency::Place;
use crate::error::BadAction;
use crate::ids::{PortNo, TableId};
use crate::nicira::{ActionField, NxAction, Subfield, widen};
use crate::oxm::{Access, FieldId, OxmField};

/// What the stack holds at most, as in Open vSwitch: 64 KiB of the widest values.
const STACK_MAX: usize = 4096;

const TCP_FIN: u16 = 1;
const TCP_RST: u16 = 4;

/// Where the bits that an action names lie in the key.
#[derive(Clone, Copy)]
struct Bits {
    id: FieldId,
    /// How far left of the field's own value its bits are.
    shift: u16,
}

/// The field of the key that has the bits; `None` for one that the pipeline has not.
fn place(field: ActionField) -> Option<Bits> {
    let (id, shift) = match field {
        ActionField::Oxm(id) => (id, 0),
        ActionField::InPort => (FieldId::InPort, 0),
        ActionField::NwTos => (FieldId::IpDscp, 2),
        ActionField::VlanTci => return None,
    };
    Key::has(id).then_some(Bits { id, shift })
}

const fn ones(bits: u16) -> u128 {
    match bits {
        0 => 0,
        128.. => u128::MAX,
        bits => u128::MAX >> (128 - bits),
    }
}

fn check_from(from: Subfield) -> Result<(), BadAction> {
    place(from.field()).map(|_| ()).ok_or(BadAction::BadSetType)
}

fn check_to(to: Subfield) -> Result<(), BadAction> {
    let place = place(to.field()).ok_or(BadAction::BadSetType)?;
    check_access(place.id)
}

/// What tells which other fields there are is not written.
fn check_access(id: FieldId) -> Result<(), BadAction> {
    let fixed = matches!(id, FieldId::InPhyPort | FieldId::Ipv6Exthdr);
    if fixed || id.access() == Access::ReadOnly { Err(BadAction::BadSetArgument) } else { Ok(()) }
}

/// Whether the pipeline has the action there, whatever the packet.
pub(super) fn check_nicira(action: &NxAction, stands: Place) -> Result<(), BadAction> {
    match action {
        NxAction::Load { to, value } => {
            check_to(*to)?;
            if u128::from(*value) & !ones(to.bits()) != 0 {
                return Err(BadAction::BadArgument);
            }
        }
        NxAction::Move { from, to } => {
            check_from(*from)?;
            check_to(*to)?;
        }
        NxAction::SetField(field) => {
            let id = field.id().filter(|id| Key::has(*id)).ok_or(BadAction::BadSetType)?;
            check_access(id)?;
            let (value, mask) = field.to_bits().ok_or(BadAction::BadSetType)?;
            if (value | mask) & !ones(id.bits() as u16) != 0 || value & !mask != 0 {
                return Err(BadAction::BadSetArgument);
            }
        }
        NxAction::OutputField { from, .. } | NxAction::Push(from) => check_from(*from)?,
        NxAction::Pop(to) => check_to(*to)?,
        NxAction::CheckPacketLarger { to, .. } => {
            check_to(*to)?;
            if to.bits() != 1 {
                return Err(BadAction::BadSetLen);
            }
        }
        NxAction::OutputTruncated { port, max_len } => {
            if !port.is_ordinary() && !matches!(*port, PortNo::IN_PORT | PortNo::LOCAL) {
                return Err(BadAction::BadOutPort);
            }
            if *max_len < 14 {
                return Err(BadAction::BadArgument);
            }
        }
        // Nobody could tell the switch to go on.
        NxAction::Controller(it) if it.pause => return Err(BadAction::BadArgument),
        NxAction::Note(_)
        | NxAction::Conjunction { .. }
        | NxAction::Controller(_)
        | NxAction::DecTtl(_)
        | NxAction::Resubmit { original_direction: false, .. }
        | NxAction::Clone(_)
        | NxAction::Exit
        | NxAction::PopQueue
        | NxAction::SetTunnel(_)
        | NxAction::SetTunnel64(_)
        | NxAction::FinTimeout { .. } => {}
        _ => return Err(BadAction::BadExperimenter),
    }
    let has_a_place = matches!(
        action,
        NxAction::Load { .. }
            | NxAction::Move { .. }
            | NxAction::SetField(_)
            | NxAction::SetTunnel(_)
            | NxAction::SetTunnel64(_)
            | NxAction::DecTtl(_)
            | NxAction::Resubmit { .. }
    );
    // For the others an action set has no order (`ovs-actions(7)`, "Action Sets").
    match stands {
        Place::Written | Place::Bucket if !has_a_place => Err(BadAction::BadType),
        _ => Ok(()),
    }
}

/// The bits of a field; zero where the packet has it not.
fn get(packet: &Packet, from: Subfield) -> u128 {
    let Some(Bits { id, shift }) = place(from.field()) else { return 0 };
    (packet.key().get(id) << shift) >> from.offset() & ones(from.bits())
}

/// Sets bits of a field; the others stay.
fn set(packet: &mut Packet, to: Subfield, value: u128) {
    let Some(Bits { id, shift }) = place(to.field()) else { return };
    let mask = ones(to.bits()) << to.offset();
    merge(packet, id, (value << to.offset() & mask) >> shift, mask >> shift, to.field());
}

fn merge(packet: &mut Packet, id: FieldId, value: u128, mask: u128, by: ActionField) {
    let mut new = packet.key().get(id) & !mask | value & mask;
    if by == ActionField::InPort {
        new = widen(new as u16).0.into();
    }
    packet.set_field(id, new);
}

impl<S: Sink> Run<'_, S> {
    /// Carries out one that was taken.
    pub(super) fn nicira(
        &mut self,
        packet: &mut Packet,
        action: &NxAction,
        origin: Origin,
    ) -> Result<(), Ended> {
        match action {
            NxAction::Load { to, value } => set(packet, *to, (*value).into()),
            NxAction::Move { from, to } => {
                let value = get(packet, *from);
                set(packet, *to, value);
            }
            NxAction::SetField(field) => set_masked(packet, field),
            NxAction::OutputField { from, max_len } => {
                // Ports have 16 bits here; what is more is no port.
                if let Ok(port) = u16::try_from(get(packet, *from)) {
                    let port: PortNo = widen(port);
                    self.output(packet, port, *max_len, origin);
                }
            }
            NxAction::Push(from) => {
                if self.stack.len() == STACK_MAX {
                    return self.exhausted();
                }
                self.stack.push(get(packet, *from));
            }
            NxAction::Pop(to) => {
                if let Some(value) = self.stack.pop() {
                    set(packet, *to, value);
                }
            }
            NxAction::SetTunnel(id) => packet.set_field(FieldId::TunnelId, (*id).into()),
            NxAction::SetTunnel64(id) => packet.set_field(FieldId::TunnelId, (*id).into()),
            NxAction::PopQueue => packet.set_queue(None),
            NxAction::CheckPacketLarger { length, to } => {
                let longer = packet.len_untagged() > usize::from(*length);
                set(packet, *to, longer.into());
            }
            NxAction::DecTtl(ids) if packet.dec_nw_ttl().is_err() => {
                return self.used_up(packet, ids, origin);
            }
            NxAction::FinTimeout { idle, hard } => self.fin_timeout(packet, *idle, *hard, origin),
            NxAction::Resubmit { in_port, table, .. } => {
                return self.resubmit(packet, *in_port, table.unwrap_or(TableId::ALL), origin);
            }
            NxAction::Clone(actions) => return self.clone(packet, actions, origin),
            NxAction::Exit => return Err(Ended::Lists),
            NxAction::Controller(action) => self.controller(packet, action, origin),
            NxAction::OutputTruncated { port, max_len } => self.output_truncated(packet, *port, *max_len),
            _ => {}
        }
        Ok(())
    }

    /// A packet that ends a TCP connection shortens the life of the flow that it took.
    fn fin_timeout(&mut self, packet: &Packet, idle: u16, hard: u16, origin: Origin) {
        if packet.tcp_flags().is_some_and(|flags| flags & (TCP_FIN | TCP_RST) != 0)
            && let Some(flow) = origin.flow
            && let Some(table) = self.switch.get_table_mut(origin.table)
        {
            table.shorten(flow, idle, hard);
        }
    }
}

fn set_masked(packet: &mut Packet, field: &OxmField) {
    if let (Some(id), Some((value, mask))) = (field.id(), field.to_bits()) {
        merge(packet, id, value, mask, ActionField::Oxm(id));
    }
}
