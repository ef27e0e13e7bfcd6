//! Black-box tests of `flowbed` in namespaces, without Open vSwitch. They need root.

#[path = "../ovs/apps.rs"]
mod apps;
mod background;
mod captures;
#[path = "../ovs/changes.rs"]
mod changes;
#[path = "../ovs/firewall.rs"]
mod firewall;
#[path = "../flowbed/mod.rs"]
mod flowbed;
#[path = "../ovs/ordinary_user.rs"]
mod ordinary_user;
#[path = "../ovs/paths.rs"]
mod paths;
#[path = "../ovs/pingall.rs"]
mod pingall;
#[path = "../ovs/remote.rs"]
mod remote;
mod shell;
mod terminal;
#[path = "../tier/mod.rs"]
mod tier;

use std::process::ExitCode;

use libtest_mimic::Failed;

use crate::flowbed::{Place, complaint};

fn main() -> ExitCode {
    tier::run(
        &[tier::root],
        &[
            ("bridges_pass_pingall", bridges),
            ("switches_without_a_link_between_them_carry_nothing", islands),
            ("tests_that_were_asked_for_and_did_not_run_do_not_pass", unfinished),
            ("what_errs_is_in_the_json_object", errors_in_json),
            ("commands_in_hosts_have_quotes_pipes_and_redirection", shell::host_commands_are_shell_commands),
            ("pings_that_are_lost_in_a_script_fail_the_run", shell::lost_pings_fail_a_script),
            ("the_terminal_is_put_back_however_it_ends", shell::the_terminal_is_put_back),
            ("a_network_in_the_background_is_used_from_elsewhere", background::life),
            ("what_cannot_come_up_in_the_background_says_why", background::failure),
            ("of_several_networks_the_one_that_is_meant_is_named", background::several),
            ("the_shell_of_a_network_in_the_background_has_the_terminal", background::on_a_terminal),
            ("a_router_passes_on_between_subnets", router),
            ("captures_have_all_from_the_first_frame_on", captures::from_the_start),
            ("captures_begin_and_end_while_the_network_runs", captures::while_it_runs),
            ("ports_come_by_number_in_the_rest_api", ports_by_number),
            ("events_of_a_file_come_at_their_times", events),
            ("soft_switches_pass_pingall_and_have_the_apps_flows", || pingall::learning_switch("soft")),
            ("a_hub_of_soft_switches_has_one_flow_a_switch", || pingall::hub("soft")),
            ("a_firewall_on_soft_switches_lets_through_what_its_file_allows", || {
                firewall::before_a_learning_switch("soft")
            }),
            ("behind_a_firewall_shortest_paths_are_there_at_once_on_soft_switches", || {
                firewall::before_shortest_paths("soft")
            }),
            ("routers_on_soft_switches_lead_from_subnet_to_subnet", || apps::router("soft")),
            ("hosts_that_are_known_are_answered_for_on_soft_switches", || apps::arp_proxy("soft")),
            ("a_service_on_soft_switches_is_rendered_by_several_hosts", || apps::load_balancer("soft")),
            ("a_host_sees_the_traffic_that_it_watches_on_soft_switches", || apps::mirror("soft")),
            ("what_a_host_sends_is_limited_on_soft_switches", || apps::rate_limit("soft")),
            ("soft_switches_refuse_to_translate_addresses", || apps::nat_is_refused("soft")),
            ("soft_switches_lead_around_a_cut_link_without_a_controller", || apps::failover("soft")),
            ("vlans_are_kept_apart_on_soft_switches", || apps::vlan_segments("soft")),
            ("a_file_that_is_read_anew_holds_at_once_on_soft_switches", || apps::reload("soft")),
            ("soft_switches_without_controller_pass_nothing", || pingall::no_controller("soft")),
            ("a_standalone_soft_switch_learns_by_itself", || pingall::standalone("soft")),
            ("soft_switches_come_up_as_a_file_says", || pingall::topology_file("soft")),
            ("tcp_gets_through_a_soft_switch", || pingall::tcp("soft")),
            ("shortest_paths_lead_around_a_failed_link_of_soft_switches", || {
                paths::around_a_failed_link("soft")
            }),
            ("a_remote_controller_of_a_soft_switch_may_go_and_come_back", || remote::comes_back("soft")),
            ("soft_switches_that_come_later_have_their_controller_too", || changes::from_the_shell("soft")),
            ("an_ordinary_user_has_soft_switches", ordinary_user::soft),
            ("throughput_and_pings_of_both_kinds_are_tests", measurements),
            ("links_are_shaped_from_the_command_line_and_the_shell", shaped),
            ("what_a_dead_network_left_is_swept", sweep),
            ("the_machine_is_as_it_was", untouched),
        ],
    )
}

fn bridges() -> Result<(), Failed> {
    let place = Place::new();
    for topology in ["single,4", "linear,3", "tree,2,2", "linear,2,2"] {
        let (good, result) = place.run_json(&format!("up --topo {topology} --switch bridge --test pingall"));
        assert!(good, "{topology}: {result}");
        assert!(result["tests"][0]["sent"].as_u64() >= Some(6), "{result}");
    }
    place.assert_empty();
    Ok(())
}

