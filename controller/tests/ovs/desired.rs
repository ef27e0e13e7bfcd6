//! Open vSwitch is held to what an app desires.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use flowbed_controller::{App, AppResult, Controller, Desired, Difference, Discovery, Owner, Switch};
use libtest_mimic::Failed;
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use openflow::{Action, FlowMod, FlowStatsRequest, GroupId, Masked, Match, MeterId, PortNo, VlanVid};

use super::open_vswitch::OpenVSwitch;
use super::transport::{ready, run};

const OURS: u64 = 0x2a << 56;

/// Flows of all kinds of matches and actions, in three tables, a group and a meter.
fn example() -> Desired {
    let mut desired = Desired::new(Owner::new(OURS, 0xff << 56).groups(100..=199).meters(1..=9));
    let to_group = [Action::Group(GroupId(100))];
    let flows = [
        FlowMod::add().priority(0).goto_table(1),
        FlowMod::add().priority(20).matching(Match::new().in_port(PortNo(1)).eth_type(0x0806)).apply([]),
        FlowMod::add()
            .priority(10)
            .matching(
                Match::new()
                    .eth_type(0x0800)
                    .ipv4_dst(Masked::new(Ipv4Addr::new(10, 1, 0, 0), Ipv4Addr::new(255, 255, 0, 0))),
            )
            .meter(MeterId(1))
            .write_metadata(7, 0xff)
            .goto_table(2),
        FlowMod::add().table(1).matching(Match::new().vlan_vid(VlanVid::tagged(5))).apply([Action::PopVlan]),
        FlowMod::add().table(1).idle_timeout(600).apply([Action::output(PortNo(1)), Action::controller()]),
        FlowMod::add().table(2).write(to_group),
    ];
    for flow in flows {
        desired.add_flow(flow).expect("an addition");
    }
    let buckets = [1, 2].map(|port| Bucket::new([Action::output(PortNo(port))]).weight(10));
    desired.add_group(GroupMod::add(GroupKind::Select, GroupId(100), buckets)).expect("ours");
    let meter = MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::KBPS | MeterFlags::BURST,
        meter: MeterId(1),
        bands: vec![MeterBand::Drop { rate: 1000, burst: 100 }],
    };
    desired.add_meter(meter).expect("ours");
    desired
}

/// Holds the switch to the example when it is ready, and says what that took.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Difference>>>);

impl App for Keeper {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        let done = switch.reconcile(&example()).await?;
        self.0.lock().expect("no panic").push(done);
        Ok(())
    }
}

fn start(keeper: &Keeper) -> Controller {
    let keeper = keeper.clone();
    let builder = Controller::builder().discovery(Discovery::Off);
    builder.per_switch("keeper", move || keeper.clone()).start_without_listener()
}

/// Without its counters: what the flow is.
async fn flows(switch: &Switch) -> Vec<String> {
    let flows = switch.flow_stats(FlowStatsRequest::all()).await.expect("an answer");
    let mut flows: Vec<String> = flows
        .iter()
        .map(|flow| {
            let cookie = flow.cookie;
            format!("{cookie:x} {:?} {} {:?} {:?}", flow.table, flow.priority, flow.match_, flow.instructions)
        })
        .collect();
    flows.sort();
    flows
}

/// The switch gets what is desired; another controller finds it all there and does nothing; drift is found and mended,
/// and what others own stays.
pub fn restart_and_drift() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let ovs = OpenVSwitch::start(folder.path());
    ovs.add_bridge(&format!("punix:{}", folder.path().join("br0.control").display()));
    let connect = |controller: &Controller| {
        let target = format!("unix:{}", folder.path().join("br0.control").display());
        controller.connect(target.parse().expect("a target"), None).expect("no TLS");
    };
    run(async {
        let keeper = Keeper::default();
        let controller = start(&keeper);
        connect(&controller);
        let switch = ready(&controller, &ovs).await;
        let as_desired = flows(&switch).await;
        assert_eq!(as_desired.len(), 6, "{as_desired:#?}");
        let aged = switch.flow_stats(FlowStatsRequest::table(2)).await.expect("an answer");
        controller.shutdown().await;

        let controller = start(&keeper);
        connect(&controller);
        let switch = ready(&controller, &ovs).await;
        let done = keeper.0.lock().expect("no panic").clone();
        assert_eq!(done.len(), 2);
        assert_eq!((done[0].flows.missing.len(), done[0].groups.missing.len()), (6, 1));
        assert_eq!(done[1], Difference::default(), "all was there");
        let now = switch.flow_stats(FlowStatsRequest::table(2)).await.expect("an answer");
        assert!((now[0].age.secs, now[0].age.nanos) >= (aged[0].age.secs, aged[0].age.nanos));

        // Somebody changes one flow and deletes another, the group too (and with it what uses it), and adds some.
        ovs.ofctl(&["mod-flows", "br0", "table=1,dl_vlan=5,actions=drop"]);
        ovs.ofctl(&["--strict", "del-flows", "br0", "table=0,priority=20,in_port=1,arp"]);
        ovs.ofctl(&["del-groups", "br0", "group_id=100"]);
        ovs.ofctl(&["add-flow", "br0", "cookie=0x2a00000000000007,priority=3,udp,actions=drop"]);
        ovs.ofctl(&["add-flow", "br0", "cookie=0x1,priority=4,tcp,actions=drop"]);
        ovs.ofctl(&["add-group", "br0", "group_id=7,type=all,bucket=output:1"]);
        let found = switch.difference(&example()).await.expect("an answer");
        assert_eq!(
            (found.flows.missing.len(), found.flows.different.len(), found.flows.surplus.len()),
            (2, 1, 1)
        );
        assert_eq!((found.groups.len(), found.groups.missing.len(), found.meters.len()), (1, 1, 0));
        assert_eq!(switch.reconcile(&example()).await.expect("no refusal"), found);
        assert!(switch.difference(&example()).await.expect("an answer").is_empty());
        let (theirs, ours): (Vec<String>, Vec<String>) =
            flows(&switch).await.into_iter().partition(|flow| flow.starts_with("1 "));
        assert_eq!(ours, as_desired);
        assert_eq!(theirs.len(), 1);
        assert_eq!(switch.group_desc().await.expect("an answer").len(), 2);
        controller.shutdown().await;
    })
}
