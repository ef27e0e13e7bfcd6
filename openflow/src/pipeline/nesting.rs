//! How deep a packet's way leads into itself: groups in groups, flows that look it up again.

/// How many lookups in the same or an earlier table, and groups, may be inside of each other
/// (`ovs-actions(7)`, "Recursion too deep").
const BACK_MAX: u8 = 64;

/// How much of any kind may be inside of each other, lookups in later tables too. It is what a thread
/// has stack for.
const DEPTH_MAX: u16 = 400;

/// Whether it may go on so for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To a later table, or into a copy: some day it ends.
    Forth,
    /// To the same table or an earlier one.
    Back,
}

/// Where on such a way a packet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nesting {
    back: u8,
    depth: u16,
}

impl Nesting {
    pub(super) fn is_outermost(self) -> bool {
        self.depth == 0
    }

    /// Goes one deeper; what is to be restored behind it. `None` where it is too deep.
    pub(super) fn enter(&mut self, direction: Direction) -> Option<Nesting> {
        if self.back == BACK_MAX || self.depth == DEPTH_MAX {
            return None;
        }
        let outside = *self;
        self.depth += 1;
        self.back += u8::from(direction == Direction::Back);
        Some(outside)
    }
}
