//! The same without root: in a user namespace.

#![allow(dead_code, reason = "each tier uses a part")]

use std::fs::{Metadata, Permissions, metadata, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use libtest_mimic::Failed;

use crate::flowbed::{Place, complaint, json};

/// A user whom nothing on the machine belongs to.
const NOBODY: &str = "65534";
const TUN: &str = "/dev/net/tun";

/// Sets the mode of `/dev/net/tun` and puts the old one back in the end.
struct TunMode {
    before: Metadata,
}

impl TunMode {
    fn set(mode: u32) -> TunMode {
        let before = metadata(TUN).expect("the device is there");
        set_permissions(TUN, Permissions::from_mode(mode)).expect("root may");
        TunMode { before }
    }
}

impl Drop for TunMode {
    fn drop(&mut self) {
        set_permissions(TUN, self.before.permissions()).expect("root may");
    }
}

/// `flowbed` as that user, with a run directory of theirs. The binary is copied to where they can reach it.
fn flowbed(place: &Place, arguments: &str) -> Command {
    let binary = place.path().join("flowbed");
    std::fs::copy(env!("CARGO_BIN_EXE_flowbed"), &binary).expect("copied");
    let run = place.path().join("run");
    std::fs::create_dir_all(&run).expect("made");
    let id = NOBODY.parse().ok();
    std::os::unix::fs::chown(&run, id, id).expect("root may");
    set_permissions(&run, Permissions::from_mode(0o700)).expect("root may");
    set_permissions(place.path(), Permissions::from_mode(0o755)).expect("root may");
    let mut command = place.command("setpriv");
    command.env("FLOWBED_RUN_DIR", &run).env("HOME", &run);
    command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"]);
    command.arg("--inh-caps=-all").arg(binary).args(arguments.split_whitespace());
    command
}

/// The soft switch needs no device.
pub fn soft() -> Result<(), Failed> {
    let place = Place::new();
    let up = "up --topo tree,2,2 --switch soft --app learning-switch --test pingall --test iperf --json";
    let (good, result) = json(flowbed(&place, up).output()?);
    assert!(good, "{result}");
    assert_eq!(result["tests"][0]["received"], 12, "{result}");
    Ok(())
}

/// One test, as both set the mode of the device.
pub fn pingall() -> Result<(), Failed> {
    let place = Place::new();
    {
        let _tun = TunMode::set(0o600);
        let output = flowbed(&place, "up --topo tree,2,2 --switch ovs --test pingall").output()?;
        let complaint = complaint(&output);
        assert!(complaint.contains(TUN) && complaint.contains("chmod"), "{complaint}");
    }
    let _tun = TunMode::set(0o666);
    let (good, result) =
        json(flowbed(&place, "up --topo tree,2,2 --switch ovs --test pingall --json").output()?);
    assert!(good, "{result}");
    assert_eq!(result["tests"][0]["received"], 12, "{result}");
    Ok(())
}
