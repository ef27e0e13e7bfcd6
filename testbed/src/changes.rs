//! How a network grows and shrinks while it runs. Bringing it up is growing from nothing.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::announce::announce;
use crate::capture::CaptureSpec;
use crate::cgroup::Groups;
use crate::construction::{Construction, Parts, construct, demolish, interface_index};
use crate::error::Error;
use crate::host::Host;
use crate::sandbox::NetNs;
use crate::shaping::Shaping;
use crate::state::{self, State};
use crate::testbed::{Cable, Network, Testbed};
use crate::topology::{Change, LinkSpec, Plan, PlannedLink, SwitchKind, Topology};
use crate::view::{HostView, LinkState, Snapshot};

impl Testbed {
    /// Changes the network. What has nothing to do with the change goes on undisturbed.
    ///
    /// A host that is added has its addresses once it has a link. A link that is added comes up with its own properties;
    /// one that is deleted loses what is on its way. A switch that is added finds its controllers as the others do;
    /// [`wait_connected`](Self::wait_connected) awaits that.
    ///
    /// # Errors
    /// What [`Topology::changed`] says of the change; whatever the kernel or Open vSwitch refuse. A change that fails
    /// leaves the network as it was before.
    pub async fn change(&self, change: &Change) -> Result<(), Error> {
        let _alone = self.changing.lock().await;
        let network = self.network();
        let next = network.topology.changed(change)?;
        match change {
            Change::LinkUp(a, b) => self.set_links(&network.topology.find_links(a, b)?, LinkState::Up).await,
            Change::LinkDown(a, b) => {
                self.set_links(&network.topology.find_links(a, b)?, LinkState::Down).await
            }
            Change::ChangeLink(a, b, _, properties) => {
                let links = network.topology.find_links(a, b)?;
                self.change_links(&links, crate::LinkDirection::Both, properties)
            }
            Change::StopSwitch(name) => self.set_switch(&network, name, LinkState::Down).await,
            Change::StartSwitch(name) => self.set_switch(&network, name, LinkState::Up).await,
            Change::AddHost(_) | Change::AddSwitch(_) | Change::AddLink(..) => self.grow(next).await,
            Change::DeleteHost(_) | Change::DeleteSwitch(_) | Change::DeleteLink(..) => {
                self.shrink(next).await
            }
            Change::Move { host, .. } => {
                let stay = common(&network.topology, &next);
                self.shrink(stay).await?;
                let moved = self.grow(next).await;
                if moved.is_err() {
                    // Back to where it was.
                    self.grow(network.topology.clone()).await?;
                }
                self.announce(host).await?;
                moved
            }
        }
    }

    /// Has a host tell everybody where it is.
    async fn announce(&self, host: &str) -> Result<(), Error> {
        let host = self.host(host)?;
        for interface in host.interfaces() {
            let (Some(net), index, mac) = (interface.ipv4, interface.index, interface.mac) else {
                continue;
            };
            let said = host.namespace.run(move || announce(index, mac, net.address)).await?;
            // Where its link is down nobody would hear it anyway.
            if let Err(error) = said {
                tracing::debug!(%error, interface = interface.name, "an announcement was not sent");
            }
        }
        Ok(())
    }

    /// Makes what `next` has more than the network; all of it, or nothing.
    async fn grow(&self, next: Topology) -> Result<(), Error> {
        let before = self.network();
        let plan = next.plan_after(&before.plan)?;
        let kinds = self.switches.kinds(&plan);
        let parts = beyond(&plan, &before.plan);
        let Err(error) = self.build(next, plan.clone(), &parts, Vec::new()).await else {
            return Ok(());
        };
        let mut uncleaned = Vec::new();
        let namespaces = namespaces(&plan, &before);
        uncleaned.extend(self.unmake(&plan, &kinds, namespaces, &parts).await.err());
        uncleaned.extend(self.replace(Arc::clone(&before)).err());
        Err(error.with_uncleaned(uncleaned))
    }

