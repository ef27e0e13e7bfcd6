//! `flowbed trace`: the way of a packet through tables and switches.

use std::time::Instant;

use ::controller::Target;
use anyhow::{Context, Result, anyhow, bail};
use flowbed::Lab;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testbed::Topology;
use verify::{Kind, Network, Rules};

use super::Outcome;
use super::control::Client;

pub(crate) const ABOUT: &str = "Show the way of a packet through tables and switches

The network is one that is up (flowbed ls), as it is at this moment; or that of --topo, with the rules of files in \
ovs-ofctl's words or of switches that listen for controllers. Told are each table, the rule that takes the packet and the \
file and line where it stands, what is done to the packet, and who gets it. No packet is sent.

    flowbed trace h1 tcp,tp_dst=80 --to h2
    flowbed trace --topo linear,2 --flows s1=s1.flows --flows s2=s2.flows h1 tcp,tp_dst=80 --to h2";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The network that is up, if more than one is
    #[arg(long, conflicts_with_all = ["topo", "flows", "groups", "meters", "live", "down"])]
    name: Option<String>,
    /// A network that is not up: what `flowbed up --topo` takes; minimal, if there are rules
    #[arg(long, value_name = "T")]
    topo: Option<String>,
    /// Flows of a switch, as `ovs-ofctl add-flows` reads them; without a switch, of each; may be given several times
    #[arg(long, value_name = "[SWITCH=]FILE")]
    flows: Vec<String>,
    /// Groups, as `ovs-ofctl add-groups` reads them
    #[arg(long, value_name = "[SWITCH=]FILE")]
    groups: Vec<String>,
    /// Meters, as `ovs-ofctl add-meter` reads each
    #[arg(long, value_name = "[SWITCH=]FILE")]
    meters: Vec<String>,
    /// All that a switch has which listens (ptcp:, punix:): s1=tcp:127.0.0.1:6634; may be given several times
    #[arg(long, value_name = "SWITCH=TARGET")]
    live: Vec<String>,
    /// A link that is down: its ends, as in s1-s2; may be given several times
    #[arg(long, value_name = "A-B")]
    down: Vec<String>,
    /// The host that sends the packet
    host: String,
    /// The packet in ovs-ofctl's words: tcp,tp_dst=80
    packet: String,
    /// The host whose addresses are the destination, if the packet says none
    #[arg(long, value_name = "HOST")]
    to: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A packet that is traced.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Packet {
    pub(crate) host: String,
    pub(crate) packet: String,
    pub(crate) to: Option<String>,
}

/// Its way.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Way {
    /// For people.
    pub(crate) text: String,
    /// For programs, as `docs/json.md` describes it.
    pub(crate) object: Value,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let packet = Packet { host: args.host.clone(), packet: args.packet.clone(), to: args.to.clone() };
    let given = [&args.flows, &args.groups, &args.meters, &args.live, &args.down];
    let way = if args.topo.is_none() && given.iter().all(|given| given.is_empty()) {
        Client::connect(&testbed::find(args.name.as_deref())?)?.trace(&packet)?
    } else {
        in_model(args, &packet)?
    };
    if args.json {
        say!("{:#}", way.object)?;
    } else {
        super::write_out(format_args!("{}", way.text))?;
    }
    Ok(Outcome::Good)
}

/// The way through a network that is up.
pub(crate) async fn in_lab(lab: &Lab, packet: &Packet) -> Result<Way> {
    follow(&mut lab.model().await?, packet, Instant::now())
}

/// The way through a network that is not.
fn in_model(args: &Args, packet: &Packet) -> Result<Way> {
    let now = Instant::now();
    let topology = args.topo.as_deref().unwrap_or("minimal");
    let mut network = Topology::open(topology)?.network(now)?;
    for text in &args.live {
        let (switch, target) = text.split_once('=').with_context(|| format!("{text} is no SWITCH=TARGET"))?;
        let target: Target = target.parse()?;
        flowbed::read_switch(&mut network, switch, &target, now)?;
    }
    // What is used is there before what uses it.
    let kinds = [(Kind::Meters, &args.meters), (Kind::Groups, &args.groups), (Kind::Flows, &args.flows)];
    for (kind, files) in kinds {
        for file in files {
            load(&mut network, kind, file, now)?;
        }
    }
    for link in &args.down {
        take_down(&mut network, link, now)?;
    }
    follow(&mut network, packet, now)
}

fn follow(network: &mut Network, packet: &Packet, now: Instant) -> Result<Way> {
    let Packet { host, packet, to } = packet;
    let frame = network
        .packet(packet, host, to.as_deref(), &[])
        .with_context(|| format!("\"{packet}\" from {host}"))?;
    let journey = network.inject(host, &frame, now)?;
    let mut got: Vec<&str> = journey.deliveries.iter().map(|delivery| delivery.host.as_str()).collect();
    got.extend(journey.punts().map(|_| "the controller"));
    got.sort_unstable();
    got.dedup();
    let got = if got.is_empty() { "nobody".to_owned() } else { got.join(", ") };
    Ok(Way { text: format!("{journey}\ngets to: {got}\n"), object: journey.to_json() })
}

/// Gives one switch, or all, the rules of a file.
fn load(network: &mut Network, kind: Kind, text: &str, now: Instant) -> Result<()> {
    let (switch, path) = match text.split_once('=') {
        Some((switch, path)) => (Some(switch), path),
        None => (None, text),
    };
    let rules = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let switches = match switch {
        Some(switch) => vec![switch.to_owned()],
        None => network.switches().map(|(name, _)| name.to_owned()).collect(),
    };
    for switch in &switches {
        let rules = Rules::read(kind, &rules, path, &network.ports(switch)?).map_err(|errors| {
            let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow!("{}", told.join("\n"))
        })?;
        network.apply(switch, &rules, now)?;
    }
    Ok(())
}

fn take_down(network: &mut Network, link: &str, now: Instant) -> Result<()> {
    // A name may have a hyphen itself.
    for (at, _) in link.match_indices('-') {
        if network.set_link(&link[..at], &link[at + 1..], false, now).is_ok() {
            return Ok(());
        }
    }
    let ends: Vec<String> = network.links().map(|((a, _), (b, _), _)| format!("{a}-{b}")).take(12).collect();
    bail!("there is no link {link}; there is {}", ends.join(", "))
}
