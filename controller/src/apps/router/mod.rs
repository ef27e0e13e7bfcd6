//! Routes between subnets.

mod flows;
mod neighbours;
mod settings;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openflow::{Body, PacketInReason, PacketOut, PortNo};
use tokio::time::Instant;

use self::flows::Place;
use self::neighbours::{Ask, Due, Neighbours, Outcome};
pub use self::settings::Routers;
use self::settings::{Settings, Way};
use super::config::{Config, FileApp, Tables};
use super::file::FileError;
use crate::packet::icmp::{self, Ip, Trouble};
use crate::packet::out;
use crate::packet::resolution::{Resolution, Router as IsRouter, question};
use crate::{App, AppResult, Keeper, PacketIn, Switch, TimerId, Verdict};

/// A router for IPv4 and IPv6, on each switch for which the [`Routers`] of a file have one. What is sent to the router's
/// Ethernet address is routed by flows: to a neighbour in the subnet of an interface, or by the longest prefix. Everything
/// else goes on to the app behind, so that the hosts of a subnet reach each other as that app sees fit.
///
/// It answers for its own addresses (ARP, neighbour discovery, echo requests), asks for those of neighbours, keeps a few
/// packets meanwhile, and tells senders of packets whose time is over or that get nowhere (RFC 1812, RFC 4443), not more
/// than a hundred a second. It advertises nothing and takes no redirects: hosts have its address as their gateway's.
#[derive(Debug)]
pub struct Router {
    config: Config<Routers>,
    tables: Tables,
    keeper: Option<Keeper>,
    neighbours: Neighbours<PacketIn>,
    errors: Allowance,
}

impl Router {
    /// The router that the file has for the switch.
    pub fn new(config: Config<Routers>, tables: Tables) -> Router {
        let (neighbours, errors) = (Neighbours::default(), Allowance::default());
        Router { config, tables, keeper: None, neighbours, errors }
    }
}

impl FileApp for Router {
    type Settings = Routers;

    fn read(text: &str, path: &Path) -> Result<Routers, FileError> {
        Routers::from_toml(text, path)
    }

    fn make(config: Config<Routers>, tables: Tables) -> Router {
        Router::new(config, tables)
    }
}

/// How many errors a router tells: so many at once, and so many a second (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)).
#[derive(Debug)]
struct Allowance {
    left: f64,
    since: Option<Instant>,
}

const ERRORS: f64 = 100.0;

impl Default for Allowance {
    fn default() -> Self {
        Allowance { left: ERRORS, since: None }
    }
}

impl Allowance {
    /// Whether there is one more at this time.
    fn take(&mut self, now: Instant) -> bool {
        let passed = self.since.replace(now).map_or(Duration::ZERO, |since| now.duration_since(since));
        self.left = (self.left + passed.as_secs_f64() * ERRORS).min(ERRORS);
        let is_left = self.left >= 1.0;
        if is_left {
            self.left -= 1.0;
        }
        is_left
    }
}

impl App for Router {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.keeper = Some(Keeper::start(switch, self.desired(switch)?).await?);
        // Packets whose time is over are not sent to a controller unless it asks (OF 1.3.5 §7.3.10).
        let mut wanted = switch.async_config().await?;
        wanted.packet_in.master |= 1 << u8::from(PacketInReason::InvalidTtl);
        Ok(switch.send(Body::SetAsync(wanted))?)
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let config = self.config.get();
        let Some(router) = config.of(switch.id()) else { return Ok(Verdict::Pass) };
        if packet.table == self.tables.own {
            return self.heard(switch, router, packet);
        }
        if packet.table == self.tables.nth(1) {
            self.routed(switch, router, packet)?;
            return Ok(Verdict::Consume);
        }
        Ok(Verdict::Pass)
    }

    async fn timer(&mut self, switch: &Switch, timer: TimerId) -> AppResult {
        let config = self.config.get();
        let Some(router) = config.of(switch.id()) else { return Ok(()) };
        match self.neighbours.timer(timer) {
            Some(Due::Ask(ask)) => self.ask(switch, router, ask)?,
            Some(Due::Gone(waiting)) => {
                for packet in &waiting {
                    self.complain(switch, router, packet, Trouble::HostUnreachable)?;
                }
                self.hold(switch)?;
            }
            None => {}
        }
        Ok(())
    }

    async fn reload(&mut self, switch: &Switch) -> AppResult {
        let config = self.config.get();
        let router = config.of(switch.id());
        self.neighbours.retain(|address, interface| {
            let interface = router.and_then(|router| router.interfaces.get(interface));
            interface.is_some_and(|interface| interface.subnet_of(address).is_some())
        });
        if self.keeper.is_none() {
            // The switch had refused something.
            return self.ready(switch).await;
        }
        self.hold(switch)
    }
}

impl Router {
    fn desired(&self, switch: &Switch) -> AppResult<crate::Desired> {
        let config: Arc<Routers> = self.config.get();
        Ok(flows::desired(config.of(switch.id()), &self.neighbours.known(), self.tables)?)
    }

    /// Holds the switch to what follows from the neighbours as they are now.
    fn hold(&self, switch: &Switch) -> AppResult {
        if let Some(keeper) = &self.keeper {
            keeper.want(self.desired(switch)?);
        }
        Ok(())
    }

