//! UDP datagrams at a steady rate, numbered.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{SockAddr, Socket};

use super::{Figures, ThroughputOptions, UdpFigures};
use crate::topology::Rate;

/// Bytes of payload: with UDP's, IPv4's and Ethernet's headers a frame of 1512 bytes, as iperf sends.
const PAYLOAD: usize = 1470;
/// The longest that a receiver waits without looking whether the sender is done.
const GLANCE: Duration = Duration::from_millis(20);
/// How far behind its schedule a sender may be before it gives the missing datagrams up: a machine that cannot send so
/// fast shall not send them all at the end.
const BACKLOG: Duration = Duration::from_millis(100);

/// Datagrams in a row that may be lost; a number beyond is not one of ours.
const MOST_MISSING: u64 = 1 << 20;

/// Blocks until all is sent and received.
pub(super) fn measure(
    sender: &Socket,
    receiver: &Socket,
    address: &SockAddr,
    rate: Rate,
    options: &ThroughputOptions,
) -> io::Result<Figures> {
    sender.connect(address)?;
    receiver.set_read_timeout(Some(GLANCE))?;
    // More than the machine's default where we may have it: a receiver that is late shall not look like a loss.
    if setsockopt(receiver, sockopt::RcvBufForce, &(4 << 20)).is_err() {
        receiver.set_recv_buffer_size(4 << 20)?;
    }
    find_the_way(sender, receiver, options.patience)?;
    let begin = Instant::now();
    let sent = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let result = send(sender, rate, begin, options.warm_up + options.duration, &sent);
            done.store(true, Ordering::Release);
            result
        });
        let mut tally = Tally::new(begin, options.warm_up);
        receive(receiver, &mut tally, &sent, &done, options.patience)?;
        sending.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(tally.figures(sent.load(Ordering::Acquire)))
    })
}

/// Sends single datagrams until one arrives. Where the link loses the question for a neighbour's address, the kernel asks
/// again after a second and drops datagrams meanwhile, which would count as the link's losses.
fn find_the_way(sender: &Socket, mut receiver: &Socket, patience: Duration) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        match sender.send(b"?") {
            Err(error) if error.raw_os_error() != Some(nix::libc::ENOBUFS) => return Err(error),
            _ => {}
        }
        match receiver.read(&mut [0; 1]) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // One is enough. Others that come late are no numbered ones and not counted.
            answer => return answer.map(drop),
        }
    }
    Ok(())
}

fn send(socket: &Socket, rate: Rate, begin: Instant, duration: Duration, sent: &AtomicU64) -> io::Result<()> {
    let gap = Duration::from_secs_f64(PAYLOAD as f64 * 8.0 / rate.0.max(1) as f64);
    let mut datagram = [0; PAYLOAD];
    let mut due = begin;
    let mut number = 0_u64;
    while due < begin + duration {
        let now = Instant::now();
        if now > begin + duration {
            break;
        }
        if let Some(early) = due.checked_duration_since(now) {
            // Several datagrams at once where they are close: a sleep is good to some 0.1 ms.
            std::thread::sleep(early.max(Duration::from_micros(100)));
            continue;
        }
        datagram[..8].copy_from_slice(&number.to_be_bytes());
        datagram[8..16].copy_from_slice(&nanoseconds(begin.elapsed()).to_be_bytes());
        match socket.send(&datagram) {
            Ok(_) => {
                number += 1;
                sent.store(number, Ordering::Release);
            }
            // The queue of our own interface is full.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENOBUFS) => {}
            Err(error) => return Err(error),
        }
        due = (due + gap).max(now.checked_sub(BACKLOG).unwrap_or(now));
    }
    Ok(())
}

