//! How many bits a second get from one host to another, without an `iperf` program.
//!
//! The sockets are made in the hosts' namespaces; this process sends on one and counts on the other. What counts is what
//! arrives, over the time in which it arrives. No measurement lasts longer than its options say.

mod report;
mod tcp;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::error::Error;
use crate::host::Host;
use crate::ping::Family;
use crate::topology::Rate;

pub use report::{Throughput, UdpFigures};

/// How throughput is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThroughputOptions {
    /// What is sent.
    pub transport: Transport,
    /// For how long it is counted.
    pub duration: Duration,
    /// How long it is sent before it is counted: the time that TCP takes to find the link's speed.
    pub warm_up: Duration,
    /// How long a connection, or what is on its way at the end, may take beyond that.
    pub patience: Duration,
    /// By which addresses.
    pub family: Family,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One TCP connection, as fast as it gets.
    Tcp,
    /// UDP datagrams of 1470 bytes, which with their headers fill an Ethernet frame.
    Udp {
        /// How many bits of payload are sent a second, headers not counted.
        rate: Rate,
    },
}

impl Default for ThroughputOptions {
    /// TCP over IPv4, for five seconds as Mininet's `iperf`, after half a second that does not count.
    fn default() -> Self {
        Self {
            transport: Transport::Tcp,
            duration: Duration::from_secs(5),
            warm_up: Duration::from_millis(500),
            patience: Duration::from_secs(5),
            family: Family::V4,
        }
    }
}

/// Measures from one host to another.
pub(crate) async fn measure(
    from: &Host,
    to: &Host,
    options: &ThroughputOptions,
) -> Result<Throughput, Error> {
    let target = options.family.address(to).ok_or_else(|| Error::Unavailable {
        what: format!("{} has no {} address to send to", to.name(), options.family),
        remedy: "give it one in the topology".to_owned(),
    })?;
    let kind = match options.transport {
        Transport::Tcp => Type::STREAM,
        Transport::Udp { .. } => Type::DGRAM,
    };
    let open = move |bind: bool| move || socket(target, kind, bind);
    let receiver =
        to.namespace.run(open(true)).await?.map_err(Error::system("open a socket in", to.name()))?;
    let sender =
        from.namespace.run(open(false)).await?.map_err(Error::system("open a socket in", from.name()))?;
    let failed = || Error::system::<io::Error>("measure throughput to", to.name());
    let address = receiver.local_addr().map_err(failed())?;
    match options.transport {
        Transport::Tcp => {
            let figures = tcp::measure(sender, receiver, &address, options).await.map_err(failed())?;
            Ok(Throughput::new(from, to, options, figures))
        }
        Transport::Udp { rate } => {
            let options = options.clone();
            let run = {
                let options = options.clone();
                move || udp::measure(&sender, &receiver, &address, rate, &options)
            };
            let figures =
                tokio::task::spawn_blocking(run).await.map_err(|_| Error::Ended)?.map_err(failed())?;
            Ok(Throughput::new(from, to, &options, figures))
        }
    }
}

/// Opens a socket in the calling thread's namespace, bound to a free port of `target` if so asked.
fn socket(target: IpAddr, kind: Type, bind: bool) -> io::Result<Socket> {
    let protocol = if kind == Type::STREAM { Protocol::TCP } else { Protocol::UDP };
    let socket = Socket::new(Domain::for_address(SocketAddr::new(target, 0)), kind, Some(protocol))?;
    if bind {
        socket.bind(&SockAddr::from(SocketAddr::new(target, 0)))?;
    }
    Ok(socket)
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Bytes of payload that arrived while it counted.
    bytes: u64,
    /// The time in which they did.
    time: Duration,
    udp: Option<UdpFigures>,
}
