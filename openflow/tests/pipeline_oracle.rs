//! `openflow::pipeline` against an interpreter that was written for this test alone: slow, and as
//! the specification reads. Random flow-mods; after each few of them every packet of a small header
//! space goes through both, and the same frames must leave, and the same flows be there with the
//! same counters.

mod generate;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use flowbed_openflow as openflow;
use generate::Gen;
use openflow::Port;
use openflow::action::Action;
use openflow::ids::{MacAddr, PortNo, TableId};
use openflow::instruction::Instruction;
use openflow::msg::flow_mod::{FlowMod, FlowModCommand, FlowModFlags};
use openflow::oxm::{Masked, Match, OxmField, VlanVid};
use openflow::pipeline::{Config, Effect, Packet, Sink, Switch};

const TABLES: u8 = 3;
const PORTS: u32 = 3;

/// A packet of the header space: a UDP packet over IPv4 or something else, with tags or without.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    dst: u8,
    tags: Vec<u16>,
    ip: Option<Ip>,
}

#[derive(Clone, Debug, PartialEq)]
struct Ip {
    dst: u8,
    ttl: u8,
    udp: u16,
}

impl Frame {
    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![2, 0, 0, 0, 0, self.dst, 2, 0, 0, 0, 0, 9];
        for tag in &self.tags {
            out.extend([[0x81, 0x00], tag.to_be_bytes()].concat());
        }
        let Some(ip) = &self.ip else {
            out.extend([0x12, 0x34, 1, 2, 3]);
            return out;
        };
        let mut header = [0x45, 0, 0, 28, 0, 0, 0, 0, ip.ttl, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, ip.dst];
        let words = header.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
        let sum: u32 = words.sum();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        out.extend([0x08, 0x00]);
        out.extend(header);
        out.extend([&[0, 7][..], &ip.udp.to_be_bytes(), &[0, 8, 0, 0]].concat());
        out
    }

    fn all() -> Vec<(PortNo, Frame)> {
        let mut all = Vec::new();
        for port in 1..=PORTS {
            for dst in [1, 2] {
                for tags in [vec![], vec![1], vec![2, 1]] {
                    let ips = [1, 2].map(|dst| Some(Ip { dst, ttl: 2, udp: 5 }));
                    for ip in ips.into_iter().chain([None, Some(Ip { dst: 3, ttl: 1, udp: 6 })]) {
                        all.push((PortNo(port), Frame { dst, tags: tags.clone(), ip }));
                    }
                }
            }
        }
        all
    }
}

/// A flow as the oracle keeps it.
#[derive(Clone, Debug)]
struct Row {
    flow: FlowMod,
    packets: u64,
    since: Instant,
}

#[derive(Default)]
struct Oracle {
    rows: Vec<Row>,
}

/// What a field of a packet is; `None` where the packet has no such field.
fn field(of: &OxmField, port: PortNo, metadata: u64, frame: &Frame) -> Option<u128> {
    let ip = frame.ip.as_ref();
    Some(match of {
        OxmField::InPort(_) => port.0.into(),
        OxmField::Metadata(_) => metadata.into(),
        OxmField::EthDst(_) => 0x0200_0000_0000 | u128::from(frame.dst),
        OxmField::EthType(_) => {
            if ip.is_some() {
                0x0800
            } else {
                0x1234
            }
        }
        OxmField::VlanVid(_) => frame.tags.first().map_or(0, |tag| 0x1000 | u128::from(tag & 0xfff)),
        OxmField::IpProto(_) => ip.map(|_| 17)?,
        OxmField::Ipv4Dst(_) => 0x0a00_0000 | u128::from(ip?.dst),
        OxmField::UdpDst(_) => ip?.udp.into(),
        other => panic!("{other:?} is not generated"),
    })
}

fn takes(matched: &Match, port: PortNo, metadata: u64, frame: &Frame) -> bool {
    matched.fields().all(|wanted| {
        let (value, mask) = wanted.to_bits().expect("a known field");
        field(&wanted, port, metadata, frame).is_some_and(|it| it & mask == value & mask)
    })
}

/// Whether all that `wide` says, `narrow` says too (OF 1.3.5 §6.4, non-strict).
fn includes(wide: &Match, narrow: &Match) -> bool {
    wide.fields().all(|field| {
        let (value, mask) = field.to_bits().expect("a known field");
        let other = field.id().and_then(|id| narrow.get(id)).and_then(|it| it.to_bits());
        other.is_some_and(|(v, m)| m & mask == mask && v & mask == value & mask)
    })
}

