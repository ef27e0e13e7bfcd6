//! Flow-mods (OF 1.3.5 §6.4), timeouts (§5.5), and what is refused (§7.4.4).

use super::*;
use crate::action::Action;
use crate::error::{BadAction, BadInstruction, BadMatch, FlowModFailed, MeterModFailed};
use crate::ids::{BufferId, GroupId, TableId};
use crate::instruction::Instruction;
use crate::msg::flow_mod::{FlowModCommand, FlowModFlags};
use crate::msg::flow_removed::FlowRemovedReason;
use crate::oxm::{Match, OxmBytes, OxmField};

#[test]
fn adding_replaces_a_flow_of_the_same_match_and_priority() {
    let mut it = bench();
    it.add(&["priority=5,in_port=1,actions=output:2", "priority=6,in_port=1,dl_type=0x806,actions=output:3"]);
    it.receive(1, &plain());
    it.add(&["cookie=7,priority=5,in_port=1,actions=output:4"]);
    assert_eq!(
        it.dump(),
        ["0 0 0 priority=6,arp,in_port=1 actions=output:3", "0 7 1 priority=5,in_port=1 actions=output:4",],
        "the counters of the flow before are kept"
    );
    let mut again = flow("priority=5,in_port=1,actions=output:2");
    again.flags |= FlowModFlags::RESET_COUNTS;
    let out = it.tell(again).unwrap();
    assert!(out.removed.is_empty());
    assert_eq!(it.dump()[0], "0 0 0 priority=5,in_port=1 actions=output:2");
    assert_eq!(it.ports(1, &plain()), [2]);
}

#[test]
fn overlaps_are_refused_when_asked_for() {
    let mut it = bench();
    it.add(&["priority=5,ip,nw_dst=10.0.0.0/8,actions=output:2"]);
    let refused = Err(ErrorKind::from(FlowModFailed::Overlap));
    for (text, taken) in [
        ("check_overlap,priority=5,in_port=1,actions=output:2", false),
        ("check_overlap,priority=6,in_port=1,actions=output:2", true),
        ("check_overlap,priority=5,ip,nw_dst=10.1.0.0/16,actions=output:2", false),
        ("check_overlap,priority=5,ip,nw_dst=11.0.0.0/8,actions=output:2", true),
        ("check_overlap,table=1,priority=5,in_port=1,actions=output:2", true),
        ("check_overlap,priority=5,arp,actions=output:2", true),
        ("check_overlap,priority=5,ip,nw_dst=10.0.0.0/8,actions=output:3", false),
    ] {
        let told = it.tell(flow(text)).map(|_| ());
        assert_eq!(told, if taken { Ok(()) } else { refused }, "{text}");
    }
}

fn command(text: &str, command: FlowModCommand) -> FlowMod {
    FlowMod { command, ..flow(text) }
}

const THREE: [&str; 3] = [
    "cookie=0x11,priority=5,ip,nw_dst=10.1.0.0/16,actions=output:2",
    "cookie=0x12,priority=6,ip,nw_dst=10.0.0.0/8,actions=output:3",
    "cookie=0x21,table=1,priority=5,ip,nw_dst=10.1.0.0/16,actions=group:1",
];

fn three() -> Bench {
    let mut it = bench();
    let group = Parser::new().group("group_id=1,type=all,bucket=actions=output:4").unwrap();
    it.tell(Body::GroupMod(group)).unwrap();
    it.add(&THREE);
    it
}

