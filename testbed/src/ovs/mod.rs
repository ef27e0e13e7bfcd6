//! A private Open vSwitch: its own database server and switch daemon, in the testbed's fabric.
//!
//! [`Instance::start`] makes a database in the run directory and starts `ovsdb-server` and
//! `ovs-vswitchd` as children that die with this process. Bridges, ports and controllers are
//! rows, written over the database's socket with [`crate::ovsdb`], one transaction a change;
//! nothing is done by `ovs-vsctl`. No other Open vSwitch on the machine is touched or seen.
//!
//! With the userspace datapath there can be only one instance in a fabric: each makes an interface called
//! `ovs-netdev` for its datapath, and finds the name taken where another has been before.

mod control;
mod daemon;
mod datapath;
mod error;
mod install;
mod instance;
mod mirror;
mod rows;
mod sockets;
mod start;
mod warm;

pub use datapath::{Datapath, tun_device};
pub use error::{Error, Unconnected};
pub use install::{Installation, installed};
pub use instance::Instance;
pub use rows::Bridge;
