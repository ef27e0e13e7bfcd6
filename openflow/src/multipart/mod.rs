//! Questions about the state of a switch, whose answers may come in parts (OF 1.3.5 §7.3.5).

pub mod flow;
pub mod group;
pub mod meter;
pub mod port;
pub mod table;
pub mod table_features;

mod desc;
mod reply;
mod request;

pub use desc::Desc;
pub use flow::{AggregateStats, FlowStats, FlowStatsRequest};
pub use group::{BucketStats, GroupCapabilities, GroupDesc, GroupFeatures, GroupStats};
pub use meter::{MeterBandStats, MeterConfig, MeterFeatures, MeterStats};
pub use port::{PortStats, QueueStats, QueueStatsRequest};
pub use reply::{ExtendError, MultipartBody, MultipartReply};
pub use request::MultipartRequest;
pub use table::TableStats;
pub use table_features::{TableFeatures, TableProperty};

/// Multipart kinds, `OFPMP_*`.
pub mod kind {
    /// What the switch is.
    pub const DESC: u16 = 0;
    /// Flows with their counters.
    pub const FLOW: u16 = 1;
    /// Counters of flows, added up.
    pub const AGGREGATE: u16 = 2;
    /// Counters of tables.
    pub const TABLE: u16 = 3;
    /// Counters of ports.
    pub const PORT_STATS: u16 = 4;
    /// Counters of queues.
    pub const QUEUE: u16 = 5;
    /// Counters of groups.
    pub const GROUP: u16 = 6;
    /// Groups with their buckets.
    pub const GROUP_DESC: u16 = 7;
    /// What groups can do.
    pub const GROUP_FEATURES: u16 = 8;
    /// Counters of meters.
    pub const METER: u16 = 9;
    /// Meters with their bands.
    pub const METER_CONFIG: u16 = 10;
    /// What meters can do.
    pub const METER_FEATURES: u16 = 11;
    /// What tables can do.
    pub const TABLE_FEATURES: u16 = 12;
    /// Ports.
    pub const PORT_DESC: u16 = 13;
    /// An experimenter's.
    pub const EXPERIMENTER: u16 = 0xffff;
}

/// Flag of a part that others follow (`OFPMPF_REQ_MORE`, `OFPMPF_REPLY_MORE`).
const MORE: u16 = 1;

/// The name of flow monitors, as of the kinds that OpenFlow 1.3 has.
const FLOW_MONITOR_NAME: &str = "OFPMP_FLOW_MONITOR";

/// The name of a kind, as the specification writes it.
pub fn kind_name(kind: u16) -> &'static str {
    match kind {
        kind::DESC => "OFPMP_DESC",
        kind::FLOW => "OFPMP_FLOW",
        kind::AGGREGATE => "OFPMP_AGGREGATE",
        kind::TABLE => "OFPMP_TABLE",
        kind::PORT_STATS => "OFPMP_PORT_STATS",
        kind::QUEUE => "OFPMP_QUEUE",
        kind::GROUP => "OFPMP_GROUP",
        kind::GROUP_DESC => "OFPMP_GROUP_DESC",
        kind::GROUP_FEATURES => "OFPMP_GROUP_FEATURES",
        kind::METER => "OFPMP_METER",
        kind::METER_CONFIG => "OFPMP_METER_CONFIG",
        kind::METER_FEATURES => "OFPMP_METER_FEATURES",
        kind::TABLE_FEATURES => "OFPMP_TABLE_FEATURES",
        kind::PORT_DESC => "OFPMP_PORT_DESC",
        kind::EXPERIMENTER => "OFPMP_EXPERIMENTER",
        _ => "OFPMP of an unknown kind",
    }
}
