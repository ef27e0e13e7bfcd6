//! Frames at hosts' interfaces: sent as they are, and taken as they come, beside the hosts' own stacks.
//!
//! For those who test what a network does to packets. A host's kernel answers what comes to it;
//! [`Testbed::silence`] keeps it from that.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::connection;
use crate::construction::interface_index;
use crate::error::Error;
use crate::sandbox::readable;
use crate::soft::{Came, Inbox, PacketSocket};
use crate::testbed::Testbed;
use crate::topology::Node;

/// Frames that may wait for whoever takes them; more wait in the kernel.
const WAITING: usize = 1024;

/// A frame that came to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tapped {
    /// Which host.
    pub host: String,
    /// By which of its interfaces, the n of `eth`n.
    pub port: u32,
    /// The frame, from its Ethernet header on.
    pub frame: Vec<u8>,
}

/// Packet sockets (`packet(7)`) at the interfaces of all hosts.
#[derive(Debug)]
pub struct Taps {
    hosts: HashMap<String, Tap>,
    came: mpsc::Receiver<Tapped>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Tap {
    socket: Arc<PacketSocket>,
    /// The lowest of its interfaces.
    first: (u32, u32),
}

/// A socket whose readiness the runtime tells.
struct Watched(Arc<PacketSocket>);

impl AsRawFd for Watched {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Testbed {
    /// Taps all hosts that have a link, as they are now: later ones are not heard.
    ///
    /// # Errors
    /// The kernel's, where packet sockets are not allowed.
    pub async fn taps(&self) -> Result<Taps, Error> {
        let network = self.network();
        let failed = |host: &str| Error::system::<io::Error>("tap", host.to_owned());
        let (sender, came) = mpsc::channel(WAITING);
        let (mut hosts, mut tasks) = (HashMap::new(), JoinSet::new());
        for (at, host) in network.hosts.iter().enumerate() {
            let mut interfaces = HashMap::new();
            for link in &network.plan.links {
                for (side, end) in link.ends.iter().enumerate().filter(|(_, end)| end.node == Node::Host(at))
                {
                    interfaces.insert(interface_index(link.number, side), end.port);
                }
            }
            let lowest = interfaces.iter().map(|(index, port)| (*port, *index)).min();
            let Some(first) = lowest else { continue };
            let socket = host.namespace().run(PacketSocket::open).await?.map_err(failed(host.name()))?;
            let socket = Arc::new(socket);
            let watched = readable(Watched(Arc::clone(&socket))).map_err(failed(host.name()))?;
            tasks.spawn(take(host.name().to_owned(), watched, interfaces, sender.clone()));
            hosts.insert(host.name().to_owned(), Tap { socket, first });
        }
        Ok(Taps { hosts, came, _tasks: tasks })
    }

    /// Returns when packets go as the rules of the switches say now. Open vSwitch acknowledges changes of flows before all
    /// that it has cached agrees with them (`ovs-vswitchd(8)`, `revalidator/wait`).
    ///
    /// # Errors
    /// When Open vSwitch does not answer.
    pub async fn wait_rules_in_force(&self) -> Result<(), Error> {
        self.switches.wait_revalidated().await
    }

    /// Takes the hosts' addresses away and has their kernels speak no IPv6: they answer nothing and say nothing by
    /// themselves. For good: a host that comes later has its addresses.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn silence(&self) -> Result<(), Error> {
        for host in &self.network().hosts {
            let failed = || Error::system::<io::Error>("silence", host.name().to_owned());
            let quiet = || std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
            host.namespace().run(quiet).await?.map_err(failed())?;
            let handle = connection::handle(host.namespace()).await?;
            let addresses = handle.address().get().execute().try_collect::<Vec<_>>().await;
            for address in addresses.map_err(connection::answer).map_err(failed())? {
                // Those of `lo` answer nobody else.
                if address.header.index == 1 {
                    continue;
                }
                let gone = handle.address().del(address).execute().await;
                gone.map_err(connection::answer).map_err(failed())?;
            }
        }
        Ok(())
    }
}

impl Taps {
    /// Sends a frame out of a host's first interface, without a word of the host's own stack.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a host without a tap; the kernel's for a frame that it does not take.
    pub fn send(&self, host: &str, frame: &[u8]) -> Result<(), Error> {
        let tap = self.hosts.get(host).ok_or_else(|| Error::Unknown {
            kind: "tapped host",
            name: host.to_owned(),
            known: self.hosts.keys().cloned().collect(),
        })?;
        let sent = tap.socket.send(tap.first.1, frame, None);
        sent.map_err(Error::system("send a frame from", host.to_owned()))
    }

    /// The next frame that comes to any host, in order for each host.
    pub async fn receive(&mut self) -> Option<Tapped> {
        self.came.recv().await
    }
}

/// Takes what comes to a host, until nobody wants it any more.
async fn take(
    host: String,
    socket: AsyncFd<Watched>,
    interfaces: HashMap<u32, u32>,
    to: mpsc::Sender<Tapped>,
) {
    let mut inbox = Inbox::new();
    loop {
        let Ok(mut ready) = socket.readable().await else { return };
        let mut some = Vec::new();
        let took = ready.try_io(|socket| {
            inbox.receive(&socket.get_ref().0, |came| {
                let Came { interface, buf, start, .. } = came;
                if let Some(port) = interfaces.get(&interface) {
                    some.push(Tapped { host: host.clone(), port: *port, frame: buf[start..].to_vec() });
                }
                buf
            })
        });
        if let Ok(Err(error)) = took {
            // An interface that went down is told here, and comes up again.
            tracing::debug!(host, %error, "tap");
        }
        for tapped in some {
            if to.send(tapped).await.is_err() {
                return;
            }
        }
    }
}
