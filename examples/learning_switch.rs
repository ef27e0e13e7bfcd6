//! A learning switch, written out: `cargo run --example learning_switch` runs it on three Open vSwitch
//! switches and lets every host ping every other.

use std::collections::HashMap;

use flowbed::openflow::{Action, FlowMod, MacAddr, Match, PacketOut, PortNo};
use flowbed::testbed::Topology;
use flowbed::{App, AppResult, Lab, PacketIn, Switch, Verdict};

/// Which address is at which port. Each switch has a `LearningSwitch` of its own.
#[derive(Default)]
struct LearningSwitch(HashMap<MacAddr, PortNo>);

impl App for LearningSwitch {
    async fn ready(&mut self, switch: &Switch) -> AppResult {
        // What no flow matches comes to us.
        Ok(switch.flow_mod(FlowMod::add().priority(0).apply([Action::controller()])).await?)
    }

    async fn packet_in(&mut self, switch: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        let (frame, in_port) = (packet.ethernet(), packet.in_port());
        self.0.insert(frame.src, in_port);
        let known = self.0.get(&frame.dst).copied();
        if let Some(port) = known {
            let flow = Match::new().in_port(in_port).eth_dst(frame.dst).eth_src(frame.src);
            switch.send(
                FlowMod::add().priority(1).idle_timeout(60).matching(flow).apply([Action::output(port)]),
            )?;
        }
        let out = [Action::output(known.unwrap_or(PortNo::FLOOD))];
        switch.packet_out(PacketOut::new(packet.data.clone(), out).in_port(in_port))?;
        Ok(Verdict::Consume)
    }
}

fn main() -> Result<(), flowbed::Error> {
    flowbed::run(async {
        let lab = Lab::builder(Topology::tree(2, 2)?)
            .per_switch("learning", LearningSwitch::default)
            .start()
            .await?;
        println!("{}", lab.testbed().ping_all(&Default::default()).await?);
        lab.stop().await
    })
}
