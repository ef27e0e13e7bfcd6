//! Queues of a port and their properties (OF 1.3.5 §7.2.2, §7.3.6).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, Part};
use crate::ids::{PortNo, QueueId};
use crate::wire::{Reader, Wire, patch_len, put_zeros};

/// The queues of a port: the answer to a queue-get-config request (OF 1.3.5 §7.3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// The port that was asked for.
    pub port: PortNo,
    /// Its queues.
    pub queues: Vec<Queue>,
}

/// A queue of a port (OF 1.3.5 §7.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its number.
    pub queue: QueueId,
    /// The port that it is on.
    pub port: PortNo,
    /// What is known of it.
    pub properties: Vec<QueueProperty>,
}

mod kind {
    //! Property types, `OFPQT_*`.
    pub(super) const MIN_RATE: u16 = 1;
    pub(super) const MAX_RATE: u16 = 2;
    pub(super) const EXPERIMENTER: u16 = 0xffff;
}

/// A property of a queue (OF 1.3.5 §7.2.2). Rates are in tenths of a percent; above 1000 they are switched off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueProperty {
    /// Rate that it is sure of.
    MinRate(u16),
    /// Rate that it does not exceed.
    MaxRate(u16),
    /// A property of an experimenter, kept as it came.
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter's id and the padding.
        body: Bytes,
    },
    /// A property of a type without a name in OpenFlow 1.3, kept as it came.
    Unknown {
        /// Type of the property.
        kind: u16,
        /// What follows type, length and padding.
        body: Bytes,
    },
}

impl Wire for QueueProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = r.u16()?;
        let length = r.u16()?;
        let mut r = r.nested(length, 4, Part::Queue)?;
        r.skip(4)?;
        let property = match kind {
            kind::MIN_RATE | kind::MAX_RATE => {
                let rate = r.u16()?;
                r.skip(6)?;
                if kind == kind::MIN_RATE {
                    QueueProperty::MinRate(rate)
                } else {
                    QueueProperty::MaxRate(rate)
                }
            }
            kind::EXPERIMENTER => {
                let experimenter = r.u32()?;
                r.skip(4)?;
                QueueProperty::Experimenter { experimenter, body: r.opaque() }
            }
            kind => QueueProperty::Unknown { kind, body: r.opaque() },
        };
        r.finish()?;
        Ok(property)
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let mut head = |kind: u16| {
            out.put_u16(kind);
            put_zeros(out, 6);
        };
        match self {
            QueueProperty::MinRate(rate) => {
                head(kind::MIN_RATE);
                out.put_u16(*rate);
                put_zeros(out, 6);
            }
            QueueProperty::MaxRate(rate) => {
                head(kind::MAX_RATE);
                out.put_u16(*rate);
                put_zeros(out, 6);
            }
            QueueProperty::Experimenter { experimenter, body } => {
                head(kind::EXPERIMENTER);
                out.put_u32(*experimenter);
                put_zeros(out, 4);
                out.put_slice(body);
            }
            QueueProperty::Unknown { kind, body } => {
                head(*kind);
                out.put_slice(body);
            }
        }
        patch_len(out, start, start + 2, Part::Queue)
    }
}

impl Wire for Queue {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let queue = QueueId(r.u32()?);
        let port = PortNo(r.u32()?);
        let length = r.u16()?;
        let mut r = r.nested(length, 10, Part::Queue)?;
        r.skip(6)?;
        Ok(Queue { queue, port, properties: r.list()? })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(self.queue.0);
        out.put_u32(self.port.0);
        put_zeros(out, 8);
        self.properties.iter().try_for_each(|p| p.encode(out))?;
        patch_len(out, start, start + 8, Part::Queue)
    }
}

impl Wire for QueueConfig {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = PortNo(r.u32()?);
        r.skip(4)?;
        let queues = r.list()?;
        Ok(QueueConfig { port, queues })
    }

    fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u32(self.port.0);
        put_zeros(out, 4);
        self.queues.iter().try_for_each(|q| q.encode(out))
    }
}
