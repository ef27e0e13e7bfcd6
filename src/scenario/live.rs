//! Scenarios with real packets: a testbed, packet sockets at its hosts, and our own controller at its switches.
//!
//! Nothing is waited for by the clock. When a step is over is told by **markers**, frames that follow the others through
//! the same queues: each switch sends them to the controller by a rule of ours, and a round of them, sent by every host and
//! over every link between switches, comes back when all that was before them has gone a hop. After as many rounds as a
//! way can have hops nothing is under way.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use controller::apps::{self, AppSpec};
use controller::{App, AppFactory, AppResult, Controller, Discovery, PacketIn, Switch, Verdict};
use openflow::msg::port::PortState;
use openflow::multipart::{FlowStatsRequest, MultipartBody, MultipartRequest};
use openflow::{Action, DatapathId, FlowMod, MacAddr, Match, PacketOut, PortNo};
use testbed::{LinkState, SwitchKind, Tapped, Taps, Topology};
use thiserror::Error as ThisError;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use verify::scenario::{Engine, Observed};
use verify::{Delivery, Edit, Rules, normalised};

use crate::{Error as LabError, Lab, LabBuilder};

/// How long a round of markers, or the news of a link, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// An app that does not come to rest.
const SETTLES_MAX: usize = 1000;
/// An Ethernet type for experiments (IEEE 802, local experimental EtherType 2).
const MARKER: u16 = 0x88b6;
/// Where markers come from, and the cookie of the rules that take them.
const SOURCE: MacAddr = MacAddr([0x02, 0xf1, 0x0b, 0xed, 0x88, 0xb6]);
const COOKIE: u64 = 0xf10b_0000_0000_88b6;
const LLDP: [u8; 2] = [0x88, 0xcc];

