//! The switches of a testbed: Open vSwitch's in an instance of its own, those of this process, and
//! Linux bridges.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::fabric::Fabric;
use crate::options::{ControllerTarget, Options};
use crate::ovs;
use crate::relay;
use crate::soft::SoftSwitches;
use crate::topology::{Node, Plan, SwitchKind};
use crate::view::Snapshot;

/// All switches, of whatever kind.
#[derive(Debug)]
pub(crate) struct Switches {
    /// There where at least one switch is Open vSwitch's.
    instance: Option<ovs::Instance>,
    /// There where at least one switch is soft, and they have their ports.
    soft: Option<SoftSwitches>,
    kinds: Vec<SwitchKind>,
    /// OVSDB targets, `tcp:127.0.0.1:6653`.
    controllers: Vec<String>,
    /// The same as addresses of the fabric.
    addresses: Vec<SocketAddr>,
    /// What those of them stand for that are relays: `tcp:HOST:PORT` as the user wrote it.
    relayed: HashMap<String, String>,
    fail_mode: crate::FailMode,
}

impl Switches {
    /// What each switch is to be made of; never [`SwitchKind::Auto`].
    pub(crate) fn kinds(plan: &Plan, options: &Options) -> Vec<SwitchKind> {
        let kind = |kind: Option<SwitchKind>| match kind.unwrap_or(options.switch) {
            SwitchKind::Auto if ovs::Installation::find().is_ok() => SwitchKind::Ovs,
            SwitchKind::Auto => SwitchKind::Soft,
            other => other,
        };
        plan.switches.iter().map(|s| kind(s.kind)).collect()
    }

    /// Starts what the switches need, without ports yet.
    pub(crate) async fn start(
        fabric: &Fabric,
        plan: &Plan,
        kinds: &[SwitchKind],
        options: &Options,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, Error> {
        let has = |kind| kinds.contains(&kind);
        let mut addresses = Vec::new();
        let mut controllers = Vec::new();
        let mut relayed = HashMap::new();
        let mut instance = None;
        if has(SwitchKind::Ovs) || has(SwitchKind::Soft) {
            for target in &options.controllers {
                let address = match target {
                    ControllerTarget::None => continue,
                    ControllerTarget::Fabric(address) => *address,
                    ControllerTarget::Remote { host, port } => relay::start(fabric, host, *port, tasks)?,
                };
                let name = ControllerTarget::Fabric(address).to_string();
                if let ControllerTarget::Remote { .. } = target {
                    relayed.insert(name.clone(), target.to_string());
                }
                controllers.push(name);
                addresses.push(address);
            }
        }
        if has(SwitchKind::Ovs) {
            tracing::debug!(switches = plan.switches.len(), "starting Open vSwitch");
            let directory = fabric.dir().join("ovs");
            let started = ovs::Instance::start(fabric.namespace(), &directory, fabric.ledger()).await;
            instance = Some(started.map_err(Error::switch("cannot start Open vSwitch"))?);
        }
        let (kinds, fail_mode) = (kinds.to_vec(), options.fail_mode);
        Ok(Self { instance, soft: None, kinds, controllers, addresses, relayed, fail_mode })
    }

    /// Whether frames are read by a program, which needs their checksums finished.
    pub(crate) fn need_finished_checksums(&self) -> bool {
        (self.instance.as_ref()).is_some_and(|instance| instance.datapath() == ovs::Datapath::Userspace)
    }

    /// Gives the switches their ports and controllers: to the bridges in one transaction.
    pub(crate) async fn connect(&mut self, fabric: &Fabric, plan: &Plan) -> Result<(), Error> {
        if self.kinds.contains(&SwitchKind::Soft) {
            let (namespace, mode) = (fabric.namespace(), self.fail_mode);
            let soft = SoftSwitches::start(namespace, plan, &self.kinds, mode, &self.addresses);
            self.soft = Some(soft.await?);
        }
        let Some(instance) = &self.instance else {
            return Ok(());
        };
        let mut ports = vec![Vec::new(); plan.switches.len()];
        for end in plan.links.iter().flatten() {
            if let Node::Switch(i) = end.node {
                ports[i].push((end.kernel_name.clone(), end.port));
            }
        }
        let bridges: Vec<_> = plan
            .switches
            .iter()
            .zip(ports)
            .zip(&self.kinds)
            .filter(|(_, kind)| **kind == SwitchKind::Ovs)
            .map(|((switch, ports), _)| ovs::Bridge {
                name: switch.kernel_name.clone(),
                dpid: switch.dpid,
                fail_mode: switch.fail_mode.unwrap_or(self.fail_mode),
                controllers: self.controllers.clone(),
                ports,
            })
            .collect();
        instance.apply(&bridges).await.map_err(Error::switch("cannot set the bridges up"))
    }

    /// Tells the soft switches of their links' changes from now on; Open vSwitch sees them itself.
    pub(crate) fn follow(&mut self, plan: &Plan, view: &Arc<watch::Sender<Snapshot>>) {
        if let Some(soft) = &mut self.soft {
            soft.follow(plan, view.subscribe());
        }
    }

    pub(crate) async fn wait_connected(&self, plan: &Plan, timeout: Duration) -> Result<(), Error> {
        if let Some(soft) = &self.soft {
            soft.wait_connected(timeout).await?;
        }
        let Some(instance) = &self.instance else {
            return Ok(());
        };
        if self.controllers.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = plan
            .switches
            .iter()
            .zip(&self.kinds)
            .filter(|(_, kind)| **kind == SwitchKind::Ovs)
            .map(|(switch, _)| switch.kernel_name.clone())
            .collect();
        instance
            .wait_connected(&names, timeout)
            .await
            .map_err(|error| self.as_written(error))
            .map_err(Error::switch("not all are connected to their controller"))
    }

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

    pub(crate) async fn stop(self) -> Result<(), Error> {
        if let Some(soft) = self.soft {
            soft.stop().await;
        }
        match self.instance {
            Some(instance) => instance.stop().await.map_err(Error::switch("cannot stop Open vSwitch")),
            None => Ok(()),
        }
    }

    /// Resolves, with the error to show, when a switch's process ends though nobody asked it to.
    pub(crate) async fn died(&self) -> Error {
        match &self.instance {
            Some(instance) => Error::switch("a switch has failed")(instance.died().await),
            None => std::future::pending().await,
        }
    }
}
