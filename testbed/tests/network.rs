//! Networks on the real kernel. They need root (or run under `setpriv` with user namespaces and
//! an openable `/dev/net/tun`), so they are ignored by default:
//! `cargo test -p flowbed-testbed --test network -- --ignored`.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use flowbed_testbed::sandbox::Output;
use flowbed_testbed::{
    ControllerTarget, Error, Fabric, FailMode, LinkState, Options, PingOptions, SwitchKind, Testbed, Topology,
};

fn options(switch: SwitchKind) -> Options {
    Options { switch, fail_mode: FailMode::Standalone, ..Options::default() }
}

async fn start(name: &str, topology: &str, options: Options) -> Testbed {
    let name = format!("{name}-{}", std::process::id());
    let fabric = Fabric::create(Some(&name)).await.unwrap();
    let topology = topology.parse().unwrap();
    Testbed::start(fabric, topology, options).await.unwrap()
}

fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{output:?}");
    text
}

async fn all_reach_each_other(testbed: &Testbed) {
    let report = testbed.ping_all(&PingOptions::default()).await.unwrap();
    assert_eq!(report.received(), report.sent(), "{report}");
    assert!(report.sent() > 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root"]
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and openvswitch-switch"]
async fn two_testbeds_with_the_same_names_stand_side_by_side() {
    let (a, b) = tokio::join!(
        start("left", "tree,2,2", options(SwitchKind::Ovs)),
        start("right", "tree,2,2", options(SwitchKind::Ovs)),
    );
    tokio::join!(all_reach_each_other(&a), all_reach_each_other(&b));
    assert_ne!(a.name(), b.name());
    assert_eq!(a.snapshot().hosts, b.snapshot().hosts);
    let (a_down, b_down) = tokio::join!(a.stop(), b.stop());
    a_down.unwrap();
    b_down.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and openvswitch-switch"]
async fn without_a_controller_secure_switches_pass_nothing() {
    let options = Options { fail_mode: FailMode::Secure, ..options(SwitchKind::Ovs) };
    let testbed = start("secure", "single,3", options).await;
    let patience = PingOptions { timeout: Duration::from_millis(500), ..PingOptions::default() };
    let begun = Instant::now();
    let report = testbed.ping_all(&patience).await.unwrap();
    assert_eq!((report.received(), report.sent()), (0, 6));
    assert!(begun.elapsed() < Duration::from_secs(2), "one deadline, not one for each");
    testbed.stop().await.unwrap();
}

/// TCP over the userspace datapath hangs unless the hosts finish their checksums.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and openvswitch-switch"]
async fn tcp_gets_through() {
    use std::io::{Read, Write};
    let testbed = start("tcp", "linear,2", options(SwitchKind::Ovs)).await;
    let [h1, h2] = testbed.hosts() else { panic!("two hosts") };
    let listener = h2.namespace().run(|| std::net::TcpListener::bind("10.0.0.2:80")).await.unwrap().unwrap();
    let reader = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes.len()
    });
    let mut stream =
        h1.namespace().run(|| std::net::TcpStream::connect("10.0.0.2:80")).await.unwrap().unwrap();
    let writer = tokio::task::spawn_blocking(move || stream.write_all(&vec![7; 3_000_000]));
    let both = async { (writer.await.unwrap(), reader.await.unwrap()) };
    let (written, read) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    written.unwrap();
    assert_eq!(read, 3_000_000);
    testbed.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root and openvswitch-switch"]
async fn a_remote_controller_is_reached_and_its_absence_seen() {
    use tokio::io::AsyncReadExt;
    let machine = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = machine.local_addr().unwrap().port();
    let options = Options {
        controllers: vec![ControllerTarget::Remote { host: "127.0.0.1".to_owned(), port }],
        ..options(SwitchKind::Ovs)
    };
    let testbed = start("relay", "single,2", options).await;
    // It goes away after the first hello, and comes back: the switch connects anew.
    for _ in 0..2 {
        let accepted = tokio::time::timeout(Duration::from_secs(20), machine.accept());
        let (mut switch, _) = accepted.await.unwrap().unwrap();
        let mut hello = [0; 8];
        switch.read_exact(&mut hello).await.unwrap();
        assert_eq!(hello[..2], [4, 0], "an OpenFlow 1.3 hello");
    }
    let error = testbed.wait_connected(Duration::from_millis(200)).await;
    assert!(matches!(error, Err(Error::Switch { .. })), "{error:?}");
    testbed.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root"]
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root"]
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
