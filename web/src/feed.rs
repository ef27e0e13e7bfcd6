//! The newest state of the network, handed from who knows it to who watches it.
//!
//! Only the newest value of each thing is kept, so the publisher never waits and memory is bounded by the network's
//! size: a browser that reads slowly misses what was between, never the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::view::{Dpid, FlowTable, Network, PortTable};

/// Event streams and waiting requests at once; more than people have tabs, less than hurts.
const MAX_WATCHERS: usize = 64;

/// Connects a publisher of network state to the [`Server`](crate::Server) that shows it.
pub fn feed() -> (Publisher, Feed) {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        version: watch::Sender::new(0),
        watchers: watch::Sender::new(0),
        start: Instant::now(),
    });
    (Publisher(Arc::clone(&shared)), Feed(shared))
}

/// The writing end of a feed. Publishing never waits and never fails.
#[derive(Clone, Debug)]
pub struct Publisher(Arc<Shared>);

/// The reading end of a feed, to be given to [`Server::new`](crate::Server::new).
#[derive(Clone, Debug)]
pub struct Feed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The newest version in `state`; raised after each publication.
    version: watch::Sender<u64>,
    watchers: watch::Sender<usize>,
    start: Instant,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    network: Option<(Arc<Network>, Latest)>,
    tables: BTreeMap<(Kind, Dpid), Latest>,
}

/// What is published for each switch. The order is the order in which a browser gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Ports,
    Flows,
}

/// A published value, serialised once for all who read it.
#[derive(Clone, Debug)]
struct Latest {
    version: u64,
    at: Instant,
    json: Arc<str>,
}

/// Adds to a table when it was measured, from which browsers compute rates.
#[derive(Serialize)]
struct Measured<'a, T> {
    /// Milliseconds on a clock that starts with the feed and never goes back.
    measured_ms: u64,
    #[serde(flatten)]
    table: &'a T,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete in itself, so that a panic elsewhere leaves it sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table<T: Serialize>(&self, kind: Kind, dpid: Dpid, table: &T) {
        let at = Instant::now();
        let measured_ms = at.duration_since(self.start).as_millis().try_into().unwrap_or(u64::MAX);
        let json = json(&Measured { measured_ms, table });
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        state.tables.insert((kind, dpid), Latest { version, at, json });
        drop(state);
        self.version.send_replace(version);
    }
}

fn json<T: Serialize>(view: &T) -> Arc<str> {
    serde_json::to_string(view).expect("views have text keys and no failing serialisers").into()
}

impl Publisher {
    /// Publishes the whole network. A network equal to the last one is not sent again; the tables of switches that
    /// are no longer in it are forgotten.
    pub fn network(&self, network: Network) {
        let json = json(&network);
        let mut state = self.0.state();
        if state.network.as_ref().is_some_and(|(_, latest)| latest.json == json) {
            return;
        }
        state.version += 1;
        let version = state.version;
        state.tables.retain(|(_, dpid), _| network.switches.iter().any(|switch| switch.dpid == *dpid));
        state.network = Some((Arc::new(network), Latest { version, at: Instant::now(), json }));
        drop(state);
        self.0.version.send_replace(version);
    }

    /// Publishes the flow tables of one switch, measured just now.
    pub fn flows(&self, table: FlowTable) {
        self.0.table(Kind::Flows, table.dpid, &table);
    }

    /// Publishes the port counters of one switch, measured just now.
    pub fn ports(&self, table: PortTable) {
        self.0.table(Kind::Ports, table.dpid, &table);
    }

    /// Whether somebody watches: only then need switches be asked for their counters.
    pub fn has_watchers(&self) -> bool {
        *self.0.watchers.borrow() > 0
    }

    /// Waits until somebody watches; returns at once if somebody does.
    pub async fn watched(&self) {
        let mut watchers = self.0.watchers.subscribe();
        // It can't fail: the sender lives in what `self` holds.
        let _ = watchers.wait_for(|watchers| *watchers > 0).await;
    }
}

impl Feed {
    /// The newest network; `None` before the first was published.
    pub(crate) fn network(&self) -> Option<Arc<Network>> {
        self.0.state().network.as_ref().map(|(network, _)| Arc::clone(network))
    }

    /// Starts to watch; `None` if too many do.
    pub(crate) fn watch(&self) -> Option<Watcher> {
        let admitted = self.0.watchers.send_if_modified(|watchers| {
            let room = *watchers < MAX_WATCHERS;
            *watchers += usize::from(room);
            room
        });
        admitted.then(|| Watcher {
            changed: self.0.version.subscribe(),
            shared: Arc::clone(&self.0),
            seen: 0,
        })
    }

    fn table(&self, kind: Kind, dpid: Dpid) -> Option<Latest> {
        self.0.state().tables.get(&(kind, dpid)).cloned()
    }

    /// A table of a switch that is at most `age` old. Since switches are asked only while somebody watches, this
    /// watches for up to `patience`, and then takes what there is.
    pub(crate) async fn recent(
        &self,
        kind: Kind,
        dpid: Dpid,
        age: Duration,
        patience: Duration,
    ) -> Option<Arc<str>> {
        let newest_welcome = Instant::now().checked_sub(age);
        let recent = |latest: &Latest| newest_welcome.is_none_or(|limit| latest.at >= limit);
        if let Some(mut watcher) = self.watch() {
            let arrival = async {
                while !self.table(kind, dpid).is_some_and(|latest| recent(&latest)) {
                    watcher.change().await;
                }
            };
            // Past the limit, an old table is better than none.
            let _ = tokio::time::timeout(patience, arrival).await;
        }
        self.table(kind, dpid).map(|latest| latest.json)
    }
}

