//! Networks that come up, are tested, and go; with the same results whatever their switches are made of.

#![allow(dead_code, reason = "the example runs on Open vSwitch")]

use std::io::Write;
use std::path::Path;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::flowbed::Place;

fn the_test(result: &Value) -> (u64, u64) {
    let test = &result["tests"][0];
    (test["sent"].as_u64().expect("a count"), test["received"].as_u64().expect("a count"))
}

/// What the shell command `flows` prints after a pingall, with the outcome of the run.
fn flows_after_pingall(place: &Place, arguments: &str) -> Vec<String> {
    let script = place.path().join("script");
    std::fs::write(&script, "# a comment\npingall\nflows\n").expect("written");
    let output = place.run(&format!("up {arguments} --test none --pre {}", script.display()));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("0% dropped (12/12 received)"), "{text}");
    text.lines().filter(|line| line.contains("actions=")).map(str::to_owned).collect()
}

/// The example itself, as `cargo test` and nextest build it.
pub fn example() -> Result<(), Failed> {
    let place = Place::new();
    let example = Path::new(env!("CARGO_BIN_EXE_flowbed")).with_file_name("examples").join("learning_switch");
    assert!(example.is_file(), "first: cargo build --example learning_switch");
    let output = place.command(example).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("0% dropped (12/12 received)"), "{text}");
    place.assert_empty();
    Ok(())
}

pub fn learning_switch(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let (good, result) =
        place.run_json(&format!("up --topo tree,2,2 --switch {switch} --app learning-switch --test pingall"));
    assert!(good, "{result}");
    assert_eq!(the_test(&result), (12, 12), "{result}");
    assert_eq!(result["tests"][0]["loss_percent"], 0.0);
    assert!(result["tests"][0]["seconds"].as_f64() > Some(0.0), "{result}");
    assert_eq!(result["tests"][0]["pairs"].as_array().map(Vec::len), Some(12));
    assert!(result["up_s"].as_f64() > Some(0.0) && result["down_s"].as_f64() > Some(0.0), "{result}");
    assert_eq!((&result["hosts"], &result["switches"], &result["links"]), (&4.into(), &3.into(), &6.into()));
    place.assert_empty();
    let flows =
        flows_after_pingall(&place, &format!("--topo tree,2,2 --switch {switch} --app learning-switch"));
    // A pair of hosts under one switch needs two flows there; across the root, two on each of three switches.
    let learned = flows.iter().filter(|flow| flow.contains("dl_dst=00:00:00:00:00:0")).count();
    assert_eq!(learned, 2 * 2 + 4 * 2 * 3, "{flows:#?}");
    Ok(())
}

pub fn hub(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let flows = flows_after_pingall(&place, &format!("--topo tree,2,2 --switch {switch} --app hub"));
    let floods = flows.iter().filter(|flow| flow.contains("actions=FLOOD")).count();
    let learned = flows.iter().filter(|flow| flow.contains("dl_dst")).count();
    assert_eq!((floods, learned), (3, 0), "{flows:#?}");
    Ok(())
}

pub fn no_controller(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let (good, result) =
        place.run_json(&format!("up --topo tree,2,2 --switch {switch} --controller none --test pingall"));
    assert!(!good, "{result}");
    assert_eq!(the_test(&result), (12, 0), "{result}");
    place.assert_empty();
    Ok(())
}

pub fn standalone(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let (good, result) = place.run_json(&format!(
        "up --topo single,3 --switch {switch} --controller none --fail-mode standalone --test pingall"
    ));
    assert!(good, "{result}");
    assert_eq!(the_test(&result), (6, 6), "{result}");
    Ok(())
}

pub fn topology_file(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("net.toml");
    let mut out = std::fs::File::create(&file)?;
    out.write_all(
        br#"
hosts = [{ name = "web", ipv4 = "192.168.7.1/24" }, { name = "client", ipv4 = "192.168.7.2/24" }]
switches = [{ name = "edge", dpid = "ab" }]
links = [{ a = "web", b = "edge:7" }, { a = "client", b = "edge" }]
"#,
    )?;
    let script = place.path().join("script");
    std::fs::write(&script, "pingall\nflows\n")?;
    let output = place.run(&format!(
        "up --file {} --switch {switch} --pre {} --test pingall",
        file.display(),
        script.display()
    ));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("web -> client") && text.contains("in_port=7"), "{text}");
    Ok(())
}

/// Checksum offload over the userspace datapath: ping passes without care for it, TCP does not.
pub fn tcp(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let running = place.up(&format!("--topo single,2 --switch {switch} --app learning-switch --name tcp"));
    let server = "import socket; s = socket.create_server(('10.0.0.2', 5001)); print('listening', flush=True); \
                  c = s.accept()[0]; n = 0\nwhile d := c.recv(65536): n += len(d)\nc.close(); print(n)";
    let client =
        "import socket; s = socket.create_connection(('10.0.0.2', 5001), 20); s.sendall(b'x' * 3000000)";
    let python = |host: &str, program: &str| {
        let mut command = place.flowbed(&format!("exec {host} --"));
        command.args(["python3", "-c", program]);
        command
    };
    let mut server = crate::flowbed::Running::start_until(python("h2", server), "listening");
    let sent = python("h1", client).output()?;
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(server.wait_for("3000000"), "3000000");
    drop(running);
    Ok(())
}
