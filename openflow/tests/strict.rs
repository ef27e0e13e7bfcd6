//! What a strict session lets pass and what it does not: [`Message::check`] on messages that are odd in one thing each.

#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use flowbed_openflow as openflow;
use openflow::action::{Action, Actions};
use openflow::error::*;
use openflow::extension::*;
use openflow::ids::*;
use openflow::instruction::{Instruction, Instructions};
use openflow::msg::config::{Fragments, SwitchConfig};
use openflow::msg::flow_mod::FlowModFlags;
use openflow::msg::flow_removed::{Age, FlowRemovedReason};
use openflow::msg::group_mod::{Bucket, GroupKind, GroupMod, GroupModCommand};
use openflow::msg::meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
use openflow::msg::packet_in::{PacketIn, PacketInReason};
use openflow::msg::port::{Port, PortConfig, PortFeatures, PortMod, PortStatus, PortStatusReason};
use openflow::msg::role::{Role, RoleKind};
use openflow::msg::table_mod::TableMod;
use openflow::multipart::table_features::{FeatureId, Of};
use openflow::multipart::*;
use openflow::nicira::{Conntrack, NxAction, Subfield};
use openflow::oxm::{FieldId, Masked, Match, OxmField, VlanVid};
use openflow::{Body, FlowMod, Message, PacketOut};

/// An odd message is read, written back as it came, and refused for what is odd about it.
fn refused(body: impl Into<Body>, refusal: impl Into<ErrorKind>) {
    let body = body.into();
    let mut wire = BytesMut::new();
    body.encode(Xid(1), &mut wire).unwrap();
    let wire = wire.freeze();
    let read = Message::decode(wire.clone()).unwrap_or_else(|e| panic!("{body:?}: {e}"));
    assert_eq!(read.body, body);
    let mut again = BytesMut::new();
    read.encode(&mut again).unwrap();
    assert_eq!(again, wire);
    match read.check() {
        Ok(()) => panic!("passes: {read}"),
        Err(error) => assert_eq!(error.to_error_kind(), refusal.into(), "{error}\n{read}"),
    }
}

fn passes(body: impl Into<Body>) {
    let message = Message { xid: Xid(1), body: body.into() };
    assert_eq!(message.check(), Ok(()), "{message}");
}

fn ip() -> Match {
    Match::new().eth_type(0x0800)
}

fn tcp() -> Match {
    ip().ip_proto(6)
}

fn unknown_action() -> Action {
    Action::Unknown { kind: 999, body: Bytes::from_static(&[0; 4]) }
}

fn flow(actions: impl Into<Actions>) -> FlowMod {
    FlowMod::add().apply(actions)
}

/// Actions that can stand nowhere, with the error of the switch.
fn odd_actions() -> Vec<(Action, BadAction)> {
    vec![
        (unknown_action(), BadAction::BadType),
        (Action::output(PortNo::ANY), BadAction::BadOutPort),
        (Action::output(PortNo(0)), BadAction::BadOutPort),
        (Action::output(PortNo(0xffff_ff01)), BadAction::BadOutPort),
        (Action::Group(GroupId::ANY), BadAction::BadOutGroup),
        (Action::Group(GroupId::ALL), BadAction::BadOutGroup),
        (Action::PushVlan(0x0800), BadAction::BadArgument),
        (Action::PushMpls(0x8100), BadAction::BadArgument),
        (Action::PushPbb(0x8100), BadAction::BadArgument),
        (Action::set(OxmField::InPort(PortNo(1))), BadAction::BadSetType),
        (Action::set(OxmField::Metadata(1.into())), BadAction::BadSetType),
        (Action::set(OxmField::CtState(1.into())), BadAction::BadSetType),
        (Action::set(OxmField::VlanVid(VlanVid::NONE.into())), BadAction::BadSetArgument),
        (Action::set(OxmField::MplsTc(9)), BadAction::BadSetArgument),
        (
            Action::set(OxmField::EthSrc("02:00:00:00:00:00/ff:00:00:00:00:00".parse().unwrap())),
            BadAction::BadSetArgument,
        ),
        (NxAction::Clone([unknown_action()].into()).into(), BadAction::BadType),
        (
            NxAction::Conntrack(Conntrack {
                commit: true,
                actions: [unknown_action()].into(),
                ..Conntrack::default()
            })
            .into(),
            BadAction::BadType,
        ),
    ]
}

