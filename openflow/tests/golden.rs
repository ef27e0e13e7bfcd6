//! Messages that other implementations made: read and written back. `golden/README.md`
//! tells how each was got.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::{Bytes, BytesMut};
use flowbed_openflow as openflow;
use openflow::action::{Action, WHOLE_PACKET};
use openflow::error::{BadAction, BadRequest, DecodeError, ErrorKind};
use openflow::extension::*;
use openflow::ids::*;
use openflow::msg::config::Fragments;
use openflow::msg::features::Capabilities;
use openflow::msg::flow_mod::{FlowMod, FlowModCommand, FlowModFlags};
use openflow::msg::flow_removed::{Age, FlowRemovedReason};
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod};
use openflow::msg::hello::Hello;
use openflow::msg::meter_mod::{MeterBand, MeterFlags};
use openflow::msg::packet_in::PacketInReason;
use openflow::msg::packet_out::PacketOut;
use openflow::msg::port::{PortConfig, PortFeatures, PortMod, PortStatusReason};
use openflow::msg::role::{Role, RoleKind};
use openflow::multipart::table_features::Of;
use openflow::multipart::*;
use openflow::nicira::NxAction;
use openflow::oxm::{FieldId, Isid, Masked, Match, OxmField, VlanVid};
use openflow::{Body, Message};

const OS_KEN: &str = include_str!("golden/os_ken.hex");
const OVS: &str = include_str!("golden/ovs.hex");
const OVS_EXTENSIONS: &str = include_str!("golden/ovs_extensions.hex");

fn all() -> impl Iterator<Item = (&'static str, Bytes)> {
    lines(OS_KEN).chain(lines(OVS)).chain(lines(OVS_EXTENSIONS))
}

fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, Bytes)> {
    file.lines().map(|line| {
        let (name, hex) = line.split_once(' ').expect("a name and hex");
        (name, hex::decode(hex).expect(name).into())
    })
}

/// The last of this name: where both files have one, the live switch's.
fn golden(name: &str) -> Bytes {
    let found = all().filter(|(it, _)| *it == name).last();
    found.unwrap_or_else(|| panic!("no golden message {name}")).1
}

fn read(name: &str) -> Body {
    Message::decode(golden(name)).unwrap_or_else(|e| panic!("{name}: {e}")).body
}

fn write(body: &Body, xid: Xid) -> Bytes {
    let mut out = BytesMut::new();
    body.encode(xid, &mut out).unwrap();
    out.freeze()
}

