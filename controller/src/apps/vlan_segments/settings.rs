//! What a file says of VLANs, and the flows that follow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use openflow::oxm::VlanVid;
use openflow::{Action, Actions, DatapathId, FlowMod, Match, PortNo};
use serde::Deserialize;
use toml::Spanned;

use crate::apps::config::{REST, Tables};
use crate::apps::file::{self, Dpid, FileError, OrdinaryPort, Vlan};
use crate::packet::tagged;
use crate::{DeclareError, Desired};

/// To which VLANs ports belong, by switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments(BTreeMap<DatapathId, BTreeMap<PortNo, Member>>);

/// How a port belongs to VLANs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// To one, without tags.
    Access(u16),
    /// To several, with tags.
    Trunk(BTreeSet<u16>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    ports: Vec<Spanned<PortText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PortText {
    switch: Dpid,
    port: OrdinaryPort,
    access: Option<Vlan>,
    trunk: Option<Vec<Vlan>>,
}

/// Marks the flows of the first table and those of the second that stay, with the number of the first.
const COOKIE: u64 = 0xf10b_0000_0000_8100;
const ADMITTED: u16 = 0x7fff;

impl Segments {
    /// Reads segments from a file:
    ///
    /// ```toml
    /// [[ports]]
    /// switch = 1
    /// port = 1
    /// access = 10               # frames without a tag are of this VLAN; others are dropped
    ///
    /// [[ports]]
    /// switch = 1
    /// port = 4
    /// trunk = [10, 20]          # frames with these tags; others are dropped
    /// ```
    ///
    /// # Errors
    /// With the line, the column and what was expected there; also for a port that is told twice, or is both or neither.
    pub fn from_toml(text: &str, path: &Path) -> Result<Segments, FileError> {
        let document: Document = file::parse(text, path)?;
        let mut switches: BTreeMap<DatapathId, BTreeMap<PortNo, Member>> = BTreeMap::new();
        for port in document.ports {
            let (at, port) = (port.span().start, port.into_inner());
            let wrong = |what: String| Err(file::error_at(path, text, at, what));
            let member = match (port.access, port.trunk) {
                (Some(Vlan(id)), None) => Member::Access(id),
                (None, Some(ids)) => Member::Trunk(ids.into_iter().map(|Vlan(id)| id).collect()),
                _ => return wrong("a port has either `access` or `trunk`".to_owned()),
            };
            let (Dpid(switch), OrdinaryPort(number)) = (port.switch, port.port);
            if switches.entry(switch).or_default().insert(number, member).is_some() {
                return wrong(format!("port {number} of switch {switch} is told already"));
            }
        }
        Ok(Segments(switches))
    }

    /// What lets frames in to the second table, there all with a tag, and has those nobody knows come to the controller.
    pub(super) fn desired(&self, switch: DatapathId, tables: Tables) -> Result<Desired, DeclareError> {
        let mut desired = Desired::new(tables.owner(COOKIE));
        let flow = FlowMod::add().table(tables.own);
        desired.add_flow(flow.clone().priority(REST))?;
        let punt = FlowMod::add().table(tables.nth(1)).priority(0).apply([Action::controller()]);
        desired.add_flow(punt)?;
        for (port, member) in self.0.get(&switch).into_iter().flatten() {
            let from = Match::new().in_port(*port);
            let flow = flow.clone().priority(ADMITTED).goto_table(tables.nth(1));
            match member {
                Member::Access(id) => {
                    let flow = flow.matching(from.vlan_vid(VlanVid::NONE)).apply(tagged(Some(*id)));
                    desired.add_flow(flow)?;
                }
                Member::Trunk(ids) => {
                    for id in ids {
                        desired
                            .add_flow(flow.clone().matching(from.clone().vlan_vid(VlanVid::tagged(*id))))?;
                    }
                }
            }
        }
        Ok(desired)
    }

    /// Whether frames of a VLAN go out of a port with their tags, or without; `None` if not at all.
    fn out(&self, switch: DatapathId, port: PortNo, vlan: u16) -> Option<Tags> {
        match self.0.get(&switch)?.get(&port)? {
            Member::Access(id) => (*id == vlan).then_some(Tags::Off),
            Member::Trunk(ids) => ids.contains(&vlan).then_some(Tags::On),
        }
    }

    /// What takes a frame with its tag out of a port of its VLAN.
    pub(super) fn to(&self, switch: DatapathId, port: PortNo, vlan: u16) -> Option<Actions> {
        Some(match self.out(switch, port, vlan)? {
            Tags::On => [Action::output(port)].into(),
            Tags::Off => [Action::PopVlan, Action::output(port)].into(),
        })
    }

    /// What takes a frame with its tag out of all ports of its VLAN but the one where it came in.
    pub(super) fn to_all(&self, switch: DatapathId, in_port: PortNo, vlan: u16) -> Actions {
        let ports = self.0.get(&switch).into_iter().flat_map(BTreeMap::keys).copied();
        let others: Vec<PortNo> = ports.filter(|port| *port != in_port).collect();
        let with = |tags| others.iter().filter(move |port| self.out(switch, **port, vlan) == Some(tags));
        let mut actions: Actions = with(Tags::On).map(|port| Action::output(*port)).collect();
        // Once the tag is off it is off for all that follow.
        for (port, number) in with(Tags::Off).zip(0..) {
            if number == 0 {
                actions.push(Action::PopVlan);
            }
            actions.push(Action::output(*port));
        }
        actions
    }
}

/// Whether frames leave with their tags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tags {
    On,
    Off,
}

