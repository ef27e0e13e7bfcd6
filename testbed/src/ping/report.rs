//! What pings found out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::host::Host;

/// One echo request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The host that asked.
    pub from: Arc<str>,
    /// The host that was to answer.
    pub to: Arc<str>,
    /// The round-trip time from our sending to the kernel's receiving; `None`: no answer in time.
    pub rtt: Option<Duration>,
}

/// The results of [`Testbed::ping_all`](crate::Testbed::ping_all), in the order of the hosts.
///
/// Displayed as Mininet's `pingall` does: a line a host, `X` for each that did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingReport {
    echoes: Vec<Echo>,
}

impl PingReport {
    pub(super) fn new(hosts: &[Host], pairs: &[(usize, usize)], times: &[Option<Duration>]) -> Self {
        let names: Vec<Arc<str>> = hosts.iter().map(|host| host.name().into()).collect();
        let mut ordered: Vec<_> = pairs.iter().zip(times).collect();
        ordered.sort_by_key(|(pair, _)| **pair);
        let echo = |((from, to), rtt): (&(usize, usize), &Option<Duration>)| Echo {
            from: Arc::clone(&names[*from]),
            to: Arc::clone(&names[*to]),
            rtt: *rtt,
        };
        Self { echoes: ordered.into_iter().map(echo).collect() }
    }

    /// Each request, ordered by asking and answering host.
    #[must_use]
    pub fn echoes(&self) -> &[Echo] {
        &self.echoes
    }

    /// How many requests were sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.echoes.len()
    }

    /// How many were answered in time.
    #[must_use]
    pub fn received(&self) -> usize {
        self.echoes.iter().filter(|echo| echo.rtt.is_some()).count()
    }

    /// The share that was lost, in per cent; 0 if none was sent.
    #[must_use]
    pub fn loss_percent(&self) -> f64 {
        match self.sent() {
            0 => 0.0,
            sent => (sent - self.received()) as f64 * 100.0 / sent as f64,
        }
    }

    /// A line for each pair, with its round-trip time, as Mininet's `pingallfull`.
    #[must_use]
    pub fn full(&self) -> String {
        let line = |echo: &Echo| match echo.rtt {
            Some(rtt) => format!("{} -> {}: {:.3} ms\n", echo.from, echo.to, rtt.as_secs_f64() * 1e3),
            None => format!("{} -> {}: X\n", echo.from, echo.to),
        };
        let times = self.echoes.iter().filter_map(|echo| echo.rtt).map(|rtt| rtt.as_secs_f64() * 1e3);
        let (least, most, sum) = times.fold((f64::INFINITY, 0.0_f64, 0.0), |(least, most, sum), time| {
            (least.min(time), most.max(time), sum + time)
        });
        let mut text: String = self.echoes.iter().map(line).collect();
        if self.received() > 0 {
            let mean = sum / self.received() as f64;
            text.push_str(&format!("*** rtt min/avg/max {least:.3}/{mean:.3}/{most:.3} ms\n"));
        }
        text + &self.summary()
    }

    /// The last line: how many were lost.
    fn summary(&self) -> String {
        match self.sent() {
            0 => "*** Results: no pings sent".to_owned(),
            sent => {
                format!("*** Results: {}% dropped ({}/{sent} received)", self.loss_text(), self.received())
            }
        }
    }

    /// The loss to whole per cents, as Mininet prints it; with as many more digits as it takes to
    /// tell a little loss from none, and a little that arrived from nothing.
    fn loss_text(&self) -> String {
        let loss = self.loss_percent();
        let exact = loss == 0.0 || loss == 100.0;
        (0..)
            .map(|digits| format!("{loss:.digits$}"))
            .find(|text| exact || !matches!(text.parse(), Ok(0.0 | 100.0)))
            .expect("enough digits tell any two numbers apart")
    }
}

impl From<Vec<Echo>> for PingReport {
    /// From single pings.
    fn from(echoes: Vec<Echo>) -> Self {
        Self { echoes }
    }
}

impl fmt::Display for PingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.echoes.chunk_by(|a, b| a.from == b.from) {
            write!(f, "{} ->", line[0].from)?;
            for echo in line {
                match echo.rtt {
                    Some(_) => write!(f, " {}", echo.to)?,
                    None => f.write_str(" X")?,
                }
            }
            f.write_str("\n")?;
        }
        f.write_str(&self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_reads_like_mininets() {
        let echo = |from: &str, to: &str, rtt: Option<u64>| Echo {
            from: from.into(),
            to: to.into(),
            rtt: rtt.map(Duration::from_micros),
        };
        let report = PingReport {
            echoes: vec![
                echo("h1", "h2", Some(80)),
                echo("h1", "h3", None),
                echo("h2", "h1", Some(50)),
                echo("h2", "h3", None),
            ],
        };
        let full = "h1 -> h2: 0.080 ms\nh1 -> h3: X\nh2 -> h1: 0.050 ms\nh2 -> h3: X\n\
                    *** rtt min/avg/max 0.050/0.065/0.080 ms\n*** Results: 50% dropped (2/4 received)";
        assert_eq!(report.full(), full);
        assert_eq!(report.to_string(), "h1 -> h2 X\nh2 -> h1 X\n*** Results: 50% dropped (2/4 received)");
    }

    #[test]
    fn a_loss_is_never_rounded_away_nor_an_answer() {
        let echo = |answered: bool| Echo {
            from: "h1".into(),
            to: "h2".into(),
            rtt: answered.then_some(Duration::from_micros(80)),
        };
        for (received, sent, result) in [
            (2450, 2450, "0% dropped (2450/2450 received)"),
            (2449, 2450, "0.04% dropped (2449/2450 received)"),
            (199, 200, "0.5% dropped (199/200 received)"),
            (99, 100, "1% dropped (99/100 received)"),
            (2, 3, "33% dropped (2/3 received)"),
            (1, 2450, "99.96% dropped (1/2450 received)"),
            (1, 100_000, "99.999% dropped (1/100000 received)"),
            (0, 2450, "100% dropped (0/2450 received)"),
        ] {
            let echoes: Vec<_> = (0..sent).map(|i| echo(i < received)).collect();
            let text = PingReport::from(echoes).to_string();
            let line = text.lines().last().unwrap();
            assert_eq!(line, format!("*** Results: {result}"));
        }
    }
}
