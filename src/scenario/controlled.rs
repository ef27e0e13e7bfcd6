//! Soft switches under virtual time whose controller is ours: its apps run as ever, over connections in
//! memory.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use controller::apps::{self, AppSpec};
use controller::{Builder, Controller, Discovery, Link, PortRef};
use openflow::msg::hello::Hello;
use openflow::pipeline::{self, Effect};
use openflow::{Body, DatapathId, ErrorMsg, FlowMod, Message, PortNo, Xid, frame};
use thiserror::Error as ThisError;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use verify::scenario::{Engine, Observed};
use verify::{ApplyError, Journey, Network, NetworkError, Rules, Told};

/// How long apps may take to set the switches up, to find links, and to come to rest.
const PATIENCE: Duration = Duration::from_secs(30);
/// After so many rounds in which nothing happens nothing is under way: an app may pass what it hears on to its other
/// switches, which takes a round more.
const QUIET_ROUNDS: usize = 3;
/// An app that does not come to rest.
const ROUNDS_MAX: usize = 10_000;
/// Bytes that a connection holds each way.
const PIPE: usize = 1 << 20;
/// Ethernet type of the controller's probes for links (IEEE 802.1AB).
const LLDP: [u8; 2] = [0x88, 0xcc];

/// What goes wrong with the controller or the network.
#[derive(Debug, ThisError)]
pub(super) enum ControlledError {
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error("the app {0} {1}")]
    App(String, String),
    #[error("{0}")]
    NotReady(String),
    #[error("the apps do not come to rest")]
    Restless,
    #[error("the controller has closed the connection of {0}")]
    Closed(String),
    #[error("the controller sends {0} what is no message: {1}")]
    Message(String, String),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("the time is too long")]
    Time,
}

/// A switch's connection to the controller.
struct Channel {
    name: String,
    /// To the task that writes. What waits there is bounded by what a probe sends.
    write: mpsc::UnboundedSender<Bytes>,
    input: BytesMut,
    controller: pipeline::Controller,
    /// Echo requests that were sent and answered.
    echoes: (u32, u32),
}

/// An [`Engine`] with soft switches and our own controller.
pub(super) struct Controlled {
    // Dropped before the runtime on which it runs.
    controller: Controller,
    switches: Switches,
    runtime: Runtime,
}

struct Switches {
    network: Network,
    now: Instant,
    channels: Vec<Channel>,
    names: HashMap<String, usize>,
    /// What the controller has written, each with the switch; nothing is the end.
    read: mpsc::Receiver<(usize, Bytes)>,
    observed: Observed,
    /// Whether anything but echoes came since it was last looked at.
    active: bool,
}

impl Controlled {
    /// Starts the apps for the switches of a network; returns when all have been set up.
    pub(super) fn start(
        network: Network,
        now: Instant,
        specs: &[AppSpec],
    ) -> Result<Controlled, ControlledError> {
        let named = |error: apps::LoadError| {
            let names: Vec<String> = specs.iter().map(ToString::to_string).collect();
            ControlledError::App(names.join(", "), error.to_string())
        };
        let factories = apps::load(specs).map_err(named)?.factories;
        let needs_links = factories.iter().any(controller::AppFactory::needs_links);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ControlledError::Runtime)?;
        let (controller, switches) = runtime.block_on(async {
            let mut builder = factories.into_iter().fold(Controller::builder(), Builder::app);
            if !needs_links {
                builder = builder.discovery(Discovery::Off);
            }
            let controller = builder.start_without_listener();
            let mut switches = Switches::connect(network, now, &controller)?;
            let (ids, links) = (switches.ids(), if needs_links { switches.links() } else { Vec::new() });
            let ready = async {
                controller.wait_ready(&ids, PATIENCE).await.map_err(|error| error.to_string())?;
                controller.wait_links(&links, PATIENCE).await.map_err(|error| error.to_string())
            };
            tokio::select! {
                ready = ready => ready.map_err(ControlledError::NotReady)?,
                error = switches.serve() => return Err(error),
            }
            switches.settle().await?;
            Ok((controller, switches))
        })?;
        Ok(Controlled { controller, switches, runtime })
    }

    /// What an app did that an app must not.
    fn rest(&mut self) -> Result<Observed, ControlledError> {
        self.runtime.block_on(self.switches.settle())?;
        for switch in self.controller.switches() {
            if let Some(stopped) = switch.stopped_apps().first() {
                return Err(ControlledError::App(
                    stopped.app.clone(),
                    format!("was stopped: {}", stopped.why),
                ));
            }
        }
        Ok(std::mem::take(&mut self.switches.observed))
    }
}