#[cfg(test)]
mod tests {
    use openflow::TableId;

    use super::*;

    fn read(text: &str) -> Result<Segments, FileError> {
        Segments::from_toml(text, Path::new("v.toml"))
    }

    const PORTS: &str = "ports = [\n  { switch = 1, port = 1, access = 10 },\n  { switch = 1, port = 2, access = 20 },\n  \
                         { switch = 1, port = 3, access = 10 },\n  { switch = 1, port = 4, trunk = [10, 20] },\n]\n";

    #[test]
    fn frames_come_in_with_a_tag_and_go_out_as_their_port_has_them() {
        let segments = read(PORTS).unwrap();
        let (one, tables) = (DatapathId(1), Tables { own: TableId(0), next: TableId(1) });
        let desired = segments.desired(one, tables).unwrap();
        let mut flows: Vec<String> =
            desired.flows().map(|flow| flow.to_string().replace("cookie=0xf10b000000008100,", "")).collect();
        flows.sort();
        let access = |port, id, vid| {
            format!(
                "priority=32767,in_port={port},vlan_tci=0x0000/0x1fff actions=push_vlan:0x8100,set_field:{vid}->vlan_vid,goto_table:1 {id}"
            )
        };
        assert_eq!(flows.len(), 1 + 1 + 3 + 2, "{flows:#?}");
        assert!(
            flows.contains(&"priority=32767,in_port=4,dl_vlan=20 actions=goto_table:1".to_owned()),
            "{flows:#?}"
        );
        assert!(flows.iter().any(|flow| access(2, "", 4116).trim_end() == flow), "{flows:#?}");
        let told = |in_port, vlan| segments.to_all(one, PortNo(in_port), vlan).to_string();
        assert_eq!(told(1, 10), "output:4,pop_vlan,output:3");
        assert_eq!(told(4, 10), "pop_vlan,output:1,output:3");
        assert_eq!(told(4, 30), "drop");
        assert_eq!(segments.to(one, PortNo(2), 10), None);
        assert_eq!(segments.to(one, PortNo(2), 20).unwrap().to_string(), "pop_vlan,output:2");
    }

    #[test]
    fn errors_point_at_the_place() {
        let cases = [
            (
                "ports = [\n  { switch = 1, port = 1 },\n]",
                "v.toml:2:3: a port has either `access` or `trunk`",
            ),
            (
                "ports = [\n  { switch = 1, port = 1, access = 5 },\n  { switch = 1, port = 1, trunk = [] },\n]",
                "v.toml:3:3: port 1 of switch 0000000000000001 is told already",
            ),
            (
                "[[ports]]\nswitch = 1\nport = 0\naccess = 5",
                "v.toml:3:8: a port's number is from 1 to 0xffffff00",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).unwrap_err().to_string(), expected);
        }
    }
}
