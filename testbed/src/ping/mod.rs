//! Echo requests from inside the hosts, many at a time, without a `ping` program.
//!
//! Each host gets a raw ICMP socket (`raw(7)`, `icmp(7)`), made in its namespace; one thread
//! sends and receives on all of them. One request a pair: a lost one is reported as lost.

mod engine;
mod neighbours;
mod packet;
mod report;

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::error::Error;
use crate::host::Host;
use engine::{Engine, Probe};

pub use report::{Echo, PingReport};

/// How pings are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingOptions {
    /// How long an answer may take. The kernel repeats an unanswered ARP request after one
    /// second, so less than that gives up on a network that lost one.
    pub timeout: Duration,
    /// How many requests may be on their way at once, those aside that have been for longer than
    /// 10 ms. At least 1.
    pub window: usize,
}

impl Default for PingOptions {
    /// Two seconds; 128 requests, which a userspace switch's queues hold even if it floods them.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(2), window: 128 }
    }
}

fn ipv4(host: &Host) -> Option<Ipv4Addr> {
    let mut nets = host.interfaces().iter().filter_map(|i| i.ipv4);
    nets.next().map(|net| net.address)
}

/// Every ordered pair of hosts with addresses, so that a pair and its reverse are far apart: the
/// second then finds the ARP entries that the first left.
pub(crate) fn all_pairs(hosts: &[Host]) -> Vec<(usize, usize)> {
    let able: Vec<_> = (0..hosts.len()).filter(|i| ipv4(&hosts[*i]).is_some()).collect();
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
        let target = ipv4(&hosts[to]).ok_or_else(|| Error::Unavailable {
            what: format!("{} has no IPv4 address to ping", hosts[to].name()),
            remedy: "give it one in the topology".to_owned(),
        })?;
        let socket = match sockets[from] {
            Some(socket) => socket,
            None => {
                let open = hosts[from].namespace.run(packet::open_socket).await?;
                opened.push(open.map_err(Error::system("open", "an ICMP socket"))?);
                *sockets[from].insert(opened.len() - 1)
            }
        };
        probes.push(Probe { socket, target });
    }
    let kept = neighbours::make_room(hosts, pairs).await;
    let engine = Engine::new(opened, probes, options)?;
    let times = tokio::task::spawn_blocking(move || engine.run()).await.map_err(|_| Error::Ended)??;
    let report = PingReport::new(hosts, pairs, &times);
    kept.forget_lost(pairs, &times).await;
    Ok(report)
}
