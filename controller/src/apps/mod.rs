//! The apps that ship, each in a file of its own to learn from.
//!
//! Apps stand behind each other by tables. One that forwards has the last; each in front of it has tables of its own, where
//! every packet passes, and sends on to the table behind what it lets through. What an app in front has punted to the
//! controller and passes on comes to the app behind as if it had been punted there.
//!
//! An app that a file configures is a pure function from what the file says, and what is known of the network, to what a
//! switch is to have from it ([`Desired`](crate::Desired)), which a [`Keeper`](crate::Keeper) holds the switch to. Packets
//! and changes of the network change what is known; a file that is read anew changes what it says.

mod acl_firewall;
mod arp_proxy;
mod catalogue;
mod config;
mod failover;
mod file;
mod flooding;
mod hub;
mod kept;
mod learning_switch;
mod load;
mod load_balancer;
mod mirror;
mod nat;
mod rate_limit;
mod router;
mod shortest_path;
mod vlan_segments;

pub use acl_firewall::{Acl, AclFirewall};
pub use arp_proxy::ArpProxy;
pub use catalogue::{AppInfo, CATALOGUE, by_name};
pub use config::{Config, Files, Tables};
pub use failover::Failover;
pub use file::FileError;
pub use hub::Hub;
pub use kept::{Kept, Rules};
pub use learning_switch::LearningSwitch;
pub use load::{AppSpec, Apps, LoadError, ParseAppSpecError, load};
pub use load_balancer::{LoadBalancer, Services};
pub use mirror::{Mirror, Taps};
pub use nat::{Nat, Nats};
pub use rate_limit::{Limits, RateLimit};
pub use router::{Router, Routers};
pub use shortest_path::ShortestPath;
pub use vlan_segments::{Segments, VlanSegments};
