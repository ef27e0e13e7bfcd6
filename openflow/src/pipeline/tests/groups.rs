//! Groups (OF 1.3.5 §5.6, §6.5).

use super::*;
use crate::error::{BadAction, GroupModFailed};
use crate::ids::GroupId;
use crate::msg::flow_removed::FlowRemovedReason;
use crate::msg::group_mod::{GroupMod, GroupModCommand};
use crate::msg::port::PortState;
use crate::multipart::BucketStats;

fn group(text: &str) -> GroupMod {
    Parser::new().group(text).unwrap_or_else(|error| panic!("{error}"))
}

impl Bench {
    fn group(&mut self, text: &str) {
        self.tell(Body::GroupMod(group(text))).map_err(|error| format!("{text}: {error}")).unwrap();
    }

    fn link(&mut self, port: u32, up: bool) {
        let state = if up { PortState::empty() } else { PortState::LINK_DOWN };
        let port = Port { number: PortNo(port), state, ..Port::default() };
        self.switch.set_port(port, self.now, &mut Out::default());
    }
}

#[test]
fn every_bucket_of_an_all_group_gets_a_copy() {
    let mut it = bench();
    it.group(
        "group_id=1,type=all,bucket=actions=set_field:10.0.0.8->ip_dst,output:2,\
         bucket=actions=output:3,bucket=actions=dec_ttl,bucket=actions=output:1",
    );
    it.add(&["ip,actions=group:1,output:4"]);
    let out = it.receive(1, &plain());
    assert_eq!(out.frames, [(PortNo(2), udp([10, 0, 0, 8], 64)), (PortNo(3), plain()), (PortNo(4), plain())]);
    let MultipartBody::Group(stats) = it.ask(MultipartRequest::Group(GroupId::ALL)) else {
        panic!("groups were asked for")
    };
    let one = BucketStats { packet_count: 1, byte_count: 46 };
    assert_eq!((stats[0].packet_count, stats[0].ref_count), (1, 1));
    assert_eq!(stats[0].buckets, [one; 4]);
}

#[test]
fn select_groups_share_by_weight_and_keep_connections_together() {
    let mut it = bench();
    it.group(
        "group_id=1,type=select,bucket=weight:1,watch_port:2,actions=output:2,\
         bucket=weight:3,watch_port:3,actions=output:3,bucket=weight:0,actions=output:4",
    );
    it.add(&["actions=write_actions(group:1)"]);
    let mut counts = [0; 5];
    for n in 0..=u8::MAX {
        for m in 0..4 {
            let frame = udp([10, m, 1, n], 64);
            let ports = it.ports(1, &frame);
            counts[ports[0] as usize] += 1;
            assert_eq!(ports, it.ports(1, &frame), "the same packet takes the same way");
        }
    }
    assert_eq!(counts[4], 0);
    assert!((200..312).contains(&counts[2]), "a quarter of 1024, roughly: {counts:?}");
    it.link(3, false);
    assert_eq!(it.ports(1, &plain()), [2]);
    it.link(2, false);
    assert_eq!(it.receive(1, &plain()).dropped, [Dropped::NoBucket(GroupId(1))]);
}

#[test]
fn fast_failover_takes_the_first_that_is_alive() {
    let mut it = bench();
    it.group("group_id=1,type=ff,bucket=watch_port:2,actions=output:2,bucket=watch_port:3,actions=output:3");
    it.group("group_id=2,type=ff,bucket=watch_group:1,actions=group:1,bucket=watch_port:4,actions=output:4");
    it.add(&["actions=group:2"]);
    assert_eq!(it.ports(1, &plain()), [2]);
    it.link(2, false);
    assert_eq!(it.ports(1, &plain()), [3]);
    it.link(3, false);
    assert_eq!(it.ports(1, &plain()), [4]);
    it.link(4, false);
    assert!(it.ports(1, &plain()).is_empty());
    it.link(3, true);
    assert_eq!(it.ports(1, &plain()), [3]);
}

#[test]
fn indirect_groups_have_one_bucket_and_actions_their_order() {
    let mut it = bench();
    // As a set: the tag is pushed before its field is set, and the output comes last.
    it.group("group_id=1,type=indirect,bucket=actions=output:2,set_field:4101->vlan_vid,push_vlan:0x8100");
    it.add(&["actions=group:1"]);
    let out = it.receive(1, &plain());
    assert_eq!(out.frames[0].1[12..16], hex("81000005"));
}

