//! The state of the links, as the kernel tells it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use rtnetlink::packet_core::NetlinkPayload;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::{Handle, MulticastGroup};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::{self, Messages};
use crate::construction::{Construction, interface_index};
use crate::error::Error;
use crate::sandbox::NetNs;
use crate::topology::{Node, Plan};
use crate::view::{LinkState, Snapshot};
use crate::wiring::carries;

/// One namespace whose interfaces tell the state of links.
///
/// One end of a plain link is enough: a veth end carries (`IFF_LOWER_UP`) only while its peer is up too. Of a shaped
/// link, both inner halves are watched.
#[derive(Debug)]
pub(crate) struct Watcher {
    handle: Handle,
    /// The link of each watched interface, and which of its ends.
    links: HashMap<u32, (usize, usize)>,
    /// Which of those interfaces carry.
    carrying: Mutex<HashSet<u32>>,
    view: Arc<watch::Sender<Snapshot>>,
}

/// Starts a watcher in `tasks` for every namespace that has to be watched: the fabric, the cable, and hosts
/// with plain links to other hosts. On return it has looked at all as it is.
pub(crate) async fn watch(
    plan: &Plan,
    fabric: &NetNs,
    construction: &Construction,
    view: &Arc<watch::Sender<Snapshot>>,
    tasks: &mut JoinSet<()>,
) -> Result<Vec<Arc<Watcher>>, Error> {
    let mut in_fabric = HashMap::new();
    let mut in_cable = HashMap::new();
    let mut in_hosts: HashMap<usize, HashMap<u32, (usize, usize)>> = HashMap::new();
    for (link, [a, b]) in plan.links.iter().enumerate() {
        if plan.shaped[link].is_some() {
            in_cable.extend([0, 1].map(|end| (interface_index(link, end), (link, end))));
            continue;
        }
        match (a.node, b.node) {
            (Node::Switch(_), _) => in_fabric.insert(interface_index(link, 0), (link, 0)),
            (_, Node::Switch(_)) => in_fabric.insert(interface_index(link, 1), (link, 1)),
            (Node::Host(i), Node::Host(_)) => {
                in_hosts.entry(i).or_default().insert(interface_index(link, 0), (link, 0))
            }
        };
    }
    let in_hosts = in_hosts.into_iter().map(|(i, links)| (&construction.hosts[i], links));
    let in_cable = construction.cable.iter().map(|cable| (cable, std::mem::take(&mut in_cable)));
    let mut watchers = Vec::new();
    for (namespace, links) in std::iter::once((fabric, in_fabric)).chain(in_cable).chain(in_hosts) {
        let (connection, handle, messages) = connection::open(namespace, &[MulticastGroup::Link]).await?;
        tasks.spawn(connection);
        let watcher = Arc::new(Watcher { handle, links, carrying: Mutex::default(), view: Arc::clone(view) });
        watcher.refresh().await?;
        tasks.spawn(Arc::clone(&watcher).follow(messages));
        watchers.push(watcher);
    }
    Ok(watchers)
}

impl Watcher {
    pub(crate) fn watches(&self, link: usize) -> bool {
        self.links.values().any(|(watched, _)| *watched == link)
    }

    /// Follows the changes in `tasks`.
    async fn follow(self: Arc<Self>, mut messages: Messages) {
        while let Some((message, _)) = messages.next().await {
            match message.payload {
                NetlinkPayload::InnerMessage(
                    RouteNetlinkMessage::NewLink(link) | RouteNetlinkMessage::DelLink(link),
                ) => self.apply(&[link]),
                // Some were lost: look at everything anew.
                NetlinkPayload::Overrun(_) => {
                    if let Err(error) = self.refresh().await {
                        tracing::warn!(error = error.with_sources(), "lost sight of the links");
                    }
                }
                _ => {}
            }
        }
    }

    /// Looks at the interfaces as they are now.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let interfaces = connection::interfaces(&self.handle).await.map_err(connection::answer);
        self.apply(&interfaces.map_err(Error::system("look at", "the links"))?);
        Ok(())
    }

    fn apply(&self, interfaces: &[LinkMessage]) {
        let mut carrying = self.carrying.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for interface in interfaces {
            match carries(interface) {
                true => carrying.insert(interface.header.index),
                false => carrying.remove(&interface.header.index),
            };
        }
        let states: Vec<_> = interfaces
            .iter()
            .filter_map(|interface| {
                let (link, end) = *self.links.get(&interface.header.index)?;
                let other = interface_index(link, 1 - end);
                let up = |interface| !self.links.contains_key(&interface) || carrying.contains(&interface);
                let both = up(interface.header.index) && up(other);
                Some((link, if both { LinkState::Up } else { LinkState::Down }))
            })
            .collect();
        drop(carrying);
        self.view.send_if_modified(|view| {
            let changed = |(link, state): &&(usize, LinkState)| view.links[*link].state != *state;
            if !states.iter().any(|change| changed(&change)) {
                return false;
            }
            let mut links = view.links.to_vec();
            for (link, state) in &states {
                links[*link].state = *state;
            }
            view.links = links.into();
            true
        });
    }
}
