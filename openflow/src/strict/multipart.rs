//! Multipart requests and the parts of their answers (OF 1.3.5 §7.3.5).

use super::part::{bands, buckets, instructions, is_meter, meter_flags, sound};
use super::{Checked, misplaced, named_flags, removed_reason, unnamed};
use crate::error::{BadRequest, FlowModFailed, GroupModFailed, MeterModFailed, TableFeaturesFailed};
use crate::extension::{FlowUpdate, FlowUpdateEvent, MonitoredFlow};
use crate::ids::{GroupId, TableId};
use crate::msg::group_mod::GroupKind;
use crate::multipart::table_features::FeatureId;
use crate::multipart::{
    FlowStats, GroupDesc, MeterConfig, MultipartBody, MultipartReply, MultipartRequest, TableFeatures,
    TableProperty,
};

pub(super) fn request(request: &MultipartRequest) -> Checked {
    match request {
        MultipartRequest::Unknown { kind, .. } => {
            Err(unnamed("multipart kind", *kind, BadRequest::BadMultipart))
        }
        MultipartRequest::Flagged { flags, .. } => {
            Err(unnamed("multipart flags", *flags, BadRequest::BadMultipart))
        }
        MultipartRequest::Flow(it) | MultipartRequest::Aggregate(it) => sound(&it.match_),
        MultipartRequest::TableFeatures { tables, .. } => tables.iter().try_for_each(table_features),
        MultipartRequest::FlowMonitor(all) => all.iter().try_for_each(|it| {
            named_flags("flow monitor flags", it.flags, BadRequest::BadMultipart)?;
            sound(&it.match_)
        }),
        _ => Ok(()),
    }
}

pub(super) fn reply(reply: &MultipartReply) -> Checked {
    if reply.reserved != 0 {
        return Err(unnamed("multipart flags", reply.reserved, BadRequest::BadMultipart));
    }
    match &reply.body {
        MultipartBody::Unknown { kind, .. } => {
            Err(unnamed("multipart kind", *kind, BadRequest::BadMultipart))
        }
        MultipartBody::Flow(all) => all.iter().try_for_each(flow_stats),
        MultipartBody::GroupDesc(all) => all.iter().try_for_each(group_desc),
        MultipartBody::MeterConfig(all) => all.iter().try_for_each(meter_config),
        MultipartBody::TableFeatures(all) => all.iter().try_for_each(table_features),
        MultipartBody::FlowMonitor(all) => all.iter().try_for_each(|it| match it {
            FlowUpdate::Full(flow) => monitored(flow),
            FlowUpdate::Abbreviated(_) => Ok(()),
        }),
        _ => Ok(()),
    }
}

/// A flow is in a table.
fn table(table: TableId) -> Checked {
    if table > TableId::MAX {
        return Err(misplaced("flow table", table.0, BadRequest::BadTableId));
    }
    Ok(())
}

fn flow_stats(flow: &FlowStats) -> Checked {
    table(flow.table)?;
    named_flags("flow-mod flags", flow.flags, FlowModFailed::BadFlags)?;
    sound(&flow.match_)?;
    instructions(&flow.instructions, &flow.match_, flow.table)
}

fn monitored(flow: &MonitoredFlow) -> Checked {
    if let FlowUpdateEvent::Unknown(number) = flow.event {
        return Err(unnamed("flow monitor event", number, BadRequest::BadMultipart));
    }
    flow.removed_because().map_or(Ok(()), removed_reason)?;
    table(flow.table)?;
    sound(&flow.match_)?;
    instructions(&flow.instructions, &flow.match_, flow.table)
}

fn group_desc(group: &GroupDesc) -> Checked {
    if let GroupKind::Unknown(number) = group.kind {
        return Err(unnamed("group type", number, GroupModFailed::BadType));
    }
    if group.group > GroupId::MAX {
        return Err(misplaced("group", group.group.0, GroupModFailed::InvalidGroup));
    }
    buckets(&group.buckets)
}

fn meter_config(meter: &MeterConfig) -> Checked {
    if !is_meter(meter.meter) {
        return Err(misplaced("meter", meter.meter.0, MeterModFailed::InvalidMeter));
    }
    meter_flags(meter.flags)?;
    bands(&meter.bands)
}

/// Properties and what they list have names (OF 1.3.5 §7.3.5.5.2). Match fields may be an experimenter's.
fn table_features(features: &TableFeatures) -> Checked {
    const EXPERIMENTER: u16 = 0xffff;
    /// The last instruction and the last action, experimenters' aside (`OFPIT_METER`, `OFPAT_POP_PBB`).
    const LAST_INSTRUCTION: u16 = 6;
    const LAST_ACTION: u16 = 27;
    table(features.table)?;
    let named = |ids: &[FeatureId], what, first: u16, last: u16| {
        let has_name = |kind| (first..=last).contains(&kind) || kind == EXPERIMENTER;
        match ids.iter().find(|id| !has_name(id.kind)) {
            Some(id) => Err(unnamed(what, id.kind, TableFeaturesFailed::BadArgument)),
            None => Ok(()),
        }
    };
    features.properties.iter().try_for_each(|property| match property {
        // Of the two experimenters' types one is about table-miss.
        TableProperty::Unknown { kind, .. } if *kind < EXPERIMENTER - 1 => {
            Err(unnamed("table feature property", *kind, TableFeaturesFailed::BadType))
        }
        TableProperty::Instructions(_, ids) => named(ids, "instruction type", 1, LAST_INSTRUCTION),
        TableProperty::WriteActions(_, ids) | TableProperty::ApplyActions(_, ids) => {
            named(ids, "action type", 0, LAST_ACTION)
        }
        TableProperty::NextTables(_, tables) => tables.iter().try_for_each(|it| table(*it)),
        _ => Ok(()),
    })
}
