//! Whether a message keeps to OpenFlow 1.3, beyond what must hold to read it.

mod multipart;
mod part;

use bitflags::Flags;

use self::part::{actions, bands, buckets, instructions, is_watchable, sound};
use crate::consistency::Place;
use crate::error::{
    BadRequest, DecodeError, ErrorKind, FlowModFailed, GroupModFailed, MeterModFailed, PortModFailed,
    RoleRequestFailed, SwitchConfigFailed, TableModFailed,
};
use crate::extension::{BundleAdd, BundleControl, BundleFlags, BundleStep, Extension, ONF, PacketInFormat};
use crate::ids::{GroupId, MeterId, PortNo, TableId};
use crate::msg::config::{Fragments, SwitchConfig};
use crate::msg::flow_mod::FlowModCommand;
use crate::msg::flow_removed::FlowRemovedReason;
use crate::msg::group_mod::{GroupKind, GroupMod, GroupModCommand};
use crate::msg::meter_mod::{MeterMod, MeterModCommand};
use crate::msg::port::{PortMod, PortStatusReason};
use crate::msg::queue::QueueProperty;
use crate::msg::role::{Role, RoleKind};
use crate::msg::table_mod::TableMod;
use crate::{Body, FlowMod, Message, PacketIn, PacketInReason, PacketOut};

type Checked = Result<(), DecodeError>;

fn unnamed(what: &'static str, number: impl Into<u32>, refusal: impl Into<ErrorKind>) -> DecodeError {
    DecodeError::Unnamed { what, number: number.into(), refusal: refusal.into() }
}

fn misplaced(what: &'static str, number: impl Into<u32>, refusal: impl Into<ErrorKind>) -> DecodeError {
    DecodeError::Misplaced { what, number: number.into(), refusal: refusal.into() }
}

/// All bits have names.
fn named_flags<F: Flags<Bits: Into<u32>>>(
    what: &'static str,
    flags: F,
    refusal: impl Into<ErrorKind>,
) -> Checked {
    let named = F::FLAGS
        .iter()
        .filter(|flag| flag.is_named())
        .fold(0, |bits, flag| bits | flag.value().bits().into());
    match flags.bits().into() & !named {
        0 => Ok(()),
        rest => Err(unnamed(what, rest, refusal)),
    }
}

/// Bundles' errors are ones of the experimenter ONF (EXT-230, `OFPET_BUNDLE_FAILED`).
const BUNDLE_BAD_TYPE: ErrorKind = ErrorKind::Experimenter { exp_type: 2306, experimenter: ONF };
const BUNDLE_BAD_FLAGS: ErrorKind = ErrorKind::Experimenter { exp_type: 2307, experimenter: ONF };

impl Message {
    /// Whether a message keeps to what OpenFlow 1.3 says of it: types, kinds, commands, flags, reasons and roles have
    /// names; ports, tables, groups and meters can be where they are; actions fit where they stand and, as far as a
    /// match tells, the packets that come to them; matches make sense as a whole ([`Match::check`](crate::Match::check)).
    /// It holds for what lies in other parts too: buckets, bands, packet-outs, bundles, parts of multiparts.
    ///
    /// [`Message::decode`] reads a message that fails here all the same, and keeps what is odd about it; a session with
    /// [`Strictness::Strict`](crate::session::Strictness) does not let it pass.
    ///
    /// What is an experimenter's passes: whoever knows it may judge it. Open vSwitch's own actions are checked as those
    /// of OpenFlow are, but for what `learn` makes of packets. What depends on the state of a switch (which tables,
    /// groups and meters there are) is for the switch to say. A packet-in's fields are those of one packet and need no
    /// others (OF 1.3.5 §7.4.1).
    ///
    /// # Errors
    /// The first thing that is wrong, whose [`DecodeError::to_error_kind`] is the refusal that the specification asks
    /// for.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.body.check()
    }
}

impl PacketIn {
    /// As [`Message::check`].
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        packet_in_reason(self.reason)
    }
}