/// What goes wrong with the testbed or the controller.
#[derive(Debug, ThisError)]
pub(super) enum LiveError {
    #[error("{}", super::with_sources(.0))]
    Lab(#[from] LabError),
    #[error("{}", super::with_sources(.0))]
    Testbed(#[from] testbed::Error),
    #[error(transparent)]
    Apps(#[from] apps::LoadError),
    #[error("cannot start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error("{0}")]
    Refused(String),
    #[error("{0} has no connection to the controller")]
    NotConnected(String),
    #[error("markers do not come back: {0}")]
    Lost(String),
    #[error("the apps do not come to rest")]
    Restless,
    #[error("the switches have not heard of the link between {0} and {1}")]
    Unheard(String, String),
}

/// What the controller gets.
#[derive(Debug, Default)]
struct Heard {
    punts: Mutex<Vec<(DatapathId, Vec<u8>)>>,
    /// Markers that came back: to which switch by which port, and their number.
    markers: Mutex<HashSet<(DatapathId, u32, u64)>>,
    news: Notify,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The app in front of all others that takes note of packets.
struct Listener(Arc<Heard>);

impl App for Listener {
    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let verdict = match marked(&packet.data) {
            Some(number) => {
                locked(&self.0.markers).insert((switch.id(), packet.in_port().0, number));
                Verdict::Consume
            }
            None => {
                locked(&self.0.punts).push((switch.id(), packet.data.to_vec()));
                Verdict::Pass
            }
        };
        self.0.news.notify_one();
        Ok(verdict)
    }

    async fn port_status(&mut self, _: &Switch, _: &openflow::PortStatus) -> AppResult {
        self.0.news.notify_one();
        Ok(())
    }
}

fn marker(number: u64) -> Vec<u8> {
    let head = [&SOURCE.0[..], &SOURCE.0, &MARKER.to_be_bytes(), &number.to_be_bytes()].concat();
    [&head[..], &[0; 38]].concat()
}

/// The number of a marker.
fn marked(frame: &[u8]) -> Option<u64> {
    let rest = frame.strip_prefix(&SOURCE.0)?.strip_prefix(&SOURCE.0)?.strip_prefix(&MARKER.to_be_bytes())?;
    rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// An end of a link.
#[derive(Clone, Debug)]
enum End {
    Host(String, u32),
    Switch(DatapathId, u32),
}

/// An [`Engine`] with real packets.
pub(super) struct Live {
    // Taken apart by `stop`, or dropped in this order.
    network: Option<Network>,
    runtime: Runtime,
}

struct Network {
    taps: Taps,
    lab: Lab,
    heard: Arc<Heard>,
    switches: BTreeMap<String, DatapathId>,
    links: Vec<([End; 2], [String; 2], bool)>,
    number: u64,
    observed: Observed,
}

impl Live {
    /// Brings the network up, on switches of this kind, with our own controller and its apps.
    pub(super) fn start(topology: &Topology, kind: SwitchKind, specs: &[AppSpec]) -> Result<Live, LiveError> {
        let factories = apps::load(specs)?.factories;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(LiveError::Runtime)?;
        let network = runtime.block_on(Network::start(topology, kind, factories))?;
        Ok(Live { network: Some(network), runtime })
    }

    /// Takes the network down.
    pub(super) fn stop(mut self) -> Result<(), LiveError> {
        match self.network.take() {
            Some(Network { taps, lab, .. }) => {
                drop(taps);
                Ok(self.runtime.block_on(lab.stop())?)
            }
            None => Ok(()),
        }
    }

    fn with<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Network) -> Result<T, LiveError>,
    ) -> Result<T, LiveError> {
        match &mut self.network {
            Some(network) => self.runtime.block_on(work(network)),
            None => Err(LiveError::NotConnected("the testbed".to_owned())),
        }
    }
}

impl Network {
    async fn start(
        topology: &Topology,
        kind: SwitchKind,
        factories: Vec<AppFactory>,
    ) -> Result<Network, LiveError> {
        let heard = Arc::new(Heard::default());
        let listening = Arc::clone(&heard);
        let builder = Lab::builder(topology.clone()).switches(kind);
        let builder = builder.per_switch("listener", move || Listener(Arc::clone(&listening)));
        let needs_links = factories.iter().any(AppFactory::needs_links);
        let builder = factories.into_iter().fold(builder, LabBuilder::app);
        // Where no app needs links the flows are those of the rules alone.
        let lab = if needs_links { builder } else { builder.discovery(Discovery::Off) }.start().await?;
        let started = Network::tap(lab, heard).await;
        match started {
            Ok(network) => Ok(network),
            Err((lab, error)) => {
                // Why it could not be used is the news.
                let _ = lab.stop().await;
                Err(error)
            }
        }
    }

    async fn tap(lab: Lab, heard: Arc<Heard>) -> Result<Network, (Lab, LiveError)> {
        let taps = async {
            lab.testbed().silence().await?;
            lab.testbed().taps().await
        };
        let taps = match taps.await {
            Ok(taps) => taps,
            Err(error) => return Err((lab, error.into())),
        };
        let view = lab.testbed().snapshot();
        let switches: BTreeMap<String, DatapathId> =
            view.switches.iter().map(|switch| (switch.name.clone(), switch.dpid)).collect();
        let end = |end: &testbed::EndView| match switches.get(&end.node) {
            Some(id) => End::Switch(*id, end.port),
            None => End::Host(end.node.clone(), end.port),
        };
        let links = view
            .links
            .iter()
            .map(|link| ([end(&link.a), end(&link.b)], [link.a.node.clone(), link.b.node.clone()], true))
            .collect();
        let observed = Observed::default();
        let mut network = Network { taps, lab, heard, switches, links, number: 0, observed };
        // What hosts have said before they fell silent is nobody's.
        match network.settle().await {
            Ok(()) => {
                network.observed = Observed::default();
                Ok(network)
            }
            Err(error) => Err((network.lab, error)),
        }
    }

    fn switch(&self, id: DatapathId) -> Result<Switch, LiveError> {
        let name = || self.switches.iter().find(|(_, known)| **known == id).map(|(name, _)| name.clone());
        let found = self.lab.controller().and_then(|controller: &Controller| controller.switch(id));
        found.ok_or_else(|| LiveError::NotConnected(name().unwrap_or_else(|| id.to_string())))
    }

    fn named(&self, name: &str) -> Result<Switch, LiveError> {
        let id = self.switches.get(name).ok_or_else(|| LiveError::NotConnected(name.to_owned()))?;
        self.switch(*id)
    }

    /// The rule that takes markers; again and again, for rules may have been deleted meanwhile.
    async fn set_marks(&self) -> Result<(), LiveError> {
        for id in self.switches.values() {
            let matched = Match::new().eth_type(MARKER).eth_src(SOURCE).eth_dst(SOURCE);
            let mut rule = FlowMod::add().priority(u16::MAX).matching(matched).apply([Action::controller()]);
            rule.cookie = COOKIE;
            self.switch(*id)?.flow_mod(rule).await.map_err(|error| LiveError::Refused(error.to_string()))?;
        }
        Ok(())
    }

    /// Returns when nothing is under way, and what has come until then is noted.
    async fn settle(&mut self) -> Result<(), LiveError> {
        self.set_marks().await?;
        self.lab.testbed().wait_rules_in_force().await?;
        for _ in 0..SETTLES_MAX {
            let before = (self.observed.deliveries.len(), locked(&self.heard.punts).len());
            for _ in 0..=self.switches.len() {
                tokio::time::timeout(PATIENCE, self.round())
                    .await
                    .map_err(|_| LiveError::Lost(format!("after {PATIENCE:?}")))??;
            }
            if before == (self.observed.deliveries.len(), locked(&self.heard.punts).len()) {
                let punts = std::mem::take(&mut *locked(&self.heard.punts));
                let name = |id: DatapathId| self.switches.iter().find(|(_, known)| **known == id);
                self.observed.punts = punts
                    .into_iter()
                    .filter(|(_, frame)| frame.get(12..14) != Some(&LLDP[..]))
                    .map(|(id, frame)| (name(id).map(|(name, _)| name.clone()).unwrap_or_default(), frame))
                    .collect();
                // What apps have changed meanwhile holds for the next packet.
                return Ok(self.lab.testbed().wait_rules_in_force().await?);
            }
        }
        Err(LiveError::Restless)
    }

    /// Sends a marker over each link, each way, and waits until all have come.
    async fn round(&mut self) -> Result<(), LiveError> {
        self.number += 1;
        let frame = marker(self.number);
        let (mut to_switches, mut to_hosts) = (HashSet::new(), HashSet::new());
        let ways = self.links.iter().filter(|(.., up)| *up);
        let ways: Vec<(End, End)> =
            ways.flat_map(|([a, b], ..)| [(a.clone(), b.clone()), (b.clone(), a.clone())]).collect();
        let mut sent = HashSet::new();
        for (from, to) in &ways {
            match from {
                // By its first interface; the others of a host send nothing.
                End::Host(host, _) if sent.insert(host.clone()) => self.taps.send(host, &frame)?,
                End::Host(..) => continue,
                End::Switch(id, port) => {
                    let out = PacketOut::new(Bytes::from(frame.clone()), [Action::output(PortNo(*port))]);
                    let sent = self.switch(*id)?.packet_out(out);
                    sent.map_err(|error| LiveError::Refused(error.to_string()))?;
                }
            }
            match to {
                End::Host(host, port) => to_hosts.insert((host.clone(), *port)),
                End::Switch(id, port) => {
                    to_switches.insert((*id, *port));
                    false
                }
            };
        }
        let number = self.number;
        loop {
            locked(&self.heard.markers).retain(|(id, port, number_of)| {
                if *number_of == number {
                    to_switches.remove(&(*id, *port));
                }
                false
            });
            if to_switches.is_empty() && to_hosts.is_empty() {
                return Ok(());
            }
            tokio::select! {
                () = self.heard.news.notified() => {}
                tapped = self.taps.receive() => {
                    let Some(Tapped { host, port, frame }) = tapped else {
                        return Err(LiveError::Lost("the taps have ended".to_owned()));
                    };
                    match marked(&frame) {
                        Some(of) if of == number => {
                            to_hosts.remove(&(host, port));
                        }
                        Some(_) => {}
                        None if frame.get(12..14) == Some(&LLDP[..]) => {}
                        None => self.observed.deliveries.push(Delivery { host, port, frame }),
                    }
                }
            }
        }
    }

    async fn set_link(&mut self, a: &str, b: &str, up: bool) -> Result<(), LiveError> {
        let state = if up { LinkState::Up } else { LinkState::Down };
        self.lab.testbed().set_link((a, b), state).await?;
        let mut ends = Vec::new();
        for (link, names, is_up) in &mut self.links {
            if *names == [a, b] || *names == [b, a] {
                *is_up = up;
                ends.extend(link.clone());
            }
        }
        let heard = async {
            for end in &ends {
                let End::Switch(id, number) = end else { continue };
                loop {
                    // Before the look, so that no news is missed.
                    let news = self.heard.news.notified();
                    let ports = self.switch(*id)?.ports();
                    let port = ports.iter().find(|port| port.number == PortNo(*number));
                    if port.is_some_and(|port| port.state.contains(PortState::LINK_DOWN) != up) {
                        break;
                    }
                    news.await;
                }
            }
            Ok::<(), LiveError>(())
        };
        let unheard = |_| LiveError::Unheard(a.to_owned(), b.to_owned());
        tokio::time::timeout(PATIENCE, heard).await.map_err(unheard)??;
        self.rest().await.map(drop)
    }

    /// Waits until nothing is under way; what was seen since the last time.
    async fn rest(&mut self) -> Result<Observed, LiveError> {
        self.settle().await?;
        Ok(std::mem::take(&mut self.observed))
    }

    async fn apply(&mut self, name: &str, rules: &Rules) -> Result<(), LiveError> {
        let switch = self.named(name)?;
        for (edit, origin) in rules.iter() {
            let done = match edit.clone() {
                Edit::Flow(flow) => switch.flow_mod(*flow).await,
                Edit::Group(group) => switch.group_mod(group).await,
                Edit::Meter(meter) => switch.meter_mod(meter).await,
            };
            done.map_err(|error| {
                LiveError::Refused(format!("{origin}: {name} refuses \"{edit}\": {error}"))
            })?;
        }
        self.rest().await.map(drop)
    }

    async fn flows(&self, name: &str) -> Result<Vec<FlowMod>, LiveError> {
        let request = MultipartRequest::Flow(FlowStatsRequest::all());
        let reply = self.named(name)?.multipart(request).await;
        match reply.map_err(|error| LiveError::Refused(error.to_string()))? {
            MultipartBody::Flow(flows) => {
                Ok(normalised(flows.into_iter().filter(|flow| flow.cookie != COOKIE)))
            }
            other => Err(LiveError::Refused(format!("{name} answers {other:?} when asked for its flows"))),
        }
    }
}

impl Engine for Live {
    type Error = LiveError;

    fn send(&mut self, host: &str, frames: &[Vec<u8>]) -> Result<Observed, LiveError> {
        self.with(async |network| {
            for frame in frames {
                network.taps.send(host, frame)?;
            }
            network.rest().await
        })
    }

    fn set_link(&mut self, a: &str, b: &str, up: bool) -> Result<(), LiveError> {
        self.with(async |network| network.set_link(a, b, up).await)
    }

    fn apply(&mut self, switch: &str, rules: &Rules) -> Result<(), LiveError> {
        self.with(async |network| network.apply(switch, rules).await)
    }

    /// Real time passes.
    fn advance(&mut self, time: Duration) -> Result<(), LiveError> {
        self.with(async |network| {
            tokio::time::sleep(time).await;
            network.rest().await.map(drop)
        })
    }

    fn flows(&mut self, switch: &str) -> Result<Vec<FlowMod>, LiveError> {
        self.with(async |network| network.flows(switch).await)
    }
}
