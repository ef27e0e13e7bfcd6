//! The dashboard over a made-up network whose counters move: for work on the page, without a testbed.
//!
//! ```console
//! $ cargo run -p flowbed-web --example dashboard_demo -- tree 2 2
//! $ cargo run -p flowbed-web --example dashboard_demo -- leafspine 16 4
//! ```
//!
//! Shapes: `tree DEPTH FANOUT`, `linear SWITCHES HOSTS`, `single HOSTS`, `ring SWITCHES`, `leafspine LEAVES SPINES`,
//! `torus X Y`.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use flowbed_web::view::{
    Attachment, Controller, ControllerKind, Dpid, End, Flow, FlowTable, Host, Link, LinkState, Network, Port,
    PortCounters, PortTable, Switch, SwitchKind,
};
use flowbed_web::{Command, Publisher, Refusal, Server, Token, feed, url};
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let shape: Vec<&str> = words.iter().map(String::as_str).collect();
    let plan = Plan::of(if shape.is_empty() { &["tree", "2", "2"] } else { &shape })?;

    let (publisher, feed) = feed();
    let (commands, inbox) = mpsc::channel(16);
    let token = Token::generate()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", url(listener.local_addr()?, &token));
    tokio::spawn(animate(plan.network(shape.join(",")), publisher, inbox));
    let shutdown = async {
        // Without a handler for it the signal ends the process, which is as well.
        let _ = tokio::signal::ctrl_c().await;
    };
    Server::new(feed, commands, token).serve(listener, shutdown).await?;
    Ok(())
}

/// Which switches are joined, and how many hosts each has.
#[derive(Default)]
struct Plan {
    hosts: BTreeMap<u32, u32>,
    trunks: Vec<(u32, u32)>,
}

impl Plan {
    fn of(words: &[&str]) -> Result<Self, String> {
        let number = |index: usize| {
            let word: &&str = words.get(index).ok_or("a number is missing")?;
            word.parse::<u32>().map_err(|_| format!("\"{word}\" is not a number"))
        };
        let mut plan = Self::default();
        match words[0] {
            "tree" => {
                plan.branch(number(1)?, number(2)?);
            }
            "single" => {
                plan.hosts.insert(1, number(1)?);
            }
            "linear" => {
                let (switches, hosts) = (number(1)?, number(2)?);
                plan.hosts = (1..=switches).map(|switch| (switch, hosts)).collect();
                plan.trunks = (1..switches).map(|switch| (switch, switch + 1)).collect();
            }
            "ring" => {
                let switches = number(1)?;
                plan.hosts = (1..=switches).map(|switch| (switch, 1)).collect();
                plan.trunks = (1..=switches).map(|switch| (switch, switch % switches + 1)).collect();
            }
            "leafspine" => {
                let (leaves, spines) = (number(1)?, number(2)?);
                plan.hosts = (1..=leaves).map(|leaf| (leaf, 4)).collect();
                for spine in leaves + 1..=leaves + spines {
                    plan.hosts.insert(spine, 0);
                    plan.trunks.extend((1..=leaves).map(|leaf| (leaf, spine)));
                }
            }
            "torus" => {
                let (width, height) = (number(1)?, number(2)?);
                let at = |x: u32, y: u32| (y % height) * width + x % width + 1;
                for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                    plan.hosts.insert(at(x, y), 1);
                    plan.trunks.extend([(at(x, y), at(x + 1, y)), (at(x, y), at(x, y + 1))]);
                }
            }
            other => return Err(format!("there is no shape \"{other}\"")),
        }
        Ok(plan)
    }

    fn branch(&mut self, depth: u32, fanout: u32) -> u32 {
        let switch = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX) + 1;
        self.hosts.insert(switch, if depth <= 1 { fanout } else { 0 });
        if depth > 1 {
            for _ in 0..fanout {
                let below = self.branch(depth - 1, fanout);
                self.trunks.push((switch, below));
            }
        }
        switch
    }

    fn network(&self, name: String) -> Network {
        let mut switches: BTreeMap<u32, Switch> = self
            .hosts
            .keys()
            .map(|&number| {
                let (name, dpid) = (format!("s{number}"), Dpid(number.into()));
                let kind = SwitchKind::Ovs;
                (number, Switch { name, dpid, connected: true, kind, ports: Vec::new() })
            })
            .collect();
        let mut plug = |number: u32| {
            let switch = switches.get_mut(&number).expect("a plan joins its own switches");
            let port = u32::try_from(switch.ports.len()).unwrap_or(u32::MAX) + 1;
            let interface = format!("s{number}-eth{port}");
            let mac = format!("02:01:00:00:{number:02x}:{port:02x}");
            switch.ports.push(Port { number: port, name: interface.clone(), mac, up: true });
            End { node: format!("s{number}"), port: Some(port), interface }
        };
        let mut links = Vec::new();
        let mut hosts = Vec::new();
        for (&switch, &count) in &self.hosts {
            for _ in 0..count {
                let number = hosts.len() + 1;
                let name = format!("h{number}");
                let b = plug(switch);
                hosts.push(Host {
                    name: name.clone(),
                    mac: format!("02:00:00:00:{:02x}:{:02x}", number >> 8, number & 0xff),
                    ipv4: vec![format!("10.0.{}.{}", number >> 8, number & 0xff)],
                    ipv6: vec![format!("fd00::{number:x}")],
                    attached: b.port.map(|port| Attachment { switch: b.node.clone(), port }),
                });
                let a = End { node: name.clone(), port: None, interface: format!("{name}-eth0") };
                links.push(link(a, b));
            }
        }
        for &(one, other) in &self.trunks {
            links.push(link(plug(one), plug(other)));
        }
        let address = "tcp:127.0.0.1:6653".to_owned();
        let apps = vec!["learning-switch".to_owned()];
        let controller = Some(Controller { kind: ControllerKind::Flowbed, address, apps });
        Network { name, controller, switches: switches.into_values().collect(), hosts, links }
    }
}

