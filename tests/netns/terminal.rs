//! A terminal on which `flowbed` runs.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;

use crate::flowbed::{PATIENCE, Place};

/// A pseudo-terminal with a `flowbed` on it.
pub struct Terminal {
    pub master: File,
    slave: OwnedFd,
    pub flowbed: Child,
    /// What it has shown so far.
    pub shown: String,
}

impl Terminal {
    /// Runs `flowbed` with these arguments and waits for the prompt.
    pub fn start(place: &Place, arguments: &str) -> Terminal {
        let pty = openpty(None, None).expect("a pseudo-terminal");
        let end = || pty.slave.try_clone().expect("a descriptor");
        let flowbed = place
            .flowbed(arguments)
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("flowbed starts");
        let mut terminal =
            Terminal { master: pty.master.into(), slave: pty.slave, flowbed, shown: String::new() };
        terminal.wait_for("flowbed> ");
        terminal
    }

    /// Waits until it shows `mark`.
    pub fn wait_for(&mut self, mark: &str) {
        let patience = PollTimeout::try_from(PATIENCE).expect("a minute");
        while !self.shown.contains(mark) {
            let mut ready = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut ready, patience).expect("a terminal");
            assert!(ready > 0, "\"{mark}\" does not come: {}", self.shown);
            let mut bytes = [0; 4096];
            let length = self.master.read(&mut bytes).expect("the slave is open");
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        self.master.write_all(format!("{line}\r").as_bytes()).expect("written");
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.flowbed.id().cast_signed())
    }

    pub fn flags(&self) -> LocalFlags {
        tcgetattr(&self.slave).expect("a terminal").local_flags
    }
}
