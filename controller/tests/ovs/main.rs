//! The controller with Open vSwitch as its switch, over each transport. Open vSwitch runs in a folder of the test's
//! own, with its dummy datapath: no privileges, no interfaces.

mod certificates;
mod desired;
mod open_vswitch;
#[path = "../../../tests/tier/mod.rs"]
mod tier;
mod transport;

use std::process::ExitCode;

fn main() -> ExitCode {
    tier::run(
        &[|| tier::program("ovs-vswitchd"), || tier::program("ovsdb-server")],
        &[
            ("tls_with_certificates_on_both_sides", transport::tls),
            ("a_switch_of_another_ca_is_not_let_in", transport::stranger),
            ("connecting_to_a_switch_that_listens", transport::connecting_out),
            ("connecting_to_a_switch_that_listens_for_tls", transport::connecting_out_with_tls),
            ("a_unix_socket", transport::unix),
            ("what_is_desired_outlives_the_controller_and_drift_is_mended", desired::restart_and_drift),
        ],
    )
}
