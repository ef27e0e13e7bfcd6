//! Whole networks, switched by Open vSwitch.

use std::time::{Duration, Instant};

use flowbed_testbed::{ControllerTarget, Error, FailMode, Options, PingOptions, SwitchKind};

use crate::network::{all_reach_each_other, options, start, tcp};

pub(crate) async fn two_testbeds_with_the_same_names_stand_side_by_side() {
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

pub(crate) async fn without_a_controller_secure_switches_pass_nothing() {
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
pub(crate) async fn tcp_gets_through() {
    let testbed = start("tcp", "linear,2", options(SwitchKind::Ovs)).await;
    tcp(&testbed, 3_000_000).await;
    testbed.stop().await.unwrap();
}

pub(crate) async fn a_remote_controller_is_reached_and_its_absence_seen() {
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
