//! What Mininet needs: its package, root, and a running Open vSwitch of the machine's.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::Mininet;

/// Debian's script that starts and stops the machine's Open vSwitch.
const OVS_CTL: &str = "/usr/share/openvswitch/scripts/ovs-ctl";

/// Mininet, ready to run. An Open vSwitch that was started for it is stopped when this is dropped.
#[derive(Debug)]
pub struct Peer {
    started: bool,
}

impl Peer {
    /// # Errors
    /// Says what is missing.
    pub fn find() -> Result<Peer, String> {
        if !nix::unistd::geteuid().is_root() {
            return Err("it needs root: sudo make bench".to_owned());
        }
        if !succeeds(Command::new("mn").arg("--version")) {
            return Err("it is not installed: apt-get install mininet".to_owned());
        }
        if succeeds(Command::new("ovs-vsctl").args(["--timeout=5", "show"])) {
            return Ok(Peer { started: false });
        }
        if !Path::new(OVS_CTL).exists() {
            return Err(format!("Open vSwitch does not run, and {OVS_CTL} is not there to start it"));
        }
        // Without the kernel's module it complains of that and starts all the same.
        succeeds(Command::new(OVS_CTL).args(["start", "--system-id=random"]));
        let peer = Peer { started: true };
        if succeeds(Command::new("ovs-vsctl").args(["--timeout=5", "show"])) {
            Ok(peer)
        } else {
            Err(format!("Open vSwitch does not run, and {OVS_CTL} does not get it to"))
        }
    }

    pub fn mininet(&self) -> Mininet {
        Mininet
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.started {
            succeeds(Command::new(OVS_CTL).arg("stop"));
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
