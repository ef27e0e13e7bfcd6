//! A time as people and programs read it.

use std::fmt;
use std::time::Duration;

/// Time since the Unix epoch as RFC 3339 writes it, in UTC: microseconds, and nanoseconds where there
/// are any.
pub(super) struct Utc(pub(super) Duration);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (year, month, day) = date(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.0.subsec_nanos() {
            nanos if nanos % 1000 == 0 => write!(f, ".{:06}Z", nanos / 1000),
            nanos => write!(f, ".{nanos:09}Z"),
        }
    }
}

/// Year, month and day of the day with this number; the Unix epoch is day 0.
fn date(day: u64) -> (u64, u64, u64) {
    /// Days before a month, in years that begin in March: so February's leap day is the last.
    const BEFORE: [u64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];
    const YEARS_400: u64 = 146_097;
    const YEARS_100: u64 = 36_524;
    const YEARS_4: u64 = 1461;
    // From the first of March of the year 0, which is 719468 days before the epoch.
    let day = day.saturating_add(719_468);
    let (era, day) = (day / YEARS_400, day % YEARS_400);
    let century = (day / YEARS_100).min(3);
    let day = day - century * YEARS_100;
    let (four, day) = (day / YEARS_4, day % YEARS_4);
    let year = (day / 365).min(3);
    let day = day - year * 365;
    let month = BEFORE.iter().rposition(|before| *before <= day).unwrap_or(0);
    let day = day - BEFORE[month] + 1;
    let year = era * 400 + century * 100 + four * 4 + year;
    match month as u64 {
        month @ 0..=9 => (year, month + 3, day),
        month => (year + 1, month - 9, day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // GNU date prints these for the same seconds.
    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_700_000_000, "2023-11-14T22:13:20.000000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Utc(Duration::from_secs(seconds)).to_string(), text);
        }
        let fine = Duration::new(1, 1_002_003);
        assert_eq!(Utc(fine).to_string(), "1970-01-01T00:00:01.001002003Z");
    }
}
