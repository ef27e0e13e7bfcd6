//! The terminal as it was before a shell had it.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

/// What ends the terminal's marking of pasted text, which the line editor turns on while it waits (xterm's control
/// sequences, "Bracketed Paste Mode"), and the line that holds the prompt.
const LEAVE_PROMPT: &str = "\x1b[?2004l\n";

/// Puts the settings of standard input's terminal back as they were when it was made, when it is dropped: whoever
/// reads lines or runs in a host then may be cut short at any place.
pub(crate) struct Restored {
    before: Option<Termios>,
}

impl Restored {
    pub(crate) fn when_dropped() -> Restored {
        Restored { before: tcgetattr(io::stdin()).ok() }
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        let stdin = io::stdin();
        let Some(before) = &self.before else {
            return;
        };
        if tcgetattr(stdin.as_fd()).is_ok_and(|now| now == *before) {
            return;
        }
        // A command in a host may have left us in the background, where this is only allowed with SIGTTOU blocked
        // (tcsetattr(3)).
        let mut stop = SigSet::empty();
        stop.add(Signal::SIGTTOU);
        let masked = stop.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        if let Err(error) = tcsetattr(stdin.as_fd(), SetArg::TCSANOW, before) {
            tracing::warn!(%error, "cannot put the terminal's settings back");
        }
        if let Ok(mask) = masked {
            // It can't fail with a mask that was there before.
            let _ = mask.thread_set_mask();
        }
        let mut out = io::stdout();
        if out.is_terminal() {
            // A terminal that is gone needs nothing.
            let _ = out.write_all(LEAVE_PROMPT.as_bytes()).and_then(|()| out.flush());
        }
    }
}
