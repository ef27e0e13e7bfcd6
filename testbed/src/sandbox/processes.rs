//! The processes of a testbed that stand in one of its namespaces.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use super::child::{open_pidfd, send_signal};

/// How long killed processes may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Kills all processes of `init`'s pid namespace whose network namespace is `netns`, and waits for their end.
pub(super) fn end_all(netns: &OwnedFd, init: i32) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let network = identity(&File::from(netns.try_clone()?).metadata()?);
    let pids = identity(&fs::metadata(format!("/proc/{init}/ns/pid"))?);
    loop {
        let found = standing(network, pids, init)?;
        if found.is_empty() || Instant::now() >= deadline {
            return Ok(());
        }
        for process in &found {
            send_signal(process.as_fd(), Signal::SIGKILL)?;
        }
        for process in &found {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            // Readable once it has ended; who is interrupted looks again.
            let _ = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], timeout);
        }
    }
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

fn standing(network: (u64, u64), pids: (u64, u64), init: i32) -> io::Result<Vec<OwnedFd>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // Held first and looked at afterwards: the number may come to be another's in between.
        let Ok(process) = open_pidfd(pid) else { continue };
        let stands_in = |kind: &str, namespace| {
            let path = format!("/proc/{pid}/ns/{kind}");
            fs::metadata(Path::new(&path)).is_ok_and(|file| identity(&file) == namespace)
        };
        if pid != init && stands_in("net", network) && stands_in("pid", pids) && !has_ended(&process) {
            found.push(process);
        }
    }
    Ok(found)
}

fn has_ended(process: &OwnedFd) -> bool {
    let mut state = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    poll(&mut state, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