    /// Somebody asks for an address of ours, or tells its own.
    fn heard(&mut self, switch: &Switch, router: &Settings, packet: &PacketIn) -> AppResult<Verdict> {
        let (port, vlan) = (packet.in_port(), packet.ethernet().vlan);
        let Some(number) = router.interface_of(port, vlan) else { return Ok(Verdict::Pass) };
        let interface = &router.interfaces[number];
        let Some(said) = Resolution::read(packet) else { return Ok(Verdict::Pass) };
        let neighbour = said.claim.filter(|it| interface.subnet_of(*it).is_some() && !router.owns(*it));
        if let Some(address) = neighbour.filter(|_| !said.sender.is_multicast()) {
            let place = Place { mac: said.sender, port, vlan };
            if let Some(answer) = self.neighbours.answered(address, place) {
                self.neighbours.set_timer(address, switch.timer(answer.again));
                for waiting in answer.waiting {
                    self.send(switch, router, &waiting, &place)?;
                }
                if answer.is_news {
                    self.hold(switch)?;
                }
            }
        }
        if said.is_question() && interface.owns(said.target) {
            if let Some(answer) = said.answered(router.mac, IsRouter::Yes) {
                switch.packet_out(out(answer, vlan, &[port]))?;
            }
            return Ok(Verdict::Consume);
        }
        Ok(if said.is_question() { Verdict::Pass } else { Verdict::Consume })
    }

    /// A packet that no flow takes any further.
    fn routed(&mut self, switch: &Switch, router: &Settings, packet: &PacketIn) -> AppResult {
        let Some(ip) = Ip::read(packet) else { return Ok(()) };
        if router.owns(ip.dst) {
            return match icmp::echo_reply(packet, router.mac) {
                Some(reply) => self.reply(switch, router, packet, reply),
                None => self.complain(switch, router, packet, Trouble::PortUnreachable),
            };
        }
        let way = router.way(ip.dst);
        if ip.ttl <= 1 {
            return self.complain(switch, router, packet, Trouble::TimeExceeded);
        }
        let (interface, next) = match way {
            None => return self.complain(switch, router, packet, Trouble::NoRoute),
            Some(Way::Here { interface }) => (interface, ip.dst),
            Some(Way::Via { interface, router }) => (interface, router),
        };
        let subnet = router.interfaces[interface].subnet_of(next);
        if subnet.is_some_and(|subnet| subnet.is_broadcast(next)) {
            return Ok(());
        }
        match self.neighbours.want(next, interface, packet.clone()) {
            Outcome::Send(place) => self.send(switch, router, packet, &place),
            Outcome::Ask(ask) => self.ask(switch, router, ask),
            Outcome::Waits | Outcome::Full => Ok(()),
        }
    }

    /// Sends a packet on as the flow for it would.
    fn send(&self, switch: &Switch, router: &Settings, packet: &PacketIn, place: &Place) -> AppResult {
        let actions = flows::rewrite(router.mac, place, place.port);
        Ok(switch.packet_out(PacketOut::new(packet.data.clone(), actions))?)
    }

    /// Asks for a neighbour, and once more in a while.
    fn ask(&mut self, switch: &Switch, router: &Settings, ask: Ask) -> AppResult {
        let Ask { interface, address, at, again } = ask;
        self.neighbours.set_timer(address, switch.timer(again));
        let Some(interface) = router.interfaces.get(interface) else { return Ok(()) };
        let Some(own) = interface.subnet_of(address) else { return Ok(()) };
        let Some(frame) = question((router.mac, own.address()), address, at.map(|it| it.mac)) else {
            return Ok(());
        };
        let everywhere = if interface.ports.is_empty() { &[PortNo::FLOOD][..] } else { &interface.ports };
        let there = at.map(|place| [place.port]);
        let ports = there.as_ref().map_or(everywhere, |port| port);
        Ok(switch.packet_out(out(frame, interface.vlan, ports))?)
    }

    fn complain(
        &mut self,
        switch: &Switch,
        router: &Settings,
        packet: &PacketIn,
        trouble: Trouble,
    ) -> AppResult {
        let is_ipv4 = packet.ethernet().ethertype == crate::packet::IPV4;
        let own: Option<IpAddr> =
            came_by(router, packet).and_then(|number| router.interfaces[number].own(is_ipv4));
        let own = own.or_else(|| router.interfaces.iter().find_map(|interface| interface.own(is_ipv4)));
        let error = own.and_then(|own| icmp::error(packet, trouble, (router.mac, own)));
        match error {
            Some(error) if self.errors.take(Instant::now()) => self.reply(switch, router, packet, error),
            _ => Ok(()),
        }
    }

    /// Sends a frame back to where a packet came from.
    fn reply(&self, switch: &Switch, router: &Settings, packet: &PacketIn, frame: Bytes) -> AppResult {
        let Some(number) = came_by(router, packet) else { return Ok(()) };
        Ok(switch.packet_out(out(frame, router.interfaces[number].vlan, &[packet.in_port()]))?)
    }
}

/// The interface by which a packet came: the first table has written it down.
fn came_by(router: &Settings, packet: &PacketIn) -> Option<usize> {
    let metadata = packet.match_.get(openflow::oxm::FieldId::Metadata)?;
    let openflow::OxmField::Metadata(metadata) = metadata else { return None };
    let number = usize::try_from(metadata.value).ok()?.checked_sub(1)?;
    (number < router.interfaces.len()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_a_hundred_times_a_second() {
        let (mut errors, start) = (Allowance::default(), Instant::now());
        let told = |errors: &mut Allowance, at| (0..1000).filter(|_| errors.take(at)).count();
        assert_eq!(told(&mut errors, start), 100);
        assert_eq!(told(&mut errors, start + Duration::from_millis(100)), 10);
        assert_eq!(told(&mut errors, start + Duration::from_secs(3600)), 100);
    }
}
