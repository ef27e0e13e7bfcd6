//! `flowbed trace`: the way of a packet through tables and switches.

use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use testbed::Topology;
use verify::{Kind, Network, Rules};

use super::Outcome;

pub(crate) const ABOUT: &str = "Show the way of a packet through tables and switches

The network is that of --topo, with the rules of files in ovs-ofctl's words: each table, the rule that takes the packet \
and the file and line where it stands, what is done to the packet, and who gets it.

    flowbed trace --topo linear,2 --flows s1=s1.flows --flows s2=s2.flows h1 tcp,tp_dst=80 --to h2";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The network: what `flowbed up --topo` takes
    #[arg(long, value_name = "T", default_value = "minimal")]
    topo: String,
    /// Flows of a switch, as `ovs-ofctl add-flows` reads them; without a switch, of each; may be given several times
    #[arg(long, value_name = "[SWITCH=]FILE")]
    flows: Vec<String>,
    /// Groups, as `ovs-ofctl add-groups` reads them
    #[arg(long, value_name = "[SWITCH=]FILE")]
    groups: Vec<String>,
    /// Meters, as `ovs-ofctl add-meter` reads each
    #[arg(long, value_name = "[SWITCH=]FILE")]
    meters: Vec<String>,
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

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let now = Instant::now();
    let mut network = Topology::open(&args.topo)?.network(now)?;
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
    let frame = network
        .packet(&args.packet, &args.host, args.to.as_deref(), &[])
        .with_context(|| format!("\"{}\" from {}", args.packet, args.host))?;
    let journey = network.inject(&args.host, &frame, now)?;
    if args.json {
        say!("{:#}", journey.to_json())?;
        return Ok(Outcome::Good);
    }
    super::write_out(format_args!("{journey}"))?;
    let mut got: Vec<&str> = journey.deliveries.iter().map(|delivery| delivery.host.as_str()).collect();
    got.extend(journey.punts().map(|_| "the controller"));
    got.sort_unstable();
    got.dedup();
    let got = if got.is_empty() { "nobody".to_owned() } else { got.join(", ") };
    say!("\ngets to: {got}")?;
    Ok(Outcome::Good)
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
