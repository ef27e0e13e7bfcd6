//! Sends all requests and gathers all replies, on one thread.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::cmsg_space;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendto};
use nix::sys::time::TimeSpec;

use super::packet::{self, Mark};
use super::{Family, PingOptions};
use crate::error::Error;

/// A request that has been on its way for so long no longer keeps others from being sent: a
/// network that answers nothing is done after one timeout, not after one for every window.
const YOUTH: Duration = Duration::from_millis(10);

/// One request to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    /// The source: an index into the sockets.
    pub(super) socket: usize,
    pub(super) target: IpAddr,
}

/// What has become of a probe.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Unsent,
    Sent { at: SystemTime, young: bool },
    Answered(Duration),
    Lost,
}

pub(super) struct Engine {
    sockets: Vec<OwnedFd>,
    epoll: Epoll,
    probes: Vec<Probe>,
    fates: Vec<Fate>,
    mark: Mark,
    family: Family,
    timeout: Duration,
    window: usize,
    /// Requests on their way that still count against the window.
    young: usize,
}

impl Engine {
    pub(super) fn new(
        sockets: Vec<OwnedFd>,
        probes: Vec<Probe>,
        options: &PingOptions,
    ) -> Result<Self, Error> {
        let failed = || Error::system::<io::Error>("prepare", "the pings");
        let prepare = || {
            let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
            for (i, socket) in sockets.iter().enumerate() {
                epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, i as u64))?;
            }
            let mut mark = [0; 8];
            getrandom::fill(&mut mark).map_err(|error| io::Error::other(error.to_string()))?;
            Ok((epoll, Mark(u64::from_be_bytes(mark))))
        };
        let (epoll, mark) = prepare().map_err(failed())?;
        Ok(Self {
            fates: vec![Fate::Unsent; probes.len()],
            sockets,
            epoll,
            probes,
            mark,
            family: options.family,
            timeout: options.timeout,
            window: options.window.max(1),
            young: 0,
        })
    }

    /// The round-trip time of each probe, `None` for the lost ones.
    pub(super) fn run(mut self) -> Result<Vec<Option<Duration>>, Error> {
        self.run_to_end().map_err(Error::system("receive", "echo replies"))?;
        let time = |fate: &Fate| match fate {
            Fate::Answered(time) => Some(*time),
            _ => None,
        };
        Ok(self.fates.iter().map(time).collect())
    }

    fn run_to_end(&mut self) -> io::Result<()> {
        let mut unsent: VecDeque<usize> = (0..self.probes.len()).collect();
        // In the order of sending; answered ones are skipped when they come to the front.
        let mut youths: VecDeque<(Instant, usize)> = VecDeque::new();
        let mut waiting: VecDeque<(Instant, usize)> = VecDeque::new();
        let mut blocked_since: Option<Instant> = None;
        let mut events = vec![EpollEvent::empty(); 256];
        loop {
            while self.young < self.window {
                let Some(&probe) = unsent.front() else { break };
                match self.send(probe) {
                    Ok(()) => {
                        let now = Instant::now();
                        youths.push_back((now + YOUTH, probe));
                        waiting.push_back((now + self.timeout, probe));
                        blocked_since = None;
                    }
                    Err(error) if is_congestion(&error) => {
                        // The socket's or the interface's queue is full of our own requests. It
                        // empties by itself, or we give up on this one like on an unanswered one.
                        let since = *blocked_since.get_or_insert_with(Instant::now);
                        if since.elapsed() < self.timeout {
                            break;
                        }
                        self.fates[probe] = Fate::Lost;
                    }
                    Err(error) => {
                        tracing::debug!(%error, target = %self.probes[probe].target, "not sent");
                        self.fates[probe] = Fate::Lost;
                    }
                }
                unsent.pop_front();
            }
            let now = Instant::now();
            while let Some(&(end, probe)) = youths.front() {
                let still_young = matches!(self.fates[probe], Fate::Sent { young: true, .. });
                if still_young && end > now {
                    break;
                }
                self.grow_up(probe);
                youths.pop_front();
            }
            while let Some(&(deadline, probe)) = waiting.front() {
                if matches!(self.fates[probe], Fate::Sent { .. }) {
                    if deadline > now {
                        break;
                    }
                    self.fates[probe] = Fate::Lost;
                }
                waiting.pop_front();
            }
            if unsent.is_empty() && waiting.is_empty() {
                return Ok(());
            }
            if !unsent.is_empty() && self.young < self.window && blocked_since.is_none() {
                // There is room to send, but look for replies in between.
                self.wait(&mut events, Duration::ZERO)?;
                continue;
            }
            let next = match (&unsent.front(), youths.front(), waiting.front()) {
                (Some(_), _, _) if blocked_since.is_some() => now + Duration::from_millis(1),
                (Some(_), Some(&(end, _)), _) => end,
                (_, _, Some(&(deadline, _))) => deadline,
                _ => now,
            };
            self.wait(&mut events, next.saturating_duration_since(now))?;
        }
    }

    fn send(&mut self, probe: usize) -> io::Result<()> {
        let Probe { socket, target } = self.probes[probe];
        let index = u32::try_from(probe).map_err(|_| io::ErrorKind::InvalidInput)?;
        let bytes = packet::request(self.family, self.mark, index);
        let to = SockaddrStorage::from(SocketAddr::new(target, 0));
        let fd = self.sockets[socket].as_raw_fd();
        let at = SystemTime::now();
        sendto(fd, &bytes, &to, MsgFlags::empty())?;
        self.fates[probe] = Fate::Sent { at, young: true };
        self.young += 1;
        Ok(())
    }

    /// A request stops counting against the window.
    fn grow_up(&mut self, probe: usize) {
        if let Fate::Sent { young, .. } = &mut self.fates[probe]
            && std::mem::replace(young, false)
        {
            self.young -= 1;
        }
    }

    /// Waits for replies at most so long, and takes all that are there.
    fn wait(&mut self, events: &mut [EpollEvent], at_most: Duration) -> io::Result<()> {
        // Rounded up: waking too early would only mean waking again.
        let milliseconds = at_most.as_nanos().div_ceil(1_000_000);
        let timeout = EpollTimeout::try_from(i32::try_from(milliseconds).unwrap_or(i32::MAX))
            .unwrap_or(EpollTimeout::ZERO);
        let ready = match self.epoll.wait(events, timeout) {
            Err(nix::Error::EINTR) => 0,
            other => other?,
        };
        for event in &events[..ready] {
            let socket = usize::try_from(event.data()).unwrap_or(usize::MAX);
            self.receive(socket)?;
        }
        Ok(())
    }

    fn receive(&mut self, socket: usize) -> io::Result<()> {
        let fd = self.sockets[socket].as_raw_fd();
        let mut space = cmsg_space!(TimeSpec);
        let mut buffer = [0; 256];
        loop {
            let mut slices = [IoSliceMut::new(&mut buffer)];
            let flags = MsgFlags::empty();
            let message = match recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut space), flags) {
                Ok(message) => message,
                Err(nix::Error::EAGAIN) => return Ok(()),
                Err(nix::Error::EINTR) => continue,
                // The kernel's news of an unreachable neighbour: its probe is lost in time.
                Err(nix::Error::EHOSTUNREACH | nix::Error::ENETUNREACH | nix::Error::ENETDOWN) => {
                    continue;
                }
                Err(errno) => return Err(errno.into()),
            };
            let arrival = message
                .cmsgs()
                .ok()
                .and_then(|mut all| {
                    all.find_map(|cmsg| match cmsg {
                        ControlMessageOwned::ScmTimestampns(time) => Some(UNIX_EPOCH + Duration::from(time)),
                        _ => None,
                    })
                })
                .unwrap_or_else(SystemTime::now);
            let length = message.bytes;
            let source = message.address.as_ref().and_then(address);
            let index = packet::reply(self.family, self.mark, &buffer[..length]);
            if let (Some(source), Some(index)) = (source, index) {
                self.answered(socket, source, index, arrival);
            }
        }
    }

    fn answered(&mut self, socket: usize, source: IpAddr, index: u32, arrival: SystemTime) {
        let probe = index as usize;
        let Some(&Probe { socket: sent_by, target }) = self.probes.get(probe) else {
            return;
        };
        if let (true, Fate::Sent { at, .. }) = ((sent_by, target) == (socket, source), self.fates[probe]) {
            self.grow_up(probe);
            // The machine's clock may have been set back in between: then the time is unknown.
            let time = arrival.duration_since(at).unwrap_or_default();
            self.fates[probe] = Fate::Answered(time);
        }
    }
}

fn address(source: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = source.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| Some(source.as_sockaddr_in6()?.ip().into()))
}

fn is_congestion(error: &io::Error) -> bool {
    let congested = [nix::Error::EAGAIN, nix::Error::ENOBUFS].map(|errno| Some(errno as i32));
    congested.contains(&error.raw_os_error())
}
