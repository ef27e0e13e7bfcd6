//! Flows in the words of `ovs-ofctl(8)`: those that a switch has, and changes of them.

use std::fmt;

use super::{AltHex, reason};
use crate::ids::{GroupId, PortNo, TableId};
use crate::msg::flow_mod::{DEFAULT_PRIORITY, FlowMod, FlowModCommand, FlowModFlags};
use crate::msg::flow_removed::{Age, FlowRemoved};
use crate::multipart::FlowStats;
use crate::oxm::Match;

/// As `ovs-ofctl -O OpenFlow13 dump-flows` prints a flow, without the blank in front.
impl fmt::Display for FlowStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cookie={:#x}, duration={}, table={}, n_packets={}, n_bytes={}, ",
            self.cookie, self.age, self.table, self.packet_count, self.byte_count
        )?;
        if self.idle_timeout != 0 {
            write!(f, "idle_timeout={}, ", self.idle_timeout)?;
        }
        if self.hard_timeout != 0 {
            write!(f, "hard_timeout={}, ", self.hard_timeout)?;
        }
        write_flags(f, self.flags)?;
        write_match(f, self.priority, &self.match_)?;
        write!(f, "actions={}", self.instructions)
    }
}

/// As `ovs-ofctl` reads it: `add-flow` an addition, `mod-flows` a modification, `del-flows` a deletion. The latter has no
/// actions.
impl fmt::Display for FlowMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deletes = matches!(self.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
        // What is deleted from no table in particular is deleted from all.
        if self.table != if deletes { TableId::ALL } else { TableId(0) } {
            write!(f, "table={},", self.table)?;
        }
        if self.cookie != 0 || self.cookie_mask != 0 {
            write!(f, "cookie={:#x}", self.cookie)?;
            match self.cookie_mask {
                0 => f.write_str(",")?,
                mask => write!(f, "/{},", AltHex(mask))?,
            }
        }
        if self.idle_timeout != 0 {
            write!(f, "idle_timeout={},", self.idle_timeout)?;
        }
        if self.hard_timeout != 0 {
            write!(f, "hard_timeout={},", self.hard_timeout)?;
        }
        if deletes && self.out_port != PortNo::ANY {
            write!(f, "out_port={},", self.out_port)?;
        }
        match self.out_group {
            GroupId::ALL if deletes => f.write_str("out_group=ALL,")?,
            GroupId(group) if deletes && self.out_group != GroupId::ANY => write!(f, "out_group={group},")?,
            _ => {}
        }
        write_flags(f, self.flags)?;
        write_match(f, self.priority, &self.match_)?;
        if deletes && self.instructions.is_empty() {
            return Ok(());
        }
        write!(f, "actions={}", self.instructions)
    }
}

/// A flow-mod as `ovs-ofctl ofp-print` prints it: the command first, and other words than
/// `add-flow` reads.
pub(super) fn write_flow_mod(f: &mut fmt::Formatter<'_>, flow: &FlowMod) -> fmt::Result {
    write!(f, " {}", flow.command)?;
    if flow.table.0 != 0 {
        write!(f, " table:{}", flow.table)?;
    }
    f.write_str(" ")?;
    write_match(f, flow.priority, &flow.match_)?;
    // An addition has no use for the mask; the others change no cookie.
    match (flow.command, flow.cookie, flow.cookie_mask) {
        (FlowModCommand::Add, 0 | u64::MAX, _) => {}
        (FlowModCommand::Add, cookie, _) => write!(f, "cookie:{cookie:#x} ")?,
        (_, _, 0) => {}
        (_, cookie, mask) => write!(f, "cookie:{cookie:#x}/{mask:#x} ")?,
    }
    if flow.idle_timeout != 0 {
        write!(f, "idle:{} ", flow.idle_timeout)?;
    }
    if flow.hard_timeout != 0 {
        write!(f, "hard:{} ", flow.hard_timeout)?;
    }
    if let Some(buffer) = flow.buffer {
        write!(f, "buf:{:#x} ", buffer.0)?;
    }
    if flow.out_port != PortNo::ANY {
        write!(f, "out_port:{} ", flow.out_port)?;
    }
    write_flags(f, flow.flags)?;
    write!(f, "actions={}", flow.instructions)
}

/// A flow-removed as `ovs-ofctl ofp-print` prints it.
pub(super) fn write_flow_removed(f: &mut fmt::Formatter<'_>, removed: &FlowRemoved) -> fmt::Result {
    f.write_str(" ")?;
    if removed.priority != DEFAULT_PRIORITY {
        write!(f, "priority={}", removed.priority)?;
        write_match_of(f, ",", &removed.match_)?;
    } else {
        write!(f, "{}", removed.match_)?;
    }
    write!(f, " reason={}", reason::flow_removed(removed.reason))?;
    if removed.table != TableId::ALL {
        write!(f, " table_id={}", removed.table)?;
    }
    if removed.cookie != 0 {
        write!(f, " cookie:{:#x}", removed.cookie)?;
    }
    write!(f, " duration{} idle{}", removed.age, removed.idle_timeout)?;
    if removed.hard_timeout != 0 {
        write!(f, " hard{}", removed.hard_timeout)?;
    }
    write!(f, " pkts{} bytes{}", removed.packet_count, removed.byte_count)
}

/// A match with something in front of it; nothing at all where it takes every packet.
pub(super) fn write_match_of(f: &mut fmt::Formatter<'_>, before: &str, matched: &Match) -> fmt::Result {
    match matched.is_empty() {
        true => Ok(()),
        false => write!(f, "{before}{matched}"),
    }
}

/// Priority, where it is not the default, and match, with a blank behind if there is either.
fn write_match(f: &mut fmt::Formatter<'_>, priority: u16, matched: &Match) -> fmt::Result {
    match (priority, matched.is_empty()) {
        (DEFAULT_PRIORITY, true) => Ok(()),
        (DEFAULT_PRIORITY, false) => write!(f, "{matched} "),
        (_, true) => write!(f, "priority={priority} "),
        (_, false) => write!(f, "priority={priority},{matched} "),
    }
}

fn write_flags(f: &mut fmt::Formatter<'_>, flags: FlowModFlags) -> fmt::Result {
    const WORDS: [(FlowModFlags, &str); 5] = [
        (FlowModFlags::SEND_FLOW_REM, "send_flow_rem"),
        (FlowModFlags::CHECK_OVERLAP, "check_overlap"),
        (FlowModFlags::RESET_COUNTS, "reset_counts"),
        (FlowModFlags::NO_PKT_COUNTS, "no_packet_counts"),
        (FlowModFlags::NO_BYT_COUNTS, "no_byte_counts"),
    ];
    for (flag, word) in WORDS {
        if flags.contains(flag) {
            write!(f, "{word} ")?;
        }
    }
    Ok(())
}

/// `12.345s`: whole seconds without a fraction, whole milliseconds with three digits, else as many
/// digits as say it.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLISECOND: u32 = 1_000_000;
        write!(f, "{}", self.secs)?;
        match self.nanos {
            0 => {}
            nanos if nanos % MILLISECOND == 0 => write!(f, ".{:03}", nanos / MILLISECOND)?,
            nanos => write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?,
        }
        f.write_str("s")
    }
}
