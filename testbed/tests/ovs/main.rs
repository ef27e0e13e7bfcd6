//! Networks on Open vSwitch. They need root and openvswitch-switch.

#![allow(clippy::unwrap_used)]

mod instance;
#[path = "../network/mod.rs"]
mod network;
mod switched;
#[path = "../../../tests/tier/mod.rs"]
mod tier;

use std::process::ExitCode;

use flowbed_testbed::SwitchKind;

use crate::network::{changes, run};

fn main() -> ExitCode {
    tier::run(
        &[tier::root, || tier::program("ovs-vswitchd")],
        &[
            ("two_testbeds_with_the_same_names_stand_side_by_side", || {
                run(switched::two_testbeds_with_the_same_names_stand_side_by_side())
            }),
            ("without_a_controller_secure_switches_pass_nothing", || {
                run(switched::without_a_controller_secure_switches_pass_nothing())
            }),
            ("tcp_gets_through", || run(switched::tcp_gets_through())),
            ("a_remote_controller_is_reached_and_its_absence_seen", || {
                run(switched::a_remote_controller_is_reached_and_its_absence_seen())
            }),
            ("bridges_and_ports_come_and_go", || run(instance::bridges_and_ports_come_and_go())),
            ("a_port_that_is_not_there_is_named_and_nothing_is_left", || {
                run(instance::a_port_that_is_not_there_is_named_and_nothing_is_left())
            }),
            ("connections_to_a_controller_are_awaited_and_missing_ones_explained", || {
                run(instance::connections_to_a_controller_are_awaited_and_missing_ones_explained())
            }),
            ("the_daemons_are_out_of_reach_of_the_terminals_signals", || {
                run(instance::the_daemons_are_out_of_reach_of_the_terminals_signals())
            }),
            ("a_daemon_that_dies_is_told_with_its_log", || {
                run(instance::a_daemon_that_dies_is_told_with_its_log())
            }),
            ("large_networks_come_and_go", || run(instance::large_networks_come_and_go())),
            ("networks_grow_and_shrink", || run(changes::networks_grow_and_shrink(SwitchKind::Ovs))),
            ("hosts_move_between_switches", || run(changes::hosts_move_between_switches(SwitchKind::Ovs))),
            ("switches_stop_and_start", || run(changes::switches_stop_and_start(SwitchKind::Ovs))),
            ("a_change_that_fails_changes_nothing", || {
                run(changes::a_change_that_fails_changes_nothing(SwitchKind::Ovs))
            }),
        ],
    )
}
