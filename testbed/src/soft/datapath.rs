//! The thread that carries packets between the ports of all soft switches of a testbed.
//!
//! It sleeps in `poll(2)` while nothing comes, and works in batches while much does.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use openflow::PortNo;
use openflow::pipeline::{Offload, Packet};

use super::socket::{Came, Inbox, Outbox, PacketSocket};
use super::switch::{Carrier, SoftSwitch, Wires};

/// Batches that are carried before it is looked whether to end.
const AT_A_STRETCH: usize = 64;

/// Which port of which switch an interface is.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) switch: Arc<SoftSwitch>,
    pub(super) port: PortNo,
    pub(super) ports: Ports,
}

/// By the interface's index.
pub(super) type Routes = HashMap<u32, Route>;

/// The way out of one switch's ports.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pub(super) socket: Arc<PacketSocket>,
    pub(super) interfaces: Arc<RwLock<HashMap<PortNo, u32>>>,
}

impl Ports {
    /// The index of the interface that a port is.
    fn get(&self, port: PortNo) -> Option<u32> {
        self.interfaces.read().unwrap_or_else(PoisonError::into_inner).get(&port).copied()
    }

    pub(super) fn insert(&self, port: PortNo, interface: u32) {
        self.interfaces.write().unwrap_or_else(PoisonError::into_inner).insert(port, interface);
    }

    /// Takes one away; which interface it was.
    pub(super) fn remove(&self, port: PortNo) -> Option<u32> {
        self.interfaces.write().unwrap_or_else(PoisonError::into_inner).remove(&port)
    }
}

impl Wires for &Ports {
    fn send(&mut self, port: PortNo, frame: &[u8], offload: Option<Offload>) {
        if let Some(interface) = self.get(port) {
            // What cannot be sent is lost, as on any wire.
            let _ = self.socket.send(interface, frame, offload);
        }
    }
}

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Datapath {
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

impl Datapath {
    /// Starts it. The routes may change meanwhile.
    ///
    /// # Errors
    /// Where there is no descriptor or no thread left.
    pub(super) fn start(socket: Arc<PacketSocket>, routes: Arc<RwLock<Routes>>) -> io::Result<Datapath> {
        let stop = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let stopped = Arc::clone(&stop);
        let work = move || {
            if let Err(error) = carry(&socket, &stopped, &routes) {
                tracing::error!(%error, "the soft switches carry no more packets");
            }
        };
        let thread = std::thread::Builder::new().name("datapath".to_owned()).spawn(work)?;
        Ok(Datapath { stop, thread: Some(thread) })
    }
}

impl Drop for Datapath {
    fn drop(&mut self) {
        // Fails only when it is told already.
        let _ = self.stop.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn carry(socket: &PacketSocket, stop: &EventFd, routes: &RwLock<Routes>) -> io::Result<()> {
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::default());
    loop {
        let mut events =
            [PollFd::new(socket.as_fd(), PollFlags::POLLIN), PollFd::new(stop.as_fd(), PollFlags::POLLIN)];
        match poll(&mut events, PollTimeout::NONE) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        if events[1].any().unwrap_or(true) {
            return Ok(());
        }
        for _ in 0..AT_A_STRETCH {
            let routes = routes.read().unwrap_or_else(PoisonError::into_inner);
            if !batch(socket, &mut inbox, &mut outbox, &routes)? {
                break;
            }
        }
    }
}

/// Carries what waits; whether anything did.
fn batch(socket: &PacketSocket, inbox: &mut Inbox, outbox: &mut Outbox, routes: &Routes) -> io::Result<bool> {
    let now = Instant::now();
    let mut at_work: Option<(&Arc<SoftSwitch>, Carrier<'_>)> = None;
    let received = inbox.receive(socket, |came| {
        let Came { interface, buf, start, offload } = came;
        let Some(Route { switch, port, ports }) = routes.get(&interface) else { return buf };
        let mut packet = Packet::in_place(buf, start, *port);
        if let Some(offload) = offload {
            packet = packet.offloaded(offload);
        }
        // Often the next packet is for the same switch.
        let (_, carrier) = match &mut at_work {
            Some((same, _)) if Arc::ptr_eq(same, switch) => at_work.as_mut().expect("it is there"),
            other => {
                // Before the next one is locked.
                *other = None;
                other.insert((switch, switch.carry()))
            }
        };
        carrier.receive(packet, now, &mut Batched { socket, outbox, ports })
    });
    drop(at_work);
    outbox.flush(socket);
    match received {
        Ok(count) => Ok(count > 0),
        Err(error) => match error.raw_os_error() {
            Some(nix::libc::EAGAIN) => Ok(false),
            // A frame that the kernel cannot describe is taken off the queue with this; an interface
            // that went down is no business of the socket's.
            Some(nix::libc::EINVAL | nix::libc::EINTR | nix::libc::ENETDOWN | nix::libc::ENOBUFS) => Ok(true),
            _ => Err(error),
        },
    }
}

struct Batched<'a> {
    socket: &'a PacketSocket,
    outbox: &'a mut Outbox,
    ports: &'a Ports,
}

impl Wires for Batched<'_> {
    fn send(&mut self, port: PortNo, frame: &[u8], offload: Option<Offload>) {
        if let Some(interface) = self.ports.get(port) {
            self.outbox.send(self.socket, interface, frame, offload);
        }
    }
}