    /// Makes these parts of a plan, captured from the first frame on. After an error some of it may be there.
    pub(crate) async fn build(
        &self,
        topology: Topology,
        plan: Plan,
        parts: &Parts,
        captures: Vec<CaptureSpec>,
    ) -> Result<(), Error> {
        let before = self.network();
        let kinds = self.switches.kinds(&plan);
        let work = {
            let (fabric, plan, kinds) = (self.fabric.namespace().clone(), plan.clone(), kinds.clone());
            let (parts, cable) = (parts.clone(), self.cable.get().map(|cable| cable.namespace.clone()));
            let hosts = namespaces(&plan, &before);
            tokio::task::spawn_blocking(move || {
                construct(&fabric, hosts, cable, &plan, &kinds, &parts, &captures)
            })
        };
        // The two know nothing of each other until the switches get their ports.
        let (construction, switches) =
            tokio::join!(work, self.switches.start(&self.fabric, &kinds, &self.tasks));
        let mut construction = construction.map_err(|_| Error::Ended)??;
        (self.captures.lock().unwrap_or_else(PoisonError::into_inner)).append(&mut construction.captures);
        switches?;
        let network = Network { topology, plan, kinds, hosts: Vec::new() };
        self.connect(network, &before, parts, &construction).await
    }

    /// Joins what was constructed to the network.
    async fn connect(
        &self,
        mut network: Network,
        before: &Network,
        parts: &Parts,
        construction: &Construction,
    ) -> Result<(), Error> {
        let Network { plan, kinds, .. } = &network;
        construction.checksums_in_software(plan, parts, self.switches.need_finished_checksums())?;
        self.shape(plan, parts, construction).await?;
        self.switches.connect(plan, kinds, &parts.switches).await?;
        let new: HashSet<_> = parts.switches.iter().map(|i| &plan.switches[*i].name).collect();
        for link in parts.links.iter().map(|link| &plan.links[*link]) {
            for (side, end) in link.ends.iter().enumerate().filter(|(_, end)| !new.contains(&end.node_name)) {
                self.switches.add_port(plan, kinds, end, interface_index(link.number, side)).await?;
            }
        }
        let views = Snapshot::new(self.fabric.name(), plan, kinds, None).hosts;
        let mut hosts = Vec::with_capacity(plan.hosts.len());
        for ((planned, view), namespace) in plan.hosts.iter().zip(views.iter()).zip(&construction.hosts) {
            let groups = match before.hosts.iter().find(|host| host.name() == planned.name) {
                Some(known) => known.groups.clone(),
                None if planned.limits.is_none() => None,
                None => Some(self.groups()?.make(&planned.name, &planned.limits, self.fabric.ledger())?),
            };
            hosts.push(Host { view: view.clone(), namespace: namespace.clone(), groups });
        }
        network.hosts = hosts;
        let numbers: HashSet<usize> = parts.links.iter().map(|i| network.plan.links[*i].number).collect();
        let network = Arc::new(network);
        self.replace(Arc::clone(&network))?;
        self.watchers
            .watch(
                &network.plan,
                &parts.links,
                self.fabric.namespace(),
                construction,
                &self.view,
                &self.tasks,
            )
            .await?;
        settled(&self.view, |view| {
            view.links.iter().all(|link| link.state == LinkState::Up || !numbers.contains(&link.number))
        })
        .await
    }