/// Every place in which actions stand.
fn places(action: &Action) -> Vec<Body> {
    let actions: Actions = [action.clone()].into();
    let bucket = Bucket::new(actions.clone());
    let flow = FlowMod::add().matching(ip()).apply(actions.clone());
    let bundled = |body: Body| {
        let body = Box::new(body);
        Body::from(Extension::BundleAdd(BundleAdd { bundle: BundleId(1), flags: BundleFlags::ATOMIC, body }))
    };
    vec![
        flow.clone().into(),
        FlowMod::delete().matching(ip()).apply(actions.clone()).into(),
        FlowMod::modify().matching(ip()).write(actions.clone()).into(),
        GroupMod::add(GroupKind::All, GroupId(1), [bucket.clone()]).into(),
        PacketOut::new(Bytes::new(), actions).into(),
        bundled(flow.clone().into()),
        MultipartReply::last(MultipartBody::Flow(vec![stats(flow.clone())])).into(),
        MultipartReply::last(MultipartBody::GroupDesc(vec![GroupDesc {
            kind: GroupKind::All,
            group: GroupId(1),
            buckets: vec![Bucket::new([Action::output(PortNo(1))]), bucket],
        }]))
        .into(),
        MultipartReply::part(MultipartBody::FlowMonitor(vec![FlowUpdate::Full(Box::new(monitored(flow)))]))
            .into(),
    ]
}

fn stats(flow: FlowMod) -> FlowStats {
    FlowStats {
        table: flow.table,
        age: Age::default(),
        priority: flow.priority,
        idle_timeout: 0,
        hard_timeout: 0,
        flags: flow.flags,
        cookie: 0,
        packet_count: 0,
        byte_count: 0,
        match_: flow.match_,
        instructions: flow.instructions,
    }
}

fn monitored(flow: FlowMod) -> MonitoredFlow {
    MonitoredFlow {
        event: FlowUpdateEvent::Added,
        reason: FlowRemovedReason::IdleTimeout,
        priority: flow.priority,
        idle_timeout: 0,
        hard_timeout: 0,
        table: flow.table,
        cookie: 0,
        match_: flow.match_,
        instructions: flow.instructions,
    }
}

#[test]
fn actions_are_looked_at_wherever_they_stand() {
    for (action, refusal) in odd_actions() {
        places(&action).into_iter().for_each(|body| refused(body, refusal));
    }
    for fine in [
        Action::output(PortNo(1)),
        Action::output(PortNo::NORMAL),
        Action::controller(),
        Action::Group(GroupId(7)),
        Action::PushVlan(0x88a8),
        Action::set(OxmField::Ipv4Dst(Ipv4Addr::new(10, 0, 0, 1).into())),
        Action::Experimenter { experimenter: 77, body: Bytes::new() },
        NxAction::SetTunnel(7).into(),
        NxAction::SetField(OxmField::Metadata(Masked::new(1, 1))).into(),
    ] {
        places(&fine).into_iter().for_each(passes);
    }
    // Through the tables from the start is for packet-outs.
    let table = Action::output(PortNo::TABLE);
    passes(PacketOut::new(Bytes::new(), [table.clone()]));
    refused(flow([table.clone()]), BadAction::BadOutPort);
    refused(GroupMod::add(GroupKind::All, GroupId(1), [Bucket::new([table])]), BadAction::BadOutPort);
}

