//! Ports and queues.

use serde::ser::SerializeMap;

use super::scalar::{Data, Flags, Symbol, Text, count, port, queue};
use super::{List, Members, Object, object};
use crate::msg::port::{Port, PortMod, PortStatus};
use crate::msg::queue::{Queue, QueueConfig, QueueProperty};
use crate::multipart::port::QueueStats;
use crate::multipart::{PortStats, QueueStatsRequest};

object! {
    Port as it {
        "port_no": port(it.number),
        "hw_addr": Text(it.hw_addr),
        "name": it.name.to_str_lossy(),
        "config": Flags(it.config),
        "state": Flags(it.state),
        "curr": Flags(it.curr),
        "advertised": Flags(it.advertised),
        "supported": Flags(it.supported),
        "peer": Flags(it.peer),
        "curr_speed": it.curr_speed,
        "max_speed": it.max_speed,
    }

    PortStatus as status {
        "reason": Symbol::from(status.reason),
        "desc": Object(&status.port),
    }

    PortMod as it {
        "port_no": port(it.port),
        "hw_addr": Text(it.hw_addr),
        "config": Flags(it.config),
        "mask": Flags(it.mask),
        "advertise": Flags(it.advertise),
    }

    PortStats as stats {
        "port_no": port(stats.port),
        "rx_packets": count(stats.rx_packets),
        "tx_packets": count(stats.tx_packets),
        "rx_bytes": count(stats.rx_bytes),
        "tx_bytes": count(stats.tx_bytes),
        "rx_dropped": count(stats.rx_dropped),
        "tx_dropped": count(stats.tx_dropped),
        "rx_errors": count(stats.rx_errors),
        "tx_errors": count(stats.tx_errors),
        "rx_frame_err": count(stats.rx_frame_err),
        "rx_over_err": count(stats.rx_over_err),
        "rx_crc_err": count(stats.rx_crc_err),
        "collisions": count(stats.collisions),
        "duration_sec": stats.age.secs,
        "duration_nsec": stats.age.nanos,
    }

    QueueStatsRequest as request {
        "port_no": port(request.port),
        "queue_id": queue(request.queue),
    }

    QueueStats as stats {
        "port_no": port(stats.port),
        "queue_id": queue(stats.queue),
        "tx_bytes": count(stats.tx_bytes),
        "tx_packets": count(stats.tx_packets),
        "tx_errors": count(stats.tx_errors),
        "duration_sec": stats.age.secs,
        "duration_nsec": stats.age.nanos,
    }

    QueueConfig as config {
        "port": port(config.port),
        "queues": List(&config.queues),
    }

    Queue as it {
        "queue_id": queue(it.queue),
        "port": port(it.port),
        "properties": List(&it.properties),
    }
}

impl Members for QueueProperty {
    fn add<M: SerializeMap>(&self, to: &mut M) -> Result<(), M::Error> {
        let kind = match self {
            QueueProperty::MinRate(_) => Symbol::Name("min_rate"),
            QueueProperty::MaxRate(_) => Symbol::Name("max_rate"),
            QueueProperty::Experimenter { .. } => Symbol::Name("experimenter"),
            QueueProperty::Unknown { kind, .. } => Symbol::Number((*kind).into()),
        };
        to.serialize_entry("property", &kind)?;
        match self {
            QueueProperty::MinRate(rate) | QueueProperty::MaxRate(rate) => to.serialize_entry("rate", rate),
            QueueProperty::Experimenter { experimenter, body } => {
                to.serialize_entry("experimenter", experimenter)?;
                to.serialize_entry("data", &Data(body))
            }
            QueueProperty::Unknown { body, .. } => to.serialize_entry("data", &Data(body)),
        }
    }
}
