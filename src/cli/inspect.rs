//! `flowbed inspect`: all there is to know of a network that is up, for programs.

use anyhow::Result;
use flowbed::Lab;
use serde_json::{Value, json};
use testbed::{
    EndView, HostView, InterfaceView, LinkBackend, LinkState, LinkView, Snapshot, SwitchKind, SwitchView,
};

use super::Outcome;
use super::control::Client;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The network, if more than one is up (see `flowbed ls`)
    name: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let network = testbed::find(args.name.as_deref())?;
    let object = Client::connect(&network)?.inspect()?;
    say!("{object:#}")?;
    Ok(Outcome::Good)
}

/// What its own process knows of it beside the network itself.
#[derive(Debug)]
pub(crate) struct About {
    /// As `--topo` or `--file` named it.
    pub(crate) topology: String,
    /// Who is in charge, as switches write it; and our own controller's apps.
    pub(crate) controller: Option<String>,
    pub(crate) apps: Vec<String>,
    /// The dashboard's address, with its token.
    pub(crate) dashboard: Option<String>,
}

/// The object that is printed; docs/json.md describes it.
pub(crate) fn describe(lab: &Lab, about: &About) -> Value {
    let testbed = lab.testbed();
    let Snapshot { name, hosts, switches, links } = testbed.snapshot();
    let directory = testbed.fabric().dir();
    let ovsdb = switches.iter().any(|switch| switch.kind == SwitchKind::Ovs);
    json!({
        "name": *name,
        "pid": std::process::id(),
        "directory": directory.display().to_string(),
        "ovs_rundir": ovsdb.then(|| testbed.fabric().ovs_dir().display().to_string()),
        "topology": about.topology,
        "controller": about.controller,
        "apps": about.apps,
        "dashboard": about.dashboard,
        "hosts": hosts.iter().map(host).collect::<Vec<_>>(),
        "switches": switches.iter().map(|switch| describe_switch(lab, switch)).collect::<Vec<_>>(),
        "links": links.iter().map(link).collect::<Vec<_>>(),
    })
}

fn host(host: &HostView) -> Value {
    let interface = |interface: &InterfaceView| {
        json!({
            "name": interface.name,
            "mac": interface.mac.to_string(),
            "ipv4": interface.ipv4.map(|net| net.to_string()),
            "ipv6": interface.ipv6.map(|net| net.to_string()),
        })
    };
    json!({ "name": host.name, "interfaces": host.interfaces.iter().map(interface).collect::<Vec<_>>() })
}

fn describe_switch(lab: &Lab, switch: &SwitchView) -> Value {
    let connected = lab.controller().map(|controller| controller.switch(switch.dpid).is_some());
    let ports = switch.ports.iter().map(|port| json!({ "number": port.number, "name": port.name }));
    json!({
        "name": switch.name,
        "dpid": switch.dpid.to_string(),
        "kind": kind(switch.kind),
        "running": switch.running,
        "connected": connected,
        "ports": ports.collect::<Vec<_>>(),
    })
}

/// As `--switch` names it.
fn kind(kind: SwitchKind) -> &'static str {
    match kind {
        SwitchKind::Auto => "auto",
        SwitchKind::Ovs => "ovs",
        SwitchKind::Soft => "soft",
        SwitchKind::Bridge => "bridge",
    }
}

fn link(link: &LinkView) -> Value {
    let end = |end: &EndView| json!({ "node": end.node, "port": end.port, "interface": end.interface });
    let shaped = link.backend == LinkBackend::Userspace;
    json!({
        "a": end(&link.a),
        "b": end(&link.b),
        "state": match link.state { LinkState::Up => "up", LinkState::Down => "down" },
        "backend": link.backend.to_string(),
        "a_to_b": shaped.then(|| link.a_to_b.to_string()),
        "b_to_a": shaped.then(|| link.b_to_a.to_string()),
    })
}
