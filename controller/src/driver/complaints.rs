//! Warnings that a peer could cause without end.

use std::time::Duration;

use tokio::time::Instant;

/// The least time between two warnings of one connection.
const PAUSE: Duration = Duration::from_secs(1);

/// Lets one warning through in a while and counts the others.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    quiet_until: Option<Instant>,
    left_out: u64,
}

impl Complaints {
    /// Whether to warn now; with how many were left out since the last time.
    pub(super) fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.quiet_until.is_some_and(|until| now < until) {
            self.left_out += 1;
            return None;
        }
        self.quiet_until = Some(now + PAUSE);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_is_let_through() {
        let mut complaints = Complaints::default();
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let admitted: Vec<_> =
            [0, 10, 999, 1000, 1500, 9000].into_iter().map(|time| complaints.admit(at(time))).collect();
        assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
