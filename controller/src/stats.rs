//! Statistics and descriptions of a switch, each an async call that returns all parts of the answer.

use openflow::msg::async_config::AsyncConfig;
use openflow::msg::config::SwitchConfig;
use openflow::msg::queue::QueueConfig;
use openflow::multipart::{
    GroupDesc, GroupFeatures, GroupStats, MeterConfig, MeterFeatures, MeterStats, QueueStats,
    QueueStatsRequest, TableFeatures,
};
use openflow::session::{Reply, RequestError};
use openflow::{
    AggregateStats, Body, Desc, FlowStats, FlowStatsRequest, GroupId, MeterId, MultipartBody,
    MultipartRequest, Port, PortNo, PortStats, TableStats,
};

use crate::switch::{Switch, unexpected};

/// One row a kind of multipart request: method, parameter, request, reply, what it returns.
macro_rules! gathered {
    ($($(#[$doc:meta])* $method:ident($($parameter:ident: $type:ty)?) $request:expr => $reply:ident: $returns:ty;)*) => {
        impl Switch {
            $(
                $(#[$doc])*
                pub async fn $method(&self, $($parameter: $type)?) -> Result<$returns, RequestError> {
                    match self.multipart($request).await? {
                        MultipartBody::$reply(body) => Ok(body),
                        other => Err(unexpected(&Reply::Multipart(other))),
                    }
                }
            )*
        }
    };
}

gathered! {
    /// Vendor, hardware and software of the switch (OF 1.3.5 §7.3.5.1).
    desc() MultipartRequest::Desc => Desc: Desc;
    /// The flows that `which` selects, with their counters (OF 1.3.5 §7.3.5.2).
    flow_stats(which: FlowStatsRequest) MultipartRequest::Flow(which) => Flow: Vec<FlowStats>;
    /// Sums over the flows that `which` selects (OF 1.3.5 §7.3.5.3).
    aggregate_stats(which: FlowStatsRequest) MultipartRequest::Aggregate(which) => Aggregate: AggregateStats;
    /// Counters of each table (OF 1.3.5 §7.3.5.4).
    table_stats() MultipartRequest::Table => Table: Vec<TableStats>;
    /// What each table can do (OF 1.3.5 §7.3.5.5).
    table_features() MultipartRequest::table_features() => TableFeatures: Vec<TableFeatures>;
    /// Counters of a port, or of all with [`PortNo::ANY`] (OF 1.3.5 §7.3.5.6).
    port_stats(port: PortNo) MultipartRequest::PortStats(port) => PortStats: Vec<PortStats>;
    /// The ports as they are now (OF 1.3.5 §7.3.5.7).
    port_desc() MultipartRequest::PortDesc => PortDesc: Vec<Port>;
    /// Counters of queues (OF 1.3.5 §7.3.5.8).
    queue_stats(which: QueueStatsRequest) MultipartRequest::Queue(which) => Queue: Vec<QueueStats>;
    /// Counters of a group, or of all with [`GroupId::ALL`] (OF 1.3.5 §7.3.5.9).
    group_stats(group: GroupId) MultipartRequest::Group(group) => Group: Vec<GroupStats>;
    /// All groups with their buckets (OF 1.3.5 §7.3.5.10).
    group_desc() MultipartRequest::GroupDesc => GroupDesc: Vec<GroupDesc>;
    /// What groups can do (OF 1.3.5 §7.3.5.11).
    group_features() MultipartRequest::GroupFeatures => GroupFeatures: GroupFeatures;
    /// Counters of a meter, or of all with [`MeterId::ALL`] (OF 1.3.5 §7.3.5.12).
    meter_stats(meter: MeterId) MultipartRequest::Meter(meter) => Meter: Vec<MeterStats>;
    /// A meter with its bands, or all with [`MeterId::ALL`] (OF 1.3.5 §7.3.5.13).
    meter_config(meter: MeterId) MultipartRequest::MeterConfig(meter) => MeterConfig: Vec<MeterConfig>;
    /// What meters can do (OF 1.3.5 §7.3.5.14).
    meter_features() MultipartRequest::MeterFeatures => MeterFeatures: MeterFeatures;
}

/// One row a request with a single reply.
macro_rules! asked {
    ($($(#[$doc:meta])* $method:ident($($parameter:ident: $type:ty)?) $request:expr => $reply:ident: $returns:ty;)*) => {
        impl Switch {
            $(
                $(#[$doc])*
                pub async fn $method(&self, $($parameter: $type)?) -> Result<$returns, RequestError> {
                    match self.request($request).await? {
                        Reply::Body(body) => match *body {
                            Body::$reply(body) => Ok(body),
                            other => Err(unexpected(&Reply::Body(Box::new(other)))),
                        },
                        other => Err(unexpected(&other)),
                    }
                }
            )*
        }
    };
}

asked! {
    /// How the switch treats fragments, and how much of a packet it sends (OF 1.3.5 §7.3.2).
    config() Body::GetConfigRequest => GetConfigReply: SwitchConfig;
    /// The queues of a port, or of all with [`PortNo::ANY`] (OF 1.3.5 §7.3.6).
    queue_config(port: PortNo) Body::QueueGetConfigRequest(port) => QueueGetConfigReply: QueueConfig;
    /// Which asynchronous messages this controller is sent (OF 1.3.5 §7.3.10).
    async_config() Body::GetAsyncRequest => GetAsyncReply: AsyncConfig;
}