impl Switches {
    /// Connects every switch, each by a pipe in memory.
    fn connect(network: Network, now: Instant, controller: &Controller) -> Result<Switches, ControlledError> {
        let (sender, read) = mpsc::channel(64);
        let (mut channels, mut names) = (Vec::new(), HashMap::new());
        for (at, (name, _)) in network.switches().enumerate() {
            let (ours, theirs) = tokio::io::duplex(PIPE);
            controller.attach(theirs, format!("switch {name}"));
            let (reading, writing) = tokio::io::split(ours);
            let (write, queue) = mpsc::unbounded_channel();
            tokio::spawn(write_all(writing, queue));
            tokio::spawn(read_all(at, reading, sender.clone()));
            names.insert(name.to_owned(), at);
            let (name, input) = (name.to_owned(), BytesMut::new());
            let controller = pipeline::Controller::default();
            let channel = Channel { name, write, input, controller, echoes: (0, 0) };
            channel.put(Xid(0), &Hello::new([frame::VERSION]).into())?;
            channels.push(channel);
        }
        let observed = Observed::default();
        Ok(Switches { network, now, channels, names, read, observed, active: false })
    }

    fn ids(&self) -> Vec<DatapathId> {
        self.network.switches().map(|(_, switch)| switch.datapath_id()).collect()
    }

    /// The links between switches.
    fn links(&self) -> Vec<Link> {
        let end = |(name, port): (&str, u32)| {
            let switch = self.network.switch(name).ok()?.datapath_id();
            Some(PortRef { switch, port: PortNo(port) })
        };
        let links = self.network.links().filter(|(.., up)| *up);
        links.filter_map(|(a, b, _)| Some(Link::new(end(a)?, end(b)?))).collect()
    }

    /// Serves the controller until something goes wrong.
    async fn serve(&mut self) -> ControlledError {
        loop {
            if let Err(error) = self.turn().await {
                return error;
            }
        }
    }

    /// Serves the controller until nothing is under way.
    async fn settle(&mut self) -> Result<(), ControlledError> {
        let settled = async {
            let mut quiet = 0;
            for _ in 0..ROUNDS_MAX {
                self.active = false;
                for channel in &mut self.channels {
                    channel.echoes.0 += 1;
                    channel.put(Xid(channel.echoes.0), &Body::EchoRequest(Bytes::new()))?;
                }
                while self.channels.iter().any(|channel| channel.echoes.1 < channel.echoes.0) {
                    self.turn().await?;
                }
                quiet = if self.active { 0 } else { quiet + 1 };
                if quiet == QUIET_ROUNDS {
                    return Ok(());
                }
            }
            Err(ControlledError::Restless)
        };
        tokio::time::timeout(PATIENCE, settled).await.map_err(|_| ControlledError::Restless)?
    }

    /// Takes what the controller has written next.
    async fn turn(&mut self) -> Result<(), ControlledError> {
        // All senders are gone only with the tasks that read.
        let Some((at, bytes)) = self.read.recv().await else { return Err(ControlledError::Restless) };
        if bytes.is_empty() {
            return Err(ControlledError::Closed(self.channels[at].name.clone()));
        }
        self.channels[at].input.extend_from_slice(&bytes);
        loop {
            let channel = &mut self.channels[at];
            let wrong = |error: String| ControlledError::Message(channel.name.clone(), error);
            let Some(bytes) = frame::next(&mut channel.input).map_err(|error| wrong(error.to_string()))?
            else {
                return Ok(());
            };
            let message = Message::decode(bytes.clone()).map_err(|error| wrong(error.to_string()))?;
            self.handle(at, message, &bytes)?;
        }
    }

    fn handle(&mut self, at: usize, message: Message, bytes: &Bytes) -> Result<(), ControlledError> {
        let channel = &mut self.channels[at];
        if let Body::EchoReply(_) = message.body {
            channel.echoes.1 += 1;
            return Ok(());
        }
        // What keeps a connection alive is no work of the apps', nor are their probes for links.
        self.active |= match &message.body {
            Body::EchoRequest(_) => false,
            Body::PacketOut(out) => out.data.get(12..14) != Some(&LLDP[..]),
            _ => true,
        };
        let xid = message.xid;
        match self.network.handle(&channel.name, &mut channel.controller, message, self.now)? {
            Ok(journey) => self.take(journey),
            Err(refused) => {
                let error = Body::Error(ErrorMsg::answering(refused, bytes));
                self.channels[at].put(xid, &error)
            }
        }
    }

