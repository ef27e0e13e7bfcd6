//! Whether a switch takes the instructions and actions of a message (OF 1.3.5 §6.4, §7.2.4,
//! §7.2.5, §7.4.4): each thing by itself, and whether it fits what the match says of the packet.

use crate::action::Action;
use crate::consistency::{Facts, Place, check_alone};
use crate::error::{BadAction, BadInstruction, BadMatch, ErrorKind, MeterModFailed};
use crate::ids::{GroupId, TableId};
use crate::instruction::{Instruction, Instructions};
use crate::nicira::{NICIRA, NxAction};
use crate::oxm::{FieldId, Match};

use super::conjunction::{self, DIMENSIONS_MAX};
use super::key::{Key, NoPattern, Pattern};
use super::nicira::check_nicira;
use super::switch::Switch;

/// "Conjunction action must be only action present" (`ofp-errors.h`, `NXBAC_BAD_CONJUNCTION`).
const BAD_CONJUNCTION: ErrorKind = ErrorKind::Experimenter { exp_type: 15, experimenter: NICIRA };

/// A clause of a conjunction, or a note that may stand beside it.
fn is_clause(action: &Action) -> bool {
    let taken = |it: &NxAction| matches!(it, NxAction::Conjunction { .. } | NxAction::Note(_));
    matches!(action, Action::Nicira(it) if taken(it))
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
        let has_clauses = !conjunction::clauses(instructions.applied()).is_empty();
        if has_clauses && (instructions.len() > 1 || !instructions.applied().iter().all(is_clause)) {
            return Err(BAD_CONJUNCTION);
        }
        // What is written is carried out after what is applied.
        let written = instructions.iter().find_map(|it| match it {
            Instruction::WriteActions(actions) => Some(&actions[..]),
            _ => None,
        });
        let mut actions = instructions.applied().iter().chain(written.unwrap_or_default());
        actions.try_for_each(|action| facts.step(action)).map_err(|_| BadAction::MatchInconsistent.into())
    }

    /// Whether the actions are ones that the switch has, whatever the packet. The actions of the
    /// group `itself` may name it: that is a loop, and told as one.
    pub(super) fn check_actions(
        &self,
        actions: &[Action],
        place: Place,
        itself: Option<GroupId>,
    ) -> Result<(), ErrorKind> {
        actions.iter().try_for_each(|action| match action {
            Action::Nicira(action) => self.check_nicira(action, place),
            action => Ok(self.check_action(action, place, itself)?),
        })
    }

    /// The rules for Open vSwitch's own.
    fn check_nicira(&self, action: &NxAction, place: Place) -> Result<(), ErrorKind> {
        check_nicira(action, place)?;
        match action {
            NxAction::Conjunction { clause, clauses, .. } => {
                let sound = (2..=DIMENSIONS_MAX).contains(clauses) && clause < clauses;
                if sound && place == Place::Applied { Ok(()) } else { Err(BAD_CONJUNCTION) }
            }
            NxAction::Clone(actions) => self.check_actions(actions, Place::Applied, None),
            NxAction::Controller(it) if it.meter.is_some_and(|meter| !self.meters.contains(meter)) => {
                Err(MeterModFailed::InvalidMeter.into())
            }
            _ => Ok(()),
        }
    }

    fn check_action(&self, action: &Action, place: Place, itself: Option<GroupId>) -> Result<(), BadAction> {
        check_alone(action, place)?;
        match action {
            Action::Group(group) if !self.groups.contains(*group) && itself != Some(*group) => {
                Err(BadAction::BadOutGroup)
            }
            Action::SetField(field) if !field.id().is_some_and(Key::has) => Err(BadAction::BadSetType),
            Action::SetField(field) if field.id() == Some(FieldId::Ipv6Exthdr) => Err(BadAction::BadSetType),
            Action::Experimenter { .. } => Err(BadAction::BadExperimenter),
            _ => Ok(()),
        }
    }
}
