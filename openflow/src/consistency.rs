//! Whether an action makes sense where it stands, and for the packets that come to it (OF 1.3.5 §6.4, §7.2.5).

use crate::action::Action;
use crate::error::BadAction;
use crate::ids::{GroupId, PortNo};
use crate::nicira::{ActionField, NxAction, Subfield, Zone};
use crate::oxm::{Access, CLASS_BASIC, FieldId, LATER, Match, OxmField, Prerequisite};

/// Where actions stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Applied,
    Written,
    Bucket,
    PacketOut,
}

const IP: Prerequisite = Prerequisite::EthType(&[0x0800, 0x86dd]);
const MPLS_TYPES: [u16; 2] = [0x8847, 0x8848];
const MPLS: Prerequisite = Prerequisite::EthType(&MPLS_TYPES);
const PBB_TYPE: u16 = 0x88e7;
const PBB: Prerequisite = Prerequisite::EthType(&[PBB_TYPE]);
const TCP: Prerequisite = Prerequisite::IpProto(6);

/// What is known of the packets that come to an action.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    vlan: bool,
    eth_type: Option<u16>,
    ip_proto: Option<u8>,
    icmpv6_type: Option<u8>,
    /// They may be fragments that are not the first, which have no header of the transport.
    later_fragments: bool,
}

impl Facts {
    /// What a match tells of the packets that it takes.
    pub(crate) fn of(matched: &Match) -> Facts {
        let mut facts = Facts::default();
        for field in matched.fields() {
            match field {
                OxmField::VlanVid(vid) => facts.vlan = vid.value.id().is_some(),
                OxmField::EthType(kind) => facts.eth_type = Some(kind),
                OxmField::IpProto(proto) => facts.ip_proto = Some(proto),
                OxmField::Icmpv6Type(kind) => facts.icmpv6_type = Some(kind),
                OxmField::IpFrag(frag) => {
                    facts.later_fragments = frag.value & frag.mask_bits() & LATER != 0;
                }
                _ => {}
            }
        }
        facts
    }

    fn meets(&self, needs: Prerequisite) -> bool {
        let eth_type = |types: &[u16]| self.eth_type.is_some_and(|kind| types.contains(&kind));
        let ip_proto = |proto| self.ip_proto == Some(proto) && !self.later_fragments;
        match needs {
            Prerequisite::None | Prerequisite::InPort => true,
            Prerequisite::VlanTag => self.vlan,
            Prerequisite::EthType(types) => eth_type(types),
            Prerequisite::IpProto(proto) => eth_type(&[0x0800, 0x86dd]) && ip_proto(proto),
            Prerequisite::Icmpv4 => eth_type(&[0x0800]) && ip_proto(1),
            Prerequisite::Icmpv6 => eth_type(&[0x86dd]) && ip_proto(58),
            Prerequisite::Icmpv6Type(types) => {
                self.meets(Prerequisite::Icmpv6) && self.icmpv6_type.is_some_and(|kind| types.contains(&kind))
            }
            // Only read, and where there is no connection they read as zero (`ovs-fields(7)`).
            Prerequisite::Connection(_) | Prerequisite::ConnectionPorts => true,
        }
    }

    fn ensure(&self, needs: Prerequisite) -> Result<(), Prerequisite> {
        if self.meets(needs) { Ok(()) } else { Err(needs) }
    }