    /// Takes note of what became of a packet, and tells the controller what it is to be told.
    fn take(&mut self, mut journey: Journey) -> Result<(), ControlledError> {
        let probe = |frame: &[u8]| frame.get(12..14) == Some(&LLDP[..]);
        for Told { switch, effect } in &journey.told {
            if let Effect::PacketIn(packet) = effect
                && !probe(&packet.data)
            {
                self.observed.punts.push((switch.clone(), packet.data.to_vec()));
            }
            let Some(channel) = self.names.get(switch).and_then(|at| self.channels.get(*at)) else {
                continue;
            };
            channel.tell(effect)?;
        }
        journey.deliveries.retain(|delivery| !probe(&delivery.frame));
        self.observed.deliveries.extend(journey.deliveries.iter().cloned());
        let probes = journey.visits.iter().any(|visit| probe(&visit.frame));
        if !probes && !journey.visits.is_empty() {
            self.observed.journeys.push(journey);
        }
        Ok(())
    }
}

impl Channel {
    fn put(&self, xid: Xid, body: &Body) -> Result<(), ControlledError> {
        let mut bytes = BytesMut::new();
        // What cannot be written is longer than a message can be: a reply of many parts is cut by the switch.
        if body.encode(xid, &mut bytes).is_ok() && self.write.send(bytes.freeze()).is_err() {
            return Err(ControlledError::Closed(self.name.clone()));
        }
        Ok(())
    }

    fn tell(&self, effect: &Effect<'static>) -> Result<(), ControlledError> {
        let body = match effect {
            Effect::Reply(message) => return self.put(message.xid, &message.body),
            _ if !self.controller.wants(effect) => return Ok(()),
            Effect::PacketIn(packet) => Body::PacketIn(packet.clone()),
            Effect::FlowRemoved(removed) => Body::FlowRemoved(removed.clone()),
            Effect::PortStatus(status) => Body::PortStatus(status.clone()),
            Effect::Output { .. } | Effect::OneMaster => return Ok(()),
        };
        self.put(Xid(0), &body)
    }
}

async fn write_all(mut to: WriteHalf<DuplexStream>, mut queue: mpsc::UnboundedReceiver<Bytes>) {
    while let Some(bytes) = queue.recv().await {
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read_all(at: usize, mut from: ReadHalf<DuplexStream>, to: mpsc::Sender<(usize, Bytes)>) {
    loop {
        let mut bytes = BytesMut::with_capacity(16 << 10);
        // An error is an end like any other.
        let ended = !matches!(from.read_buf(&mut bytes).await, Ok(1..));
        if to.send((at, bytes.freeze())).await.is_err() || ended {
            return;
        }
    }
}

impl Engine for Controlled {
    type Error = ControlledError;

    fn send(&mut self, host: &str, frames: &[Vec<u8>]) -> Result<Observed, ControlledError> {
        let mut all = Observed::default();
        for frame in frames {
            let journey = self.switches.network.inject(host, frame, self.switches.now)?;
            self.switches.take(journey)?;
            // The way of a packet, and what the apps did for it, belong together.
            let mut observed = self.rest()?;
            if let Some(journey) = observed.journeys.drain(..).reduce(|mut first, next| {
                first.extend(next);
                first
            }) {
                all.journeys.push(journey);
            }
            all.deliveries.append(&mut observed.deliveries);
            all.punts.append(&mut observed.punts);
        }
        Ok(all)
    }

    fn set_link(&mut self, a: &str, b: &str, up: bool) -> Result<(), ControlledError> {
        let journey = self.switches.network.set_link(a, b, up, self.switches.now)?;
        self.switches.take(journey)?;
        self.rest().map(drop)
    }

    fn apply(&mut self, switch: &str, rules: &Rules) -> Result<(), ControlledError> {
        let journey = self.switches.network.apply(switch, rules, self.switches.now)?;
        self.switches.take(journey)?;
        self.rest().map(drop)
    }

    fn advance(&mut self, time: Duration) -> Result<(), ControlledError> {
        self.switches.now = self.switches.now.checked_add(time).ok_or(ControlledError::Time)?;
        let journey = self.switches.network.advance(self.switches.now);
        self.switches.take(journey)?;
        self.rest().map(drop)
    }

    fn flows(&mut self, switch: &str) -> Result<Vec<FlowMod>, ControlledError> {
        Ok(self.switches.network.flows(switch, self.switches.now)?)
    }
}
