//! A running network, owning everything that it made.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cgroup::Groups;
use crate::connection;
use crate::construction::{construct_in, interface_index};
use crate::error::Error;
use crate::fabric::Fabric;
use crate::host::Host;
use crate::links::{self, Watcher};
use crate::options::Options;
use crate::ping::{self, Echo, PingOptions, PingReport};
use crate::sandbox::{Child, NetNs, Output};
use crate::shaping::{LinkCounters, Shaping};
use crate::state::{self, HostState, State};
use crate::switches::Switches;
use crate::throughput::{self, Throughput, ThroughputOptions};
use crate::topology::{LinkChange, LinkProperties, Node, Plan, Topology};
use crate::view::{LinkState, LinkView, Snapshot, SwitchView};
use crate::wiring;

/// A network that is up. End it with [`stop`](Self::stop); dropping it also ends everything, but
/// waits for the kernel while doing so and cannot say what went wrong.
#[derive(Debug)]
pub struct Testbed {
    // Dropped in this order: what watches, what switches, what they stand on.
    tasks: JoinSet<()>,
    shaping: Option<Shaping>,
    switches: Switches,
    watchers: Vec<Arc<Watcher>>,
    hosts: Vec<Host>,
    view: Arc<watch::Sender<Snapshot>>,
    plan: Arc<Plan>,
    topology: Topology,
    fabric: Fabric,
}

/// Which links are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkRef {
    /// The one with this index in the topology.
    Index(usize),
    /// All that join these two nodes, either way round.
    Between(String, String),
}

/// Which way of a link is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkDirection {
    /// From its end `a` to its end `b`, as the topology names them.
    AToB,
    /// From `b` to `a`.
    BToA,
    /// Both ways.
    Both,
}

impl From<usize> for LinkRef {
    fn from(index: usize) -> Self {
        LinkRef::Index(index)
    }
}

impl<A: Into<String>, B: Into<String>> From<(A, B)> for LinkRef {
    fn from((a, b): (A, B)) -> Self {
        LinkRef::Between(a.into(), b.into())
    }
}

impl Testbed {
    /// Brings a topology up in the fabric. On return every interface is up, every switch has its
    /// ports and knows its controllers; they may not have connected yet
    /// ([`wait_connected`](Self::wait_connected)).
    ///
    /// # Errors
    /// A topology that contradicts itself; a switch that this machine cannot have; whatever the
    /// kernel or Open vSwitch refuse. Nothing stays behind.
    pub async fn start(fabric: Fabric, topology: Topology, options: Options) -> Result<Self, Error> {
        let plan = Arc::new(topology.plan()?);
        let kinds = Switches::kinds(&plan, &options);
        let mut tasks = JoinSet::new();
        // The two know nothing of each other until the switches get their ports.
        let (construction, switches) = tokio::join!(
            construct_in(&fabric, Arc::clone(&plan), kinds.clone()),
            Switches::start(&fabric, &plan, &kinds, &options, &mut tasks),
        );
        let (construction, mut switches) = (construction?, switches?);
        construction.checksums_in_software(&plan, switches.need_finished_checksums())?;
        let shaped = plan.shaped.iter().enumerate().filter_map(|(link, shaped)| Some((link, (*shaped)?)));
        let shaping = match &construction.cable {
            Some(cable) => Some(Shaping::start(cable, shaped.collect(), options.seed).await?),
            None => None,
        };
        switches.connect(&fabric, &plan).await?;

        let snapshot = Snapshot::new(fabric.name(), &plan, &kinds);
        let limited = plan.hosts.iter().any(|host| !host.limits.is_none());
        let groups = if limited { Some(Groups::find(fabric.name())?) } else { None };
        let mut hosts = Vec::with_capacity(plan.hosts.len());
        for ((namespace, view), planned) in
            construction.hosts.iter().zip(snapshot.hosts.iter()).zip(&plan.hosts)
        {
            let groups = match &groups {
                Some(groups) if !planned.limits.is_none() => {
                    Some(groups.make(&planned.name, &planned.limits, fabric.ledger())?)
                }
                _ => None,
            };
            hosts.push(Host { view: view.clone(), namespace: namespace.clone(), groups });
        }
        let view = Arc::new(watch::Sender::new(snapshot));
        let watchers = links::watch(&plan, fabric.namespace(), &construction, &view, &mut tasks).await?;
        let is_up = |link: &LinkView| link.state == LinkState::Up;
        settled(&view, |view| view.links.iter().all(is_up)).await?;
        switches.follow(&plan, &view);
        state::write(fabric.dir(), &state_of(&fabric, &hosts))?;
        Ok(Self { tasks, shaping, switches, watchers, hosts, view, plan, topology, fabric })
    }

