//! How quick the codec and the parser are, beside Debian's python3-os-ken and ovs-ofctl in the same run: `make bench`,
//! or `cargo bench -p flowbed-openflow`. What is missing on the machine is left out.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use flowbed_openflow as openflow;
use openflow::ids::{MacAddr, Xid};
use openflow::text::{Parser, Strictness};
use openflow::{
    Action, Body, FlowMod, Match, Message, PacketIn, PacketInReason, PortNo, TableId, VlanVid, frame,
};

/// Runs, so short that other processes get between few of them. The median counts; least and most are told too.
const RUNS: usize = 301;

struct Nanoseconds {
    median: f64,
    least: f64,
    most: f64,
}

impl std::fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} ns ({:.0} to {:.0})", self.median, self.least, self.most)
    }
}

/// Time of one of the `count` things that `work` does.
fn time(count: usize, mut work: impl FnMut()) -> Nanoseconds {
    work();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e9 / count as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    Nanoseconds { median: times[RUNS / 2], least: times[0], most: times[RUNS - 1] }
}

/// Five fields.
fn matching() -> Match {
    Match::new()
        .in_port(PortNo(7))
        .eth_dst(MacAddr([1, 2, 3, 4, 5, 6]))
        .eth_type(0x0800)
        .vlan_vid(VlanVid::tagged(100))
        .ipv4_dst(Ipv4Addr::new(192, 168, 1, 2))
}

fn packet_in(match_: Match) -> Bytes {
    let body = Body::PacketIn(PacketIn {
        buffer: None,
        total_len: 64,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: u64::MAX,
        match_,
        data: Bytes::from_static(&[0xab; 64]),
    });
    encoded(&body)
}

fn flow_mod() -> FlowMod {
    FlowMod::add().priority(10).matching(matching()).apply([Action::Output { port: PortNo(2), max_len: 0 }])
}

fn encoded(body: &Body) -> Bytes {
    let mut wire = BytesMut::new();
    body.encode(Xid(1), &mut wire).expect("it is short");
    wire.freeze()
}

fn decode_packet_in(wire: &Bytes) -> Nanoseconds {
    const COUNT: usize = 2_000;
    time(COUNT, || {
        for _ in 0..COUNT {
            black_box(Message::decode(black_box(wire.clone())).is_ok());
        }
    })
}

/// A flow-mod that is built already.
fn encode_flow_mod() -> Nanoseconds {
    const COUNT: usize = 2_000;
    let body = Body::FlowMod(flow_mod());
    let mut out = BytesMut::with_capacity(1 << 10);
    time(COUNT, || {
        for _ in 0..COUNT {
            out.clear();
            black_box(black_box(&body).encode(Xid(1), &mut out).is_ok());
        }
    })
}

/// With its match, its instructions and its actions.
fn build_and_encode_flow_mod() -> Nanoseconds {
    const COUNT: usize = 2_000;
    let mut out = BytesMut::with_capacity(1 << 10);
    time(COUNT, || {
        for _ in 0..COUNT {
            out.clear();
            black_box(Body::FlowMod(black_box(flow_mod())).encode(Xid(1), &mut out).is_ok());
        }
    })
}

/// Packet-ins as a switch sends them, one behind the other: in_port, and a frame of 64 bytes.
fn stream() -> Nanoseconds {
    const COUNT: usize = 2_000;
    let one = packet_in(Match::new().in_port(PortNo(7)));
    let all: Vec<u8> = one.iter().copied().cycle().take(one.len() * COUNT).collect();
    let mut buf = BytesMut::new();
    let mut read = 0;
    time(COUNT, || {
        // As a driver does: up to 64 kB at a time are read behind what is left.
        for piece in all.chunks(64 << 10) {
            buf.extend_from_slice(piece);
            while let Ok(Some(frame)) = frame::next(&mut buf) {
                read += usize::from(black_box(Message::decode(frame)).is_ok());
            }
        }
        assert_eq!(read % COUNT, 0);
    })
}

/// Flows of the kind that people write, each another.
fn flows_file(count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let (a, b, port) = (n >> 8 & 255, n & 255, n % 48 + 1);
        match n % 4 {
            0 => writeln!(text, "priority={},tcp,nw_dst=10.{a}.{b}.0/24,tp_dst=80 actions=output:{port}", n % 65536),
            1 => writeln!(text, "table=1,in_port={port},dl_dst=02:00:00:00:{a:02x}:{b:02x},actions=mod_vlan_vid:{},output:{port}", n % 4095 + 1),
            2 => writeln!(text, "cookie={n:#x},ip,nw_src=192.168.{b}.1,idle_timeout=60,actions=dec_ttl,set_field:02:00:00:00:{a:02x}:{b:02x}->dl_dst,{port}"),
            _ => writeln!(text, "arp,arp_tpa=10.{a}.{b}.1,dl_vlan={} actions=goto_table:2", n % 4095 + 1),
        }
        .expect("a string takes everything");
    }
    text
}

