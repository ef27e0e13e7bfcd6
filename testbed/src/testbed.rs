//! A running network, owning everything that it made.

use std::ffi::OsStr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, watch};

use crate::capture::Capture;
use crate::cgroup::Groups;
use crate::construction::Parts;
use crate::error::Error;
use crate::fabric::Fabric;
use crate::host::Host;
use crate::links::Watchers;
use crate::options::Options;
use crate::ping::{self, Echo, PingOptions, PingReport};
use crate::sandbox::{Child, NetNs, Output};
use crate::shaping::Shaping;
use crate::switches::Switches;
use crate::tasks::Tasks;
use crate::throughput::{self, Throughput, ThroughputOptions};
use crate::topology::{Plan, SwitchKind, Topology};
use crate::view::{LinkView, Snapshot, SwitchView};

/// A network that is up. End it with [`stop`](Self::stop); dropping it also ends everything, but
/// waits for the kernel while doing so and cannot say what went wrong.
#[derive(Debug)]
pub struct Testbed {
    // Dropped in this order: what watches, what switches, what they stand on.
    pub(crate) captures: std::sync::Mutex<Vec<Capture>>,
    pub(crate) tasks: Tasks,
    pub(crate) cable: OnceLock<Cable>,
    pub(crate) switches: Switches,
    pub(crate) watchers: Watchers,
    pub(crate) network: RwLock<Arc<Network>>,
    pub(crate) view: Arc<watch::Sender<Snapshot>>,
    pub(crate) groups: OnceLock<Groups>,
    pub(crate) seed: u64,
    /// Held by who changes the network.
    pub(crate) changing: Mutex<()>,
    pub(crate) fabric: Fabric,
}

/// What stands, all of one moment.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// With everything said.
    pub(crate) topology: Topology,
    pub(crate) plan: Plan,
    pub(crate) kinds: Vec<SwitchKind>,
    pub(crate) hosts: Vec<Host>,
}

/// What carries the shaped links.
#[derive(Debug)]
pub(crate) struct Cable {
    // The thread is to end before its namespace does.
    pub(crate) shaping: Shaping,
    pub(crate) namespace: NetNs,
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
        let topology = topology.filled()?;
        let view = Arc::new(watch::Sender::new(Snapshot::new(fabric.name(), &Plan::default(), &[], None)));
        let captures = options.captures.clone();
        let testbed = Self {
            captures: std::sync::Mutex::default(),
            tasks: Tasks::default(),
            cable: OnceLock::new(),
            seed: options.seed,
            switches: Switches::new(options, Arc::clone(&view)),
            watchers: Watchers::default(),
            network: RwLock::default(),
            view,
            groups: OnceLock::new(),
            changing: Mutex::default(),
            fabric,
        };
        let plan = topology.plan()?;
        let parts = Parts::all(&plan);
        testbed.build(topology, plan, &parts, captures).await?;
        Ok(testbed)
    }

    /// The testbed's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.fabric.name()
    }

    /// The topology as it is now, with everything said that follows from the rest: ports, addresses, datapath ids.
    #[must_use]
    pub fn topology(&self) -> Topology {
        self.network().topology.clone()
    }

    /// The fabric that it stands on.
    #[must_use]
    pub fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// The hosts, as in the topology.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        self.network().hosts.clone()
    }

    /// The host called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the hosts there are.
    pub fn host(&self, name: &str) -> Result<Host, Error> {
        let network = self.network();
        let known = || network.hosts.iter().map(|host| host.name().to_owned()).collect();
        (network.hosts.iter()).find(|host| host.name() == name).cloned().ok_or_else(|| Error::Unknown {
            kind: "host",
            name: name.to_owned(),
            known: known(),
        })
    }

    pub(crate) fn network(&self) -> Arc<Network> {
        Arc::clone(&self.network.read().unwrap_or_else(PoisonError::into_inner))
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

    /// Resolves, with the error to show, when a process that the network needs ends though nobody asked it to.
    /// What is left then is only good to be taken down.
    pub async fn failed(&self) -> Error {
        tokio::select! {
            error = self.switches.died() => error,
            error = self.fabric.thread().init_died() => error,
        }
    }

    /// Sends one echo request from one host to the other.
    ///
    /// # Errors
    /// When a host does not exist, the target has no IPv4 address, or the socket cannot be made.
    /// An unanswered request is a result, not an error.
    pub async fn ping(&self, from: &str, to: &str) -> Result<Echo, Error> {
        let hosts = [self.host(from)?, self.host(to)?];
        let report = ping::ping(&hosts, &[(0, 1)], &PingOptions::default()).await?;
        report.echoes().first().cloned().ok_or(Error::Ended)
    }

    /// Sends one echo request from one host to the other and one back.
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub async fn ping_pair(&self, a: &str, b: &str, options: &PingOptions) -> Result<PingReport, Error> {
        let hosts = [self.host(a)?, self.host(b)?];
        ping::ping(&hosts, &[(0, 1), (1, 0)], options).await
    }

    /// Sends one echo request from every host to every other that has an address.
    ///
    /// # Errors
    /// When a socket cannot be made. Unanswered requests are results, not errors.
    pub async fn ping_all(&self, options: &PingOptions) -> Result<PingReport, Error> {
        let hosts = self.hosts();
        ping::ping(&hosts, &ping::all_pairs(&hosts, options.family), options).await
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
        throughput::measure(&self.host(from)?, &self.host(to)?, options).await
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
        self.switches.wait_connected(&self.snapshot(), timeout).await
    }

    /// Takes the network down: switches, processes, namespaces, run directory.
    ///
    /// # Errors
    /// What failed first, with everything that could not be cleaned.
    pub async fn stop(mut self) -> Result<(), Error> {
        let mut failures = Vec::new();
        let captures = std::mem::take(self.captures.get_mut().unwrap_or_else(PoisonError::into_inner));
        let ended =
            tokio::task::spawn_blocking(|| captures.into_iter().map(Capture::end).collect::<Vec<_>>()).await;
        match ended {
            Ok(reports) => failures.extend(reports.into_iter().filter_map(Result::err)),
            Err(_) => failures.push(Error::Ended),
        }
        self.tasks.end().await;
        // Its thread may be busy with a burst of frames.
        let cable = self.cable.take();
        if tokio::task::spawn_blocking(move || drop(cable)).await.is_err() {
            failures.push(Error::Ended);
        }
        failures.extend(self.switches.stop().await.err());
        self.watchers.clear();
        drop(self.network);
        failures.extend(self.fabric.close().await);
        let mut failures = failures.into_iter();
        match failures.next() {
            None => Ok(()),
            Some(first) => Err(first.with_uncleaned(failures.collect())),
        }
    }
}
