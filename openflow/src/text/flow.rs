//! Flows in the words of `ovs-ofctl(8)`: those that a switch has, and changes of them.

use std::fmt;

use super::AltHex;
use crate::msg::flow_mod::{DEFAULT_PRIORITY, FlowMod, FlowModFlags};
use crate::msg::flow_removed::Age;
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

/// As `ovs-ofctl add-flow` reads it (for an addition; other commands name what they are to fit).
impl fmt::Display for FlowMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.table.0 != 0 {
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
        write_flags(f, self.flags)?;
        write_match(f, self.priority, &self.match_)?;
        write!(f, "actions={}", self.instructions)
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

/// `12.345s`: whole seconds without a fraction, else at least milliseconds and as many digits as
/// say it.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.secs)?;
        if self.nanos != 0 {
            let digits = format!("{:09}", self.nanos);
            let used = digits.trim_end_matches('0').len().max(3);
            write!(f, ".{}", &digits[..used])?;
        }
        f.write_str("s")
    }
}
