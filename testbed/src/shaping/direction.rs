//! One direction of a link, as a machine: no sockets, no clock. Times are nanoseconds of any one clock.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use crate::topology::{Distribution, LinkProperties, Rate, SplitMix64};

/// What may be on the wire at most, in bytes: half a second of a gigabit. More is dropped.
const WIRE_BYTES: usize = 64 << 20;

/// Nanoseconds.
pub(super) type Time = u64;

/// What has become of the frames of one direction of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames that came to the link.
    pub arrived: u64,
    /// Frames that left it at the other end, duplicates included.
    pub delivered: u64,
    /// Frames lost, as `loss` asks.
    pub lost: u64,
    /// Frames that found the queue full.
    pub dropped: u64,
    /// Frames delivered twice.
    pub duplicated: u64,
    /// Frames that overtook others.
    pub reordered: u64,
    /// Frames delivered with a bit turned over.
    pub corrupted: u64,
}

/// A frame on the wire, ordered by when it arrives: the earliest is the greatest.
#[derive(Debug)]
struct Flight {
    due: Time,
    sequence: u64,
    frame: Box<[u8]>,
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.sequence).cmp(&(self.due, self.sequence))
    }
}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flight {}

/// One direction of a link. The same frames at the same times with the same seed have the same fate.
#[derive(Debug)]
pub(super) struct Direction {
    properties: LinkProperties,
    random: SplitMix64,
    /// Whether a burst of losses is going on.
    losing: bool,
    waiting: VecDeque<Box<[u8]>>,
    /// The frame that is being sent, and when its last bit is.
    sending: Option<(Time, Box<[u8]>)>,
    wire: BinaryHeap<Flight>,
    wire_bytes: usize,
    sequence: u64,
    /// When the last frame that did not skip the delay arrives.
    last_due: Time,
    pub(super) counters: LinkCounters,
}

impl Direction {
    pub(super) fn new(properties: LinkProperties, seed: u64) -> Self {
        Self {
            properties,
            random: SplitMix64::new(seed),
            losing: false,
            waiting: VecDeque::new(),
            sending: None,
            wire: BinaryHeap::new(),
            wire_bytes: 0,
            sequence: 0,
            last_due: 0,
            counters: LinkCounters::default(),
        }
    }

    /// Changes the properties at `now`. Frames on the wire are not affected, those that wait are.
    pub(super) fn change(&mut self, properties: LinkProperties, now: Time) {
        self.advance(now);
        self.properties = properties;
        if let Some((end, frame)) = &mut self.sending {
            *end = (*end).min(now.saturating_add(sending_time(properties.rate, frame.len())));
        }
        self.last_due = 0;
    }

    /// A frame comes to the link at `now`.
    pub(super) fn arrive(&mut self, frame: Box<[u8]>, now: Time) {
        self.advance(now);
        self.counters.arrived += 1;
        if self.sending.is_none() {
            self.send(frame, now);
        } else if self.waiting.len() < self.properties.queue as usize {
            self.waiting.push_back(frame);
        } else {
            self.counters.dropped += 1;
        }
    }

    /// When something happens next, unless a frame arrives before.
    pub(super) fn next_due(&self) -> Option<Time> {
        let sent = self.sending.as_ref().map(|(end, _)| *end);
        let there = self.wire.peek().map(|flight| flight.due);
        sent.into_iter().chain(there).min()
    }

    /// The next frame that is at the other end by `now`.
    pub(super) fn depart(&mut self, now: Time) -> Option<Box<[u8]>> {
        self.advance(now);
        if self.wire.peek()?.due > now {
            return None;
        }
        let flight = self.wire.pop()?;
        self.wire_bytes -= flight.frame.len();
        self.counters.delivered += 1;
        Some(flight.frame)
    }

    /// Sends what is to be sent by `now`, each frame when the one before it is done, however late we look.
    fn advance(&mut self, now: Time) {
        while let Some((end, frame)) = self.sending.take_if(|(end, _)| *end <= now) {
            self.launch(frame, end);
            // Several at once where there is no rate any more.
            while self.sending.is_none()
                && let Some(next) = self.waiting.pop_front()
            {
                self.send(next, end);
            }
        }
    }

    fn send(&mut self, frame: Box<[u8]>, now: Time) {
        match self.properties.rate {
            Rate::UNLIMITED => self.launch(frame, now),
            rate => self.sending = Some((now.saturating_add(sending_time(rate, frame.len())), frame)),
        }
    }

    /// The frame's last bit has been sent at `now`.
    fn launch(&mut self, mut frame: Box<[u8]>, now: Time) {
        if self.loses() {
            self.counters.lost += 1;
            return;
        }
        let LinkProperties { corrupt, duplicate, .. } = self.properties;
        if self.draws(corrupt.probability()) && !frame.is_empty() {
            let bits = u32::try_from(frame.len() * 8).unwrap_or(u32::MAX);
            let bit = self.random.below(bits) as usize;
            frame[bit / 8] ^= 1 << (bit % 8);
            self.counters.corrupted += 1;
        }
        if self.draws(duplicate.probability()) {
            self.counters.duplicated += 1;
            self.fly(frame.clone(), now);
        }
        self.fly(frame, now);
    }

