//! What a browser may see: plain values that serialise to the JSON of the REST API and the event stream.
//!
//! Counters are JSON numbers. JavaScript holds them exactly up to 2^53, which a port that moves 10 Gbit/s reaches
//! after 83 days; cookies and datapath ids, where each bit counts, are text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// The whole network: what there is and how it hangs together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Network {
    /// What the network calls itself: the topology's expression or the file's name.
    pub name: String,
    /// The controller in charge; `None` where the switches have none.
    pub controller: Option<Controller>,
    /// Switches, in the order in which they shall be listed.
    pub switches: Vec<Switch>,
    /// Hosts, in the order in which they shall be listed.
    pub hosts: Vec<Host>,
    /// Links between switches and between switches and hosts.
    pub links: Vec<Link>,
}

/// The controller in charge of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Controller {
    /// Where the controller runs.
    pub kind: ControllerKind,
    /// Where switches reach it, as they write it: `tcp:127.0.0.1:6653`.
    pub address: String,
    /// The apps that it runs, in their order; empty for a remote controller, which does not tell.
    pub apps: Vec<String>,
}

/// Where a controller runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ControllerKind {
    /// Flowbed's own, in this process.
    Flowbed,
    /// Any other, reached over the network.
    Remote,
}

/// A datapath id (OF 1.3.5 §A.3.1). As text it has 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dpid(pub u64);

impl fmt::Display for Dpid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl From<u64> for Dpid {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

/// The text is not a datapath id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a datapath id: write 16 hexadecimal digits")]
pub struct DpidError(String);

impl FromStr for Dpid {
    type Err = DpidError;

    fn from_str(text: &str) -> Result<Self, DpidError> {
        if text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            u64::from_str_radix(text, 16).map(Self).map_err(|_| DpidError(text.to_owned()))
        } else {
            Err(DpidError(text.chars().take(32).collect()))
        }
    }
}

impl Serialize for Dpid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// Its name in the network: `s1`.
    pub name: String,
    /// Its datapath id; unique in the network.
    pub dpid: Dpid,
    /// Whether it has a session with the controller now.
    pub connected: bool,
    /// What it is made of.
    pub kind: SwitchKind,
    /// Its ports, by number.
    pub ports: Vec<Port>,
}

/// What a switch is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SwitchKind {
    /// Open vSwitch.
    Ovs,
    /// Flowbed's own software switch.
    Soft,
    /// A Linux bridge, which has no flow tables.
    Bridge,
    /// A switch that Flowbed did not make: all that is known is what it said to the controller.
    External,
}

/// A port of a switch (OF 1.3.5 §A.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// OpenFlow port number, or `u32::MAX - 1` (`OFPP_LOCAL`) for the switch's own port.
    pub number: u32,
    /// Interface name.
    pub name: String,
    /// Hardware address, `aa:bb:cc:dd:ee:ff`.
    pub mac: String,
    /// Whether frames can pass: neither administratively down nor without a carrier.
    pub up: bool,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// Its name in the network: `h1`. A host that the controller learned of by its traffic is called by its MAC.
    pub name: String,
    /// Hardware address, `aa:bb:cc:dd:ee:ff`.
    pub mac: String,
    /// IPv4 addresses without prefix length.
    pub ipv4: Vec<String>,
    /// IPv6 addresses without prefix length.
    pub ipv6: Vec<String>,
    /// Where it hangs; `None` if that is not known (yet).
    pub attached: Option<Attachment>,
}

/// A port of a switch, seen from a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Name of the switch.
    pub switch: String,
    /// OpenFlow port number.
    pub port: u32,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Names the link in [`Command::SetLink`](crate::Command::SetLink) and in `POST /api/v1/links/{id}`. Unique and
    /// stable; letters, digits, `-`, `.`, `_` and `:` need no escaping in an address.
    pub id: String,
    /// One end.
    pub a: End,
    /// The other end.
    pub b: End,
    /// Whether frames pass.
    pub state: LinkState,
    /// Whether [`Command::SetLink`](crate::Command::SetLink) can change the state: not so for links that were only
    /// discovered.
    pub controllable: bool,
}

/// One end of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// Name of a switch or of a host.
    pub node: String,
    /// OpenFlow port number; `None` at a host.
    pub port: Option<u32>,
    /// Interface name.
    pub interface: String,
}

/// Whether frames pass a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkState {
    /// They pass.
    Up,
    /// They do not.
    Down,
}

/// The flow tables of a switch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlowTable {
    /// The switch.
    pub dpid: Dpid,
    /// Its flows, of all tables, in any order.
    pub flows: Vec<Flow>,
}

/// One flow (OF 1.3.5 §A.3.5.2).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Flow {
    /// Table id.
    pub table: u8,
    /// Priority; the highest wins.
    pub priority: u16,
    /// Cookie, as JSON text `0x1f`.
    #[serde(serialize_with = "hexadecimal")]
    pub cookie: u64,
    /// Match, in the words of `ovs-ofctl(8)`; empty if it matches all.
    #[serde(rename = "match")]
    pub matches: String,
    /// Instructions, in the words of `ovs-ofctl(8)`: `output:2`; `drop` if there are none.
    pub actions: String,
    /// Packets that it matched.
    pub packets: u64,
    /// Bytes that it matched.
    pub bytes: u64,
    /// Age in seconds.
    pub duration_s: f64,
    /// Seconds without a packet after which it goes; 0 for never.
    pub idle_timeout_s: u16,
    /// Seconds after which it goes in any case; 0 for never.
    pub hard_timeout_s: u16,
}

fn hexadecimal<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:#x}"))
}

/// The port counters of a switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortTable {
    /// The switch.
    pub dpid: Dpid,
    /// Counters of each of its ports.
    pub ports: Vec<PortCounters>,
}

/// Counters of one port since it exists (OF 1.3.5 §A.3.5.6); received and sent as the switch sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortCounters {
    /// OpenFlow port number.
    pub number: u32,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Received packets that were dropped.
    pub rx_dropped: u64,
    /// Packets that were dropped instead of sent.
    pub tx_dropped: u64,
    /// Packets received with an error.
    pub rx_errors: u64,
    /// Packets not sent because of an error.
    pub tx_errors: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datapath_ids_have_sixteen_digits() {
        assert_eq!(Dpid(0x1f).to_string(), "000000000000001f");
        assert_eq!("000000000000001F".parse(), Ok(Dpid(0x1f)));
        for wrong in ["", "1f", "00000000000000001f", "+00000000000001f", "000000000000001g"] {
            assert!(wrong.parse::<Dpid>().is_err(), "{wrong:?} was read as a datapath id");
        }
    }

    #[test]
    fn a_flow_reads_as_documented() {
        let flow = Flow {
            table: 0,
            priority: 100,
            cookie: u64::MAX,
            matches: "in_port=1,dl_dst=00:00:00:00:00:02".into(),
            actions: "output:2".into(),
            packets: 3,
            bytes: 294,
            duration_s: 1.5,
            idle_timeout_s: 60,
            hard_timeout_s: 0,
        };
        let table = FlowTable { dpid: Dpid(1), flows: vec![flow] };
        let json = serde_json::to_value(&table).expect("views serialise");
        assert_eq!(
            json,
            serde_json::json!({"dpid": "0000000000000001", "flows": [{
                "table": 0, "priority": 100, "cookie": "0xffffffffffffffff",
                "match": "in_port=1,dl_dst=00:00:00:00:00:02", "actions": "output:2",
                "packets": 3, "bytes": 294, "duration_s": 1.5, "idle_timeout_s": 60, "hard_timeout_s": 0,
            }]})
        );
    }
}
