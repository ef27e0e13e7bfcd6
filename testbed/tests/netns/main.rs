//! Networks on the real kernel, without Open vSwitch. They need root.

#![allow(clippy::unwrap_used)]

#[path = "../network/mod.rs"]
mod network;
mod shaped;
mod soft;
#[path = "../../../tests/tier/mod.rs"]
mod tier;

use std::process::ExitCode;
use std::time::Duration;

use flowbed_testbed::{Error, Fabric, LinkState, PingOptions, SwitchKind, Testbed, Topology};

use crate::network::{all_reach_each_other, changes, options, run, start, text};

fn main() -> ExitCode {
    tier::run(
        &[tier::root],
        &[
            ("bridges_carry_and_links_go_down_and_up", || run(bridges_carry_and_links_go_down_and_up())),
            ("hosts_have_both_kinds_of_addresses_at_once", || {
                run(hosts_have_both_kinds_of_addresses_at_once())
            }),
            ("shaped_links_do_what_they_are_told_and_change_while_they_run", || {
                run(shaped::links_do_what_they_are_told_and_change_while_they_run())
            }),
            ("shaped_links_join_hosts_and_switches", || run(shaped::links_join_hosts_and_switches())),
            ("shaped_links_go_down_and_up", || run(shaped::links_go_down_and_up())),
            ("throughput_is_measured_and_ends_in_time", || {
                run(shaped::throughput_is_measured_and_ends_in_time())
            }),
            ("tagged_segments_get_through_soft_switches_and_links_are_told", || {
                run(soft::tagged_segments_get_through_and_links_are_told())
            }),
            ("limits_of_hosts_hold_change_and_leave_nothing", || {
                run(limits_of_hosts_hold_change_and_leave_nothing())
            }),
            ("what_hosts_start_ends_with_the_testbed", || run(what_hosts_start_ends_with_the_testbed())),
            ("hosts_joined_directly_long_names_and_parallel_links_work", || {
                run(hosts_joined_directly_long_names_and_parallel_links_work())
            }),
            ("networks_grow_and_shrink", || run(changes::networks_grow_and_shrink(SwitchKind::Bridge))),
            ("hosts_move_between_switches", || run(changes::hosts_move_between_switches(SwitchKind::Bridge))),
            ("switches_stop_and_start", || run(changes::switches_stop_and_start(SwitchKind::Bridge))),
            ("a_change_that_fails_changes_nothing", || {
                run(changes::a_change_that_fails_changes_nothing(SwitchKind::Bridge))
            }),
            ("networks_of_soft_switches_grow_and_shrink", || {
                run(changes::networks_grow_and_shrink(SwitchKind::Soft))
            }),
            ("hosts_move_between_soft_switches", || {
                run(changes::hosts_move_between_switches(SwitchKind::Soft))
            }),
            ("soft_switches_stop_and_start", || run(changes::switches_stop_and_start(SwitchKind::Soft))),
            ("a_change_of_soft_switches_that_fails_changes_nothing", || {
                run(changes::a_change_that_fails_changes_nothing(SwitchKind::Soft))
            }),
            ("soft_switches_tell_of_their_ports_and_come_late", || {
                run(soft::ports_are_told_and_switches_come_late())
            }),
        ],
    )
}

async fn bridges_carry_and_links_go_down_and_up() {
    let testbed = start("links", "linear,3", options(SwitchKind::Bridge)).await;
    all_reach_each_other(&testbed).await;
    let mut watch = testbed.watch();
    testbed.set_link(("s1", "s2"), LinkState::Down).await.unwrap();
    assert!(watch.has_changed().unwrap());
    let quick = PingOptions { timeout: Duration::from_millis(300), ..PingOptions::default() };
    let report = testbed.ping_all(&quick).await.unwrap();
    assert_eq!(report.to_string().lines().next(), Some("h1 -> X X"));
    testbed.set_link(("s2", "s1"), LinkState::Up).await.unwrap();
    all_reach_each_other(&testbed).await;
    // Somebody else's doing is seen too.
    watch.mark_unchanged();
    text(&testbed.run("h1", &["ip", "link", "set", "h1-eth0", "down"]).await.unwrap());
    let down = watch.wait_for(|view| view.links[0].state == LinkState::Down);
    tokio::time::timeout(Duration::from_secs(5), down).await.unwrap().unwrap();
    testbed.stop().await.unwrap();
}

async fn hosts_have_both_kinds_of_addresses_at_once() {
    let testbed = start("dual", "single,2", options(SwitchKind::Bridge)).await;
    // No duplicate address detection, which would take a second: an address on probation cannot be bound.
    for host in testbed.hosts() {
        let [first] = host.interfaces() else { panic!("one interface") };
        let (v4, v6) = (first.ipv4.unwrap().address, first.ipv6.unwrap().address);
        for address in [std::net::IpAddr::from(v4), v6.into()] {
            let bound = host.namespace().run(move || std::net::UdpSocket::bind((address, 0))).await.unwrap();
            assert_eq!(bound.unwrap().local_addr().unwrap().ip(), address);
        }
    }
    assert_eq!(testbed.hosts()[1].interfaces()[0].ipv6.unwrap().to_string(), "fd00::2/64");
    testbed.stop().await.unwrap();
}

