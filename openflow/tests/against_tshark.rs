//! Our encoder against another reader: messages of every type go into a capture, and tshark's dissector must find
//! nothing wrong with any of them, and in some of them the values that we wrote.
//!
//! Ignored where tshark is missing; under `CI` it fails there instead.

mod generate;

use std::process::Command;

use bytes::{Bytes, BytesMut};
use etherparse::PacketBuilder;
use flowbed_openflow as openflow;
use generate::{Gen, ovs_message};
use libtest_mimic::{Arguments, Failed, Trial};
use openflow::ids::Xid;
use openflow::msg::experimenter::Experimenter;
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use openflow::multipart::{MultipartRequest, kind};
use openflow::{
    Action, BufferId, FlowMod, FlowModFlags, GroupId, MacAddr, Match, MeterId, PacketIn, PacketInReason,
    PacketOut, PortNo, Role, RoleKind, TableId,
};
use openflow::{Body, Message};
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};

type Test = fn() -> Result<(), Failed>;

fn main() {
    let missing = Command::new("tshark").arg("--version").output().is_err();
    let reason = "needs tshark: .ci/install test";
    let tests: [(&str, Test); 3] = [
        ("every_message_is_well_formed", every_message),
        ("messages_with_extensions_are_well_formed", extended_messages),
        ("values_are_read_as_written", values),
    ];
    let trials = tests.into_iter().map(|(name, test)| match (missing, std::env::var_os("CI")) {
        (true, Some(_)) => Trial::test(name, move || Err(reason.into())),
        (true, None) => Trial::test(format!("{name} [{reason}]"), test).with_ignored_flag(true),
        _ => Trial::test(name, test),
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// What tshark prints of the messages' fields: a line each, with tabs between; fields are given twice the message has
/// them with commas between. A segment of TCP carries one message, so a line of the fields' is a message's.
fn tshark(messages: &[Message], fields: &[&str]) -> Result<Vec<Vec<String>>, Failed> {
    let mut file = tempfile::NamedTempFile::with_suffix(".pcap")?;
    let mut writer = PcapWriter::with_header(&mut file, PcapHeader::default())?;
    let mut sequence = 1;
    for message in messages {
        let mut wire = BytesMut::new();
        message.encode(&mut wire)?;
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
            .ipv4([127, 0, 0, 1], [127, 0, 0, 2], 64)
            .tcp(40000, 6653, sequence, 8192)
            .ack(1);
        let mut packet = Vec::new();
        builder.write(&mut packet, &wire)?;
        sequence += u32::try_from(wire.len())?;
        let length = u32::try_from(packet.len())?;
        writer.write_packet(&PcapPacket::new(std::time::Duration::ZERO, length, &packet))?;
    }
    let mut command = Command::new("tshark");
    command.args(["-n", "-d", "tcp.port==6653,openflow", "-T", "fields", "-r"]).arg(file.path());
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let printed = String::from_utf8(output.stdout)?;
    let lines: Vec<Vec<String>> =
        printed.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    if lines.len() != messages.len() {
        return Err(format!("{} lines for {} messages:\n{printed}", lines.len(), messages.len()).into());
    }
    Ok(lines)
}

/// A whole packet, for tshark looks into those of packet-ins and packet-outs too.
fn packet() -> Bytes {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 3], [2, 0, 0, 0, 0, 4])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(1000, 40001);
    let mut packet = Vec::new();
    builder.write(&mut packet, b"twenty-two bytes of it").expect("it fits");
    packet.into()
}

/// A random message as Open vSwitch reads it, where others are carried in it a whole one.
fn sound(g: &mut Gen, seed: u64) -> Body {
    match ovs_message::body(g) {
        Body::PacketIn(it) => Body::PacketIn(PacketIn { data: packet(), ..it }),
        Body::PacketOut(it) => Body::PacketOut(PacketOut { data: packet(), ..it }),
        // What it does not know it would tell.
        Body::Hello(mut hello) => {
            hello.other.clear();
            Body::Hello(hello)
        }
        Body::Error(mut error) => {
            error.data = Bytes::from_static(&[4, 20, 0, 8, 0, 0, 0, 7]);
            Body::Error(error)
        }
        Body::FeaturesRequest if seed.is_multiple_of(2) => {
            Body::Experimenter(Experimenter { experimenter: 0x2320, exp_type: 99, data: Bytes::new() })
        }
        other => other,
    }
}

/// Whether a port of TCP, UDP or SCTP has a mask. Open vSwitch takes it; OF 1.3.5 §7.2.3.7 has none, nor has tshark.
fn masks_ports(message: &Message) -> bool {
    let text = message.to_string();
    text.contains("tp_src=0x") || text.contains("tp_dst=0x")
}

/// Whether it is an experimenter's multipart reply: tshark 4.0 reads beyond the end of any, even of one without a body.
fn is_experimenter_reply(message: &Message) -> bool {
    matches!(&message.body, Body::MultipartReply(reply) if reply.body.kind() == kind::EXPERIMENTER)
}

/// With what Open vSwitch has of its own, of which tshark says that it looks no further.
fn extended_messages() -> Result<(), Failed> {
    let notes = [
        "Unknown OXM body.",
        "Experimenter action body.",
        "Experimenter body.",
        "Experimenter multipart request body.",
    ];
    well_formed(Gen::new, &notes)
}

fn every_message() -> Result<(), Failed> {
    well_formed(Gen::standard, &[])
}

/// That tshark says nothing of any message but these `notes`.
fn well_formed(generator: fn(u64) -> Gen, notes: &[&str]) -> Result<(), Failed> {
    let messages: Vec<Message> = (0..1500)
        .map(|seed| Message { xid: Xid(seed), body: sound(&mut generator(seed.into()), seed.into()) })
        .filter(|message| !masks_ports(message) && !is_experimenter_reply(message))
        .collect();
    let mut types: Vec<u8> = messages.iter().map(|message| message.body.msg_type()).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(types, (0..30).collect::<Vec<u8>>(), "of every type");
    let fields =
        ["openflow_v4.type", "openflow_v4.xid", "openflow_v4.length", "_ws.malformed", "_ws.expert.message"];
    let mut wrong = Vec::new();
    for (message, read) in messages.iter().zip(tshark(&messages, &fields)?) {
        let mut wire = BytesMut::new();
        message.encode(&mut wire)?;
        let [msg_type, xid, length, malformed, expert] = &read[..] else {
            return Err(format!("{read:?}").into());
        };
        // The first of each: an error carries a message's start.
        let first = |text: &str| text.split(',').next().unwrap_or_default().to_owned();
        let told = [first(msg_type), first(xid), first(length)];
        let meant = [message.body.msg_type().to_string(), message.xid.0.to_string(), wire.len().to_string()];
        let complains = expert.split(',').any(|note| !note.is_empty() && !notes.contains(&note));
        if told != meant || !malformed.is_empty() || complains {
            wrong.push(format!("{read:?}\n{message}\n{}\n", hex::encode(&wire)));
        }
    }
    match wrong.len() {
        0 => Ok(()),
        n => Err(format!("{n} differ:\n{}", wrong[..n.min(12)].join("\n")).into()),
    }
}

fn values() -> Result<(), Failed> {
    let cases: Vec<(Body, &[(&str, &str)])> = vec![
        (
            Body::FlowMod(
                FlowMod::add()
                    .with_cookie(0x1122_3344_5566_7788, 0)
                    .table(3)
                    .priority(1000)
                    .idle_timeout(60)
                    .hard_timeout(600)
                    .flags(FlowModFlags::SEND_FLOW_REM)
                    .matching(
                        Match::new()
                            .in_port(PortNo(7))
                            .eth_type(0x0800)
                            .ipv4_dst(openflow::Masked::prefix([10, 1, 0, 0].into(), 16)),
                    )
                    .apply([Action::PushVlan(0x8100), Action::output(PortNo(5))])
                    .goto_table(9),
            ),
            &[
                ("openflow_v4.flowmod.cookie", "0x1122334455667788"),
                ("openflow_v4.flowmod.table_id", "3"),
                ("openflow_v4.flowmod.priority", "1000"),
                ("openflow_v4.flowmod.idle_timeout", "60"),
                ("openflow_v4.flowmod.hard_timeout", "600"),
                ("openflow_v4.flowmod.flags.send_flow_rem", "1"),
                ("openflow_v4.flowmod.flags.reset_counts", "0"),
                ("openflow_v4.oxm.field", "0,5,12"),
                ("openflow_v4.oxm.value_ethertype", "0x0800"),
                ("openflow_v4.oxm.value_ipv4addr", "10.1.0.0"),
                ("openflow_v4.oxm.ipv4_mask", "255.255.0.0"),
                ("openflow_v4.action.push_vlan.ethertype", "0x8100"),
                ("openflow_v4.action.output.port", "5"),
                ("openflow_v4.instruction.goto_table.table_id", "9"),
            ],
        ),
        (
            Body::PacketIn(PacketIn {
                buffer: Some(BufferId(77)),
                total_len: 64,
                reason: PacketInReason::Action,
                table: TableId(4),
                cookie: 0xabc,
                match_: Match::new().in_port(PortNo(9)),
                data: packet(),
            }),
            &[
                ("openflow_v4.packet_in.buffer_id", "77"),
                ("openflow_v4.packet_in.total_len", "64"),
                ("openflow_v4.packet_in.reason", "1"),
                ("openflow_v4.packet_in.table_id", "4"),
                ("openflow_v4.packet_in.cookie", "0x0000000000000abc"),
                ("udp.dstport", "40001"),
            ],
        ),
        (
            Body::PacketOut(PacketOut::new(packet(), [Action::output(PortNo::FLOOD)]).in_port(PortNo(2))),
            &[
                ("openflow_v4.packet_out.in_port", "2"),
                ("openflow_v4.packet_out.acts_len", "16"),
                ("openflow_v4.action.output.port", "4294967291"),
                ("udp.srcport", "1000"),
            ],
        ),
        (
            Body::RoleRequest(Role { kind: RoleKind::Slave, generation_id: 0x0102_0304_0506_0708 }),
            &[
                ("openflow_v4.role_request.role", "0x00000003"),
                ("openflow_v4.role_request.generation_id", "0x0102030405060708"),
            ],
        ),
        (
            Body::GroupMod(GroupMod::modify(
                GroupKind::FastFailover,
                GroupId(11),
                [Bucket::new([Action::output(PortNo(3))]).watch_port(PortNo(3))],
            )),
            &[
                ("openflow_v4.groupmod.command", "1"),
                ("openflow_v4.groupmod.type", "3"),
                ("openflow_v4.groupmod.group_id", "11"),
                ("openflow_v4.bucket.watch_port", "3"),
            ],
        ),
        (
            Body::MeterMod(MeterMod {
                command: MeterModCommand::Add,
                flags: MeterFlags::KBPS,
                meter: MeterId(6),
                bands: vec![MeterBand::DscpRemark { rate: 1000, burst: 50, prec_level: 2 }],
            }),
            &[
                ("openflow_v4.metermod.flags.kbps", "1"),
                ("openflow_v4.metermod.meter_id", "6"),
                ("openflow_v4.meter_band.rate", "1000"),
                ("openflow_v4.meter_band.burst_size", "50"),
                ("openflow_v4.meter_band.dscp_remark.prec_level", "2"),
            ],
        ),
        (
            Body::PortMod(openflow::PortMod {
                port: PortNo(12),
                hw_addr: MacAddr([2, 0, 0, 0, 0, 9]),
                config: openflow::msg::port::PortConfig::PORT_DOWN,
                mask: openflow::msg::port::PortConfig::PORT_DOWN | openflow::msg::port::PortConfig::NO_FWD,
                advertise: openflow::msg::port::PortFeatures::RATE_10GB_FD,
            }),
            &[
                ("openflow_v4.portmod.port_no", "12"),
                ("openflow_v4.portmod.hw_addr", "02:00:00:00:00:09"),
                ("openflow_v4.portmod.config.port_down", "1"),
                ("openflow_v4.portmod.mask.no_fwd", "1"),
                ("openflow_v4.portmod.advertise.10gb_fd", "1"),
            ],
        ),
        (
            Body::MultipartRequest(MultipartRequest::MeterConfig(MeterId(8))),
            &[
                ("openflow_v4.multipart_request.type", "10"),
                ("openflow_v4.meter_config_request.meter_id", "8"),
            ],
        ),
    ];
    for (body, expected) in cases {
        let name = body.name();
        let (fields, values): (Vec<&str>, Vec<&str>) = expected.iter().copied().unzip();
        let read = tshark(&[Message { xid: Xid(1), body }], &fields)?;
        let told: Vec<_> = fields.iter().zip(&read[0]).collect();
        let meant: Vec<_> = fields.iter().zip(values).collect();
        if read[0] != meant.iter().map(|(_, value)| (*value).to_owned()).collect::<Vec<_>>() {
            return Err(format!("{name}\nread:  {told:?}\nmeant: {meant:?}").into());
        }
    }
    Ok(())
}