fn islands() -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("islands.toml");
    let toml = "hosts = [{ name = 'h1' }, { name = 'h2' }, { name = 'h3' }]\n\
                switches = [{ name = 's1' }, { name = 's2' }]\n\
                links = [{ a = 'h1', b = 's1' }, { a = 'h2', b = 's1' }, { a = 'h3', b = 's2' }]\n";
    std::fs::write(&file, toml)?;
    let (good, result) =
        place.run_json(&format!("up --file {} --switch bridge --test pingall", file.display()));
    assert!(!good);
    assert_eq!(result["tests"][0]["received"], 2, "h1 and h2 reach each other, h3 nobody: {result}");
    Ok(())
}

fn unfinished() -> Result<(), Failed> {
    let place = Place::new();
    let script = place.path().join("script.flowbed");
    std::fs::write(&script, "exit\n")?;
    let up = format!("up --topo minimal --switch bridge --pre {} --test pingall", script.display());
    let (good, result) = place.run_json(&up);
    assert!(!good && result["passed"] == false, "{result}");
    // One host has nobody to ping.
    let (good, result) = place.run_json("up --topo single,1 --switch bridge --test pingall");
    assert!(!good && result["passed"] == false, "{result}");
    place.assert_empty();
    Ok(())
}

fn errors_in_json() -> Result<(), Failed> {
    let place = Place::new();
    let (good, result) = place.run_json("up --topo single,1 --switch bridge --test pingpair");
    assert!(!good && result["passed"] == false && result["up_s"].is_number(), "{result}");
    assert_eq!(result["error"], "pingpair needs two hosts");
    let script = place.path().join("script.flowbed");
    std::fs::write(&script, "dance\n")?;
    let up = format!("up --topo minimal --switch bridge --test pingall --pre {}", script.display());
    let (good, result) = place.run_json(&up);
    assert!(!good && result["passed"] == false, "{result}");
    assert!(result["error"].as_str().is_some_and(|error| error.contains("dance")), "{result}");
    let (good, result) =
        place.run_json("up --topo minimal --switch bridge --controller tcp:127.0.0.1:1 --test pingall");
    assert!(!good && result["passed"] == false && result["error"].is_string(), "{result}");
    place.assert_empty();
    Ok(())
}

fn ports_by_number() -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("net.toml");
    let toml = "hosts = [{ name = 'h1' }, { name = 'h2' }]\nswitches = [{ name = 's1' }]\n\
                links = [{ a = 'h1', b = 's1:7' }, { a = 'h2', b = 's1' }]\n";
    std::fs::write(&file, toml)?;
    let running = place.up(&format!("--file {} --switch bridge --web 127.0.0.1:0", file.display()));
    let network = running.api("/network");
    let ports = network["switches"][0]["ports"].as_array().expect("a list");
    let numbers: Vec<_> = ports.iter().map(|port| &port["number"]).collect();
    assert_eq!(numbers, [1, 7]);
    Ok(())
}

/// Events come at their times, while a script runs; one that cannot be done fails the run and keeps no other from coming.
fn events() -> Result<(), Failed> {
    let place = Place::new();
    let (file, script) = (place.path().join("net.toml"), place.path().join("script.flowbed"));
    let net = "hosts = [{ name = \"h1\" }, { name = \"h2\" }]\nlinks = [{ a = \"h1\", b = \"h2\" }]\n\
               [[events]]\nat = \"200ms\"\ndo = \"add link h1 h3\"\n\
               [[events]]\nat = \"100ms..150ms\"\ndo = \"add host h3\"\n\
               [[events]]\nat = \"250ms\"\ndo = \"add link h1 h3\"\n";
    // Until the last of them has begun, and so the others are done: it gives h1 a third interface.
    let wait =
        "h1 timeout 60 sh -c 'until test -e /proc/sys/net/ipv4/conf/h1-eth2; do sleep 0.05; done'\nnodes\n";
    std::fs::write(&script, wait)?;
    let up = format!("up --file {} --pre {} --test none --seed 3", file.display(), script.display());
    std::fs::write(&file, net)?;
    let (good, result) = place.run_json(&up);
    assert!(good, "{result}");
    let events = result["events"].as_array().expect("a list");
    assert_eq!((&events[0]["do"], &events[1]["do"]), (&"add host h3".into(), &"add link h1 h3".into()));
    let drawn = events[0]["at_s"].as_f64().expect("a number");
    assert!((0.1..=0.15).contains(&drawn) && events[1]["at_s"] == 0.2, "{result}");
    let wrong = "[[events]]\nat = \"0s\"\ndo = \"delete host h7\"\n";
    std::fs::write(&file, format!("{net}{wrong}"))?;
    let (good, result) = place.run_json(&up);
    assert!(!good && result["events"][2]["do"] == "add link h1 h3", "{result}");
    let error = result["events"][0]["error"].as_str().expect("a text");
    assert!(error.contains("no host named h7"), "{error}");
    std::fs::write(&file, net.replace("add host", "invent host"))?;
    let told = complaint(&place.run(&up));
    assert!(told.contains("net.toml:8:6") && told.contains("no change"), "{told}");
    place.assert_empty();
    Ok(())
}

