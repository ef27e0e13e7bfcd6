//! What a network is to look like: a plain value, without privileges.
//!
//! A [`Topology`] comes from a constructor ([`Topology::tree`] and its kin), from the text of
//! `--topo` ([`str::parse`]), or from a TOML file ([`Topology::from_file`]). It may leave out what
//! follows from the rest: addresses, datapath ids and port numbers then get the values that
//! Mininet gives them.
//!
//! ```
//! use flowbed_testbed::Topology;
//!
//! let topology: Topology = "tree,2,2".parse()?;
//! assert_eq!((topology.switches.len(), topology.hosts.len(), topology.links.len()), (3, 4, 6));
//! assert_eq!(topology.switches[0].name, "s1");
//! # Ok::<(), flowbed_testbed::topology::SpecError>(())
//! ```

mod address;
mod change;
mod data_centre;
mod error;
mod event;
mod export;
mod file;
mod graphml;
mod hosts;
mod limits;
mod link;
mod model;
mod plan;
mod random;
mod route;
mod schema;
mod shape;
mod spec;
mod text;
mod units;
mod validate;

use openflow::{DatapathId, MacAddr};
use serde::{Deserialize, Serialize};

pub use address::{Ipv4Net, Ipv6Net, ParseAddressError};
pub use change::{Change, ParseChangeError};
pub use error::{FileError, SpecError, TopologyError};
pub use event::{Event, Moment, ParseMomentError, schedule};
pub use limits::{Bytes, Cores, Limits, ParseBytesError};
pub use link::{Distribution, LinkChange, LinkProperties, ParseLinkError};
pub(crate) use plan::{Node, Plan, PlannedEnd, PlannedLink, PlannedSwitch};
pub(crate) use random::SplitMix64;
pub use route::{ParseRouteError, Route};
pub use units::{ParseQuantityError, Percent, Rate};

/// Hosts, switches and the links between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// The hosts; the n-th (from 1) has the default addresses `10.0.0.n/8`,
    /// `fd00::n/64` and `00:00:00:00:00:0n`.
    #[serde(default)]
    pub hosts: Vec<HostSpec>,
    /// The switches.
    #[serde(default)]
    pub switches: Vec<SwitchSpec>,
    /// The links. Their order gives the port numbers; two of them may join the same two nodes.
    #[serde(default)]
    pub links: Vec<LinkSpec>,
    /// What happens by itself while it runs, by [`schedule`] and [`Testbed::change`](crate::Testbed::change).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Its name: 1 to 64 letters, digits, `_`, `.` and `-`, a letter or digit first.
    pub name: String,
    /// The address of its first interface.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Ipv4Net>,
    /// The IPv6 address of its first interface.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Net>,
    /// The MAC address of its first interface.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
    /// Its further interfaces, as far as they have addresses of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<InterfaceSpec>,
    /// Ways out of its own networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Whether it passes packets on between its interfaces, as a router does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forward: bool,
    /// How much of the machine its processes may have.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
}

/// A host's interface that is not its first, which has the host's own addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterfaceSpec {
    /// Its port: the n of `eth`n.
    pub port: u32,
    /// Its IPv4 address.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Ipv4Net>,
    /// Its IPv6 address.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Net>,
    /// Its MAC address; one made of the host's own and the port if not given.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddr>,
}

/// A switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchSpec {
    /// Its name, as a host's.
    pub name: String,
    /// What people call it: a city, say. Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its datapath id (1 to 16 hex digits); the number in the name if not given.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub dpid: Option<DatapathId>,
    /// What it is made of; the testbed's default if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SwitchKind>,
    /// What it does without a controller; the testbed's default if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_mode: Option<FailMode>,
}

/// A link: a pair of virtual Ethernet interfaces (`veth(4)`), and what it does to frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "link::LinkText", into = "link::LinkText")]
pub struct LinkSpec {
    /// One end.
    pub a: Endpoint,
    /// The other end.
    pub b: Endpoint,
    /// Whether the link's properties may be changed while it runs, though it has none at first.
    pub shaped: bool,
    /// What happens to frames from `a` to `b`.
    pub a_to_b: LinkProperties,
    /// What happens to frames from `b` to `a`.
    pub b_to_a: LinkProperties,
}

/// An end of a link, written `s1` or, with its port, `s1:3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The host's or switch's name.
    pub node: String,
    /// The port: a switch's OpenFlow port number (from 1), or the n of a host's `eth`n (from 0).
    /// The lowest free one, in the order of the links, if not given.
    pub port: Option<u32>,
}

/// What a switch is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SwitchKind {
    /// Open vSwitch where it is installed, else [`SwitchKind::Soft`].
    #[default]
    Auto,
    /// Open vSwitch, in an instance of the testbed's own.
    Ovs,
    /// A Linux bridge: learns by itself, has no controller.
    Bridge,
    /// The switch inside this program.
    Soft,
}

/// What a switch does while it has no controller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailMode {
    /// Only what its flow tables say; nothing at first.
    #[default]
    Secure,
    /// It learns by itself, as a switch without OpenFlow.
    Standalone,
}
