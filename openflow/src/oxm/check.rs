//! Whether a match makes sense as a whole: prerequisites, ranges, doubles (OF 1.3.5 §7.2.3.6).

use super::{FieldId, Match, OxmField, Prerequisite, RawField};
use crate::error::{BadMatch, ErrorKind};

/// A match that no switch takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A field is matched without what makes it mean something.
    #[error("match field {field} needs {needs}; add it to the match")]
    Prerequisite {
        /// The field, in Open vSwitch's words.
        field: &'static str,
        /// What is missing, in Open vSwitch's words.
        needs: String,
    },
    /// A value has bits that the field has not.
    #[error("match field {field} has {bits} bits; the value has more")]
    Value {
        /// The field, in Open vSwitch's words.
        field: &'static str,
        /// How many bits the field has.
        bits: u32,
    },
    /// A value has bits where its mask has none.
    #[error("match field {field} has bits of the value outside its mask; clear them")]
    Wildcards {
        /// The field, in Open vSwitch's words.
        field: &'static str,
    },
    /// A field is there twice.
    #[error("match field {field} is there twice; leave one")]
    Duplicate {
        /// The field, in Open vSwitch's words.
        field: &'static str,
    },
}

impl MatchError {
    /// The error with which a switch refuses such a match.
    pub fn to_error_kind(&self) -> ErrorKind {
        ErrorKind::BadMatch(match self {
            MatchError::Prerequisite { .. } => BadMatch::BadPrereq,
            MatchError::Value { .. } => BadMatch::BadValue,
            MatchError::Wildcards { .. } => BadMatch::BadWildcards,
            MatchError::Duplicate { .. } => BadMatch::DupField,
        })
    }
}

impl Match {
    /// Whether every field has what it needs from another one (OF 1.3.5 §7.2.3.6). Fields that this
    /// crate does not know need nothing.
    ///
    /// # Errors
    /// The first field whose prerequisite is missing, and what is missing.
    pub fn check_prerequisites(&self) -> Result<(), MatchError> {
        for id in self.raw().filter_map(|raw| raw.id()) {
            if !self.satisfies(id.prerequisite()) {
                return Err(MatchError::Prerequisite {
                    field: id.name(),
                    needs: describe(id.prerequisite()),
                });
            }
        }
        Ok(())
    }

    /// All that a switch checks: prerequisites, value ranges, bits outside masks, doubles.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), MatchError> {
        let mut seen = 0u64;
        for raw in self.raw() {
            let Some(id) = raw.id() else { continue };
            let bit = 1 << id as u32;
            if seen & bit != 0 {
                return Err(MatchError::Duplicate { field: id.name() });
            }
            seen |= bit;
            check_value(id, &raw)?;
        }
        self.check_prerequisites()
    }

    fn satisfies(&self, needs: Prerequisite) -> bool {
        match needs {
            Prerequisite::None => true,
            Prerequisite::InPort => self.ingress().is_some(),
            Prerequisite::VlanTag => matches!(
                self.get(FieldId::VlanVid),
                Some(OxmField::VlanVid(vid)) if vid.value.id().is_some()
            ),
            Prerequisite::EthType(types) => matches!(
                self.get(FieldId::EthType),
                Some(OxmField::EthType(it)) if types.contains(&it)
            ),
            Prerequisite::IpProto(proto) => {
                self.get(FieldId::IpProto) == Some(OxmField::IpProto(proto))
            }
            Prerequisite::Icmpv6Type(types) => matches!(
                self.get(FieldId::Icmpv6Type),
                Some(OxmField::Icmpv6Type(it)) if types.contains(&it)
            ),
        }
    }
}

fn check_value(id: FieldId, raw: &RawField<'_>) -> Result<(), MatchError> {
    let (value, mask) = raw.payload.split_at(id.wire_len().min(raw.payload.len()));
    let spare = 8 * id.wire_len() as u32 - id.bits();
    // The bits above the field's own are the first: 13 of 16 bits, 20 of 32.
    let excess = value.iter().zip((0..spare).step_by(8)).any(|(byte, before)| {
        let here = (spare - before).min(8);
        u32::from(*byte) >> (8 - here) != 0
    });
    if excess {
        return Err(MatchError::Value {
            field: id.name(),
            bits: id.bits(),
        });
    }
    if raw.has_mask && value.iter().zip(mask).any(|(v, m)| v & !m != 0) {
        return Err(MatchError::Wildcards { field: id.name() });
    }
    Ok(())
}

fn describe(needs: Prerequisite) -> String {
    let list = |name: &str, values: Vec<String>| format!("{name}={}", values.join(" or "));
    match needs {
        Prerequisite::None => String::new(),
        Prerequisite::InPort => "in_port".to_owned(),
        Prerequisite::VlanTag => "vlan_vid with a tag".to_owned(),
        Prerequisite::EthType(types) => {
            list("eth_type", types.iter().map(|t| format!("{t:#06x}")).collect())
        }
        Prerequisite::IpProto(proto) => list("ip_proto", vec![proto.to_string()]),
        Prerequisite::Icmpv6Type(types) => {
            list("icmpv6_type", types.iter().map(u8::to_string).collect())
        }
    }
}
