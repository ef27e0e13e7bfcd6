//! The apps that ship, with their sample files, on networks of one kind of switch or another.

use std::path::Path;

use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::flowbed::{Place, Running, complaint};

/// A sample file.
fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/apps").join(name).display().to_string()
}

/// Runs a network with these options of `up`, and with it the commands of a sample, which say themselves what must be.
fn run(switch: &str, script: &str, options: &str) -> Result<(), Failed> {
    let place = Place::new();
    let output = place.run(&format!("up --switch {switch} --pre {} {options}", sample(script)));
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    place.assert_empty();
    Ok(())
}

/// Hosts of four subnets reach each other through two routers, which answer, and tell who sends too far or nowhere.
pub fn router(switch: &str) -> Result<(), Failed> {
    let (network, file) = (sample("router-net.toml"), sample("router.toml"));
    let options =
        format!("--file {network} --app router={file} --app learning-switch --test pingall --test pingall6");
    run(switch, "router.flowbed", &options)
}

/// A host that answers no questions is found, for it was heard before.
pub fn arp_proxy(switch: &str) -> Result<(), Failed> {
    let options = "--topo linear,3 --app arp-proxy --app learning-switch --test pingall --test pingall6";
    run(switch, "arp-proxy.flowbed", options)
}

/// What a file says anew holds at once; a file with a mistake changes nothing.
pub fn reload(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let file = place.path().join("acl.toml");
    std::fs::write(&file, "default = \"allow\"\n")?;
    let ping = || place.run("exec h1 -- ping -c 1 -W 2 10.0.0.2");
    let apps = format!("--app acl-firewall={} --app learning-switch", file.display());
    let mut network = place.up(&format!("--topo single,2 --switch {switch} {apps}"));
    assert!(ping().status.success());

    std::fs::write(&file, "default = \"allow\"\n[[rules]]\naction = \"deny\"\nmatch = \"icmp\"\n")?;
    hang_up(&mut network, "read 1 file of an app anew");
    crate::flowbed::eventually(crate::flowbed::PATIENCE, "the rule holds", || {
        match ping().status.success() {
            true => Err("pings pass".to_owned()),
            false => Ok(()),
        }
    });

    std::fs::write(&file, "default = \"allow\"\nrule = []\n")?;
    hang_up(
        &mut network,
        "acl.toml:2:1: unknown field `rule`, expected `default` or `rules`; so everything stays",
    );
    complaint_is_none(&ping());
    network.signal(Signal::SIGTERM);
    assert!(network.wait());
    place.assert_empty();
    Ok(())
}

fn hang_up(network: &mut Running, answer: &str) {
    network.signal(Signal::SIGHUP);
    network.wait_for(answer);
}

/// A ping that was not answered: it fails, and complains of nothing.
fn complaint_is_none(output: &std::process::Output) {
    assert_eq!(complaint(output), "");
}
