//! Runs the two commands as a user does, and takes the time until they end.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::Result;

/// Runs `flowbed up` on Open vSwitch: seconds until it ended, and its report.
pub fn flowbed(topology: &str, test: &str) -> Result<(f64, Value)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowbed"));
    command.args(["up", "--switch", "ovs", "--app", "learning-switch", "--json"]);
    command.args(["--topo", topology, "--test", test]);
    let begin = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let took = begin.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok((took, serde_json::from_slice(&output.stdout)?))
}

/// Debian's Mininet, with the machine's Open vSwitch.
#[derive(Debug)]
pub struct Mininet;

impl Mininet {
    /// Runs `mn`: seconds until it ended. Ended by force after five minutes; it leaves things behind then.
    pub fn run(&self, topology: &str, test: &str) -> Result<f64> {
        let mut command = Command::new("timeout");
        command.args(["300", "mn", "--switch", "ovs,datapath=user", "--controller", "ovsc"]);
        command.args(["--topo", topology, "--test", test]);
        let begin = Instant::now();
        let output = command.stdin(Stdio::null()).output()?;
        let took = begin.elapsed().as_secs_f64();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(
                format!("{command:?} ({}): {said}; \"mn -c\" cleans up after it", output.status).into()
            );
        }
        Ok(took)
    }
}