#[test]
fn every_message_is_written_back_byte_for_byte() {
    let mut count = 0;
    for (name, bytes) in all() {
        let message = Message::decode(bytes.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(hex::encode(write(&message.body, message.xid)), hex::encode(&bytes), "{name}");
        count += 1;
    }
    assert!(count > 100, "only {count} golden messages");
}

/// What live switches and their tools say passes strictly; os-ken encodes what is not sound as well.
#[test]
fn messages_of_open_vswitch_pass_strictly() {
    for (name, bytes) in lines(OVS).chain(lines(OVS_EXTENSIONS)) {
        let message = Message::decode(bytes).unwrap();
        message.check().unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn no_message_is_read_from_a_cut_frame() {
    for (name, bytes) in all() {
        for end in 0..bytes.len() {
            assert!(Message::decode(bytes.slice(..end)).is_err(), "{name} cut to {end}");
        }
    }
}

/// Both ways: what we build is what os-ken wrote, and what os-ken wrote reads as what we build.
fn same(name: &str, body: impl Into<Body>) {
    let body = body.into();
    assert_eq!(read(name), body, "{name}");
    let xid = Message::decode(golden(name)).unwrap().xid;
    assert_eq!(hex::encode(write(&body, xid)), hex::encode(golden(name)), "{name}");
}

fn frame() -> Bytes {
    (0..64).collect()
}

#[test]
fn small_messages() {
    assert_eq!(read("hello"), Body::Hello(Hello::new([4])));
    let Body::Error(error) = read("error") else { panic!() };
    assert_eq!(error.kind, ErrorKind::BadAction(BadAction::BadOutPort));
    assert_eq!((error.kind.to_string(), error.data), ("OFPBAC_BAD_OUT_PORT".into(), frame()));
    let Body::Error(error) = read("error_experimenter") else { panic!() };
    assert_eq!(error.kind, ErrorKind::Experimenter { exp_type: 7, experimenter: 0x4f4e_4600 });
    assert_eq!(&error.data[..], b"why");
    same("echo_request", Body::EchoRequest(Bytes::from_static(b"ping")));
    same("echo_reply", Body::EchoReply(Bytes::from_static(b"pong")));
    let Body::Experimenter(experimenter) = read("experimenter") else { panic!() };
    assert_eq!((experimenter.experimenter, experimenter.exp_type), (0x2320, 10));
    same("features_request", Body::FeaturesRequest);
    same("get_config_request", Body::GetConfigRequest);
    same("barrier_request", Body::BarrierRequest);
    same("get_async_request", Body::GetAsyncRequest);
    same("queue_get_config_request", Body::QueueGetConfigRequest(PortNo::ANY));
    let Body::SetConfig(config) = read("set_config") else { panic!() };
    assert_eq!((config.fragments, config.miss_send_len), (Fragments::Drop, 128));
    same("packet_out", PacketOut::new(frame(), [Action::output(PortNo::FLOOD)]));
    same(
        "port_mod",
        PortMod {
            port: PortNo(3),
            hw_addr: MacAddr([2, 0, 0, 0, 0, 9]),
            config: PortConfig::PORT_DOWN,
            mask: PortConfig::PORT_DOWN | PortConfig::NO_FWD,
            advertise: PortFeatures::RATE_10GB_FD,
        },
    );
    same(
        "role_request",
        Body::RoleRequest(Role { kind: RoleKind::Master, generation_id: 0x1122_3344_5566_7788 }),
    );
    let Body::SetAsync(config) = read("set_async") else { panic!() };
    assert_eq!((config.packet_in.master, config.port_status.slave), (1, 4));
    let Body::TableMod(table_mod) = read("table_mod") else { panic!() };
    assert_eq!((table_mod.table, table_mod.config), (TableId::ALL, 3));
}

#[test]
fn each_field() {
    let v4 = |a, b, c, d| Ipv4Addr::new(a, b, c, d);
    let v6 = |text: &str| text.parse::<Ipv6Addr>().unwrap();
    let mac = |text: &str| text.parse::<MacAddr>().unwrap();
    let fields = [
        OxmField::InPort(PortNo(7)),
        OxmField::InPhyPort(PortNo(8)),
        OxmField::Metadata(Masked::new(0x1234, 0xffff)),
        OxmField::EthDst(mac("01:02:03:04:05:06").into()),
        OxmField::EthSrc("0a:00:00:00:00:00/ff:00:00:00:00:00".parse().unwrap()),
        OxmField::EthType(0x0800),
        OxmField::VlanVid(VlanVid::tagged(100).into()),
        OxmField::VlanPcp(5),
        OxmField::IpDscp(46),
        OxmField::IpEcn(2),
        OxmField::IpProto(6),
        OxmField::Ipv4Src(Masked::prefix(v4(10, 0, 0, 0), 8)),
        OxmField::Ipv4Dst(v4(192, 168, 1, 2).into()),
        OxmField::TcpSrc(1000.into()),
        OxmField::TcpDst(80.into()),
        OxmField::UdpSrc(1001.into()),
        OxmField::UdpDst(53.into()),
        OxmField::SctpSrc(1002.into()),
        OxmField::SctpDst(1003.into()),
        OxmField::Icmpv4Type(8),
        OxmField::Icmpv4Code(1),
        OxmField::ArpOp(2),
        OxmField::ArpSpa(v4(10, 0, 0, 1).into()),
        OxmField::ArpTpa(Masked::prefix(v4(10, 0, 0, 0), 24)),
        OxmField::ArpSha(mac("02:00:00:00:00:01").into()),
        OxmField::ArpTha("02:00:00:00:00:00/ff:ff:ff:00:00:00".parse().unwrap()),
        OxmField::Ipv6Src("2001:db8::/32".parse().unwrap()),
        OxmField::Ipv6Dst(v6("2001:db8::1").into()),
        OxmField::Ipv6Flabel(Masked::new(0x12345, 0xfffff)),
        OxmField::Icmpv6Type(135),
        OxmField::Icmpv6Code(3),
        OxmField::Ipv6NdTarget(v6("fe80::1").into()),
        OxmField::Ipv6NdSll(mac("02:00:00:00:00:02").into()),
        OxmField::Ipv6NdTll(mac("02:00:00:00:00:03").into()),
        OxmField::MplsLabel(0x54321),
        OxmField::MplsTc(6),
        OxmField::MplsBos(1),
        OxmField::PbbIsid(Masked::new(Isid::new(0x123456), Isid::new(0xffff00))),
        OxmField::TunnelId(Masked::new(0x55, 0xff)),
        OxmField::Ipv6Exthdr(Masked::new(0x1, 0x1ff)),
    ];
    let names = OS_KEN.lines().filter_map(|line| Some(line.split_once(' ')?.0));
    let names: Vec<_> = names.filter(|name| name.starts_with("field_")).collect();
    assert_eq!(names.len(), FieldId::BASIC.len());
    for (name, field) in names.iter().zip(fields) {
        let Body::FlowMod(flow) = read(name) else { panic!("{name}") };
        // os-ken leaves the value outside the mask as it is given; PBB's is the only such here.
        let read: Vec<_> = flow.match_.normalized().fields().collect();
        assert_eq!(read, std::slice::from_ref(&field), "{name}");
        assert_eq!(Match::new().with(field.clone()), flow.match_.normalized(), "{name}");
        let (value, mask) = field.to_bits().unwrap();
        let again = OxmField::from_bits(
            field.id().unwrap(),
            value,
            Some(mask).filter(|_| flow.match_.as_bytes()[2] & 1 == 1),
        );
        assert_eq!(again.map(OxmField::normalized), Some(field.normalized()), "{name}");
    }
}

#[test]
fn flow_mods() {
    let Body::FlowMod(flow) = read("flow_mod_five_fields") else { panic!() };
    let ours = Match::new()
        .ipv4_dst(Ipv4Addr::new(192, 168, 1, 2))
        .eth_dst(MacAddr([1, 2, 3, 4, 5, 6]))
        .eth_type(0x0800)
        .in_port(PortNo(7))
        .vlan_vid(VlanVid::tagged(100));
    assert_eq!(flow.match_, ours, "the order of calls does not matter");
    assert_eq!(flow.match_.ingress(), Some(PortNo(7)));

    let Body::FlowMod(flow) = read("flow_mod_all_actions") else { panic!() };
    let v6: Ipv6Addr = "fe80::2".parse().unwrap();
    assert_eq!(
        flow.instructions.applied(),
        [
            Action::controller(),
            Action::CopyTtlOut,
            Action::CopyTtlIn,
            Action::SetMplsTtl(64),
            Action::DecMplsTtl,
            Action::PushVlan(0x8100),
            Action::PopVlan,
            Action::PushMpls(0x8847),
            Action::PopMpls(0x0800),
            Action::SetQueue(QueueId(9)),
            Action::Group(GroupId(11)),
            Action::SetNwTtl(63),
            Action::DecNwTtl,
            Action::set(OxmField::EthSrc(MacAddr([2, 0, 0, 0, 0, 4]).into())),
            Action::set(OxmField::Ipv6Dst(v6.into())),
            Action::set(OxmField::VlanVid(VlanVid::tagged(5).into())),
            Action::PushPbb(0x88e7),
            Action::PopPbb,
            NxAction::Resubmit { in_port: PortNo(2), table: None, original_direction: false }.into(),
        ]
    );
    let mut all = FlowMod::modify_strict()
        .with_cookie(1, 2)
        .table(3)
        .idle_timeout(4)
        .hard_timeout(5)
        .priority(6)
        .buffer(BufferId(7))
        .out_port(PortNo(8))
        .out_group(GroupId(9))
        .flags(FlowModFlags::SEND_FLOW_REM | FlowModFlags::CHECK_OVERLAP)
        .meter(12)
        .apply([Action::PopVlan])
        .clear()
        .write([Action::Group(GroupId(1))])
        .write_metadata(0x10, 0xff)
        .goto_table(13);
    assert_eq!(all.command, FlowModCommand::ModifyStrict);
    same("flow_mod_all_instructions", all.clone());
    all = all.goto_table(14);
    assert_eq!(all.instructions.len(), 6, "one instruction of each type");
}

#[test]
fn groups_and_meters() {
    let bucket = |port| Bucket::new([Action::output(PortNo(port))]).watch_port(PortNo(port));
    same("group_mod", GroupMod::modify(GroupKind::FastFailover, GroupId(5), [bucket(1), bucket(2)]));
    let Body::MeterMod(meter) = read("meter_mod") else { panic!() };
    assert_eq!(meter.flags, MeterFlags::KBPS | MeterFlags::BURST);
    assert_eq!(
        meter.bands,
        [
            MeterBand::Drop { rate: 1000, burst: 100 },
            MeterBand::DscpRemark { rate: 500, burst: 50, prec_level: 2 },
        ]
    );
}

#[test]
fn requests() {
    let all = FlowStatsRequest { cookie: 1, cookie_mask: 3, ..FlowStatsRequest::all() };
    let port1 = FlowStatsRequest { match_: Match::new().in_port(PortNo(1)), ..all.clone() };
    for (name, request) in [
        ("desc_request", MultipartRequest::Desc),
        ("flow_request", MultipartRequest::Flow(port1)),
        ("aggregate_request", MultipartRequest::Aggregate(all)),
        ("table_request", MultipartRequest::Table),
        ("port_stats_request", MultipartRequest::PortStats(PortNo::ANY)),
        ("group_request", MultipartRequest::Group(GroupId(5))),
        ("group_desc_request", MultipartRequest::GroupDesc),
        ("group_features_request", MultipartRequest::GroupFeatures),
        ("meter_request", MultipartRequest::Meter(MeterId(4))),
        ("meter_config_request", MultipartRequest::MeterConfig(MeterId::ALL)),
        ("meter_features_request", MultipartRequest::MeterFeatures),
        ("table_features_request", MultipartRequest::table_features()),
        ("port_desc_request", MultipartRequest::PortDesc),
        (
            "queue_request",
            MultipartRequest::Queue(QueueStatsRequest { port: PortNo(3), queue: QueueId::ALL }),
        ),
    ] {
        same(name, request);
    }
}

fn reply(name: &str) -> MultipartBody {
    match read(name) {
        Body::MultipartReply(MultipartReply { more: false, reserved: 0, body }) => body,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_live_switch_answers() {
    let Body::FeaturesReply(features) = read("features_reply") else { panic!() };
    assert_eq!(features.datapath_id, DatapathId(0xab));
    assert_eq!((features.n_tables, features.auxiliary_id), (254, 0));
    assert!(features.capabilities.contains(Capabilities::FLOW_STATS | Capabilities::PORT_STATS));
    let Body::Error(error) = read("error_bad_stat") else { panic!() };
    assert_eq!(error.kind, ErrorKind::BadRequest(BadRequest::BadExperimenter));
    let Body::Error(error) = read("error_bad_out_group") else { panic!() };
    assert_eq!(error.kind.to_string(), "OFPBAC_BAD_OUT_GROUP");
    assert_eq!(error.data[1], 14, "the flow-mod that failed");

    let MultipartBody::Desc(desc) = reply("desc_reply") else { panic!() };
    assert_eq!(
        (desc.manufacturer, desc.hardware),
        ("Nicira, Inc.".try_into().unwrap(), "Open vSwitch".try_into().unwrap())
    );
    let MultipartBody::PortDesc(ports) = reply("port_desc_reply") else { panic!() };
    let names: Vec<_> = ports.iter().map(|p| (p.number, p.name.to_string())).collect();
    assert_eq!(names, [(PortNo::LOCAL, "br0".into()), (PortNo(1), "p1".into()), (PortNo(2), "p2".into())]);
    let MultipartBody::PortStats(ports) = reply("port_stats_reply") else { panic!() };
    assert_eq!(ports.len(), 3);
    let MultipartBody::Table(tables) = reply("table_reply") else { panic!() };
    assert_eq!((tables.len(), tables[0].active_count, tables[1].active_count), (254, 5, 6));
    let MultipartBody::Aggregate(sum) = reply("aggregate_reply") else { panic!() };
    assert_eq!(sum.flow_count, 11);
    let MultipartBody::GroupDesc(groups) = reply("group_desc_reply") else { panic!() };
    assert_eq!(groups.len(), 2);
    let weights: Vec<_> = groups.iter().flat_map(|g| &g.buckets).map(|b| b.weight).collect();
    assert!(weights.contains(&10) && weights.contains(&20));
    let MultipartBody::Group(stats) = reply("group_reply") else { panic!() };
    assert!(stats.iter().all(|group| group.buckets.len() == 2));
    let MultipartBody::GroupFeatures(features) = reply("group_features_reply") else { panic!() };
    assert_eq!(features.kinds, 0b1111);
    let MultipartBody::MeterConfig(meters) = reply("meter_config_reply") else { panic!() };
    assert_eq!(meters[0].bands, [MeterBand::Drop { rate: 1000, burst: 100 }]);
    let MultipartBody::Meter(meters) = reply("meter_reply") else { panic!() };
    assert_eq!((meters[0].meter, meters[0].flow_count, meters[0].bands.len()), (MeterId(1), 1, 1));
    let MultipartBody::TableFeatures(tables) = reply("table_features_reply_first_table") else { panic!() };
    let next = tables[0].properties.iter().find_map(|p| match p {
        TableProperty::NextTables(Of::Hit, next) => Some(next),
        _ => None,
    });
    assert_eq!(next.unwrap().first(), Some(&TableId(tables[0].table.0 + 1)));

    let Body::PacketIn(packet) = read("packet_in") else { panic!() };
    assert_eq!(
        (packet.in_port(), packet.table, packet.reason),
        (Some(PortNo(1)), TableId(0), PacketInReason::NoMatch)
    );
    assert_eq!((packet.buffer, packet.cookie), (None, 0));
    assert_eq!((usize::from(packet.total_len), &packet.data[..6]), (packet.data.len(), &[0xff; 6][..]));
    let Body::FlowRemoved(removed) = read("flow_removed") else { panic!() };
    assert_eq!((removed.reason, removed.table, removed.priority), (FlowRemovedReason::Delete, TableId(1), 7));
    assert_eq!(removed.match_.to_string(), "arp,arp_tpa=10.0.0.1,arp_op=1");
    let Body::PortStatus(status) = read("port_status") else { panic!() };
    assert_eq!((status.reason, status.port.number), (PortStatusReason::Modify, PortNo(2)));
    assert!(!status.port.is_up());
}

#[test]
fn bundles() {
    let add = |name| match read(name) {
        Body::Extension(it) => match *it {
            Extension::BundleAdd(add) => add,
            other => panic!("{name}: {other:?}"),
        },
        other => panic!("{name}: {other:?}"),
    };
    let flow = add("bundle_flows_ofctl_1");
    assert_eq!((flow.bundle, flow.flags), (BundleId(0), BundleFlags::ATOMIC | BundleFlags::ORDERED));
    let web = Match::new().eth_type(0x0800).ip_proto(6).tcp_dst(80);
    let ours = FlowMod::add().table(3).priority(7).matching(web).apply([Action::output(PortNo(2))]);
    let Body::FlowMod(theirs) = *flow.body else { panic!() };
    assert_eq!((theirs.table, theirs.priority, theirs.instructions), (ours.table, 7, ours.instructions));
    assert!(matches!(*add("bundle_mixed_ofctl_1").body, Body::GroupMod(_)));
    assert!(matches!(*add("bundle_mixed_ofctl_3").body, Body::PacketOut(_)));
    let control = |name| match read(name) {
        Body::Extension(it) => match *it {
            Extension::BundleControl(it) => it.step,
            other => panic!("{name}: {other:?}"),
        },
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(control("bundle_flows_ofctl_0"), BundleStep::OpenRequest);
    assert_eq!(control("bundle_flows_switch_1"), BundleStep::CommitReply);
}

#[test]
fn flow_monitors() {
    let Body::MultipartRequest(MultipartRequest::FlowMonitor(asked)) = read("monitor_some_ofctl_0") else {
        panic!()
    };
    let flags = MonitorFlags::ADD | MonitorFlags::DELETE | MonitorFlags::MODIFY | MonitorFlags::ACTIONS;
    let ip = Match::new().eth_type(0x0800);
    let ours =
        FlowMonitorRequest { id: MonitorId(0), flags, out_port: PortNo(2), table: TableId(3), match_: ip };
    assert_eq!(asked, [ours]);
    let MultipartBody::FlowMonitor(told) = reply("monitor_all_switch_3") else { panic!() };
    let [FlowUpdate::Full(gone)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (gone.event, gone.removed_because()),
        (FlowUpdateEvent::Deleted, Some(FlowRemovedReason::Delete))
    );
    assert_eq!((gone.priority, gone.cookie, gone.table), (9, 0x77, TableId(2)));
    assert_eq!((gone.idle_timeout, gone.hard_timeout), (60, 600));
    assert_eq!(gone.match_.to_string(), "ip,nw_dst=10.1.0.0/16");
    let MultipartBody::FlowMonitor(none) = reply("monitor_some_switch_0") else { panic!() };
    assert_eq!(none, []);

    // A reason is told where a flow went, whatever its number, and nowhere else.
    let mut wire = golden("monitor_all_switch_3").to_vec();
    const EVENT: usize = 8 + 8 + 8 + 2;
    const REASON: usize = EVENT + 2;
    wire[REASON..][..2].copy_from_slice(&300u16.to_be_bytes());
    let told = |wire: &[u8]| {
        let message = Message::decode(wire.to_vec().into()).unwrap();
        assert_eq!(write(&message.body, message.xid), wire);
        let json = serde_json::to_value(openflow::json::Json(&message)).unwrap();
        (json["body"][0]["reason"].clone(), message.to_string().contains(" reason=300 "))
    };
    assert_eq!(told(&wire), (300.into(), true));
    wire[EVENT + 1] = 0;
    assert_eq!(told(&wire), (serde_json::Value::Null, false));
}

#[test]
fn packet_ins_of_the_second_format() {
    let packet = |name| match read(name) {
        Body::Extension(it) => match *it {
            Extension::PacketIn2(it) => it,
            other => panic!("{name}: {other:?}"),
        },
        other => panic!("{name}: {other:?}"),
    };
    let paused = packet("packet_in2_switch_0");
    assert_eq!((paused.in_port(), paused.cookie), (Some(PortNo(1)), Some(0x1234)));
    assert_eq!(paused.reason, Some(PacketInReason::NoMatch));
    assert_eq!(paused.userdata.as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!(paused.metadata.unwrap().get(FieldId::Reg3), Some(OxmField::Reg3(7.into())));
    assert!(paused.continuation.is_some());
    assert_eq!(paused.packet[..6], [0xff; 6]);
    let plain = packet("packet_in2_switch_1");
    assert_eq!((plain.in_port(), plain.continuation, plain.userdata), (Some(PortNo(2)), None, None));
    same("packet_in2_ofctl_0", Body::from(Extension::SetPacketInFormat(PacketInFormat::Nxt2)));
}

/// The order of properties, what fills them up and types that nobody knows lose nothing of the rest.
#[test]
fn properties_of_a_packet_in_of_the_second_format_come_as_they_like() {
    const TABLE_ID: u8 = 3;
    let whole = golden("packet_in2_switch_1");
    let mut properties: Vec<Vec<u8>> = Vec::new();
    let mut rest = &whole[16..];
    while let [_, _, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (property, more) = rest.split_at(length.next_multiple_of(8));
        properties.push(property.to_vec());
        rest = more;
    }
    let told = |properties: &[Vec<u8>]| {
        let mut wire = [&whole[..16], &properties.concat()].concat();
        wire[3] = wire.len() as u8;
        Message::decode(wire.into()).map(|message| match message.body {
            Body::Extension(it) => *it,
            other => panic!("{other:?}"),
        })
    };
    let Ok(Extension::PacketIn2(plain)) = told(&properties) else { panic!() };
    properties.reverse();
    let table = properties.iter_mut().find(|it| it[1] == TABLE_ID).unwrap();
    table[7] = 1;
    properties.push(vec![0x12, 0x34, 0, 6, 0xab, 0xcd, 0, 0]);
    let unknown = vec![PacketInProperty { kind: 0x1234, body: Bytes::from_static(&[0xab, 0xcd]) }];
    assert_eq!(told(&properties), Ok(Extension::PacketIn2(PacketIn2 { unknown, ..plain })));
    const PACKET: u8 = 0;
    let with = |property: [u8; 8]| told(&[&properties[..], &[property.to_vec()]].concat());
    // No buffer, as the wire says it; the length of the whole packet, which is at least that of the part.
    let Ok(Extension::PacketIn2(it)) = with([0, 2, 0, 8, 0xff, 0xff, 0xff, 0xff]) else { panic!() };
    assert_eq!(it.buffer, None);
    let length = it.packet.len() as u8;
    assert!(with([0, 1, 0, 8, 0, 0, 0, length]).is_ok());
    let refusal = |read: Result<Extension, DecodeError>| read.map_err(|error| error.to_error_kind());
    let bad_len = Err(ErrorKind::BadRequest(BadRequest::BadLen));
    assert_eq!(refusal(with([0, 1, 0, 8, 0, 0, 0, length - 1])), bad_len);
    let without: Vec<_> = properties.iter().filter(|it| it[1] != PACKET).cloned().collect();
    assert_eq!(refusal(told(&without)), bad_len);
    let empty = vec![vec![0, PACKET, 0, 4, 0, 0, 0, 0]];
    assert_eq!(refusal(told(&[without, empty].concat())), bad_len);
    let table = properties.iter_mut().find(|it| it[1] == TABLE_ID).unwrap();
    table[3] = 4;
    assert!(matches!(told(&properties), Err(DecodeError::Truncated { .. })), "a table without its number");
}

/// What these types can't say stays as it came.
#[test]
fn extensions_that_are_not_ours_stay_bytes() {
    let open = golden("bundle_flows_ofctl_0");
    let add = golden("bundle_flows_ofctl_1");
    let with = |golden: &Bytes, at: usize, byte: u8| {
        let mut bytes = golden.to_vec();
        bytes[at] = byte;
        Bytes::from(bytes)
    };
    for (what, bytes) in [
        ("another type", with(&open, 15, 0)),
        ("another experimenter", with(&open, 11, 1)),
        ("a message of another version", with(&add, 24, 1)),
        ("a message of another transaction", with(&add, 31, 99)),
        ("a message that states less than there is", with(&add, 27, 8)),
        ("an experimenter's message", with(&add, 25, 4)),
    ] {
        let message = Message::decode(bytes.clone()).unwrap();
        assert!(matches!(message.body, Body::Experimenter(_)), "{what}: {message:?}");
        assert_eq!(write(&message.body, message.xid), bytes, "{what}");
    }
}

#[test]
fn ages_print_as_durations() {
    let print = |secs, nanos| Age { secs, nanos }.to_string();
    assert_eq!(print(3, 0), "3s");
    assert_eq!(print(3, 5_000_000), "3.005s");
    assert_eq!(print(3, 5), "3.000000005s");
    assert_eq!(WHOLE_PACKET, 65535);
}
