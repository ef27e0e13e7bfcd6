//! From what a controller and a testbed know to what a browser sees: one way, [`run`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use controller::PortRef;
use openflow::DatapathId;
use tokio::sync::watch;

use crate::feed::Publisher;
use crate::{counters, view};

/// Where the page's data comes from.
#[derive(Debug)]
pub struct Sources {
    /// What the network is called on the page.
    pub name: String,
    /// Who is in charge.
    pub control: Option<view::Controller>,
    /// Our own controller, if it is; flow tables and counters come through it.
    pub controller: Option<controller::Controller>,
    /// The emulated network, if there is one: it knows names, links and addresses for certain.
    pub testbed: Option<watch::Receiver<testbed::Snapshot>>,
}

/// Changes that come at once are published at once, no more often than this.
const SETTLE: Duration = Duration::from_millis(100);

/// Publishes the network as it is, before it returns, so that the first request finds it. The future publishes
/// what changes, until it is dropped.
pub fn run(sources: Sources, publisher: Publisher) -> impl Future<Output = ()> + Send {
    publisher.network(sources.network());
    async move {
        let counted = async {
            if let Some(controller) = &sources.controller {
                counters::publish(controller, &publisher).await;
            }
        };
        tokio::join!(publish_network(&sources, &publisher), counted);
    }
}

async fn publish_network(sources: &Sources, publisher: &Publisher) {
    let mut discovered = sources.controller.as_ref().map(|controller| controller.network().changes());
    let mut emulated = sources.testbed.clone();
    loop {
        publisher.network(sources.network());
        tokio::time::sleep(SETTLE).await;
        tokio::select! {
            () = changed(&mut discovered) => {}
            () = changed(&mut emulated) => {}
        }
    }
}