/// OF 1.3.5 §6.4: a set-field whose prerequisite the match has not, and the like.
#[test]
fn actions_fit_the_packets_that_the_match_lets_in() {
    let tcp_dst = || Action::set(OxmField::TcpDst(80.into()));
    let nw_dst = || Action::set(OxmField::Ipv4Dst(Ipv4Addr::new(10, 0, 0, 1).into()));
    let vid = || Action::set(OxmField::VlanVid(VlanVid::tagged(5).into()));
    let tagged = || Match::new().vlan_vid(VlanVid::ANY);
    let mpls = || Match::new().eth_type(0x8847);
    let load = |id| Action::from(NxAction::Load { to: Subfield::whole(id), value: 1 });
    let fit = [
        (tcp(), vec![tcp_dst()]),
        (ip(), vec![nw_dst(), Action::DecNwTtl]),
        (tagged(), vec![vid(), Action::PopVlan]),
        (Match::new(), vec![Action::PushVlan(0x8100), vid()]),
        (mpls(), vec![Action::PopMpls(0x0800), nw_dst()]),
        (ip(), vec![Action::PushMpls(0x8847), Action::SetMplsTtl(9)]),
        (tcp(), vec![load(FieldId::TcpDst), NxAction::FinTimeout { idle: 1, hard: 0 }.into()]),
        (ip(), vec![NxAction::Conntrack(Conntrack::default()).into(), NxAction::DecTtl(vec![1]).into()]),
    ];
    for (matched, actions) in fit {
        passes(FlowMod::add().matching(matched.clone()).apply(actions.clone()));
        passes(FlowMod::add().matching(matched).write(actions));
    }
    let unfit = [
        (ip(), vec![tcp_dst()]),
        (Match::new(), vec![nw_dst()]),
        (Match::new().eth_type(0x86dd), vec![nw_dst()]),
        (Match::new(), vec![vid()]),
        (tagged(), vec![Action::PopVlan, vid()]),
        (Match::new(), vec![Action::PopVlan]),
        (Match::new(), vec![Action::DecNwTtl]),
        (tcp(), vec![Action::PushMpls(0x8847), tcp_dst()]),
        (ip(), vec![Action::PopMpls(0x0800)]),
        (ip(), vec![Action::SetMplsTtl(9)]),
        (ip(), vec![load(FieldId::TcpDst)]),
        (ip(), vec![NxAction::FinTimeout { idle: 1, hard: 0 }.into()]),
        (Match::new(), vec![NxAction::Conntrack(Conntrack::default()).into()]),
        (Match::new(), vec![NxAction::Clone([nw_dst()].into()).into()]),
        (tcp().with(OxmField::IpFrag(Masked::new(2, 2))), vec![tcp_dst()]),
    ];
    for (matched, actions) in unfit {
        let flow = FlowMod::add().matching(matched).apply(actions);
        refused(flow.clone(), BadAction::MatchInconsistent);
        refused(
            MultipartReply::last(MultipartBody::Flow(vec![stats(flow.clone())])),
            BadAction::MatchInconsistent,
        );
        let update = FlowUpdate::Full(Box::new(monitored(flow)));
        refused(MultipartReply::last(MultipartBody::FlowMonitor(vec![update])), BadAction::MatchInconsistent);
    }
    // What is written comes behind what is applied.
    passes(FlowMod::add().apply([Action::PushVlan(0x8100)]).write([vid()]));
    let flow: FlowMod = FlowMod::add().matching(ip()).apply([tcp_dst()]);
    let error = Message { xid: Xid(1), body: flow.into() }.check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "action set_field:80->tcp_dst needs ip_proto=6; match that, or do before what makes the packets so"
    );
}

#[test]
fn instructions() {
    let odd = |body: &'static [u8]| Instruction::Unknown { kind: 9, body: Bytes::from_static(body) };
    let with = |table: u8, instructions: Vec<Instruction>| FlowMod {
        instructions: instructions.into(),
        ..FlowMod::add().table(table)
    };
    let goto = |table| Instruction::GotoTable(TableId(table));
    let cases: [(u8, Vec<Instruction>, ErrorKind); 8] = [
        (0, vec![odd(&[0; 4])], BadInstruction::UnknownInst.into()),
        (0, vec![goto(0)], BadInstruction::BadTableId.into()),
        (5, vec![goto(4)], BadInstruction::BadTableId.into()),
        (5, vec![goto(255)], BadInstruction::BadTableId.into()),
        (0, vec![Instruction::Meter(MeterId(0))], MeterModFailed::InvalidMeter.into()),
        (0, vec![Instruction::Meter(MeterId::ALL)], MeterModFailed::InvalidMeter.into()),
        (0, vec![goto(1), goto(2)], BadInstruction::UnsupInst.into()),
        (0, vec![Instruction::WriteActions([unknown_action()].into())], BadAction::BadType.into()),
    ];
    for (table, instructions, refusal) in cases {
        let flow = with(table, instructions);
        refused(flow.clone(), refusal);
        refused(MultipartReply::last(MultipartBody::Flow(vec![stats(flow)])), refusal);
    }
    passes(with(5, vec![goto(6)]));
    passes(with(0, vec![Instruction::Experimenter { experimenter: 7, body: Bytes::new() }]));
    // Where flows go on that are deleted from all tables does not matter.
    passes(FlowMod { instructions: Instructions::from(goto(3)), ..FlowMod::delete() });
}

