//! The switch as a whole: what a controller asks of it, what becomes of packets.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod flows;
mod forwarding;
mod groups;
mod nicira;
mod requests;

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::*;
use crate::error::ErrorKind;
use crate::ids::{PortNo, Xid};
use crate::message::{Body, Message};
use crate::msg::flow_mod::FlowMod;
use crate::msg::flow_removed::FlowRemoved;
use crate::msg::packet_in::PacketIn;
use crate::msg::port::{Port, PortStatus};
use crate::multipart::{FlowStatsRequest, MultipartBody, MultipartRequest};
use crate::text::{Parser, Strictness};

/// What came out of a switch, by kind.
#[derive(Debug, Default)]
struct Out {
    frames: Vec<(PortNo, Vec<u8>)>,
    packet_ins: Vec<PacketIn>,
    /// Those for some controllers alone.
    addressed: Vec<(u16, Bytes, PacketIn)>,
    removed: Vec<FlowRemoved>,
    port_status: Vec<PortStatus>,
    replies: Vec<Body>,
    one_master: bool,
    dropped: Vec<Dropped>,
}

impl Sink for Out {
    fn effect(&mut self, effect: Effect<'_>) {
        match effect {
            Effect::Output { port, frame, .. } => self.frames.push((port, frame.to_vec())),
            Effect::PacketIn(it) => self.packet_ins.push(it),
            Effect::FlowRemoved(it) => self.removed.push(it),
            Effect::PortStatus(it) => self.port_status.push(it),
            Effect::Reply(it) => self.replies.push(it.body),
            Effect::OneMaster => self.one_master = true,
        }
    }

    fn packet_in(&mut self, id: u16, userdata: &Bytes, it: PacketIn) {
        self.addressed.push((id, userdata.clone(), it));
    }

    fn step(&mut self, step: &Step<'_>) {
        if let Step::Dropped(why) = step {
            self.dropped.push(*why);
        }
    }
}

/// A switch with four ports, its controller, and the time.
struct Bench {
    switch: Switch,
    controller: Controller,
    now: Instant,
}

fn bench() -> Bench {
    with(Config::default())
}

fn with(config: Config) -> Bench {
    let mut bench =
        Bench { switch: Switch::new(config), controller: Controller::default(), now: Instant::now() };
    for number in 1..=4 {
        let port = Port { number: PortNo(number), ..Port::default() };
        bench.switch.set_port(port, bench.now, &mut Out::default());
    }
    bench
}

/// A flow as ovs-ofctl writes it, also one that a switch refuses.
fn flow(text: &str) -> FlowMod {
    Parser::new().strictness(Strictness::OpenVswitch).flow(text).unwrap_or_else(|error| panic!("{error}"))
}

impl Bench {
    fn tell(&mut self, body: impl Into<Body>) -> Result<Out, ErrorKind> {
        let mut out = Out::default();
        let message = Message { xid: Xid(1), body: body.into() };
        self.switch.handle(&mut self.controller, message, self.now, &mut out).map(|()| out)
    }

    /// Adds flows that the switch takes.
    fn add(&mut self, flows: &[&str]) {
        for text in flows {
            self.tell(flow(text)).map_err(|error| format!("{text}: {error}")).unwrap();
        }
    }

    fn wait(&mut self, time: Duration) -> Out {
        self.now += time;
        let mut out = Out::default();
        self.switch.expire(self.now, &mut out);
        out
    }

    fn receive(&mut self, port: u32, frame: &[u8]) -> Out {
        let mut out = Out::default();
        self.switch.receive(Packet::new(frame, PortNo(port)), self.now, &mut out);
        out
    }

    /// Where a packet leaves, in order.
    fn ports(&mut self, port: u32, frame: &[u8]) -> Vec<u32> {
        self.receive(port, frame).frames.iter().map(|(port, _)| port.0).collect()
    }

    fn ask(&mut self, request: MultipartRequest) -> MultipartBody {
        match self.tell(request).unwrap().replies.remove(0) {
            Body::MultipartReply(reply) => reply.body,
            other => panic!("{other:?}"),
        }
    }

    /// The flows of all tables in words, without their age, in order.
    fn dump(&mut self) -> Vec<String> {
        let MultipartBody::Flow(flows) = self.ask(MultipartRequest::Flow(FlowStatsRequest::all())) else {
            panic!("flows were asked for")
        };
        let mut lines: Vec<String> = flows
            .into_iter()
            .map(|flow| {
                let (packets, table, cookie) = (flow.packet_count, flow.table, flow.cookie);
                let line = flow.to_string();
                let rule = line.find("priority=").map_or("", |at| &line[at..]);
                format!("{table} {cookie} {packets} {rule}")
            })
            .collect();
        lines.sort();
        lines
    }
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

/// A UDP packet from 10.0.0.1 to `dst` with this TTL.
fn udp(dst: [u8; 4], ttl: u8) -> Vec<u8> {
    let mut out = Vec::new();
    etherparse::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4([10, 0, 0, 1], dst, ttl)
        .udp(1000, 2000)
        .write(&mut out, &[1, 2, 3, 4])
        .unwrap();
    out
}

fn plain() -> Vec<u8> {
    udp([10, 0, 0, 2], 64)
}
