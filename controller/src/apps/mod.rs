//! The apps that ship, each in a file of its own to learn from.

mod hub;
mod learning_switch;
mod shortest_path;

pub use hub::Hub;
pub use learning_switch::LearningSwitch;
pub use shortest_path::ShortestPath;

use crate::app::AppFactory;

/// Names and what they do, for help texts.
pub const NAMES: [(&str, &str); 3] = [
    ("hub", "floods every packet, by one rule and no packet-in"),
    ("learning-switch", "learns which address is at which port and installs flows for them"),
    ("shortest-path", "forwards along shortest paths, loops allowed, and around failed links"),
];

/// The app that the command line knows by `name`.
pub fn by_name(name: &str) -> Option<AppFactory> {
    match name {
        "hub" => Some(AppFactory::new(name, || Hub)),
        "shortest-path" => Some(AppFactory::new(name, ShortestPath::default)),
        "learning-switch" => Some(AppFactory::new(name, LearningSwitch::default)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_named_app_is_there() {
        for (name, _) in super::NAMES {
            assert_eq!(super::by_name(name).expect("listed, so made").name(), name);
        }
        assert!(super::by_name("learning").is_none());
    }
}