#[test]
fn changes_of_flows_groups_and_meters() {
    refused(FlowMod { command: 9.into(), ..FlowMod::add() }, FlowModFailed::BadCommand);
    refused(FlowMod::add().flags(FlowModFlags::from_bits_retain(0x20)), FlowModFailed::BadFlags);
    for flow in [FlowMod::add(), FlowMod::modify(), FlowMod::modify_strict()] {
        refused(flow.table(TableId::ALL), FlowModFailed::BadTableId);
    }
    passes(FlowMod::delete());
    passes(FlowMod::delete_strict().table(TableId::ALL));
    refused(FlowMod::add().matching(Match::new().tcp_dst(80)), BadMatch::BadPrereq);
    let basic = |field| OxmField::Unknown {
        class: 0x8000,
        field,
        has_mask: false,
        bytes: [0u8; 2][..].try_into().unwrap(),
    };
    refused(FlowMod::add().matching(Match::new().with(basic(99))), BadMatch::BadField);

    let bucket = || Bucket::new([Action::output(PortNo(1))]);
    let group = |kind, group, buckets: Vec<Bucket>| GroupMod::add(kind, group, buckets);
    for (odd, refusal) in [
        (
            GroupMod { command: GroupModCommand::Unknown(9), ..group(GroupKind::All, GroupId(1), vec![]) },
            GroupModFailed::BadCommand,
        ),
        (group(GroupKind::Unknown(9), GroupId(1), vec![]), GroupModFailed::BadType),
        (group(GroupKind::All, GroupId::ALL, vec![]), GroupModFailed::InvalidGroup),
        (group(GroupKind::All, GroupId(0xffff_ff01), vec![]), GroupModFailed::InvalidGroup),
        (GroupMod::delete(GroupId::ANY), GroupModFailed::InvalidGroup),
        (group(GroupKind::Indirect, GroupId(1), vec![bucket(), bucket()]), GroupModFailed::InvalidGroup),
        (
            group(GroupKind::All, GroupId(1), vec![bucket().watch_port(PortNo::FLOOD)]),
            GroupModFailed::BadWatch,
        ),
        (
            group(GroupKind::All, GroupId(1), vec![bucket().watch_group(GroupId::ALL)]),
            GroupModFailed::BadWatch,
        ),
    ] {
        refused(odd, refusal);
    }
    passes(GroupMod::delete(GroupId::ALL));
    passes(group(GroupKind::FastFailover, GroupId::MAX, vec![bucket().watch_port(PortNo::LOCAL)]));

    let band = MeterBand::Drop { rate: 1, burst: 0 };
    let nameless = MeterBand::Unknown { kind: 9, body: Bytes::from_static(&[0; 12]) };
    let meter = |command, meter, flags, band: &MeterBand| MeterMod {
        command,
        flags,
        meter,
        bands: vec![band.clone()],
    };
    use MeterModCommand::{Add, Delete};
    for (odd, refusal) in [
        (meter(MeterModCommand::Unknown(9), MeterId(1), MeterFlags::KBPS, &band), MeterModFailed::BadCommand),
        (meter(Add, MeterId(0), MeterFlags::KBPS, &band), MeterModFailed::InvalidMeter),
        (meter(Add, MeterId::ALL, MeterFlags::KBPS, &band), MeterModFailed::InvalidMeter),
        (meter(Add, MeterId(1), MeterFlags::KBPS | MeterFlags::PKTPS, &band), MeterModFailed::BadFlags),
        (meter(Add, MeterId(1), MeterFlags::from_bits_retain(0x10), &band), MeterModFailed::BadFlags),
        (meter(Add, MeterId(1), MeterFlags::KBPS, &nameless), MeterModFailed::BadBand),
    ] {
        refused(odd, refusal);
    }
    passes(meter(Delete, MeterId::ALL, MeterFlags::empty(), &band));
    passes(meter(Add, MeterId::CONTROLLER, MeterFlags::PKTPS | MeterFlags::BURST, &band));
    let configured = |meter, flags, band: &MeterBand| {
        MultipartReply::last(MultipartBody::MeterConfig(vec![MeterConfig {
            flags,
            meter,
            bands: vec![band.clone()],
        }]))
    };
    refused(configured(MeterId(1), MeterFlags::KBPS, &nameless), MeterModFailed::BadBand);
    refused(configured(MeterId(1), MeterFlags::from_bits_retain(0x8000), &band), MeterModFailed::BadFlags);
    refused(configured(MeterId(0), MeterFlags::KBPS, &band), MeterModFailed::InvalidMeter);
    passes(configured(MeterId(1), MeterFlags::KBPS, &band));
}

