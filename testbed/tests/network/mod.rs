//! Starting networks in tests, and looking at them.

#![allow(dead_code, reason = "not every tier needs all")]

pub mod changes;

use std::future::Future;
use std::time::Duration;

use flowbed_testbed::sandbox::Output;
use flowbed_testbed::{Fabric, FailMode, Options, PingOptions, SwitchKind, Testbed};
use libtest_mimic::Failed;

/// Runs a test to its end, as `#[tokio::test]` would.
pub fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::runtime::Runtime::new()?.block_on(test);
    Ok(())
}

pub fn options(switch: SwitchKind) -> Options {
    Options { switch, fail_mode: FailMode::Standalone, ..Options::default() }
}

pub async fn start(name: &str, topology: &str, options: Options) -> Testbed {
    let name = format!("{name}-{}", std::process::id());
    let fabric = Fabric::create(Some(&name)).await.unwrap();
    let topology = topology.parse().unwrap();
    Testbed::start(fabric, topology, options).await.unwrap()
}

pub fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{output:?}");
    text
}

pub async fn all_reach_each_other(testbed: &Testbed) {
    let report = testbed.ping_all(&PingOptions::default()).await.unwrap();
    assert_eq!(report.received(), report.sent(), "{report}");
    assert!(report.sent() > 0);
}

/// So many bytes get from the first of two hosts to the second.
pub async fn tcp(testbed: &Testbed, length: usize) {
    use std::io::{Read, Write};
    let hosts = testbed.hosts();
    let [h1, h2] = hosts.as_slice() else { panic!("two hosts") };
    let listener = h2.namespace().run(|| std::net::TcpListener::bind("10.0.0.2:80")).await.unwrap().unwrap();
    let reader = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes.len()
    });
    let mut stream =
        h1.namespace().run(|| std::net::TcpStream::connect("10.0.0.2:80")).await.unwrap().unwrap();
    let writer = tokio::task::spawn_blocking(move || stream.write_all(&vec![7; length]));
    let both = async { (writer.await.unwrap(), reader.await.unwrap()) };
    let (written, read) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    written.unwrap();
    assert_eq!(read, length);
}
