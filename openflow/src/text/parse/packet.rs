//! What is known of the packets that reach an action.

use super::draft::{Draft, satisfied};
use crate::nicira::ActionField;
use crate::oxm::{FieldId, Prerequisite};

/// How many tags Open vSwitch follows.
pub(super) const MOST_TAGS: usize = 2;

/// What is known of the packets that reach an action.
#[derive(Clone, Debug, Default)]
pub(super) struct Packet {
    pub(super) eth_type: u16,
    pub(super) ip_proto: u8,
    ports: (u16, u16),
    /// Whether there is an outer and an inner tag, for all that is known.
    pub(super) tags: [bool; MOST_TAGS],
    /// Whether it is of a connection, and whether that has ports.
    connection: (bool, bool),
    /// Whether it may be a fragment without a header of the transport.
    pub(super) later_fragment: bool,
    /// Its states, as far as they are known: the flags of `ct_state`.
    states: u32,
}

impl Packet {
    /// What a match says of the packets that it takes.
    pub(super) fn of(draft: &Draft<'_>) -> Packet {
        Packet {
            eth_type: draft.eth_type(),
            ip_proto: draft.ip_proto(),
            ports: draft.ports(),
            tags: [draft.has_vlan(), false],
            connection: (draft.has_connection(), draft.has_connection_ports()),
            later_fragment: draft.later_fragments(),
            states: draft.states(),
        }
    }

    /// Whether the connection tracker has seen it.
    pub(super) fn is_tracked(&self) -> bool {
        const TRACKED: u32 = 0x20;
        self.states & TRACKED != 0
    }

    /// Whether the connection tracker could make nothing of it.
    pub(super) fn is_invalid(&self) -> bool {
        const INVALID: u32 = 0x10;
        self.states & INVALID != 0
    }

    /// What is known once it has this value in a field.
    pub(super) fn now_has(&mut self, field: ActionField, value: u128) {
        match field {
            ActionField::Oxm(FieldId::EthType) => self.eth_type = value as u16,
            ActionField::Oxm(FieldId::IpProto) => self.ip_proto = value as u8,
            ActionField::Oxm(FieldId::Icmpv6Type) => self.ports.0 = value as u16,
            ActionField::VlanTci => self.tags[0] = value & 0x1000 != 0,
            _ => {}
        }
    }

    pub(super) fn satisfies(&self, needs: Prerequisite) -> bool {
        match needs {
            Prerequisite::VlanTag => self.tags[0],
            Prerequisite::IpProto(_) if self.later_fragment => false,
            Prerequisite::Connection(types) => {
                self.connection.0 && (types.is_empty() || types.contains(&self.eth_type))
            }
            Prerequisite::ConnectionPorts => self.connection == (true, true),
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
