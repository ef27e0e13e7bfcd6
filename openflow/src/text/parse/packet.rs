//! What is known of the packets that reach an action.

use super::draft::{Draft, satisfied};
use crate::oxm::Prerequisite;

/// How many tags Open vSwitch follows.
pub(super) const MOST_TAGS: usize = 2;

/// What is known of the packets that reach an action.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) eth_type: u16,
    pub(super) ip_proto: u8,
    ports: (u16, u16),
    /// Whether there is an outer and an inner tag, for all that is known.
    pub(super) tags: [bool; MOST_TAGS],
}

impl Packet {
    /// What a match says of the packets that it takes.
    pub(super) fn of(draft: &Draft<'_>) -> Packet {
        Packet {
            eth_type: draft.eth_type(),
            ip_proto: draft.ip_proto(),
            ports: draft.ports(),
            tags: [draft.has_vlan(), false],
        }
    }

    pub(super) fn satisfies(&self, needs: Prerequisite) -> bool {
        match needs {
            Prerequisite::VlanTag => self.tags[0],
            other => satisfied(other, self.eth_type, self.ip_proto, self.ports),
        }
    }
}

/// What is known where a list of actions stands.
#[derive(Clone, Debug)]
pub(super) enum Surroundings {
    /// In a flow: packets are as the match says.
    Flow(Packet),
    /// In the action set that a flow writes: carried out later, on who knows what.
    Set(Packet),
    /// In a bucket or on its own.
    Nothing,
}

impl Surroundings {
    pub(super) fn packet(&mut self) -> Option<&mut Packet> {
        match self {
            Surroundings::Flow(packet) | Surroundings::Set(packet) => Some(packet),
            Surroundings::Nothing => None,
        }
    }
}
