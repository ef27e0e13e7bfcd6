//! Values that are no objects: numbers, names, text.

use std::fmt;

use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::ids::{BufferId, GroupId, MeterId, PortNo, QueueId, TableId};

/// A name, or the number of what has none.
#[derive(Clone, Copy)]
pub(super) enum Symbol {
    Name(&'static str),
    Number(u32),
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Symbol::Name(name) => serializer.serialize_str(name),
            Symbol::Number(number) => serializer.serialize_u32(*number),
        }
    }
}

/// What prints, as text.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A counter of 64 bits: decimal, as text.
pub(super) fn count(counter: u64) -> Text<u64> {
    Text(counter)
}

/// Bits of a cookie, of metadata: hex, as text.
pub(super) fn bits(number: u64) -> Text<String> {
    Text(format!("{number:#x}"))
}

/// Bytes: two hex digits each.
pub(super) struct Data<'a>(pub(super) &'a [u8]);

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A port: its number, or the name of one with a meaning of its own.
pub(super) fn port(port: PortNo) -> Symbol {
    match port {
        PortNo::IN_PORT => Symbol::Name("in_port"),
        PortNo::TABLE => Symbol::Name("table"),
        PortNo::NORMAL => Symbol::Name("normal"),
        PortNo::FLOOD => Symbol::Name("flood"),
        PortNo::ALL => Symbol::Name("all"),
        PortNo::CONTROLLER => Symbol::Name("controller"),
        PortNo::LOCAL => Symbol::Name("local"),
        PortNo::ANY => Symbol::Name("any"),
        port => Symbol::Number(port.0),
    }
}

pub(super) fn table(table: TableId) -> Symbol {
    match table {
        TableId::ALL => Symbol::Name("all"),
        table => Symbol::Number(table.0.into()),
    }
}

pub(super) fn group(group: GroupId) -> Symbol {
    match group {
        GroupId::ALL => Symbol::Name("all"),
        GroupId::ANY => Symbol::Name("any"),
        group => Symbol::Number(group.0),
    }
}

pub(super) fn meter(meter: MeterId) -> Symbol {
    match meter {
        MeterId::ALL => Symbol::Name("all"),
        MeterId::CONTROLLER => Symbol::Name("controller"),
        MeterId::SLOWPATH => Symbol::Name("slowpath"),
        meter => Symbol::Number(meter.0),
    }
}

pub(super) fn queue(queue: QueueId) -> Symbol {
    match queue {
        QueueId::ALL => Symbol::Name("all"),
        queue => Symbol::Number(queue.0),
    }
}

/// A buffer; `null` where there is none.
pub(super) fn buffer(buffer: Option<BufferId>) -> Option<u32> {
    buffer.map(|buffer| buffer.0)
}

/// Names of the bits that are set, then the bits that have none, as one number.
pub(super) struct Flags<T>(pub(super) T);

impl<T> Serialize for Flags<T>
where
    T: bitflags::Flags + Copy,
    T::Bits: Into<u32>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        let mut names = self.0.iter_names();
        for (name, _) in names.by_ref() {
            sequence.serialize_element(&name.to_ascii_lowercase())?;
        }
        let rest: u32 = names.remaining().bits().into();
        if rest != 0 {
            sequence.serialize_element(&rest)?;
        }
        sequence.end()
    }
}

/// Numbers of which each bit is one of a list with names, as [`Flags`].
pub(super) fn named_bits(bits: u32, names: &[(u32, &'static str)]) -> Vec<Symbol> {
    let named = names.iter().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| Symbol::Name(name));
    let rest = names.iter().fold(bits, |rest, (bit, _)| rest & !(1 << bit));
    named.chain((rest != 0).then_some(Symbol::Number(rest))).collect()
}