impl Body {
    fn check(&self) -> Checked {
        match self {
            Body::Unknown { msg_type, .. } => Err(unnamed("message type", *msg_type, BadRequest::BadType)),
            Body::Error(error) => error_kind(error.kind),
            Body::GetConfigReply(config) | Body::SetConfig(config) => switch_config(config),
            Body::PacketIn(packet) => packet.check(),
            Body::FlowRemoved(flow) => {
                removed_reason(flow.reason)?;
                sound(&flow.match_)
            }
            Body::PortStatus(status) => match status.reason {
                PortStatusReason::Unknown(number) => {
                    Err(unnamed("port-status reason", number, BadRequest::BadType))
                }
                _ => Ok(()),
            },
            Body::PacketOut(packet) => packet_out(packet),
            Body::FlowMod(flow) => flow_mod(flow),
            Body::GroupMod(group) => group_mod(group),
            Body::PortMod(it) => port_mod(it),
            Body::TableMod(it) => table_mod(it),
            Body::MeterMod(meter) => meter_mod(meter),
            Body::QueueGetConfigReply(config) => {
                let mut properties = config.queues.iter().flat_map(|queue| &queue.properties);
                properties.try_for_each(|it| match it {
                    QueueProperty::Unknown { kind, .. } => {
                        Err(unnamed("queue property", *kind, BadRequest::BadType))
                    }
                    _ => Ok(()),
                })
            }
            Body::RoleRequest(it) | Body::RoleReply(it) => role(it),
            Body::MultipartRequest(request) => multipart::request(request),
            Body::MultipartReply(reply) => multipart::reply(reply),
            Body::Extension(it) => extension(it),
            _ => Ok(()),
        }
    }
}

fn error_kind(kind: ErrorKind) -> Checked {
    /// The last error type that OpenFlow 1.3 names but for experimenters' (OF 1.3.5 §7.4.4).
    const LAST: u16 = 13;
    match kind {
        ErrorKind::Unknown { etype, .. } if etype > LAST => {
            Err(unnamed("error type", etype, BadRequest::BadType))
        }
        ErrorKind::Unknown { code, .. } => Err(unnamed("error code", code, BadRequest::BadType)),
        _ => Ok(()),
    }
}

/// That invalid fragments go to Open vSwitch's match is of its own making (`ovs-ofctl(8)`, "set-frags").
fn switch_config(config: &SwitchConfig) -> Checked {
    const NX_MATCH: u16 = 3;
    match config.fragments {
        _ if config.reserved != 0 => {
            Err(unnamed("switch configuration", config.reserved, SwitchConfigFailed::BadFlags))
        }
        Fragments::Unknown(NX_MATCH) => Ok(()),
        Fragments::Unknown(flags) => {
            Err(unnamed("switch configuration", flags, SwitchConfigFailed::BadFlags))
        }
        _ => Ok(()),
    }
}

fn packet_in_reason(reason: PacketInReason) -> Checked {
    match reason {
        PacketInReason::Unknown(number) => Err(unnamed("packet-in reason", number, BadRequest::BadType)),
        _ => Ok(()),
    }
}

fn removed_reason(reason: FlowRemovedReason) -> Checked {
    match reason {
        FlowRemovedReason::Unknown(number) => {
            Err(unnamed("flow-removed reason", number, BadRequest::BadType))
        }
        _ => Ok(()),
    }
}

/// A packet comes from a port or from the controller (OF 1.3.5 §7.3.7); Open vSwitch's programs say that it comes from
/// none.
fn packet_out(packet: &PacketOut) -> Checked {
    let from = packet.in_port;
    if !from.is_ordinary() && !matches!(from, PortNo::CONTROLLER | PortNo::LOCAL | PortNo::ANY) {
        return Err(misplaced("ingress port", from.0, BadRequest::BadPort));
    }
    actions(&packet.actions, Place::PacketOut)
}

fn flow_mod(flow: &FlowMod) -> Checked {
    let deletes = match flow.command {
        FlowModCommand::Unknown(number) => {
            return Err(unnamed("flow-mod command", number, FlowModFailed::BadCommand));
        }
        FlowModCommand::Delete | FlowModCommand::DeleteStrict => true,
        FlowModCommand::Add | FlowModCommand::Modify | FlowModCommand::ModifyStrict => false,
    };
    named_flags("flow-mod flags", flow.flags, FlowModFailed::BadFlags)?;
    if flow.table > TableId::MAX && !deletes {
        return Err(misplaced("flow table", flow.table.0, FlowModFailed::BadTableId));
    }
    sound(&flow.match_)?;
    instructions(&flow.instructions, &flow.match_, flow.table)
}

