//! Instructions: what a flow does with its packets and with the pipeline (OF 1.3.5 §7.2.4).

use std::ops::Deref;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::action::{Action, Actions};
use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{MeterId, TableId};
use crate::wire::{Reader, Wire, patch_len, put_zeros};

mod kind {
    //! Instruction types, `OFPIT_*`.
    pub(super) const GOTO_TABLE: u16 = 1;
    pub(super) const WRITE_METADATA: u16 = 2;
    pub(super) const WRITE_ACTIONS: u16 = 3;
    pub(super) const APPLY_ACTIONS: u16 = 4;
    pub(super) const CLEAR_ACTIONS: u16 = 5;
    pub(super) const METER: u16 = 6;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

/// One instruction (OF 1.3.5 §7.2.4). Padding is written as zeros whatever a peer sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// On to a later table.
    GotoTable(TableId),
    /// Sets bits of the metadata register.
    WriteMetadata {
        /// The bits.
        metadata: u64,
        /// Which bits.
        mask: u64,
    },
    /// Merges actions into the action set.
    WriteActions(Actions),
    /// Carries actions out at once, in order.
    ApplyActions(Actions),
    /// Empties the action set.
    ClearActions,
    /// Through a meter first.
    Meter(MeterId),
    /// An instruction of an experimenter, kept as it came.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter's id; its length is a multiple of 8.
        body: Bytes,
    },
    /// An instruction of a type without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Type of the instruction.
        kind: u16,
        /// What follows type and length; its length is 4 more than a multiple of 8.
        body: Bytes,
    },
}

impl Instruction {
    /// Type of the instruction on the wire (`OFPIT_*`).
    pub fn kind(&self) -> u16 {
        match self {
            Instruction::GotoTable(_) => kind::GOTO_TABLE,
            Instruction::WriteMetadata { .. } => kind::WRITE_METADATA,
            Instruction::WriteActions(_) => kind::WRITE_ACTIONS,
            Instruction::ApplyActions(_) => kind::APPLY_ACTIONS,
            Instruction::ClearActions => kind::CLEAR_ACTIONS,
            Instruction::Meter(_) => kind::METER,
            Instruction::Experimenter { .. } => kind::EXPERIMENTER,
            Instruction::Unknown { kind, .. } => *kind,
        }
    }
}

impl Wire for Instruction {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        if length < 8 || !length.is_multiple_of(8) {
            return Err(DecodeError::BadLength { part: Part::Instruction, length: usize::from(length) });
        }
        let mut r = r.nested(length, 4, Part::Instruction)?;
        let instruction = match kind {
            kind::GOTO_TABLE => {
                let table = TableId(r.u8()?);
                r.skip(3)?;
                Instruction::GotoTable(table)
            }
            kind::WRITE_METADATA => {
                r.skip(4)?;
                Instruction::WriteMetadata { metadata: r.u64()?, mask: r.u64()? }
            }
            kind::WRITE_ACTIONS | kind::APPLY_ACTIONS => {
                r.skip(4)?;
                let actions = Actions::read(&mut r)?;
                if kind == kind::WRITE_ACTIONS {
                    Instruction::WriteActions(actions)
                } else {
                    Instruction::ApplyActions(actions)
                }
            }
            kind::CLEAR_ACTIONS => {
                r.skip(4)?;
                Instruction::ClearActions
            }
            kind::METER => Instruction::Meter(MeterId(r.u32()?)),
            kind::EXPERIMENTER => Instruction::Experimenter { experimenter: r.u32()?, body: r.opaque() },
            kind => Instruction::Unknown { kind, body: r.opaque() },
        };
        r.finish()?;
        Ok(instruction)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(self.kind());
        out.put_u16(0);
        match self {
            Instruction::GotoTable(table) => {
                out.put_u8(table.0);
                put_zeros(out, 3);
            }
            Instruction::WriteMetadata { metadata, mask } => {
                put_zeros(out, 4);
                out.put_u64(*metadata);
                out.put_u64(*mask);
            }
            Instruction::WriteActions(actions) | Instruction::ApplyActions(actions) => {
                put_zeros(out, 4);
                actions.write(out)?;
            }
            Instruction::ClearActions => put_zeros(out, 4),
            Instruction::Meter(meter) => out.put_u32(meter.0),
            Instruction::Experimenter { experimenter, body } => {
                out.put_u32(*experimenter);
                out.put_slice(body);
            }
            Instruction::Unknown { body, .. } => out.put_slice(body),
        }
        let length = out.len() - start;
        if !length.is_multiple_of(8) {
            return Err(EncodeError::Misaligned { part: Part::Instruction, length });
        }
        patch_len(out, start, start + 2, Part::Instruction)
    }
}

/// The instructions of a flow. A switch carries them out in the order of OF 1.3.5 §5.9, whatever
/// their order here; without any, a packet that matches is dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Instructions(SmallVec<[Instruction; 2]>);

impl Instructions {
    /// No instruction: packets are dropped.
    pub fn new() -> Instructions {
        Instructions::default()
    }

    /// Applies these actions and nothing else.
    pub fn apply(actions: impl Into<Actions>) -> Instructions {
        [Instruction::ApplyActions(actions.into())].into()
    }

    /// Adds an instruction, in place of one of the same type (a flow has one of each).
    pub fn set(&mut self, instruction: Instruction) {
        let kind = instruction.kind();
        match self.0.iter_mut().find(|other| other.kind() == kind) {
            Some(other) if kind != kind::EXPERIMENTER => *other = instruction,
            _ => self.0.push(instruction),
        }
    }

    /// The actions that are applied at once; none where there is no such instruction.
    pub fn applied(&self) -> &[Action] {
        self.iter()
            .find_map(|instruction| match instruction {
                Instruction::ApplyActions(actions) => Some(&actions[..]),
                _ => None,
            })
            .unwrap_or_default()
    }

    /// Reads instructions until `r` is empty.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Instructions, DecodeError> {
        let mut instructions = Instructions::new();
        while !r.is_empty() {
            instructions.0.push(Instruction::decode(r)?);
        }
        Ok(instructions)
    }

    pub(crate) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.iter().try_for_each(|it| it.encode(out))
    }
}

impl Deref for Instructions {
    type Target = [Instruction];

    fn deref(&self) -> &[Instruction] {
        &self.0
    }
}

impl<const N: usize> From<[Instruction; N]> for Instructions {
    fn from(instructions: [Instruction; N]) -> Self {
        instructions.into_iter().collect()
    }
}

impl From<Vec<Instruction>> for Instructions {
    fn from(instructions: Vec<Instruction>) -> Self {
        Instructions(instructions.into())
    }
}

impl From<Instruction> for Instructions {
    fn from(instruction: Instruction) -> Self {
        [instruction].into()
    }
}

impl FromIterator<Instruction> for Instructions {
    fn from_iter<I: IntoIterator<Item = Instruction>>(instructions: I) -> Self {
        Instructions(instructions.into_iter().collect())
    }
}

impl Extend<Instruction> for Instructions {
    fn extend<I: IntoIterator<Item = Instruction>>(&mut self, instructions: I) {
        self.0.extend(instructions);
    }
}

impl IntoIterator for Instructions {
    type Item = Instruction;
    type IntoIter = smallvec::IntoIter<[Instruction; 2]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Instructions {
    type Item = &'a Instruction;
    type IntoIter = std::slice::Iter<'a, Instruction>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
