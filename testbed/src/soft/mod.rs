//! The soft switch: [`openflow::pipeline`] with packet sockets for ports, in this process.
//!
//! All soft switches of a testbed share one packet socket and one thread that carries their packets
//! ([`datapath`]); each has a task for every controller ([`agent`]) and one that keeps its time. Switches and ports come
//! and go meanwhile.

mod agent;
mod datapath;
mod socket;
mod switch;
mod wire;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
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
use crate::topology::{FailMode, Node, Plan, PlannedEnd, PlannedSwitch};
use crate::view::{LinkState, Snapshot};
use datapath::{Datapath, Ports, Route, Routes};
pub(crate) use socket::{Came, Inbox, PacketSocket};
use switch::SoftSwitch;

/// What a veth says of its speed: 10 Gbit/s, in kbit/s.
const SPEED: u32 = 10_000_000;

/// The soft switches of a testbed. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct SoftSwitches {
    // Dropped in this order: who tells them what to do, then what carries.
    follower: JoinSet<()>,
    members: Arc<Members>,
    _datapath: Datapath,
    socket: Arc<PacketSocket>,
    routes: Arc<RwLock<Routes>>,
    fabric: NetNs,
    controllers: Vec<SocketAddr>,
    fail_mode: FailMode,
}

/// The switches that run, and what they are told of their links.
#[derive(Debug)]
struct Members {
    /// By their names.
    switches: Mutex<HashMap<String, Member>>,
    view: Arc<watch::Sender<Snapshot>>,
    /// The numbers of the links that have been seen up. A new one counts as up until then: it is, and the view does not
    /// know it yet.
    settled: Mutex<HashSet<usize>>,
}

/// A switch that runs.
#[derive(Debug)]
struct Member {
    // Dropped first: its controllers' connections, and what keeps its time.
    tasks: JoinSet<()>,
    switch: Arc<SoftSwitch>,
    ports: Ports,
}

