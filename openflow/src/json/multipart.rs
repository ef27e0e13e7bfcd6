//! Multipart requests and replies: `"multipart_type"`, `"flags"` and a `"body"`.

use serde::ser::SerializeMap;

use super::scalar::{Data, Symbol, group, meter, port};
use super::{List, Members, Object, object};
use crate::msg::experimenter::Experimenter;
use crate::multipart::{Desc, MultipartBody, MultipartReply, MultipartRequest};

object! {
    Desc as desc {
        "mfr_desc": desc.manufacturer.to_str_lossy(),
        "hw_desc": desc.hardware.to_str_lossy(),
        "sw_desc": desc.software.to_str_lossy(),
        "serial_num": desc.serial.to_str_lossy(),
        "dp_desc": desc.datapath.to_str_lossy(),
    }

    Experimenter as it {
        "experimenter": it.experimenter,
        "exp_type": it.exp_type,
        "data": Data(&it.data),
    }
}

fn add_head<M: SerializeMap>(name: &str, kind: u16, flags: u16, to: &mut M) -> Result<(), M::Error> {
    match name.strip_prefix("OFPMP_") {
        Some(name) => to.serialize_entry("multipart_type", &name.to_ascii_lowercase())?,
        None => to.serialize_entry("multipart_type", &kind)?,
    }
    let more = (flags & 1 != 0).then_some(Symbol::Name("more"));
    let rest = (flags & !1 != 0).then_some(Symbol::Number((flags & !1).into()));
    to.serialize_entry("flags", &more.into_iter().chain(rest).collect::<Vec<_>>())
}

impl Members for MultipartRequest {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        use MultipartRequest as R;
        add_head(self.name(), self.kind(), self.flags(), to)?;
        let bare = match self {
            R::Flagged { request, .. } => request,
            request => request,
        };
        match bare {
            R::Desc | R::Table | R::GroupDesc | R::GroupFeatures | R::MeterFeatures | R::PortDesc => Ok(()),
            R::Flow(request) | R::Aggregate(request) => to.serialize_entry("body", &Object(request)),
            R::PortStats(id) => to.serialize_entry("body", &Id { name: "port_no", id: port(*id) }),
            R::Queue(request) => to.serialize_entry("body", &Object(request)),
            R::Group(id) => to.serialize_entry("body", &Id { name: "group_id", id: group(*id) }),
            R::Meter(id) | R::MeterConfig(id) => {
                to.serialize_entry("body", &Id { name: "meter_id", id: meter(*id) })
            }
            R::TableFeatures { tables, .. } => to.serialize_entry("body", &List(tables)),
            R::FlowMonitor(all) => to.serialize_entry("body", &List(all)),
            R::Experimenter(it) => to.serialize_entry("body", &Object(it)),
            // One that stands in another can't be written.
            R::Flagged { .. } => Ok(()),
            R::Unknown { body, .. } => to.serialize_entry("body", &Data(body)),
        }
    }
}

/// An object with one member.
struct Id {
    name: &'static str,
    id: Symbol,
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.name, self.id)])
    }
}

impl Members for MultipartReply {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        use MultipartBody as B;
        add_head(self.body.name(), self.body.kind(), self.flags(), to)?;
        match &self.body {
            B::Desc(desc) => to.serialize_entry("body", &Object(desc)),
            B::Flow(all) => to.serialize_entry("body", &List(all)),
            B::Aggregate(sum) => to.serialize_entry("body", &Object(sum)),
            B::Table(all) => to.serialize_entry("body", &List(all)),
            B::PortStats(all) => to.serialize_entry("body", &List(all)),
            B::Queue(all) => to.serialize_entry("body", &List(all)),
            B::Group(all) => to.serialize_entry("body", &List(all)),
            B::GroupDesc(all) => to.serialize_entry("body", &List(all)),
            B::GroupFeatures(features) => to.serialize_entry("body", &Object(features)),
            B::Meter(all) => to.serialize_entry("body", &List(all)),
            B::MeterConfig(all) => to.serialize_entry("body", &List(all)),
            B::MeterFeatures(features) => to.serialize_entry("body", &Object(features)),
            B::TableFeatures(all) => to.serialize_entry("body", &List(all)),
            B::PortDesc(all) => to.serialize_entry("body", &List(all)),
            B::FlowMonitor(all) => to.serialize_entry("body", &List(all)),
            B::Experimenter { experimenter, exp_type, parts } => {
                let (experimenter, exp_type, data) = (*experimenter, *exp_type, parts.concat().into());
                to.serialize_entry("body", &Object(&Experimenter { experimenter, exp_type, data }))
            }
            B::Unknown { parts, .. } => to.serialize_entry("body", &Data(&parts.concat())),
        }
    }
}
