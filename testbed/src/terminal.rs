//! The controlling terminal's foreground.

use std::io;
use std::os::fd::AsFd;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{getpgrp, isatty, tcgetpgrp, tcsetpgrp};

/// Takes the terminal back when it is dropped.
pub(crate) struct Reclaimed;

impl Drop for Reclaimed {
    fn drop(&mut self) {
        reclaim();
    }
}

/// Puts this process's group in the terminal's foreground, if it is a terminal and another group
/// is there: one that has ended, or that lives in the testbed's pid namespace and could not hand
/// the terminal back itself.
pub(crate) fn reclaim() {
    let stdin = io::stdin();
    let terminal = stdin.as_fd();
    let ours = getpgrp();
    if !isatty(terminal).unwrap_or(false) || tcgetpgrp(terminal) == Ok(ours) {
        return;
    }
    // From the background this is only allowed with SIGTTOU blocked (tcsetpgrp(3)).
    let mut stop = SigSet::empty();
    stop.add(Signal::SIGTTOU);
    let mut before = SigSet::empty();
    if sigprocmask(SigmaskHow::SIG_BLOCK, Some(&stop), Some(&mut before)).is_ok() {
        if let Err(error) = tcsetpgrp(terminal, ours) {
            tracing::debug!(%error, "cannot take the terminal back");
        }
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    }
}
