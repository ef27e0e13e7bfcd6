//! Black-box tests of `flowbed` on Open vSwitch. They need root and openvswitch-switch.

mod apps;
mod changes;
mod firewall;
#[path = "../flowbed/mod.rs"]
mod flowbed;
mod life;
mod ordinary_user;
mod paths;
mod pingall;
mod remote;
mod restart;
mod scenarios;
#[path = "../tier/mod.rs"]
mod tier;
mod trace;

use std::process::ExitCode;

fn main() -> ExitCode {
    tier::run(
        &[tier::root, || tier::program("ovs-vswitchd")],
        &[
            ("learning_switch_passes_pingall_and_installs_flows", || pingall::learning_switch("ovs")),
            ("the_example_of_the_readme_passes_pingall", pingall::example),
            ("hub_passes_pingall_with_one_flow_a_switch", || pingall::hub("ovs")),
            ("a_firewall_lets_through_what_its_file_allows", || firewall::before_a_learning_switch("ovs")),
            ("behind_a_firewall_shortest_paths_are_there_at_once", || firewall::before_shortest_paths("ovs")),
            ("routers_lead_from_subnet_to_subnet", || apps::router("ovs")),
            ("hosts_that_are_known_are_answered_for", || apps::arp_proxy("ovs")),
            ("a_service_is_rendered_by_several_hosts", || apps::load_balancer("ovs")),
            ("a_host_sees_the_traffic_that_it_watches", || apps::mirror("ovs")),
            ("what_a_host_sends_is_limited", || apps::rate_limit("ovs")),
            ("hosts_are_hidden_behind_an_address", || apps::nat("ovs")),
            ("switches_lead_around_a_cut_link_without_a_controller", || apps::failover("ovs")),
            ("vlans_are_kept_apart", || apps::vlan_segments("ovs")),
            ("a_file_that_is_read_anew_holds_at_once", || apps::reload("ovs")),
            ("without_controller_nothing_passes", || pingall::no_controller("ovs")),
            ("without_controller_a_standalone_switch_learns_by_itself", || pingall::standalone("ovs")),
            ("a_topology_file_comes_up_as_written", || pingall::topology_file("ovs")),
            ("tcp_gets_through", || pingall::tcp("ovs")),
            ("an_ordinary_user_needs_no_root_but_is_told_if_tun_is_missing", ordinary_user::pingall),
            ("two_networks_with_the_same_names_live_side_by_side", life::two_at_once),
            ("kill_9_leaves_nothing", life::kill_9),
            ("the_death_of_a_process_it_needs_ends_the_run", life::a_death_is_told),
            ("sigterm_takes_everything_down", life::sigterm),
            ("exec_enters_a_host_from_another_process", life::exec),
            ("a_link_that_is_down_carries_nothing", life::link_down),
            ("what_comes_later_has_its_controller_too", || changes::from_the_shell("ovs")),
            ("scripts_do_not_mix_with_json_and_their_failures_count", life::scripted),
            ("a_port_in_use_is_named_and_nothing_stays_behind", life::port_in_use),
            ("shortest_paths_lead_around_a_failed_link", || paths::around_a_failed_link("ovs")),
            ("a_remote_controller_may_go_and_come_back", || remote::comes_back("ovs")),
            ("the_way_through_a_network_that_is_up_is_told", || trace::running("ovs")),
            ("rules_of_others_are_read_for_a_trace", trace::somebody_elses),
            ("every_example_passes_with_real_packets", scenarios::examples),
            ("verdicts_are_those_of_soft_switches", scenarios::verdicts),
            ("a_restart_of_the_controller_that_changes_everything_loses_no_packet", restart::loses_nothing),
        ],
    )
}
