//! The parts that messages have in common: matches, actions, instructions, buckets, bands.

use super::{Checked, misplaced, named_flags, unnamed};
use crate::action::Action;
use crate::consistency::{Facts, Place, check_alone};
use crate::error::{BadAction, BadInstruction, BadMatch, DecodeError, MeterModFailed};
use crate::ids::{MeterId, PortNo, TableId};
use crate::instruction::{Instruction, Instructions};
use crate::msg::group_mod::Bucket;
use crate::msg::meter_mod::{MeterBand, MeterFlags};
use crate::nicira::NxAction;
use crate::oxm::{CLASS_BASIC, Match, describe};

/// A match whose fields of OpenFlow's own class have names, and that makes sense as a whole.
pub(super) fn sound(matched: &Match) -> Checked {
    let nameless = matched.raw().find(|raw| raw.class == CLASS_BASIC && raw.id().is_none());
    match nameless {
        Some(raw) => Err(unnamed("match field", raw.field, BadMatch::BadField)),
        None => matched.check().map_err(DecodeError::Unsound),
    }
}

pub(super) fn actions(all: &[Action], place: Place) -> Checked {
    all.iter().try_for_each(|it| action(it, place))
}

fn action(action: &Action, place: Place) -> Checked {
    match action {
        Action::Unknown { kind, .. } => Err(unnamed("action type", *kind, BadAction::BadType)),
        Action::Nicira(it) => match &**it {
            NxAction::Clone(inner) => actions(inner, place),
            NxAction::Conntrack(ct) => actions(&ct.actions, place),
            _ => Ok(()),
        },
        other => check_alone(other, place)
            .map_err(|refusal| DecodeError::Action { action: other.to_string(), refusal }),
    }
}

/// What a flow with this match, in this table, does. For [`TableId::ALL`] it does not matter where it goes on: there
/// are no such flows, but deletions that name them.
pub(super) fn instructions(all: &Instructions, matched: &Match, table: TableId) -> Checked {
    let mut seen = 0u8;
    for instruction in all {
        let kind = instruction.kind();
        let bit = 1u8.checked_shl(kind.into()).unwrap_or(0);
        if seen & bit != 0 {
            return Err(misplaced("second instruction of type", kind, BadInstruction::UnsupInst));
        }
        seen |= bit;
        match instruction {
            Instruction::Unknown { kind, .. } => {
                return Err(unnamed("instruction type", *kind, BadInstruction::UnknownInst));
            }
            Instruction::GotoTable(next)
                if *next > TableId::MAX || (*next <= table && table <= TableId::MAX) =>
            {
                return Err(misplaced("goto_table", next.0, BadInstruction::BadTableId));
            }
            Instruction::Meter(meter) if meter.0 == 0 || *meter > MeterId::MAX => {
                return Err(misplaced("meter", meter.0, MeterModFailed::InvalidMeter));
            }
            Instruction::ApplyActions(it) => actions(it, Place::Applied)?,
            Instruction::WriteActions(it) => actions(it, Place::Written)?,
            _ => {}
        }
    }
    consistent(all, matched)
}

/// Every action fits the packets that the match lets in. What is written is carried out after what is applied.
fn consistent(all: &Instructions, matched: &Match) -> Checked {
    let written = all.iter().find_map(|it| match it {
        Instruction::WriteActions(actions) => Some(&actions[..]),
        _ => None,
    });
    let mut facts = Facts::of(matched);
    for action in all.applied().iter().chain(written.unwrap_or_default()) {
        facts.step(action).map_err(|needs| DecodeError::Inconsistent {
            action: action.to_string(),
            needs: describe(needs),
        })?;
    }
    Ok(())
}

/// The actions of buckets. Which packets come to them is not known.
pub(super) fn buckets(all: &[Bucket]) -> Checked {
    all.iter().try_for_each(|bucket| actions(&bucket.actions, Place::Bucket))
}

/// Whether a bucket can watch this port, or watches none.
pub(super) fn is_watchable(port: PortNo) -> bool {
    port.is_ordinary() || matches!(port, PortNo::LOCAL | PortNo::ANY)
}

pub(super) fn bands(all: &[MeterBand]) -> Checked {
    all.iter().try_for_each(|band| match band {
        MeterBand::Unknown { kind, .. } => Err(unnamed("meter band type", *kind, MeterModFailed::BadBand)),
        _ => Ok(()),
    })
}

/// Whether a meter can have this number: an ordinary one, or one of the two that the switch itself uses.
pub(super) fn is_meter(meter: MeterId) -> bool {
    (1..=MeterId::MAX.0).contains(&meter.0) || matches!(meter, MeterId::SLOWPATH | MeterId::CONTROLLER)
}

/// Rates have one unit (OF 1.3.5 §7.3.4.4).
pub(super) fn meter_flags(flags: MeterFlags) -> Checked {
    let units = MeterFlags::KBPS | MeterFlags::PKTPS;
    if flags.contains(units) {
        return Err(misplaced("meter flags", flags.bits(), MeterModFailed::BadFlags));
    }
    named_flags("meter flags", flags, MeterModFailed::BadFlags)
}
