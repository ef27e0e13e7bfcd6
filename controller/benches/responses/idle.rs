//! What connections cost that do nothing.

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::Result;
use crate::load::Switches;
use crate::peers::Running;

/// Lets this process and those that it starts hold as many sockets as they may; how many that is.
pub fn allow_many_files() -> Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(hard)
}

/// Resident memory in MB, before and while so many switches are connected, set up and idle.
pub fn memory(controller: &mut Running, switches: usize) -> Result<(u64, u64)> {
    const IDLE_FOR: Duration = Duration::from_secs(8);
    let before = resident(controller)?;
    let mut switches = Switches::connect(controller.address, switches, 1)?;
    switches.set_up()?;
    // Long enough that every one of them has been probed and asked for a sign of life.
    let begun = Instant::now();
    while begun.elapsed() < IDLE_FOR {
        switches.serve(Duration::from_millis(50))?;
    }
    Ok((before, resident(controller)?))
}

fn resident(process: &Running) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024)
}
