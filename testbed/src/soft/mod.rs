//! The soft switch: [`openflow::pipeline`] with packet sockets for ports, in this process.
//!
//! All soft switches of a testbed share one packet socket and one thread that carries their packets
//! ([`datapath`]); each has a task for every controller ([`agent`]) and one that keeps its time.

mod agent;
mod datapath;
mod socket;
mod switch;
mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openflow::msg::port::{PortFeatures, PortState};
use openflow::multipart::Desc;
use openflow::{MacAddr, Port, PortNo, pipeline};
use rtnetlink::packet_route::link::LinkAttribute;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection;
use crate::construction::interface_index;
use crate::error::Error;
use crate::sandbox::NetNs;
use crate::topology::{FailMode, Node, Plan, PlannedSwitch, SwitchKind};
use crate::view::{LinkState, Snapshot};
use datapath::{Datapath, Ports, Route, Routes};
use socket::PacketSocket;
use switch::SoftSwitch;

/// What a veth says of its speed: 10 Gbit/s, in kbit/s.
const SPEED: u32 = 10_000_000;

/// The soft switches of a testbed. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct SoftSwitches {
    // Dropped in this order: who tells them what to do, then what carries.
    tasks: JoinSet<()>,
    _datapath: Datapath,
    /// By their place in the plan.
    switches: HashMap<usize, Arc<SoftSwitch>>,
    has_controllers: bool,
}

/// Switches without a controller.
#[derive(Debug, thiserror::Error)]
#[error("after {seconds} s still without a controller: {}", names.join(", "))]
struct NotConnected {
    names: Vec<String>,
    seconds: f64,
}

impl SoftSwitches {
    /// Sets those switches of the plan up that are to be soft, whose ports are there already.
    ///
    /// # Errors
    /// The kernel's, most of all where packet sockets are not allowed.
    pub(crate) async fn start(
        fabric: &NetNs,
        plan: &Plan,
        kinds: &[SwitchKind],
        fail_mode: FailMode,
        controllers: &[SocketAddr],
    ) -> Result<SoftSwitches, Error> {
        let now = Instant::now();
        let chosen = plan.switches.iter().enumerate().filter(|(i, _)| kinds[*i] == SwitchKind::Soft);
        let switches: HashMap<usize, Arc<SoftSwitch>> = chosen
            .map(|(i, planned)| {
                let mode = planned.fail_mode.unwrap_or(fail_mode);
                let switch = SoftSwitch::new(&planned.name, config(planned), mode, controllers.len(), now);
                (i, Arc::new(switch))
            })
            .collect();
        let addresses = addresses(fabric).await?;
        let mut interfaces: HashMap<usize, HashMap<PortNo, u32>> = HashMap::new();
        for (link, ends) in plan.links.iter().enumerate() {
            for (side, end) in ends.iter().enumerate() {
                let Node::Switch(i) = end.node else { continue };
                let Some(switch) = switches.get(&i) else { continue };
                let (index, number) = (interface_index(link, side), PortNo(end.port));
                let hw_addr = addresses.get(&index).copied().unwrap_or_default();
                switch.set_port(port(number, hw_addr, &end.kernel_name), now);
                interfaces.entry(i).or_default().insert(number, index);
            }
        }
        let opened = fabric.run(PacketSocket::open).await?;
        let socket = Arc::new(opened.map_err(Error::system("open", "a packet socket"))?);
        let mut tasks = JoinSet::new();
        let mut routes = Routes::new();
        for (i, switch) in &switches {
            let interfaces = Arc::new(interfaces.remove(i).unwrap_or_default());
            let ports = Ports { socket: Arc::clone(&socket), interfaces };
            for (port, index) in &*ports.interfaces {
                let route = Route { switch: Arc::clone(switch), port: *port, ports: ports.clone() };
                routes.insert(*index, route);
            }
            for address in controllers {
                tasks.spawn(agent::run(Arc::clone(switch), ports.clone(), fabric.clone(), *address));
            }
            let switch = Arc::clone(switch);
            tasks.spawn(async move { switch.keep_time().await });
        }
        let datapath = Datapath::start(socket, routes).map_err(Error::system("start", "the datapath"))?;
        let has_controllers = !controllers.is_empty();
        Ok(SoftSwitches { tasks, _datapath: datapath, switches, has_controllers })
    }