fn link(a: End, b: End) -> Link {
    let id = format!("{}:{}", a.interface, b.interface);
    Link { id, a, b, state: LinkState::Up, controllable: true }
}

/// Obeys commands and lets counters run while somebody watches.
async fn animate(mut network: Network, publisher: Publisher, mut inbox: mpsc::Receiver<Command>) {
    let start = Instant::now();
    let mut traffic: BTreeMap<Dpid, PortTable> = BTreeMap::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut round: u64 = 0;
    publisher.network(network.clone());
    loop {
        tokio::select! {
            command = inbox.recv() => match command {
                Some(Command::SetLink { id, state, reply }) => {
                    let outcome = set_link(&mut network, &id, state);
                    publisher.network(network.clone());
                    // Who asked may be gone by now.
                    let _ = reply.send(outcome);
                }
                Some(_) => {}
                None => return,
            },
            _ = tick.tick(), if publisher.has_watchers() => {
                round += 1;
                for switch in &network.switches {
                    let table = traffic.entry(switch.dpid).or_insert_with(|| idle(switch));
                    advance(table, switch, round);
                    publisher.ports(table.clone());
                    publisher.flows(learned(switch, table, &network.hosts, start.elapsed()));
                }
            }
            () = publisher.watched(), if !publisher.has_watchers() => {}
        }
    }
}

fn set_link(network: &mut Network, id: &str, state: LinkState) -> Result<(), Refusal> {
    let link = network.links.iter_mut().find(|link| link.id == id);
    let link = link.ok_or_else(|| Refusal::UnknownLink { id: id.to_owned() })?;
    link.state = state;
    let ends = [link.a.clone(), link.b.clone()];
    let ports = network.switches.iter_mut().flat_map(|switch| &mut switch.ports);
    for port in ports.filter(|port| ends.iter().any(|end| end.interface == port.name)) {
        port.up = state == LinkState::Up;
    }
    Ok(())
}

fn idle(switch: &Switch) -> PortTable {
    let counters = |port: &Port| PortCounters { number: port.number, ..PortCounters::default() };
    PortTable { dpid: switch.dpid, ports: switch.ports.iter().map(counters).collect() }
}

/// A second's traffic; some ports rest some of the time.
fn advance(table: &mut PortTable, switch: &Switch, round: u64) {
    for (counters, port) in table.ports.iter_mut().zip(&switch.ports) {
        let seed = switch.dpid.0 * 7 + u64::from(port.number) * 13;
        if !port.up || (round / 5 + seed).is_multiple_of(3) {
            continue;
        }
        let packets = 20 + (seed * 31 + round * round * 17) % 400;
        counters.rx_packets += packets;
        counters.rx_bytes += packets * 980;
        counters.tx_packets += packets * 2 / 3;
        counters.tx_bytes += packets * 610;
    }
}

/// What a learning switch would have installed.
fn learned(switch: &Switch, ports: &PortTable, hosts: &[Host], age: Duration) -> FlowTable {
    let mut flows = vec![Flow {
        table: 0,
        priority: 0,
        cookie: 0,
        matches: String::new(),
        actions: "CONTROLLER:65535".into(),
        packets: 12 + age.as_secs() / 9,
        bytes: 980,
        duration_s: age.as_secs_f64(),
        idle_timeout_s: 0,
        hard_timeout_s: 0,
    }];
    for (counters, pair) in ports.ports.iter().cycle().zip(hosts.windows(2)).take(12) {
        flows.push(Flow {
            table: 0,
            priority: 10,
            cookie: 0x1f,
            matches: format!("in_port={},dl_src={},dl_dst={}", counters.number, pair[0].mac, pair[1].mac),
            actions: format!("output:{}", counters.number % 3 + 1),
            packets: counters.rx_packets,
            bytes: counters.rx_bytes,
            duration_s: age.as_secs_f64(),
            idle_timeout_s: 60,
            hard_timeout_s: 0,
        });
    }
    FlowTable { dpid: switch.dpid, flows }
}
