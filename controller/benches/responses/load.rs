//! The load: switches that keep a window of packet-ins outstanding, all on one thread.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::Result;
use crate::fake_switch::{FakeSwitch, Templates};
use crate::peers::Running;

/// Before the count begins.
const WARM_UP: Duration = Duration::from_secs(1);
/// A controller that has sent nothing for so long has set its switches up.
const QUIET: Duration = Duration::from_millis(500);
/// Switches must be set up within.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Load {
    pub switches: usize,
    /// Packet-ins outstanding at each.
    pub window: usize,
}

pub struct Outcome {
    pub per_second: f64,
    /// Nanoseconds of the controller's processor time for each response.
    pub processor_ns: f64,
    slowest: u64,
    fastest: u64,
}

impl Outcome {
    /// Responses of the slowest switch for each of the fastest.
    pub fn fairness(&self) -> f64 {
        self.slowest as f64 / self.fastest.max(1) as f64
    }
}

/// Connected switches, and what tells which of them were written to.
pub struct Switches {
    pub all: Vec<FakeSwitch>,
    templates: Templates,
    epoll: Epoll,
    ready: Vec<EpollEvent>,
}

impl Switches {
    pub fn connect(address: SocketAddr, count: usize, window: usize) -> Result<Switches> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut switches = Switches {
            all: Vec::with_capacity(count),
            templates: Templates::new()?,
            epoll,
            ready: vec![EpollEvent::empty(); 1024],
        };
        for number in 0..count as u64 {
            let switch = FakeSwitch::connect(address, number + 1, window)?;
            switches.epoll.add(&switch.stream, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
            switches.all.push(switch);
            // A listening socket holds only so many that were not accepted yet.
            if number % 64 == 63 {
                switches.serve(Duration::ZERO)?;
            }
        }
        Ok(switches)
    }

    /// Answers what has come; waits for at most `time` for something.
    pub fn serve(&mut self, time: Duration) -> Result<()> {
        let time = EpollTimeout::try_from(time)?;
        let count = self.epoll.wait(&mut self.ready, time)?;
        for event in &self.ready[..count] {
            self.all[event.data() as usize].serve(&self.templates)?;
        }
        Ok(())
    }

    /// Answers until every switch is known and the controller has nothing more to say.
    pub fn set_up(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.serve(Duration::from_millis(50))?;
            let known = self.all.iter().filter(|switch| switch.known).count();
            let quiet = self.all.iter().all(|switch| switch.chatter.elapsed() > QUIET);
            if known == self.all.len() && quiet {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{known} of {} switches were set up in time", self.all.len()).into());
            }
        }
    }

    fn serve_for(&mut self, time: Duration) -> Result<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.serve(Duration::from_millis(10))?;
        }
        Ok(begun.elapsed())
    }
}

impl Load {
    pub fn run(&self, controller: &Running, time: Duration) -> Result<Outcome> {
        let mut switches = Switches::connect(controller.address, self.switches, self.window)?;
        switches.set_up()?;
        for switch in &mut switches.all {
            switch.widen();
            switch.begin(&switches.templates)?;
        }
        switches.serve_for(WARM_UP)?;
        let before: Vec<u64> = switches.all.iter().map(|switch| switch.responses).collect();
        let idle = controller.processor_time()?;
        let took = switches.serve_for(time)?;
        let busy = controller.processor_time()? - idle;
        let counts: Vec<u64> =
            switches.all.iter().zip(before).map(|(switch, before)| switch.responses - before).collect();
        let all = counts.iter().sum::<u64>() as f64;
        Ok(Outcome {
            per_second: all / took.as_secs_f64(),
            processor_ns: busy.as_secs_f64() * 1e9 / all.max(1.0),
            slowest: counts.iter().copied().min().unwrap_or(0),
            fastest: counts.iter().copied().max().unwrap_or(0),
        })
    }
}