    /// Tells the switches of their links' changes from now on.
    pub(crate) fn follow(&mut self, plan: &Plan, mut view: watch::Receiver<Snapshot>) {
        let switches = self.switches.clone();
        let ends: Vec<[_; 2]> =
            plan.links.iter().map(|ends| ends.each_ref().map(|end| (end.node, PortNo(end.port)))).collect();
        self.tasks.spawn(async move {
            let mut known = vec![LinkState::Up; ends.len()];
            loop {
                let links = Arc::clone(&view.borrow_and_update().links);
                for ((known, link), ends) in known.iter_mut().zip(links.iter()).zip(&ends) {
                    if *known == link.state {
                        continue;
                    }
                    *known = link.state;
                    for (node, port) in ends {
                        let Node::Switch(i) = node else { continue };
                        let Some(switch) = switches.get(i) else { continue };
                        let down = link.state == LinkState::Down;
                        let change = |port: &mut Port| port.state.set(PortState::LINK_DOWN, down);
                        switch.change_port(*port, Instant::now(), change);
                    }
                }
                if view.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// Waits until every switch that is to have a controller has one.
    ///
    /// # Errors
    /// With those that have none when the time is over.
    pub(crate) async fn wait_connected(&self, timeout: Duration) -> Result<(), Error> {
        if !self.has_controllers {
            return Ok(());
        }
        let all = async {
            for switch in self.switches.values() {
                // The sender lives as long as the switch.
                let _ = switch.connected().wait_for(|count| *count > 0).await;
            }
        };
        if tokio::time::timeout(timeout, all).await.is_ok() {
            return Ok(());
        }
        let without = self.switches.values().filter(|switch| *switch.connected().borrow() == 0);
        let mut names: Vec<_> = without.map(|switch| switch.name.clone()).collect();
        names.sort();
        let error = NotConnected { names, seconds: timeout.as_secs_f64() };
        Err(Error::switch("not all are connected to their controller")(error))
    }

    /// Ends them.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
        // The thread is waited for, and the socket's end takes the kernel a grace period.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

fn config(planned: &PlannedSwitch) -> pipeline::Config {
    pipeline::Config {
        datapath_id: planned.dpid,
        desc: Desc {
            manufacturer: "Flowbed".try_into().unwrap_or_default(),
            hardware: "soft switch".try_into().unwrap_or_default(),
            software: env!("CARGO_PKG_VERSION").try_into().unwrap_or_default(),
            serial: "none".try_into().unwrap_or_default(),
            datapath: planned.name.as_str().try_into().unwrap_or_default(),
        },
        ..pipeline::Config::default()
    }
}

fn port(number: PortNo, hw_addr: MacAddr, name: &str) -> Port {
    let curr = PortFeatures::RATE_10GB_FD | PortFeatures::COPPER;
    // A kernel's name is one byte shorter than the field.
    let name = name.try_into().unwrap_or_default();
    Port { number, hw_addr, name, curr, curr_speed: SPEED, ..Port::default() }
}

/// The Ethernet addresses of a namespace's interfaces.
async fn addresses(fabric: &NetNs) -> Result<HashMap<u32, MacAddr>, Error> {
    let handle = connection::handle(fabric).await?;
    let interfaces = connection::interfaces(&handle).await.map_err(connection::answer);
    let interfaces = interfaces.map_err(Error::system("look at", "the switches' ports"))?;
    let address = |attribute: &LinkAttribute| match attribute {
        LinkAttribute::Address(bytes) => Some(MacAddr(*bytes.first_chunk()?)),
        _ => None,
    };
    let found = interfaces.iter().filter_map(|interface| {
        Some((interface.header.index, interface.attributes.iter().find_map(address)?))
    });
    Ok(found.collect())
}
