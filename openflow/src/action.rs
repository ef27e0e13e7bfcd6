//! Actions: what a flow, a group bucket or a packet-out does to a packet (OF 1.3.5 §7.2.5).

use std::ops::Deref;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::error::{BadAction, DecodeError, EncodeError, Part};
use crate::ids::{GroupId, PortNo, QueueId};
use crate::nicira::{MOST_NESTED, NICIRA, NxAction};
use crate::oxm::{OxmField, RawField};
use crate::wire::{Reader, Wire, pad_from, patch_len, put_zeros};

mod kind {
    //! Action types, `OFPAT_*`.
    pub(super) const OUTPUT: u16 = 0;
    pub(super) const COPY_TTL_OUT: u16 = 11;
    pub(super) const COPY_TTL_IN: u16 = 12;
    pub(super) const SET_MPLS_TTL: u16 = 15;
    pub(super) const DEC_MPLS_TTL: u16 = 16;
    pub(super) const PUSH_VLAN: u16 = 17;
    pub(super) const POP_VLAN: u16 = 18;
    pub(super) const PUSH_MPLS: u16 = 19;
    pub(super) const POP_MPLS: u16 = 20;
    pub(super) const SET_QUEUE: u16 = 21;
    pub(super) const GROUP: u16 = 22;
    pub(super) const SET_NW_TTL: u16 = 23;
    pub(super) const DEC_NW_TTL: u16 = 24;
    pub(super) const SET_FIELD: u16 = 25;
    pub(super) const PUSH_PBB: u16 = 26;
    pub(super) const POP_PBB: u16 = 27;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

/// `max_len` of an output to the controller that sends the whole packet and keeps no buffer
/// (`OFPCML_NO_BUFFER`).
pub const WHOLE_PACKET: u16 = 0xffff;

/// One action (OF 1.3.5 §7.2.5). Padding is written as zeros whatever a peer sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Out of a port.
    Output {
        /// Which port.
        port: PortNo,
        /// To the controller: bytes of the packet to send, [`WHOLE_PACKET`] for all. Else of no
        /// meaning.
        max_len: u16,
    },
    /// Copies the TTL from the next-to-outermost header outwards.
    CopyTtlOut,
    /// Copies the TTL from the outermost header inwards.
    CopyTtlIn,
    /// Sets the TTL of the outermost MPLS entry.
    SetMplsTtl(u8),
    /// Counts the TTL of the outermost MPLS entry down.
    DecMplsTtl,
    /// Pushes a VLAN tag of this Ethernet type (0x8100 or 0x88a8).
    PushVlan(u16),
    /// Takes the outermost VLAN tag off.
    PopVlan,
    /// Pushes an MPLS entry of this Ethernet type (0x8847 or 0x8848).
    PushMpls(u16),
    /// Takes the outermost MPLS entry off; the payload has this Ethernet type.
    PopMpls(u16),
    /// Queue for the outputs that follow.
    SetQueue(QueueId),
    /// Through a group.
    Group(GroupId),
    /// Sets the TTL of IPv4, or IPv6's hop limit.
    SetNwTtl(u8),
    /// Counts the TTL of IPv4, or IPv6's hop limit, down.
    DecNwTtl,
    /// Sets a field of the packet.
    SetField(OxmField),
    /// Pushes a PBB service tag of this Ethernet type (0x88e7).
    PushPbb(u16),
    /// Takes the outermost PBB service tag off.
    PopPbb,
    /// One of Open vSwitch's own actions.
    Nicira(Box<NxAction>),
    /// An action of an experimenter, kept as it came.
    Experimenter {
        /// Whose it is; 0x2320 is Nicira.
        experimenter: u32,
        /// What follows the experimenter's id; its length is a multiple of 8.
        body: Bytes,
    },
    /// An action of a type without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Type of the action.
        kind: u16,
        /// What follows type and length; its length is 4 more than a multiple of 8.
        body: Bytes,
    },
}

impl Action {
    /// Out of `port`; the controller gets the whole packet.
    pub const fn output(port: PortNo) -> Action {
        let max_len = if port.0 == PortNo::CONTROLLER.0 { WHOLE_PACKET } else { 0 };
        Action::Output { port, max_len }
    }

    /// To the controller, the whole packet, kept in no buffer.
    pub const fn controller() -> Action {
        Action::output(PortNo::CONTROLLER)
    }