    /// The testbed's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fabric.name()
    }

    /// The topology, as it was given.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The fabric that it stands on.
    #[must_use]
    pub fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// The hosts, as in the topology.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The host called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the hosts there are.
    pub fn host(&self, name: &str) -> Result<&Host, Error> {
        let known = || self.hosts.iter().map(|host| host.name().to_owned()).collect();
        (self.hosts.iter()).find(|host| host.name() == name).ok_or_else(|| Error::Unknown {
            kind: "host",
            name: name.to_owned(),
            known: known(),
        })
    }

    /// The links with their current state, as in the topology.
    #[must_use]
    pub fn links(&self) -> Arc<[LinkView]> {
        Arc::clone(&self.view.borrow().links)
    }

    /// The switches, as in the topology.
    #[must_use]
    pub fn switches(&self) -> Arc<[SwitchView]> {
        Arc::clone(&self.view.borrow().switches)
    }

    /// The network as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.view.borrow().clone()
    }

    /// Follows the network: the receiver sees every change of a link's state, whoever makes it.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.view.subscribe()
    }

    /// Sets links up or down, by setting both their ends so.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such link.
    pub async fn set_link(&self, links: impl Into<LinkRef>, state: LinkState) -> Result<(), Error> {
        for link in self.resolve(&links.into())? {
            let mut handles = Vec::new();
            for (end, planned) in self.plan.links[link].iter().enumerate() {
                let handle = connection::handle(self.namespace_of(planned.node)).await?;
                let change = wiring::set_state(interface_index(link, end), state);
                handle
                    .link()
                    .change(change)
                    .execute()
                    .await
                    .map_err(connection::answer)
                    .map_err(Error::system("set", planned.name.clone()))?;
                handles.push(handle);
            }
            // Only when both are set does the kernel draw its conclusions for either.
            for (end, (planned, handle)) in self.plan.links[link].iter().zip(&handles).enumerate() {
                connection::settle(handle, interface_index(link, end))
                    .await
                    .map_err(connection::answer)
                    .map_err(Error::system("look at", planned.name.clone()))?;
            }
            for watcher in &self.watchers {
                if watcher.watches(link) {
                    watcher.refresh().await?;
                }
            }
            settled(&self.view, |view| view.links[link].state == state).await?;
        }
        Ok(())
    }

    /// Changes what links do to frames, while they carry them. What is on the wire arrives as it was sent; what waits in
    /// a queue is sent as the change says.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such link; [`Error::Unavailable`] for one that was plain at the start, since
    /// those are not carried by this program.
    pub fn change_link(
        &self,
        links: impl Into<LinkRef>,
        direction: LinkDirection,
        change: &LinkChange,
    ) -> Result<(), Error> {
        for link in self.resolve(&links.into())? {
            let view = self.links()[link].clone();
            let Some(shaping) = self.shaping.as_ref().filter(|_| self.plan.shaped[link].is_some()) else {
                return Err(Error::Unavailable {
                    what: format!(
                        "link {} - {} was plain when the network came up",
                        view.a.node, view.b.node
                    ),
                    remedy: "give it a property or `shaped = true` in the file, or start with --link shaped"
                        .to_owned(),
                });
            };
            let properties = [
                change_if(direction != LinkDirection::BToA, change, view.a_to_b),
                change_if(direction != LinkDirection::AToB, change, view.b_to_a),
            ];
            for (from, properties) in properties.into_iter().enumerate() {
                shaping.change(link, from, properties)?;
            }
            self.view.send_modify(|view| {
                let mut links = view.links.to_vec();
                [links[link].a_to_b, links[link].b_to_a] = properties;
                view.links = links.into();
            });
        }
        Ok(())
    }

    /// What has become of the frames of a link that this program carries: from its end `a`, from its end `b`. `None`
    /// for a plain link, whose frames nobody looks at.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such link.
    pub async fn link_counters(&self, link: usize) -> Result<Option<[LinkCounters; 2]>, Error> {
        self.resolve(&LinkRef::Index(link))?;
        match &self.shaping {
            Some(shaping) if self.plan.shaped[link].is_some() => Ok(Some(shaping.counters(link).await?)),
            _ => Ok(None),
        }
    }

    /// Resolves, with the error to show, when a process that the network needs ends though nobody asked it to.
    /// What is left then is only good to be taken down.
    pub async fn failed(&self) -> Error {
        tokio::select! {
            error = self.switches.died() => error,
            error = self.fabric.thread().init_died() => error,
        }
    }

    fn namespace_of(&self, node: Node) -> &NetNs {
        match node {
            Node::Host(i) => &self.hosts[i].namespace,
            Node::Switch(_) => self.fabric.namespace(),
        }
    }

    fn resolve(&self, links: &LinkRef) -> Result<Vec<usize>, Error> {
        let all = self.links();
        let found: Vec<_> = match links {
            LinkRef::Index(index) => (0..all.len()).filter(|i| i == index).collect(),
            LinkRef::Between(a, b) => (0..all.len()).filter(|i| all[*i].joins(a, b)).collect(),
        };
        if found.is_empty() {
            return Err(Error::Unknown {
                kind: "link",
                name: match links {
                    LinkRef::Index(index) => index.to_string(),
                    LinkRef::Between(a, b) => format!("{a} - {b}"),
                },
                known: all.iter().map(|link| format!("{} - {}", link.a.node, link.b.node)).collect(),
            });
        }
        Ok(found)
    }

    /// Sends one echo request from one host to the other.
    ///
    /// # Errors
    /// When a host does not exist, the target has no IPv4 address, or the socket cannot be made.
    /// An unanswered request is a result, not an error.
    pub async fn ping(&self, from: &str, to: &str) -> Result<Echo, Error> {
        let pair = [self.host(from)?, self.host(to)?];
        let hosts: Vec<_> = pair.into_iter().cloned().collect();
        let report = ping::ping(&hosts, &[(0, 1)], &PingOptions::default()).await?;
        report.echoes().first().cloned().ok_or(Error::Ended)
    }

    /// Sends one echo request from one host to the other and one back.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub async fn ping_pair(&self, a: &str, b: &str, options: &PingOptions) -> Result<PingReport, Error> {
        let hosts = [self.host(a)?.clone(), self.host(b)?.clone()];
        ping::ping(&hosts, &[(0, 1), (1, 0)], options).await
    }

    /// Sends one echo request from every host to every other that has an address.
    ///
    /// # Errors
    /// When a socket cannot be made. Unanswered requests are results, not errors.
    pub async fn ping_all(&self, options: &PingOptions) -> Result<PingReport, Error> {
        ping::ping(&self.hosts, &ping::all_pairs(&self.hosts, options.family), options).await
    }

    /// Measures how many bits a second get from one host to another.
    ///
    /// # Errors
    /// When a host does not exist or has no address of the family asked for, and when no connection comes about in time.
    pub async fn throughput(
        &self,
        from: &str,
        to: &str,
        options: &ThroughputOptions,
    ) -> Result<Throughput, Error> {
        throughput::measure(self.host(from)?, self.host(to)?, options).await
    }

    /// Runs a command in a host to its end; see [`Host::run`].
    ///
    /// # Errors
    /// As [`Host::run`], and when there is no such host.
    pub async fn run<S: AsRef<OsStr>>(&self, host: &str, argv: &[S]) -> Result<Output, Error> {
        self.host(host)?.run(argv).await
    }

    /// Starts a command in a host on this process's standard streams; see [`Host::spawn`].
    ///
    /// # Errors
    /// As [`Host::spawn`], and when there is no such host.
    pub async fn spawn<S: AsRef<OsStr>>(&self, host: &str, argv: &[S]) -> Result<Child, Error> {
        self.host(host)?.spawn(argv).await
    }

    /// Waits until every switch that was given controllers is connected to one.
    ///
    /// # Errors
    /// [`Error::Switch`] when the time is over.
    pub async fn wait_connected(&self, timeout: Duration) -> Result<(), Error> {
        self.switches.wait_connected(&self.plan, timeout).await
    }

    /// Takes the network down: switches, processes, namespaces, run directory.
    ///
    /// # Errors
    /// What failed first, with everything that could not be cleaned.
    pub async fn stop(mut self) -> Result<(), Error> {
        let mut failures = Vec::new();
        self.tasks.shutdown().await;
        // Its thread may be busy with a burst of frames.
        let shaping = self.shaping.take();
        if tokio::task::spawn_blocking(move || drop(shaping)).await.is_err() {
            failures.push(Error::Ended);
        }
        failures.extend(self.switches.stop().await.err());
        self.watchers.clear();
        self.hosts.clear();
        failures.extend(self.fabric.close().await);
        let mut failures = failures.into_iter();
        match failures.next() {
            None => Ok(()),
            Some(first) => Err(first.with_uncleaned(failures.collect())),
        }
    }
}

