//! Hides hosts behind an address (masquerade), by Open vSwitch's connection tracker.

use std::net::IpAddr;
use std::path::Path;

use openflow::nicira::{Conntrack, Nat as Translation, NatAddresses, NatKind, NxAction, Zone};
use openflow::{Action, DatapathId, FlowMod, Match, PortNo};
use serde::Deserialize;
use toml::Spanned;

use super::config::{REST, Tables};
use super::file::{self, Dpid, FileError, OrdinaryPort, Word};
use super::kept::{Kept, Rules};
use crate::prefix::Prefix;
use crate::{DeclareError, Desired, Network};

/// Network address translation, as the [`Nats`] of a file have it: what hosts inside send to the outside goes under another
/// address, and what is answered comes back to them. It stands before an app that routes or forwards; a
/// [`Router`](super::Router) behind it may have the address as its own. Open vSwitch alone can do it (`ovs-actions(7)`, `ct`
/// and `nat`): another switch refuses the flows, which is logged, and translates nothing.
pub type Nat = Kept<Nats>;

/// What is hidden behind which address.
#[derive(Clone, Debug, PartialEq)]
pub struct Nats(Vec<Hidden>);

#[derive(Clone, Debug, PartialEq)]
struct Hidden {
    switch: DatapathId,
    outside: Vec<PortNo>,
    inside: Vec<Prefix>,
    address: IpAddr,
    ports: (u16, u16),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    nats: Vec<NatText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NatText {
    switch: Dpid,
    outside: Spanned<Vec<OrdinaryPort>>,
    inside: Vec<Spanned<Word<Prefix>>>,
    address: Spanned<Word<IpAddr>>,
    ports: Option<Spanned<[u16; 2]>>,
}

/// Marks the flows of this app, with the number of their table.
const COOKIE: u64 = 0xf10b_0000_0000_a700;
/// What comes back, what stays inside, what goes out, and the rest.
const BACK: u16 = 0x7fff;
const STAYS: u16 = 0x7ffe;
const OUT: u16 = 0x7ffd;
/// Blocks inside: each stays inside with each other, which takes a flow.
const MOST_INSIDE: usize = 32;
/// Zones of the connection tracker begin here, one for each translation.
const FIRST_ZONE: u16 = 0xf100;
const MOST: usize = 128;

impl Rules for Nats {
    /// Reads translations from a file:
    ///
    /// ```toml
    /// [[nats]]
    /// switch = 1
    /// outside = [3]                 # ports that lead outside
    /// inside = ["10.0.1.0/24"]      # sources that are hidden; what they send to each other is left as it is
    /// address = "203.0.113.1"       # behind this one
    /// ports = [1024, 65535]         # of TCP and UDP: the first and the last; these, if it is left out
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for addresses of two families, and for too many of
    /// something.
    fn from_toml(text: &str, path: &Path) -> Result<Nats, FileError> {
        let document: Document = file::parse(text, path)?;
        let wrong =
            |span: std::ops::Range<usize>, what: String| Err(file::error_at(path, text, span.start, what));
        let mut nats = Vec::new();
        for nat in &document.nats {
            let Dpid(switch) = nat.switch;
            let Word(address) = *nat.address.get_ref();
            if nats.len() >= MOST {
                return wrong(nat.address.span(), format!("there are more than {MOST} translations"));
            }
            if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
                return wrong(nat.address.span(), format!("{address} is no address of a single node"));
            }
            if nats.iter().any(|other: &Hidden| (other.switch, other.address) == (switch, address)) {
                return wrong(nat.address.span(), format!("{address} hides others on this switch already"));
            }
            let outside: Vec<PortNo> = nat.outside.get_ref().iter().map(|OrdinaryPort(port)| *port).collect();
            if outside.is_empty() {
                return wrong(nat.outside.span(), "at least one port leads outside".to_owned());
            }
            let mut inside = Vec::new();
            for block in &nat.inside {
                let Word(prefix) = *block.get_ref();
                if prefix.address().is_ipv4() != address.is_ipv4() {
                    return wrong(block.span(), format!("{prefix} is not of the same family as {address}"));
                }
                if prefix.network() != prefix {
                    let what = format!("{prefix} has bits behind its length; {} has not", prefix.network());
                    return wrong(block.span(), what);
                }
                if inside.len() >= MOST_INSIDE {
                    return wrong(block.span(), format!("there are more than {MOST_INSIDE} blocks"));
                }
                inside.push(prefix);
            }
            let ports = match &nat.ports {
                Some(ports) => match *ports.get_ref() {
                    [first, last] if 0 < first && first <= last => (first, last),
                    _ => {
                        return wrong(
                            ports.span(),
                            "expected the first and the last of ports from 1".to_owned(),
                        );
                    }
                },
                None => (1024, u16::MAX),
            };
            nats.push(Hidden { switch, outside, inside, address, ports });
        }
        Ok(Nats(nats))
    }

