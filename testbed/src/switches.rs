//! The switches of a testbed: Open vSwitch's in an instance of its own, those of this process, and
//! Linux bridges.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::error::Error;
use crate::fabric::Fabric;
use crate::options::{ControllerTarget, Options};
use crate::ovs;
use crate::relay;
use crate::soft::SoftSwitches;
use crate::tasks::Tasks;
use crate::topology::{Node, Plan, PlannedEnd, SwitchKind};
use crate::view::Snapshot;

/// All switches, of whatever kind.
#[derive(Debug)]
pub(crate) struct Switches {
    options: Options,
    view: Arc<watch::Sender<Snapshot>>,
    /// There once a switch needs them.
    controllers: OnceLock<Controllers>,
    /// There once at least one switch is Open vSwitch's.
    ovs: OnceLock<ovs::Instance>,
    begun: Notify,
    /// There once at least one switch is soft.
    soft: OnceLock<SoftSwitches>,
}

/// Where switches find their controllers.
#[derive(Debug)]
struct Controllers {
    /// In the fabric.
    addresses: Vec<SocketAddr>,
    /// What those of them stand for that are relays: `tcp:HOST:PORT` as the user wrote it, by the OVSDB target.
    relayed: HashMap<String, String>,
}

impl Switches {
    /// Returns when packets go as the rules of the switches say, whatever was cached before.
    pub(crate) async fn wait_revalidated(&self) -> Result<(), Error> {
        match self.ovs.get() {
            Some(ovs) => ovs.wait_revalidated().await,
            None => Ok(()),
        }
    }
}

/// As an OVSDB target, `tcp:127.0.0.1:6653`.
fn target(address: SocketAddr) -> String {
    ControllerTarget::Fabric(address).to_string()
}

impl Switches {
    /// None yet; `view` will tell the states of their links.
    pub(crate) fn new(options: Options, view: Arc<watch::Sender<Snapshot>>) -> Self {
        let (ovs, soft) = (OnceLock::new(), OnceLock::new());
        Self { options, view, controllers: OnceLock::new(), ovs, begun: Notify::new(), soft }
    }

    /// What each switch is to be made of; never [`SwitchKind::Auto`].
    pub(crate) fn kinds(&self, plan: &Plan) -> Vec<SwitchKind> {
        let kind = |kind: Option<SwitchKind>| match kind.unwrap_or(self.options.switch) {
            SwitchKind::Auto if ovs::Installation::find().is_ok() => SwitchKind::Ovs,
            SwitchKind::Auto => SwitchKind::Soft,
            other => other,
        };
        plan.switches.iter().map(|s| kind(s.kind)).collect()
    }

    /// Starts what switches of these kinds need and what does not run yet; they have no ports yet.
    pub(crate) async fn start(
        &self,
        fabric: &Fabric,
        kinds: &[SwitchKind],
        tasks: &Tasks,
    ) -> Result<(), Error> {
        let needs = |kind, there: bool| !there && kinds.contains(&kind);
        // Whoever starts one holds the only right to change the network.
        if needs(SwitchKind::Soft, self.soft.get().is_some()) {
            let addresses = &self.controllers(fabric, tasks)?.addresses;
            let (namespace, mode) = (fabric.namespace(), self.options.fail_mode);
            let soft = SoftSwitches::start(namespace, mode, addresses, &self.view).await?;
            let _ = self.soft.set(soft);
        }
        if needs(SwitchKind::Ovs, self.ovs.get().is_some()) {
            self.controllers(fabric, tasks)?;
            tracing::debug!(switches = kinds.len(), "starting Open vSwitch");
            let directory = fabric.ovs_dir();
            let started = ovs::Instance::start(fabric.namespace(), &directory, fabric.ledger()).await;
            let _ = self.ovs.set(started.map_err(Error::switch("cannot start Open vSwitch"))?);
            self.begun.notify_waiters();
        }
        Ok(())
    }

