//! Actions and instructions in the words of `ovs-ofctl(8)`: `pop_vlan,output:2`.

use std::fmt;

use super::{AltHex, Hex, List, extended};
use crate::action::{Action, Actions};
use crate::ids::PortNo;
use crate::instruction::{Instruction, Instructions};
use crate::oxm::{FieldId, Masked, OxmField, OxmValue};

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Output { port, max_len } => match (*port, port.reserved_name()) {
                (PortNo::CONTROLLER, _) => write!(f, "CONTROLLER:{max_len}"),
                (_, Some(name)) => f.write_str(name),
                (port, None) => write!(f, "output:{port}"),
            },
            Action::CopyTtlOut => f.write_str("copy_ttl_out"),
            Action::CopyTtlIn => f.write_str("copy_ttl_in"),
            Action::SetMplsTtl(ttl) => write!(f, "set_mpls_ttl({ttl})"),
            Action::DecMplsTtl => f.write_str("dec_mpls_ttl"),
            Action::PushVlan(ethertype) => write!(f, "push_vlan:{ethertype:#06x}"),
            Action::PopVlan => f.write_str("pop_vlan"),
            Action::PushMpls(ethertype) => write!(f, "push_mpls:{ethertype:#06x}"),
            Action::PopMpls(ethertype) => write!(f, "pop_mpls:{ethertype:#06x}"),
            Action::SetQueue(queue) => write!(f, "set_queue:{queue}"),
            Action::Group(group) => write!(f, "group:{group}"),
            Action::SetNwTtl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
            Action::DecNwTtl => f.write_str("dec_ttl"),
            Action::SetField(field) => write!(f, "set_field:{}->{}", Value(field), Name(field)),
            Action::PushPbb(ethertype) => write!(f, "push_pbb:{ethertype:#06x}"),
            Action::PopPbb => f.write_str("pop_pbb"),
            Action::Nicira(action) => write!(f, "{action}"),
            Action::Experimenter { experimenter, body } => {
                write!(f, "experimenter({experimenter:#x},{})", Hex(body))
            }
            Action::Unknown { kind, body } => write!(f, "unknown({kind},{})", Hex(body)),
        }
    }
}

/// The name of a field as `set_field` says it.
pub(super) struct Name<'a>(pub(super) &'a OxmField);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.id() {
            // In a set_field, `in_port` is Open vSwitch's own field of 16 bits (`ovs-fields(7)`).
            Some(FieldId::InPort) => f.write_str("in_port_oxm"),
            Some(id) => f.write_str(id.name()),
            None => {
                let key = self.0.key();
                write!(f, "oxm({:#06x},{})", key.class, key.field)
            }
        }
    }
}

