//! Following a frame from switch to switch.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use openflow::pipeline::{Controller, Dropped, Effect, Packet, Sink, Step};
use openflow::{ErrorKind, Message, PortNo};

use crate::journey::{Delivery, Happening, Journey, Next, Rule, Told, Visit};
use crate::network::{End, Network, Node};
use crate::rules::Provenance;

/// A frame on a link, on its way to a switch.
struct Coming {
    switch: usize,
    /// The visit that is to be filled.
    visit: usize,
}

/// Where a host's frame goes.
pub(crate) fn frame(network: &mut Network, from: End, frame: &[u8], now: Instant) -> Journey {
    let mut walk = Walk::new(network, now);
    walk.journey.from = walk.network.name(from.0).to_owned();
    walk.journey.frame = frame.to_vec();
    walk.arrive(from, frame, None);
    walk.run();
    walk.journey
}

/// What a controller's message to a switch does.
pub(crate) fn message(
    network: &mut Network,
    switch: usize,
    from: &mut Controller,
    message: Message,
    now: Instant,
) -> Result<Journey, ErrorKind> {
    let mut walk = Walk::new(network, now);
    let machine = &mut walk.network.machines[switch];
    let mut watcher = Watcher::new(&machine.provenance);
    machine.switch.handle(from, message, now, &mut watcher)?;
    let Watcher { happenings, outputs, told, .. } = watcher;
    if !happenings.is_empty() || !told.is_empty() {
        let (in_port, frame) = (PortNo::CONTROLLER, Vec::new());
        let switch_name = machine.name.clone();
        let visit = Visit { switch: switch_name, in_port, frame, parent: None, happenings };
        walk.journey.visits.push(visit);
        walk.marks.push(0);
        walk.settle(switch, 0, outputs, told);
        walk.run();
    }
    Ok(walk.journey)
}

/// A journey that is being made.
struct Walk<'a> {
    network: &'a mut Network,
    now: Instant,
    journey: Journey,
    coming: VecDeque<Coming>,
    bytes: usize,
    /// Of each visit, to find the same again.
    marks: Vec<u64>,
}

fn mark(switch: &str, in_port: PortNo, frame: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (switch, in_port, frame).hash(&mut hasher);
    hasher.finish()
}