async fn limits_of_hosts_hold_change_and_leave_nothing() {
    let file = r#"
        hosts = [
            { name = "h1", limits = { cpu = 0.5, memory = "32M", pids = 20 } },
            { name = "h2" },
        ]
        links = [{ a = "h1", b = "h2" }]
    "#;
    let topology = Topology::from_toml(file, "net.toml".as_ref()).unwrap();
    let fabric = Fabric::create(Some(&format!("limits-{}", std::process::id()))).await.unwrap();
    let ledger = fabric.dir().join(flowbed_testbed::ledger::FILE_NAME);
    let testbed = Testbed::start(fabric, topology, options(SwitchKind::Bridge)).await.unwrap();
    let groups: Vec<_> = std::fs::read_to_string(ledger)
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.split_once("\"cgroup\":\"")?.1.trim_end_matches("\"}").to_owned()))
        .collect();
    assert!(
        !groups.is_empty() && groups.iter().all(|group| std::path::Path::new(group).is_dir()),
        "{groups:?}"
    );
    // More memory than it may have: the kernel kills it. More processes: fork fails.
    let eat = ["dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1"];
    assert!(!testbed.run("h1", &eat).await.unwrap().status.success());
    text(&testbed.run("h2", &eat).await.unwrap());
    let crowd = ["sh", "-c", "for i in $(seq 40); do sleep 1000 >/dev/null 2>&1 & echo $i; done"];
    let begun =
        |output: flowbed_testbed::sandbox::Output| String::from_utf8_lossy(&output.stdout).lines().count();
    let crowded = begun(testbed.run("h1", &crowd).await.unwrap());
    assert!((1..20).contains(&crowded), "{crowded}");
    assert_eq!(begun(testbed.run("h2", &crowd).await.unwrap()), 40);
    let more =
        flowbed_testbed::Limits { memory: Some("1G".parse().unwrap()), ..testbed.topology().hosts[0].limits };
    testbed.host("h1").unwrap().set_limits(&more).unwrap();
    text(&testbed.run("h1", &eat).await.unwrap());
    let none = testbed.host("h2").unwrap().set_limits(&more).unwrap_err();
    assert!(matches!(none, Error::Unavailable { .. }), "{none}");
    // One that stays holds its group until it is killed.
    let sleeper = testbed.spawn("h1", &["sleep", "1000"]).await.unwrap();
    testbed.stop().await.unwrap();
    drop(sleeper);
    assert!(groups.iter().all(|group| !std::path::Path::new(group).exists()), "{groups:?}");
}

async fn what_hosts_start_ends_with_the_testbed() {
    let testbed = start("daemon", "single,2", options(SwitchKind::Bridge)).await;
    let directory = testbed.fabric().dir().to_owned();
    // A daemon: its parent is gone, its session its own. It says its pid as the machine sees it.
    let script = "setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo";
    text(&testbed.run("h1", &["sh", "-c", script]).await.unwrap());
    let seen = text(&testbed.run("h2", &["ps", "-eo", "args"]).await.unwrap());
    assert!(seen.contains("sleep 1000"), "{seen}");
    // It holds the namespace of h1 open; its end is the end of the namespace.
    let namespace = text(&testbed.run("h1", &["readlink", "/proc/self/ns/net"]).await.unwrap());
    testbed.stop().await.unwrap();
    assert!(!directory.exists());
    let holders = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let link = std::fs::read_link(entry.ok()?.path().join("ns/net")).ok()?;
        (link.to_str() == Some(namespace.trim())).then_some(link)
    });
    assert_eq!(holders.count(), 0);
}

async fn hosts_joined_directly_long_names_and_parallel_links_work() {
    let file = r#"
        hosts = [{ name = "a-host-with-a-long-name" }, { name = "b" }]
        switches = [{ name = "s1" }]
        links = [
            { a = "a-host-with-a-long-name", b = "b" },
            { a = "b", b = "s1" },
            { a = "b", b = "s1" },
        ]
    "#;
    let topology = Topology::from_toml(file, "net.toml".as_ref()).unwrap();
    let name = format!("direct-{}", std::process::id());
    let fabric = Fabric::create(Some(&name)).await.unwrap();
    let again = Fabric::create(Some(&name)).await;
    assert!(matches!(again, Err(Error::NameTaken { .. })), "{again:?}");
    let testbed = Testbed::start(fabric, topology, options(SwitchKind::Bridge)).await.unwrap();
    let echo = testbed.ping("b", "a-host-with-a-long-name").await.unwrap();
    assert!(echo.rtt.is_some());
    assert_eq!(testbed.switches()[0].ports.len(), 2);
    testbed.set_link(0, LinkState::Down).await.unwrap();
    assert_eq!(testbed.links()[0].state, LinkState::Down);
    let unknown = testbed.ping("b", "c").await.unwrap_err().to_string();
    assert_eq!(unknown, "no host named c; there is a-host-with-a-long-name, b");
    testbed.stop().await.unwrap();
}
