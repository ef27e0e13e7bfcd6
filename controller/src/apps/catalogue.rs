//! Which apps there are, and how each is made.

use std::path::Path;

use openflow::TableId;

use super::config::{FileApp, Source, Tables, from_file};
use super::{
    AclFirewall, ArpProxy, Failover, FileError, Hub, LearningSwitch, LoadBalancer, Mirror, Nat, RateLimit,
    Router, ShortestPath, VlanSegments,
};
use crate::app::AppFactory;

/// An app as the command line knows it.
#[derive(Clone, Copy)]
pub struct AppInfo {
    /// Its name.
    pub name: &'static str,
    /// What it does, for help texts.
    pub what: &'static str,
    pub(super) place: Place,
    pub(super) make: Make,
}

/// Where an app may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It has so many tables, and decides about every packet: no app behind it would see any.
    Last(u8),
    /// It has so many tables, and needs an app behind it.
    Before(u8),
    /// It has so many tables; an app may stand behind it.
    Anywhere(u8),
}

/// How an app is made.
#[derive(Clone, Copy)]
pub(super) enum Make {
    /// By its tables alone.
    Plain(fn(&str, Tables) -> AppFactory),
    /// From a file.
    File(MakeFromFile),
}

/// Makes an app as a file says.
type MakeFromFile = fn(&str, &Path, Tables) -> Result<(AppFactory, Source), FileError>;

const fn with_file<A: FileApp>() -> Make {
    Make::File(from_file::<A>)
}

/// All of them.
pub const CATALOGUE: [AppInfo; 12] = [
    AppInfo {
        name: "hub",
        what: "floods every packet, by one rule and no packet-in",
        place: Place::Last(1),
        make: Make::Plain(|name, tables| AppFactory::new(name, move || Hub::in_table(tables.own))),
    },
    AppInfo {
        name: "learning-switch",
        what: "learns which address is at which port and installs flows for them",
        place: Place::Last(1),
        make: Make::Plain(|name, tables| AppFactory::new(name, move || LearningSwitch::in_table(tables.own))),
    },
    AppInfo {
        name: "shortest-path",
        what: "forwards along shortest paths, loops allowed, and around failed links",
        place: Place::Last(1),
        make: Make::Plain(|name, tables| {
            AppFactory::new(name, move || ShortestPath::in_table(tables.own)).needing_links()
        }),
    },
    AppInfo {
        name: "failover",
        what: "forwards over loops; switches lead around a failed link by themselves, by fast failover groups",
        place: Place::Last(2),
        make: Make::Plain(|name, tables| {
            AppFactory::new(name, move || Failover::new(tables)).needing_links()
        }),
    },
    AppInfo {
        name: "vlan-segments",
        what: "a learning switch with access ports and trunks, as a file tells",
        place: Place::Last(2),
        make: with_file::<VlanSegments>(),
    },
    AppInfo {
        name: "acl-firewall",
        what: "lets through to the app behind it what the rules in a file allow",
        place: Place::Before(1),
        make: with_file::<AclFirewall>(),
    },
    AppInfo {
        name: "arp-proxy",
        what: "answers ARP and IPv6 neighbour discovery for hosts that are known, before the app behind floods it",
        place: Place::Before(1),
        make: Make::Plain(|name, tables| {
            AppFactory::new(name, move || ArpProxy::new(tables)).needing_links()
        }),
    },
    AppInfo {
        name: "load-balancer",
        what: "spreads connections to an address over several hosts, as a file tells",
        place: Place::Before(1),
        make: with_file::<LoadBalancer>(),
    },
    AppInfo {
        name: "mirror",
        what: "copies what a file chooses to the ports of those who watch",
        place: Place::Before(1),
        make: with_file::<Mirror>(),
    },
    AppInfo {
        name: "rate-limit",
        what: "limits what each host may send, as a file tells, by meters",
        place: Place::Before(1),
        make: with_file::<RateLimit>(),
    },
    AppInfo {
        name: "nat",
        what: "hides hosts behind an address, as a file tells; on Open vSwitch alone",
        place: Place::Before(1),
        make: with_file::<Nat>(),
    },
    AppInfo {
        name: "router",
        what: "routes IPv4 and IPv6 between the subnets that a file tells; other packets go on to the app behind it",
        place: Place::Anywhere(2),
        make: with_file::<Router>(),
    },
];

impl AppInfo {
    /// Whether it needs a file.
    pub fn takes_file(&self) -> bool {
        matches!(self.make, Make::File(_))
    }

    /// How it is written on the command line.
    pub fn usage(&self) -> String {
        if self.takes_file() { format!("{}=FILE", self.name) } else { self.name.to_owned() }
    }
}

impl std::fmt::Debug for AppInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AppInfo").field(&self.name).finish()
    }
}

/// The app that the command line knows by `name`, if it needs neither a file nor an app behind it.
pub fn by_name(name: &str) -> Option<AppFactory> {
    let app = CATALOGUE.iter().find(|app| app.name == name)?;
    match (app.make, app.place) {
        (Make::Plain(make), Place::Last(_)) => Some(make(name, Tables { own: TableId(0), next: TableId(1) })),
        _ => None,
    }
}