    /// Carries the new links that are shaped.
    async fn shape(&self, plan: &Plan, parts: &Parts, construction: &Construction) -> Result<(), Error> {
        let shaped = |link: &PlannedLink| Some((link.number, link.shaped?));
        let links: Vec<_> = parts.links.iter().filter_map(|i| shaped(&plan.links[*i])).collect();
        match (self.cable.get(), &construction.cable) {
            (Some(cable), _) => {
                links.into_iter().try_for_each(|(link, shaped)| cable.shaping.add(link, shaped))
            }
            (None, Some(namespace)) => {
                let shaping = Shaping::start(namespace, links, self.seed).await?;
                // Whoever starts it holds the only right to change the network.
                let _ = self.cable.set(Cable { shaping, namespace: namespace.clone() });
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// Unmakes what the network has more than `next`.
    async fn shrink(&self, next: Topology) -> Result<(), Error> {
        let before = self.network();
        let plan = next.plan_after(&before.plan)?;
        let kinds = self.switches.kinds(&plan);
        let parts = beyond(&before.plan, &plan);
        let hosts = before.hosts.iter().map(|host| Some(host.namespace.clone())).collect();
        self.unmake(&before.plan, &before.kinds, hosts, &parts).await?;
        let views = Snapshot::new(self.fabric.name(), &plan, &kinds, None).hosts;
        let known = |view: &HostView| before.hosts.iter().find(|host| host.name() == view.name).cloned();
        let hosts =
            views.iter().filter_map(|view| Some(Host { view: view.clone(), ..known(view)? })).collect();
        self.replace(Arc::new(Network { topology: next, plan, kinds, hosts }))?;
        for host in parts.hosts.iter().map(|i| &before.hosts[*i]) {
            self.watchers.forget_host(host.name());
            host.end_processes().await?;
        }
        Ok(())
    }

    /// Unmakes these parts of a plan; those that were never made are no error.
    async fn unmake(
        &self,
        plan: &Plan,
        kinds: &[SwitchKind],
        hosts: Vec<Option<NetNs>>,
        parts: &Parts,
    ) -> Result<(), Error> {
        let links = || parts.links.iter().map(|i| &plan.links[*i]);
        self.watchers.forget_links(&links().map(|link| link.number).collect());
        let going: HashSet<_> = parts.switches.iter().map(|i| &plan.switches[*i].name).collect();
        for end in links().flat_map(|link| &link.ends).filter(|end| !going.contains(&end.node_name)) {
            self.switches.remove_port(plan, kinds, end).await?;
        }
        self.switches.disconnect(plan, kinds, &parts.switches).await?;
        let cable = self.cable.get();
        let work = {
            let (plan, kinds, parts) = (plan.clone(), kinds.to_vec(), parts.clone());
            let fabric = self.fabric.namespace().clone();
            let cable = cable.map(|cable| cable.namespace.clone());
            move || demolish(&fabric, &hosts, cable.as_ref(), &plan, &kinds, &parts)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Ended)??;
        for link in links().filter(|link| link.shaped.is_some()) {
            cable.map_or(Ok(()), |cable| cable.shaping.remove(link.number))?;
        }
        Ok(())
    }

    /// From here on the network is this one, for everybody who asks.
    fn replace(&self, network: Arc<Network>) -> Result<(), Error> {
        let Network { plan, kinds, hosts, .. } = &*network;
        self.view.send_modify(|view| *view = Snapshot::new(self.fabric.name(), plan, kinds, Some(view)));
        let state = State::of(&self.fabric, hosts);
        *self.network.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&network);
        state::write(self.fabric.dir(), &state)
    }

    fn groups(&self) -> Result<&Groups, Error> {
        if let Some(groups) = self.groups.get() {
            return Ok(groups);
        }
        let found = Groups::find(self.fabric.name())?;
        Ok(self.groups.get_or_init(|| found))
    }

    /// Has a switch work, or pass nothing.
    async fn set_switch(&self, network: &Network, name: &str, state: LinkState) -> Result<(), Error> {
        let Network { plan, kinds, .. } = network;
        let Some(i) = plan.switches.iter().position(|switch| switch.name == name) else {
            return Err(Error::Ended);
        };
        let runs = state == LinkState::Up;
        if self.snapshot().switches[i].running == runs {
            return Ok(());
        }
        match (kinds[i], runs) {
            (SwitchKind::Bridge, _) => self.set_bridge(plan, i, state).await?,
            (_, true) => self.switches.connect(plan, kinds, &[i]).await?,
            (_, false) => self.switches.disconnect(plan, kinds, &[i]).await?,
        }
        self.view.send_modify(|view| {
            let mut switches = view.switches.to_vec();
            switches[i].running = runs;
            view.switches = switches.into();
        });
        Ok(())
    }
}

/// The namespaces of a plan's hosts, of those that are there before.
fn namespaces(plan: &Plan, before: &Network) -> Vec<Option<NetNs>> {
    let known = |name: &str| before.hosts.iter().find(|known| known.name() == name);
    plan.hosts.iter().map(|host| known(&host.name).map(|known| known.namespace.clone())).collect()
}

/// What `plan` has more than `other`.
pub(crate) fn beyond(plan: &Plan, other: &Plan) -> Parts {
    let hosts: HashSet<_> = other.hosts.iter().map(|host| &host.name).collect();
    let switches: HashSet<_> = other.switches.iter().map(|switch| switch.number).collect();
    let links: HashSet<_> = other.links.iter().map(|link| link.number).collect();
    Parts {
        hosts: (0..plan.hosts.len()).filter(|i| !hosts.contains(&plan.hosts[*i].name)).collect(),
        switches: (0..plan.switches.len())
            .filter(|i| !switches.contains(&plan.switches[*i].number))
            .collect(),
        links: (0..plan.links.len()).filter(|i| !links.contains(&plan.links[*i].number)).collect(),
    }
}

/// The topology without the links that `next` has not.
fn common(topology: &Topology, next: &Topology) -> Topology {
    let stays = |link: &LinkSpec| next.links.iter().any(|other| other.a == link.a && other.b == link.b);
    let mut common = topology.clone();
    common.links.retain(stays);
    common
}

/// Waits until the kernel says that the links are as they were set. It tells within a second
/// (its link watch batches such news).
pub(crate) async fn settled(
    view: &watch::Sender<Snapshot>,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Result<(), Error> {
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
