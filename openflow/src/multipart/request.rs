//! What a controller asks (OF 1.3.5 §7.3.5).

use bytes::{BufMut, Bytes, BytesMut};

use super::{FLOW_MONITOR_NAME, FlowStatsRequest, MORE, QueueStatsRequest, TableFeatures, kind, kind_name};
use crate::error::{DecodeError, EncodeError, Part};
use crate::extension::{self, FlowMonitorRequest};
use crate::ids::{GroupId, MeterId, PortNo};
use crate::msg::experimenter::Experimenter;
use crate::wire::{Reader, Wire, put_zeros};

/// A question about the state of a switch (OF 1.3.5 §7.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultipartRequest {
    /// What the switch is.
    Desc,
    /// Flows with their counters.
    Flow(FlowStatsRequest),
    /// Counters of flows, added up.
    Aggregate(FlowStatsRequest),
    /// Counters of all tables.
    Table,
    /// Counters of a port; [`PortNo::ANY`] is all of them.
    PortStats(PortNo),
    /// Counters of queues.
    Queue(QueueStatsRequest),
    /// Counters of a group; [`GroupId::ALL`] is all of them.
    Group(GroupId),
    /// All groups with their buckets.
    GroupDesc,
    /// What groups can do.
    GroupFeatures,
    /// Counters of a meter; [`MeterId::ALL`] is all of them.
    Meter(MeterId),
    /// A meter with its bands; [`MeterId::ALL`] is all of them.
    MeterConfig(MeterId),
    /// What meters can do.
    MeterFeatures,
    /// What tables can do: without tables asks, with tables sets.
    TableFeatures {
        /// Whether further parts of the request follow.
        more: bool,
        /// The tables as they are to be.
        tables: Vec<TableFeatures>,
    },
    /// All ports.
    PortDesc,
    /// Flows to be told of: an experimenter's request that this crate knows.
    FlowMonitor(Vec<FlowMonitorRequest>),
    /// An experimenter's, kept as it came.
    Experimenter(Experimenter),
    /// A request of one of these kinds, with flags that its kind has not.
    Flagged {
        /// These flags; bit 0 says that further parts follow, where the kind has one part alone.
        flags: u16,
        /// The request.
        request: Box<MultipartRequest>,
    },
    /// A request of a kind without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Multipart kind.
        kind: u16,
        /// `OFPMPF_REQ_*`; bit 0 says that further parts follow.
        flags: u16,
        /// All that follows the padding.
        body: Bytes,
    },
}

impl MultipartRequest {
    /// What tables can do, asked.
    pub fn table_features() -> MultipartRequest {
        MultipartRequest::TableFeatures { more: false, tables: Vec::new() }
    }

    /// The kind on the wire (`OFPMP_*`), which the reply has too.
    pub fn kind(&self) -> u16 {
        match self {
            MultipartRequest::Desc => kind::DESC,
            MultipartRequest::Flow(_) => kind::FLOW,
            MultipartRequest::Aggregate(_) => kind::AGGREGATE,
            MultipartRequest::Table => kind::TABLE,
            MultipartRequest::PortStats(_) => kind::PORT_STATS,
            MultipartRequest::Queue(_) => kind::QUEUE,
            MultipartRequest::Group(_) => kind::GROUP,
            MultipartRequest::GroupDesc => kind::GROUP_DESC,
            MultipartRequest::GroupFeatures => kind::GROUP_FEATURES,
            MultipartRequest::Meter(_) => kind::METER,
            MultipartRequest::MeterConfig(_) => kind::METER_CONFIG,
            MultipartRequest::MeterFeatures => kind::METER_FEATURES,
            MultipartRequest::TableFeatures { .. } => kind::TABLE_FEATURES,
            MultipartRequest::PortDesc => kind::PORT_DESC,
            MultipartRequest::FlowMonitor(_) | MultipartRequest::Experimenter(_) => kind::EXPERIMENTER,
            MultipartRequest::Flagged { request, .. } => request.kind(),
            MultipartRequest::Unknown { kind, .. } => *kind,
        }
    }

    /// The name of the kind, as the specification writes it; where it is an experimenter's that this crate knows, its
    /// own.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            MultipartRequest::FlowMonitor(_) => FLOW_MONITOR_NAME,
            MultipartRequest::Flagged { request, .. } => request.name(),
            other => kind_name(other.kind()),
        }
    }

    pub(crate) fn flags(&self) -> u16 {
        match self {
            MultipartRequest::TableFeatures { more: true, .. } => MORE,
            MultipartRequest::Flagged { flags, request } => *flags | request.flags(),
            MultipartRequest::Unknown { flags, .. } => *flags,
            _ => 0,
        }
    }
}

