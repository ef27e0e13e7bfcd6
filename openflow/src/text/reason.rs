//! Why a message was sent, in Open vSwitch's words; it has some for reasons of later versions too.

use std::fmt;

use crate::msg::async_config::{AsyncConfig, ReasonMasks};
use crate::msg::flow_removed::FlowRemovedReason;
use crate::msg::packet_in::PacketInReason;

/// The reason of a packet-in.
pub(super) fn packet_in(reason: PacketInReason) -> String {
    match reason {
        PacketInReason::Unknown(3) => "action_set".into(),
        PacketInReason::Unknown(4) => "group".into(),
        PacketInReason::Unknown(5) => "packet_out".into(),
        reason => reason.to_string(),
    }
}

/// The reason of a flow-removed.
pub(super) fn flow_removed(reason: FlowRemovedReason) -> String {
    match reason {
        FlowRemovedReason::Unknown(4) => "meter_delete".into(),
        FlowRemovedReason::Unknown(5) => "eviction".into(),
        reason => reason.to_string(),
    }
}

/// The reason of a port-status, as it stands among those that a controller can choose.
fn port_status(reason: u8) -> String {
    match reason {
        0 => "add".into(),
        1 => "delete".into(),
        2 => "modify".into(),
        other => other.to_string(),
    }
}

/// Which asynchronous messages a controller gets, for what reasons.
pub(super) fn write_async(f: &mut fmt::Formatter<'_>, config: &AsyncConfig) -> fmt::Result {
    let primary = |masks: ReasonMasks| masks.master;
    let secondary = |masks: ReasonMasks| masks.slave;
    write_role(f, "primary", config, primary)?;
    f.write_str("\n")?;
    write_role(f, "secondary", config, secondary)
}

fn write_role(
    f: &mut fmt::Formatter<'_>,
    role: &str,
    config: &AsyncConfig,
    mask: impl Fn(ReasonMasks) -> u32,
) -> fmt::Result {
    write!(f, "\n {role}:")?;
    write_reasons(f, "PACKET_IN", mask(config.packet_in), |n| packet_in(n.into()))?;
    write_reasons(f, "PORT_STATUS", mask(config.port_status), port_status)?;
    write_reasons(f, "FLOW_REMOVED", mask(config.flow_removed), |n| flow_removed(u16::from(n).into()))?;
    // OpenFlow 1.3 does not have these messages; Open vSwitch lists them all the same.
    ["ROLE_STATUS", "TABLE_STATUS", "REQUESTFORWARD"]
        .iter()
        .try_for_each(|name| write_reasons(f, name, 0, port_status))
}

fn write_reasons(
    f: &mut fmt::Formatter<'_>,
    message: &str,
    mask: u32,
    word: impl Fn(u8) -> String,
) -> fmt::Result {
    write!(f, "\n{message:>16}:")?;
    if mask == 0 {
        return f.write_str(" (off)");
    }
    (0..32).filter(|bit| mask >> bit & 1 == 1).try_for_each(|bit| write!(f, " {}", word(bit)))
}
