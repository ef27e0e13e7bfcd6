//! Signals that ask us to end.

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals within so much time are one request: `timeout(1)` sends its own to us and then to our process group.
const ONE_REQUEST: Duration = Duration::from_millis(500);

/// SIGINT, SIGTERM and SIGHUP, caught from when this is made on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    requests: Requests,
}

/// Which of them came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SIGINT: Ctrl-C. In a shell it is meant for the command that runs.
    Interrupt,
    /// SIGTERM or SIGHUP.
    End,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            requests: Requests::default(),
        })
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
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::End,
            _ = self.hang_up.recv() => Asked::End,
        }
    }
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
