//! What became of a frame: the switches that it came to, in order, each with all that happened there.

use std::fmt;

use openflow::instruction::Instructions;
use openflow::msg::packet_in::PacketIn;
use openflow::pipeline::{Dropped, Effect};
use openflow::{Action, GroupId, Match, MeterId, PortNo, TableId};

use crate::rules::Origin;

/// What became of a frame, or of a controller's message.
///
/// The visits are a tree: an output of one leads to the next ([`Next::Visit`]). They are in the order
/// in which they happen when every link takes the same time.
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// The host that sent the frame; empty where a controller's message began it.
    pub from: String,
    /// The frame as it was sent; empty where a controller's message began the journey.
    pub frame: Vec<u8>,
    /// The switches that it came to. A message to a switch makes one whose `in_port` is
    /// [`PortNo::CONTROLLER`].
    pub visits: Vec<Visit>,
    /// What hosts got.
    pub deliveries: Vec<Delivery>,
    /// What controllers are told.
    pub told: Vec<Told>,
    /// Whether it was given up, for there were more visits than [`Journey::VISITS_MAX`] or more bytes
    /// than [`Journey::BYTES_MAX`].
    pub cut: bool,
}

impl Journey {
    /// The most visits that are followed.
    pub const VISITS_MAX: usize = 4096;
    /// The most bytes that the frames of a journey may have together.
    pub const BYTES_MAX: usize = 64 << 20;

    /// The packets that controllers get, each with the switch that sends it.
    pub fn punts(&self) -> impl Iterator<Item = (&str, &PacketIn)> {
        self.told.iter().filter_map(|told| match &told.effect {
            Effect::PacketIn(packet) => Some((told.switch.as_str(), packet)),
            _ => None,
        })
    }

    /// Whether the frame came back to where it was, unchanged: the first such switch.
    pub fn loops_at(&self) -> Option<&str> {
        self.visits.iter().find_map(|visit| {
            let back = visit.happenings.iter().find_map(|happening| match happening {
                Happening::Output { next: Next::Loop(to), .. } => Some(*to),
                _ => None,
            })?;
            self.visits.get(back).map(|visit| visit.switch.as_str())
        })
    }

    /// Puts another journey behind this one.
    pub fn extend(&mut self, other: Journey) {
        let (visits, deliveries, told) = (self.visits.len(), self.deliveries.len(), self.told.len());
        self.visits.extend(other.visits.into_iter().map(|mut visit| {
            visit.parent = visit.parent.map(|parent| parent + visits);
            for happening in &mut visit.happenings {
                match happening {
                    Happening::Output { next: Next::Visit(at) | Next::Loop(at), .. } => *at += visits,
                    Happening::Output { next: Next::Host(at), .. } => *at += deliveries,
                    Happening::Told(at) => *at += told,
                    _ => {}
                }
            }
            visit
        }));
        self.deliveries.extend(other.deliveries);
        self.told.extend(other.told);
        self.cut |= other.cut;
    }
}

/// A frame that came to a switch.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Which switch.
    pub switch: String,
    /// The port on which it came.
    pub in_port: PortNo,
    /// The frame as it came.
    pub frame: Vec<u8>,
    /// The visit that sent it here; `None` for what a host or a controller sent.
    pub parent: Option<usize>,
    /// What happened, in order.
    pub happenings: Vec<Happening>,
}

/// Something that happens to a packet in a switch (OF 1.3.5 §5).
#[derive(Clone, Debug)]
pub enum Happening {
    /// A table was looked up.
    Table {
        /// Which table.
        table: TableId,
        /// The rule that takes the packet; without one it is dropped.
        rule: Option<Box<Rule>>,
    },
    /// An action is carried out.
    Action(Action),
    /// The tables are behind the packet, its action set is carried out.
    ActionSet,
    /// A bucket of a group takes the packet.
    Bucket {
        /// The group.
        group: GroupId,
        /// The bucket's number in it, from 0.
        bucket: usize,
        /// Where the group stands.
        origin: Option<Origin>,
    },
    /// A meter let the packet pass.
    Metered {
        /// Which meter.
        meter: MeterId,
        /// The band that took it.
        band: Option<usize>,
        /// Where the meter stands.
        origin: Option<Origin>,
    },
    /// It goes no further.
    Dropped(Dropped),
    /// A frame leaves.
    Output {
        /// By this port.
        port: PortNo,
        /// As it leaves.
        frame: Vec<u8>,
        /// Where it comes to.
        next: Next,
    },
    /// A controller is told something: a place in [`Journey::told`].
    Told(usize),
}

/// Where a frame comes to that leaves a switch or a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To a switch: a place in [`Journey::visits`].
    Visit(usize),
    /// To a host: a place in [`Journey::deliveries`].
    Host(usize),
    /// To where it was before, unchanged; it is not followed.
    Loop(usize),
    /// Nowhere: the link is down.
    LinkDown,
    /// Nowhere: there is no link at the port.
    Unconnected,
    /// It is not followed: see [`Journey::cut`].
    Cut,
}

/// A rule that took a packet.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its priority.
    pub priority: u16,
    /// The controller's mark on it.
    pub cookie: u64,
    /// Which packets it takes.
    pub matched: Match,
    /// What it does.
    pub instructions: Instructions,
    /// Where it stands, if it came from a file.
    pub origin: Option<Origin>,
}

/// As `ofproto/trace` has it: the match, then the priority.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.matched.is_empty() {
            write!(f, "{}, ", self.matched)?;
        }
        write!(f, "priority {}", self.priority)?;
        if self.cookie != 0 {
            write!(f, ", cookie {:#x}", self.cookie)?;
        }
        Ok(())
    }
}

/// A frame that a host got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which host.
    pub host: String,
    /// Its interface, the n of `eth`n.
    pub port: u32,
    /// The frame.
    pub frame: Vec<u8>,
}

/// What a switch tells its controllers.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which switch.
    pub switch: String,
    /// What it tells; no [`Effect::Output`].
    pub effect: Effect<'static>,
}
