//! Links up and down, and what they do, while they run.

use crate::changes::settled;
use crate::connection;
use crate::construction::{bridge_index, interface_index};
use crate::error::Error;
use crate::netlink::{Intent, Netlink};
use crate::sandbox::NetNs;
use crate::shaping::LinkCounters;
use crate::testbed::{Network, Testbed};
use crate::topology::{LinkChange, LinkProperties, Node, Plan, PlannedEnd};
use crate::view::LinkState;
use crate::wiring;

/// Which links are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkRef {
    /// The one with this index in the topology as it is now.
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
    /// Sets links up or down, by setting both their ends so.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such link.
    pub async fn set_link(&self, links: impl Into<LinkRef>, state: LinkState) -> Result<(), Error> {
        let _alone = self.changing.lock().await;
        self.set_links(&self.resolve(&links.into())?, state).await
    }

    pub(crate) async fn set_links(&self, links: &[usize], state: LinkState) -> Result<(), Error> {
        let network = self.network();
        for link in links.iter().map(|link| &network.plan.links[*link]) {
            let mut handles = Vec::new();
            for (end, planned) in link.ends.iter().enumerate() {
                let handle = connection::handle(self.namespace_of(&network, planned.node)).await?;
                let change = wiring::set_state(interface_index(link.number, end), state);
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
            for (end, (planned, handle)) in link.ends.iter().zip(&handles).enumerate() {
                connection::settle(handle, interface_index(link.number, end))
                    .await
                    .map_err(connection::answer)
                    .map_err(Error::system("look at", planned.name.clone()))?;
            }
            for (end, planned) in link.ends.iter().enumerate().filter(|_| state == LinkState::Up) {
                let namespace = self.namespace_of(&network, planned.node);
                restore(namespace, interface_index(link.number, end), planned).await?;
            }
            self.watchers.refresh(link.number).await?;
            settled(&self.view, |view| {
                view.links.iter().any(|own| own.number == link.number && own.state == state)
            })
            .await?;
        }
        Ok(())
    }

    /// Sets a Linux bridge up or down.
    pub(crate) async fn set_bridge(&self, plan: &Plan, switch: usize, state: LinkState) -> Result<(), Error> {
        let switch = &plan.switches[switch];
        let handle = connection::handle(self.fabric.namespace()).await?;
        let change = wiring::set_state(bridge_index(switch.number), state);
        let done = handle.link().change(change).execute().await;
        done.map_err(connection::answer).map_err(Error::system("set", switch.name.clone()))
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
        self.change_links(&self.resolve(&links.into())?, direction, change)
    }

    pub(crate) fn change_links(
        &self,
        links: &[usize],
        direction: LinkDirection,
        change: &LinkChange,
    ) -> Result<(), Error> {
        let network = self.network();
        for link in links.iter().map(|link| &network.plan.links[*link]) {
            let Some(cable) = self.cable.get().filter(|_| link.shaped.is_some()) else {
                let [a, b] = link.ends.each_ref().map(|end| &end.node_name);
                return Err(Error::Unavailable {
                    what: format!("link {a} - {b} was plain when it was made"),
                    remedy: "give it a property or `shaped = true` in the file, or start with --link shaped"
                        .to_owned(),
                });
            };
            let mut changed = Ok(());
            self.view.send_modify(|view| {
                let mut links = view.links.to_vec();
                let Some(own) = links.iter_mut().find(|own| own.number == link.number) else {
                    return;
                };
                own.a_to_b = change_if(direction != LinkDirection::BToA, change, own.a_to_b);
                own.b_to_a = change_if(direction != LinkDirection::AToB, change, own.b_to_a);
                changed = [own.a_to_b, own.b_to_a]
                    .into_iter()
                    .enumerate()
                    .try_for_each(|(from, properties)| cable.shaping.change(link.number, from, properties));
                view.links = links.into();
            });
            changed?;
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
        let network = self.network();
        let Some(planned) = network.plan.links.get(link) else {
            return Err(Error::Ended);
        };
        match self.cable.get() {
            Some(cable) if planned.shaped.is_some() => {
                Ok(Some(cable.shaping.counters(planned.number).await?))
            }
            _ => Ok(None),
        }
    }

    fn namespace_of<'a>(&'a self, network: &'a Network, node: Node) -> &'a NetNs {
        match node {
            Node::Host(i) => &network.hosts[i].namespace,
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
}

fn change_if(applies: bool, change: &LinkChange, properties: LinkProperties) -> LinkProperties {
    if applies { change.applied_to(properties) } else { properties }
}

/// Gives an interface that is up again what it had and the kernel took: IPv6 addresses and routes go with an interface
/// that is set down.
async fn restore(namespace: &NetNs, index: u32, planned: &PlannedEnd) -> Result<(), Error> {
    let address = planned.ipv6.map(|net| (format!("address {net}"), wiring::ipv6_address(index, net)));
    let routes = planned.routes.iter().map(|route| (format!("route {route}"), wiring::route(index, *route)));
    let (names, requests): (Vec<_>, Vec<_>) =
        address.into_iter().chain(routes).map(|(name, request)| (name, (Intent::Ensure, request))).unzip();
    if requests.is_empty() {
        return Ok(());
    }
    let done = namespace.run(move || Netlink::open()?.request_all(requests)).await?;
    let done = done.map_err(Error::system("use", "a netlink socket"))?;
    for (name, result) in names.into_iter().zip(done) {
        result.map_err(Error::system("restore", format!("{name} of {}", planned.name)))?;
    }
    Ok(())
}
