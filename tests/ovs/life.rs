//! How networks live beside each other, and how they end.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_link};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::flowbed::{Place, complaint, eventually};

/// Both are up while each of them pings from every host to every other, and the first stays as it was when the second
/// has gone.
pub fn two_at_once() -> Result<(), Failed> {
    let place = Place::new();
    let file = |name: String| place.path().join(name).display().to_string();
    // Each waits for the other before its pings and after them.
    let up = |own: &str, other: &str| {
        let meet = |at: &str| {
            let (here, there) = (file(format!("{own}.{at}")), file(format!("{other}.{at}")));
            format!("h1 touch {here}; timeout 60 sh -c 'until test -e {there}; do sleep 0.05; done'\n")
        };
        let script = file(format!("{own}.script"));
        std::fs::write(&script, format!("{}pingall\n{}", meet("up"), meet("done"))).expect("written");
        format!("--topo tree,2,2 --switch ovs --app learning-switch --name {own} --pre {script}")
    };
    let second = place
        .flowbed(&format!("up --test none {}", up("two", "one")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut first = place.up(&up("one", "two"));
    assert!(first.printed.contains("(12/12 received)"), "{}", first.printed);
    let second = second.wait_with_output()?;
    let printed = String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success(), "{printed}{}", String::from_utf8_lossy(&second.stderr));
    assert!(printed.contains("(12/12 received)"), "{printed}");
    let ping = place.run("exec --name one h1 -- ping -c 1 -W 5 10.0.0.4");
    assert!(ping.status.success(), "{}", String::from_utf8_lossy(&ping.stdout));
    first.signal(Signal::SIGTERM);
    assert!(first.wait());
    place.assert_empty();
    Ok(())
}

/// Processes of the machine.
fn processes() -> BTreeSet<i32> {
    let entries = read_dir("/proc").expect("proc").flatten();
    entries.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok()).collect()
}

/// Network and pid namespaces that these processes are in or hold open.
fn namespaces(of: &BTreeSet<i32>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for pid in of {
        for folder in ["ns", "fd"] {
            let entries = read_dir(format!("/proc/{pid}/{folder}"));
            for entry in entries.into_iter().flatten().flatten() {
                let target = read_link(entry.path()).unwrap_or_default();
                let target = target.to_string_lossy().into_owned();
                if target.starts_with("net:[") || target.starts_with("pid:[") {
                    found.insert(target);
                }
            }
        }
    }
    found
}

/// Processes with these ancestors, and themselves.
fn family(of: i32) -> BTreeSet<i32> {
    let mut family = BTreeSet::from([of]);
    loop {
        let before = family.len();
        for process in read_dir("/proc").expect("proc").flatten() {
            let Ok(pid) = process.file_name().to_string_lossy().parse::<i32>() else {
                continue;
            };
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            // pid (name) state ppid …; the name may contain anything, so from the last parenthesis on.
            let parent =
                stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            if parent.is_some_and(|parent: i32| family.contains(&parent)) {
                family.insert(pid);
            }
        }
        if family.len() == before {
            return family;
        }
    }
}

/// A process's state, for the message of a test that fails.
fn status(pid: i32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().take(3).collect::<Vec<_>>().join(" ")
}

/// Makes this process the one that orphans of its children come to, as a machine's first process is, and which must
/// collect them. Some containers' first process takes its time over that.
fn adopt_orphans() {
    nix::sys::prctl::set_child_subreaper(true).expect("any process may");
}

/// Collects those of them that have ended.
fn collect(orphans: &BTreeSet<i32>) {
    for pid in orphans {
        let _ = waitpid(Pid::from_raw(*pid), Some(WaitPidFlag::WNOHANG));
    }
}

pub fn kill_9() -> Result<(), Failed> {
    adopt_orphans();
    // Left to itself, the kernel takes 4 s and more to end the switch daemon of the second.
    for topology in ["tree,2,2", "linear,50"] {
        killed_it_leaves_nothing(topology)?;
    }
    Ok(())
}

fn killed_it_leaves_nothing(topology: &str) -> Result<(), Failed> {
    let place = Place::new();
    let mut running = place.up(&format!("--topo {topology} --switch ovs --app learning-switch"));
    let family = family(running.pid().as_raw());
    let machine = namespaces(&BTreeSet::from([std::process::id().cast_signed()]));
    let made: BTreeSet<String> = namespaces(&family).difference(&machine).cloned().collect();
    assert!(family.len() >= 3, "flowbed, ovsdb-server and ovs-vswitchd at least: {family:?}");
    assert!(made.len() >= 5, "a fabric and four hosts at least: {made:?}");
    running.signal(Signal::SIGKILL);
    running.wait();
    eventually(Duration::from_secs(2), "all gone after kill -9", || {
        collect(&family);
        let all = processes();
        let left: Vec<_> = family.intersection(&all).map(|pid| status(*pid)).collect();
        let namespaces: Vec<_> = namespaces(&all).intersection(&made).cloned().collect();
        if left.is_empty() && namespaces.is_empty() {
            return Ok(());
        }
        Err(format!("processes {left:?}, namespaces {namespaces:?}"))
    });
    let folders = || {
        read_dir(place.path())
            .expect("the run directory")
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .count()
    };
    assert_eq!(folders(), 1, "its run directory waits to be swept");
    let (good, result) = place.run_json("up --topo single,2 --switch ovs --test pingall");
    assert!(good, "{result}");
    place.assert_empty();
    Ok(())
}

