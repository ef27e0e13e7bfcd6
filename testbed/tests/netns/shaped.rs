//! Shaped links and measurements over them. How exact they are is a benchmark's to tell; what is asserted here holds on
//! a machine of any speed.

use std::time::Duration;

use flowbed_testbed::{
    Error, Fabric, Family, LinkBackend, LinkChange, LinkDirection, LinkState, PingOptions, Rate, SwitchKind,
    Testbed, ThroughputOptions, Topology, Transport,
};

use crate::network::{all_reach_each_other, options};

fn change(text: &str) -> LinkChange {
    text.parse().unwrap()
}

async fn start(name: &str, toml: &str) -> Testbed {
    let topology = Topology::from_toml(toml, "net.toml".as_ref()).unwrap();
    let fabric = Fabric::create(Some(&format!("{name}-{}", std::process::id()))).await.unwrap();
    Testbed::start(fabric, topology, options(SwitchKind::Bridge)).await.unwrap()
}

const DIRECT: &str = r#"
    hosts = [{ name = "h1" }, { name = "h2" }]
    links = [{ a = "h1", b = "h2", delay = "30ms", b_to_a = { delay = "50ms" } }]
"#;

pub(crate) async fn links_do_what_they_are_told_and_change_while_they_run() {
    let testbed = start("shaped", DIRECT).await;
    let rtt = || async { testbed.ping("h1", "h2").await.unwrap().rtt };
    // ARP goes first; the second ping finds the way known.
    rtt().await;
    assert!(rtt().await.unwrap() >= Duration::from_millis(80));
    let view = &testbed.links()[0];
    assert_eq!((view.backend, view.b_to_a.to_string()), (LinkBackend::Userspace, "delay=50ms".to_owned()));

    testbed.change_link(("h2", "h1"), LinkDirection::Both, &change("plain")).unwrap();
    assert!(rtt().await.unwrap() < Duration::from_millis(80));
    let before = testbed.link_counters(0).await.unwrap().unwrap();
    testbed.change_link(0, LinkDirection::AToB, &change("loss=100")).unwrap();
    assert_eq!(rtt().await, None);
    let after = testbed.link_counters(0).await.unwrap().unwrap();
    assert!(after[0].lost > before[0].lost && after[1].lost == 0, "{after:?}");
    testbed.change_link(0, LinkDirection::AToB, &change("loss=0,duplicate=100")).unwrap();
    assert!(rtt().await.is_some());
    assert!(testbed.link_counters(0).await.unwrap().unwrap()[0].duplicated > 0);
    // Every frame damaged: checksums see to it that no echo comes back. Only some damage is to the header's addresses.
    testbed.change_link(0, LinkDirection::Both, &change("plain")).unwrap();
    testbed.change_link(0, LinkDirection::AToB, &change("corrupt=100")).unwrap();
    assert_eq!(rtt().await, None);
    testbed.stop().await.unwrap();
}

const MIXED: &str = r#"
    hosts = [{ name = "h1" }, { name = "h2" }, { name = "h3" }]
    switches = [{ name = "s1" }, { name = "s2" }]
    links = [
        { a = "h1", b = "s1", delay = "1ms" },
        { a = "s1", b = "s2", rate = "100mbit" },
        { a = "s2", b = "h2" },
        { a = "s2", b = "h3", shaped = true },
    ]
"#;

pub(crate) async fn links_join_hosts_and_switches() {
    let testbed = start("mixed", MIXED).await;
    all_reach_each_other(&testbed).await;
    let v6 = PingOptions { family: Family::V6, ..PingOptions::default() };
    let report = testbed.ping_all(&v6).await.unwrap();
    assert_eq!((report.sent(), report.received()), (6, 6), "{report}");
    let backends: Vec<_> = testbed.links().iter().map(|link| link.backend).collect();
    let [veth, userspace] = [LinkBackend::Veth, LinkBackend::Userspace];
    assert_eq!(backends, [userspace, userspace, veth, userspace]);
    let plain = testbed.change_link(2, LinkDirection::Both, &change("delay=1ms")).unwrap_err();
    assert!(matches!(plain, Error::Unavailable { .. }), "{plain}");
    assert_eq!(testbed.link_counters(2).await.unwrap(), None);
    testbed.stop().await.unwrap();
}

pub(crate) async fn links_go_down_and_up() {
    let testbed = start("updown", DIRECT).await;
    let mut watch = testbed.watch();
    testbed.set_link(0, LinkState::Down).await.unwrap();
    assert_eq!(testbed.links()[0].state, LinkState::Down);
    assert_eq!(testbed.ping("h1", "h2").await.unwrap().rtt, None);
    testbed.set_link(0, LinkState::Up).await.unwrap();
    all_reach_each_other(&testbed).await;
    // Somebody else's doing is seen at either end.
    for host in ["h1", "h2"] {
        for (state, seen) in [("down", LinkState::Down), ("up", LinkState::Up)] {
            let command = ["ip", "link", "set", &format!("{host}-eth0"), state];
            crate::network::text(&testbed.run(host, &command).await.unwrap());
            let changed = watch.wait_for(|view| view.links[0].state == seen);
            tokio::time::timeout(Duration::from_secs(5), changed).await.unwrap().unwrap();
        }
    }
    testbed.stop().await.unwrap();
}

pub(crate) async fn throughput_is_measured_and_ends_in_time() {
    let testbed = start("iperf", DIRECT).await;
    testbed.change_link(0, LinkDirection::Both, &change("plain,rate=8mbit")).unwrap();
    let short = |transport, family| ThroughputOptions {
        transport,
        family,
        duration: Duration::from_millis(400),
        warm_up: Duration::from_millis(100),
        patience: Duration::from_secs(2),
    };
    let ceiling = 8.8e6;
    for family in [Family::V4, Family::V6] {
        let tcp = testbed.throughput("h1", "h2", &short(Transport::Tcp, family)).await.unwrap();
        assert!(tcp.bytes > 0 && tcp.bits_per_second() < ceiling, "{tcp}");
    }
    let udp = Transport::Udp { rate: Rate::mbit(2) };
    let measured = testbed.throughput("h2", "h1", &short(udp, Family::V4)).await.unwrap();
    let figures = measured.udp.unwrap();
    assert!(figures.sent > 10 && figures.received <= figures.sent, "{measured}");
    // Nobody there: an error in time, not a hang.
    testbed.change_link(0, LinkDirection::Both, &change("loss=100")).unwrap();
    let begun = std::time::Instant::now();
    assert!(testbed.throughput("h1", "h2", &short(Transport::Tcp, Family::V4)).await.is_err());
    let lost = testbed.throughput("h1", "h2", &short(udp, Family::V4)).await.unwrap();
    assert_eq!((lost.bytes, lost.udp.unwrap().received), (0, 0));
    assert!(begun.elapsed() < Duration::from_secs(20));
    testbed.stop().await.unwrap();
}
