//! Ports and their queues as `ovs-ofctl ofp-print` prints them.

use std::fmt;

use super::bits::Bits;
use crate::ids::{PortNo, QueueId};
use crate::msg::fixed_str::PortName;
use crate::msg::flow_removed::Age;
use crate::msg::port::{Port, PortConfig, PortFeatures, PortMod, PortState, PortStatus};
use crate::msg::queue::{QueueConfig, QueueProperty};
use crate::multipart::port::QueueStats;
use crate::multipart::{PortStats, QueueStatsRequest};

const CONFIG: &[(u32, &str)] = &[
    (PortConfig::PORT_DOWN.bits(), "PORT_DOWN"),
    (PortConfig::NO_RECV.bits(), "NO_RECV"),
    (PortConfig::NO_FWD.bits(), "NO_FWD"),
    (PortConfig::NO_PACKET_IN.bits(), "NO_PACKET_IN"),
];

const STATE: &[(u32, &str)] = &[
    (PortState::LINK_DOWN.bits(), "LINK_DOWN"),
    (PortState::BLOCKED.bits(), "BLOCKED"),
    (PortState::LIVE.bits(), "LIVE"),
];

const FEATURES: &[(u32, &str)] = &[
    (PortFeatures::RATE_10MB_HD.bits(), "10MB-HD"),
    (PortFeatures::RATE_10MB_FD.bits(), "10MB-FD"),
    (PortFeatures::RATE_100MB_HD.bits(), "100MB-HD"),
    (PortFeatures::RATE_100MB_FD.bits(), "100MB-FD"),
    (PortFeatures::RATE_1GB_HD.bits(), "1GB-HD"),
    (PortFeatures::RATE_1GB_FD.bits(), "1GB-FD"),
    (PortFeatures::RATE_10GB_FD.bits(), "10GB-FD"),
    (PortFeatures::RATE_40GB_FD.bits(), "40GB-FD"),
    (PortFeatures::RATE_100GB_FD.bits(), "100GB-FD"),
    (PortFeatures::RATE_1TB_FD.bits(), "1TB-FD"),
    (PortFeatures::RATE_OTHER.bits(), "OTHER"),
    (PortFeatures::COPPER.bits(), "COPPER"),
    (PortFeatures::FIBER.bits(), "FIBER"),
    (PortFeatures::AUTONEG.bits(), "AUTO_NEG"),
    (PortFeatures::PAUSE.bits(), "AUTO_PAUSE"),
    (PortFeatures::PAUSE_ASYM.bits(), "AUTO_PAUSE_ASYM"),
];

/// A port as a description lists it: a blank, its number, name and address, and a line for each of
/// the rest.
pub(super) fn write_port(f: &mut fmt::Formatter<'_>, port: &Port) -> fmt::Result {
    write!(f, " {}({}): addr:{}", port.number, Printable(&port.name), port.hw_addr)?;
    write!(f, "\n     config:     {}", Bits(port.config.bits(), CONFIG))?;
    write!(f, "\n     state:      {}", Bits(port.state.bits(), STATE))?;
    for (name, features) in [
        ("current:   ", port.curr),
        ("advertised:", port.advertised),
        ("supported: ", port.supported),
        ("peer:      ", port.peer),
    ] {
        if !features.is_empty() {
            write!(f, "\n     {name} {}", Bits(features.bits(), FEATURES))?;
        }
    }
    write!(f, "\n     speed: {} Mbps now, {} Mbps max", port.curr_speed / 1000, port.max_speed / 1000)
}

/// A name up to its first byte that is no printable ASCII, as far as Open vSwitch keeps it.
struct Printable<'a>(&'a PortName);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_bytes().iter().take(15);
        let mut shown = bytes.take_while(|byte| matches!(byte, b' '..=b'~'));
        shown.try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

/// All ports, by number.
pub(super) fn write_ports(f: &mut fmt::Formatter<'_>, ports: &[Port]) -> fmt::Result {
    let mut sorted: Vec<&Port> = ports.iter().collect();
    sorted.sort_by_key(|port| port.number);
    sorted.into_iter().try_for_each(|port| {
        f.write_str("\n")?;
        write_port(f, port)
    })
}

pub(super) fn write_port_status(f: &mut fmt::Formatter<'_>, status: &PortStatus) -> fmt::Result {
    write!(f, " {}:", status.reason)?;
    write_port(f, &status.port)
}

