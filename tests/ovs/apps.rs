//! The apps that ship, with their sample files, on networks of one kind of switch or another.

use std::net::Ipv4Addr;
use std::path::Path;

use ::flowbed::controller::{Controller, apps};
use ::flowbed::openflow::{FlowStatsRequest, TableId};
use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use tokio::net::TcpListener;

use crate::flowbed::{PATIENCE, Place, Running, complaint, eventually};

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

/// Two hosts serve one address, and one of them when the other is gone.
pub fn load_balancer(switch: &str) -> Result<(), Failed> {
    let file = sample("load-balancer.toml");
    let options = format!("--topo linear,4 --app load-balancer={file} --app learning-switch --test none");
    run(switch, "load-balancer.flowbed", &options)
}

/// A host sees what it watches.
pub fn mirror(switch: &str) -> Result<(), Failed> {
    let options = format!(
        "--topo single,3 --app mirror={} --app learning-switch --test pingall",
        sample("mirror.toml")
    );
    run(switch, "mirror.flowbed", &options)
}

/// One host gets little through, another all: what a second brings is far more than the first may send.
pub fn rate_limit(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let apps = format!("--app rate-limit={} --app learning-switch", sample("rate-limit.toml"));
    let tests = "--test pingall --test iperfudp,20M,h1,h2 --test iperfudp,5M,h2,h1";
    let (good, report) = place.run_json(&format!("up --topo single,3 --switch {switch} {apps} {tests}"));
    let count =
        |test: usize, what: &str| report["tests"][test]["throughput"][what].as_f64().expect("a number");
    assert!(good && count(1, "datagrams_received") > 0.0, "{report:#}");
    assert!(count(1, "datagrams_received") < 0.2 * count(1, "datagrams_sent"), "{report:#}");
    assert!(count(2, "datagrams_received") > 0.5 * count(2, "datagrams_sent"), "{report:#}");
    place.assert_empty();
    Ok(())
}

fn nat_options() -> String {
    let (network, nat, router) = (sample("nat-net.toml"), sample("nat.toml"), sample("nat-router.toml"));
    format!("--file {network} --app nat={nat} --app router={router} --app learning-switch")
}

/// Hosts inside are heard outside under one address, and answered.
#[allow(dead_code, reason = "soft switches cannot do it")]
pub fn nat(switch: &str) -> Result<(), Failed> {
    run(switch, "nat.flowbed", &format!("{} --test none", nat_options()))
}

/// A switch that cannot translate says so.
#[allow(dead_code, reason = "Open vSwitch can do it")]
pub fn nat_is_refused(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let output = place.run(&format!("up --switch {switch} {} --test none", nat_options()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("app=\"nat\"") && errors.contains("the switch refused it"), "{errors}");
    Ok(())
}

/// Everybody is reached over a ring, also when a link is cut and there is no controller any more; and when another is cut in
/// its place.
pub fn failover(switch: &str) -> Result<(), Failed> {
    let place = Place::new();
    let runtime = tokio::runtime::Runtime::new()?;
    let (controller, address) = runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
        let address = listener.local_addr().expect("bound");
        let app = apps::by_name("failover").expect("it is there");
        (Controller::builder().app(app).start(listener), address)
    });
    let mut network = place.up(&format!("--topo ring,4 --switch {switch} --controller tcp:{address}"));
    let succeeds = |arguments: &str| {
        let output = place.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(()) } else { Err(format!("{arguments}: {text}")) }
    };
    eventually(PATIENCE, "all switches know all hosts, and ways to each other", || {
        succeeds("shell pingall")?;
        for switch in controller.switches() {
            let flows = runtime.block_on(switch.flow_stats(FlowStatsRequest::all()));
            let flows = flows.map_err(|error| error.to_string())?;
            let count = |table, priority| {
                flows.iter().filter(|flow| (flow.table, flow.priority) == (TableId(table), priority)).count()
            };
            if (count(0, 10), count(1, 10)) != (4, 3) {
                return Err(format!("{} has {flows:?}", switch.id()));
            }
        }
        Ok(())
    });
    runtime.block_on(controller.shutdown());
    for line in ["link s1 s2 down", "link s1 s2 up", "link s3 s4 down"] {
        succeeds(&format!("shell {line}"))?;
        for (from, to) in [(1, 2), (2, 3), (3, 4), (4, 1), (1, 3), (2, 4)] {
            // It ends with the first answer.
            succeeds(&format!("exec h{from} -- ping -c 1 -i 0.1 -w 10 10.0.0.{to}"))?;
        }
        succeeds("shell pingall")?;
    }
    network.signal(Signal::SIGTERM);
    assert!(network.wait());
    place.assert_empty();
    Ok(())
}

/// Hosts reach those of their own VLAN, at one switch and over the trunk, and no others.
pub fn vlan_segments(switch: &str) -> Result<(), Failed> {
    let file = sample("vlan-segments.toml");
    run(switch, "vlan-segments.flowbed", &format!("--topo linear,2,3 --app vlan-segments={file} --test none"))
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
    eventually(PATIENCE, "the rule holds", || match ping().status.success() {
        true => Err("pings pass".to_owned()),
        false => Ok(()),
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
