//! Answers for hosts that are known, so that nobody else has to hear the question.

use std::collections::HashSet;

use openflow::{Action, FlowMod, MacAddr, Match};

use super::config::{REST, Tables};
use crate::packet::resolution::{ROUTER_ADVERTISEMENT, Resolution, Router, SOLICITATION};
use crate::packet::{ARP, ICMPV6, IPV6, out};
use crate::{App, AppResult, DeclareError, Desired, Keeper, PacketIn, PortRef, Switch, Verdict};

/// A proxy for ARP (RFC 826) and IPv6's neighbour discovery (RFC 4861). Who asks for the address of a host that was heard
/// ([`Network::host_with`](crate::Network::host_with)) is answered by the controller; other questions go on to the app
/// behind, which floods them, and whoever answers is known from then on. Probes of an address before its use (RFC 5227,
/// RFC 4862 §5.4) are left to who has the address. Only the switch answers to which the asker is attached, so links between
/// switches must be looked for ([`Discovery::Every`](crate::Discovery::Every)).
#[derive(Debug)]
pub struct ArpProxy {
    tables: Tables,
    keeper: Option<Keeper>,
    /// Who has said that it is a router: hosts that hear otherwise would no longer send through it (RFC 4861 §7.2.5).
    routers: HashSet<MacAddr>,
}

/// Marks the flows of this app, with the number of their table.
const COOKIE: u64 = 0xf10b_0000_0000_a200;
const ASKED: u16 = 0x7fff;
/// Routers that are remembered.
const MOST_ROUTERS: usize = 1024;
const ARP_REQUEST: u16 = 1;

impl ArpProxy {
    /// The proxy in its table.
    pub fn new(tables: Tables) -> ArpProxy {
        ArpProxy { tables, keeper: None, routers: HashSet::new() }
    }
}

fn desired(tables: Tables) -> Result<Desired, DeclareError> {
    let mut desired = Desired::new(tables.owner(COOKIE));
    let icmpv6 = || Match::new().eth_type(IPV6).ip_proto(ICMPV6);
    let questions = [
        Match::new().eth_type(ARP).arp_op(ARP_REQUEST),
        icmpv6().icmpv6_type(SOLICITATION),
        icmpv6().icmpv6_type(ROUTER_ADVERTISEMENT),
    ];
    let flow = FlowMod::add().table(tables.own);
    for question in questions {
        desired.add_flow(flow.clone().priority(ASKED).matching(question).apply([Action::controller()]))?;
    }
    desired.add_flow(flow.priority(REST).goto_table(tables.next))?;
    Ok(desired)
}

impl App for ArpProxy {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.keeper = Some(Keeper::start(switch, desired(self.tables)?).await?);
        Ok(())
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        if packet.table != self.tables.own {
            return Ok(Verdict::Pass);
        }
        let ethernet = packet.ethernet();
        let Some(asked) = Resolution::read(packet).filter(Resolution::is_question) else {
            // A router advertises itself.
            if ethernet.ethertype == IPV6 && self.routers.len() < MOST_ROUTERS {
                self.routers.insert(ethernet.src);
            }
            return Ok(Verdict::Pass);
        };
        let is_use = asked.claim.is_some_and(|claim| claim != asked.target);
        let Some(host) = is_use.then(|| switch.network().host_with(asked.target)).flatten() else {
            return Ok(Verdict::Pass);
        };
        let asker = PortRef { switch: switch.id(), port: packet.in_port() };
        // An answer from here would make the switches between look for the host on this side of theirs.
        if switch.network().leads_on(asker) {
            return Ok(Verdict::Pass);
        }
        // Who is at the same port hears the question too.
        let Some(_) = host.attached.filter(|at| *at != asker) else { return Ok(Verdict::Pass) };
        let router = if self.routers.contains(&host.mac) { Router::Yes } else { Router::No };
        let Some(answer) = asked.answered(host.mac, router) else { return Ok(Verdict::Pass) };
        switch.packet_out(out(answer, ethernet.vlan, &[packet.in_port()]))?;
        Ok(Verdict::Consume)
    }
}
