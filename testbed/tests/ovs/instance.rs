//! The private Open vSwitch, on the real one.

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use flowbed_testbed::ovs::{Bridge, Error, Instance};
use flowbed_testbed::ovsdb::{self, Condition, Operation, TransactionError, Value};
use flowbed_testbed::{Fabric, FailMode};
use openflow::DatapathId;

/// A hello of OpenFlow 1.3 (OF 1.3.5 §7.5.1): all that makes a bridge call itself connected.
const HELLO: [u8; 8] = [4, 0, 0, 8, 0, 0, 0, 1];

async fn fabric(name: &str) -> Fabric {
    let name = format!("{name}-{}", std::process::id());
    Fabric::create(Some(&name)).await.unwrap()
}

async fn start(fabric: &Fabric) -> Instance {
    let directory = fabric.dir().join("ovs");
    Instance::start(fabric.namespace(), &directory, fabric.ledger()).await.unwrap()
}

/// Makes veth pairs in the fabric whose first ends are called as the bridges' ports.
async fn make_ports(fabric: &Fabric, bridges: &[Bridge]) {
    let mut batch = String::new();
    for (name, _) in bridges.iter().flat_map(|bridge| &bridge.ports) {
        batch.push_str(&format!("link add {name} up type veth peer name p-{name}\n"));
    }
    let file = fabric.dir().join("links");
    std::fs::write(&file, batch).unwrap();
    let mut command = Command::new("ip");
    command.arg("-batch").arg(&file);
    let output = fabric.namespace().output(command).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn bridges(count: u64, ports: u32) -> Vec<Bridge> {
    (1..=count)
        .map(|number| {
            let mut bridge = Bridge::new(format!("s{number}"), DatapathId(number));
            bridge.ports = (1..=ports).map(|port| (format!("s{number}-eth{port}"), port)).collect();
            bridge
        })
        .collect()
}

async fn column(instance: &Instance, bridge: &str, column: &str) -> Value {
    let select = Operation::select("Bridge").filter(Condition::named(bridge)).columns([column]);
    let outcomes = instance.database().transact(vec![select]).await.unwrap();
    outcomes[0].rows[0][column].clone()
}

pub(crate) async fn bridges_and_ports_come_and_go() {
    let fabric = fabric("come").await;
    let instance = start(&fabric).await;
    let all = bridges(3, 3);
    make_ports(&fabric, &all).await;
    let mut some = all.clone();
    some[0].ports.pop();
    some[1].fail_mode = FailMode::Standalone;
    instance.apply(&some).await.unwrap();
    let id = column(&instance, "s2", "datapath_id").await;
    assert_eq!(id.as_str(), Some("0000000000000002"));
    assert_eq!(column(&instance, "s2", "fail_mode").await.as_str(), Some("standalone"));

    instance.add_port("s1", "s1-eth3", 7).await.unwrap();
    instance.remove_port("s1", "s1-eth3").await.unwrap();
    instance.add_port("s1", "s1-eth3", 3).await.unwrap();
    instance.set_fail_mode("s2", FailMode::Secure).await.unwrap();
    assert_eq!(column(&instance, "s2", "fail_mode").await.as_str(), Some("secure"));
    instance.remove(&["s3"]).await.unwrap();
    assert!(matches!(
        instance.remove(&["s3"]).await,
        Err(Error::UnknownBridge(name)) if name == "s3"
    ));
    instance.apply(&all[2..]).await.unwrap();
    instance.stop().await.unwrap();
    assert!(!fabric.dir().join("ovs").exists());
}

pub(crate) async fn a_port_that_is_not_there_is_named_and_nothing_is_left() {
    let fabric = fabric("lack").await;
    let instance = start(&fabric).await;
    let both = bridges(2, 1);
    make_ports(&fabric, &both[..1]).await;
    let error = instance.apply(&both).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("port s2-eth1 of bridge s2: "), "{text}");
    assert!(text.contains("No such device"), "{text}");
    // None is left: the names are free.
    instance.apply(&both[..1]).await.unwrap();
    let error = instance.add_port("s1", "nowhere", 9).await.unwrap_err();
    assert!(matches!(error, Error::Port { .. }), "{error}");
    // A name twice breaks the schema's index, at the commit.
    let error = instance.apply(&both[..1]).await.unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Database { source: ovsdb::Error::Transaction(TransactionError::Commit { .. }), .. }
        ),
        "{error:?}"
    );
    instance.stop().await.unwrap();
}

