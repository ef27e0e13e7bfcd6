//! Bridges, ports and controllers as rows (`ovs-vswitchd.conf.db(5)`).

use openflow::DatapathId;

use super::datapath::Datapath;
use crate::ovsdb::{Atom, Condition, Mutation, Mutator, Operation, Uuid, Value};
use crate::topology::FailMode;

/// The longest pause between a bridge's attempts to reach its controller, in milliseconds: the
/// least that Open vSwitch takes.
const MAX_BACKOFF: i64 = 1000;

/// Silence after which a bridge probes its controller, in milliseconds.
const INACTIVITY_PROBE: i64 = 5000;

/// Time between updates of counters in the database, in milliseconds. We read counters over
/// OpenFlow; in the database they only cost.
const STATISTICS_INTERVAL: u64 = 600_000;

/// The key of `other_config` for it.
const STATISTICS_KEY: &str = "stats-update-interval";

/// A bridge to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its name, and that of its local port's interface: at most 15 bytes.
    pub name: String,
    /// Its identity towards controllers.
    pub dpid: DatapathId,
    /// What it does without a controller.
    pub fail_mode: FailMode,
    /// Its controllers' targets, such as `tcp:127.0.0.1:6653`, as seen from the fabric.
    pub controllers: Vec<String>,
    /// Interfaces in the fabric that become its ports, with their OpenFlow port numbers
    /// (1 to 65279).
    pub ports: Vec<(String, u32)>,
}

impl Bridge {
    /// A bridge with fail mode secure, without controllers or ports.
    pub fn new(name: impl Into<String>, dpid: DatapathId) -> Self {
        Self {
            name: name.into(),
            dpid,
            fail_mode: FailMode::Secure,
            controllers: Vec::new(),
            ports: Vec::new(),
        }
    }
}

/// The one row that all others hang from.
pub(super) fn root(datapath: Datapath) -> Operation {
    let interval = STATISTICS_INTERVAL.to_string();
    let mut config = vec![(STATISTICS_KEY, interval.as_str())];
    if datapath == Datapath::Userspace {
        // Threads by the dozen would be started on large machines, for networks of some hosts.
        config.extend([("n-handler-threads", "1"), ("n-revalidator-threads", "1")]);
    }
    Operation::insert("Open_vSwitch", [("other_config", Value::map(config))])
}

/// Has `ovs-vswitchd` write counters and the controllers' state now: it does so whenever the
/// interval changes, so `turn` is to be another one each time.
pub(super) fn refresh(turn: u64) -> Operation {
    let interval = (STATISTICS_INTERVAL + 1 + turn % 1000).to_string();
    Operation::mutate(
        "Open_vSwitch",
        [
            Mutation::new("other_config", Mutator::Delete, Value::set([STATISTICS_KEY])),
            Mutation::new("other_config", Mutator::Insert, Value::map([(STATISTICS_KEY, interval.as_str())])),
        ],
    )
}

/// Gives the change a number, and reads it: `ovs-vswitchd` sets `cur_cfg` to it when done.
pub(super) fn numbered(operations: &mut Vec<Operation>) {
    operations.push(Operation::mutate("Open_vSwitch", [Mutation::new("next_cfg", Mutator::Add, 1i64)]));
    operations.push(Operation::select("Open_vSwitch").columns(["next_cfg"]));
}

/// All rows of some bridges.
pub(super) fn insert_bridges(bridges: &[Bridge], datapath: Datapath) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut names = Vec::new();
    for (index, bridge) in bridges.iter().enumerate() {
        let name = format!("b{index}");
        insert_bridge(bridge, &name, datapath, &mut operations);
        names.push(Atom::NamedUuid(name));
    }
    operations.push(Operation::mutate(
        "Open_vSwitch",
        [Mutation::new("bridges", Mutator::Insert, Value::Set(names))],
    ));
    operations
}

fn insert_bridge(bridge: &Bridge, name: &str, datapath: Datapath, operations: &mut Vec<Operation>) {
    let local = Port { name: &bridge.name, number: None };
    let ports = bridge.ports.iter().map(|(name, number)| Port { name, number: Some(*number) });
    let mut references = Vec::new();
    for (index, port) in std::iter::once(local).chain(ports).enumerate() {
        let reference = format!("{name}_p{index}");
        insert_port(&port, &reference, operations);
        references.push(Atom::NamedUuid(reference));
    }
    let controllers = insert_controllers(&bridge.controllers, name, operations);
    let dpid = bridge.dpid.to_string();
    let config = [("datapath-id", dpid.as_str()), ("disable-in-band", "true")];
    let row = [
        ("name", Value::from(bridge.name.as_str())),
        ("datapath_type", Value::from(datapath.name())),
        ("fail_mode", fail_mode(bridge.fail_mode)),
        ("protocols", Value::set(["OpenFlow13"])),
        ("other_config", Value::map(config)),
        ("ports", Value::Set(references)),
        ("controller", controllers),
    ];
    operations.push(Operation::insert("Bridge", row).named(name));
}

/// `fail_mode` in the database.
pub(super) fn fail_mode(mode: FailMode) -> Value {
    Value::from(match mode {
        FailMode::Secure => "secure",
        FailMode::Standalone => "standalone",
    })
}

pub(super) struct Port<'a> {
    pub(super) name: &'a str,
    /// None for a bridge's local port.
    pub(super) number: Option<u32>,
}

/// A port and its interface; the port is called `reference`.
pub(super) fn insert_port(port: &Port<'_>, reference: &str, operations: &mut Vec<Operation>) {
    let interface = format!("{reference}_i");
    let mut row = vec![("name", Value::from(port.name))];
    match port.number {
        Some(number) => row.push(("ofport_request", Value::from(number))),
        None => row.push(("type", Value::from("internal"))),
    }
    operations.push(Operation::insert("Interface", row).named(&interface));
    let row = [("name", Value::from(port.name)), ("interfaces", Value::named(interface))];
    operations.push(Operation::insert("Port", row).named(reference));
}

/// One row a target; the value is what a bridge's `controller` is to be.
pub(super) fn insert_controllers(targets: &[String], prefix: &str, operations: &mut Vec<Operation>) -> Value {
    let mut references = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let reference = format!("{prefix}_c{index}");
        let row = [
            ("target", Value::from(target.as_str())),
            ("connection_mode", Value::from("out-of-band")),
            ("max_backoff", Value::from(MAX_BACKOFF)),
            ("inactivity_probe", Value::from(INACTIVITY_PROBE)),
        ];
        operations.push(Operation::insert("Controller", row).named(&reference));
        references.push(Atom::NamedUuid(reference));
    }
    Value::Set(references)
}

/// Unhooks bridges; the database then removes their rows by itself.
pub(super) fn remove_bridges(bridges: Vec<Uuid>) -> Operation {
    Operation::mutate("Open_vSwitch", [Mutation::new("bridges", Mutator::Delete, Value::set(bridges))])
}

/// Hooks a port to a bridge, or unhooks it.
pub(super) fn change_ports(bridge: Uuid, mutator: Mutator, port: Value) -> Operation {
    Operation::mutate("Bridge", [Mutation::new("ports", mutator, port)]).filter(Condition::is(bridge))
}