    /// Sets a field of the packet.
    pub fn set(field: OxmField) -> Action {
        Action::SetField(field)
    }

    /// Type of the action on the wire (`OFPAT_*`).
    pub fn kind(&self) -> u16 {
        match self {
            Action::Output { .. } => kind::OUTPUT,
            Action::CopyTtlOut => kind::COPY_TTL_OUT,
            Action::CopyTtlIn => kind::COPY_TTL_IN,
            Action::SetMplsTtl(_) => kind::SET_MPLS_TTL,
            Action::DecMplsTtl => kind::DEC_MPLS_TTL,
            Action::PushVlan(_) => kind::PUSH_VLAN,
            Action::PopVlan => kind::POP_VLAN,
            Action::PushMpls(_) => kind::PUSH_MPLS,
            Action::PopMpls(_) => kind::POP_MPLS,
            Action::SetQueue(_) => kind::SET_QUEUE,
            Action::Group(_) => kind::GROUP,
            Action::SetNwTtl(_) => kind::SET_NW_TTL,
            Action::DecNwTtl => kind::DEC_NW_TTL,
            Action::SetField(_) => kind::SET_FIELD,
            Action::PushPbb(_) => kind::PUSH_PBB,
            Action::PopPbb => kind::POP_PBB,
            Action::Nicira(_) | Action::Experimenter { .. } => kind::EXPERIMENTER,
            Action::Unknown { kind, .. } => *kind,
        }
    }
}

impl Wire for Action {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        if length < 8 || !length.is_multiple_of(8) {
            return Err(DecodeError::BadLength { part: Part::Action, length: usize::from(length) });
        }
        let mut r = r.nested(length, 4, Part::Action)?;
        let (action, pad) = match kind {
            kind::OUTPUT => {
                let port = PortNo(r.u32()?);
                let max_len = r.u16()?;
                (Action::Output { port, max_len }, 6)
            }
            kind::COPY_TTL_OUT => (Action::CopyTtlOut, 4),
            kind::COPY_TTL_IN => (Action::CopyTtlIn, 4),
            kind::SET_MPLS_TTL => (Action::SetMplsTtl(r.u8()?), 3),
            kind::DEC_MPLS_TTL => (Action::DecMplsTtl, 4),
            kind::PUSH_VLAN => (Action::PushVlan(r.u16()?), 2),
            kind::POP_VLAN => (Action::PopVlan, 4),
            kind::PUSH_MPLS => (Action::PushMpls(r.u16()?), 2),
            kind::POP_MPLS => (Action::PopMpls(r.u16()?), 2),
            kind::SET_QUEUE => (Action::SetQueue(QueueId(r.u32()?)), 0),
            kind::GROUP => (Action::Group(GroupId(r.u32()?)), 0),
            kind::SET_NW_TTL => (Action::SetNwTtl(r.u8()?), 3),
            kind::DEC_NW_TTL => (Action::DecNwTtl, 4),
            kind::SET_FIELD => return set_field(r),
            kind::PUSH_PBB => (Action::PushPbb(r.u16()?), 2),
            kind::POP_PBB => (Action::PopPbb, 4),
            kind::EXPERIMENTER => {
                let experimenter = r.u32()?;
                let body = r.opaque();
                let known = match experimenter {
                    NICIRA => NxAction::decode(&body, r.nesting()),
                    _ => None,
                };
                (known.map_or(Action::Experimenter { experimenter, body }, Action::from), 0)
            }
            kind => {
                let body = r.opaque();
                (Action::Unknown { kind, body }, 0)
            }
        };
        r.skip(pad)?;
        r.finish()?;
        Ok(action)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(self.kind());
        out.put_u16(8);
        match self {
            Action::Output { port, max_len } => {
                out[start + 2..].copy_from_slice(&16u16.to_be_bytes());
                out.put_u32(port.0);
                out.put_u16(*max_len);
                put_zeros(out, 6);
            }
            Action::SetMplsTtl(ttl) | Action::SetNwTtl(ttl) => {
                out.put_u8(*ttl);
                put_zeros(out, 3);
            }
            Action::PushVlan(ethertype)
            | Action::PushMpls(ethertype)
            | Action::PopMpls(ethertype)
            | Action::PushPbb(ethertype) => {
                out.put_u16(*ethertype);
                put_zeros(out, 2);
            }
            Action::SetQueue(QueueId(id)) | Action::Group(GroupId(id)) => out.put_u32(*id),
            Action::CopyTtlOut
            | Action::CopyTtlIn
            | Action::DecMplsTtl
            | Action::PopVlan
            | Action::DecNwTtl
            | Action::PopPbb => put_zeros(out, 4),
            Action::SetField(field) => {
                let at = out.len();
                put_zeros(out, field.wire_len());
                field.write(&mut out[at..]);
                pad_from(out, start);
                patch_len(out, start, start + 2, Part::Action)?;
            }
            Action::Nicira(action) => {
                out.put_u32(NICIRA);
                action.encode(out)?;
                patch_len(out, start, start + 2, Part::Action)?;
            }
            Action::Experimenter { experimenter, body } => {
                out.put_u32(*experimenter);
                out.put_slice(body);
                end_opaque(out, start)?;
            }
            Action::Unknown { body, .. } => {
                out.put_slice(body);
                end_opaque(out, start)?;
            }
        }
        Ok(())
    }
}

