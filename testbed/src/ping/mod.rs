//! Echo requests from inside the hosts, many at a time, without a `ping` program.
//!
//! Each host gets a raw ICMP socket (`raw(7)`, `icmp(7)`, RFC 3542 for IPv6), made in its namespace; one thread
//! sends and receives on all of them. One request a pair: a lost one is reported as lost.

mod engine;
mod neighbours;
mod packet;
mod report;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::error::Error;
use crate::host::Host;
use engine::{Engine, Probe};

pub use report::{Echo, PingReport};

/// By which of a host's addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The first address of this family that the host was given.
    pub(crate) fn address(self, host: &Host) -> Option<IpAddr> {
        host.interfaces().iter().find_map(|interface| match self {
            Family::V4 => interface.ipv4.map(|net| net.address.into()),
            Family::V6 => interface.ipv6.map(|net| net.address.into()),
        })
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// How pings are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingOptions {
    /// How long an answer may take. The kernel repeats an unanswered ARP request after one
    /// second, so less than that gives up on a network that lost one.
    pub timeout: Duration,
    /// How many requests may be on their way at once, those aside that have been for longer than
    /// 10 ms. At least 1.
    pub window: usize,
    /// By which addresses.
    pub family: Family,
}

impl Default for PingOptions {
    /// Two seconds; 128 requests, which a userspace switch's queues hold even if it floods them.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(2), window: 128, family: Family::V4 }
    }
}

/// Every ordered pair of hosts with addresses, so that a pair and its reverse are far apart: the
/// second then finds the ARP entries that the first left.
pub(crate) fn all_pairs(hosts: &[Host], family: Family) -> Vec<(usize, usize)> {
    let able: Vec<_> = (0..hosts.len()).filter(|i| family.address(&hosts[*i]).is_some()).collect();
    let n = able.len();
    (1..n)
        .flat_map(|step| (0..n).map(move |i| (i, (i + step) % n)))
        .map(|(from, to)| (able[from], able[to]))
        .collect()
}

/// Pings each pair (indices into `hosts`).
pub(crate) async fn ping(
    hosts: &[Host],
    pairs: &[(usize, usize)],
    options: &PingOptions,
) -> Result<PingReport, Error> {
    let mut sockets = vec![None; hosts.len()];
    let mut opened = Vec::new();
    let mut probes = Vec::with_capacity(pairs.len());
    for &(from, to) in pairs {
        let family = options.family;
        let target = family.address(&hosts[to]).ok_or_else(|| Error::Unavailable {
            what: format!("{} has no {family} address to ping", hosts[to].name()),
            remedy: "give it one in the topology".to_owned(),
        })?;
        let socket = match sockets[from] {
            Some(socket) => socket,
            None => {
                let open = hosts[from].namespace.run(move || packet::open_socket(family)).await?;
                opened.push(open.map_err(Error::system("open", "an ICMP socket"))?);
                *sockets[from].insert(opened.len() - 1)
            }
        };
        probes.push(Probe { socket, target });
    }
    let kept = neighbours::make_room(hosts, pairs, options.family).await;
    let engine = Engine::new(opened, probes, options)?;
    let times = tokio::task::spawn_blocking(move || engine.run()).await.map_err(|_| Error::Ended)??;
    let report = PingReport::new(hosts, pairs, &times);
    kept.forget_lost(pairs, &times).await;
    Ok(report)
}