#[test]
fn small_messages() {
    let error = |etype, code| {
        Body::Error(ErrorMsg { kind: ErrorKind::from_numbers(etype, code), data: Bytes::new() })
    };
    refused(Body::Unknown { msg_type: 77, payload: Bytes::new() }, BadRequest::BadType);
    refused(error(99, 0), BadRequest::BadType);
    refused(error(1, 99), BadRequest::BadType);
    passes(error(1, 1));
    let experimenter = ErrorKind::Experimenter { exp_type: 9, experimenter: 7 };
    passes(Body::Error(ErrorMsg { kind: experimenter, data: Bytes::new() }));
    let config =
        |fragments, reserved| Body::SetConfig(SwitchConfig { fragments, reserved, miss_send_len: 128 });
    refused(config(Fragments::Normal, 0x0400), SwitchConfigFailed::BadFlags);
    passes(config(Fragments::Drop, 0));
    let packet_in = |reason| PacketIn {
        buffer: None,
        total_len: 0,
        reason,
        table: TableId(0),
        cookie: 0,
        match_: Match::new().in_port(PortNo(1)),
        data: Bytes::new(),
    };
    refused(packet_in(PacketInReason::Unknown(9)), BadRequest::BadType);
    passes(packet_in(PacketInReason::Action));
    let port_status = |reason| PortStatus { reason, port: Port::default() };
    refused(port_status(PortStatusReason::Unknown(9)), BadRequest::BadType);
    passes(port_status(PortStatusReason::Add));
    let port_mod = |port, bits, features| PortMod {
        port,
        hw_addr: MacAddr::default(),
        config: PortConfig::empty(),
        mask: PortConfig::from_bits_retain(bits),
        advertise: PortFeatures::from_bits_retain(features),
    };
    refused(port_mod(PortNo::FLOOD, 0, 0), PortModFailed::BadPort);
    refused(port_mod(PortNo(1), 2, 0), PortModFailed::BadConfig);
    refused(port_mod(PortNo(1), 0, 1 << 16), PortModFailed::BadAdvertise);
    passes(port_mod(PortNo::LOCAL, 1, 1));
    refused(TableMod { table: TableId(0), config: 4 }, TableModFailed::BadConfig);
    passes(TableMod { table: TableId::ALL, config: 3 });
    let role = |kind| Body::RoleRequest(Role { kind, generation_id: 1 });
    refused(role(RoleKind::Unknown(9)), RoleRequestFailed::BadRole);
    passes(role(RoleKind::Master));
    refused(PacketOut::new(Bytes::new(), []).in_port(PortNo::FLOOD), BadRequest::BadPort);
    passes(PacketOut::new(Bytes::new(), []).in_port(PortNo(3)));
    let removed = FlowRemovedReason::Unknown(200);
    let stats = stats(FlowMod::add());
    let gone = openflow::FlowRemoved {
        cookie: 0,
        priority: 0,
        reason: removed,
        table: TableId(0),
        age: Age::default(),
        idle_timeout: 0,
        hard_timeout: 0,
        packet_count: 0,
        byte_count: 0,
        match_: stats.match_,
    };
    refused(gone.clone(), BadRequest::BadType);
    // What a flow monitor can say is too much for a flow-removed.
    let removed = openflow::FlowRemoved { reason: FlowRemovedReason::Unknown(256), ..gone };
    let error = Body::from(removed).encode(Xid(1), &mut BytesMut::new()).unwrap_err();
    assert!(matches!(error, EncodeError::Unsayable { .. }), "{error}");
}