pub(crate) async fn connections_to_a_controller_are_awaited_and_missing_ones_explained() {
    let fabric = fabric("wait").await;
    let instance = start(&fabric).await;
    let listener = fabric.listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let target = format!("tcp:127.0.0.1:{}", listener.local_addr().unwrap().port());
    let mut two = bridges(2, 0);
    two[0].controllers = vec![target.clone()];
    two[1].controllers = vec!["tcp:127.0.0.1:1".to_owned()];
    instance.apply(&two).await.unwrap();
    listener.set_nonblocking(false).unwrap();
    let controller = std::thread::spawn(move || {
        let mut switches = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nonblocking(false).unwrap();
            stream.write_all(&HELLO).unwrap();
            let mut header = [0; 8];
            stream.read_exact(&mut header).unwrap();
            switches.push(stream);
        }
        switches
    });
    let patience = Duration::from_secs(10);
    instance.wait_connected(&["s1"], patience).await.unwrap();
    let error = instance.wait_connected(&["s1", "s2"], Duration::from_millis(100)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("s2 (tcp:127.0.0.1:1"), "{text}");
    assert!(!text.contains("s1 ("), "{text}");
    instance.set_controllers("s2", &[target]).await.unwrap();
    instance.wait_connected(&["s1", "s2"], patience).await.unwrap();
    drop(controller.join().unwrap());
    instance.stop().await.unwrap();
}

/// Ctrl-C goes to the terminal's whole foreground group, and means the command that runs there.
pub(crate) async fn the_daemons_are_out_of_reach_of_the_terminals_signals() {
    let fabric = fabric("group").await;
    let instance = start(&fabric).await;
    let mut command = Command::new("ps");
    command.args(["-eo", "pid=,pgid=,comm="]);
    let output = fabric.namespace().output(command).await.unwrap();
    let processes = String::from_utf8(output.stdout).unwrap();
    let mut daemons = 0;
    for process in processes.lines().filter(|line| line.contains("ovs")) {
        let words: Vec<_> = process.split_whitespace().collect();
        assert_eq!(words[0], words[1], "a leader of its own group: {process}");
        daemons += 1;
    }
    assert_eq!(daemons, 2, "{processes}");
    instance.stop().await.unwrap();
}

pub(crate) async fn a_daemon_that_dies_is_told_with_its_log() {
    let fabric = fabric("dies").await;
    let instance = start(&fabric).await;
    instance.apply(&bridges(1, 0)).await.unwrap();
    let mut command = Command::new("ovs-appctl");
    command.arg("-t").arg(instance.control_socket()).arg("exit");
    let output = fabric.namespace().output(command).await.unwrap();
    assert!(output.status.success());
    let error = instance.died().await.to_string();
    assert!(error.starts_with("ovs-vswitchd ended by itself"), "{error}");
    assert!(error.contains("|INFO|"), "{error}");
    let mut more = bridges(2, 0);
    let error = instance.apply(&more.split_off(1)).await.unwrap_err();
    assert!(matches!(error, Error::Died { .. }), "{error}");
    instance.stop().await.unwrap();
}

/// No limit is asserted: this prints what it takes, of `BRIDGES` with three ports.
pub(crate) async fn large_networks_come_and_go() {
    let count = std::env::var("BRIDGES").map_or(50, |count| count.parse().unwrap());
    let fabric = fabric("large").await;
    let all = bridges(count, 3);
    let begun = Instant::now();
    let instance = start(&fabric).await;
    let started = begun.elapsed();
    make_ports(&fabric, &all).await;
    let begun = Instant::now();
    instance.apply(&all).await.unwrap();
    let applied = begun.elapsed();
    let begun = Instant::now();
    instance.stop().await.unwrap();
    println!(
        "{count} bridges, {} ports: start {started:?}, apply {applied:?}, stop {:?}",
        count * 3,
        begun.elapsed()
    );
}
