//! The state of the links, as the kernel tells it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use rtnetlink::packet_core::NetlinkPayload;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::{Handle, MulticastGroup};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::{self, Messages};
use crate::construction::interface_index;
use crate::error::Error;
use crate::sandbox::NetNs;
use crate::topology::{Node, Plan};
use crate::view::{LinkState, Snapshot};
use crate::wiring::carries;

/// One namespace whose interfaces tell the state of links.
///
/// One end is enough: a veth end carries (`IFF_LOWER_UP`) only while its peer is up too.
#[derive(Debug)]
pub(crate) struct Watcher {
    handle: Handle,
    /// The link of each watched interface.
    links: HashMap<u32, usize>,
    view: Arc<watch::Sender<Snapshot>>,
}

/// Starts a watcher in `tasks` for every namespace that has to be watched: the fabric, and hosts
/// with links to other hosts. On return it has looked at all as it is.
pub(crate) async fn watch(
    plan: &Plan,
    fabric: &NetNs,
    hosts: &[NetNs],
    view: &Arc<watch::Sender<Snapshot>>,
    tasks: &mut JoinSet<()>,
) -> Result<Vec<Arc<Watcher>>, Error> {
    let mut in_fabric = HashMap::new();
    let mut in_hosts: HashMap<usize, HashMap<u32, usize>> = HashMap::new();
    for (link, [a, b]) in plan.links.iter().enumerate() {
        match (a.node, b.node) {
            (Node::Switch(_), _) => in_fabric.insert(interface_index(link, 0), link),
            (_, Node::Switch(_)) => in_fabric.insert(interface_index(link, 1), link),
            (Node::Host(i), Node::Host(_)) => {
                in_hosts.entry(i).or_default().insert(interface_index(link, 0), link)
            }
        };
    }
    let in_hosts = in_hosts.into_iter().map(|(i, links)| (&hosts[i], links));
    let mut watchers = Vec::new();
    for (namespace, links) in std::iter::once((fabric, in_fabric)).chain(in_hosts) {
        let (connection, handle, messages) = connection::open(namespace, &[MulticastGroup::Link]).await?;
        tasks.spawn(connection);
        let watcher = Arc::new(Watcher { handle, links, view: Arc::clone(view) });
        watcher.refresh().await?;
        tasks.spawn(Arc::clone(&watcher).follow(messages));
        watchers.push(watcher);
    }
    Ok(watchers)
}

impl Watcher {
    pub(crate) fn watches(&self, link: usize) -> bool {
        self.links.values().any(|watched| *watched == link)
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
        let states: Vec<_> = interfaces
            .iter()
            .filter_map(|interface| {
                let link = self.links.get(&interface.header.index)?;
                let state = match carries(interface) {
                    true => LinkState::Up,
                    false => LinkState::Down,
                };
                Some((*link, state))
            })
            .collect();
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