fn group_mod(group: &GroupMod) -> Checked {
    let all = match group.command {
        GroupModCommand::Unknown(number) => {
            return Err(unnamed("group-mod command", number, GroupModFailed::BadCommand));
        }
        GroupModCommand::Delete => group.group == GroupId::ALL,
        GroupModCommand::Add | GroupModCommand::Modify => false,
    };
    if let GroupKind::Unknown(number) = group.kind {
        return Err(unnamed("group type", number, GroupModFailed::BadType));
    }
    if group.group > GroupId::MAX && !all {
        return Err(misplaced("group", group.group.0, GroupModFailed::InvalidGroup));
    }
    if group.command == GroupModCommand::Delete {
        return Ok(());
    }
    let count = group.buckets.len() as u32;
    if group.kind == GroupKind::Indirect && count != 1 {
        return Err(misplaced("number of buckets", count, GroupModFailed::InvalidGroup));
    }
    for bucket in &group.buckets {
        if !is_watchable(bucket.watch_port)
            || (bucket.watch_group > GroupId::MAX && bucket.watch_group != GroupId::ANY)
        {
            return Err(misplaced(
                "watched port or group of bucket",
                bucket.watch_port.0,
                GroupModFailed::BadWatch,
            ));
        }
    }
    buckets(&group.buckets)
}

fn meter_mod(meter: &MeterMod) -> Checked {
    let all = match meter.command {
        MeterModCommand::Unknown(number) => {
            return Err(unnamed("meter-mod command", number, MeterModFailed::BadCommand));
        }
        MeterModCommand::Delete => meter.meter == MeterId::ALL,
        MeterModCommand::Add | MeterModCommand::Modify => false,
    };
    if !part::is_meter(meter.meter) && !all {
        return Err(misplaced("meter", meter.meter.0, MeterModFailed::InvalidMeter));
    }
    part::meter_flags(meter.flags)?;
    bands(&meter.bands)
}

fn port_mod(it: &PortMod) -> Checked {
    if !it.port.is_ordinary() && it.port != PortNo::LOCAL {
        return Err(misplaced("port", it.port.0, PortModFailed::BadPort));
    }
    named_flags("port configuration", it.config, PortModFailed::BadConfig)?;
    named_flags("port configuration", it.mask, PortModFailed::BadConfig)?;
    named_flags("port features", it.advertise, PortModFailed::BadAdvertise)
}

fn table_mod(it: &TableMod) -> Checked {
    /// Bits of earlier versions, which have no meaning any more (OF 1.3.5 §7.3.3, `OFPTC_DEPRECATED_MASK`).
    const DEPRECATED: u32 = 3;
    match it.config & !DEPRECATED {
        0 => Ok(()),
        bits => Err(unnamed("table configuration", bits, TableModFailed::BadConfig)),
    }
}

fn role(role: &Role) -> Checked {
    match role.kind {
        RoleKind::Unknown(number) => Err(unnamed("role", number, RoleRequestFailed::BadRole)),
        _ => Ok(()),
    }
}

fn extension(message: &Extension) -> Checked {
    match message {
        Extension::SetPacketInFormat(PacketInFormat::Unknown(number)) => {
            // As Open vSwitch refuses it.
            Err(unnamed("packet-in format", *number, BadRequest::Eperm))
        }
        Extension::PacketIn2(packet) | Extension::Resume(packet) => {
            packet.reason.map_or(Ok(()), packet_in_reason)
        }
        Extension::BundleControl(BundleControl { step: BundleStep::Unknown(number), .. }) => {
            Err(unnamed("bundle step", *number, BUNDLE_BAD_TYPE))
        }
        Extension::BundleControl(BundleControl { flags, .. }) => bundle_flags(*flags),
        Extension::BundleAdd(BundleAdd { flags, body, .. }) => {
            bundle_flags(*flags)?;
            body.check()
        }
        _ => Ok(()),
    }
}

fn bundle_flags(flags: BundleFlags) -> Checked {
    named_flags("bundle flags", flags, BUNDLE_BAD_FLAGS)
}