#[test]
fn changes_keep_everything_but_the_instructions() {
    use FlowModCommand::{Modify, ModifyStrict};
    let mut it = three();
    it.receive(1, &udp([10, 1, 0, 1], 64));
    let change = command("cookie=9,idle_timeout=7,ip,nw_dst=10.1.0.0/16,actions=drop", Modify);
    it.tell(change).unwrap();
    assert_eq!(
        it.dump(),
        [
            "0 17 0 priority=5,ip,nw_dst=10.1.0.0/16 actions=drop",
            "0 18 1 priority=6,ip,nw_dst=10.0.0.0/8 actions=output:3",
            "1 33 0 priority=5,ip,nw_dst=10.1.0.0/16 actions=group:1",
        ]
    );
    // Strict: the priority and the very match count.
    it.tell(command("priority=7,ip,nw_dst=10.0.0.0/8,actions=output:1", ModifyStrict)).unwrap();
    it.tell(command("priority=6,ip,actions=output:1", ModifyStrict)).unwrap();
    assert_eq!(it.dump()[1], "0 18 1 priority=6,ip,nw_dst=10.0.0.0/8 actions=output:3");
    let mut reset = command("priority=6,ip,nw_dst=10.0.0.0/8,actions=output:1", ModifyStrict);
    reset.flags = FlowModFlags::RESET_COUNTS;
    it.tell(reset).unwrap();
    assert_eq!(it.dump()[1], "0 18 0 priority=6,ip,nw_dst=10.0.0.0/8 actions=output:1");
    // A cookie restricts; no flow that fits is no error, and none is added.
    let other = command("ip,actions=output:2", Modify).with_cookie(0x20, 0xf0);
    it.tell(other.clone()).unwrap();
    assert_eq!(it.dump().len(), 3);
    it.tell(other.with_cookie(0x12, 0xff)).unwrap();
    assert_eq!(it.dump()[1], "0 18 0 priority=6,ip,nw_dst=10.0.0.0/8 actions=output:2");
}

#[test]
fn deletions_take_what_fits_all_that_is_said() {
    use FlowModCommand::DeleteStrict;
    type Wanted = fn() -> FlowMod;
    let cases: [(Wanted, &[u64]); 12] = [
        (FlowMod::delete, &[0x11, 0x12, 0x21]),
        (|| FlowMod::delete().table(1), &[0x21]),
        (|| FlowMod::delete().table(2), &[]),
        (|| FlowMod::delete().matching(flow("ip,nw_dst=10.1.0.0/16,actions=drop").match_), &[0x11, 0x21]),
        (|| FlowMod::delete().matching(flow("ip,nw_dst=10.1.2.0/24,actions=drop").match_), &[]),
        (|| FlowMod::delete().with_cookie(0x10, 0xf0), &[0x11, 0x12]),
        (|| FlowMod::delete().out_port(PortNo(3)), &[0x12]),
        (|| FlowMod::delete().out_port(PortNo(4)), &[]),
        (|| FlowMod::delete().out_group(GroupId(1)), &[0x21]),
        (|| command("priority=5,ip,nw_dst=10.1.0.0/16,actions=drop", DeleteStrict), &[0x11]),
        (|| command("priority=6,ip,nw_dst=10.1.0.0/16,actions=drop", DeleteStrict), &[]),
        (
            || command("priority=5,ip,nw_dst=10.1.0.0/16,actions=drop", DeleteStrict).table(TableId::ALL),
            &[0x11, 0x21],
        ),
    ];
    for (n, (wanted, gone)) in cases.into_iter().enumerate() {
        let mut it = three();
        it.tell(FlowMod { instructions: [].into(), ..wanted() }).unwrap();
        let left: Vec<u64> = [0x11, 0x12, 0x21].into_iter().filter(|cookie| !gone.contains(cookie)).collect();
        let tables = [TableId(0), TableId(1)];
        let mut cookies: Vec<u64> =
            tables.iter().flat_map(|table| it.switch.flows(*table).map(Flow::cookie)).collect();
        cookies.sort_unstable();
        assert_eq!(cookies, left, "case {n}");
    }
}

#[test]
fn flows_go_when_their_time_is_over() {
    let mut it = bench();
    it.add(&[
        "send_flow_rem,cookie=1,priority=1,in_port=1,idle_timeout=10,actions=output:2",
        "send_flow_rem,cookie=2,priority=1,in_port=2,idle_timeout=10,hard_timeout=25,actions=output:2",
        "cookie=3,priority=1,in_port=3,hard_timeout=12,actions=output:2",
    ]);
    let second = Duration::from_secs(1);
    assert_eq!(it.switch.next_deadline(), Some(it.now + 10 * second));
    it.now += 9 * second;
    it.receive(2, &plain());
    let out = it.wait(second);
    let told: Vec<_> = out.removed.iter().map(|gone| (gone.cookie, gone.reason)).collect();
    assert_eq!(told, [(1, FlowRemovedReason::IdleTimeout)]);
    assert_eq!(out.removed[0].age.secs, 10);
    assert!(it.wait(8 * second).removed.is_empty(), "one went that was to go in silence");
    it.receive(2, &plain());
    it.receive(2, &plain());
    let out = it.wait(7 * second);
    assert_eq!(out.removed[0].reason, FlowRemovedReason::HardTimeout);
    assert_eq!((out.removed[0].packet_count, out.removed[0].byte_count), (3, 3 * 46));
    assert_eq!(it.switch.next_deadline(), None);
    assert!(it.dump().is_empty());
}