/// Somebody who watches the feed, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    changed: watch::Receiver<u64>,
    seen: u64,
}

/// One thing that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    /// The event's name on the wire.
    pub(crate) name: &'static str,
    /// Its JSON.
    pub(crate) json: Arc<str>,
}

impl Watcher {
    /// What is new since the last call, at first all there is; waits until there is something. May be cancelled.
    pub(crate) async fn next(&mut self) -> Vec<Update> {
        loop {
            self.changed.mark_unchanged();
            let updates = self.unseen();
            if !updates.is_empty() {
                return updates;
            }
            self.change().await;
        }
    }

    async fn change(&mut self) {
        // It can't fail: the sender lives in what `self` holds.
        let _ = self.changed.changed().await;
    }

    fn unseen(&mut self) -> Vec<Update> {
        let state = self.shared.state();
        let network = state.network.iter().map(|(_, latest)| ("network", latest));
        let tables = state.tables.iter().map(|((kind, _), latest)| match kind {
            Kind::Ports => ("ports", latest),
            Kind::Flows => ("flows", latest),
        });
        let updates = network
            .chain(tables)
            .filter(|(_, latest)| latest.version > self.seen)
            .map(|(name, latest)| Update { name, json: Arc::clone(&latest.json) })
            .collect();
        self.seen = state.version;
        updates
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.watchers.send_modify(|watchers| *watchers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{PortCounters, Switch, SwitchKind};

    fn network(dpids: &[u64]) -> Network {
        let switch = |dpid: &u64| Switch {
            name: format!("s{dpid}"),
            dpid: Dpid(*dpid),
            connected: true,
            kind: SwitchKind::Ovs,
            ports: Vec::new(),
        };
        Network { name: "test".into(), switches: dpids.iter().map(switch).collect(), ..Network::default() }
    }

    fn ports(dpid: u64, rx_packets: u64) -> PortTable {
        let counters = PortCounters { number: 1, rx_packets, ..PortCounters::default() };
        PortTable { dpid: Dpid(dpid), ports: vec![counters] }
    }

    fn names(updates: &[Update]) -> Vec<&str> {
        updates.iter().map(|update| update.name).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_gets_all_at_first_and_then_what_is_new() {
        let (publisher, feed) = feed();
        publisher.network(network(&[1, 2]));
        publisher.flows(FlowTable { dpid: Dpid(1), flows: Vec::new() });
        publisher.ports(ports(1, 1));
        let mut watcher = feed.watch().expect("room");
        assert_eq!(names(&watcher.next().await), ["network", "ports", "flows"]);

        publisher.network(network(&[1, 2]));
        publisher.ports(ports(2, 7));
        assert_eq!(names(&watcher.next().await), ["ports"], "an equal network is no news");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_watcher_gets_only_the_newest() {
        let (publisher, feed) = feed();
        let mut watcher = feed.watch().expect("room");
        for packets in 0..1000 {
            publisher.ports(ports(1, packets));
        }
        let updates = watcher.next().await;
        assert_eq!(names(&updates), ["ports"]);
        assert!(updates[0].json.contains("\"rx_packets\":999"), "{}", updates[0].json);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_watcher_wakes() {
        let (publisher, feed) = feed();
        let mut watcher = feed.watch().expect("room");
        let waiting = tokio::spawn(async move { watcher.next().await });
        tokio::task::yield_now().await;
        publisher.ports(ports(1, 5));
        assert_eq!(names(&waiting.await.expect("no panic")), ["ports"]);
    }

    #[tokio::test(start_paused = true)]
    async fn tables_of_switches_that_went_are_forgotten() {
        let (publisher, feed) = feed();
        publisher.ports(ports(1, 1));
        publisher.ports(ports(2, 1));
        publisher.network(network(&[2]));
        assert!(feed.table(Kind::Ports, Dpid(1)).is_none());
        assert!(feed.table(Kind::Ports, Dpid(2)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn watchers_are_counted_and_limited() {
        let (publisher, feed) = feed();
        assert!(!publisher.has_watchers());
        let crowd: Vec<_> = (0..MAX_WATCHERS).map(|_| feed.watch().expect("room")).collect();
        publisher.watched().await;
        assert!(feed.watch().is_none());
        drop(crowd);
        assert!(!publisher.has_watchers());
        assert!(feed.watch().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_wakes_the_publisher_and_waits_for_it() {
        let (publisher, feed) = feed();
        publisher.ports(ports(1, 1));
        tokio::time::advance(Duration::from_secs(60)).await;
        let answering = publisher.clone();
        tokio::spawn(async move {
            answering.watched().await;
            answering.ports(ports(1, 2));
        });
        let second = Duration::from_secs(1);
        let json = feed.recent(Kind::Ports, Dpid(1), second, second).await.expect("a table");
        assert!(json.contains("\"rx_packets\":2"), "{json}");
        assert!(json.contains("\"measured_ms\":60000"), "{json}");
        assert!(!publisher.has_watchers());
        assert!(feed.recent(Kind::Flows, Dpid(1), second, second).await.is_none());
    }
}
