//! The rules that switches have, put into a network as a value: what a trace runs on.

use std::io;
use std::time::Instant;

use controller::{Switch, Target};
use openflow::msg::group_mod::{GroupMod, GroupModCommand};
use openflow::msg::meter_mod::{MeterMod, MeterModCommand};
use openflow::multipart::{GroupDesc, MeterConfig};
use openflow::pipeline::Controller;
use openflow::{Body, FlowMod, FlowStatsRequest, Message, MeterId, MultipartBody, MultipartRequest, Xid};
use testbed::{LinkState, SwitchKind};
use thiserror::Error as ThisError;
use verify::{Network, NetworkError, normalised};

use crate::Lab;
use crate::asker::Asker;

/// Why there is no model of a network that runs.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ModelError {
    /// The network cannot be such.
    #[error(transparent)]
    Topology(#[from] testbed::TopologyError),
    /// Names that nobody has.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A switch that nobody can ask: it is not Open vSwitch's, and its controller is not ours.
    #[error("{0} cannot be asked for its rules: its controller is another, and it is not Open vSwitch's")]
    NotAsked(String),
    /// A switch does not tell its rules.
    #[error("{switch} does not tell its rules: {error}")]
    Silent {
        /// Which switch.
        switch: String,
        /// Why.
        error: String,
    },
    /// A switch has a rule that the model cannot have.
    #[error("{switch} has \"{rule}\", which cannot be followed: {error}")]
    Unknown {
        /// Which switch.
        switch: String,
        /// The rule.
        rule: String,
        /// Why not.
        error: String,
    },
}

/// What a switch has.
#[derive(Debug, Default)]
struct Contents {
    flows: Vec<FlowMod>,
    groups: Vec<GroupDesc>,
    meters: Vec<MeterConfig>,
}

/// The questions, in the order in which [`Contents::take`] hears the answers.
fn questions() -> [MultipartRequest; 3] {
    [
        MultipartRequest::MeterConfig(MeterId::ALL),
        MultipartRequest::GroupDesc,
        MultipartRequest::Flow(FlowStatsRequest::all()),
    ]
}

impl Contents {
    fn take(&mut self, answer: MultipartBody) {
        match answer {
            MultipartBody::Flow(flows) => self.flows = normalised(flows),
            MultipartBody::GroupDesc(groups) => self.groups = groups,
            MultipartBody::MeterConfig(meters) => self.meters = meters,
            _ => {}
        }
    }

    async fn of(switch: &Switch) -> Result<Contents, String> {
        let mut contents = Contents::default();
        for question in questions() {
            contents.take(switch.multipart(question).await.map_err(|error| error.to_string())?);
        }
        Ok(contents)
    }

    fn at(target: &Target) -> io::Result<Contents> {
        let (mut asker, mut contents) = (Asker::connect(target)?, Contents::default());
        for question in questions() {
            contents.take(asker.ask(question)?);
        }
        Ok(contents)
    }

    /// Gives a switch of the model all of it: what is used before what uses it.
    fn put(self, network: &mut Network, name: &str, now: Instant) -> Result<(), ModelError> {
        let mut handle = |body: Body| -> Result<Result<(), String>, NetworkError> {
            let message = Message { xid: Xid(0), body };
            let handled = network.handle(name, &mut Controller::default(), message, now)?;
            Ok(handled.map(drop).map_err(|error| error.to_string()))
        };
        let unknown = |rule: String, error| ModelError::Unknown { switch: name.to_owned(), rule, error };
        for MeterConfig { flags, meter, bands } in self.meters {
            let add = MeterMod { command: MeterModCommand::Add, flags, meter, bands };
            let text = add.to_string();
            handle(add.into())?.map_err(|error| unknown(text, error))?;
        }
        // Groups that lead to others come behind them.
        let mut left = self.groups;
        while !left.is_empty() {
            let before = left.len();
            let mut refused = Vec::new();
            let mut why = String::new();
            for GroupDesc { kind, group, buckets } in left {
                let add = GroupMod { command: GroupModCommand::Add, kind, group, buckets: buckets.clone() };
                if let Err(error) = handle(add.into())? {
                    why = error;
                    refused.push(GroupDesc { kind, group, buckets });
                }
            }
            match refused.first() {
                Some(group) if refused.len() == before => return Err(unknown(group.to_string(), why)),
                _ => left = refused,
            }
        }
        for flow in self.flows {
            let text = flow.to_string();
            handle(flow.into())?.map_err(|error| unknown(text, error))?;
        }
        Ok(())
    }
}

/// Gives a switch of the model what the switch that listens at `target` has. Blocks.
///
/// # Errors
/// When the switch does not answer, or has what the model cannot have.
pub fn read_switch(
    network: &mut Network,
    name: &str,
    target: &Target,
    now: Instant,
) -> Result<(), ModelError> {
    let silent = |error: io::Error| ModelError::Silent { switch: name.to_owned(), error: error.to_string() };
    Contents::at(target).map_err(silent)?.put(network, name, now)
}

impl Lab {
    /// The network as it is at this moment, as a value: its links, and all rules of its switches. What flows with
    /// `NORMAL` have learned is not in it, and meters are full.
    ///
    /// # Errors
    /// When a switch does not tell its rules, or has some that cannot be followed.
    pub async fn model(&self) -> Result<Network, ModelError> {
        let (now, testbed) = (Instant::now(), self.testbed());
        let mut network = testbed.topology().network(now)?;
        for link in testbed.links().iter().filter(|link| link.state == LinkState::Down) {
            network.set_link_at((&link.a.node, link.a.port), false, now)?;
        }
        for switch in testbed.switches().iter().filter(|switch| switch.running) {
            let name = &switch.name;
            let ours = self.controller().and_then(|controller| controller.switch(switch.dpid));
            let contents = match (ours, switch.kind) {
                (Some(ours), _) => Contents::of(&ours).await,
                (None, SwitchKind::Ovs) => {
                    let target = Target::Unix(testbed.fabric().ovs_dir().join(format!("{name}.mgmt")));
                    let asked = tokio::task::spawn_blocking(move || Contents::at(&target)).await;
                    asked.map_err(io::Error::other).and_then(|asked| asked).map_err(|error| error.to_string())
                }
                _ => return Err(ModelError::NotAsked(name.clone())),
            };
            let silent = |error| ModelError::Silent { switch: name.clone(), error };
            contents.map_err(silent)?.put(&mut network, name, now)?;
        }
        Ok(network)
    }
}
