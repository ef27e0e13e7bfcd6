//! What a measurement of throughput found out.

use std::fmt;
use std::time::Duration;

use super::{Figures, ThroughputOptions, Transport};
use crate::host::Host;
use crate::ping::Family;

/// How much got from one host to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Throughput {
    /// The host that sent.
    pub from: String,
    /// The host that received.
    pub to: String,
    /// What was sent.
    pub transport: Transport,
    /// By which addresses.
    pub family: Family,
    /// Bytes of payload that arrived, the time of warming up left out.
    pub bytes: u64,
    /// The time in which they did.
    pub time: Duration,
    /// What only UDP tells.
    pub udp: Option<UdpFigures>,
}

/// What UDP tells of a path.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UdpFigures {
    /// Datagrams that were sent, those of the time of warming up included.
    pub sent: u64,
    /// Datagrams that arrived; duplicates are not counted.
    pub received: u64,
    /// Datagrams that arrived once more.
    pub duplicates: u64,
    /// Datagrams that arrived behind a later one.
    pub out_of_order: u64,
    /// The mean deviation of the time on the way, by the filter of RFC 3550 §6.4.1.
    pub jitter: Duration,
}

impl UdpFigures {
    /// The share that was lost, in per cent.
    #[must_use]
    pub fn loss_percent(&self) -> f64 {
        match self.sent {
            0 => 0.0,
            sent => sent.saturating_sub(self.received) as f64 * 100.0 / sent as f64,
        }
    }
}

impl Throughput {
    pub(super) fn new(from: &Host, to: &Host, options: &ThroughputOptions, figures: Figures) -> Self {
        Self {
            from: from.name().to_owned(),
            to: to.name().to_owned(),
            transport: options.transport,
            family: options.family,
            bytes: figures.bytes,
            time: figures.time,
            udp: figures.udp,
        }
    }

    /// Bits of payload a second; 0 if nothing arrived.
    #[must_use]
    pub fn bits_per_second(&self) -> f64 {
        match self.time.as_secs_f64() {
            seconds if seconds > 0.0 => self.bytes as f64 * 8.0 / seconds,
            _ => 0.0,
        }
    }
}

/// `h1 -> h2 TCP 9.56 Mbit/s`, and for UDP what was lost.
impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.transport {
            Transport::Tcp => "TCP",
            Transport::Udp { .. } => "UDP",
        };
        write!(f, "{} -> {} {name} {}", self.from, self.to, speed(self.bits_per_second()))?;
        if let Some(udp) = &self.udp {
            let UdpFigures { sent, received, jitter, .. } = udp;
            let loss = udp.loss_percent();
            write!(
                f,
                ", {loss:.2}% lost ({received}/{sent} received), jitter {:.3} ms",
                jitter.as_secs_f64() * 1e3
            )?;
        }
        Ok(())
    }
}

fn speed(bits: f64) -> String {
    let (number, unit) = match bits {
        1e9.. => (bits / 1e9, "Gbit/s"),
        1e6.. => (bits / 1e6, "Mbit/s"),
        1e3.. => (bits / 1e3, "kbit/s"),
        _ => (bits, "bit/s"),
    };
    // Three digits that mean something.
    let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
    format!("{number:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_what_and_how_fast() {
        let mut throughput = Throughput {
            from: "h1".into(),
            to: "h2".into(),
            transport: Transport::Tcp,
            family: Family::V4,
            bytes: 2_390_000,
            time: Duration::from_secs(2),
            udp: None,
        };
        assert_eq!(throughput.to_string(), "h1 -> h2 TCP 9.56 Mbit/s");
        throughput.transport = Transport::Udp { rate: crate::Rate::mbit(10) };
        throughput.udp = Some(UdpFigures {
            sent: 200,
            received: 197,
            jitter: Duration::from_micros(123),
            ..UdpFigures::default()
        });
        let expected = "h1 -> h2 UDP 9.56 Mbit/s, 1.50% lost (197/200 received), jitter 0.123 ms";
        assert_eq!(throughput.to_string(), expected);
        for (bits, text) in
            [(0.0, "0.00 bit/s"), (64_000.0, "64.0 kbit/s"), (940e6, "940 Mbit/s"), (1.2e10, "12.0 Gbit/s")]
        {
            assert_eq!(speed(bits), text);
        }
    }
}
