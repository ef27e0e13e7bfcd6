//! What a switch answers, part by part (OF 1.3.5 §7.3.5).

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    AggregateStats, Desc, FLOW_MONITOR_NAME, FlowStats, GroupDesc, GroupFeatures, GroupStats, MORE,
    MeterConfig, MeterFeatures, MeterStats, PortStats, QueueStats, TableFeatures, TableStats, kind,
    kind_name,
};
use crate::error::{DecodeError, EncodeError, Part};
use crate::extension::{self, FlowUpdate};
use crate::msg::port::Port;
use crate::wire::{Reader, Wire, put_zeros};

/// One part of an answer (OF 1.3.5 §7.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartReply {
    /// Whether further parts follow.
    pub more: bool,
    /// Flags without a name in OpenFlow 1.3, as they came: bits 1 to 15, for `more` is bit 0. They are zero from whoever
    /// keeps to the specification.
    pub reserved: u16,
    /// What this part says.
    pub body: MultipartBody,
}

impl MultipartReply {
    /// The last part of an answer, or the only one.
    pub fn last(body: MultipartBody) -> MultipartReply {
        MultipartReply { more: false, reserved: 0, body }
    }

    /// A part behind which others follow.
    pub fn part(body: MultipartBody) -> MultipartReply {
        MultipartReply { more: true, ..MultipartReply::last(body) }
    }

    /// All flags as they are on the wire.
    pub(crate) fn flags(&self) -> u16 {
        self.reserved | u16::from(self.more)
    }
}

/// What a part of an answer says; after [`MultipartBody::extend`] what all parts say (OF 1.3.5 §7.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MultipartBody {
    /// What the switch is.
    Desc(Desc),
    /// Flows with their counters.
    Flow(Vec<FlowStats>),
    /// Counters of flows, added up.
    Aggregate(AggregateStats),
    /// Counters of tables.
    Table(Vec<TableStats>),
    /// Counters of ports.
    PortStats(Vec<PortStats>),
    /// Counters of queues.
    Queue(Vec<QueueStats>),
    /// Counters of groups.
    Group(Vec<GroupStats>),
    /// Groups with their buckets.
    GroupDesc(Vec<GroupDesc>),
    /// What groups can do.
    GroupFeatures(GroupFeatures),
    /// Counters of meters.
    Meter(Vec<MeterStats>),
    /// Meters with their bands.
    MeterConfig(Vec<MeterConfig>),
    /// What meters can do.
    MeterFeatures(MeterFeatures),
    /// What tables can do.
    TableFeatures(Vec<TableFeatures>),
    /// Ports.
    PortDesc(Vec<Port>),
    /// Changes of flows, of which a monitor tells: an experimenter's reply that this crate knows.
    FlowMonitor(Vec<FlowUpdate>),
    /// An experimenter's, kept as it came.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// The experimenter's own type.
        exp_type: u32,
        /// All that follows, part by part. One message has one part; several are written together.
        parts: Vec<Bytes>,
    },
    /// Of a kind without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Multipart kind.
        kind: u16,
        /// All that follows the padding, part by part, as with experimenters.
        parts: Vec<Bytes>,
    },
}

/// A part that does not belong to those before it (OF 1.3.5 §7.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtendError {
    /// It is of another kind.
    #[error("a part of kind {} follows parts of kind {}", kind_name(*.second), kind_name(*.first))]
    Kind {
        /// Kind of the parts before it.
        first: u16,
        /// Its kind.
        second: u16,
    },
    /// There is only ever one part of this kind.
    #[error("a second part of {}, which has only one", kind_name(*.kind))]
    Single {
        /// The kind.
        kind: u16,
    },
    /// It is another experimenter's, or of another of its types.
    #[error("a part of experimenter {experimenter:#x} type {exp_type} follows parts of another")]
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// The experimenter's own type.
        exp_type: u32,
    },
}

impl MultipartBody {
    /// The kind on the wire (`OFPMP_*`).
    pub fn kind(&self) -> u16 {
        match self {
            MultipartBody::Desc(_) => kind::DESC,
            MultipartBody::Flow(_) => kind::FLOW,
            MultipartBody::Aggregate(_) => kind::AGGREGATE,
            MultipartBody::Table(_) => kind::TABLE,
            MultipartBody::PortStats(_) => kind::PORT_STATS,
            MultipartBody::Queue(_) => kind::QUEUE,
            MultipartBody::Group(_) => kind::GROUP,
            MultipartBody::GroupDesc(_) => kind::GROUP_DESC,
            MultipartBody::GroupFeatures(_) => kind::GROUP_FEATURES,
            MultipartBody::Meter(_) => kind::METER,
            MultipartBody::MeterConfig(_) => kind::METER_CONFIG,
            MultipartBody::MeterFeatures(_) => kind::METER_FEATURES,
            MultipartBody::TableFeatures(_) => kind::TABLE_FEATURES,
            MultipartBody::PortDesc(_) => kind::PORT_DESC,
            MultipartBody::FlowMonitor(_) | MultipartBody::Experimenter { .. } => kind::EXPERIMENTER,
            MultipartBody::Unknown { kind, .. } => *kind,
        }
    }