#[test]
fn deleted_flows_are_told_of() {
    let mut it = bench();
    it.add(&["send_flow_rem,cookie=1,in_port=1,actions=output:2", "cookie=2,in_port=2,actions=output:2"]);
    let out = it.tell(FlowMod::delete()).unwrap();
    let told: Vec<_> = out.removed.iter().map(|gone| (gone.cookie, gone.reason)).collect();
    assert_eq!(told, [(1, FlowRemovedReason::Delete)]);
}

#[test]
fn counters_that_are_not_kept_are_all_ones() {
    let mut it = bench();
    let mut wanted = flow("in_port=1,actions=output:2");
    wanted.flags = FlowModFlags::NO_PKT_COUNTS | FlowModFlags::NO_BYT_COUNTS;
    it.tell(wanted).unwrap();
    it.receive(1, &plain());
    let MultipartBody::Flow(flows) = it.ask(MultipartRequest::Flow(FlowStatsRequest::all())) else {
        panic!("flows were asked for")
    };
    assert_eq!((flows[0].packet_count, flows[0].byte_count), (u64::MAX, u64::MAX));
}

#[test]
fn what_a_switch_can_not_do_is_refused_by_name() {
    let unknown = OxmField::Unknown {
        class: 0x8000,
        field: 77,
        has_mask: false,
        bytes: OxmBytes::try_from(&[1u8, 2][..]).unwrap(),
    };
    let odd = |match_: Match| FlowMod::add().matching(match_);
    let cases: Vec<(FlowMod, ErrorKind)> = vec![
        (flow("actions=output:2").table(254), FlowModFailed::BadTableId.into()),
        (flow("actions=output:2").table(TableId::ALL), FlowModFailed::BadTableId.into()),
        (command("actions=output:2", FlowModCommand::Unknown(9)), FlowModFailed::BadCommand.into()),
        (flow("actions=drop").flags(FlowModFlags::from_bits_retain(1 << 9)), FlowModFailed::BadFlags.into()),
        (odd(Match::new().with(unknown.clone())), BadMatch::BadField.into()),
        (odd(Match::new().tcp_dst(80)), BadMatch::BadPrereq.into()),
        (odd(Match::new().eth_type(0x0800).ip_dscp(64)), BadMatch::BadValue.into()),
        (FlowMod::add().table(3).goto_table(3), BadInstruction::BadTableId.into()),
        (FlowMod::add().goto_table(254), BadInstruction::BadTableId.into()),
        (FlowMod::add().meter(1), MeterModFailed::InvalidMeter.into()),
        (
            FlowMod::add().instruction(Instruction::Unknown { kind: 99, body: Default::default() }),
            BadInstruction::UnknownInst.into(),
        ),
        (
            FlowMod::add()
                .instruction(Instruction::Experimenter { experimenter: 1, body: Default::default() }),
            BadInstruction::BadExperimenter.into(),
        ),
        (flow("actions=output:2").apply([Action::Group(GroupId(9))]), BadAction::BadOutGroup.into()),
        (FlowMod::add().apply([Action::output(PortNo(0))]), BadAction::BadOutPort.into()),
        (FlowMod::add().apply([Action::output(PortNo::TABLE)]), BadAction::BadOutPort.into()),
        (FlowMod::add().apply([Action::output(PortNo::ANY)]), BadAction::BadOutPort.into()),
        (FlowMod::add().apply([Action::output(PortNo(0xffff_ff80))]), BadAction::BadOutPort.into()),
        (FlowMod::add().apply([Action::PushVlan(0x0800)]), BadAction::BadArgument.into()),
        (FlowMod::add().apply([Action::PushMpls(0x8100)]), BadAction::BadArgument.into()),
        (FlowMod::add().apply([Action::PushPbb(0x8100)]), BadAction::BadArgument.into()),
        (FlowMod::add().apply([Action::PopVlan]), BadAction::MatchInconsistent.into()),
        (FlowMod::add().apply([Action::DecNwTtl]), BadAction::MatchInconsistent.into()),
        (FlowMod::add().write([Action::PopMpls(0x0800)]), BadAction::MatchInconsistent.into()),
        (
            FlowMod::add().apply([Action::set(OxmField::TcpDst(80.into()))]),
            BadAction::MatchInconsistent.into(),
        ),
        (FlowMod::add().apply([Action::set(unknown)]), BadAction::BadSetType.into()),
        (FlowMod::add().apply([Action::set(OxmField::InPort(PortNo(1)))]), BadAction::BadSetType.into()),
        (
            FlowMod::add().apply([
                Action::PushVlan(0x8100),
                Action::set(OxmField::VlanVid(crate::oxm::VlanVid(5).into())),
            ]),
            BadAction::BadSetArgument.into(),
        ),
        (
            FlowMod::add().apply([Action::set(OxmField::EthDst(
                (crate::MacAddr([1; 6]), crate::MacAddr([0xff, 0, 0, 0, 0, 0])).into(),
            ))]),
            BadAction::BadSetArgument.into(),
        ),
        (
            FlowMod::add().apply([Action::Experimenter { experimenter: 1, body: Default::default() }]),
            BadAction::BadExperimenter.into(),
        ),
        (
            FlowMod::add().apply([Action::Unknown { kind: 99, body: Default::default() }]),
            BadAction::BadType.into(),
        ),
        (flow("actions=output:2").buffer(BufferId(1)), crate::error::BadRequest::BufferUnknown.into()),
    ];
    for (wanted, error) in cases {
        let mut it = bench();
        assert_eq!(it.tell(wanted.clone()).err(), Some(error), "{wanted}");
        assert!(it.dump().is_empty(), "{wanted}");
    }
}