    /// Where the controllers are; relays start with the first call.
    fn controllers(&self, fabric: &Fabric, tasks: &Tasks) -> Result<&Controllers, Error> {
        if let Some(controllers) = self.controllers.get() {
            return Ok(controllers);
        }
        let mut addresses = Vec::new();
        let mut relayed = HashMap::new();
        for written in &self.options.controllers {
            let address = match written {
                ControllerTarget::None => continue,
                ControllerTarget::Fabric(address) => *address,
                ControllerTarget::Remote { host, port } => relay::start(fabric, host, *port, tasks)?,
            };
            if let ControllerTarget::Remote { .. } = written {
                relayed.insert(target(address), written.to_string());
            }
            addresses.push(address);
        }
        Ok(self.controllers.get_or_init(|| Controllers { addresses, relayed }))
    }

    /// Whether frames are read by a program, which needs their checksums finished.
    pub(crate) fn need_finished_checksums(&self) -> bool {
        self.ovs.get().is_some_and(|instance| instance.datapath() == ovs::Datapath::Userspace)
    }

    /// Gives these switches all their ports and controllers: to the bridges in one transaction.
    pub(crate) async fn connect(
        &self,
        plan: &Plan,
        kinds: &[SwitchKind],
        switches: &[usize],
    ) -> Result<(), Error> {
        let of = |kind| switches.iter().copied().filter(move |i| kinds[*i] == kind);
        if let Some(soft) = self.soft.get() {
            soft.connect(plan, &of(SwitchKind::Soft).collect::<Vec<_>>()).await?;
        }
        let (Some(instance), Some(controllers)) = (self.ovs.get(), self.controllers.get()) else {
            return Ok(());
        };
        let targets: Vec<_> = controllers.addresses.iter().copied().map(target).collect();
        let mut ports = vec![Vec::new(); plan.switches.len()];
        for end in plan.links.iter().flat_map(|link| &link.ends) {
            if let Node::Switch(i) = end.node {
                ports[i].push((end.kernel_name.clone(), end.port));
            }
        }
        let bridges: Vec<_> = of(SwitchKind::Ovs)
            .map(|i| {
                let switch = &plan.switches[i];
                ovs::Bridge {
                    name: switch.kernel_name.clone(),
                    dpid: switch.dpid,
                    fail_mode: switch.fail_mode.unwrap_or(self.options.fail_mode),
                    controllers: targets.clone(),
                    ports: std::mem::take(&mut ports[i]),
                }
            })
            .collect();
        instance.apply(&bridges).await.map_err(Error::switch("cannot set the bridges up"))
    }

    /// Takes these switches away; those that are stopped, and so away already, are no error.
    pub(crate) async fn disconnect(
        &self,
        plan: &Plan,
        kinds: &[SwitchKind],
        switches: &[usize],
    ) -> Result<(), Error> {
        let of = |kind| switches.iter().filter(move |i| kinds[**i] == kind).map(|i| &plan.switches[*i]);
        if let Some(soft) = self.soft.get() {
            let names: Vec<_> = of(SwitchKind::Soft).map(|switch| switch.name.as_str()).collect();
            soft.disconnect(&names).await;
        }
        let Some(instance) = self.ovs.get() else {
            return Ok(());
        };
        for switch in of(SwitchKind::Ovs) {
            match instance.remove(&[&switch.kernel_name]).await {
                Ok(()) | Err(ovs::Error::UnknownBridge(_)) => {}
                Err(error) => return Err(Error::switch(format!("cannot stop {}", switch.name))(error)),
            }
        }
        Ok(())
    }

    /// Makes an end of a link, the interface `index`, a port of its switch, if that runs; Linux bridges have it already.
    pub(crate) async fn add_port(
        &self,
        plan: &Plan,
        kinds: &[SwitchKind],
        end: &PlannedEnd,
        index: u32,
    ) -> Result<(), Error> {
        if let Some(soft) = self.soft_of(kinds, end) {
            return soft.add_port(end, index).await;
        }
        let Some((instance, bridge)) = self.bridge_of(plan, kinds, end) else {
            return Ok(());
        };
        match instance.add_port(bridge, &end.kernel_name, end.port).await {
            Ok(()) | Err(ovs::Error::UnknownBridge(_)) => Ok(()),
            Err(error) => Err(Error::switch(format!("cannot add port {}", end.name))(error)),
        }
    }