fn seconds(work: impl FnOnce() -> Option<()>) -> Option<f64> {
    let start = Instant::now();
    work()?;
    Some(start.elapsed().as_secs_f64())
}

fn median(runs: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut all: Vec<f64> = runs.collect::<Option<_>>()?;
    all.sort_by(f64::total_cmp);
    Some(all[all.len() / 2])
}

/// Reading a file of 100,000 flows, and making messages of them: ours and ovs-ofctl's, whole process.
fn flows(report: &mut String) -> std::io::Result<()> {
    const COUNT: usize = 100_000;
    let text = flows_file(COUNT);
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    let ours = median((0..5).map(|_| {
        seconds(|| {
            let text = std::fs::read_to_string(file.path()).ok()?;
            let flows = Parser::new().strictness(Strictness::OpenVswitch).flows(&text).ok()?;
            assert_eq!(flows.len(), COUNT);
            let mut out = BytesMut::new();
            flows.into_iter().try_for_each(|flow| Body::FlowMod(flow).encode(Xid(1), &mut out)).ok()
        })
    }));
    let theirs = median((0..5).map(|_| {
        seconds(|| {
            let mut command = Command::new("ovs-ofctl");
            command.args(["-O", "OpenFlow13", "parse-flows"]).arg(file.path());
            command.output().ok().filter(|output| output.status.success()).map(drop)
        })
    }));
    row(
        report,
        "read a file of 100,000 flows",
        ours.map(s),
        ("ovs-ofctl parse-flows", theirs.map(s)),
        ratio(ours, theirs),
    );
    Ok(())
}

fn s(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> String {
    ours.zip(theirs).map_or_else(|| "–".into(), |(ours, theirs)| format!("{:.1}", theirs / ours))
}

fn row(
    report: &mut String,
    what: &str,
    ours: Option<String>,
    (peer, theirs): (&str, Option<String>),
    ratio: String,
) {
    let none = || "–".to_owned();
    let theirs = theirs.map_or_else(none, |theirs| format!("{theirs} ({peer})"));
    writeln!(report, "| {what} | {} | {theirs} | {ratio} |", ours.unwrap_or_else(none))
        .expect("a string takes everything");
}

/// Nanoseconds to decode this packet-in and to encode our flow-mod.
fn os_ken(packet_in: &Bytes) -> Option<(f64, f64)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/codec/with_os_ken.py");
    let output = Command::new("/usr/bin/python3").arg(script).arg(hex::encode(packet_in)).output().ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    let words: Vec<&str> = printed.split_whitespace().collect();
    let &[decode, encode, flow] = &words[..] else { return None };
    assert_eq!(flow, hex::encode(encoded(&Body::FlowMod(flow_mod()))), "both encode the same flow-mod");
    Some((decode.parse().ok()?, encode.parse().ok()?))
}

fn main() -> std::io::Result<()> {
    let wire = packet_in(matching());
    let peer = os_ken(&wire);
    let ns = |ns: f64| format!("{ns:.0} ns");
    let (decode, encode, build, stream) =
        (decode_packet_in(&wire), encode_flow_mod(), build_and_encode_flow_mod(), stream());
    let mut report = String::from("| | Flowbed | peer | peer / Flowbed |\n|---|---|---|---|\n");
    row(
        &mut report,
        "decode a packet-in: 5 fields, 64 bytes",
        Some(decode.to_string()),
        ("os-ken", peer.map(|(it, _)| ns(it))),
        ratio(Some(decode.median), peer.map(|(it, _)| it)),
    );
    row(
        &mut report,
        "encode a flow-mod: 5 fields, built before",
        Some(encode.to_string()),
        ("", None),
        "–".into(),
    );
    row(
        &mut report,
        "build and encode it",
        Some(build.to_string()),
        ("os-ken", peer.map(|(_, it)| ns(it))),
        ratio(Some(build.median), peer.map(|(_, it)| it)),
    );
    let rate = format!("{:.1} million/s ({stream} each)", 1e3 / stream.median);
    row(&mut report, "split and decode a stream of packet-ins", Some(rate), ("", None), "–".into());
    flows(&mut report)?;
    println!("{report}");
    Ok(())
}