impl Wire for MultipartRequest {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let flags = r.u16()?;
        r.skip(4)?;
        let mut r = r.sub(r.len(), Part::Multipart(kind_name(kind)))?;
        let request = match kind {
            kind::DESC => MultipartRequest::Desc,
            kind::FLOW => MultipartRequest::Flow(FlowStatsRequest::decode(&mut r)?),
            kind::AGGREGATE => MultipartRequest::Aggregate(FlowStatsRequest::decode(&mut r)?),
            kind::TABLE => MultipartRequest::Table,
            kind::PORT_STATS => MultipartRequest::PortStats(PortNo(padded_id(&mut r)?)),
            kind::QUEUE => MultipartRequest::Queue(QueueStatsRequest::decode(&mut r)?),
            kind::GROUP => MultipartRequest::Group(GroupId(padded_id(&mut r)?)),
            kind::GROUP_DESC => MultipartRequest::GroupDesc,
            kind::GROUP_FEATURES => MultipartRequest::GroupFeatures,
            kind::METER => MultipartRequest::Meter(MeterId(padded_id(&mut r)?)),
            kind::METER_CONFIG => MultipartRequest::MeterConfig(MeterId(padded_id(&mut r)?)),
            kind::METER_FEATURES => MultipartRequest::MeterFeatures,
            kind::TABLE_FEATURES => {
                MultipartRequest::TableFeatures { more: flags & MORE != 0, tables: r.list()? }
            }
            kind::PORT_DESC => MultipartRequest::PortDesc,
            kind::EXPERIMENTER => {
                let it = Experimenter::decode(&mut r)?;
                extension::monitored(it.experimenter, it.exp_type, &it.data)?
                    .map_or(MultipartRequest::Experimenter(it), MultipartRequest::FlowMonitor)
            }
            kind => MultipartRequest::Unknown { kind, flags, body: r.opaque() },
        };
        r.finish()?;
        Ok(match flags & !request.flags() {
            0 => request,
            flags => MultipartRequest::Flagged { flags, request: Box::new(request) },
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.kind());
        out.put_u16(self.flags());
        put_zeros(out, 4);
        if let MultipartRequest::Flagged { flags, request } = self {
            request.unsayable_with(*flags).map_or(Ok(()), |why| Err(EncodeError::Unsayable { why }))?;
        }
        self.encode_body(out)
    }
}

impl MultipartRequest {
    /// What stands against these flags beside those that the request has by itself.
    fn unsayable_with(&self, flags: u16) -> Option<&'static str> {
        let own = match self {
            MultipartRequest::Flagged { .. } | MultipartRequest::Unknown { .. } => u16::MAX,
            MultipartRequest::TableFeatures { .. } => MORE,
            _ => 0,
        };
        (flags == 0 || flags & own != 0)
            .then_some("a flagged multipart request has flags, and ones that its kind has not")
    }

    fn encode_body(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            MultipartRequest::Desc
            | MultipartRequest::Table
            | MultipartRequest::GroupDesc
            | MultipartRequest::GroupFeatures
            | MultipartRequest::MeterFeatures
            | MultipartRequest::PortDesc => {}
            MultipartRequest::Flow(request) | MultipartRequest::Aggregate(request) => {
                request.encode(out)?;
            }
            MultipartRequest::PortStats(PortNo(id))
            | MultipartRequest::Group(GroupId(id))
            | MultipartRequest::Meter(MeterId(id))
            | MultipartRequest::MeterConfig(MeterId(id)) => {
                out.put_u32(*id);
                put_zeros(out, 4);
            }
            MultipartRequest::Queue(request) => request.encode(out)?,
            MultipartRequest::TableFeatures { tables, .. } => {
                tables.iter().try_for_each(|t| t.encode(out))?;
            }
            MultipartRequest::FlowMonitor(all) => extension::write_monitored(all, out)?,
            MultipartRequest::Experimenter(body) => body.encode(out)?,
            MultipartRequest::Flagged { request, .. } => request.encode_body(out)?,
            MultipartRequest::Unknown { body, .. } => out.put_slice(body),
        }
        Ok(())
    }
}

fn padded_id(r: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let id = r.u32()?;
    r.skip(4)?;
    Ok(id)
}
