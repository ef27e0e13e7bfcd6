//! Whether a switch takes the instructions and actions of a message (OF 1.3.5 §6.4, §7.2.4,
//! §7.2.5, §7.4.4): each thing by itself, and whether it fits what the match says of the packet.

use crate::action::Action;
use crate::error::{BadAction, BadInstruction, BadMatch, ErrorKind, MeterModFailed};
use crate::ids::{GroupId, PortNo, TableId};
use crate::instruction::{Instruction, Instructions};
use crate::oxm::{FieldId, Masked, Match, OxmField, Prerequisite, VlanVid};

use super::key::{Key, NoPattern, Pattern};
use super::nicira::{check_nicira, fits};
use super::switch::Switch;

/// Where actions stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Applied,
    Written,
    Bucket,
    PacketOut,
}

/// What is known of the packets that come to an action.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    vlan: bool,
    eth_type: Option<u16>,
    ip_proto: Option<u8>,
    icmpv6_type: Option<u8>,
}

const MPLS: [u16; 2] = [0x8847, 0x8848];
const PBB: u16 = 0x88e7;

impl Facts {
    fn of(matched: &Match) -> Facts {
        let mut facts = Facts::default();
        for field in matched.fields() {
            match field {
                OxmField::VlanVid(vid) => facts.vlan = has_tag(vid),
                OxmField::EthType(kind) => facts.eth_type = Some(kind),
                OxmField::IpProto(proto) => facts.ip_proto = Some(proto),
                OxmField::Icmpv6Type(kind) => facts.icmpv6_type = Some(kind),
                _ => {}
            }
        }
        facts
    }

    fn meets(&self, needs: Prerequisite) -> bool {
        let eth_type = |types: &[u16]| self.eth_type.is_some_and(|kind| types.contains(&kind));
        match needs {
            Prerequisite::None | Prerequisite::InPort => true,
            Prerequisite::VlanTag => self.vlan,
            Prerequisite::EthType(types) => eth_type(types),
            Prerequisite::IpProto(proto) => eth_type(&[0x0800, 0x86dd]) && self.ip_proto == Some(proto),
            Prerequisite::Icmpv4 => eth_type(&[0x0800]) && self.ip_proto == Some(1),
            Prerequisite::Icmpv6 => eth_type(&[0x86dd]) && self.ip_proto == Some(58),
            Prerequisite::Icmpv6Type(types) => {
                self.meets(Prerequisite::Icmpv6) && self.icmpv6_type.is_some_and(|kind| types.contains(&kind))
            }
            // Nothing here says anything of connections: their fields are not taken.
            Prerequisite::Connection(_) | Prerequisite::ConnectionPorts => false,
        }
    }

    fn is_mpls(&self) -> bool {
        self.eth_type.is_some_and(|kind| MPLS.contains(&kind))
    }

    fn is_ip(&self) -> bool {
        matches!(self.eth_type, Some(0x0800 | 0x86dd))
    }

    /// Whether an action fits; after it the packets are as it leaves them.
    fn step(&mut self, action: &Action) -> bool {
        match action {
            Action::PushVlan(_) => self.vlan = true,
            Action::PopVlan => return std::mem::take(&mut self.vlan),
            Action::PushMpls(kind) | Action::PushPbb(kind) => {
                *self = Facts { eth_type: Some(*kind), ..Facts::default() };
            }
            Action::PopMpls(kind) => {
                let fits = self.is_mpls();
                *self = Facts { eth_type: Some(*kind), vlan: self.vlan, ..Facts::default() };
                return fits;
            }
            Action::PopPbb => {
                let fits = self.eth_type == Some(PBB);
                *self = Facts::default();
                return fits;
            }
            Action::SetMplsTtl(_) | Action::DecMplsTtl | Action::CopyTtlIn | Action::CopyTtlOut => {
                return self.is_mpls();
            }
            Action::SetNwTtl(_) | Action::DecNwTtl => return self.is_ip(),
            Action::SetField(field) => {
                let Some(id) = field.id() else { return true };
                if id == FieldId::VlanVid && !self.vlan {
                    return false;
                }
                let fits = self.meets(id.prerequisite());
                match field {
                    OxmField::EthType(kind) => self.eth_type = Some(*kind),
                    OxmField::IpProto(proto) => self.ip_proto = Some(*proto),
                    OxmField::Icmpv6Type(kind) => self.icmpv6_type = Some(*kind),
                    _ => {}
                }
                return fits;
            }
            Action::Nicira(action) => return fits(action, self.vlan, |id| self.meets(id.prerequisite())),
            _ => {}
        }
        true
    }
}

fn has_tag(vid: Masked<VlanVid>) -> bool {
    vid.value.id().is_some()
}

