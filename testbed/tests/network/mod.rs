//! Starting networks in tests, and looking at them.

#![allow(dead_code, reason = "not every tier needs all")]

use std::future::Future;

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