#[test]
fn wrong_groups_are_refused_by_name() {
    let mut it = bench();
    it.group("group_id=1,type=all,bucket=actions=output:2");
    it.group("group_id=2,type=all,bucket=actions=group:1");
    let modify = |text: &str| GroupMod { command: GroupModCommand::Modify, ..group(text) };
    let delete = |id: u32| GroupMod::delete(GroupId(id));
    let mut unknown = group("group_id=3,type=all,bucket=actions=output:2");
    unknown.kind = crate::msg::group_mod::GroupKind::Unknown(77);
    let mut two = group("group_id=3,type=indirect,bucket=actions=output:2");
    two.buckets.extend_from_within(..);
    let cases: Vec<(GroupMod, ErrorKind)> = vec![
        (group("group_id=1,type=all,bucket=actions=output:2"), GroupModFailed::GroupExists.into()),
        (modify("group_id=3,type=all,bucket=actions=output:2"), GroupModFailed::UnknownGroup.into()),
        (modify("group_id=1,type=all,bucket=actions=group:2"), GroupModFailed::Loop.into()),
        (group("group_id=3,type=all,bucket=actions=group:3"), GroupModFailed::Loop.into()),
        (group("group_id=3,type=all,bucket=actions=group:9"), BadAction::BadOutGroup.into()),
        (delete(1), GroupModFailed::ChainedGroup.into()),
        (unknown, GroupModFailed::BadType.into()),
        (two, GroupModFailed::InvalidGroup.into()),
        (
            GroupMod { group: GroupId(0xffff_ff01), ..group("group_id=3,type=all,bucket=actions=output:2") },
            GroupModFailed::InvalidGroup.into(),
        ),
        (group("group_id=3,type=ff,bucket=watch_group:8,actions=output:2"), GroupModFailed::BadWatch.into()),
        (GroupMod { command: GroupModCommand::Unknown(9), ..delete(1) }, GroupModFailed::BadCommand.into()),
    ];
    for (request, error) in cases {
        assert_eq!(it.tell(Body::GroupMod(request.clone())).err(), Some(error), "{request:?}");
    }
    it.add(&["in_port=2,actions=group:1"]);
    assert_eq!(it.ports(2, &plain()), Vec::<u32>::new(), "group 1 is as it was: it sends to port 2");
    it.tell(Body::GroupMod(delete(7))).unwrap();
}

#[test]
fn chains_are_not_longer_than_they_may_be() {
    let mut it = bench();
    it.group("group_id=1,type=all,bucket=actions=output:2");
    for id in 2..=32 {
        it.group(&format!("group_id={id},type=all,bucket=actions=group:{}", id - 1));
    }
    let longer = group("group_id=33,type=all,bucket=actions=group:32");
    let told = it.tell(Body::GroupMod(longer)).err();
    assert_eq!(told, Some(GroupModFailed::ChainingUnsupported.into()));
    it.add(&["actions=group:32"]);
    assert_eq!(it.ports(1, &plain()), [2]);
}

#[test]
fn a_packet_does_not_take_more_actions_than_it_may() {
    let mut it = bench();
    it.group("group_id=1,type=all,bucket=actions=output:2,bucket=actions=output:2");
    for id in 2..=32 {
        let to = id - 1;
        it.group(&format!("group_id={id},type=all,bucket=actions=group:{to},bucket=actions=group:{to}"));
    }
    it.add(&["actions=group:32"]);
    let out = it.receive(1, &plain());
    assert!(out.dropped.contains(&Dropped::Exhausted));
    assert!(out.frames.len() < 1 << 16);
}

#[test]
fn flows_go_with_their_group() {
    let mut it = bench();
    it.group("group_id=1,type=all,bucket=actions=output:2");
    it.group("group_id=2,type=all,bucket=actions=output:2");
    it.add(&[
        "send_flow_rem,cookie=1,in_port=1,actions=group:1",
        "send_flow_rem,cookie=2,in_port=2,actions=write_actions(group:2)",
        "cookie=3,in_port=3,actions=output:1",
    ]);
    let out = it.tell(Body::GroupMod(GroupMod::delete(GroupId(1)))).unwrap();
    assert_eq!(out.removed[0].reason, FlowRemovedReason::GroupDelete);
    let out = it.tell(Body::GroupMod(GroupMod::delete(GroupId::ALL))).unwrap();
    assert_eq!(out.removed[0].cookie, 2);
    assert_eq!(it.dump().len(), 1);
}
