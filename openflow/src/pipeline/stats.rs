//! What a switch answers to multipart requests (OF 1.3.5 §7.3.5).

use std::time::Instant;

use bytes::BytesMut;

use super::check::check_match;
use super::control::answer;
use super::effect::Sink;
use super::features::table_features;
use super::flow_mod::Filter;
use super::group::{CHAIN_MAX, GROUPS_MAX};
use super::meter::{BANDS_MAX, FLAGS, METERS_MAX};
use super::switch::Switch;
use crate::error::{BadRequest, ErrorKind, QueueOpFailed, TableFeaturesFailed};
use crate::ids::{PortNo, QueueId, TableId, Xid};
use crate::message::Body;
use crate::multipart::{
    AggregateStats, FlowStats, FlowStatsRequest, GroupCapabilities, GroupFeatures, MeterFeatures,
    MultipartBody, MultipartReply, MultipartRequest, QueueStatsRequest, TableStats,
};
use crate::wire::Wire;

/// Bytes of entries that fit one message, behind the headers of message and multipart.
const PART_MAX: usize = 0xffff - 16;

impl Switch {
    pub(super) fn multipart<S: Sink>(
        &mut self,
        xid: Xid,
        request: &MultipartRequest,
        now: Instant,
        sink: &mut S,
    ) -> Result<(), ErrorKind> {
        use MultipartBody as B;
        let whole = |body: B, sink: &mut S| {
            answer(xid, MultipartReply::last(body), sink);
            Ok(())
        };
        match request {
            MultipartRequest::Desc => whole(B::Desc(self.config.desc.clone()), sink),
            MultipartRequest::Aggregate(wanted) => {
                whole(B::Aggregate(sum(&self.flow_stats(wanted, now)?)), sink)
            }
            MultipartRequest::GroupFeatures => whole(B::GroupFeatures(group_features()), sink),
            MultipartRequest::MeterFeatures => whole(B::MeterFeatures(meter_features()), sink),
            MultipartRequest::Flow(wanted) => in_parts(xid, self.flow_stats(wanted, now)?, B::Flow, sink),
            MultipartRequest::Table => in_parts(xid, self.table_stats(), B::Table, sink),
            MultipartRequest::PortStats(port) => {
                if *port != PortNo::ANY && self.ports.get(*port).is_none() {
                    return Err(BadRequest::BadPort.into());
                }
                in_parts(xid, self.ports.stats(*port, now), B::PortStats, sink)
            }
            MultipartRequest::Queue(wanted) => {
                self.check_queue(wanted)?;
                whole(B::Queue(Vec::new()), sink)
            }
            MultipartRequest::Group(group) => {
                let references = self.references(|program| program.groups());
                in_parts(xid, self.groups.stats(*group, &references, now), B::Group, sink)
            }
            MultipartRequest::GroupDesc => in_parts(xid, self.groups.describe(), B::GroupDesc, sink),
            MultipartRequest::Meter(meter) => {
                let references = self.references(|program| program.meter().into_iter());
                in_parts(xid, self.meters.stats(*meter, &references, now)?, B::Meter, sink)
            }
            MultipartRequest::MeterConfig(meter) => {
                in_parts(xid, self.meters.describe(*meter)?, B::MeterConfig, sink)
            }
            MultipartRequest::TableFeatures { more: false, tables } if tables.is_empty() => {
                let tables = self.chosen(TableId::ALL);
                let features = tables.map(|table| table_features(self, table)).collect();
                in_parts(xid, features, B::TableFeatures, sink)
            }
            // The tables can do all there is; nothing is taken from them.
            MultipartRequest::TableFeatures { .. } => Err(TableFeaturesFailed::Eperm.into()),
            MultipartRequest::PortDesc => {
                in_parts(xid, self.ports.iter().cloned().collect(), B::PortDesc, sink)
            }
            MultipartRequest::FlowMonitor(_) | MultipartRequest::Experimenter(_) => {
                Err(BadRequest::BadExperimenter.into())
            }
            MultipartRequest::Flagged { .. } | MultipartRequest::Unknown { .. } => {
                Err(BadRequest::BadMultipart.into())
            }
        }
    }

