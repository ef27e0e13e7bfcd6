//! The state of the links, as the kernel tells it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::StreamExt;
use rtnetlink::packet_core::NetlinkPayload;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::link::LinkMessage;
use rtnetlink::{Handle, MulticastGroup};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::connection::{self, Messages};
use crate::construction::{Construction, interface_index};
use crate::error::Error;
use crate::sandbox::NetNs;
use crate::tasks::Tasks;
use crate::topology::{Node, Plan};
use crate::view::{LinkState, LinkView, Snapshot};
use crate::wiring::carries;

/// Where interfaces stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Fabric,
    Cable,
    /// A host, by its name.
    Host(String),
}

/// One namespace whose interfaces tell the state of links.
///
/// One end of a plain link is enough: a veth end carries (`IFF_LOWER_UP`) only while its peer is up too. Of a shaped
/// link, both inner halves are watched.
#[derive(Debug)]
struct Watcher {
    place: Place,
    handle: Handle,
    /// The number of each watched interface's link.
    links: Mutex<HashMap<u32, usize>>,
    /// Which of those interfaces carry.
    carrying: Mutex<HashSet<u32>>,
    view: Arc<watch::Sender<Snapshot>>,
}

/// All watchers of a network: one for the fabric, for the cable, and for each host with plain links to other hosts.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<Vec<(Arc<Watcher>, [AbortHandle; 2])>>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Watchers {
    /// Watches more links of a plan, which are in the view already. On return they have been looked at.
    pub(crate) async fn watch(
        &self,
        plan: &Plan,
        links: &[usize],
        fabric: &NetNs,
        construction: &Construction,
        view: &Arc<watch::Sender<Snapshot>>,
        tasks: &Tasks,
    ) -> Result<(), Error> {
        let mut wanted: HashMap<Place, HashMap<u32, usize>> = HashMap::new();
        for link in links.iter().map(|link| &plan.links[*link]) {
            let mut watch = |place, end| {
                let interfaces = wanted.entry(place).or_default();
                interfaces.insert(interface_index(link.number, end), link.number);
            };
            if link.shaped.is_some() {
                watch(Place::Cable, 0);
                watch(Place::Cable, 1);
                continue;
            }
            match link.ends.each_ref().map(|end| end.node) {
                [Node::Switch(_), _] => watch(Place::Fabric, 0),
                [_, Node::Switch(_)] => watch(Place::Fabric, 1),
                [Node::Host(_), _] => watch(Place::Host(link.ends[0].node_name.clone()), 0),
            }
        }
        for (place, interfaces) in wanted {
            let known =
                locked(&self.0).iter().map(|(watcher, _)| Arc::clone(watcher)).find(|w| w.place == place);
            let watcher = match known {
                Some(watcher) => watcher,
                None => {
                    let host = |name: &str| plan.hosts.iter().position(|host| host.name == name);
                    let namespace = match &place {
                        Place::Fabric => Some(fabric),
                        Place::Cable => construction.cable.as_ref(),
                        Place::Host(name) => host(name).map(|i| &construction.hosts[i]),
                    };
                    self.begin(place, namespace.ok_or(Error::Ended)?, view, tasks).await?
                }
            };
            locked(&watcher.links).extend(interfaces);
            watcher.refresh().await?;
        }
        Ok(())
    }

    async fn begin(
        &self,
        place: Place,
        namespace: &NetNs,
        view: &Arc<watch::Sender<Snapshot>>,
        tasks: &Tasks,
    ) -> Result<Arc<Watcher>, Error> {
        let (connection, handle, messages) = connection::open(namespace, &[MulticastGroup::Link]).await?;
        let watcher = Arc::new(Watcher {
            place,
            handle,
            links: Mutex::default(),
            carrying: Mutex::default(),
            view: Arc::clone(view),
        });
        let running = [tasks.spawn(connection), tasks.spawn(Arc::clone(&watcher).follow(messages))];
        locked(&self.0).push((Arc::clone(&watcher), running));
        Ok(watcher)
    }

    /// Watches these links, by number, no more.
    pub(crate) fn forget_links(&self, numbers: &HashSet<usize>) {
        for (watcher, _) in locked(&self.0).iter() {
            locked(&watcher.links).retain(|_, number| !numbers.contains(number));
        }
    }

    /// Lets go of a host's namespace.
    pub(crate) fn forget_host(&self, name: &str) {
        locked(&self.0).retain(|(watcher, running)| {
            let stays = !matches!(&watcher.place, Place::Host(host) if host == name);
            if !stays {
                running.iter().for_each(AbortHandle::abort);
            }
            stays
        });
    }

    /// Looks at a link, by number, as it is now.
    pub(crate) async fn refresh(&self, number: usize) -> Result<(), Error> {
        let all: Vec<_> = locked(&self.0).iter().map(|(watcher, _)| Arc::clone(watcher)).collect();
        for watcher in all {
            let watches = locked(&watcher.links).values().any(|watched| *watched == number);
            if watches {
                watcher.refresh().await?;
            }
        }
        Ok(())
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
    }
}

impl Watcher {
    /// Follows the changes.
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
    async fn refresh(&self) -> Result<(), Error> {
        let interfaces = connection::interfaces(&self.handle).await.map_err(connection::answer);
        self.apply(&interfaces.map_err(Error::system("look at", "the links"))?);
        Ok(())
    }

    fn apply(&self, interfaces: &[LinkMessage]) {
        let links = locked(&self.links);
        let mut carrying = locked(&self.carrying);
        for interface in interfaces {
            match carries(interface) {
                true => carrying.insert(interface.header.index),
                false => carrying.remove(&interface.header.index),
            };
        }
        let states: HashMap<usize, LinkState> = interfaces
            .iter()
            .filter_map(|interface| {
                let number = *links.get(&interface.header.index)?;
                let up = |interface| !links.contains_key(&interface) || carrying.contains(&interface);
                let both = [0, 1].into_iter().all(|end| up(interface_index(number, end)));
                Some((number, if both { LinkState::Up } else { LinkState::Down }))
            })
            .collect();
        drop((links, carrying));
        self.view.send_if_modified(|view| {
            let news =
                |link: &LinkView| states.get(&link.number).copied().filter(|state| *state != link.state);
            if !view.links.iter().any(|link| news(link).is_some()) {
                return false;
            }
            let mut links = view.links.to_vec();
            for link in &mut links {
                link.state = news(link).unwrap_or(link.state);
            }
            view.links = links.into();
            true
        });
    }
}
