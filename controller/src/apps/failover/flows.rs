//! The flows and groups of fast failover: a pure function of links and hosts.

use std::collections::BTreeMap;

use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::{Action, DatapathId, FlowMod, GroupId, Match, PortNo};

use crate::apps::Tables;

use crate::{DeclareError, Desired, Host, Topology, Ways};

/// Marks the flows of this app, with the number of its first table.
const COOKIE: u64 = 0xf10b_0000_0000_ff00;
/// Numbers of groups: those of one table, above those that people give. Each switch has three.
const FIRST_GROUP: u32 = 0xf200_0000;
const GROUPS: u32 = 0x1_0000;
const SWITCHES: u32 = GROUPS / 4;
/// In the first table: a host, and whoever is not known. In the second: what comes on the second tree, what comes by the
/// port of the second way, everything else.
const HOST: u16 = 10;
const UNKNOWN: u16 = 0;
const ON_SECOND: u16 = 12;
const BACK: u16 = 11;
const ON_FIRST: u16 = 10;

/// All that a switch is to have. The first table tells by the address to which switch a packet goes, the second one by which
/// way.
pub(super) fn desired(
    switch: DatapathId,
    topology: &Topology,
    hosts: &[Host],
    tables: Tables,
) -> Result<Desired, DeclareError> {
    let first = FIRST_GROUP + u32::from(tables.own.0) * GROUPS;
    let owner = tables.owner(COOKIE).groups(first..=first + GROUPS - 1);
    let mut desired = Desired::new(owner);
    let flow = FlowMod::add().table(tables.own);
    desired.add_flow(flow.clone().priority(UNKNOWN).apply([Action::controller()]))?;
    for host in hosts {
        let Some(at) = host.attached else { continue };
        let flow = flow.clone().priority(HOST).matching(Match::new().eth_dst(host.mac));
        desired.add_flow(match at.switch == switch {
            true => flow.apply([Action::output(at.port)]),
            false => flow.write_metadata(at.switch.0, u64::MAX).goto_table(tables.nth(1)),
        })?;
    }
    let mut taken = BTreeMap::new();
    for (to, trees) in topology.trees() {
        let Some(ways) = trees.ways(switch) else { continue };
        // By the datapath id, so that groups keep their numbers when other switches come and go.
        let mut number = (to.0 % u64::from(SWITCHES)) as u32;
        while taken.contains_key(&number) && taken.len() < SWITCHES as usize {
            number = (number + 1) % SWITCHES;
        }
        if taken.insert(number, ()).is_some() {
            break;
        }
        let group = |which: u32| GroupId(first + number * 4 + which);
        for (which, buckets) in buckets(ways).into_iter().enumerate() {
            let kind = GroupKind::FastFailover;
            desired.add_group(GroupMod::add(kind, group(which as u32), buckets))?;
        }
        let flow = FlowMod::add().table(tables.nth(1));
        let flow = |priority, matching: Match, which| {
            let matching = matching.metadata(to.0);
            flow.clone().priority(priority).matching(matching).apply([Action::Group(group(which))])
        };
        desired.add_flow(flow(ON_FIRST, Match::new(), 0))?;
        desired.add_flow(flow(BACK, Match::new().in_port(ways.second.from.port), 1))?;
        for port in trees.second_arrives(switch) {
            desired.add_flow(flow(ON_SECOND, Match::new().in_port(port), 2))?;
        }
    }
    Ok(desired)
}

/// What a packet on the first tree takes, what it takes when it has come by the port of the second way, and what one on the
/// second tree takes.
fn buckets(ways: Ways) -> [Vec<Bucket>; 3] {
    let (first, second) = (ways.first.from.port, ways.second.from.port);
    let out = |watched, port| Bucket::new([Action::output(port)]).watch_port(watched);
    [
        vec![out(first, first), out(second, second)],
        // A packet is sent out where it came in only if that is said (OF 1.3.5 §7.2.5).
        vec![out(first, first), out(second, PortNo::IN_PORT)],
        vec![out(second, second)],
    ]
}

#[cfg(test)]
mod tests {
    use openflow::{MacAddr, TableId};

    use super::*;
    use crate::{Link, PortRef};

    #[test]
    fn a_ring_is_led_around_either_way() {
        let at = |switch, port| PortRef { switch: DatapathId(switch), port: PortNo(port) };
        // Port 2 leads to the next switch, port 3 to the one before.
        let links = [(1, 2), (2, 3), (3, 1)].map(|(a, b)| Link::new(at(a, 2), at(b, 3)));
        let topology = Topology::new([], links);
        let host = |last, switch| Host {
            mac: MacAddr([2, 0, 0, 0, 0, last]),
            addresses: Vec::new(),
            attached: Some(at(switch, 1)),
        };
        let hosts = [host(1, 1), host(2, 2)];
        let tables = Tables { own: TableId(0), next: TableId(1) };
        let desired = desired(DatapathId(1), &topology, &hosts, tables).unwrap();
        let mut flows: Vec<String> =
            desired.flows().map(|flow| flow.to_string().replace("cookie=0xf10b00000000ff00,", "")).collect();
        flows.sort();
        // First ways go round the ring in one direction, second ones in the other: to 2 over 3, or at once.
        let group = |to: u32, which: u32| FIRST_GROUP + 4 * to + which;
        for flow in [
            format!("table=1,priority=10,metadata=0x2 actions=group:{}", group(2, 0)),
            format!("table=1,priority=11,metadata=0x2,in_port=2 actions=group:{}", group(2, 1)),
            format!("table=1,priority=12,metadata=0x2,in_port=3 actions=group:{}", group(2, 2)),
        ] {
            assert!(flows.contains(&flow), "{flow} in {flows:#?}");
        }
        assert!(
            flows.contains(&"priority=10,dl_dst=02:00:00:00:00:01 actions=output:1".to_owned()),
            "{flows:#?}"
        );
        let away = "priority=10,dl_dst=02:00:00:00:00:02 actions=write_metadata:0x2,goto_table:1";
        assert!(flows.contains(&away.to_owned()), "{flows:#?}");
        let ways =
            topology.trees().find(|(to, _)| *to == DatapathId(2)).unwrap().1.ways(DatapathId(1)).unwrap();
        assert_eq!((ways.first.from.port, ways.second.from.port), (PortNo(3), PortNo(2)));
        let [first, back, second] = buckets(ways);
        let told = |buckets: &[Bucket]| -> Vec<(PortNo, String)> {
            buckets.iter().map(|bucket| (bucket.watch_port, bucket.actions.to_string())).collect()
        };
        assert_eq!(told(&first), [(PortNo(3), "output:3".to_owned()), (PortNo(2), "output:2".to_owned())]);
        assert_eq!(told(&back), [(PortNo(3), "output:3".to_owned()), (PortNo(2), "IN_PORT".to_owned())]);
        assert_eq!(told(&second), [(PortNo(2), "output:2".to_owned())]);
    }
}