    /// As [`MultipartRequest::name`](super::MultipartRequest::name).
    pub(crate) fn name(&self) -> &'static str {
        match self {
            MultipartBody::FlowMonitor(_) => FLOW_MONITOR_NAME,
            other => kind_name(other.kind()),
        }
    }

    /// Appends a later part of the same answer.
    ///
    /// # Errors
    /// When the part is of another kind, or of a kind that has only one part. `self` stays as it was.
    pub fn extend(&mut self, later: MultipartBody) -> Result<(), ExtendError> {
        use MultipartBody as B;
        let (first, second) = (self.kind(), later.kind());
        match (self, later) {
            (B::Flow(all), B::Flow(part)) => all.extend(part),
            (B::Table(all), B::Table(part)) => all.extend(part),
            (B::PortStats(all), B::PortStats(part)) => all.extend(part),
            (B::Queue(all), B::Queue(part)) => all.extend(part),
            (B::Group(all), B::Group(part)) => all.extend(part),
            (B::GroupDesc(all), B::GroupDesc(part)) => all.extend(part),
            (B::Meter(all), B::Meter(part)) => all.extend(part),
            (B::MeterConfig(all), B::MeterConfig(part)) => all.extend(part),
            (B::TableFeatures(all), B::TableFeatures(part)) => all.extend(part),
            (B::PortDesc(all), B::PortDesc(part)) => all.extend(part),
            (B::FlowMonitor(all), B::FlowMonitor(part)) => all.extend(part),
            (
                B::Experimenter { experimenter: whose, exp_type: of, parts: all },
                B::Experimenter { experimenter, exp_type, parts },
            ) => {
                if (*whose, *of) != (experimenter, exp_type) {
                    return Err(ExtendError::Experimenter { experimenter, exp_type });
                }
                all.extend(parts);
            }
            (B::Unknown { parts: all, .. }, B::Unknown { parts, .. }) if first == second => {
                all.extend(parts);
            }
            _ if first == second => return Err(ExtendError::Single { kind: first }),
            _ => return Err(ExtendError::Kind { first, second }),
        }
        Ok(())
    }

    fn decode(kind: u16, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            kind::DESC => MultipartBody::Desc(Desc::decode(r)?),
            kind::FLOW => MultipartBody::Flow(r.list()?),
            kind::AGGREGATE => MultipartBody::Aggregate(AggregateStats::decode(r)?),
            kind::TABLE => MultipartBody::Table(r.list()?),
            kind::PORT_STATS => MultipartBody::PortStats(r.list()?),
            kind::QUEUE => MultipartBody::Queue(r.list()?),
            kind::GROUP => MultipartBody::Group(r.list()?),
            kind::GROUP_DESC => MultipartBody::GroupDesc(r.list()?),
            kind::GROUP_FEATURES => MultipartBody::GroupFeatures(GroupFeatures::decode(r)?),
            kind::METER => MultipartBody::Meter(r.list()?),
            kind::METER_CONFIG => MultipartBody::MeterConfig(r.list()?),
            kind::METER_FEATURES => MultipartBody::MeterFeatures(MeterFeatures::decode(r)?),
            kind::TABLE_FEATURES => MultipartBody::TableFeatures(r.list()?),
            kind::PORT_DESC => MultipartBody::PortDesc(r.list()?),
            kind::EXPERIMENTER => {
                let (experimenter, exp_type, part) = (r.u32()?, r.u32()?, r.opaque());
                match extension::monitored(experimenter, exp_type, &part)? {
                    Some(all) => MultipartBody::FlowMonitor(all),
                    None => MultipartBody::Experimenter { experimenter, exp_type, parts: vec![part] },
                }
            }
            kind => MultipartBody::Unknown { kind, parts: vec![r.opaque()] },
        })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        match self {
            MultipartBody::Desc(body) => body.encode(out),
            MultipartBody::Flow(all) => write_all(all, out),
            MultipartBody::Aggregate(body) => body.encode(out),
            MultipartBody::Table(all) => write_all(all, out),
            MultipartBody::PortStats(all) => write_all(all, out),
            MultipartBody::Queue(all) => write_all(all, out),
            MultipartBody::Group(all) => write_all(all, out),
            MultipartBody::GroupDesc(all) => write_all(all, out),
            MultipartBody::GroupFeatures(body) => body.encode(out),
            MultipartBody::Meter(all) => write_all(all, out),
            MultipartBody::MeterConfig(all) => write_all(all, out),
            MultipartBody::MeterFeatures(body) => body.encode(out),
            MultipartBody::TableFeatures(all) => write_all(all, out),
            MultipartBody::PortDesc(all) => write_all(all, out),
            MultipartBody::FlowMonitor(all) => extension::write_monitored(all, out),
            MultipartBody::Experimenter { experimenter, exp_type, parts } => {
                out.put_u32(*experimenter);
                out.put_u32(*exp_type);
                parts.iter().for_each(|part| out.put_slice(part));
                Ok(())
            }
            MultipartBody::Unknown { parts, .. } => {
                parts.iter().for_each(|part| out.put_slice(part));
                Ok(())
            }
        }
    }
}

fn write_all<T: Wire>(all: &[T], out: &mut BytesMut) -> Result<(), EncodeError> {
    all.iter().try_for_each(|one| one.encode(out))
}

impl Wire for MultipartReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let flags = r.u16()?;
        r.skip(4)?;
        let mut r = r.sub(r.len(), Part::Multipart(kind_name(kind)))?;
        let body = MultipartBody::decode(kind, &mut r)?;
        r.finish()?;
        Ok(MultipartReply { more: flags & MORE != 0, reserved: flags & !MORE, body })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u16(self.body.kind());
        if self.reserved & MORE != 0 {
            return Err(EncodeError::Unsayable { why: "bit 0 of a multipart reply's flags is `more`" });
        }
        out.put_u16(self.flags());
        put_zeros(out, 4);
        self.body.encode(out)
    }
}