/// The value of a field as `set_field` says it.
pub(super) struct Value<'a>(pub(super) &'a OxmField);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            OxmField::InPort(port) | OxmField::InPhyPort(port) => write!(f, "{port}"),
            OxmField::Metadata(value) | OxmField::TunnelId(value) => {
                masked(f, value, |v| AltHex(v).to_string())
            }
            OxmField::EthDst(mac)
            | OxmField::EthSrc(mac)
            | OxmField::ArpSha(mac)
            | OxmField::ArpTha(mac)
            | OxmField::Ipv6NdSll(mac)
            | OxmField::Ipv6NdTll(mac) => write!(f, "{mac}"),
            OxmField::EthType(value) => write!(f, "{}", AltHex(*value)),
            OxmField::VlanVid(vid) => match vid.mask {
                None => write!(f, "{}", vid.value.0),
                Some(mask) => write!(f, "{}/{:#x}", vid.value.0, mask.0),
            },
            OxmField::VlanPcp(value)
            | OxmField::IpDscp(value)
            | OxmField::IpEcn(value)
            | OxmField::IpProto(value)
            | OxmField::Icmpv4Type(value)
            | OxmField::Icmpv4Code(value)
            | OxmField::Icmpv6Type(value)
            | OxmField::Icmpv6Code(value)
            | OxmField::MplsTc(value)
            | OxmField::MplsBos(value) => write!(f, "{value}"),
            OxmField::Ipv4Src(net)
            | OxmField::Ipv4Dst(net)
            | OxmField::ArpSpa(net)
            | OxmField::ArpTpa(net) => write!(f, "{net}"),
            OxmField::Ipv6Src(net) | OxmField::Ipv6Dst(net) | OxmField::Ipv6NdTarget(net) => {
                write!(f, "{net}")
            }
            OxmField::TcpSrc(port)
            | OxmField::TcpDst(port)
            | OxmField::UdpSrc(port)
            | OxmField::UdpDst(port)
            | OxmField::SctpSrc(port)
            | OxmField::SctpDst(port) => match port.mask {
                None => write!(f, "{}", port.value),
                Some(mask) => write!(f, "{}/{mask:#x}", port.value),
            },
            OxmField::ArpOp(op) => write!(f, "{op}"),
            OxmField::Ipv6Flabel(label) => masked(f, label, |v| AltHex(v).to_string()),
            OxmField::MplsLabel(label) => write!(f, "{label}"),
            OxmField::PbbIsid(isid) => masked(f, isid, |v| v.to_string()),
            OxmField::Ipv6Exthdr(value) => masked(f, value, |v| AltHex(v).to_string()),
            OxmField::Unknown { bytes, .. } => write!(f, "{}", Hex(bytes)),
            other => match other.id() {
                Some(id) => write!(f, "{}", extended::Value(other, id, extended::Place::SetField)),
                None => Ok(()),
            },
        }
    }
}

fn masked<T: OxmValue>(
    f: &mut fmt::Formatter<'_>,
    value: &Masked<T>,
    print: impl Fn(T) -> String,
) -> fmt::Result {
    f.write_str(&print(value.value))?;
    match value.mask {
        None => Ok(()),
        Some(mask) => write!(f, "/{}", print(mask)),
    }
}

/// With commas between; no action at all is `drop`.
impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("drop");
        }
        let mut list = List::new(f);
        self.iter().try_for_each(|action| list.item(action))
    }
}

/// What `ovs-ofctl` puts behind `actions=`: in the order in which a switch carries them out, the
/// applied actions without a word around them; `drop` where nothing is done.
impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ordered: Vec<&Instruction> = self.iter().collect();
        ordered.sort_by_key(|instruction| order(instruction));
        let mut list = List::new(f);
        for instruction in ordered {
            match instruction {
                Instruction::ApplyActions(actions) => {
                    actions.iter().try_for_each(|action| list.item(action))?;
                }
                other => list.item(other)?,
            }
        }
        if list.empty { f.write_str("drop") } else { Ok(()) }
    }
}

/// OF 1.3.5 §5.9.
fn order(instruction: &Instruction) -> u8 {
    match instruction {
        Instruction::Meter(_) => 0,
        Instruction::ApplyActions(_) => 1,
        Instruction::ClearActions => 2,
        Instruction::WriteActions(_) => 3,
        Instruction::WriteMetadata { .. } => 4,
        Instruction::Experimenter { .. } | Instruction::Unknown { .. } => 5,
        Instruction::GotoTable(_) => 6,
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Instruction::GotoTable(table) => write!(f, "goto_table:{table}"),
            Instruction::WriteMetadata { metadata, mask } => {
                write!(f, "write_metadata:{}", AltHex(*metadata))?;
                match *mask {
                    u64::MAX => Ok(()),
                    mask => write!(f, "/{}", AltHex(mask)),
                }
            }
            Instruction::WriteActions(actions) => write!(f, "write_actions({actions})"),
            Instruction::ApplyActions(actions) => write!(f, "{actions}"),
            Instruction::ClearActions => f.write_str("clear_actions"),
            Instruction::Meter(meter) => write!(f, "meter:{meter}"),
            Instruction::Experimenter { experimenter, body } => {
                write!(f, "experimenter({experimenter:#x},{})", Hex(body))
            }
            Instruction::Unknown { kind, body } => write!(f, "unknown({kind},{})", Hex(body)),
        }
    }
}
