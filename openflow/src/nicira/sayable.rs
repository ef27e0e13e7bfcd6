//! Values that the types allow and the wire cannot say.

use super::{
    Conntrack, Learn, LearnFlags, LearnSource, LearnSpec, Nat, NatAddresses, NxAction, Subfield, Zone,
    value_len,
};
use crate::error::EncodeError;
use crate::ids::TableId;

/// Clauses that a conjunction may have (`ovs-actions(7)`, `conjunction`).
const CLAUSES: std::ops::RangeInclusive<u8> = 2..=64;

/// Bits that a part of a learned flow may have (`nicira-ext.h`, `NX_LEARN_N_BITS_MASK`).
const LEARNED_BITS: std::ops::RangeInclusive<u16> = 1..=0x7ff;

impl NxAction {
    /// What would be read back is this very action.
    ///
    /// # Errors
    /// [`EncodeError::Unsayable`], with what stands against it.
    pub(super) fn sayable(&self) -> Result<(), EncodeError> {
        let against = match self {
            NxAction::Resubmit { table: None, original_direction: true, .. } => {
                Some("a resubmit in the original direction names its table")
            }
            NxAction::Move { from, to } if from.bits() != to.bits() => {
                Some("a move is from as many bits as it is to")
            }
            NxAction::Load { to, value } if !fits(*value, *to) => {
                Some("the value has more bits than the field")
            }
            NxAction::Note(note) if note.len() % 8 != 6 => {
                Some("a note has 6 bytes more than a multiple of 8; fill it up with zeros")
            }
            NxAction::Conjunction { clause, clauses, .. }
                if !CLAUSES.contains(clauses) || clause >= clauses =>
            {
                Some("a conjunction has 2 to 64 clauses, counted from 0")
            }
            NxAction::CheckPacketLarger { to, .. } if to.bits() != 1 => {
                Some("whether the packet is larger is a single bit")
            }
            NxAction::Learn(learn) => learn.unsayable(),
            NxAction::Conntrack(ct) => ct.unsayable(),
            NxAction::Nat(nat) => nat.unsayable(),
            _ => None,
        };
        against.map_or(Ok(()), |why| Err(EncodeError::Unsayable { why }))
    }
}

fn fits(value: u64, to: Subfield) -> bool {
    value.checked_shr(to.bits().into()).unwrap_or(0) == 0
}

impl Learn {
    fn unsayable(&self) -> Option<&'static str> {
        let result = self.limit.and_then(|limit| limit.result);
        if self.flags.contains(LearnFlags::WRITE_RESULT) != result.is_some() {
            return Some("a learn has a bit for its result where its flags say so, and nowhere else");
        }
        if result.is_some_and(|bit| bit.bits() != 1) {
            return Some("the result of a learn is a single bit");
        }
        self.specs.iter().find_map(LearnSpec::unsayable)
    }
}

impl LearnSpec {
    fn unsayable(&self) -> Option<&'static str> {
        let bits = self.bits();
        let has_as_many = match &self.source {
            LearnSource::Field(field) => field.bits() == bits,
            LearnSource::Value(value) => value.len() == value_len(bits),
        };
        match LEARNED_BITS.contains(&bits) {
            false => Some("a part of a learned flow has 1 to 2047 bits"),
            true if has_as_many => None,
            true => Some("a part of a learned flow is made of as many bits as it has"),
        }
    }
}

impl Conntrack {
    fn unsayable(&self) -> Option<&'static str> {
        match self.zone {
            _ if self.table == Some(TableId::ALL) => {
                Some("a ct goes on in a table up to 254; without one it ends there")
            }
            Zone::Field(field) if field.header().key.experimenter.is_some() => {
                Some("the zone of a ct is in a field that has a short header")
            }
            _ => None,
        }
    }
}

impl Nat {
    fn unsayable(&self) -> Option<&'static str> {
        let translates = self.addresses != NatAddresses::None || self.ports.is_some();
        (self.kind.is_none() && translates)
            .then_some("a nat to addresses or ports says which end: source or destination")
    }
}
