//! An async OpenFlow 1.3 controller library.
//!
//! A [`Controller`] accepts switches and hands what they report to [apps](App): plain types with
//! plain async methods. A hub is this much:
//!
//! ```no_run
//! use controller::{App, AppResult, Controller, Switch};
//! use openflow::{Action, FlowMod, PortNo};
//! # use flowbed_controller as controller;
//!
//! struct Hub;
//!
//! impl App for Hub {
//!     async fn ready(&mut self, switch: &Switch) -> AppResult {
//!         let flood = FlowMod::add().apply([Action::output(PortNo::FLOOD)]);
//!         Ok(switch.flow_mod(flood).await?) // the switch's own error, or done
//!     }
//! }
//!
//! # async fn run() -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:6653").await?;
//! let controller = Controller::builder().per_switch("hub", || Hub).start(listener);
//! controller.finished().await;
//! # Ok(())
//! # }
//! ```
//!
//! How an event travels: the driver of a connection reads what has arrived, the session
//! (`openflow::session`) turns it into events, the network view takes note, the apps handle the batch
//! in order, and what they sent goes out in one write. One task a switch does all of this, so a flood
//! from one switch delays that switch and no other.

#![forbid(unsafe_code)]

mod app;
pub mod apps;
mod chain;
mod core;
mod desired;
mod discovery;
mod driver;
mod event;
mod hosts;
mod lldp;
mod network;
mod packet;
mod paths;
mod prefix;
mod server;
mod stats;
mod switch;
mod tls;
mod transport;

pub use app::{App, AppError, AppFactory, AppResult, StopReason, StoppedApp, Verdict};
pub use desired::{Changes, DeclareError, Desired, Difference, Installed, Keeper, Owner, ReconcileError};
pub use discovery::Discovery;
pub use event::{Event, NetworkEvent, TimerId};
pub use network::{Host, Link, Network, PortRef, Snapshot, SwitchInfo};
pub use packet::{Ethernet, PacketIn};
pub use paths::{DisjointTrees, Hop, Topology, Ways};
pub use server::{Builder, Controller, LinksNotFound, NotReady};
pub use switch::{ApplyError, Switch};
pub use tls::{Tls, TlsError};
pub use transport::{ParseTargetError, Target, TlsMissing};

pub use openflow;
pub use openflow::session::{CloseReason, RequestError, SendError};
