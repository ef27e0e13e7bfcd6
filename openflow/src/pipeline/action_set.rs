//! The action set of a packet, and the order in which it is carried out (OF 1.3.5 §5.10).

use smallvec::SmallVec;

use crate::action::{Action, Actions};

/// At most one action of a kind, of set-field one a field.
#[derive(Clone, Debug, Default)]
pub(super) struct ActionSet(SmallVec<[Action; 4]>);

/// The places of OF 1.3.5 §5.10. Of the tags the outermost kind is popped first and pushed last.
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
        Action::Group(_) => 13,
        Action::Output { .. } => 14,
        _ => 11,
    }
}

impl ActionSet {
    /// Merges actions in, each in the place of one of its kind.
    pub(super) fn write(&mut self, actions: &[Action]) {
        for action in actions {
            let same = |other: &Action| match (other, action) {
                (Action::SetField(a), Action::SetField(b)) => a.key() == b.key(),
                (a, b) => a.kind() == b.kind(),
            };
            // The later one takes the later place among its equals.
            self.0.retain(|other| !same(other));
            let at = self.0.partition_point(|other| rank(other) <= rank(action));
            self.0.insert(at, action.clone());
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The actions in the order in which they are carried out; none where nothing would come out.
    /// With a group the output counts for nothing.
    pub(super) fn in_order(&self) -> &[Action] {
        match &self.0[..] {
            [before @ .., Action::Output { .. }] if matches!(before.last(), Some(Action::Group(_))) => before,
            all @ [.., Action::Group(_) | Action::Output { .. }] => all,
            _ => &[],
        }
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
