use openflow::msg::group_mod::{Bucket, GroupKind, GroupModCommand};
use openflow::msg::meter_mod::{MeterBand, MeterFlags};
use openflow::multipart::{GroupDesc, MeterConfig};
use openflow::{Match, MeterId, PortNo};

use super::*;
use crate::desired::{Owner, made_by};

const OURS: u64 = 0x2a << 56;

fn desired(flows: impl IntoIterator<Item = FlowMod>) -> Desired {
    let owner = Owner::new(OURS, 0xff << 56).groups(1..=10).meters(1..=10);
    let mut desired = Desired::new(owner);
    for flow in flows {
        desired.add_flow(flow).expect("an addition");
    }
    desired
}

fn installed(flows: impl IntoIterator<Item = FlowMod>) -> Installed {
    let flows = flows.into_iter().map(|flow| made_by(&flow)).collect();
    Installed { flows, ..Installed::default() }
}

/// From this port to that one, ours.
fn flow(from: u32, to: u32) -> FlowMod {
    let only = Match::new().in_port(PortNo(from));
    FlowMod::add().cookie(OURS | 1).priority(10).matching(only).apply([Action::output(PortNo(to))])
}

/// Table, priority and command of the flow-mods, a list a step.
fn outline(steps: &[Vec<Body>]) -> Vec<Vec<(u8, u16, FlowModCommand)>> {
    let flow = |body: &Body| match body {
        Body::FlowMod(flow) => (flow.table.0, flow.priority, flow.command),
        other => panic!("{other:?}"),
    };
    steps.iter().map(|step| step.iter().map(flow).collect()).collect()
}

#[test]
fn nothing_is_done_where_all_is_right() {
    let both = flow(1, 2).goto_table(1);
    let mut reordered = both.clone();
    reordered.instructions = both.instructions.iter().rev().cloned().collect();
    let drops = flow(3, 3).apply([]);
    let mut as_told = drops.clone();
    as_told.instructions = Instructions::new();
    // How it was installed is no part of what is there.
    let checked = flow(4, 5).flags(FlowModFlags::CHECK_OVERLAP | FlowModFlags::SEND_FLOW_REM);
    let kept = flow(4, 5).flags(FlowModFlags::SEND_FLOW_REM);
    let difference =
        Difference::between(&installed([reordered, as_told, kept]), &desired([both, drops, checked]));
    assert_eq!(difference, Difference::default());
    assert!(difference.steps().is_empty());
}

#[test]
fn each_kind_of_change_is_the_smallest() {
    let there = installed([flow(1, 2), flow(2, 3), flow(3, 4), flow(4, 5)]);
    let wanted = desired([flow(1, 2), flow(2, 9), flow(3, 4).idle_timeout(7), flow(5, 6)]);
    let flows = Difference::between(&there, &wanted).flows;
    assert_eq!(flows.missing, [flow(5, 6)]);
    let in_place = FlowMod { command: FlowModCommand::ModifyStrict, cookie_mask: u64::MAX, ..flow(2, 9) };
    assert_eq!(flows.different, [in_place, flow(3, 4).idle_timeout(7)]);
    let gone = FlowMod::delete_strict().priority(10).matching(Match::new().in_port(PortNo(4)));
    assert_eq!(flows.surplus, [gone.with_cookie(OURS | 1, u64::MAX)]);
}

#[test]
fn what_others_own_is_left_alone() {
    let theirs = [flow(1, 7).cookie(1), flow(2, 7).cookie(0x2b << 56)];
    let mut there = installed(theirs);
    let group = |number| GroupDesc { kind: GroupKind::All, group: GroupId(number), buckets: Vec::new() };
    there.groups = vec![group(11), group(0)];
    there.meters = vec![MeterConfig { flags: MeterFlags::KBPS, meter: MeterId(11), bands: Vec::new() }];
    let difference = Difference::between(&there, &desired([flow(1, 2), flow(3, 4)]));
    assert_eq!(difference.conflicts, [flow(1, 2)]);
    assert_eq!(difference.flows.missing, [flow(3, 4)]);
    assert_eq!(difference.flows.len() + difference.groups.len() + difference.meters.len(), 1);
}

#[test]
fn what_is_needed_comes_first_and_goes_last() {
    let at = |table: u8, priority| FlowMod::add().cookie(OURS).table(table).priority(priority);
    let there = installed([at(0, 1), at(0, 2), at(1, 1)]);
    let wanted = desired([at(0, 5), at(0, 6), at(2, 3), at(2, 4), at(1, 9)]);
    let steps = Difference::between(&there, &wanted).steps();
    use FlowModCommand::{Add, DeleteStrict};
    assert_eq!(
        outline(&steps),
        [
            vec![(2, 4, Add), (2, 3, Add)],
            vec![(1, 9, Add)],
            vec![(0, 6, Add), (0, 5, Add)],
            vec![(0, 1, DeleteStrict), (0, 2, DeleteStrict)],
            vec![(1, 1, DeleteStrict)],
        ]
    );
}

#[test]
fn groups_and_meters_stand_before_flows_that_use_them_and_go_after() {
    let to_group = |number| [Bucket::new([Action::Group(GroupId(number))])];
    let to_port = |number| [Bucket::new([Action::output(PortNo(number))])];
    let limit = |rate| MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::KBPS,
        meter: MeterId(1),
        bands: vec![MeterBand::Drop { rate, burst: 0 }],
    };
    let mut there = installed([flow(1, 2)]);
    let desc = |number, buckets: [Bucket; 1]| GroupDesc {
        kind: GroupKind::Indirect,
        group: GroupId(number),
        buckets: buckets.into(),
    };
    there.groups = vec![desc(2, to_port(1)), desc(5, to_port(1)), desc(6, to_port(6))];
    let one = limit(1);
    there.meters = vec![MeterConfig { flags: one.flags, meter: one.meter, bands: one.bands }];
    let mut wanted = desired([flow(2, 3)]);
    for (number, buckets) in [(1, to_group(2)), (2, to_group(3)), (3, to_port(1)), (6, to_port(6))] {
        wanted.add_group(GroupMod::add(GroupKind::Indirect, GroupId(number), buckets)).expect("ours");
    }
    wanted.add_meter(limit(2)).expect("ours");
    let steps = Difference::between(&there, &wanted).steps();
    let names: Vec<String> = steps
        .iter()
        .flatten()
        .map(|body| match body {
            Body::GroupMod(group) => format!("{:?} group {}", group.command, group.group.0),
            Body::MeterMod(meter) => format!("{:?} meter {}", meter.command, meter.meter.0),
            Body::FlowMod(flow) => format!("{:?} flow", flow.command),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        [
            "Modify meter 1",
            "Add group 3",
            "Modify group 2",
            "Add group 1",
            "Add flow",
            "DeleteStrict flow",
            "Delete group 5"
        ]
    );
}

#[test]
fn groups_in_a_circle_are_left_to_the_switch_to_refuse() {
    let group = |number, next| GroupMod {
        command: GroupModCommand::Add,
        kind: GroupKind::Indirect,
        group: GroupId(number),
        buckets: vec![Bucket::new([Action::Group(GroupId(next))])],
    };
    assert_eq!(in_order_of_use([group(1, 2), group(2, 1)].iter()).len(), 2);
}
