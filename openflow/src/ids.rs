//! Identifiers of OpenFlow as types of their own, so that a port is never taken for a table.

use std::fmt;
use std::str::FromStr;

/// Transaction id of a message (OF 1.3.5 §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Xid(pub u32);

impl fmt::Display for Xid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Identity of a switch: 16 bits the implementer's, 48 bits usually a MAC address (OF 1.3.5 §7.3.1).
///
/// Printed as 16 hex digits, as Open vSwitch does; read from hex digits with or without `0x`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DatapathId(pub u64);

impl fmt::Display for DatapathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Text that is no identifier of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no {what}; expected {expected}")]
pub struct ParseIdError {
    /// What was to be read.
    pub what: &'static str,
    /// What it must look like.
    pub expected: &'static str,
    /// What was given.
    pub text: String,
}

impl FromStr for DatapathId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u64::from_str_radix(digits, 16) {
            Ok(id) if plain => Ok(DatapathId(id)),
            _ => Err(ParseIdError {
                what: "datapath id",
                expected: "1 to 16 hex digits",
                text: text.to_owned(),
            }),
        }
    }
}

/// Port number; those from [`PortNo::MAX`] on have a meaning of their own (OF 1.3.5 §7.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortNo(pub u32);

impl PortNo {
    /// The last number that a physical or logical port can have.
    pub const MAX: PortNo = PortNo(0xffff_ff00);
    /// Back out of the port on which the packet came in.
    pub const IN_PORT: PortNo = PortNo(0xffff_fff8);
    /// Through the flow tables from the start; in a packet-out only.
    pub const TABLE: PortNo = PortNo(0xffff_fff9);
    /// The switch's own learning pipeline.
    pub const NORMAL: PortNo = PortNo(0xffff_fffa);
    /// All ports but the ingress port and those closed to floods.
    pub const FLOOD: PortNo = PortNo(0xffff_fffb);
    /// All ports but the ingress port.
    pub const ALL: PortNo = PortNo(0xffff_fffc);
    /// To the controller, as a packet-in.
    pub const CONTROLLER: PortNo = PortNo(0xffff_fffd);
    /// The switch's own network stack.
    pub const LOCAL: PortNo = PortNo(0xffff_fffe);
    /// No port or every port, as the message says.
    pub const ANY: PortNo = PortNo(0xffff_ffff);

    const NAMED: [(PortNo, &'static str); 8] = [
        (PortNo::IN_PORT, "IN_PORT"),
        (PortNo::TABLE, "TABLE"),
        (PortNo::NORMAL, "NORMAL"),
        (PortNo::FLOOD, "FLOOD"),
        (PortNo::ALL, "ALL"),
        (PortNo::CONTROLLER, "CONTROLLER"),
        (PortNo::LOCAL, "LOCAL"),
        (PortNo::ANY, "ANY"),
    ];

    /// The name of a port with a meaning of its own (`LOCAL`, `CONTROLLER`, ...).
    pub fn reserved_name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(port, _)| *port == self).map(|(_, name)| *name)
    }

    /// The port with a meaning of its own that has this name, in any case.
    pub fn from_reserved_name(name: &str) -> Option<PortNo> {
        Self::NAMED.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(port, _)| *port)
    }

    /// Whether the number can belong to a physical or logical port (1 to [`PortNo::MAX`]).
    pub fn is_ordinary(self) -> bool {
        self.0 != 0 && self <= PortNo::MAX
    }
}

/// As Open vSwitch prints it. Decimal numbers from 65280 to 65535 it reads as the reserved ports of OpenFlow 1.0, so
/// ports that have these numbers print in hex.
impl fmt::Display for PortNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reserved_name() {
            Some(name) => f.write_str(name),
            None if (0xff00..=0xffff).contains(&self.0) => write!(f, "{:#x}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for PortNo {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let hex = text.strip_prefix("0x").map(|digits| u32::from_str_radix(digits, 16));
        if let Ok(number) = hex.unwrap_or_else(|| text.parse()) {
            return Ok(PortNo(number));
        }
        PortNo::from_reserved_name(text).ok_or_else(|| ParseIdError {
            what: "port",
            expected: "a number or a name such as LOCAL",
            text: text.to_owned(),
        })
    }
}