    /// Whether an action fits; after it the packets are as it leaves them.
    ///
    /// # Errors
    /// What the packets would have to be.
    pub(crate) fn step(&mut self, action: &Action) -> Result<(), Prerequisite> {
        match action {
            Action::PushVlan(_) => self.vlan = true,
            Action::PopVlan => {
                self.ensure(Prerequisite::VlanTag)?;
                self.vlan = false;
            }
            Action::PushMpls(kind) | Action::PushPbb(kind) => {
                *self = Facts { eth_type: Some(*kind), ..Facts::default() };
            }
            Action::PopMpls(kind) => {
                self.ensure(MPLS)?;
                *self = Facts { eth_type: Some(*kind), vlan: self.vlan, ..Facts::default() };
            }
            Action::PopPbb => {
                self.ensure(PBB)?;
                *self = Facts::default();
            }
            Action::SetMplsTtl(_) | Action::DecMplsTtl | Action::CopyTtlIn | Action::CopyTtlOut => {
                return self.ensure(MPLS);
            }
            Action::SetNwTtl(_) | Action::DecNwTtl => return self.ensure(IP),
            Action::SetField(field) => return self.set(field),
            Action::Nicira(action) => return self.step_nicira(action),
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, field: &OxmField) -> Result<(), Prerequisite> {
        let Some(id) = field.id() else { return Ok(()) };
        if id == FieldId::VlanVid {
            self.ensure(Prerequisite::VlanTag)?;
        }
        self.ensure(id.prerequisite())?;
        match field {
            OxmField::EthType(kind) => self.eth_type = Some(*kind),
            OxmField::IpProto(proto) => self.ip_proto = Some(*proto),
            OxmField::Icmpv6Type(kind) => self.icmpv6_type = Some(*kind),
            _ => {}
        }
        Ok(())
    }

    /// What `learn` makes of the packet is not looked at.
    fn step_nicira(&mut self, action: &NxAction) -> Result<(), Prerequisite> {
        match action {
            NxAction::SetField(field) => self.set(field),
            NxAction::Move { from, to } => {
                self.names(*from)?;
                self.names(*to)
            }
            // As Open vSwitch has it: a VLAN id that is loaded needs a tag, one that is copied does not.
            NxAction::Load { to, .. } if to.field() == ActionField::Oxm(FieldId::VlanVid) => {
                self.ensure(Prerequisite::VlanTag)
            }
            NxAction::Load { to: it, .. }
            | NxAction::Push(it)
            | NxAction::Pop(it)
            | NxAction::OutputField { from: it, .. }
            | NxAction::CheckPacketLarger { to: it, .. } => self.names(*it),
            NxAction::DecTtl(_) => self.ensure(IP),
            NxAction::FinTimeout { .. } => self.ensure(TCP),
            NxAction::Conntrack(ct) => {
                self.ensure(IP)?;
                if let Zone::Field(field) = ct.zone {
                    self.names(field)?;
                }
                self.all(&ct.actions)
            }
            NxAction::Clone(actions) => self.all(actions),
            _ => Ok(()),
        }
    }

    /// Actions on a copy of the packets.
    fn all(mut self, actions: &[Action]) -> Result<(), Prerequisite> {
        actions.iter().try_for_each(|action| self.step(action))
    }

    /// The bits of a field can be read or set.
    fn names(&mut self, field: Subfield) -> Result<(), Prerequisite> {
        match field.field() {
            ActionField::Oxm(id) => self.ensure(id.prerequisite()),
            ActionField::NwTos => self.ensure(IP),
            // What is set there may be a tag.
            ActionField::VlanTci => {
                self.vlan = true;
                Ok(())
            }
            ActionField::InPort => Ok(()),
        }
    }
}

/// Whether an action is one that can stand there, whatever the packet and the switch. Experimenters' are.
pub(crate) fn check_alone(action: &Action, place: Place) -> Result<(), BadAction> {
    let ensure = |sound: bool, error: BadAction| if sound { Ok(()) } else { Err(error) };
    match action {
        Action::Output { port, .. } => {
            let is_output = match *port {
                PortNo::TABLE => place == Place::PacketOut,
                PortNo::ANY => false,
                port => port.is_ordinary() || port.reserved_name().is_some(),
            };
            ensure(is_output, BadAction::BadOutPort)
        }
        Action::Group(group) => ensure(*group <= GroupId::MAX, BadAction::BadOutGroup),
        Action::PushVlan(kind) => ensure(matches!(kind, 0x8100 | 0x88a8), BadAction::BadArgument),
        Action::PushMpls(kind) => ensure(MPLS_TYPES.contains(kind), BadAction::BadArgument),
        Action::PushPbb(kind) => ensure(*kind == PBB_TYPE, BadAction::BadArgument),
        Action::SetField(field) => check_set_field(field),
        Action::Unknown { .. } => Err(BadAction::BadType),
        _ => Ok(()),
    }
}

/// Ports and metadata are the pipeline's (OF 1.3.5 §7.2.5); a value is whole, and of the field's bits.
fn check_set_field(field: &OxmField) -> Result<(), BadAction> {
    let Some(id) = field.id() else {
        return if field.key().class == CLASS_BASIC { Err(BadAction::BadSetType) } else { Ok(()) };
    };
    let of_pipeline = matches!(id, FieldId::InPort | FieldId::InPhyPort | FieldId::Metadata);
    let fixed = !FieldId::BASIC.contains(&id) && id.access() == Access::ReadOnly;
    if of_pipeline || fixed {
        return Err(BadAction::BadSetType);
    }
    let (value, mask) = field.to_bits().ok_or(BadAction::BadSetType)?;
    let all = u128::MAX >> (u128::BITS - id.bits());
    let tagged = id != FieldId::VlanVid || value & 0x1000 != 0;
    if mask & all != all || value & !all != 0 || !tagged {
        return Err(BadAction::BadSetArgument);
    }
    Ok(())
}
