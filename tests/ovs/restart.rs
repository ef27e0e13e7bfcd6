//! A controller that is started anew, with other things to say, while traffic passes.

use std::net::{Ipv4Addr, SocketAddr};

use ::flowbed::controller::{Controller, Desired, Difference, Discovery, Owner};
use ::flowbed::openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use ::flowbed::openflow::{Action, DatapathId, FlowMod, GroupId, Match, PortNo};
use ::flowbed::{App, AppResult, Switch};
use libtest_mimic::Failed;
use nix::sys::signal::Signal;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::flowbed::{PATIENCE, Place, Running};

/// How packets get from port 1 to port 2 and back.
#[derive(Clone, Copy)]
enum Way {
    /// By a flow each.
    Direct,
    /// By a flow to the next table, a flow there, and a group each.
    Roundabout,
}

impl Way {
    fn desired(self) -> Desired {
        let mut desired = Desired::new(Owner::new(0x2a << 56, 0xff << 56).groups(1..=2));
        for (from, to) in [(1, 2), (2, 1)] {
            let flow = FlowMod::add().matching(Match::new().in_port(PortNo(from)));
            let out = [Action::output(PortNo(to))];
            match self {
                Way::Direct => desired.add_flow(flow.apply(out)).expect("an addition"),
                Way::Roundabout => {
                    let group = GroupMod::add(GroupKind::Indirect, GroupId(from), [Bucket::new(out)]);
                    desired.add_group(group).expect("ours");
                    let there = flow.clone().table(1).apply([Action::Group(GroupId(from))]);
                    desired.add_flow(there).expect("an addition");
                    desired.add_flow(flow.goto_table(1)).expect("an addition");
                }
            }
        }
        desired
    }
}

/// Holds the switch to a way, and tells what that took.
struct Keeper(Way, UnboundedSender<Difference>);

impl App for Keeper {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        self.1.send(switch.reconcile(&self.0.desired()).await?)?;
        Ok(())
    }
}

async fn start(at: SocketAddr, way: Way) -> (Controller, UnboundedReceiver<Difference>) {
    let (tell, told) = unbounded_channel();
    let listener = TcpListener::bind(at).await.expect("an address of our own");
    let builder = Controller::builder().discovery(Discovery::Off);
    (builder.per_switch("keeper", move || Keeper(way, tell.clone())).start(listener), told)
}

/// What the controller did when the switch came.
async fn done(controller: &Controller, told: &mut UnboundedReceiver<Difference>) -> Difference {
    controller.wait_ready(&[DatapathId(1)], PATIENCE).await.expect("the switch comes");
    told.try_recv().expect("it was held to its way")
}

/// A ping a millisecond goes through three controllers that each want something else; every one is answered.
pub fn loses_nothing() -> Result<(), Failed> {
    let place = Place::new();
    let runtime = tokio::runtime::Runtime::new()?;
    let (at, mut controller, mut told) = runtime.block_on(async {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
        let at = free.local_addr().expect("bound");
        drop(free);
        let (controller, told) = start(at, Way::Direct).await;
        (at, controller, told)
    });
    let network = place.up(&format!("--topo single,2 --switch ovs --controller tcp:{at}"));
    let first = runtime.block_on(done(&controller, &mut told));
    assert_eq!(first.flows.missing.len(), 2);
    let mut ping = Running::start_until(place.flowbed("exec h1 -- ping -i 0.001 10.0.0.2"), "icmp_seq=");
    // Flows missing, different and surplus, and groups.
    for (way, changes) in
        [(Way::Roundabout, (2, 2, 0, 2)), (Way::Direct, (0, 2, 2, 2)), (Way::Direct, (0, 0, 0, 0))]
    {
        runtime.block_on(async {
            controller.shutdown().await;
            (controller, told) = start(at, way).await;
            let made = done(&controller, &mut told).await;
            let flows = &made.flows;
            let counts = (flows.missing.len(), flows.different.len(), flows.surplus.len(), made.groups.len());
            assert_eq!(counts, changes, "{made:?}");
        });
    }
    ping.signal(Signal::SIGINT);
    let summary = ping.wait_for("packets transmitted");
    let answered: Vec<usize> = ping
        .printed
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("icmp_seq="))
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert_eq!(answered, (1..=answered.len()).collect::<Vec<_>>(), "{summary}");
    // The last one may have been on its way when it was stopped.
    let sent: usize = summary.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number");
    assert!(sent - answered.len() <= 1, "{summary}");
    runtime.block_on(controller.shutdown());
    drop(network);
    Ok(())
}
