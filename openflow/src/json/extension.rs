//! Experimenters' messages.

use serde::ser::SerializeMap;

use super::matching::Fields;
use super::message::Whole;
use super::scalar::{Data, Flags, Symbol, bits, buffer, port, table};
use super::{List, Members, Object, object};
use crate::extension::{
    BundleAdd, BundleControl, Extension, FlowMonitorRequest, FlowUpdate, MonitoredFlow, PacketIn2,
    PacketInProperty,
};
use crate::ids::Xid;

/// The members of an extension; `xid` is its message's, and that of a message in a bundle.
pub(super) fn add<M: SerializeMap>(message: &Extension, xid: Xid, to: &mut M) -> Result<(), M::Error> {
    match message {
        Extension::SetPacketInFormat(format) => to.serialize_entry("format", &Symbol::from(*format)),
        Extension::SetControllerId(id) => to.serialize_entry("controller_id", id),
        Extension::PacketIn2(packet) | Extension::Resume(packet) => packet.add(to),
        Extension::BundleControl(control) => control.add(to),
        Extension::BundleAdd(BundleAdd { bundle, flags, body }) => {
            to.serialize_entry("bundle_id", &bundle.0)?;
            to.serialize_entry("flags", &Flags(*flags))?;
            to.serialize_entry("message", &Object(&Whole { xid, body }))
        }
        Extension::FlowMonitorCancel(id) => to.serialize_entry("monitor_id", &id.0),
        Extension::FlowMonitorPaused | Extension::FlowMonitorResumed => Ok(()),
    }
}

object! {
    BundleControl as it {
        "bundle_id": it.bundle.0,
        "bundle_type": Symbol::from(it.step),
        "flags": Flags(it.flags),
    }

    PacketIn2 as packet {
        "buffer_id": buffer(packet.buffer),
        "full_len": packet.full_len,
        "reason": packet.reason.map(Symbol::from),
        "table_id": packet.table.map(table),
        "cookie": packet.cookie.map(bits),
        "metadata": packet.metadata.as_ref().map(Fields),
        "userdata": packet.userdata.as_deref().map(Data),
        "continuation": packet.continuation.as_deref().map(Data),
        "data": Data(&packet.packet),
        "unknown": List(&packet.unknown),
    }

    PacketInProperty as it {
        "type": it.kind,
        "data": Data(&it.body),
    }

    FlowMonitorRequest as it {
        "monitor_id": it.id.0,
        "flags": Flags(it.flags),
        "out_port": port(it.out_port),
        "table_id": table(it.table),
        "match": Fields(&it.match_),
    }

    MonitoredFlow as flow {
        "event": Symbol::from(flow.event),
        "reason": flow.removed_because().map(Symbol::from),
        "table_id": table(flow.table),
        "priority": flow.priority,
        "idle_timeout": flow.idle_timeout,
        "hard_timeout": flow.hard_timeout,
        "cookie": bits(flow.cookie),
        "match": Fields(&flow.match_),
        "instructions": List(&flow.instructions),
    }
}

impl Members for FlowUpdate {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        match self {
            FlowUpdate::Full(flow) => flow.add(to),
            FlowUpdate::Abbreviated(xid) => {
                to.serialize_entry("event", "abbreviated")?;
                to.serialize_entry("xid", &xid.0)
            }
        }
    }
}
