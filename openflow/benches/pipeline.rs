//! How fast the pipeline is on one core: lookups among 10,000 and 100,000 rules of mixed masks, whole
//! packets through a switch, flow-mods. `cargo bench -p flowbed-openflow --bench pipeline`.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use flowbed_openflow as openflow;
use openflow::action::Action;
use openflow::ids::{MacAddr, PortNo, TableId};
use openflow::oxm::{Masked, Match};
use openflow::pipeline::{Config, Effect, HEADROOM, Packet, Sink, Switch};
use openflow::{FlowMod, Port};

/// How long each thing is done.
const TIME: Duration = Duration::from_secs(2);

struct Nothing(u64);

impl Sink for Nothing {
    fn effect(&mut self, effect: Effect<'_>) {
        self.0 += u64::from(matches!(effect, Effect::Output { .. }));
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }
}

/// What the packets are: some tens of thousands of connections.
struct Connection {
    src: u32,
    dst: u32,
    ports: [u16; 2],
}

impl Connection {
    fn random(r: &mut Random) -> Connection {
        let [src, dst] = [r.next(), r.next()].map(|n| 0x0a00_0000 | n & 0x00ff_ffff);
        Connection { src, dst, ports: [r.next() as u16, 1 + r.next() as u16 % 1000] }
    }

    fn frame(&self) -> Vec<u8> {
        let [a, b, c, d] = self.dst.to_be_bytes();
        let mut frame = vec![2, 0, a, b, c, d, 2, 0, 0, 0, 0, 1, 0x08, 0x00];
        frame.extend([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0]);
        frame.extend(self.src.to_be_bytes());
        frame.extend(self.dst.to_be_bytes());
        frame.extend(self.ports.iter().flat_map(|port| port.to_be_bytes()));
        frame.extend([0; 22]);
        frame
    }

    /// A rule that takes it, of one of sixteen masks.
    fn rule(&self, kind: u32) -> Match {
        let [_, a, b, c] = self.dst.to_be_bytes();
        let (src, dst) = (Ipv4Addr::from_bits(self.src), Ipv4Addr::from_bits(self.dst));
        let ip = Match::new().eth_type(0x0800);
        match kind % 16 {
            0..=3 => {
                let ip = ip.ip_proto(17).ipv4_src(src).ipv4_dst(dst);
                ip.udp_src(self.ports[0]).udp_dst(self.ports[1])
            }
            4 => Match::new().eth_dst(MacAddr([2, 0, 10, a, b, c])),
            5 => Match::new().in_port(PortNo(1)).eth_dst(MacAddr([2, 0, 10, a, b, c])),
            6 => ip.ip_proto(17).udp_dst(self.ports[1]).ipv4_dst(Masked::prefix(dst, 24)),
            7 => ip.in_port(PortNo(1)).ipv4_src(src).ipv4_dst(dst),
            kind => ip.ipv4_dst(Masked::prefix(dst, 16 + 2 * (kind as u8 - 8))),
        }
    }
}

fn switch() -> Switch {
    let mut switch = Switch::new(Config::default());
    for number in 1..=4 {
        let port = Port { number: PortNo(number), ..Port::default() };
        switch.set_port(port, Instant::now(), &mut Nothing(0));
    }
    switch
}

/// How often a second `work` is done, which does `each` at a time.
fn rate(each: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < TIME {
        work();
        done += each;
    }
    done as f64 / start.elapsed().as_secs_f64()
}

fn rules(r: &mut Random, count: u32) -> (Vec<FlowMod>, Vec<Vec<u8>>) {
    let mut flows = Vec::new();
    let mut frames = Vec::new();
    for n in 0..count {
        let connection = Connection::random(r);
        // More specific rules win, as they do in access lists and routes.
        let priority = 100 - (n % 16) as u16;
        let flow = FlowMod::add().priority(priority).matching(connection.rule(n));
        flows.push(flow.apply([Action::output(PortNo(2))]));
        if n % 4 == r.next() % 4 {
            frames.push(connection.frame());
        }
    }
    (flows, frames)
}

fn main() {
    let now = Instant::now();
    for count in [10_000, 100_000] {
        let (flows, frames) = rules(&mut Random(count.into()), count);
        let mut switch = switch();
        let start = Instant::now();
        for flow in flows.iter().cloned() {
            switch.flow_mod(flow, now, &mut Nothing(0)).expect("it is sound");
        }
        let adding = f64::from(count) / start.elapsed().as_secs_f64();
        let packets: Vec<Packet> = frames.iter().map(|frame| Packet::new(frame, PortNo(1))).collect();
        let lookups = rate(packets.len(), || {
            let found = packets.iter().filter(|packet| switch.lookup(TableId(0), packet).is_some());
            assert_eq!(black_box(found.count()), packets.len(), "each has a rule");
        });
        let mut sink = Nothing(0);
        let mut buf = Vec::new();
        let received = rate(frames.len(), || {
            for frame in &frames {
                // A buffer is filled again and again, as a switch with wires does it.
                buf.clear();
                buf.resize(HEADROOM, 0);
                buf.extend_from_slice(frame);
                let packet = Packet::in_place(std::mem::take(&mut buf), HEADROOM, PortNo(1));
                buf = switch.receive(packet, now, &mut sink).into_buf();
            }
        });
        assert!(sink.0 > 0, "packets come through");
        let deleting = {
            let start = Instant::now();
            for flow in flows {
                let mut delete = FlowMod::delete_strict();
                (delete.priority, delete.match_) = (flow.priority, flow.match_);
                switch.flow_mod(delete, now, &mut Nothing(0)).expect("it is sound");
            }
            f64::from(count) / start.elapsed().as_secs_f64()
        };
        println!("{count} rules of 12 masks, millions a second:");
        println!("  lookups {:.2}, packets {:.2}", lookups / 1e6, received / 1e6);
        println!("  flows added {:.2}, deleted strictly {:.2}", adding / 1e6, deleting / 1e6);
    }
}