    /// Undoes [`add_port`](Self::add_port).
    pub(crate) async fn remove_port(
        &self,
        plan: &Plan,
        kinds: &[SwitchKind],
        end: &PlannedEnd,
    ) -> Result<(), Error> {
        if let Some(soft) = self.soft_of(kinds, end) {
            soft.remove_port(end);
            return Ok(());
        }
        let Some((instance, bridge)) = self.bridge_of(plan, kinds, end) else {
            return Ok(());
        };
        match instance.remove_port(bridge, &end.kernel_name).await {
            Ok(()) | Err(ovs::Error::UnknownBridge(_) | ovs::Error::UnknownPort { .. }) => Ok(()),
            Err(error) => Err(Error::switch(format!("cannot take port {} away", end.name))(error)),
        }
    }

    fn soft_of(&self, kinds: &[SwitchKind], end: &PlannedEnd) -> Option<&SoftSwitches> {
        self.soft.get().filter(|_| matches!(end.node, Node::Switch(i) if kinds[i] == SwitchKind::Soft))
    }

    fn bridge_of<'a>(
        &'a self,
        plan: &'a Plan,
        kinds: &[SwitchKind],
        end: &PlannedEnd,
    ) -> Option<(&'a ovs::Instance, &'a str)> {
        match end.node {
            Node::Switch(i) if kinds[i] == SwitchKind::Ovs => {
                Some((self.ovs.get()?, &plan.switches[i].kernel_name))
            }
            _ => None,
        }
    }

    /// Waits until the switches that run are connected to a controller, if they have any.
    pub(crate) async fn wait_connected(&self, view: &Snapshot, timeout: Duration) -> Result<(), Error> {
        let soft = async {
            match self.soft.get() {
                Some(soft) => soft.wait_connected(timeout).await,
                None => Ok(()),
            }
        };
        let (soft, bridges) = tokio::join!(soft, self.wait_bridges_connected(view, timeout));
        soft.and(bridges)
    }

    async fn wait_bridges_connected(&self, view: &Snapshot, timeout: Duration) -> Result<(), Error> {
        let (Some(instance), Some(controllers)) = (self.ovs.get(), self.controllers.get()) else {
            return Ok(());
        };
        if controllers.addresses.is_empty() {
            return Ok(());
        }
        let speaking = view.switches.iter().filter(|switch| switch.kind == SwitchKind::Ovs && switch.running);
        let names: Vec<_> = speaking.map(|switch| switch.kernel_name.as_str()).collect();
        instance
            .wait_connected(&names, timeout)
            .await
            .map_err(|error| controllers.as_written(error))
            .map_err(Error::switch("not all are connected to their controller"))
    }

    pub(crate) async fn stop(self) -> Result<(), Error> {
        if let Some(soft) = self.soft.into_inner() {
            soft.stop().await;
        }
        match self.ovs.into_inner() {
            Some(instance) => instance.stop().await.map_err(Error::switch("cannot stop Open vSwitch")),
            None => Ok(()),
        }
    }

    /// Resolves, with the error to show, when a switch's process ends though nobody asked it to.
    pub(crate) async fn died(&self) -> Error {
        loop {
            let begun = self.begun.notified();
            match self.ovs.get() {
                Some(instance) => return Error::switch("a switch has failed")(instance.died().await),
                None => begun.await,
            }
        }
    }
}

impl Controllers {
    /// Calls controllers as the user did, not by their relays' addresses.
    fn as_written(&self, mut error: ovs::Error) -> ovs::Error {
        if let ovs::Error::NotConnected { bridges, .. } = &mut error {
            for target in bridges.iter_mut().flat_map(|bridge| &mut bridge.targets) {
                if let Some(written) = self.relayed.get(target) {
                    target.clone_from(written);
                }
            }
        }
        error
    }
}