    fn fly(&mut self, frame: Box<[u8]>, now: Time) {
        if self.wire_bytes + frame.len() > WIRE_BYTES {
            self.counters.dropped += 1;
            return;
        }
        let due = if self.draws(self.properties.reorder.probability()) {
            self.counters.reordered += u64::from(!self.wire.is_empty());
            now
        } else {
            let due = now.saturating_add(self.delay());
            self.last_due = self.last_due.max(due);
            self.last_due
        };
        self.wire_bytes += frame.len();
        self.sequence += 1;
        self.wire.push(Flight { due, sequence: self.sequence, frame });
    }

    fn delay(&mut self) -> Time {
        let LinkProperties { delay, jitter, distribution, .. } = self.properties;
        if jitter.is_zero() {
            return nanoseconds(delay);
        }
        let swing = match distribution {
            Distribution::Uniform => 2.0 * self.random.next_unit() - 1.0,
            Distribution::Normal => self.normal().clamp(-4.0, 4.0),
        };
        let seconds = delay.as_secs_f64() + swing * jitter.as_secs_f64();
        nanoseconds(Duration::from_secs_f64(seconds.max(0.0)))
    }

    /// Box and Muller's transform (Annals of Mathematical Statistics 29(2), 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.random.next_unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.random.next_unit()).cos()
    }

    fn draws(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.next_unit() < probability
    }

    /// Whether the next frame is lost. In bursts, a chain of two states (Gilbert, Bell System Technical Journal 39(5),
    /// 1960) ends a burst with 1/length and begins one just as often as the share of lost frames wants it.
    fn loses(&mut self) -> bool {
        let LinkProperties { loss, loss_burst, .. } = self.properties;
        let share = loss.probability();
        if share <= 0.0 || share >= 1.0 || loss_burst <= 1 {
            self.losing = false;
            return self.draws(share);
        }
        let end = 1.0 / f64::from(loss_burst);
        self.losing = match self.losing {
            true => !self.draws(end),
            false => self.draws(end * share / (1.0 - share)),
        };
        self.losing
    }
}

fn sending_time(rate: Rate, bytes: usize) -> Time {
    let bits = bytes as u128 * 8;
    let nanoseconds = bits * 1_000_000_000 / u128::from(rate.0.max(1));
    Time::try_from(nanoseconds).unwrap_or(Time::MAX)
}

