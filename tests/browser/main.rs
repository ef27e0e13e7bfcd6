//! The dashboard in a real browser, beside a network of Open vSwitch switches. Needs root, openvswitch-switch,
//! chromium and chromium-driver.

mod chrome;
#[path = "../flowbed/mod.rs"]
mod flowbed;
mod page;
#[path = "../tier/mod.rs"]
mod tier;
mod watching;

use std::process::ExitCode;

fn main() -> ExitCode {
    tier::run(
        &[
            tier::root,
            || tier::program("ovs-vswitchd"),
            || tier::program("chromium"),
            || tier::program("chromedriver"),
        ],
        &[
            ("the_network_is_shown_as_it_was_made", watching::network),
            ("flows_come_and_their_counters_move", watching::flows),
            ("a_link_goes_down_and_up_from_either_side", watching::links),
            ("a_wrong_token_shows_no_data", watching::wrong_token),
            ("the_page_says_when_the_network_is_gone", watching::stop),
        ],
    )
}