/// Waits for the next change; for ever where there is no source, or it has ended.
async fn changed<T>(source: &mut Option<watch::Receiver<T>>) {
    if let Some(receiver) = source
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

impl Sources {
    /// The network now.
    fn network(&self) -> view::Network {
        let seen = self.controller.as_ref().map(|c| c.network().snapshot()).unwrap_or_default();
        let (switches, hosts, links) = match &self.testbed {
            Some(testbed) => emulated(&testbed.borrow(), &seen),
            None => discovered(&seen),
        };
        view::Network { name: self.name.clone(), controller: self.control.clone(), switches, hosts, links }
    }
}

type Parts = (Vec<view::Switch>, Vec<view::Host>, Vec<view::Link>);

/// A network of ours: the testbed says what there is, the controller who is connected and which further addresses
/// hosts were heard to use.
fn emulated(testbed: &testbed::Snapshot, seen: &controller::Snapshot) -> Parts {
    let connected: HashMap<DatapathId, &controller::SwitchInfo> =
        seen.switches.iter().map(|s| (s.id, s)).collect();
    let switches = testbed.switches.iter().map(|switch| {
        let info = connected.get(&switch.dpid);
        let port = |port: &testbed::PortView| {
            let reported = info.and_then(|info| info.ports.iter().find(|p| p.number.0 == port.number));
            view::Port {
                number: port.number,
                name: port.name.clone(),
                mac: reported.map(|port| port.hw_addr.to_string()).unwrap_or_default(),
                up: testbed.links[port.link].state == testbed::LinkState::Up,
            }
        };
        let mut ports: Vec<_> = switch.ports.iter().map(port).collect();
        ports.sort_by_key(|port| port.number);
        view::Switch {
            name: switch.name.clone(),
            dpid: view::Dpid(switch.dpid.0),
            connected: info.is_some(),
            kind: kind(switch.kind),
            ports,
        }
    });
    let hosts = testbed.hosts.iter().map(|host| {
        let mac = host.interfaces.first().map(|interface| interface.mac);
        let heard = seen.hosts.iter().filter(|heard| host.interfaces.iter().any(|own| own.mac == heard.mac));
        let heard_v6 = heard.flat_map(|heard| &heard.addresses).filter(|address| address.is_ipv6());
        view::Host {
            name: host.name.clone(),
            mac: mac.map(|mac| mac.to_string()).unwrap_or_default(),
            ipv4: host.interfaces.iter().filter_map(|own| Some(own.ipv4?.address.to_string())).collect(),
            ipv6: heard_v6.map(ToString::to_string).collect(),
            attached: host.interfaces.first().and_then(|own| attachment(testbed, own.link)),
        }
    });
    let links = testbed.links.iter().map(|link| view::Link {
        id: link_id(link),
        a: end(testbed, &link.a),
        b: end(testbed, &link.b),
        state: match link.state {
            testbed::LinkState::Up => view::LinkState::Up,
            testbed::LinkState::Down => view::LinkState::Down,
        },
        controllable: true,
    });
    (switches.collect(), hosts.collect(), links.collect())
}

/// How a link of an emulated network is called on the page and in the REST API.
pub fn link_id(link: &testbed::LinkView) -> String {
    format!("{}--{}", link.a.interface, link.b.interface)
}

fn kind(kind: testbed::SwitchKind) -> view::SwitchKind {
    match kind {
        testbed::SwitchKind::Ovs | testbed::SwitchKind::Auto => view::SwitchKind::Ovs,
        testbed::SwitchKind::Soft => view::SwitchKind::Soft,
        testbed::SwitchKind::Bridge => view::SwitchKind::Bridge,
    }
}

fn is_switch(testbed: &testbed::Snapshot, node: &str) -> bool {
    testbed.switches.iter().any(|switch| switch.name == node)
}

/// The switch's end of a link.
fn attachment(testbed: &testbed::Snapshot, link: usize) -> Option<view::Attachment> {
    let link = &testbed.links[link];
    let end = [&link.a, &link.b].into_iter().find(|end| is_switch(testbed, &end.node))?;
    Some(view::Attachment { switch: end.node.clone(), port: end.port })
}

fn end(testbed: &testbed::Snapshot, end: &testbed::EndView) -> view::End {
    view::End {
        node: end.node.clone(),
        port: is_switch(testbed, &end.node).then_some(end.port),
        interface: end.interface.clone(),
    }
}

/// A network that only the controller knows.
fn discovered(seen: &controller::Snapshot) -> Parts {
    let switches = seen.switches.iter().map(|switch| view::Switch {
        name: switch_name(switch.id),
        dpid: view::Dpid(switch.id.0),
        connected: true,
        kind: view::SwitchKind::External,
        ports: switch
            .ports
            .iter()
            .map(|port| view::Port {
                number: port.number.0,
                name: port.name.to_string(),
                mac: port.hw_addr.to_string(),
                up: port.is_up(),
            })
            .collect(),
    });
    let hosts = seen.hosts.iter().map(|host| {
        let of = |wanted: fn(&IpAddr) -> bool| {
            host.addresses.iter().filter(|a| wanted(a)).map(ToString::to_string).collect()
        };
        view::Host {
            name: host.mac.to_string(),
            mac: host.mac.to_string(),
            ipv4: of(IpAddr::is_ipv4),
            ipv6: of(IpAddr::is_ipv6),
            attached: host
                .attached
                .map(|at| view::Attachment { switch: switch_name(at.switch), port: at.port.0 }),
        }
    });
    let between =
        seen.links.iter().map(|link| discovered_link(switch_end(seen, link.a), switch_end(seen, link.b)));
    let to_hosts = seen.hosts.iter().filter_map(|host| {
        let far = view::End { node: host.mac.to_string(), port: None, interface: String::new() };
        Some(discovered_link(switch_end(seen, host.attached?), far))
    });
    (switches.collect(), hosts.collect(), between.chain(to_hosts).collect())
}

/// What is not known to be gone is up: a link that is cut is not discovered any more.
fn discovered_link(a: view::End, b: view::End) -> view::Link {
    let word = |end: &view::End| match end.port {
        Some(port) => format!("{}:{port}", end.node),
        None => end.node.clone(),
    };
    view::Link {
        id: format!("{}--{}", word(&a), word(&b)),
        a,
        b,
        state: view::LinkState::Up,
        controllable: false,
    }
}

fn switch_end(seen: &controller::Snapshot, at: PortRef) -> view::End {
    let switch = seen.switches.iter().find(|switch| switch.id == at.switch);
    let port = switch.and_then(|switch| switch.ports.iter().find(|port| port.number == at.port));
    view::End {
        node: switch_name(at.switch),
        port: Some(at.port.0),
        interface: port.map(|port| port.name.to_string()).unwrap_or_default(),
    }
}

/// A switch that we know only by its datapath id.
fn switch_name(id: DatapathId) -> String {
    format!("{:#x}", id.0)
}
