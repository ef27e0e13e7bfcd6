//! Signals that ask us to end, or to read the files of apps anew.

use std::time::{Duration, Instant};

use controller::Controller;
use controller::apps::Files;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals within so much time are one request: `timeout(1)` sends its own to us and then to our process group.
const ONE_REQUEST: Duration = Duration::from_millis(500);

/// SIGINT, SIGTERM and SIGHUP, caught from when this is made on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    requests: Requests,
    reload: Option<Reload>,
}

/// What SIGHUP has read anew.
struct Reload {
    files: Files,
    controller: Controller,
    /// Whether there was a terminal that may be closed.
    had_terminal: bool,
}

/// Which of them came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SIGINT: Ctrl-C. In a shell it is meant for the command that runs.
    Interrupt,
    /// SIGTERM, or SIGHUP where it reloads nothing.
    End,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            requests: Requests::default(),
            reload: None,
        })
    }

    /// From now on SIGHUP has these files read anew, and is no request to end unless our terminal has been closed.
    pub(crate) fn reload(&mut self, files: Files, controller: Controller) {
        if !files.is_empty() {
            self.reload = Some(Reload { files, controller, had_terminal: has_terminal() });
        }
    }

    /// Waits for a request to end.
    pub(crate) async fn next(&mut self) {
        self.received().await;
        self.requests.is_second(Instant::now());
    }

    /// Waits for one that means us while a shell has the terminal.
    pub(crate) async fn end(&mut self) {
        while self.received().await != Asked::End {}
        self.requests.is_second(Instant::now());
    }

    /// To be called when all is being taken down: SIGINT or SIGTERM once more ends the process at once, without
    /// waiting for that. SIGHUP does not: a terminal that is closed may send it after another.
    pub(crate) fn insist(mut self) {
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = self.interrupt.recv() => {}
                    _ = self.terminate.recv() => {}
                }
                if self.requests.is_second(Instant::now()) {
                    eprintln!(
                        "flowbed: asked to end once more: ending at once; `flowbed clean` sweeps what is left"
                    );
                    std::process::exit(1);
                }
            }
        });
    }

    async fn received(&mut self) -> Asked {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Asked::Interrupt,
                _ = self.terminate.recv() => return Asked::End,
                _ = self.hang_up.recv() => match &self.reload {
                    Some(reload) if has_terminal() || !reload.had_terminal => reload.run(),
                    _ => return Asked::End,
                }
            }
        }
    }
}

impl Reload {
    fn run(&self) {
        match self.files.reload(&self.controller) {
            Ok(1) => eprintln!("flowbed: read 1 file of an app anew"),
            Ok(count) => eprintln!("flowbed: read {count} files of apps anew"),
            Err(error) => {
                let error = anyhow::Error::new(error);
                eprintln!("flowbed: {error:#}; so everything stays as it was");
            }
        }
    }
}

/// Whether the process has a terminal: that file cannot be opened without one, nor once it was closed (tty(4)).
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Counts the requests to end.
#[derive(Default)]
struct Requests {
    first: Option<Instant>,
}

impl Requests {
    /// Takes note of a signal; whether it is a second request.
    fn is_second(&mut self, now: Instant) -> bool {
        let first = *self.first.get_or_insert(now);
        now.saturating_duration_since(first) >= ONE_REQUEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_come_together_are_one_request() {
        let mut requests = Requests::default();
        let start = Instant::now();
        assert!(!requests.is_second(start));
        assert!(!requests.is_second(start + ONE_REQUEST / 2));
        assert!(requests.is_second(start + ONE_REQUEST));
    }
}