#[test]
fn what_makes_sense_only_after_the_actions_before_it_is_taken() {
    let mut it = bench();
    it.add(&[
        "ip,actions=push_mpls:0x8847,set_field:5->mpls_label,dec_mpls_ttl,pop_mpls:0x0800,dec_ttl,output:1",
        "actions=push_vlan:0x8100,set_field:4101->vlan_vid,pop_vlan,output:1",
        "ip,in_port=2,actions=write_actions(dec_ttl,output:3)",
    ]);
}

#[test]
fn a_full_switch_takes_no_more_but_replaces() {
    let mut it = with(Config { max_flows: 2, ..Config::default() });
    it.add(&["in_port=1,actions=output:2", "in_port=2,actions=output:2", "in_port=2,actions=output:3"]);
    for third in ["in_port=3,actions=output:2", "table=1,in_port=3,actions=output:2"] {
        assert_eq!(it.tell(flow(third)).err(), Some(FlowModFailed::TableFull.into()));
    }
    it.tell(FlowMod::delete()).unwrap();
    it.add(&["table=1,in_port=3,actions=output:2"]);
}

/// Open vSwitch's own fields and actions that the pipeline has not are refused as unknown ones.
#[test]
fn extensions_are_refused_as_unknown() {
    let mut it = bench();
    for (text, error) in [
        ("priority=1,ct_state=+trk,actions=drop", ErrorKind::from(BadMatch::BadField)),
        ("priority=1,ip,nw_ttl=7,actions=drop", BadMatch::BadField.into()),
        ("priority=1,actions=set_field:10.0.0.1->tun_dst", BadAction::BadSetType.into()),
        ("priority=1,ip,actions=ct(commit)", BadAction::BadExperimenter.into()),
    ] {
        assert_eq!(it.tell(flow(text)).err(), Some(error), "{text}");
    }
    assert!(it.dump().is_empty());
}