    fn desired(&self, switch: DatapathId, _: &Network, tables: Tables) -> Result<Desired, DeclareError> {
        let mut desired = Desired::new(tables.owner(COOKIE));
        let flow = FlowMod::add().table(tables.own);
        desired.add_flow(flow.clone().priority(REST).goto_table(tables.next))?;
        let here = self.0.iter().zip(FIRST_ZONE..).filter(|(nat, _)| nat.switch == switch);
        for (nat, zone) in here {
            let tracked = |commit, translation| {
                Action::from(NxAction::Conntrack(Conntrack {
                    commit,
                    zone: Zone::Number(zone),
                    table: Some(tables.next),
                    actions: [NxAction::Nat(translation).into()].into(),
                    ..Conntrack::default()
                }))
            };
            let known = tracked(false, Translation::default());
            for port in &nat.outside {
                let answers = Prefix::from(nat.address).as_destination(Match::new().in_port(*port));
                desired.add_flow(flow.clone().priority(BACK).matching(answers).apply([known.clone()]))?;
            }
            let begun = tracked(true, nat.translation());
            for from in &nat.inside {
                let sent = from.as_source(Match::new());
                desired.add_flow(flow.clone().priority(OUT).matching(sent.clone()).apply([begun.clone()]))?;
                for to in &nat.inside {
                    let stays = to.as_destination(sent.clone());
                    desired.add_flow(flow.clone().priority(STAYS).matching(stays).goto_table(tables.next))?;
                }
            }
        }
        Ok(desired)
    }
}

impl Hidden {
    fn translation(&self) -> Translation {
        let addresses = match self.address {
            IpAddr::V4(address) => NatAddresses::V4(address, None),
            IpAddr::V6(address) => NatAddresses::V6(address, None),
        };
        let (first, last) = self.ports;
        Translation {
            kind: Some(NatKind::Source),
            addresses,
            ports: Some((first, (last != first).then_some(last))),
            ..Translation::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use openflow::TableId;

    use super::*;

    fn read(text: &str) -> Result<Nats, FileError> {
        Nats::from_toml(text, Path::new("n.toml"))
    }

    const NAT: &str =
        "[[nats]]\nswitch = 1\noutside = [3]\ninside = [\"10.0.1.0/24\"]\naddress = \"203.0.113.1\"\n";

    #[test]
    fn what_goes_out_is_tracked_and_what_stays_is_not() {
        let tables = Tables { own: TableId(0), next: TableId(1) };
        let nats = read(&format!("{NAT}ports = [5000, 5999]\n")).unwrap();
        let desired = nats.desired(DatapathId(1), &Network::new(), tables).unwrap();
        let mut flows: Vec<String> =
            desired.flows().map(|flow| flow.to_string().replace("cookie=0xf10b00000000a700,", "")).collect();
        flows.sort();
        assert_eq!(
            flows,
            [
                "priority=28671 actions=goto_table:1",
                "priority=32765,ip,nw_src=10.0.1.0/24 \
                 actions=ct(commit,table=1,zone=61696,nat(src=203.0.113.1:5000-5999))",
                "priority=32766,ip,nw_src=10.0.1.0/24,nw_dst=10.0.1.0/24 actions=goto_table:1",
                "priority=32767,ip,in_port=3,nw_dst=203.0.113.1 actions=ct(table=1,zone=61696,nat)",
            ]
        );
    }

    #[test]
    fn errors_point_at_the_place() {
        let cases = [
            (format!("{NAT}{NAT}"), "n.toml:10:11: 203.0.113.1 hides others on this switch already"),
            (NAT.replace("[3]", "[]"), "n.toml:3:11: at least one port leads outside"),
            (
                NAT.replace("1.0/24", "1.7/24"),
                "n.toml:4:11: 10.0.1.7/24 has bits behind its length; 10.0.1.0/24 has not",
            ),
            (
                NAT.replace("203.0.113.1", "fd00::1"),
                "n.toml:4:11: 10.0.1.0/24 is not of the same family as fd00::1",
            ),
            (format!("{NAT}ports = [9, 3]\n"), "n.toml:6:9: expected the first and the last of ports from 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&text).unwrap_err().to_string(), expected);
        }
    }
}