#[test]
fn extensions() {
    refused(Extension::SetPacketInFormat(PacketInFormat::Unknown(9)), BadRequest::Eperm);
    passes(Extension::SetPacketInFormat(PacketInFormat::Nxt2));
    let bundle = |step, flags| Extension::BundleControl(BundleControl { bundle: BundleId(1), step, flags });
    let onf = |exp_type| ErrorKind::Experimenter { exp_type, experimenter: ONF };
    refused(bundle(BundleStep::Unknown(99), BundleFlags::ATOMIC), onf(2306));
    refused(bundle(BundleStep::OpenRequest, BundleFlags::from_bits_retain(4)), onf(2307));
    passes(bundle(BundleStep::OpenRequest, BundleFlags::ATOMIC));
    let odd = PacketIn2 {
        reason: Some(PacketInReason::Unknown(9)),
        packet: Bytes::from_static(b"packet"),
        ..PacketIn2::default()
    };
    refused(Extension::PacketIn2(odd), BadRequest::BadType);
    let monitor = |flags| {
        MultipartRequest::FlowMonitor(vec![FlowMonitorRequest {
            id: MonitorId(1),
            flags,
            out_port: PortNo::ANY,
            table: TableId::ALL,
            match_: Match::new(),
        }])
    };
    refused(monitor(MonitorFlags::from_bits_retain(0x42)), BadRequest::BadMultipart);
    passes(monitor(MonitorFlags::ADD));
    let update = MonitoredFlow { event: FlowUpdateEvent::Unknown(9), ..monitored(FlowMod::add()) };
    let update = FlowUpdate::Full(Box::new(update));
    refused(MultipartReply::last(MultipartBody::FlowMonitor(vec![update])), BadRequest::BadMultipart);
}

/// Flags that a kind has not are kept beside it, and shown as Open vSwitch shows them.
#[test]
fn multiparts() {
    let text = |body: &Body| Message { xid: Xid(1), body: body.clone() }.to_string();
    let json = |body: Body| {
        let message = Message { xid: Xid(1), body };
        serde_json::to_value(openflow::json::Json(&message)).unwrap()["flags"].clone()
    };
    let flagged =
        |flags, request| Body::from(MultipartRequest::Flagged { flags, request: Box::new(request) });
    let odd = flagged(0x8003, MultipartRequest::Desc);
    refused(odd.clone(), BadRequest::BadMultipart);
    assert_eq!(text(&odd), "OFPST_DESC request (OF1.3) (xid=0x1): flags=[more][***unknown flags 0x8002***]");
    assert_eq!(json(odd), serde_json::json!(["more", 0x8002]));
    let more = MultipartRequest::TableFeatures { more: true, tables: vec![] };
    refused(flagged(2, more.clone()), BadRequest::BadMultipart);
    passes(more);
    let reply = |reserved| {
        Body::from(MultipartReply { reserved, ..MultipartReply::part(MultipartBody::PortDesc(vec![])) })
    };
    refused(reply(0x8002), BadRequest::BadMultipart);
    assert_eq!(
        text(&reply(2)),
        "OFPST_PORT_DESC reply (OF1.3) (xid=0x1): flags=[more][***unknown flags 0x0002***]"
    );
    assert_eq!(json(reply(2)), serde_json::json!(["more", 2]));
    passes(reply(0));

    let unknown = MultipartRequest::Unknown { kind: 99, flags: 0, body: Bytes::new() };
    refused(unknown, BadRequest::BadMultipart);
    refused(
        MultipartReply::last(MultipartBody::Unknown { kind: 99, parts: vec![Bytes::new()] }),
        BadRequest::BadMultipart,
    );
    let flows = |flow| MultipartReply::last(MultipartBody::Flow(vec![flow]));
    let fine = stats(FlowMod::add());
    refused(flows(FlowStats { table: TableId::ALL, ..fine.clone() }), BadRequest::BadTableId);
    refused(
        flows(FlowStats { flags: FlowModFlags::from_bits_retain(0x8000), ..fine.clone() }),
        FlowModFailed::BadFlags,
    );
    refused(flows(FlowStats { match_: Match::new().tcp_dst(1), ..fine.clone() }), BadMatch::BadPrereq);
    passes(flows(fine));
    let group = |kind, group| {
        MultipartReply::last(MultipartBody::GroupDesc(vec![GroupDesc { kind, group, buckets: vec![] }]))
    };
    refused(group(GroupKind::Unknown(9), GroupId(1)), GroupModFailed::BadType);
    refused(group(GroupKind::All, GroupId::ALL), GroupModFailed::InvalidGroup);
    passes(group(GroupKind::All, GroupId(0)));
    let table = |property: TableProperty| MultipartRequest::TableFeatures {
        more: false,
        tables: vec![TableFeatures { properties: vec![property], ..TableFeatures::default() }],
    };
    for (odd, refusal) in [
        (TableProperty::Unknown { kind: 77, body: Bytes::new() }, TableFeaturesFailed::BadType),
        (TableProperty::Instructions(Of::Hit, vec![FeatureId::new(9)]), TableFeaturesFailed::BadArgument),
        (TableProperty::Instructions(Of::Hit, vec![FeatureId::new(0)]), TableFeaturesFailed::BadArgument),
        (TableProperty::WriteActions(Of::Hit, vec![FeatureId::new(28)]), TableFeaturesFailed::BadArgument),
    ] {
        refused(table(odd), refusal);
    }
    refused(table(TableProperty::NextTables(Of::Hit, vec![TableId::ALL])), BadRequest::BadTableId);
    passes(table(TableProperty::ApplyActions(Of::Miss, vec![FeatureId::new(25), FeatureId::new(0xffff)])));
}