/// The field of a set-field action, and the zeros behind it.
fn set_field(mut r: Reader<'_>) -> Result<Action, DecodeError> {
    let length = r.len();
    let body = r.remainder();
    match RawField::split(body) {
        // Fewer than eight bytes of padding: the length is that of one field, filled up.
        Some((raw, rest)) if rest.len() < 8 => {
            raw.check()?;
            Ok(Action::SetField(raw.typed()))
        }
        _ => Err(DecodeError::BadLength { part: Part::Action, length }),
    }
}

fn end_opaque(out: &mut BytesMut, start: usize) -> Result<(), EncodeError> {
    let length = out.len() - start;
    if !length.is_multiple_of(8) {
        return Err(EncodeError::Misaligned { part: Part::Action, length });
    }
    patch_len(out, start, start + 2, Part::Action)
}

/// Actions in order: a list that is applied, or the set that is written, as the place says (OF 1.3.5 §7.2.5).
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::action::{Action, Actions};
/// use openflow::ids::PortNo;
/// let actions: Actions = [Action::PopVlan, Action::output(PortNo(2))].into();
/// assert_eq!(actions.to_string(), "pop_vlan,output:2");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actions(SmallVec<[Action; 2]>);

impl Actions {
    /// No action: the packet is dropped.
    pub fn new() -> Actions {
        Actions::default()
    }

    /// Adds an action at the end.
    pub fn push(&mut self, action: Action) {
        self.0.push(action);
    }

    /// Reads actions until `r` is empty.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Actions, DecodeError> {
        let mut actions = Actions::new();
        while !r.is_empty() {
            actions.0.push(Action::decode(r)?);
        }
        Ok(actions)
    }

    /// Reads actions that stand in an action, until `r` is empty.
    pub(crate) fn read_nested(r: &mut Reader<'_>) -> Result<Actions, DecodeError> {
        let length = r.len();
        let nesting = r.nesting() + 1;
        if nesting > MOST_NESTED {
            let (what, number) = ("depth of actions in actions", nesting.into());
            return Err(DecodeError::Misplaced { what, number, refusal: BadAction::TooMany.into() });
        }
        Actions::read(&mut r.sub(length, Part::Action)?.at_nesting(nesting))
    }

    pub(crate) fn write(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.iter().try_for_each(|action| action.encode(out))
    }
}

impl Deref for Actions {
    type Target = [Action];

    fn deref(&self) -> &[Action] {
        &self.0
    }
}

impl<const N: usize> From<[Action; N]> for Actions {
    fn from(actions: [Action; N]) -> Self {
        actions.into_iter().collect()
    }
}

impl From<Vec<Action>> for Actions {
    fn from(actions: Vec<Action>) -> Self {
        Actions(actions.into())
    }
}

impl From<&[Action]> for Actions {
    fn from(actions: &[Action]) -> Self {
        actions.iter().cloned().collect()
    }
}

impl From<Action> for Actions {
    fn from(action: Action) -> Self {
        [action].into()
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Actions(actions.into_iter().collect())
    }
}

impl Extend<Action> for Actions {
    fn extend<I: IntoIterator<Item = Action>>(&mut self, actions: I) {
        self.0.extend(actions);
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = smallvec::IntoIter<[Action; 2]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Actions {
    type Item = &'a Action;
    type IntoIter = std::slice::Iter<'a, Action>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
