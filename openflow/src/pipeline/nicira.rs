//! Open vSwitch's own actions (`ovs-actions(7)`), those that the pipeline has: `load`, `move`, a
//! masked `set_field`, `output:FIELD`, `push`, `pop` and `note`. They stand in apply-actions and in
//! packet-outs; an action set has no place for them here.

use super::effect::Sink;
use super::key::Key;
use super::packet::Packet;
use super::run::{Ended, Origin, Run};
use crate::consistency::Place;
use crate::error::BadAction;
use crate::ids::PortNo;
use crate::nicira::{ActionField, NxAction, Subfield, widen};
use crate::oxm::{Access, FieldId, OxmField};

/// What the stack holds at most, as in Open vSwitch: 64 KiB of the widest values.
const STACK_MAX: usize = 4096;

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
        NxAction::Note(_) => {}
        _ => return Err(BadAction::BadExperimenter),
    }
    // An action set has one action of a kind, in an order that these have no place in.
    match stands {
        Place::Applied | Place::PacketOut => Ok(()),
        Place::Written | Place::Bucket => Err(BadAction::BadType),
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
            _ => {}
        }
        Ok(())
    }
}

fn set_masked(packet: &mut Packet, field: &OxmField) {
    if let (Some(id), Some((value, mask))) = (field.id(), field.to_bits()) {
        merge(packet, id, value, mask, ActionField::Oxm(id));
    }
}