    fn flow_stats(&self, wanted: &FlowStatsRequest, now: Instant) -> Result<Vec<FlowStats>, ErrorKind> {
        if wanted.table != TableId::ALL && !self.has_table(wanted.table) {
            return Err(BadRequest::BadTableId.into());
        }
        let pattern = check_match(&wanted.match_)?;
        let FlowStatsRequest { cookie, cookie_mask, out_port, out_group, .. } = *wanted;
        let filter = Filter { cookie, cookie_mask, out_port, out_group };
        let mut stats = Vec::new();
        for id in self.chosen(wanted.table) {
            let Some(table) = self.get_table(id) else { continue };
            let flows = table.select(&pattern, &filter).into_iter().filter_map(|at| table.get(at));
            stats.extend(flows.map(|flow| flow.stats(id, now)));
        }
        Ok(stats)
    }

    fn table_stats(&self) -> Vec<TableStats> {
        let of = |id: TableId| {
            let (active, lookups, matched) =
                self.get_table(id).map_or((0, 0, 0), |it| (it.len(), it.lookups, it.matched));
            TableStats {
                table: id,
                active_count: u32::try_from(active).unwrap_or(u32::MAX),
                lookup_count: lookups,
                matched_count: matched,
            }
        };
        self.chosen(TableId::ALL).map(of).collect()
    }

    fn check_queue(&self, wanted: &QueueStatsRequest) -> Result<(), QueueOpFailed> {
        if wanted.port != PortNo::ANY && self.ports.get(wanted.port).is_none() {
            return Err(QueueOpFailed::BadPort);
        }
        if wanted.queue == QueueId::ALL { Ok(()) } else { Err(QueueOpFailed::BadQueue) }
    }
}

/// Entries in as many messages as they need, at least one.
fn in_parts<T: Wire, S: Sink>(
    xid: Xid,
    entries: Vec<T>,
    body: impl Fn(Vec<T>) -> MultipartBody,
    sink: &mut S,
) -> Result<(), ErrorKind> {
    let mut part = Vec::new();
    let mut size = 0;
    let mut wire = BytesMut::new();
    for entry in entries {
        wire.clear();
        // One that does not fit a message at all is left out; no flow, group or meter is taken that
        // came in a longer one.
        if entry.encode(&mut wire).is_err() || wire.len() > PART_MAX {
            continue;
        }
        if size + wire.len() > PART_MAX {
            let body = body(std::mem::take(&mut part));
            answer(xid, Body::MultipartReply(MultipartReply::part(body)), sink);
            size = 0;
        }
        size += wire.len();
        part.push(entry);
    }
    answer(xid, Body::MultipartReply(MultipartReply::last(body(part))), sink);
    Ok(())
}

fn sum(flows: &[FlowStats]) -> AggregateStats {
    // A counter that is not kept adds nothing.
    let kept = |count: u64| if count == u64::MAX { 0 } else { count };
    let mut all = AggregateStats::default();
    for flow in flows {
        all.packet_count = all.packet_count.wrapping_add(kept(flow.packet_count));
        all.byte_count = all.byte_count.wrapping_add(kept(flow.byte_count));
        all.flow_count = all.flow_count.saturating_add(1);
    }
    all
}

fn group_features() -> GroupFeatures {
    const { assert!(CHAIN_MAX > 1, "groups can be chained") };
    GroupFeatures {
        kinds: 0b1111,
        capabilities: GroupCapabilities::SELECT_WEIGHT
            | GroupCapabilities::SELECT_LIVENESS
            | GroupCapabilities::CHAINING
            | GroupCapabilities::CHAINING_CHECKS,
        max_groups: [GROUPS_MAX as u32; 4],
        actions: [super::features::ACTIONS.iter().fold(0, |bits, kind| bits | 1 << kind); 4],
    }
}

fn meter_features() -> MeterFeatures {
    MeterFeatures {
        max_meters: METERS_MAX as u32,
        band_kinds: 1 << 1 | 1 << 2,
        capabilities: FLAGS.bits().into(),
        max_bands: BANDS_MAX as u8,
        max_color: 0,
    }
}