impl Oracle {
    fn means(request: &FlowMod, row: &Row, deletes: bool) -> bool {
        let strict = matches!(request.command, FlowModCommand::ModifyStrict | FlowModCommand::DeleteStrict);
        let same = if strict {
            row.flow.match_ == request.match_ && row.flow.priority == request.priority
        } else {
            includes(&request.match_, &row.flow.match_)
        };
        let outputs = |port| {
            row.flow.instructions.iter().any(|it| match it {
                Instruction::ApplyActions(list) | Instruction::WriteActions(list) => {
                    list.iter().any(|it| matches!(it, Action::Output { port: p, .. } if *p == port))
                }
                _ => false,
            })
        };
        same && (row.flow.table == request.table || request.table == TableId::ALL)
            && row.flow.cookie & request.cookie_mask == request.cookie & request.cookie_mask
            && (!deletes || request.out_port == PortNo::ANY || outputs(request.out_port))
    }

    /// OF 1.3.5 §6.4.
    fn flow_mod(&mut self, request: &FlowMod, now: Instant) {
        let reset = request.flags.contains(FlowModFlags::RESET_COUNTS);
        match request.command {
            FlowModCommand::Add => {
                let same = |row: &Row| {
                    let (old, new) = (&row.flow, request);
                    (old.table, old.priority, &old.match_) == (new.table, new.priority, &new.match_)
                };
                let old = self.rows.iter().position(same).map(|at| self.rows.remove(at));
                let packets = old.filter(|_| !reset).map_or(0, |old| old.packets);
                self.rows.push(Row { flow: request.clone(), packets, since: now });
            }
            FlowModCommand::Modify | FlowModCommand::ModifyStrict => {
                for row in self.rows.iter_mut().filter(|row| Oracle::means(request, row, false)) {
                    row.flow.instructions = request.instructions.clone();
                    row.packets *= u64::from(!reset);
                }
            }
            _ => self.rows.retain(|row| !Oracle::means(request, row, true)),
        }
    }

    fn expire(&mut self, now: Instant) {
        let over = |row: &Row| {
            let hard = row.flow.hard_timeout;
            hard != 0 && now - row.since >= Duration::from_secs(hard.into())
        };
        self.rows.retain(|row| !over(row));
    }

    /// OF 1.3.5 §5.2 to §5.10: the frames that leave, in order.
    fn packet(&mut self, port: PortNo, mut frame: Frame) -> Vec<(PortNo, Vec<u8>)> {
        let mut out = Vec::new();
        let mut metadata = 0;
        let mut set: Vec<Action> = Vec::new();
        let mut table = Some(0);
        while let Some(id) = table.take() {
            let fits = |row: &&mut Row| {
                row.flow.table == TableId(id) && takes(&row.flow.match_, port, metadata, &frame)
            };
            let best = self.rows.iter_mut().filter(fits).max_by_key(|row| row.flow.priority);
            let Some(row) = best else { return out };
            row.packets += 1;
            let find = |wanted: fn(&Instruction) -> bool| row.flow.instructions.iter().find(|it| wanted(it));
            if let Some(Instruction::ApplyActions(list)) =
                find(|it| matches!(it, Instruction::ApplyActions(_)))
            {
                for action in list {
                    if !act(action, port, &mut frame, &mut out) {
                        return out;
                    }
                }
            }
            if find(|it| matches!(it, Instruction::ClearActions)).is_some() {
                set.clear();
            }
            if let Some(Instruction::WriteActions(list)) =
                find(|it| matches!(it, Instruction::WriteActions(_)))
            {
                for action in list {
                    set.retain(|old| match (old, action) {
                        (Action::SetField(a), Action::SetField(b)) => a.id() != b.id(),
                        (a, b) => a.kind() != b.kind(),
                    });
                    set.push(action.clone());
                }
            }
            if let Some(Instruction::WriteMetadata { metadata: new, mask }) =
                find(|it| matches!(it, Instruction::WriteMetadata { .. }))
            {
                metadata = metadata & !mask | new & mask;
            }
            if let Some(Instruction::GotoTable(next)) = find(|it| matches!(it, Instruction::GotoTable(_))) {
                table = Some(next.0);
            }
        }
        // Pop, push, change of TTL, set, output: only with an output does anything come of it.
        let stages: [fn(&Action) -> bool; 5] = [
            |it| matches!(it, Action::PopVlan),
            |it| matches!(it, Action::PushVlan(_)),
            |it| matches!(it, Action::DecNwTtl),
            |it| matches!(it, Action::SetField(_)),
            |it| matches!(it, Action::Output { .. }),
        ];
        if set.iter().any(stages[4]) {
            for stage in stages {
                for action in set.iter().filter(|it| stage(it)) {
                    if !act(action, port, &mut frame, &mut out) {
                        return out;
                    }
                }
            }
        }
        out
    }
}

