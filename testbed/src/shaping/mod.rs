//! Links that do something to their frames, carried by userspace.
//!
//! Each end of such a link is one end of a virtual Ethernet pair whose other end stands in a namespace of its own, the
//! *cable*. There one thread takes the frames from one pair, does to them what the link's properties say, and puts them
//! into the other pair. It needs nothing from the kernel but packet sockets, works in a user namespace, and does the
//! same to the same frames for the same seed.

mod direction;
mod engine;
mod ring;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::sys::eventfd::{EfdFlags, EventFd};

pub use direction::LinkCounters;
use engine::{Command, Engine};
use ring::Ring;

use crate::error::Error;
use crate::sandbox::NetNs;
use crate::topology::LinkProperties;

/// The thread that carries the shaped links' frames. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Shaping {
    commands: Option<mpsc::Sender<Command>>,
    wake: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Shaping {
    /// Starts carrying: for each link its number and what happens from its first end to the second and back.
    pub(crate) async fn start(
        cable: &NetNs,
        links: Vec<(usize, [LinkProperties; 2])>,
        seed: u64,
    ) -> Result<Self, Error> {
        let failed = || Error::system::<std::io::Error>("start", "the shaped links");
        let ring = cable.run(Ring::open).await?.map_err(Error::system("open", "a packet socket"))?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| failed()(errno.into()))?;
        let wake = Arc::new(wake);
        let (commands, inbox) = mpsc::channel();
        let engine = Engine::new(ring, Arc::clone(&wake), inbox, &links, seed);
        let thread = std::thread::Builder::new().name("links".to_owned()).spawn(move || engine.run());
        Ok(Self { commands: Some(commands), wake, thread: Some(thread.map_err(failed())?) })
    }

    /// Carries one more link; the kernel must have its halves in the cable already, or soon.
    pub(crate) fn add(&self, link: usize, properties: [LinkProperties; 2]) -> Result<(), Error> {
        self.ask(Command::Add { link, properties })
    }

    /// Carries a link no more.
    pub(crate) fn remove(&self, link: usize) -> Result<(), Error> {
        self.ask(Command::Remove { link })
    }

    /// Changes what happens to frames that come from the end `from` of a link.
    pub(crate) fn change(&self, link: usize, from: usize, properties: LinkProperties) -> Result<(), Error> {
        self.ask(Command::Change { link, from, properties })
    }

    /// What has become of a link's frames: from its first end, from its second.
    pub(crate) async fn counters(&self, link: usize) -> Result<[LinkCounters; 2], Error> {
        let (reply, counters) = tokio::sync::oneshot::channel();
        self.ask(Command::Count { link, reply })?;
        counters.await.map_err(|_| Error::Ended)
    }

    fn ask(&self, command: Command) -> Result<(), Error> {
        let commands = self.commands.as_ref().ok_or(Error::Ended)?;
        commands.send(command).map_err(|_| Error::Ended)?;
        self.wake.write(1).map_err(Error::system("wake", "the shaped links"))?;
        Ok(())
    }
}

impl Drop for Shaping {
    fn drop(&mut self) {
        self.commands = None;
        // Fails only when it has been woken 2^64 times without looking.
        let _ = self.wake.write(1);
        if let Some(thread) = self.thread.take() {
            // It has no panic of its own to pass on that its absence would not tell.
            let _ = thread.join();
        }
    }
}
