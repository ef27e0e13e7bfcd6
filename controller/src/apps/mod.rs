//! The apps that ship, each in a file of its own to learn from.

mod acl_firewall;
mod file;
mod hub;
mod learning_switch;
mod load;
mod shortest_path;

pub use acl_firewall::{Acl, AclFirewall};
pub use file::FileError;
pub use hub::Hub;
pub use learning_switch::LearningSwitch;
pub use load::{AppSpec, LoadError, ParseAppSpecError, load};
pub use shortest_path::ShortestPath;

use openflow::TableId;

use crate::app::AppFactory;

/// Names and what they do, for help texts.
pub const NAMES: [(&str, &str); 4] = [
    ("hub", "floods every packet, by one rule and no packet-in"),
    ("learning-switch", "learns which address is at which port and installs flows for them"),
    ("shortest-path", "forwards along shortest paths, loops allowed, and around failed links"),
    ("acl-firewall", "lets through to the app behind it what the rules in a file allow: acl-firewall=FILE"),
];

/// The app that the command line knows by `name`, if it needs no file.
pub fn by_name(name: &str) -> Option<AppFactory> {
    in_table(name, TableId(0))
}

/// That app with its flows in this table.
fn in_table(name: &str, table: TableId) -> Option<AppFactory> {
    match name {
        "hub" => Some(AppFactory::new(name, move || Hub::in_table(table))),
        "shortest-path" => Some(AppFactory::new(name, move || ShortestPath::in_table(table)).needing_links()),
        "learning-switch" => Some(AppFactory::new(name, move || LearningSwitch::in_table(table))),
        _ => None,
    }
}