fn nanoseconds(time: Duration) -> Time {
    Time::try_from(time.as_nanos()).unwrap_or(Time::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::LinkChange;

    const MS: Time = 1_000_000;

    fn direction(text: &str, seed: u64) -> Direction {
        let change: LinkChange = text.parse().unwrap();
        Direction::new(change.applied_to(LinkProperties::default()), seed)
    }

    fn frame(n: usize, bytes: usize) -> Box<[u8]> {
        let mut frame = vec![0; bytes];
        frame[..8].copy_from_slice(&(n as u64).to_be_bytes());
        frame.into()
    }

    /// Everything that comes out, with the time and the number of the frame.
    fn drain(direction: &mut Direction) -> Vec<(Time, u64)> {
        let mut out = Vec::new();
        while let Some(now) = direction.next_due() {
            while let Some(frame) = direction.depart(now) {
                out.push((now, u64::from_be_bytes(frame[..8].try_into().unwrap())));
            }
        }
        out
    }

    #[test]
    fn a_plain_direction_passes_frames_at_once() {
        let mut plain = direction("plain", 1);
        plain.arrive(frame(7, 60), 5);
        assert_eq!(plain.next_due(), Some(5));
        assert_eq!(drain(&mut plain), [(5, 7)]);
    }

    #[test]
    fn frames_leave_at_the_rate_and_arrive_after_the_delay() {
        // 1250 bytes at 10 Mbit/s take 1 ms.
        let mut slow = direction("rate=10mbit,delay=5ms", 1);
        for n in 0..3 {
            slow.arrive(frame(n, 1250), 0);
        }
        // Nobody looked for a while: the times are the same.
        slow.arrive(frame(3, 1250), 2 * MS + MS / 2);
        slow.arrive(frame(4, 1250), 10 * MS);
        assert_eq!(slow.depart(6 * MS - 1), None);
        let times: Vec<_> = drain(&mut slow).into_iter().map(|(time, _)| time).collect();
        assert_eq!(times, [6, 7, 8, 9, 16].map(|ms| ms * MS));
    }

    #[test]
    fn what_the_queue_does_not_hold_is_dropped() {
        let mut slow = direction("rate=10mbit,queue=2", 1);
        for n in 0..5 {
            slow.arrive(frame(n, 1250), 0);
        }
        // One is being sent, two wait.
        assert_eq!(drain(&mut slow), [(MS, 0), (2 * MS, 1), (3 * MS, 2)]);
        assert_eq!(slow.counters.dropped, 2);
    }

    #[test]
    fn a_change_takes_hold_of_what_waits() {
        let mut slow = direction("rate=1kbit", 1);
        for n in 0..3 {
            slow.arrive(frame(n, 1250), 0);
        }
        slow.change(LinkProperties::default(), MS);
        assert_eq!(drain(&mut slow), [(MS, 0), (MS, 1), (MS, 2)]);
        let mut far = direction("delay=1s", 1);
        far.arrive(frame(0, 60), 0);
        far.change(LinkProperties::default(), 1);
        far.arrive(frame(1, 60), 2);
        assert_eq!(
            drain(&mut far),
            [(2, 1), (1000 * MS, 0)],
            "a shorter way does not wait for the longer one"
        );
    }

    /// How many of `total` frames come out, and the mean length of a row of missing ones.
    fn losses(text: &str, total: usize) -> (usize, f64) {
        let mut lossy = direction(text, 3);
        for n in 0..total {
            lossy.arrive(frame(n, 60), n as Time);
        }
        let out = drain(&mut lossy);
        let rows = out.windows(2).filter(|pair| pair[1].1 > pair[0].1 + 1).count();
        let lost = total - out.len();
        assert_eq!(lossy.counters.lost, lost as u64);
        (lost, lost as f64 / rows as f64)
    }

    #[test]
    fn as_many_frames_are_lost_as_asked_for() {
        // 3000 of 100,000 expected; 2.576 standard deviations of the binomial are 139.
        let (lost, row) = losses("loss=3", 100_000);
        assert!((2861..=3139).contains(&lost), "{lost}");
        assert!(row < 1.1, "{row}");
        // Bursts make the number vary more: by about the square root of twice their length.
        let (lost, row) = losses("loss=3,loss_burst=5", 100_000);
        assert!((2580..=3420).contains(&lost), "{lost}");
        assert!((4.5..5.5).contains(&row), "{row}");
        let mut dead = direction("loss=100,loss_burst=9", 1);
        dead.arrive(frame(0, 60), 0);
        assert_eq!(drain(&mut dead), []);
    }

    #[test]
    fn jitter_has_its_mean_and_spread_and_keeps_the_order() {
        for (distribution, spread) in [("uniform", 2.0 / 3.0_f64.sqrt()), ("normal", 2.0)] {
            let mut jittery = direction(&format!("delay=20ms,jitter=2ms,distribution={distribution}"), 5);
            // Far apart, so that none waits for the one before it.
            let step = 100 * MS;
            for n in 0..10_000 {
                jittery.arrive(frame(n, 60), n as Time * step);
            }
            let delays: Vec<f64> =
                drain(&mut jittery).iter().map(|(time, n)| (time - n * step) as f64 / MS as f64).collect();
            let mean = delays.iter().sum::<f64>() / delays.len() as f64;
            let variance = delays.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / delays.len() as f64;
            assert!((mean - 20.0).abs() < 0.1, "{distribution}: {mean}");
            assert!((variance.sqrt() / spread - 1.0).abs() < 0.05, "{distribution}: {variance}");
        }
        let mut dense = direction("delay=20ms,jitter=20ms", 5);
        for n in 0..1000 {
            dense.arrive(frame(n, 60), n as Time);
        }
        let order: Vec<_> = drain(&mut dense).into_iter().map(|(_, n)| n).collect();
        assert!(order.is_sorted() && order.len() == 1000);
    }

    #[test]
    fn duplicates_overtakers_and_damaged_frames_are_as_many_as_asked_for() {
        let mut wild = direction("delay=1ms,duplicate=10,reorder=20,corrupt=30", 9);
        for n in 0..10_000 {
            wild.arrive(vec![0; 60].into(), n * 10);
        }
        let mut damaged = 0;
        let mut out = 0;
        while let Some(now) = wild.next_due() {
            while let Some(frame) = wild.depart(now) {
                let bits: u32 = frame.iter().map(|byte| byte.count_ones()).sum();
                assert!(bits <= 1);
                damaged += bits;
                out += 1;
            }
        }
        let LinkCounters { duplicated, reordered, corrupted, delivered, .. } = wild.counters;
        assert_eq!(out, 10_000 + duplicated);
        assert_eq!(delivered, out);
        for (found, expected) in
            [(duplicated, 1000.0), (reordered, 2200.0), (corrupted, 3000.0), (damaged.into(), 3300.0)]
        {
            assert!((found as f64 / expected - 1.0).abs() < 0.1, "{:?}", wild.counters);
        }
    }

    #[test]
    fn a_seed_gives_the_same_fate_again() {
        let fate = |seed| {
            let mut wild = direction("rate=100mbit,delay=1ms,jitter=1ms,loss=5,duplicate=5,reorder=5", seed);
            for n in 0..1000 {
                wild.arrive(frame(n, 600), n as Time * 50_000);
            }
            drain(&mut wild)
        };
        assert_eq!(fate(1), fate(1));
        assert_ne!(fate(1), fate(2));
    }

    #[test]
    fn the_wire_holds_so_much_and_no_more() {
        let mut long = direction("delay=60s", 1);
        for n in 0..100 {
            long.arrive(frame(n, 1 << 20), 0);
        }
        assert_eq!(long.counters.dropped, 36);
        assert_eq!(drain(&mut long).len(), 64);
    }
}