/// Defines an identifier that is a plain number to whoever reads it.
macro_rules! number_id {
    ($(#[$meta:meta])* $name:ident($repr:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $repr);

        impl From<$repr> for $name {
            fn from(number: $repr) -> Self {
                $name(number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

number_id! {
    /// Number of a flow table, from 0 to [`TableId::MAX`].
    TableId(u8)
}

impl TableId {
    /// The last number that a table can have.
    pub const MAX: TableId = TableId(0xfe);
    /// All tables, in requests and deletions.
    pub const ALL: TableId = TableId(0xff);
}

number_id! {
    /// Number of a group, from 0 to [`GroupId::MAX`].
    GroupId(u32)
}

impl GroupId {
    /// The last number that a group can have.
    pub const MAX: GroupId = GroupId(0xffff_ff00);
    /// All groups, in deletions.
    pub const ALL: GroupId = GroupId(0xffff_fffc);
    /// No group or any group, as the message says.
    pub const ANY: GroupId = GroupId(0xffff_ffff);
}

number_id! {
    /// Number of a meter, from 1 to [`MeterId::MAX`].
    MeterId(u32)
}

impl MeterId {
    /// The last number that a meter can have.
    pub const MAX: MeterId = MeterId(0xffff_0000);
    /// The meter of the slow path.
    pub const SLOWPATH: MeterId = MeterId(0xffff_fffd);
    /// The meter of the controller connection.
    pub const CONTROLLER: MeterId = MeterId(0xffff_fffe);
    /// All meters, in requests and deletions.
    pub const ALL: MeterId = MeterId(0xffff_ffff);
}

number_id! {
    /// Number of a queue of a port.
    QueueId(u32)
}

impl QueueId {
    /// All queues, in requests.
    pub const ALL: QueueId = QueueId(0xffff_ffff);
}

number_id! {
    /// A packet that the switch keeps; "no buffer" is `None` in this crate.
    BufferId(u32)
}

impl BufferId {
    /// How the wire says that there is no buffer (`OFP_NO_BUFFER`).
    pub(crate) const NONE: u32 = 0xffff_ffff;

    pub(crate) fn from_wire(id: u32) -> Option<BufferId> {
        (id != Self::NONE).then_some(BufferId(id))
    }

    pub(crate) fn to_wire(id: Option<BufferId>) -> u32 {
        id.map_or(Self::NONE, |id| id.0)
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);

    /// Whether the group bit is set; broadcast is multicast too.
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Whether all bits are set.
    pub fn is_broadcast(self) -> bool {
        self == MacAddr::BROADCAST
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> Self {
        MacAddr(octets)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = || ParseIdError {
            what: "MAC address",
            expected: "six pairs of hex digits with colons between",
            text: text.to_owned(),
        };
        let mut octets = [0; 6];
        let mut pairs = text.split([':', '-']);
        for octet in &mut octets {
            let pair = pairs.next().ok_or_else(wrong)?;
            if !matches!(pair.len(), 1 | 2) || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(wrong());
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        match pairs.next() {
            None => Ok(MacAddr(octets)),
            Some(_) => Err(wrong()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn datapath_ids_print_as_open_vswitch_prints_them() {
        assert_eq!(DatapathId(0x1f).to_string(), "000000000000001f");
        assert_eq!("000000000000001f".parse(), Ok(DatapathId(0x1f)));
        assert_eq!("0xffffffffffffffff".parse(), Ok(DatapathId(u64::MAX)));
        for wrong in ["", "0x", "+1", "1g", "10000000000000000"] {
            assert!(wrong.parse::<DatapathId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ports_with_a_meaning_have_names() {
        assert_eq!(PortNo::LOCAL.to_string(), "LOCAL");
        assert_eq!(PortNo(7).to_string(), "7");
        assert_eq!("local".parse(), Ok(PortNo::LOCAL));
        assert_eq!("12".parse(), Ok(PortNo(12)));
        assert!("eth0".parse::<PortNo>().is_err());
        assert!(!PortNo(0).is_ordinary() && PortNo(1).is_ordinary());
        assert!(!PortNo::LOCAL.is_ordinary());
    }

    #[test]
    fn mac_addresses() {
        let mac: MacAddr = "0a:00:00:00:00:ff".parse().unwrap();
        assert_eq!(mac, MacAddr([10, 0, 0, 0, 0, 255]));
        assert_eq!(mac.to_string(), "0a:00:00:00:00:ff");
        assert!(!mac.is_multicast() && MacAddr::BROADCAST.is_multicast());
        for wrong in ["", "1:2:3:4:5", "1:2:3:4:5:6:7", "1:2:3:4:5:+6", "001:2:3:4:5:6"] {
            assert!(wrong.parse::<MacAddr>().is_err(), "{wrong}");
        }
    }
}