impl<'a> Walk<'a> {
    fn new(network: &'a mut Network, now: Instant) -> Walk<'a> {
        let (journey, coming) = (Journey::default(), VecDeque::new());
        Walk { network, now, journey, coming, bytes: 0, marks: Vec::new() }
    }

    /// A frame leaves a port: where it comes to.
    fn arrive(&mut self, from: End, frame: &[u8], parent: Option<usize>) -> Next {
        let Some(((node, port), up)) = self.network.peer(from) else { return Next::Unconnected };
        if !up {
            return Next::LinkDown;
        }
        match node {
            Node::Host(at) => {
                if !self.has_room(frame) {
                    return Next::Cut;
                }
                let host = self.network.hosts[at].name().to_owned();
                self.journey.deliveries.push(Delivery { host, port, frame: frame.to_vec() });
                Next::Host(self.journey.deliveries.len() - 1)
            }
            Node::Switch(switch) => {
                let name = &self.network.machines[switch].name;
                let in_port = PortNo(port);
                let mark = mark(name, in_port, frame);
                let mut before = parent;
                while let Some(at) = before {
                    let visit = &self.journey.visits[at];
                    if self.marks[at] == mark
                        && (visit.in_port, &visit.switch, &visit.frame[..]) == (in_port, name, frame)
                    {
                        return Next::Loop(at);
                    }
                    before = visit.parent;
                }
                let name = name.clone();
                if !self.has_room(frame) {
                    return Next::Cut;
                }
                let visit = self.journey.visits.len();
                let happenings = Vec::new();
                self.marks.push(mark);
                self.journey.visits.push(Visit {
                    switch: name,
                    in_port,
                    frame: frame.to_vec(),
                    parent,
                    happenings,
                });
                self.coming.push_back(Coming { switch, visit });
                Next::Visit(visit)
            }
        }
    }

    /// Whether another frame may be kept.
    fn has_room(&mut self, frame: &[u8]) -> bool {
        self.bytes += frame.len() + size_of::<Visit>();
        let full = self.bytes > Journey::BYTES_MAX
            || self.journey.visits.len() >= Journey::VISITS_MAX
            || self.journey.deliveries.len() >= Journey::VISITS_MAX * 16;
        self.journey.cut |= full;
        !full
    }

    fn run(&mut self) {
        while let Some(Coming { switch, visit }) = self.coming.pop_front() {
            let machine = &mut self.network.machines[switch];
            let Visit { in_port, ref frame, .. } = self.journey.visits[visit];
            let packet = Packet::new(frame, in_port);
            let mut watcher = Watcher::new(&machine.provenance);
            machine.switch.receive(packet, self.now, &mut watcher);
            let Watcher { happenings, outputs, told, .. } = watcher;
            self.journey.visits[visit].happenings = happenings;
            self.settle(switch, visit, outputs, told);
        }
    }

    /// Sends on what came out of a switch.
    fn settle(&mut self, switch: usize, visit: usize, outputs: Vec<usize>, told: Vec<Effect<'static>>) {
        let name = self.network.machines[switch].name.clone();
        let first = self.journey.told.len();
        let bytes = told.iter().map(|effect| match effect {
            Effect::PacketIn(packet) => packet.data.len(),
            _ => 0,
        });
        self.bytes += bytes.sum::<usize>();
        self.journey.told.extend(told.into_iter().map(|effect| Told { switch: name.clone(), effect }));
        for happening in &mut self.journey.visits[visit].happenings {
            if let Happening::Told(at) = happening {
                *at += first;
            }
        }
        for at in outputs {
            let Happening::Output { port, frame, .. } = &mut self.journey.visits[visit].happenings[at] else {
                continue;
            };
            let (port, frame) = (*port, std::mem::take(frame));
            self.bytes += frame.len();
            let to = self.arrive((Node::Switch(switch), port.0), &frame, Some(visit));
            self.journey.visits[visit].happenings[at] = Happening::Output { port, frame, next: to };
        }
    }
}

/// What is for controllers, of all that a switch does.
pub(crate) fn to_controllers(effect: Effect<'_>) -> Option<Effect<'static>> {
    Some(match effect {
        Effect::Output { .. } => return None,
        Effect::PacketIn(packet) => Effect::PacketIn(packet),
        Effect::FlowRemoved(removed) => Effect::FlowRemoved(removed),
        Effect::PortStatus(status) => Effect::PortStatus(status),
        Effect::Reply(message) => Effect::Reply(message),
        Effect::OneMaster => Effect::OneMaster,
    })
}

/// Takes note of what happens in a switch.
struct Watcher<'a> {
    provenance: &'a Provenance,
    happenings: Vec<Happening>,
    /// Which of them are outputs, whose next place is not known yet.
    outputs: Vec<usize>,
    told: Vec<Effect<'static>>,
}

impl<'a> Watcher<'a> {
    fn new(provenance: &'a Provenance) -> Watcher<'a> {
        Watcher { provenance, happenings: Vec::new(), outputs: Vec::new(), told: Vec::new() }
    }
}

impl Sink for Watcher<'_> {
    fn effect(&mut self, effect: Effect<'_>) {
        if let Effect::Output { port, frame, .. } = effect {
            self.outputs.push(self.happenings.len());
            self.happenings.push(Happening::Output { port, frame: frame.to_vec(), next: Next::Unconnected });
        } else if let Some(effect) = to_controllers(effect) {
            self.happenings.push(Happening::Told(self.told.len()));
            self.told.push(effect);
        }
    }

    fn step(&mut self, step: &Step<'_>) {
        // An empty action set is of no matter where all has been told before.
        let told = |it: &Happening| {
            matches!(it, Happening::Output { .. } | Happening::Told(_) | Happening::Dropped(_))
        };
        if matches!(step, Step::Dropped(Dropped::NoOutput)) && self.happenings.iter().any(told) {
            return;
        }
        self.happenings.push(match step {
            Step::Table { table, flow, .. } => Happening::Table {
                table: *table,
                rule: flow.map(|flow| {
                    Box::new(Rule {
                        priority: flow.priority(),
                        cookie: flow.cookie(),
                        matched: flow.match_().clone(),
                        instructions: flow.instructions().clone(),
                        origin: self.provenance.of_flow(*table, flow),
                    })
                }),
            },
            Step::Action { action, .. } => Happening::Action((*action).clone()),
            Step::ActionSet => Happening::ActionSet,
            Step::Bucket { group, bucket } => {
                Happening::Bucket { group: *group, bucket: *bucket, origin: self.provenance.of_group(*group) }
            }
            Step::Metered { meter, band } => {
                Happening::Metered { meter: *meter, band: *band, origin: self.provenance.of_meter(*meter) }
            }
            Step::Dropped(why) => Happening::Dropped(*why),
        });
    }
}