fn measurements() -> Result<(), Failed> {
    let place = Place::new();
    let tests = "--test pingall6 --test pingpairfull --test iperf,h2,h1 --test iperfudp,1M";
    let (good, result) = place.run_json(&format!("up --topo single,3 --switch bridge {tests}"));
    assert!(good, "{result}");
    let tests = &result["tests"];
    assert_eq!((&tests[0]["sent"], &tests[1]["sent"]), (&6.into(), &2.into()), "{result}");
    let tcp = &tests[2]["throughput"];
    assert!(tcp["bits_per_second"].as_f64() > Some(1e6), "{result}");
    assert_eq!((&tcp["from"], &tcp["to"], &tcp["protocol"]), (&"h2".into(), &"h1".into(), &"tcp".into()));
    let udp = &tests[3]["throughput"];
    assert!(udp["bits_per_second"].as_f64() < Some(1.2e6), "{result}");
    assert!(udp["datagrams_received"].as_u64() > Some(100), "{result}");
    assert_eq!((&udp["from"], &udp["to"]), (&"h1".into(), &"h3".into()));
    place.assert_empty();
    Ok(())
}

fn shaped() -> Result<(), Failed> {
    let place = Place::new();
    let script = place.path().join("script.flowbed");
    std::fs::write(&script, "links\npingpair h1 h2\nlink h1 s1 plain\nlink s1 h2 plain\nlinks\n")?;
    let up = format!(
        "up --topo single,2 --switch bridge --link tc,bw=100,delay=20ms --pre {} --test pingpair",
        script.display()
    );
    let output = place.run(&up);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("h1-eth0 <-> s1-eth1 up userspace rate=100mbit,delay=20ms"), "{printed}");
    assert!(printed.contains("h1-eth0 <-> s1-eth1 up userspace plain"), "{printed}");
    let told = complaint(&place.run("up --topo minimal --link bw=10,dely=5ms --test none"));
    assert!(told.contains("column 7") && told.contains("dely"), "{told}");
    place.assert_empty();
    Ok(())
}

fn sweep() -> Result<(), Failed> {
    use nix::sys::signal::Signal;
    let place = Place::new();
    let mut running = place.up("--topo single,2 --switch bridge --name doomed");
    running.signal(Signal::SIGKILL);
    running.wait();
    let cleaned = place.run("clean");
    assert!(String::from_utf8_lossy(&cleaned.stdout).contains("swept doomed"));
    place.assert_empty();
    let again = place.run("clean");
    assert_eq!(String::from_utf8_lossy(&again.stdout), "nothing to sweep\n");
    Ok(())
}

/// Interfaces, addresses, routes, rules and settings of the machine's own namespace.
fn machine() -> Vec<String> {
    let mut state: Vec<String> =
        ["/proc/net/dev", "/proc/net/route", "/proc/net/fib_trie", "/proc/net/if_inet6"]
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap_or_default())
            .map(|text| {
                text.lines()
                    .map(|line| line.split(':').next().unwrap_or_default().to_owned() + "\n")
                    .collect()
            })
            .collect();
    for setting in
        ["ipv4/ip_forward", "ipv4/ping_group_range", "ipv4/neigh/default/gc_thresh3", "core/rmem_max"]
    {
        state.push(std::fs::read_to_string(format!("/proc/sys/net/{setting}")).unwrap_or_default());
    }
    let named = std::fs::read_dir("/run/netns").into_iter().flatten().flatten();
    state.extend(named.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    state
}

fn untouched() -> Result<(), Failed> {
    let place = Place::new();
    let before = machine();
    let running = place.up("--topo linear,3 --switch bridge");
    assert_eq!(machine(), before, "while it is up");
    drop(running);
    assert_eq!(machine(), before, "after it is down");
    Ok(())
}

/// `examples/router.toml`: hosts reach each other over IPv4 and IPv6 through one that forwards, and not when it does not;
/// also when links have been down, with which the kernel takes addresses and routes.
fn router() -> Result<(), Failed> {
    let place = Place::new();
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/router.toml"))?;
    let (file, script) = (place.path().join("router.toml"), place.path().join("script"));
    for (forward, received) in [("forward = true", 12), ("forward = false", 6)] {
        std::fs::write(&file, example.replace("forward = true", forward))?;
        std::fs::write(&script, "link h1 s1 down\nlink r0 s2 down\nlink h1 s1 up\nlink r0 s2 up\n")?;
        for test in ["pingall", "pingall6"] {
            let up = format!(
                "up --file {} --switch bridge --pre {} --test {test}",
                file.display(),
                script.display()
            );
            let (passed, result) = place.run_json(&up);
            assert_eq!(
                (passed, &result["tests"][0]["received"]),
                (received == 12, &received.into()),
                "{result}"
            );
        }
    }
    place.assert_empty();
    Ok(())
}