/// Switches without a controller.
#[derive(Debug, thiserror::Error)]
#[error("after {seconds} s still without a controller: {}", names.join(", "))]
struct NotConnected {
    names: Vec<String>,
    seconds: f64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SoftSwitches {
    /// Starts what carries the packets of soft switches, of which there are none yet; `view` tells their links' states.
    ///
    /// # Errors
    /// The kernel's, most of all where packet sockets are not allowed.
    pub(crate) async fn start(
        fabric: &NetNs,
        fail_mode: FailMode,
        controllers: &[SocketAddr],
        view: &Arc<watch::Sender<Snapshot>>,
    ) -> Result<SoftSwitches, Error> {
        let opened = fabric.run(PacketSocket::open).await?;
        let socket = Arc::new(opened.map_err(Error::system("open", "a packet socket"))?);
        let routes = Arc::new(RwLock::new(Routes::new()));
        let datapath = Datapath::start(Arc::clone(&socket), Arc::clone(&routes))
            .map_err(Error::system("start", "the datapath"))?;
        let members = Arc::new(Members {
            switches: Mutex::default(),
            view: Arc::clone(view),
            settled: Mutex::default(),
        });
        let mut follower = JoinSet::new();
        follower.spawn(follow(Arc::clone(&members), view.subscribe()));
        let (fabric, controllers) = (fabric.clone(), controllers.to_vec());
        Ok(SoftSwitches {
            follower,
            members,
            _datapath: datapath,
            socket,
            routes,
            fabric,
            controllers,
            fail_mode,
        })
    }

    /// Sets these switches of a plan up, whose ports are there already.
    ///
    /// # Errors
    /// When the kernel does not tell the ports' addresses.
    pub(crate) async fn connect(&self, plan: &Plan, switches: &[usize]) -> Result<(), Error> {
        let now = Instant::now();
        let addresses = addresses(&self.fabric).await?;
        let mut chosen: HashMap<usize, Member> =
            switches.iter().map(|i| (*i, self.member(&plan.switches[*i], now))).collect();
        for link in &plan.links {
            for (side, end) in link.ends.iter().enumerate() {
                let Node::Switch(i) = end.node else { continue };
                if let Some(member) = chosen.get(&i) {
                    let index = interface_index(link.number, side);
                    self.add(member, end, index, addresses.get(&index).copied(), now);
                }
            }
        }
        let names: Vec<_> = chosen.values().map(|member| member.switch.name.clone()).collect();
        locked(&self.members.switches)
            .extend(chosen.drain().map(|(_, member)| (member.switch.name.clone(), member)));
        // Links may be down already, and the controllers are to see it so from the beginning.
        self.members.tell();
        let mut members = locked(&self.members.switches);
        for name in names {
            let Some(Member { tasks, switch, ports }) = members.get_mut(&name) else { continue };
            for address in &self.controllers {
                tasks.spawn(agent::run(Arc::clone(switch), ports.clone(), self.fabric.clone(), *address));
            }
            let switch = Arc::clone(switch);
            tasks.spawn(async move { switch.keep_time().await });
        }
        Ok(())
    }

    fn member(&self, planned: &PlannedSwitch, now: Instant) -> Member {
        let mode = planned.fail_mode.unwrap_or(self.fail_mode);
        let switch = SoftSwitch::new(&planned.name, config(planned), mode, self.controllers.len(), now);
        let ports = Ports { socket: Arc::clone(&self.socket), interfaces: Arc::default() };
        Member { tasks: JoinSet::new(), switch: Arc::new(switch), ports }
    }

    fn routes(&self, change: impl FnOnce(&mut Routes)) {
        change(&mut self.routes.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Gives a switch a port. Packets can leave by it once its controllers hear of it.
    fn add(&self, member: &Member, end: &PlannedEnd, index: u32, hw_addr: Option<MacAddr>, now: Instant) {
        let Member { switch, ports, .. } = member;
        let number = PortNo(end.port);
        ports.insert(number, index);
        switch.set_port(port(number, hw_addr.unwrap_or_default(), &end.kernel_name), now);
        let route = Route { switch: Arc::clone(switch), port: number, ports: ports.clone() };
        self.routes(|routes| drop(routes.insert(index, route)));
    }

    /// Ends these switches; those that do not run are no error.
    pub(crate) async fn disconnect(&self, names: &[&str]) {
        for name in names {
            let Some(mut member) = locked(&self.members.switches).remove(*name) else { continue };
            self.routes(|routes| routes.retain(|_, route| !Arc::ptr_eq(&route.switch, &member.switch)));
            member.tasks.shutdown().await;
        }
    }

    /// Makes an end of a link, the interface `index`, a port of its switch, if that runs. Its controllers are told.
    ///
    /// # Errors
    /// When the kernel does not tell the port's address.
    pub(crate) async fn add_port(&self, end: &PlannedEnd, index: u32) -> Result<(), Error> {
        let address = addresses(&self.fabric).await?.get(&index).copied();
        if let Some(member) = locked(&self.members.switches).get(&end.node_name) {
            self.add(member, end, index, address, Instant::now());
        }
        Ok(())
    }

    /// Undoes [`add_port`](Self::add_port).
    pub(crate) fn remove_port(&self, end: &PlannedEnd) {
        if let Some(Member { switch, ports, .. }) = locked(&self.members.switches).get(&end.node_name) {
            let number = PortNo(end.port);
            if let Some(index) = ports.remove(number) {
                self.routes(|routes| drop(routes.remove(&index)));
            }
            switch.remove_port(number);
        }
    }

    /// Waits until every switch that is to have a controller has one.
    ///
    /// # Errors
    /// With those that have none when the time is over.
    pub(crate) async fn wait_connected(&self, timeout: Duration) -> Result<(), Error> {
        if self.controllers.is_empty() {
            return Ok(());
        }
        let switches: Vec<_> =
            locked(&self.members.switches).values().map(|member| Arc::clone(&member.switch)).collect();
        let all = async {
            for switch in &switches {
                // The sender lives as long as the switch.
                let _ = switch.connected().wait_for(|count| *count > 0).await;
            }
        };
        if tokio::time::timeout(timeout, all).await.is_ok() {
            return Ok(());
        }
        let without = switches.iter().filter(|switch| *switch.connected().borrow() == 0);
        let mut names: Vec<_> = without.map(|switch| switch.name.clone()).collect();
        names.sort();
        let error = NotConnected { names, seconds: timeout.as_secs_f64() };
        Err(Error::switch("not all are connected to their controller")(error))
    }

    /// Ends them.
    pub(crate) async fn stop(mut self) {
        self.follower.shutdown().await;
        let members = std::mem::take(&mut *locked(&self.members.switches));
        for mut member in members.into_values() {
            member.tasks.shutdown().await;
        }
        // The thread is waited for, and the socket's end takes the kernel a grace period.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// Tells the switches of their links' changes, for ever.
async fn follow(members: Arc<Members>, mut view: watch::Receiver<Snapshot>) {
    while view.changed().await.is_ok() {
        members.tell();
    }
}

impl Members {
    /// Tells the switches how their links are now; their controllers hear what is new.
    fn tell(&self) {
        // Held to the end: who comes later knows more.
        let mut settled = locked(&self.settled);
        let links = Arc::clone(&self.view.borrow().links);
        *settled = links
            .iter()
            .filter(|link| link.state == LinkState::Up || settled.contains(&link.number))
            .map(|link| link.number)
            .collect();
        let (now, switches) = (Instant::now(), locked(&self.switches));
        for link in links.iter().filter(|link| settled.contains(&link.number)) {
            let down = link.state == LinkState::Down;
            for end in [&link.a, &link.b] {
                if let Some(Member { switch, .. }) = switches.get(&end.node) {
                    switch.change_port(PortNo(end.port), now, |port| {
                        port.state.set(PortState::LINK_DOWN, down);
                    });
                }
            }
        }
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
