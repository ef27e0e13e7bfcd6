//! What the connections of a controller have in common.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openflow::DatapathId;
use openflow::session::{CloseReason, Config};
use tokio::sync::watch;

use crate::app::AppFactory;
use crate::discovery::Discovery;
use crate::lldp::Key;
use crate::network::{Network, SwitchInfo};
use crate::switch::Switch;

/// How long things may take that are not the session's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// An app's handler, for one event.
    pub(crate) app: Duration,
    /// The end of a connection: its last events, its last bytes.
    pub(crate) drain: Duration,
    /// Hosts that were not heard for so long are forgotten.
    pub(crate) host: Duration,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines {
            app: Duration::from_secs(30),
            drain: Duration::from_secs(1),
            host: Duration::from_secs(15 * 60),
        }
    }
}

pub(crate) struct Core {
    pub(crate) apps: Vec<AppFactory>,
    pub(crate) session: Config,
    pub(crate) discovery: Discovery,
    pub(crate) deadlines: Deadlines,
    pub(crate) key: Key,
    pub(crate) network: Network,
    /// True once the controller is to end.
    pub(crate) stop: watch::Sender<bool>,
    /// How many switches have come to listen for probes.
    pub(crate) arrivals: watch::Sender<u64>,
    switches: Mutex<HashMap<DatapathId, Switch>>,
}

impl Core {
    pub(crate) fn new(
        apps: Vec<AppFactory>,
        session: Config,
        discovery: Discovery,
        deadlines: Deadlines,
    ) -> Core {
        Core {
            apps,
            session,
            discovery,
            deadlines,
            key: Key::default(),
            network: Network::new(),
            stop: watch::Sender::new(false),
            arrivals: watch::Sender::new(0),
            switches: Mutex::default(),
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<DatapathId, Switch>> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn switch(&self, id: DatapathId) -> Option<Switch> {
        self.table().get(&id).cloned()
    }

    pub(crate) fn switches(&self) -> Vec<Switch> {
        let mut switches: Vec<Switch> = self.table().values().cloned().collect();
        switches.sort_unstable_by_key(Switch::id);
        switches
    }

    /// Enters a switch. A switch that comes back before its old connection was seen to end takes its
    /// place.
    pub(crate) fn enter(&self, switch: &Switch) {
        let old = self.table().insert(switch.id(), switch.clone());
        if let Some(old) = old {
            old.0.close(CloseReason::Local("the switch has connected anew"));
        }
        self.network.switch_up(SwitchInfo {
            id: switch.id(),
            peer: switch.peer().to_owned(),
            ready: false,
            ports: switch.ports(),
        });
    }

    /// Takes a switch out, unless a newer connection of it has taken its place.
    pub(crate) fn leave(&self, switch: &Switch) {
        let mut table = self.table();
        let id = switch.id();
        if table.get(&id).is_some_and(|current| std::sync::Arc::ptr_eq(&current.0, &switch.0)) {
            table.remove(&id);
            self.network.switch_down(id);
        }
    }

    /// After how long a link is gone whose probes are not heard any more.
    pub(crate) fn link_age(&self) -> Option<Duration> {
        match self.discovery {
            Discovery::Off => None,
            Discovery::Every(every) => Some(every * 3),
        }
    }
}
