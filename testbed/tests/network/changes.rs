//! Networks that change while they run, whatever their switches are made of.

use flowbed_testbed::{Error, LinkState, PingOptions, SwitchKind, Testbed};

use super::{all_reach_each_other, options, start, text};

async fn change(testbed: &Testbed, lines: &[&str]) {
    for line in lines {
        testbed.change(&line.parse().unwrap()).await.unwrap_or_else(|error| panic!("{line}: {error:?}"));
    }
}

fn links(testbed: &Testbed) -> String {
    let word = |link: &flowbed_testbed::LinkView| format!("{}={}", link.a.interface, link.b.interface);
    testbed.links().iter().map(word).collect::<Vec<_>>().join(" ")
}

async fn refused(testbed: &Testbed, line: &str) -> Error {
    // What moves is taken away first: its link is another afterwards, though the same.
    let state = || (testbed.topology(), links(testbed));
    let before = state();
    let error = testbed.change(&line.parse().unwrap()).await.unwrap_err();
    assert_eq!(state(), before, "{line}");
    error
}

pub async fn networks_grow_and_shrink(kind: SwitchKind) {
    let testbed = start("grow", "single,2", options(kind)).await;
    let watch = testbed.watch();
    change(&testbed, &["add host h3", "add link h3 s1"]).await;
    assert!(watch.has_changed().unwrap());
    all_reach_each_other(&testbed).await;
    // The first shaped link of the network comes late; and the second after it.
    let more =
        ["add switch s2", "add link s1 s2 delay=20ms", "add host h4 10.0.1.1/8", "add link h4 s2 shaped"];
    change(&testbed, &more).await;
    all_reach_each_other(&testbed).await;
    assert!(testbed.ping("h1", "h4").await.unwrap().rtt.unwrap().as_millis() >= 40);
    assert_eq!(testbed.ping_all(&PingOptions::default()).await.unwrap().sent(), 12);

    let mut sleeper = testbed.spawn("h3", &["sleep", "1000"]).await.unwrap();
    change(&testbed, &["delete host h3"]).await;
    assert!(!sleeper.wait().await.unwrap().success(), "it ends with its host");
    assert!(matches!(testbed.host("h3"), Err(Error::Unknown { .. })));
    // The same names again, on the port that became free.
    change(&testbed, &["add host h3", "add link h3 s1", "link h3 s1 down", "link h3 s1 up"]).await;
    assert_eq!(
        links(&testbed),
        "h1-eth0=s1-eth1 h2-eth0=s1-eth2 s1-eth4=s2-eth1 h4-eth0=s2-eth2 h3-eth0=s1-eth3"
    );
    all_reach_each_other(&testbed).await;
    change(&testbed, &["delete switch s2", "delete link h3 s1"]).await;
    assert_eq!(links(&testbed), "h1-eth0=s1-eth1 h2-eth0=s1-eth2");
    assert!(testbed.ping("h1", "h2").await.unwrap().rtt.is_some());
    change(&testbed, &["add link h3 h4", "add link h3 h4 delay=1ms"]).await;
    assert_eq!(testbed.links()[2].state, LinkState::Up);
    text(&testbed.run("h4", &["ip", "link", "show", "h4-eth1"]).await.unwrap());
    testbed.stop().await.unwrap();
}

pub async fn hosts_move_between_switches(kind: SwitchKind) {
    let testbed = start("move", "linear,3", options(kind)).await;
    all_reach_each_other(&testbed).await;
    let before = testbed.host("h1").unwrap().interfaces().to_vec();
    change(&testbed, &["move h1 s1 s3"]).await;
    let after = testbed.host("h1").unwrap().interfaces().to_vec();
    assert_eq!(
        (&before[0].name, before[0].mac, before[0].ipv4),
        (&after[0].name, after[0].mac, after[0].ipv4)
    );
    assert!(links(&testbed).starts_with("h1-eth0=s3-eth3"));
    // The switches' tables would still say that it is where it was, had it not said where it is now.
    all_reach_each_other(&testbed).await;
    testbed.stop().await.unwrap();
}

pub async fn switches_stop_and_start(kind: SwitchKind) {
    let testbed = start("stop", "linear,2", options(kind)).await;
    let patience = PingOptions { timeout: std::time::Duration::from_millis(300), ..PingOptions::default() };
    change(&testbed, &["switch s1 stop", "switch s1 stop"]).await;
    assert!(!testbed.switches()[0].running && testbed.switches()[1].running);
    assert_eq!(testbed.ping_all(&patience).await.unwrap().received(), 0);
    // What is added to it meanwhile is there when it starts.
    change(&testbed, &["add host h3", "add link h3 s1"]).await;
    change(&testbed, &["switch s1 start"]).await;
    all_reach_each_other(&testbed).await;
    testbed.stop().await.unwrap();
}

pub async fn a_change_that_fails_changes_nothing(kind: SwitchKind) {
    let testbed = start("refuse", "single,2", options(kind)).await;
    refused(&testbed, "add link h1 s1:2").await;
    refused(&testbed, "delete host h7").await;
    // In the way of the second of two interfaces: the first is made, and taken away again.
    text(&testbed.run("h1", &["ip", "link", "add", "h1-eth1", "type", "bridge"]).await.unwrap());
    let lines = ["add link s1 h1", "add link s1 h1 delay=1ms", "move h2 s1 h1"];
    for line in lines {
        let error = refused(&testbed, line).await.with_sources();
        assert!(error.contains("File exists"), "{line}: {error}");
    }
    all_reach_each_other(&testbed).await;
    text(&testbed.run("h1", &["ip", "link", "delete", "h1-eth1"]).await.unwrap());
    change(&testbed, &["add link s1 h1", "add link s1 h1 delay=1ms"]).await;
    all_reach_each_other(&testbed).await;
    testbed.stop().await.unwrap();
}
