//! Wide registers and the narrow ones that they consist of (`ovs-fields(7)`).

use super::{FieldId, Match, OxmField};

/// The registers of 32 bits that a wider one consists of: the first, and how many.
pub(crate) fn parts(id: FieldId) -> Option<(usize, usize)> {
    let number = id as usize;
    if (FieldId::Xreg0 as usize..=FieldId::Xreg7 as usize).contains(&number) {
        Some((2 * (number - FieldId::Xreg0 as usize), 2))
    } else if (FieldId::Xxreg0 as usize..=FieldId::Xxreg3 as usize).contains(&number) {
        Some((4 * (number - FieldId::Xxreg0 as usize), 4))
    } else {
        None
    }
}

/// A match with narrow registers in the place of wide ones; `None` where it has no wide one, or where something is said
/// of the same register twice.
pub(crate) fn narrowed(matched: &Match) -> Option<Match> {
    let wide = |field: &OxmField| field.id().and_then(parts);
    if !matched.fields().any(|field| wide(&field).is_some()) {
        return None;
    }
    let mut narrow = Match::new();
    for field in matched {
        let Some((first, count)) = wide(&field) else {
            narrow.insert(field);
            continue;
        };
        let (value, mask) = field.to_bits()?;
        for (behind, number) in (first..first + count).rev().enumerate() {
            let bits = |of: u128| of >> (32 * behind) & u128::from(u32::MAX);
            let id = FieldId::ALL[FieldId::Reg0 as usize + number];
            if bits(mask) == 0 {
                continue;
            }
            if matched.get(id).is_some() || narrow.get(id).is_some() {
                return None;
            }
            narrow.insert(OxmField::from_bits(id, bits(value), Some(bits(mask)))?.normalized());
        }
    }
    Some(narrow)
}