/// Carries one action out; false where the packet ends.
fn act(action: &Action, in_port: PortNo, frame: &mut Frame, out: &mut Vec<(PortNo, Vec<u8>)>) -> bool {
    match action {
        Action::Output { port: PortNo::ALL, .. } => {
            let others = (1..=PORTS).map(PortNo).filter(|port| *port != in_port);
            out.extend(others.map(|port| (port, frame.bytes())));
        }
        Action::Output { port: PortNo::IN_PORT, .. } => out.push((in_port, frame.bytes())),
        Action::Output { port, .. } => {
            if *port != in_port {
                out.push((*port, frame.bytes()));
            }
        }
        Action::PushVlan(_) => frame.tags.insert(0, frame.tags.first().copied().unwrap_or(0)),
        Action::PopVlan => {
            if !frame.tags.is_empty() {
                frame.tags.remove(0);
            }
        }
        Action::DecNwTtl => {
            if let Some(ip) = &mut frame.ip {
                if ip.ttl <= 1 {
                    return false;
                }
                ip.ttl -= 1;
            }
        }
        Action::SetField(OxmField::EthDst(mac)) => frame.dst = mac.value.0[5],
        Action::SetField(OxmField::VlanVid(vid)) => {
            if let Some(tag) = frame.tags.first_mut() {
                *tag = *tag & 0xf000 | vid.value.0 & 0xfff;
            }
        }
        Action::SetField(OxmField::Ipv4Dst(ip)) => {
            if let Some(header) = &mut frame.ip {
                header.dst = ip.value.octets()[3];
            }
        }
        Action::SetField(OxmField::UdpDst(port)) => {
            if let Some(header) = &mut frame.ip {
                header.udp = port.value;
            }
        }
        other => panic!("{other:?} is not generated"),
    }
    true
}

/// Matches of which no two share a priority.
fn matches() -> Vec<Match> {
    let ip = || Match::new().eth_type(0x0800);
    let mac = |n: u8| MacAddr([2, 0, 0, 0, 0, n]);
    vec![
        Match::new(),
        Match::new().in_port(PortNo(1)),
        Match::new().in_port(PortNo(2)).eth_dst(mac(1)),
        Match::new().eth_dst(Masked::new(mac(2), mac(2))),
        Match::new().vlan_vid(VlanVid::NONE),
        Match::new().vlan_vid(VlanVid::ANY),
        Match::new().vlan_vid(VlanVid::tagged(1)),
        Match::new().metadata(Masked::new(1, 1)),
        Match::new().metadata(Masked::new(2, 3)).in_port(PortNo(1)),
        ip(),
        ip().ipv4_dst(Masked::new(Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(255, 0, 0, 2))),
        ip().ipv4_dst(Ipv4Addr::new(10, 0, 0, 1)).metadata(Masked::new(1, 1)),
        ip().ip_proto(17).udp_dst(5),
        ip().ip_proto(17).udp_dst(6).vlan_vid(VlanVid::ANY),
        Match::new().eth_type(0x1234),
    ]
}

fn action(r: &mut Gen, matched: &Match) -> Action {
    let ip = matched.as_bytes() != Match::new().as_bytes() && matched.to_string().starts_with("ip");
    let udp = matched.to_string().starts_with("udp");
    let tagged = includes(&Match::new().vlan_vid(VlanVid::ANY), matched);
    match r.below(9) {
        0 if ip || udp => Action::DecNwTtl,
        1 if ip || udp => {
            Action::set(OxmField::Ipv4Dst(Ipv4Addr::new(10, 0, 0, 1 + r.below(3) as u8).into()))
        }
        2 if udp => Action::set(OxmField::UdpDst((5 + r.below(2) as u16).into())),
        3 if tagged => Action::set(OxmField::VlanVid(VlanVid::tagged(1 + r.below(2) as u16).into())),
        4 if tagged => Action::PopVlan,
        5 => Action::PushVlan(0x8100),
        6 => Action::set(OxmField::EthDst(MacAddr([2, 0, 0, 0, 0, 1 + r.below(3) as u8]).into())),
        _ => Action::output(r.pick(&[PortNo(1), PortNo(2), PortNo(3), PortNo::ALL, PortNo::IN_PORT])),
    }
}

