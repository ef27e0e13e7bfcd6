//! The words of `ovs-ofctl(8)`, both ways: printing as [`std::fmt::Display`], reading as
//! [`std::str::FromStr`] or, with choices, by a [`Parser`].
//!
//! # Printing
//! A [`Message`](crate::Message) prints as `ovs-ofctl ofp-print` of Open vSwitch 3.1 prints it, without
//! the last end of line. Where that cuts names of fields of tables, drops bits or has only hex for a
//! message, the words here are our own; control characters in a switch's description are escaped.
//!
//! Matches, actions, instructions, flows, groups and meters print as Open vSwitch prints them for
//! OpenFlow 1.3. What Open vSwitch has no words for (PBB, TTL copies, unknown fields and actions)
//! prints in like manner, numbers in hex; all of that but unknown instructions and bands is read
//! back.
//!
//! # Reading
//! Flows, groups and meters are read as `ovs-ofctl -O OpenFlow13` of Open vSwitch 3.1 reads them:
//! all names of fields with their aliases, protocol words, decimal, hexadecimal and octal numbers,
//! masks and prefixes, ports by number, reserved name or name, and the older actions, which become
//! what Open vSwitch sends for them (`mod_vlan_vid:5` pushes a tag if there is none and sets its
//! id). What `dump-flows`, `dump-groups` and `dump-meters` print is read too.
//!
//! An error says where it is, what was found and what was expected; an unknown word comes with the
//! known one that is like it:
//!
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::text::parse_flow;
//! let text = "tcp,tp_dst=80 actions=otput:2";
//! let error = parse_flow(text).unwrap_err();
//! assert_eq!(error.to_string(), "column 23: unknown action \"otput\"; did you mean \"output\"?");
//! let underline = format!("{:>1$}", "^".repeat(error.length()), error.column() + error.length() - 1);
//! assert_eq!(format!("{text}\n{underline}"), "\
//! tcp,tp_dst=80 actions=otput:2
//!                       ^^^^^");
//! ```
//!
//! Open vSwitch takes some texts without meaning them; [`Strictness`] chooses what becomes of these.
//! Where the two differ otherwise: an IPv6 mask that starts with a digit is read here (Open vSwitch
//! prints such masks, and takes them for the length of a prefix), and `set_field` of `dl_vlan` or
//! `dl_vlan_pcp` is refused (Open vSwitch sends another field).
//!
//! # Open vSwitch's own
//! Its fields (registers, `tun_*`, `ct_*`, NSH, ...) and its actions (`resubmit`, `load`, `move`, `learn`,
//! `ct` with `nat`, `conjunction`, `note`, `controller`, `output:FIELD`, `clone`, `check_pkt_larger`,
//! `dec_ttl(IDS)`, `push`, `pop`, `exit`, `fin_timeout`, `ct_clear`) are read and printed as well. The
//! fields `tun_metadata0` to `63` have no fixed length and are not known; the actions `bundle`,
//! `multipath`, `sample`, `encap` and `decap` stay bytes: `experimenter(0x2320,0x...)`.

mod action;
mod bits;
mod ethernet;
mod extended;
mod extension;
mod failure;
mod field_names;
mod flags;
mod flow;
mod fold;
mod group;
mod matching;
mod message;
mod meter;
mod multipart;
mod nicira;
mod order;
mod packet;
mod parse;
mod port;
mod reason;
mod table;
mod table_features;

use std::fmt;

pub use self::ethernet::Frame;
pub use self::parse::{
    Parser, Ports, Problem, Strictness, Subject, TextError, parse_flow, parse_flow_stats, parse_flow_with,
    parse_flows, parse_group, parse_meter,
};
use crate::oxm::{Masked, OxmValue};

/// Bytes as one hex number.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A number as C's `%#x` prints it: zero has no `0x`.
struct AltHex<T>(T);

impl<T: Into<u128> + Copy> fmt::Display for AltHex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.into() {
            0 => f.write_str("0"),
            n => write!(f, "{n:#x}"),
        }
    }
}

/// A number in hex with its mask, where it has one.
fn masked_hex<T: OxmValue + Into<u128>>(value: Masked<T>) -> String {
    let bits = AltHex(value.value);
    match value.mask {
        None => bits.to_string(),
        Some(mask) => format!("{bits}/{}", AltHex(mask)),
    }
}

/// Writes items with commas between.
struct List<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    empty: bool,
}

impl<'a, 'f> List<'a, 'f> {
    fn new(f: &'a mut fmt::Formatter<'f>) -> Self {
        List { f, empty: true }
    }

    fn item(&mut self, item: impl fmt::Display) -> fmt::Result {
        if !self.empty {
            self.f.write_str(",")?;
        }
        self.empty = false;
        write!(self.f, "{item}")
    }

    fn named(&mut self, name: &str, value: impl fmt::Display) -> fmt::Result {
        self.item(format_args!("{name}={value}"))
    }
}
