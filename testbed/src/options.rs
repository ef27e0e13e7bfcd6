//! How a topology is brought up.

use std::net::SocketAddr;

pub use crate::topology::{FailMode, SwitchKind};

/// What a [`Testbed`](crate::Testbed) does with all switches whose specification does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// What switches are made of.
    pub switch: SwitchKind,
    /// The controllers of every switch. A bridge has none, whatever this says.
    pub controllers: Vec<ControllerTarget>,
    /// What switches do while they have no controller.
    pub fail_mode: FailMode,
}

/// Where a controller is to be found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ControllerTarget {
    /// Nowhere: the same as leaving it out.
    None,
    /// In the testbed itself: an address of the fabric, where
    /// [`Fabric::listen`](crate::Fabric::listen) made its socket.
    Fabric(SocketAddr),
    /// On the machine or beyond, as the machine's own namespace sees it. Connections are relayed.
    Remote {
        /// Its name or address.
        host: String,
        /// Its TCP port.
        port: u16,
    },
}