fn request(r: &mut Gen) -> FlowMod {
    let pool = matches();
    let which = r.below(pool.len());
    let matched = pool[which].clone();
    let table = r.below(TABLES.into()) as u8;
    let mut flow = match r.below(12) {
        0 => FlowMod::delete(),
        1 => FlowMod::delete_strict(),
        2 => FlowMod::modify(),
        3 => FlowMod::modify_strict(),
        _ => FlowMod::add(),
    };
    let deletes = matches!(flow.command, FlowModCommand::Delete | FlowModCommand::DeleteStrict);
    flow = flow.table(if deletes && r.chance(3) { TableId::ALL } else { TableId(table) });
    flow = flow.priority(which as u16 + if r.chance(3) { 20 } else { 0 }).matching(matched.clone());
    flow.cookie = r.below(4) as u64;
    if flow.command != FlowModCommand::Add {
        // All flows of all tables are too many to lose each time.
        flow.cookie_mask = if flow.match_.is_empty() { 3 } else { r.pick(&[0, 1, 3]) };
        flow.out_port = if r.chance(3) { PortNo(2) } else { PortNo::ANY };
    } else if r.chance(6) {
        flow.hard_timeout = 1 + r.below(3) as u16;
    }
    if r.chance(4) {
        flow.flags |= FlowModFlags::RESET_COUNTS;
    }
    if deletes {
        return flow;
    }
    let list = |r: &mut Gen| (0..r.below(4)).map(|_| action(r, &matched)).collect::<Vec<_>>();
    if r.chance(2) {
        flow = flow.apply(list(r));
    }
    if r.chance(2) {
        flow = flow.write(list(r));
    }
    if r.chance(6) {
        flow = flow.clear();
    }
    if r.chance(3) {
        flow = flow.write_metadata(r.below(4) as u64, r.pick(&[1, 2, 3]));
    }
    if table + 1 < TABLES && !r.chance(3) {
        flow = flow.goto_table(table + 1 + r.below(usize::from(TABLES - 1 - table)) as u8);
    }
    flow
}

#[derive(Default)]
struct Out(Vec<(PortNo, Vec<u8>)>);

impl Sink for Out {
    fn effect(&mut self, effect: Effect<'_>) {
        if let Effect::Output { port, frame, .. } = effect {
            self.0.push((port, frame.to_vec()));
        }
    }
}

/// The flows, their cookies and counters, in an order that is the same for both.
fn rows(flows: impl Iterator<Item = (u8, u16, u64, u64, String)>) -> Vec<(u8, u16, u64, u64, String)> {
    let mut rows: Vec<_> = flows.collect();
    rows.sort();
    rows
}

#[test]
fn the_switch_does_what_the_specification_says() {
    let mut frames = 0;
    let mut taken = 0;
    for seed in 0..30 {
        let r = &mut Gen::new(seed);
        let mut now = Instant::now();
        let mut switch = Switch::new(Config { n_tables: TABLES, ..Config::default() });
        for port in 1..=PORTS {
            let port = Port { number: PortNo(port), ..Port::default() };
            switch.set_port(port, now, &mut Out::default());
        }
        let mut oracle = Oracle::default();
        for _ in 0..12 {
            for _ in 0..1 + r.below(12) {
                let request = request(r);
                // What does not fit its match is refused, and is the affair of other tests.
                if switch.flow_mod(request.clone(), now, &mut Out::default()).is_ok() {
                    oracle.flow_mod(&request, now);
                    taken += 1;
                }
            }
            now += Duration::from_millis(r.below(1500) as u64);
            switch.expire(now, &mut Out::default());
            oracle.expire(now);
            for (port, frame) in Frame::all() {
                let mut ours = Out::default();
                switch.receive(Packet::new(&frame.bytes(), port), now, &mut ours);
                let expected = oracle.packet(port, frame.clone());
                frames += expected.len();
                assert_eq!(ours.0, expected, "seed {seed}: {port} {frame:?}\n{:#?}", oracle.rows);
            }
            let ours = (0..TABLES).flat_map(|table| {
                switch.flows(TableId(table)).map(move |flow| {
                    let stats = flow.stats(TableId(table), now);
                    let rule = format!("{} {:?}", flow.match_(), flow.instructions());
                    (table, flow.priority(), flow.cookie(), stats.packet_count, rule)
                })
            });
            let expected = oracle.rows.iter().map(|row| {
                let rule = format!("{} {:?}", row.flow.match_, row.flow.instructions);
                (row.flow.table.0, row.flow.priority, row.flow.cookie, row.packets, rule)
            });
            assert_eq!(rows(ours), rows(expected), "seed {seed}");
        }
    }
    assert!(frames > 10_000 && taken > 1000, "{frames} frames of {taken} flow-mods say little");
}
