//! An OVSDB client: JSON-RPC 1.0 over a stream, as RFC 7047 describes it.
//!
//! [`Client`] speaks to one database server over any byte stream, answers its probes, probes it
//! in turn, and connects again by itself when it goes away. [`Client::transact`] takes typed
//! [`Operation`]s and ties every error to the operation that caused it; [`Client::monitor`] gives
//! the rows of tables and their changes.
//!
//! ```no_run
//! use flowbed_testbed::ovsdb::{Client, Columns, Event, Operation, Options};
//!
//! # async fn example() -> Result<(), flowbed_testbed::ovsdb::Error> {
//! let connect = || tokio::net::UnixStream::connect("/run/openvswitch/db.sock");
//! let client = Client::connect(connect, Options::new("Open_vSwitch")).await?;
//! let rows = client
//!     .transact(vec![Operation::select("Bridge").columns(["name"])])
//!     .await?;
//! println!("{} bridges", rows[0].rows.len());
//!
//! let mut monitor = client.monitor([Columns::of("Bridge", ["name"])]).await?;
//! while let Ok(Event { tables, .. }) = monitor.next().await {
//!     println!("{} rows changed", tables.get("Bridge").map_or(0, |rows| rows.len()));
//! }
//! # Ok(()) }
//! ```

mod client;
mod driver;
mod error;
mod frame;
mod monitor;
mod operation;
mod outcome;
#[cfg(test)]
mod scripted;
mod value;

pub use client::{Client, Options};
pub use error::{Error, TransactionError};
pub use monitor::{Columns, Event, Monitor, RowUpdate, Scope, TableUpdates};
pub use operation::{Condition, Function, Mutation, Mutator, Operation, Until};
pub use outcome::Outcome;
pub use value::{Atom, BadValue, Row, Uuid, Value};