pub(super) fn write_port_mod(f: &mut fmt::Formatter<'_>, change: &PortMod) -> fmt::Result {
    write!(f, " port: {}: addr:{}", change.port, change.hw_addr)?;
    // What is not to be set is not told.
    let set = change.config & change.mask;
    write!(f, "\n     config: {}", Bits(set.bits(), CONFIG))?;
    write!(f, "\n     mask:   {}", Bits(change.mask.bits(), CONFIG))?;
    match change.advertise.bits() {
        0 => f.write_str("\n     advertise: UNCHANGED"),
        bits => write!(f, "\n     advertise: {}", Bits(bits, FEATURES)),
    }
}

/// A counter; one that the switch does not keep is `?`.
struct Counter(u64);

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            u64::MAX => f.write_str("?"),
            count => write!(f, "{count}"),
        }
    }
}

/// How a switch says that it does not know since when.
fn is_known(age: Age) -> bool {
    age.secs != u32::MAX
}

pub(super) fn write_port_stats(f: &mut fmt::Formatter<'_>, all: &[PortStats]) -> fmt::Result {
    write!(f, " {} ports", all.len())?;
    all.iter().try_for_each(|stats| {
        let c = Counter;
        let pad = if stats.port < PortNo(10) { " " } else { "" };
        write!(
            f,
            "\n  port {pad}{}: rx pkts={}, bytes={}, drop={}, errs={}, frame={}, over={}, crc={}",
            stats.port,
            c(stats.rx_packets),
            c(stats.rx_bytes),
            c(stats.rx_dropped),
            c(stats.rx_errors),
            c(stats.rx_frame_err),
            c(stats.rx_over_err),
            c(stats.rx_crc_err)
        )?;
        write!(
            f,
            "\n           tx pkts={}, bytes={}, drop={}, errs={}, coll={}",
            c(stats.tx_packets),
            c(stats.tx_bytes),
            c(stats.tx_dropped),
            c(stats.tx_errors),
            c(stats.collisions)
        )?;
        if is_known(stats.age) {
            write!(f, "\n           duration={}", stats.age)?;
        }
        Ok(())
    })
}

/// The number of a queue; all of them have a word.
struct Queue(QueueId);

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            QueueId::ALL => f.write_str("ALL"),
            queue => write!(f, "{queue}"),
        }
    }
}

pub(super) fn write_queue_request(f: &mut fmt::Formatter<'_>, request: &QueueStatsRequest) -> fmt::Result {
    write!(f, " port={} queue={}", request.port, Queue(request.queue))
}

pub(super) fn write_queue_stats(f: &mut fmt::Formatter<'_>, all: &[QueueStats]) -> fmt::Result {
    write!(f, " {} queues", all.len())?;
    all.iter().try_for_each(|stats| {
        write!(
            f,
            "\n  port {} queue {}: bytes={}, pkts={}, errors={}, duration=",
            stats.port,
            Queue(stats.queue),
            Counter(stats.tx_bytes),
            Counter(stats.tx_packets),
            Counter(stats.tx_errors)
        )?;
        match is_known(stats.age) {
            true => write!(f, "{}", stats.age),
            false => f.write_str("?"),
        }
    })
}

/// The queues of a port, by number. Open vSwitch leaves the port out where it has no queue, and
/// whatever is not a rate.
pub(super) fn write_queue_config(f: &mut fmt::Formatter<'_>, config: &QueueConfig) -> fmt::Result {
    if !config.queues.is_empty() {
        write!(f, " port={}", config.port)?;
    }
    let mut sorted: Vec<_> = config.queues.iter().collect();
    sorted.sort_by_key(|queue| queue.queue);
    sorted.into_iter().try_for_each(|queue| {
        write!(f, "\nqueue {}:", queue.queue)?;
        let rate = |wanted: fn(&QueueProperty) -> Option<u16>| queue.properties.iter().rev().find_map(wanted);
        let min = rate(|p| if let QueueProperty::MinRate(rate) = p { Some(*rate) } else { None });
        let max = rate(|p| if let QueueProperty::MaxRate(rate) = p { Some(*rate) } else { None });
        write_rate(f, "min_rate", min)?;
        write_rate(f, "max_rate", max)
    })
}

fn write_rate(f: &mut fmt::Formatter<'_>, name: &str, rate: Option<u16>) -> fmt::Result {
    match rate {
        Some(rate @ ..=1000) => write!(f, " {name}:{}.{}%", rate / 10, rate % 10),
        None | Some(u16::MAX) => Ok(()),
        Some(_) => write!(f, " {name}:(disabled)"),
    }
}
