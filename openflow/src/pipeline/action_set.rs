//! The action set of a packet, and the order in which it is carried out (OF 1.3.5 §5.10).

use smallvec::SmallVec;

use crate::action::{Action, Actions};
use crate::nicira::NxAction;

/// At most one action of a kind, of set-field one a field. Of Open vSwitch's that change bits of fields
/// any number, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub(super) struct ActionSet(SmallVec<[Action; 4]>);

const SET: u8 = 11;
const GROUP: u8 = 13;

/// The places of OF 1.3.5 §5.10, and behind them those of `ovs-actions(7)`. Of the tags the outermost
/// kind is popped first and pushed last.
fn rank(action: &Action) -> u8 {
    match action {
        Action::CopyTtlIn => 1,
        Action::PopVlan => 2,
        Action::PopPbb => 3,
        Action::PopMpls(_) => 4,
        Action::PushMpls(_) => 5,
        Action::PushPbb(_) => 6,
        Action::PushVlan(_) => 7,
        Action::CopyTtlOut => 8,
        Action::DecMplsTtl => 9,
        Action::DecNwTtl => 10,
        Action::SetQueue(_) => 12,
        Action::Group(_) => GROUP,
        Action::Output { .. } => 14,
        Action::Nicira(action) => match **action {
            NxAction::DecTtl(_) => 10,
            NxAction::Resubmit { .. } => 15,
            _ => SET,
        },
        _ => SET,
    }
}

fn is_move(action: &Action) -> bool {
    matches!(action, Action::Nicira(it) if matches!(**it, NxAction::Move { .. }))
}

impl ActionSet {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Merges actions in, each in the place of one of its kind.
    pub(super) fn write(&mut self, actions: &[Action]) {
        for action in actions {
            let place = rank(action);
            let same = |other: &Action| match (other, action) {
                (Action::SetField(a), Action::SetField(b)) => a.key() == b.key(),
                (Action::Nicira(_), _) | (_, Action::Nicira(_)) => place != SET && rank(other) == place,
                (a, b) => a.kind() == b.kind(),
            };
            // What was set may have been copied since.
            if place != SET || !self.0.iter().any(is_move) {
                // The later one takes the later place among its equals.
                self.0.retain(|other| !same(other));
            }
            let at = self.0.partition_point(|other| rank(other) <= place);
            self.0.insert(at, action.clone());
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The actions in the order in which they are carried out; none where nothing would come out.
    /// Of a group, an output and a resubmit the first named counts.
    pub(super) fn in_order(&self) -> &[Action] {
        let before = self.0.partition_point(|action| rank(action) < GROUP);
        self.0.get(..=before).unwrap_or_default()
    }

    /// The actions of a bucket, which are an action set.
    pub(super) fn order(actions: &[Action]) -> Actions {
        let mut set = ActionSet::default();
        set.write(actions);
        set.in_order().into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;
    use crate::ids::{GroupId, PortNo, QueueId};
    use crate::oxm::OxmField;

    #[test]
    fn the_order_is_that_of_the_specification() {
        let output = Action::output(PortNo(2));
        let written = [
            output.clone(),
            Action::SetQueue(QueueId(1)),
            Action::SetField(OxmField::MplsTc(1)),
            Action::DecMplsTtl,
            Action::CopyTtlOut,
            Action::PushVlan(0x8100),
            Action::PushPbb(0x88e7),
            Action::PushMpls(0x8847),
            Action::PopMpls(0x0800),
            Action::CopyTtlIn,
        ];
        let text = ActionSet::order(&written).to_string();
        let mut reversed = written.to_vec();
        reversed.reverse();
        assert_eq!(Actions::from(reversed).to_string(), text);
        let mut set = ActionSet::default();
        set.write(&written);
        set.write(&[Action::Group(GroupId(1)), Action::SetField(OxmField::MplsTc(2))]);
        assert!(!set.in_order().contains(&output));
        assert!(set.in_order().contains(&Action::SetField(OxmField::MplsTc(2))));
        assert!(!set.in_order().contains(&Action::SetField(OxmField::MplsTc(1))));
        set.clear();
        assert!(set.in_order().is_empty());
        assert!(ActionSet::order(&[Action::PopVlan]).is_empty(), "no output, no effect");
    }
}