/// The pattern of a match that a switch takes.
pub(super) fn check_match(matched: &Match) -> Result<Pattern, ErrorKind> {
    matched.check().map_err(|error| error.to_error_kind())?;
    Pattern::new(matched).map_err(|why| match why {
        NoPattern::UnknownField => BadMatch::BadField.into(),
        NoPattern::Twice => BadMatch::DupField.into(),
    })
}

impl Switch {
    /// Whether a flow in `table` with this match can have these instructions.
    pub(super) fn check_instructions(
        &self,
        table: TableId,
        matched: &Match,
        instructions: &Instructions,
    ) -> Result<(), ErrorKind> {
        let mut facts = Facts::of(matched);
        let mut seen = 0u32;
        for instruction in instructions {
            let bit = 1u32.checked_shl(instruction.kind().into()).unwrap_or(0);
            if seen & bit != 0 {
                return Err(BadInstruction::UnsupInst.into());
            }
            seen |= bit;
            match instruction {
                Instruction::GotoTable(next) if *next <= table || !self.has_table(*next) => {
                    return Err(BadInstruction::BadTableId.into());
                }
                Instruction::Meter(meter) if !self.meters.contains(*meter) => {
                    return Err(MeterModFailed::InvalidMeter.into());
                }
                Instruction::Experimenter { .. } => return Err(BadInstruction::BadExperimenter.into()),
                Instruction::Unknown { .. } => return Err(BadInstruction::UnknownInst.into()),
                Instruction::ApplyActions(actions) => self.check_actions(actions, Place::Applied, None)?,
                Instruction::WriteActions(actions) => self.check_actions(actions, Place::Written, None)?,
                _ => {}
            }
        }
        // What is written is carried out after what is applied.
        let written = instructions.iter().find_map(|it| match it {
            Instruction::WriteActions(actions) => Some(&actions[..]),
            _ => None,
        });
        let actions = instructions.applied().iter().chain(written.unwrap_or_default());
        for action in actions {
            if !facts.step(action) {
                return Err(BadAction::MatchInconsistent.into());
            }
        }
        Ok(())
    }

    /// Whether the actions are ones that the switch has, whatever the packet. The actions of the
    /// group `itself` may name it: that is a loop, and told as one.
    pub(super) fn check_actions(
        &self,
        actions: &[Action],
        place: Place,
        itself: Option<GroupId>,
    ) -> Result<(), ErrorKind> {
        for action in actions {
            self.check_action(action, place, itself)?;
        }
        Ok(())
    }

    fn check_action(&self, action: &Action, place: Place, itself: Option<GroupId>) -> Result<(), BadAction> {
        let ensure = |sound: bool, error: BadAction| if sound { Ok(()) } else { Err(error) };
        match action {
            Action::Output { port, .. } => {
                let reserved = match *port {
                    PortNo::TABLE => place == Place::PacketOut,
                    PortNo::ANY => false,
                    port => port.is_ordinary() || port.reserved_name().is_some(),
                };
                ensure(reserved, BadAction::BadOutPort)
            }
            Action::Group(group) => {
                ensure(self.groups.contains(*group) || itself == Some(*group), BadAction::BadOutGroup)
            }
            Action::PushVlan(kind) => ensure(matches!(kind, 0x8100 | 0x88a8), BadAction::BadArgument),
            Action::PushMpls(kind) => ensure(MPLS.contains(kind), BadAction::BadArgument),
            Action::PushPbb(kind) => ensure(*kind == PBB, BadAction::BadArgument),
            Action::SetField(field) => check_set_field(field),
            Action::Nicira(action) => check_nicira(action, place),
            Action::Experimenter { .. } => Err(BadAction::BadExperimenter),
            Action::Unknown { .. } => Err(BadAction::BadType),
            _ => Ok(()),
        }
    }
}

/// Ports and metadata are the pipeline's, extension headers are but told of (OF 1.3.5 §7.2.5).
fn check_set_field(field: &OxmField) -> Result<(), BadAction> {
    let id = field.id().filter(|id| Key::has(*id)).ok_or(BadAction::BadSetType)?;
    if matches!(id, FieldId::InPort | FieldId::InPhyPort | FieldId::Metadata | FieldId::Ipv6Exthdr) {
        return Err(BadAction::BadSetType);
    }
    let (value, mask) = field.to_bits().ok_or(BadAction::BadSetType)?;
    let all = u128::MAX >> (u128::BITS - id.bits());
    let tagged = id != FieldId::VlanVid || value & 0x1000 != 0;
    if mask & all != all || value & !all != 0 || !tagged {
        return Err(BadAction::BadSetArgument);
    }
    Ok(())
}
