//! The thread that carries the frames of all links that userspace shapes.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::EventFd;
use nix::sys::time::TimeSpec;

use super::direction::{Direction, LinkCounters, Time};
use super::ring::Ring;
use crate::construction::interface_index;
use crate::topology::LinkProperties;

/// Frames taken from the ring before the others get their turn.
const BATCH: usize = 256;
/// A wake-up this much too late is not worth one more: frames that are due within it leave together.
const QUANTUM: Duration = Duration::from_micros(40);

/// What the thread is asked to do.
pub(super) enum Command {
    /// Carry one more link: from its first end, from its second.
    Add { link: usize, properties: [LinkProperties; 2] },
    /// Carry a link no more.
    Remove { link: usize },
    /// Give a direction (link, the end that frames come from) other properties.
    Change { link: usize, from: usize, properties: LinkProperties },
    /// Say what has become of a link's frames, each way.
    Count { link: usize, reply: tokio::sync::oneshot::Sender<[LinkCounters; 2]> },
}

pub(super) struct Engine {
    ring: Ring,
    wake: Arc<EventFd>,
    commands: Receiver<Command>,
    /// From the interface where frames come in to the interface where they go out, and what happens in between.
    directions: Vec<(u32, Direction)>,
    /// Places in `directions` whose link is gone.
    vacant: Vec<usize>,
    seed: u64,
    of_interface: HashMap<u32, usize>,
    /// When a direction wants to be looked at. Entries may be out of date, never missing.
    agenda: BinaryHeap<Reverse<(Time, usize)>>,
    epoch: Instant,
    outbox: Vec<(u32, Box<[u8]>)>,
}

impl Engine {
    pub(super) fn new(
        ring: Ring,
        wake: Arc<EventFd>,
        commands: Receiver<Command>,
        links: &[(usize, [LinkProperties; 2])],
        seed: u64,
    ) -> Self {
        let mut engine = Self {
            ring,
            wake,
            commands,
            directions: Vec::new(),
            vacant: Vec::new(),
            seed,
            of_interface: HashMap::new(),
            agenda: BinaryHeap::new(),
            epoch: Instant::now(),
            outbox: Vec::new(),
        };
        for (link, properties) in links {
            engine.add(*link, properties);
        }
        engine
    }

    fn add(&mut self, link: usize, properties: &[LinkProperties; 2]) {
        for (from, properties) in properties.iter().enumerate() {
            // Each direction has numbers of its own, whatever the others draw.
            let own = self.seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ ((2 * link + from) as u64);
            let direction = (interface_index(link, 1 - from), Direction::new(*properties, own));
            let place = match self.vacant.pop() {
                Some(place) => {
                    self.directions[place] = direction;
                    place
                }
                None => {
                    self.directions.push(direction);
                    self.directions.len() - 1
                }
            };
            self.of_interface.insert(interface_index(link, from), place);
        }
    }

    /// What is on its way is lost, as with a cable that is pulled out. The agenda may still name its places: looking at
    /// one too early does no harm.
    fn remove(&mut self, link: usize) {
        for from in [0, 1] {
            if let Some(place) = self.of_interface.remove(&interface_index(link, from)) {
                self.directions[place].1 = Direction::new(LinkProperties::default(), 0);
                self.vacant.push(place);
            }
        }
    }

    /// Carries frames until the other end of the commands is gone.
    pub(super) fn run(mut self) {
        if let Err(error) = self.carry() {
            tracing::error!(%error, "the shaped links carry nothing any more");
        }
    }

    fn carry(&mut self) -> io::Result<()> {
        // Finer than the 50 µs by which timers may be late otherwise (prctl(2)).
        nix::sys::prctl::set_timerslack(1)?;
        go_first();
        loop {
            let more = self.take_frames();
            self.deliver();
            if !self.obey() {
                return Ok(());
            }
            if !more {
                self.sleep()?;
            }
        }
    }

    fn now(&self) -> Time {
        Time::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(Time::MAX)
    }

    /// Takes frames from the ring; whether there may be more.
    fn take_frames(&mut self) -> bool {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = self.now();
        for _ in 0..BATCH {
            let Self { ring, of_interface, directions, agenda, .. } = self;
            let received = ring.receive(|received| {
                let Some(&index) = of_interface.get(&received.interface) else { return };
                let Some(frame) = received.frame() else { return };
                // The clock on the wall may have been set in between: a frame is not from the future, nor old.
                let age = wall.saturating_sub(received.at).min(Duration::from_millis(100));
                let age = Time::try_from(age.as_nanos()).unwrap_or_default();
                let (_, direction) = &mut directions[index];
                direction.arrive(frame, now.saturating_sub(age));
                agenda.extend(direction.next_due().map(|due| Reverse((due, index))));
            });
            if !received {
                return false;
            }
        }
        true
    }

    /// Sends what is due.
    fn deliver(&mut self) {
        let now = self.now();
        while let Some(&Reverse((due, index))) = self.agenda.peek() {
            if due > now {
                break;
            }
            self.agenda.pop();
            let (to, direction) = &mut self.directions[index];
            while let Some(frame) = direction.depart(now) {
                self.outbox.push((*to, frame));
            }
            // Another entry may say the same; one is enough.
            let next = direction.next_due().map(|due| Reverse((due, index)));
            if next.as_ref() != self.agenda.peek() {
                self.agenda.extend(next);
            }
            if self.outbox.len() >= BATCH {
                self.flush();
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        if !self.outbox.is_empty() {
            self.ring.send(&self.outbox);
            self.outbox.clear();
        }
    }

    /// Does what is asked; `false` when nobody can ask any more.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Add { link, properties }) => self.add(link, &properties),
                Ok(Command::Remove { link }) => self.remove(link),
                Ok(Command::Change { link, from, properties }) => {
                    let now = self.now();
                    if let Some(&index) = self.of_interface.get(&interface_index(link, from)) {
                        let (_, direction) = &mut self.directions[index];
                        direction.change(properties, now);
                        self.agenda.extend(direction.next_due().map(|due| Reverse((due, index))));
                    }
                }
                Ok(Command::Count { link, reply }) => {
                    let of = |from| {
                        let index = self.of_interface.get(&interface_index(link, from));
                        index.map(|index| self.directions[*index].1.counters).unwrap_or_default()
                    };
                    // Who asked may have stopped waiting.
                    let _ = reply.send([of(0), of(1)]);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Until a frame or a command comes, or something is due.
    fn sleep(&mut self) -> io::Result<()> {
        let due = self.agenda.peek().map(|Reverse((due, _))| Duration::from_nanos(*due));
        let timeout = due.map(|due| due.saturating_sub(self.epoch.elapsed()).max(QUANTUM));
        let mut descriptors = [
            PollFd::new(self.ring.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.wake.as_fd(), PollFlags::POLLIN),
        ];
        match ppoll(&mut descriptors, timeout.map(TimeSpec::from_duration), None) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let asked = descriptors[1].any().unwrap_or(false);
        if asked {
            self.wake.read()?;
        }
        Ok(())
    }
}

/// Lets the calling thread go before others on a busy machine (`sched(7)`): a link that waits for a processor is a slower
/// link. It runs briefly and often, and the kernel keeps a part of each processor for the others. Only root may; without it the
/// thread takes its turn.
fn go_first() {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: `priority` outlives the call; 0 is the calling thread.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const priority) } < 0 {
        tracing::debug!(error = %io::Error::last_os_error(), "the shaped links have no priority");
    }
}
