//! Flowbed: program, test and watch software-defined networks.
//!
//! This crate joins the others: [`openflow`] (the protocol), [`controller`] (apps that program
//! switches), [`testbed`] (emulated networks), [`verify`] (what rules do to packets) and [`web`] (the
//! dashboard). A [`Lab`] is a network with
//! a controller in charge of it:
//!
//! ```no_run
//! use flowbed::testbed::Topology;
//! use flowbed::{Lab, apps};
//!
//! fn main() -> Result<(), flowbed::Error> {
//!     flowbed::run(async {
//!         let lab = Lab::builder(Topology::tree(2, 2)?)
//!             .per_switch("learning-switch", apps::LearningSwitch::default)
//!             .start()
//!             .await?;
//!         println!("{}", lab.testbed().ping_all(&Default::default()).await?);
//!         lab.stop().await
//!     })
//! }
//! ```

#![forbid(unsafe_code)]

mod asker;
mod lab;
mod model;
pub mod scenario;

pub use controller::{self, App, AppResult, PacketIn, Switch, Verdict, apps};
pub use lab::{CONTROLLER, Error, Lab, LabBuilder};
pub use model::{ModelError, read_switch};
pub use openflow;
pub use testbed;
pub use verify;
pub use web;

use std::future::Future;

/// Runs `main` with what a testbed needs: enters a user namespace where the process is not privileged,
/// which must be done while it has but one thread, and then starts a tokio runtime.
pub fn run<T>(main: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    testbed::enter()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)?.block_on(main)
}
