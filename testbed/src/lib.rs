//! Emulated networks: hosts are network namespaces, links are veth pairs, switches are Open
//! vSwitch's or Linux bridges. As root, or as an ordinary user where the machine lets users have
//! user namespaces; many times faster than running `ip` and `ovs-vsctl`; leaving nothing behind.
//!
//! ```no_run
//! use flowbed_testbed::{ControllerTarget, Fabric, Options, PingOptions, Testbed, Topology};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // First of all, before any thread.
//!     flowbed_testbed::enter()?;
//!     tokio::runtime::Runtime::new()?.block_on(async {
//!         let fabric = Fabric::create(None).await?;
//!         // A controller can listen here, at the address where the switches look for it.
//!         let listener = fabric.listen("127.0.0.1:6653".parse()?)?;
//!         let options = Options {
//!             controllers: vec![ControllerTarget::Fabric(listener.local_addr()?)],
//!             ..Options::default()
//!         };
//!         let topology: Topology = "tree,2,2".parse()?;
//!         let testbed = Testbed::start(fabric, topology, options).await?;
//!         println!("{}", testbed.ping_all(&PingOptions::default()).await?);
//!         testbed.stop().await?;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # What holds
//! * Only the thread of [`sandbox::NamespaceThread`] (and short-lived ones that make namespaces)
//!   ever stands in another network namespace than the process's.
//! * Every process of a testbed lives in its own pid namespace, whose first process dies with
//!   us: nothing started in a host survives, daemons included.
//! * What the kernel does not reclaim at our death is in the [`ledger`] before it is made.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod announce;
mod attach;
mod capture;
mod captures;
mod cgroup;
mod changes;
mod connection;
mod construction;
mod doctor;
pub mod error;
mod fabric;
mod host;
pub mod ledger;
mod link_changes;
mod links;
mod netlink;
mod offload;
mod options;
pub mod ovs;
pub mod ovsdb;
mod ping;
mod relay;
mod rundir;
mod running;
pub mod sandbox;
mod shaping;
mod soft;
mod state;
mod switches;
mod taps;
mod tasks;
mod terminal;
mod testbed;
mod throughput;
pub mod topology;
mod view;
mod vlan_tag;
mod wiring;

pub use attach::exec;
pub use capture::{CaptureReport, CaptureSpec};
pub use doctor::{Check, Status, doctor};
pub use error::Error;
pub use fabric::Fabric;
pub use host::Host;
pub use link_changes::{LinkDirection, LinkRef};
pub use options::{ControllerTarget, FailMode, Options, SwitchKind};
pub use ping::{Echo, Family, PingOptions, PingReport};
pub use rundir::{SweepReport, base, sweep};
pub use running::{Running, find, list};
pub use sandbox::{Child, Output, Privileges, enter};
pub use shaping::LinkCounters;
pub use taps::{Tapped, Taps};
pub use testbed::Testbed;
pub use throughput::{Throughput, ThroughputOptions, Transport, UdpFigures};
pub use topology::{
    Bytes, Change, Cores, Distribution, Endpoint, Event, HostSpec, InterfaceSpec, Ipv4Net, Ipv6Net, Limits,
    LinkChange, LinkProperties, LinkSpec, Moment, Percent, Rate, Route, SwitchSpec, Topology, TopologyError,
};
pub use view::{
    EndView, HostView, InterfaceView, LinkBackend, LinkState, LinkView, PortView, Snapshot, SwitchView,
};
