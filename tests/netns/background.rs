//! Networks in the background, and those who come to them from elsewhere.

use std::io::Write;
use std::process::{Output, Stdio};

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};

use crate::flowbed::{Place, complaint};
use crate::terminal::Terminal;

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `flowbed up --detach` returns when the network is up; it can be looked at, used and taken down from elsewhere.
pub fn life() -> Result<(), Failed> {
    let place = Place::new();
    // Its output ends though the network goes on: nothing of it holds the pipes, as `ssh` and scripts need it.
    let up =
        text(&place.run("up -d --topo single,2 --switch soft --name lab --link delay=1ms --web 127.0.0.1:0"));
    assert!(up.contains("2 hosts, 1 switch, 2 links, up in"), "{up}");
    assert!(up.ends_with("flowbed shell --name lab enters it, flowbed down lab ends it\n"), "{up}");

    let about: Value = serde_json::from_str(&text(&place.run("inspect")))?;
    assert_eq!(
        (&about["name"], &about["topology"], &about["apps"]),
        (&json!("lab"), &json!("single,2"), &json!(["learning-switch"]))
    );
    assert_eq!(
        about["hosts"][1],
        json!({ "name": "h2", "interfaces": [
            { "name": "h2-eth0", "mac": "00:00:00:00:00:02", "ipv4": "10.0.0.2/8", "ipv6": "fd00::2/64" },
        ] })
    );
    assert_eq!(
        about["switches"],
        json!([{ "name": "s1", "dpid": "0000000000000001", "kind": "soft", "running": true, "connected": true,
            "ports": [{ "number": 1, "name": "s1-eth1" }, { "number": 2, "name": "s1-eth2" }] }])
    );
    assert_eq!(
        about["links"][0],
        json!({ "a": { "node": "h1", "port": 0, "interface": "h1-eth0" },
            "b": { "node": "s1", "port": 1, "interface": "s1-eth1" },
            "state": "up", "backend": "userspace", "a_to_b": "delay=1ms", "b_to_a": "delay=1ms" })
    );
    assert!(up.contains(about["dashboard"].as_str().expect("an address")), "{up}");

    assert!(text(&place.run("shell pingall")).ends_with("0% dropped (2/2 received)\n"));
    assert_eq!(text(&place.run("shell --name lab h2 echo h1 there | tr t T")), "10.0.0.1 There\n");
    assert!(complaint(&place.run("shell h1 exit 3")).contains("exit status: 3"));
    assert!(complaint(&place.run("shell frobnicate")).contains("no command or host \"frobnicate\""));
    let mut script = place.flowbed("shell").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    script
        .stdin
        .take()
        .expect("piped")
        .write_all(b"link s1 h2 down\npingall\n\nnodes\nexit\nh1 echo never\n")?;
    let script = script.wait_with_output()?;
    let shown = String::from_utf8_lossy(&script.stdout);
    assert!(
        !script.status.success() && shown.ends_with("100% dropped (0/2 received)\nh1 h2 s1\n"),
        "{shown}"
    );

    let taken = complaint(&place.run("up -d --topo minimal --switch soft --name lab"));
    assert!(taken.contains("a testbed named lab runs already"), "{taken}");
    assert_eq!(text(&place.run("down lab")), "lab is down\n");
    place.assert_empty();
    assert!(complaint(&place.run("down")).contains("no testbed runs; bring one up with `flowbed up`"));
    assert!(complaint(&place.run("shell pingall")).contains("no testbed runs"));
    assert_eq!(text(&place.run("down --all")), "no network is up\n");
    Ok(())
}

/// What cannot come up says why, and leaves nothing in the background.
pub fn failure() -> Result<(), Failed> {
    let place = Place::new();
    let wrong = complaint(&place.run("up -d --topo tree,x"));
    assert!(wrong.contains("tree,x"), "{wrong}");
    let script = place.path().join("script");
    std::fs::write(&script, "frobnicate\n")?;
    let wrong = complaint(&place.run(&format!("up -d --switch soft --pre {}", script.display())));
    assert!(wrong.contains("no command or host"), "{wrong}");
    place.assert_empty();
    Ok(())
}

/// Two are named where one is meant; both go with one command. One that is in the foreground can be entered, too.
pub fn several() -> Result<(), Failed> {
    let place = Place::new();
    text(&place.run("up -d --topo single,2 --switch bridge --name a"));
    let mut foreground = place.up("--topo single,3 --switch bridge --name b");
    let which = complaint(&place.run("inspect"));
    assert!(which.contains("several testbeds run: a, b; name the one that is meant"), "{which}");
    assert!(complaint(&place.run("down c")).contains("no testbed named c; there is a, b"));
    assert_eq!(text(&place.run("shell --name b nodes")), "h1 h2 h3 s1\n");
    assert_eq!(text(&place.run("down a b")), "a is down\nb is down\n");
    assert!(foreground.wait());
    place.assert_empty();
    Ok(())
}

/// On a terminal: commands in hosts have it, and the network outlives whoever came, however they go.
pub fn on_a_terminal() -> Result<(), Failed> {
    let place = Place::new();
    text(&place.run("up -d --topo single,2 --switch bridge"));
    let mut terminal = Terminal::start(&place, "shell");
    terminal.wait_for("exit or Ctrl-D leaves, and net1 stays up");
    terminal.type_line("h1 test -t 0 && test -t 1 && echo a ter''minal");
    terminal.wait_for("a terminal");
    terminal.type_line("exit");
    assert!(terminal.flowbed.wait()?.success(), "{}", terminal.shown);
    let mut killed = Terminal::start(&place, "shell");
    kill(killed.pid(), Signal::SIGKILL)?;
    killed.flowbed.wait()?;
    assert!(text(&place.run("shell pingall")).contains("0% dropped (2/2 received)"));
    text(&place.run("down"));
    place.assert_empty();
    Ok(())
}
