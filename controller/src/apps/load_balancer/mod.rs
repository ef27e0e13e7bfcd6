//! Spreads connections to one address over several hosts.

mod flows;
mod settings;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use openflow::{MacAddr, PortNo};

use self::flows::Known;
pub use self::settings::Services;
use super::config::{Config, FileApp, Tables};
use super::file::FileError;
use crate::packet::icmp::{self, Trouble};
use crate::packet::out;
use crate::packet::resolution::{Resolution, Router, question};
use crate::{App, AppResult, Desired, Keeper, NetworkEvent, PacketIn, PortRef, Switch, TimerId, Verdict};

/// A load balancer for the [`Services`] of a file. A connection to a service goes to one of its backends, chosen by the
/// switch (a select group, by weights), and what is answered comes from the service's address. Nothing is remembered: the
/// choice follows from addresses and ports, so it may change for running connections when backends come or go.
///
/// Backends are asked for, and known once they answer, as long as their port is up. The app behind forwards what they
/// answer, so it hears who asks for a service. A backend cannot be reached past the service at the ports where it serves.
/// Links between switches must be looked for ([`Discovery::Every`](crate::Discovery::Every)).
#[derive(Debug)]
pub struct LoadBalancer {
    config: Config<Services>,
    tables: Tables,
    keeper: Option<Keeper>,
    /// When backends are asked for next.
    next: Option<TimerId>,
}

/// Backends that are not known are asked for so often, and the others not to be forgotten.
const ASK: Duration = Duration::from_secs(5);

impl LoadBalancer {
    /// A balancer for these services.
    pub fn new(config: Config<Services>, tables: Tables) -> LoadBalancer {
        LoadBalancer { config, tables, keeper: None, next: None }
    }

    fn desired(&self, switch: &Switch) -> AppResult<Desired> {
        let services = self.config.get();
        let backends = services.0.iter().flat_map(|service| &service.backends).map(|backend| backend.address);
        let known: Known =
            backends.filter_map(|address| Some((address, reached(switch, address)?))).collect();
        Ok(flows::desired(&services, &known, self.tables)?)
    }

    fn hold(&self, switch: &Switch) -> AppResult {
        if let Some(keeper) = &self.keeper {
            keeper.want(self.desired(switch)?);
        }
        Ok(())
    }

    /// Asks for all backends: those at this switch, and out of all its ports that lead to no other switch for those that
    /// are not known.
    fn ask(&mut self, switch: &Switch) -> AppResult {
        self.next = Some(switch.timer(ASK));
        let network = switch.network();
        let edge = |port: PortNo| !network.leads_on(PortRef { switch: switch.id(), port });
        let ports: Vec<PortNo> = switch
            .ports()
            .iter()
            .filter(|port| port.number.is_ordinary() && port.is_up() && edge(port.number))
            .map(|port| port.number)
            .collect();
        for service in &self.config.get().0 {
            let asker = (service.mac, service.address);
            for backend in &service.backends {
                let host = network.host_with(backend.address);
                let at = host.as_ref().and_then(|host| host.attached);
                let (of, ports) = match at {
                    Some(at) if at.switch == switch.id() => (host.map(|host| host.mac), &[at.port][..]),
                    Some(_) => continue,
                    None => (None, &ports[..]),
                };
                if let Some(frame) = question(asker, backend.address, of).filter(|_| !ports.is_empty()) {
                    switch.packet_out(out(frame, None, ports))?;
                }
            }
        }
        Ok(())
    }

    /// Somebody asks for a service's address, or a backend answers.
    fn heard(&self, switch: &Switch, packet: &PacketIn, said: &Resolution) -> AppResult<Verdict> {
        if !said.is_question() {
            // The network view has taken note; other switches hear of it, too.
            self.hold(switch)?;
            return Ok(Verdict::Consume);
        }
        let services = self.config.get();
        let asker = PortRef { switch: switch.id(), port: packet.in_port() };
        let service = services.0.iter().find(|service| service.address == said.target);
        let Some(service) = service.filter(|_| !switch.network().leads_on(asker)) else {
            return Ok(Verdict::Pass);
        };
        if let Some(answer) = said.answered(service.mac, Router::No) {
            switch.packet_out(out(answer, packet.ethernet().vlan, &[asker.port]))?;
        }
        // The app behind is to learn where the asker is.
        Ok(Verdict::Pass)
    }

    /// A packet to a service's address that no backend gets.
    fn unserved(&self, switch: &Switch, packet: &PacketIn, ip: &icmp::Ip) -> AppResult {
        let services = self.config.get();
        let Some(service) = services.0.iter().find(|service| service.address == ip.dst) else {
            return Ok(());
        };
        let own = (service.mac, service.address);
        let reply = icmp::echo_reply(packet, service.mac);
        let Some(reply) = reply.or_else(|| icmp::error(packet, Trouble::PortUnreachable, own)) else {
            return Ok(());
        };
        Ok(switch.packet_out(out(reply, packet.ethernet().vlan, &[packet.in_port()]))?)
    }
}

/// How this switch reaches the host with an address.
fn reached(switch: &Switch, address: IpAddr) -> Option<(MacAddr, PortNo)> {
    let host = switch.network().host_with(address)?;
    let at = host.attached?;
    let port = match at.switch == switch.id() {
        true => at.port,
        false => switch.network().topology().next_port(switch.id(), at.switch)?,
    };
    Some((host.mac, port))
}

impl FileApp for LoadBalancer {
    type Settings = Services;
    const NEEDS_LINKS: bool = true;

    fn read(text: &str, path: &Path) -> Result<Services, FileError> {
        Services::from_toml(text, path)
    }

    fn make(config: Config<Services>, tables: Tables) -> LoadBalancer {
        LoadBalancer::new(config, tables)
    }
}

impl App for LoadBalancer {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.keeper = Some(Keeper::start(switch, self.desired(switch)?).await?);
        self.ask(switch)
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        if packet.table != self.tables.own {
            return Ok(Verdict::Pass);
        }
        if let Some(said) = Resolution::read(packet) {
            return self.heard(switch, packet, &said);
        }
        if let Some(ip) = icmp::Ip::read(packet) {
            self.unserved(switch, packet, &ip)?;
            return Ok(Verdict::Consume);
        }
        Ok(Verdict::Pass)
    }

    async fn timer(&mut self, switch: &Switch, timer: TimerId) -> AppResult {
        if self.next == Some(timer) {
            self.ask(switch)?;
        }
        Ok(())
    }

    async fn network(&mut self, switch: &Switch, _: &NetworkEvent) -> AppResult {
        self.hold(switch)
    }

    async fn reload(&mut self, switch: &Switch) -> AppResult {
        if self.keeper.is_none() {
            // The switch had refused something.
            return self.ready(switch).await;
        }
        self.hold(switch)?;
        self.ask(switch)
    }
}