/// Flags of a configuration that have no names are kept beside the others. Open vSwitch keeps silent about them.
#[test]
fn flags_of_a_configuration_are_kept() {
    let wire = Bytes::from_static(&[4, 8, 0, 12, 0, 0, 0, 1, 0x04, 0x01, 0, 0x80]);
    let message = Message::decode(wire.clone()).unwrap();
    let config = SwitchConfig { fragments: Fragments::Drop, reserved: 0x0400, miss_send_len: 128 };
    assert_eq!(message.body, Body::GetConfigReply(config));
    let mut again = BytesMut::new();
    message.encode(&mut again).unwrap();
    assert_eq!(again, wire);
    let text = "OFPT_GET_CONFIG_REPLY (OF1.3) (xid=0x1): frags=drop miss_send_len=128 flags=0x0400";
    assert_eq!(message.to_string(), text);
}

/// What would be read as something else is not written.
#[test]
fn flags_are_written_as_they_are_or_not_at_all() {
    for (fragments, reserved) in [(Fragments::Unknown(4), 0), (Fragments::Normal, 1)] {
        let body = Body::SetConfig(SwitchConfig { fragments, reserved, miss_send_len: 0 });
        let error = body.encode(Xid(1), &mut BytesMut::new()).unwrap_err();
        assert!(matches!(error, EncodeError::Unsayable { .. }), "{error}");
    }
    let more = MultipartRequest::TableFeatures { more: true, tables: vec![] };
    let once = MultipartRequest::Flagged { flags: 2, request: Box::new(MultipartRequest::Desc) };
    for (flags, request) in [(0, MultipartRequest::Desc), (1, more), (4, once)] {
        let body = Body::from(MultipartRequest::Flagged { flags, request: Box::new(request) });
        let error = body.encode(Xid(1), &mut BytesMut::new()).unwrap_err();
        assert!(matches!(error, EncodeError::Unsayable { .. }), "{error}");
    }
    let reply = MultipartReply { reserved: 1, ..MultipartReply::last(MultipartBody::PortDesc(vec![])) };
    let error = Body::from(reply).encode(Xid(1), &mut BytesMut::new()).unwrap_err();
    assert!(matches!(error, EncodeError::Unsayable { .. }), "{error}");
}
