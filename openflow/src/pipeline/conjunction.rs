//! Conjunctions: flows that are parts of a greater match (`ovs-fields(7)`, "Conjunctive Match Fields").

use smallvec::SmallVec;

use crate::action::Action;
use crate::nicira::NxAction;

/// The most dimensions of a conjunction, as in Open vSwitch.
pub(super) const DIMENSIONS_MAX: u8 = 64;

/// That a flow is one of the values of a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    id: u32,
    /// Which dimension, from 0 on.
    dimension: u8,
    dimensions: u8,
}

/// Those of a flow; an ordinary flow has none.
pub(super) type Clauses = SmallVec<[Clause; 1]>;

/// The clauses among a flow's actions.
pub(super) fn clauses(actions: &[Action]) -> Clauses {
    let clause = |action: &Action| match action {
        Action::Nicira(action) => match **action {
            NxAction::Conjunction { id, clause, clauses } => {
                Some(Clause { id, dimension: clause, dimensions: clauses })
            }
            _ => None,
        },
        _ => None,
    };
    actions.iter().filter_map(clause).collect()
}

/// The conjunctions of which each dimension is there, in the order of their ids.
pub(super) fn met<'a>(flows: impl Iterator<Item = &'a Clauses>) -> SmallVec<[u32; 2]> {
    let mut all: SmallVec<[Clause; 16]> = flows.flatten().copied().collect();
    // Those of one id that speak of other dimensions are of another conjunction.
    all.sort_by_key(|clause| (clause.id, clause.dimensions, clause.dimension));
    let one = |a: &Clause, b: &Clause| (a.id, a.dimensions) == (b.id, b.dimensions);
    let mut ids = SmallVec::new();
    for same in all.chunk_by(one) {
        let there = same.chunk_by(|a, b| a.dimension == b.dimension).count();
        if there == usize::from(same[0].dimensions) && ids.last() != Some(&same[0].id) {
            ids.push(same[0].id);
        }
    }
    ids
}
