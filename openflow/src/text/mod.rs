//! Printing in the words of `ovs-ofctl(8)`, as [`std::fmt::Display`].
//!
//! Matches, actions, instructions and flows print as Open vSwitch prints them for OpenFlow 1.3.
//! What Open vSwitch has no words for (PBB, TTL copies, unknown fields and actions) prints in like
//! manner, numbers in hex.

mod action;
mod flow;
mod matching;

use std::fmt;

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
struct AltHex(u64);

impl fmt::Display for AltHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            n => write!(f, "{n:#x}"),
        }
    }
}

/// A number in hex with its mask, where it has one.
fn masked_hex<T: OxmValue + Into<u64>>(value: Masked<T>) -> String {
    let bits = AltHex(value.value.into());
    match value.mask {
        None => bits.to_string(),
        Some(mask) => format!("{bits}/{}", AltHex(mask.into())),
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
