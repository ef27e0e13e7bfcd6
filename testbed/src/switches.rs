//! The switches of a testbed: Open vSwitch's in an instance of its own, and Linux bridges.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::error::Error;
use crate::fabric::Fabric;
use crate::options::{ControllerTarget, Options};
use crate::ovs;
use crate::relay;
use crate::topology::{Node, Plan, SwitchKind};

/// All switches, of whatever kind.
#[derive(Debug)]
pub(crate) struct Switches {
    /// There where at least one switch is Open vSwitch's.
    instance: Option<ovs::Instance>,
    kinds: Vec<SwitchKind>,
    /// OVSDB targets, `tcp:127.0.0.1:6653`.
    controllers: Vec<String>,
    /// What those of them stand for that are relays: `tcp:HOST:PORT` as the user wrote it.
    relayed: HashMap<String, String>,
    fail_mode: crate::FailMode,
}

impl Switches {
    /// What each switch is to be made of; never [`SwitchKind::Auto`].
    pub(crate) fn kinds(plan: &Plan, options: &Options) -> Result<Vec<SwitchKind>, Error> {
        let kind = |kind: Option<SwitchKind>| match kind.unwrap_or(options.switch) {
            SwitchKind::Soft => Err(Error::Unavailable {
                what: "the soft switch is not built yet".to_owned(),
                remedy: "choose `--switch ovs` or `--switch bridge`".to_owned(),
            }),
            SwitchKind::Auto => match ovs::Installation::find() {
                Ok(_) => Ok(SwitchKind::Ovs),
                Err(error) => Err(Error::Unavailable {
                    what: "no switch to take by default".to_owned(),
                    remedy: format!("{error}, or choose `--switch bridge`"),
                }),
            },
            other => Ok(other),
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
        let needed = kinds.contains(&SwitchKind::Ovs);
        let mut controllers = Vec::new();
        let mut relayed = HashMap::new();
        let mut instance = None;
        if needed {
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
            }
            tracing::debug!(switches = plan.switches.len(), "starting Open vSwitch");
            let directory = fabric.dir().join("ovs");
            let started = ovs::Instance::start(fabric.namespace(), &directory, fabric.ledger()).await;
            instance = Some(started.map_err(Error::switch("cannot start Open vSwitch"))?);
        }
        Ok(Self { instance, kinds: kinds.to_vec(), controllers, relayed, fail_mode: options.fail_mode })
    }

    /// Whether frames are read by a program, which needs their checksums finished.
    pub(crate) fn need_finished_checksums(&self) -> bool {
        (self.instance.as_ref()).is_some_and(|instance| instance.datapath() == ovs::Datapath::Userspace)
    }

    /// Makes the bridges, with their ports and controllers, in one transaction.
    pub(crate) async fn connect(&self, plan: &Plan) -> Result<(), Error> {
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

    pub(crate) async fn wait_connected(&self, plan: &Plan, timeout: Duration) -> Result<(), Error> {
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