fn change_if(applies: bool, change: &LinkChange, properties: LinkProperties) -> LinkProperties {
    if applies { change.applied_to(properties) } else { properties }
}

/// Waits until the kernel says that the links are as they were set. It tells within a second
/// (its link watch batches such news).
async fn settled(view: &watch::Sender<Snapshot>, wanted: impl Fn(&Snapshot) -> bool) -> Result<(), Error> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let mut watch = view.subscribe();
    match tokio::time::timeout(PATIENCE, watch.wait_for(|view| wanted(view))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(Error::Ended),
        Err(_) => Err(Error::TimedOut {
            what: "the links' change of state".to_owned(),
            seconds: PATIENCE.as_secs_f64(),
        }),
    }
}

fn state_of(fabric: &Fabric, hosts: &[Host]) -> State {
    let host = |host: &Host| HostState {
        name: host.name().to_owned(),
        netns: host.namespace.raw_fd(),
        doors: host.groups.as_ref().map(|groups| groups.doors()).unwrap_or_default(),
        ipv4: (host.interfaces().iter()).find_map(|interface| interface.ipv4).map(|net| net.to_string()),
    };
    State {
        pid: std::process::id().cast_signed(),
        init: fabric.thread().init_pid(),
        own_mounts: fabric.thread().has_own_mounts(),
        hosts: hosts.iter().map(host).collect(),
    }
}
