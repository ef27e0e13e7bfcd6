//! The state of the links, as the kernel tells it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use netlink_packet_route::link::LinkMessage;
use nix::libc;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::construction::interface_index;
use crate::error::Error;
use crate::netlink::Netlink;
use crate::sandbox::{NetNs, readable};
use crate::topology::{Node, Plan};
use crate::view::{LinkState, Snapshot};
use crate::wiring::carries;

/// One namespace whose interfaces tell the state of links.
///
/// One end is enough: a veth end carries (`IFF_LOWER_UP`) only while its peer is up too.
#[derive(Debug)]
pub(crate) struct Watcher {
    namespace: NetNs,
    /// The link of each watched interface.
    links: HashMap<u32, usize>,
    view: Arc<watch::Sender<Snapshot>>,
}

/// A watcher for every namespace that has to be watched: the fabric, and hosts with links to
/// other hosts.
pub(crate) fn watchers(
    plan: &Plan,
    fabric: &NetNs,
    hosts: &[NetNs],
    view: &Arc<watch::Sender<Snapshot>>,
) -> Vec<Arc<Watcher>> {
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
    let in_hosts = in_hosts.into_iter().map(|(i, links)| (hosts[i].clone(), links));
    std::iter::once((fabric.clone(), in_fabric))
        .chain(in_hosts)
        .map(|(namespace, links)| Arc::new(Watcher { namespace, links, view: Arc::clone(view) }))
        .collect()
}

impl Watcher {
    pub(crate) fn watches(&self, link: usize) -> bool {
        self.links.values().any(|watched| *watched == link)
    }

    /// Subscribes to changes, looks at all as it is, and goes on watching in `tasks`.
    pub(crate) async fn start(self: Arc<Self>, tasks: &mut JoinSet<()>) -> Result<(), Error> {
        let socket = self
            .namespace
            .run(Netlink::open_monitor)
            .await?
            .and_then(readable)
            .map_err(Error::system("watch", "the links"))?;
        self.refresh().await?;
        tasks.spawn(async move {
            let mut datagram = Vec::new();
            loop {
                let Ok(mut ready) = socket.readable().await else {
                    return;
                };
                match ready.try_io(|socket| socket.get_ref().changes(&mut datagram)) {
                    Ok(Ok(changes)) => self.apply(&changes),
                    // Some were lost: look at everything anew.
                    Ok(Err(error)) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                        if self.refresh().await.is_err() {
                            return;
                        }
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "an unreadable change of a link"),
                    Err(_would_block) => {}
                }
            }
        });
        Ok(())
    }

    /// Looks at the interfaces as they are now.
    pub(crate) async fn refresh(&self) -> Result<(), Error> {
        let look = || Netlink::open().and_then(|mut socket| socket.links());
        let links =
            self.namespace.run(look).await?.map_err(Error::system::<io::Error>("look at", "the links"))?;
        self.apply(&links);
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
