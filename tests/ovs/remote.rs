//! Controllers in another process.

use std::net::TcpListener;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::flowbed::{PATIENCE, Place, Running, eventually};

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

pub fn comes_back(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let port = free_port();
    let controller = || {
        Running::start_until(place.flowbed(&format!("controller --listen 127.0.0.1:{port}")), "controller")
    };
    let mut first = controller();
    let running = place.up(&format!("--topo single,3 --switch {switch} --controller tcp:127.0.0.1:{port}"));
    let ping = |from: &str, to: &str| {
        let output = place.run(&format!("exec {from} -- ping -c 1 -W 1 {to}"));
        output
            .status
            .success()
            .then_some(())
            .ok_or_else(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    eventually(PATIENCE, "the first controller is in charge", || ping("h1", "10.0.0.2"));
    first.signal(Signal::SIGKILL);
    first.wait();
    // What it had installed is used still; what is new, nobody answers.
    assert!(ping("h1", "10.0.0.2").is_ok());
    assert!(ping("h1", "10.0.0.3").is_err());
    let mut second = controller();
    eventually(PATIENCE, "the second controller is in charge", || ping("h1", "10.0.0.3"));
    second.signal(Signal::SIGTERM);
    assert!(second.wait());
    drop(running);
    Ok(())
}