fn receive(
    mut socket: &Socket,
    tally: &mut Tally,
    sent: &AtomicU64,
    done: &AtomicBool,
    patience: Duration,
) -> io::Result<()> {
    let mut datagram = [0; PAYLOAD + 1];
    let mut silent_since = Instant::now();
    loop {
        match socket.read(&mut datagram) {
            Ok(length) => {
                silent_since = Instant::now();
                tally.arrived(&datagram[..length], silent_since);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
        if done.load(Ordering::Acquire) {
            let all = tally.udp.received >= sent.load(Ordering::Acquire);
            if all || silent_since.elapsed() > patience {
                return Ok(());
            }
        } else {
            // What is on its way when the sender is done has its time from then on.
            silent_since = Instant::now();
        }
    }
}

/// Counts what arrives.
struct Tally {
    begin: Instant,
    counts_from: Instant,
    first: Option<Instant>,
    bytes: u64,
    time: Duration,
    udp: UdpFigures,
    /// Seconds, smoothed.
    jitter: f64,
    last_transit: Option<f64>,
    highest: Option<u64>,
    /// Numbers below the highest that have not arrived.
    missing: HashSet<u64>,
}

impl Tally {
    fn new(begin: Instant, warm_up: Duration) -> Self {
        Self {
            begin,
            counts_from: begin + warm_up,
            first: None,
            bytes: 0,
            time: Duration::ZERO,
            udp: UdpFigures::default(),
            jitter: 0.0,
            last_transit: None,
            highest: None,
            missing: HashSet::new(),
        }
    }

    fn arrived(&mut self, datagram: &[u8], now: Instant) {
        let Some((number, sent_at)) = stamps(datagram) else { return };
        let expected = self.highest.map_or(0, |highest| highest + 1);
        if number > expected.saturating_add(MOST_MISSING) {
            return;
        }
        if number >= expected {
            self.missing.extend(expected..number);
            self.highest = Some(number);
        } else if self.missing.remove(&number) {
            self.udp.out_of_order += 1;
        } else {
            self.udp.duplicates += 1;
            return;
        }
        self.udp.received += 1;
        let transit = (now - self.begin).as_secs_f64() - sent_at.as_secs_f64();
        if let Some(last) = self.last_transit.replace(transit) {
            self.jitter += ((transit - last).abs() - self.jitter) / 16.0;
        }
        match self.first {
            Some(first) => {
                self.bytes += datagram.len() as u64;
                self.time = now - first;
            }
            None if now >= self.counts_from => self.first = Some(now),
            None => {}
        }
    }

    fn figures(self, sent: u64) -> Figures {
        let jitter = Duration::try_from_secs_f64(self.jitter).unwrap_or_default();
        Figures { bytes: self.bytes, time: self.time, udp: Some(UdpFigures { sent, jitter, ..self.udp }) }
    }
}

/// The number of a datagram, and when it was sent. `None` for one that the link has damaged so that it passes the
/// checksum, or that is not ours.
fn stamps(datagram: &[u8]) -> Option<(u64, Duration)> {
    if datagram.len() != PAYLOAD {
        return None;
    }
    let (number, rest) = datagram.split_first_chunk()?;
    let (sent_at, _) = rest.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), Duration::from_nanos(u64::from_be_bytes(*sent_at))))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(number: u64, sent: Duration) -> Vec<u8> {
        let mut datagram = vec![0; PAYLOAD];
        datagram[..8].copy_from_slice(&number.to_be_bytes());
        datagram[8..16].copy_from_slice(&nanoseconds(sent).to_be_bytes());
        datagram
    }

    #[test]
    fn losses_duplicates_and_disorder_are_told_apart() {
        let begin = Instant::now();
        let mut tally = Tally::new(begin, Duration::from_millis(1));
        let ms = Duration::from_millis;
        for (number, sent, at) in [(0, 0, 5), (1, 1, 6), (3, 3, 8), (2, 2, 9), (2, 2, 10), (6, 6, 11)] {
            tally.arrived(&datagram(number, ms(sent)), begin + ms(at));
        }
        tally.arrived(b"something else", begin + ms(12));
        let figures = tally.figures(8);
        let udp = figures.udp.unwrap();
        assert_eq!((udp.received, udp.duplicates, udp.out_of_order), (5, 1, 1));
        assert_eq!(udp.loss_percent(), 37.5);
        // The first one only starts the clock.
        assert_eq!((figures.bytes, figures.time), (4 * PAYLOAD as u64, ms(6)));
        // RFC 3550: transits 5, 5, 5, 7, 5 ms make 0 + 2/16, then that + (2 - that)/16.
        assert!((udp.jitter.as_secs_f64() * 1e3 - (0.125 + 1.875 / 16.0)).abs() < 1e-6, "{:?}", udp.jitter);
    }
}
