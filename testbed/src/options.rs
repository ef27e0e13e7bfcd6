//! How a topology is brought up.

use std::fmt;
use std::net::SocketAddr;

use crate::capture::CaptureSpec;
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
    /// What the random numbers of shaped links begin with: the same frames then have the same fate.
    pub seed: u64,
    /// What is captured from the first frame on.
    pub captures: Vec<CaptureSpec>,
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

/// As Open vSwitch writes it: `tcp:10.0.0.1:6653`, `tcp:[::1]:6653`, `none`.
impl fmt::Display for ControllerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControllerTarget::None => f.write_str("none"),
            ControllerTarget::Fabric(address) => write!(f, "tcp:{address}"),
            ControllerTarget::Remote { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            ControllerTarget::Remote { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_print_as_open_vswitch_writes_them() {
        let remote = |host: &str| ControllerTarget::Remote { host: host.to_owned(), port: 6653 }.to_string();
        assert_eq!(remote("onos.example"), "tcp:onos.example:6653");
        assert_eq!(remote("::1"), "tcp:[::1]:6653");
        let fabric = ControllerTarget::Fabric("[::1]:6653".parse().expect("an address"));
        assert_eq!(fabric.to_string(), "tcp:[::1]:6653");
    }
}