/// A process that the network can't do without dies: the run says which, ends as failed, and leaves nothing.
pub fn a_death_is_told() -> Result<(), Failed> {
    for name in ["ovs-vswitchd", "ovsdb-server", "flowbed-init"] {
        let place = Place::new();
        let mut running = place.up("--topo minimal --switch ovs --app learning-switch");
        let named = |pid: &&i32| status(**pid).split_whitespace().nth(1) == Some(name);
        let victim = *family(running.pid().as_raw()).iter().find(named).expect("one of each");
        nix::sys::signal::kill(Pid::from_raw(victim), Signal::SIGKILL)?;
        // The end of init is the end of all, the daemons first.
        let told = if name == "flowbed-init" { "flowbed: " } else { name };
        running.wait_for(told);
        assert!(!running.wait(), "it failed: {}", running.printed);
        place.assert_empty();
    }
    Ok(())
}

pub fn sigterm() -> Result<(), Failed> {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let place = Place::new();
        let mut running = place.up("--topo tree,2,2 --switch ovs --app learning-switch");
        let family = family(running.pid().as_raw());
        running.signal(signal);
        assert!(running.wait(), "it ends with 0: {}", running.printed);
        for pid in family {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is left");
        }
        place.assert_empty();
    }
    Ok(())
}

pub fn exec() -> Result<(), Failed> {
    let place = Place::new();
    let running = place.up("--topo single,2 --switch ovs --app learning-switch --name lab");
    let shown = place.run("exec h2 -- cat /proc/net/fib_trie");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("10.0.0.2"), "the host's own addresses");
    let mut seven = place.flowbed("exec --name lab h1 -- sh -c");
    assert_eq!(seven.arg("exit 7").status()?.code(), Some(7), "the exit status is the command's");
    let unknown = complaint(&place.run("exec h3 -- true"));
    assert!(unknown.contains("h1") && unknown.contains("h2"), "it lists the hosts: {unknown}");
    let listed = place.run("ls");
    assert!(String::from_utf8_lossy(&listed.stdout).contains("lab"));
    drop(running);
    let gone = complaint(&place.run("exec h1 -- true"));
    assert!(gone.contains("flowbed up"), "it says what to do: {gone}");
    Ok(())
}

pub fn link_down() -> Result<(), Failed> {
    let place = Place::new();
    let script = place.path().join("script");
    std::fs::write(&script, "pingall\nlink s1 h2 down\nlinks\npingall\nlink s1 h2 up\npingall\n")?;
    let output =
        place.run(&format!("up --topo single,3 --switch ovs --test none --pre {}", script.display()));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "pings were lost: {text}{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<&str> = text.lines().filter(|line| line.contains("received)")).collect();
    assert_eq!(results.len(), 3, "{text}");
    assert!(results[0].contains("(6/6 received)"), "{text}");
    assert!(results[1].contains("(2/6 received)"), "{text}");
    assert!(results[2].contains("(6/6 received)"), "{text}");
    Ok(())
}

/// What a script's commands write does not mix with the JSON object, and one that fails makes the run a failure.
pub fn scripted() -> Result<(), Failed> {
    let place = Place::new();
    let script = place.path().join("script");
    let arguments = format!("up --topo single,2 --switch ovs --test pingall --pre {}", script.display());
    for (line, passes) in [("h1 echo here", true), ("h1 cat /nowhere", false)] {
        std::fs::write(&script, format!("{line}\npingall\n"))?;
        let (good, result) = place.run_json(&arguments);
        assert_eq!((good, &result["passed"]), (passes, &passes.into()), "{result}");
        assert_eq!(result["tests"][0]["received"], 2, "the test ran all the same: {result}");
    }
    Ok(())
}

pub fn port_in_use() -> Result<(), Failed> {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let output = place.run(&format!("up --topo minimal --switch ovs --web {address} --test none"));
    let complaint = complaint(&output);
    assert!(complaint.contains(&address.to_string()) && complaint.contains("port 0"), "{complaint}");
    place.assert_empty();
    Ok(())
}
