//! Instructions, and what reads their arguments.

use super::error::Fault;
use super::lexer::{Pair, Pairs};
use super::list::{List, not_alone};
use super::number;
use super::packet::Surroundings;
use super::words::{Word, word};
use super::{Reading, Strictness};
use crate::action::Action;
use crate::ids::{MeterId, TableId};
use crate::instruction::{Instruction, Instructions};
use crate::nicira::NxAction;

/// The instructions of OpenFlow 1.3, in the order in which they are carried out and must be written
/// (OF 1.3.5 §5.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Meter,
    Apply,
    Clear,
    Write,
    Metadata,
    Goto,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Meter => "meter",
            Stage::Apply => "an action",
            Stage::Clear => "clear_actions",
            Stage::Write => "write_actions",
            Stage::Metadata => "write_metadata",
            Stage::Goto => "goto_table",
        }
    }
}

/// Instructions that are being read: a list of actions and what is done besides.
pub(super) struct Reader<'r, 'p> {
    list: List<'r, 'p>,
    others: Instructions,
    table: Option<TableId>,
}

impl<'r, 'p> Reader<'r, 'p> {
    /// For a flow, of which the match is known, and the table if it was named.
    fn new(reading: &'r Reading<'p>, around: Surroundings, table: Option<TableId>) -> Self {
        Reader { list: List::new(reading, around), others: Instructions::new(), table }
    }

    fn read<'t>(&mut self, text: &'t str) -> Result<(), Fault<'t>> {
        let mut last: Option<Stage> = None;
        let mut drop = None;
        let (mut conjunction, mut other) = (None, false);
        for pair in Pairs::of(text) {
            let word = word(pair.key);
            match pair.key.to_ascii_lowercase().as_str() {
                "conjunction" => conjunction = conjunction.or(Some(pair.key)),
                "note" => {}
                _ => other = true,
            }
            let stage = match word {
                Some(Word::Drop) => {
                    drop = drop.or(Some(pair.key));
                    continue;
                }
                Some(Word::ApplyActions) => {
                    return Err(Fault::refused(
                        pair.key,
                        "actions are applied anyway; write them without it",
                    ));
                }
                Some(Word::Instruction(stage, _)) => stage,
                Some(Word::Action(_)) | None => Stage::Apply,
            };
            match last {
                Some(last) if last == stage && stage != Stage::Apply => {
                    return Err(Fault::refused(pair.key, "a flow has this instruction once; leave one"));
                }
                Some(last) if stage < last => {
                    let reason = format!("{} must stand before {}", stage.name(), last.name());
                    return Err(Fault::refused(pair.key, reason));
                }
                _ => last = Some(stage),
            }
            match word {
                Some(Word::Instruction(_, read)) => read(self, pair)?,
                Some(Word::Action(read)) => self.list.one(Some(read), pair)?,
                _ => self.list.one(None, pair)?,
            }
        }
        if let (Some(at), true) = (conjunction, other) {
            return Err(Fault::refused(
                at,
                "a flow with a conjunction has no other actions; leave it or the rest out",
            ));
        }
        match drop {
            Some(at) if last.is_some() => Err(not_alone(at)),
            _ => Ok(()),
        }
    }

    fn finish(self) -> Instructions {
        let actions = self.list.actions;
        let apply = (!actions.is_empty()).then_some(Instruction::ApplyActions(actions));
        let meter = self.others.iter().take_while(|it| matches!(it, Instruction::Meter(_))).count();
        let mut others = self.others.into_iter();
        let mut all: Instructions = others.by_ref().take(meter).collect();
        all.extend(apply);
        all.extend(others);
        all
    }

    fn add<'t>(&mut self, instruction: Instruction) -> Result<(), Fault<'t>> {
        self.others.extend([instruction]);
        Ok(())
    }
}

pub(super) fn clear_actions<'t>(reader: &mut Reader<'_, '_>, _: Pair<'t>) -> Result<(), Fault<'t>> {
    reader.add(Instruction::ClearActions)
}

pub(super) fn meter<'t>(reader: &mut Reader<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let meter = number::u32("the meter", pair.value, reader.list.reading.strictness)?;
    if meter == 0 || MeterId(meter) > MeterId::MAX {
        return Err(Fault::value("the meter", pair.value, "a number from 1 to 4294901760"));
    }
    reader.add(Instruction::Meter(MeterId(meter)))
}

pub(super) fn goto_table<'t>(reader: &mut Reader<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let table = number::table("the table to go to", pair.value)?;
    // Where no table is named the flow goes to table 0; only the switch would see that.
    let own = match (&reader.list.around, reader.table, reader.list.reading.strictness) {
        (Surroundings::Nothing, ..) => None,
        (_, None, Strictness::Strict) => Some(TableId(0)),
        (_, own, _) => own,
    };
    if own.is_some_and(|own| own != TableId::ALL && table <= own) {
        return Err(Fault::refused(pair.value, "packets go to later tables alone"));
    }
    reader.add(Instruction::GotoTable(table))
}

pub(super) fn write_metadata<'t>(reader: &mut Reader<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let (metadata, mask) = match pair.value.split_once('/') {
        Some((value, mask)) => (value, number::u64("the mask of the metadata", mask)?),
        None => (pair.value, u64::MAX),
    };
    let metadata = number::u64("the metadata", metadata)?;
    reader.add(Instruction::WriteMetadata { metadata, mask })
}

pub(super) fn write_actions<'t>(reader: &mut Reader<'_, '_>, pair: Pair<'t>) -> Result<(), Fault<'t>> {
    let around = match &reader.list.around {
        Surroundings::Flow(packet) | Surroundings::Set(packet) => Surroundings::Set(packet.clone()),
        Surroundings::Nothing => Surroundings::Nothing,
    };
    let actions = reader.list.reading.action_list(Pairs::of(pair.value), around)?;
    if let (Some(other), Strictness::Strict) =
        (actions.iter().find(|it| !may_be_written(it)), reader.list.reading.strictness)
    {
        return Err(Fault::refused(pair.value, format!("{other} can't be in an action set; apply it")));
    }
    // Open vSwitch writes no instruction that does nothing.
    if actions.is_empty() { Ok(()) } else { reader.add(Instruction::WriteActions(actions)) }
}

/// Whether Open vSwitch takes an action in an action set.
fn may_be_written(action: &Action) -> bool {
    let Action::Nicira(action) = action else { return true };
    matches!(
        **action,
        NxAction::Resubmit { .. }
            | NxAction::Move { .. }
            | NxAction::Load { .. }
            | NxAction::SetField(_)
            | NxAction::SetTunnel(_)
            | NxAction::SetTunnel64(_)
            | NxAction::DecTtl(_)
    )
}

impl<'p> Reading<'p> {
    /// Instructions of a flow.
    pub(super) fn instruction_list<'t>(
        &self,
        text: &'t str,
        around: Surroundings,
        table: Option<TableId>,
    ) -> Result<Instructions, Fault<'t>> {
        let mut reader = Reader::new(self, around, table);
        reader.read(text)?;
        Ok(reader.finish())
    }
}
