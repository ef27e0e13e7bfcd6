//! Everything else that a controller asks (OF 1.3.5 §6.3, §7.3).

use bytes::{Bytes, BytesMut};

use super::*;
use crate::error::{
    BadRequest, MeterModFailed, PortModFailed, QueueOpFailed, RoleRequestFailed, SwitchConfigFailed,
    TableFeaturesFailed, TableModFailed,
};
use crate::ids::{MacAddr, MeterId, QueueId, TableId};
use crate::msg::config::{Fragments, SwitchConfig};
use crate::msg::experimenter::Experimenter;
use crate::msg::port::{PortConfig, PortFeatures, PortMod};
use crate::msg::role::{Role, RoleKind};
use crate::msg::table_mod::TableMod;
use crate::multipart::{QueueStatsRequest, TableFeatures};

#[test]
fn plain_questions_are_answered() {
    let mut it = bench();
    let reply = |it: &mut Bench, body: Body| it.tell(body).unwrap().replies.remove(0);
    let data = Bytes::from_static(b"there?");
    assert_eq!(reply(&mut it, Body::EchoRequest(data.clone())), Body::EchoReply(data));
    assert_eq!(reply(&mut it, Body::BarrierRequest), Body::BarrierReply);
    let Body::FeaturesReply(features) = reply(&mut it, Body::FeaturesRequest) else { panic!("features") };
    assert_eq!((features.datapath_id, features.n_tables), (it.switch.datapath_id(), 254));
    let config = SwitchConfig::new(Fragments::Normal, 77);
    it.tell(Body::SetConfig(config)).unwrap();
    assert_eq!(reply(&mut it, Body::GetConfigRequest), Body::GetConfigReply(config));
    let Body::GetAsyncReply(mut wants) = reply(&mut it, Body::GetAsyncRequest) else { panic!("async") };
    wants.packet_in.master = 0;
    it.tell(Body::SetAsync(wants)).unwrap();
    assert_eq!(reply(&mut it, Body::GetAsyncRequest), Body::GetAsyncReply(wants));
    it.add(&["actions=CONTROLLER"]);
    let told = it.receive(1, &plain()).packet_ins.remove(0);
    assert!(!it.controller.wants(&Effect::PacketIn(told)));
}

#[test]
fn every_multipart_kind_is_answered_in_kind() {
    let mut it = bench();
    it.add(&["in_port=1,actions=output:2"]);
    it.tell(Body::GroupMod(Parser::new().group("group_id=1,type=all,bucket=actions=output:4").unwrap()))
        .unwrap();
    it.tell(Body::MeterMod(Parser::new().meter("meter=1,kbps,bands=type=drop,rate=1").unwrap())).unwrap();
    it.receive(1, &plain());
    use MultipartRequest as R;
    let all = FlowStatsRequest::all();
    for request in [
        R::Desc,
        R::Flow(all.clone()),
        R::Aggregate(all),
        R::Table,
        R::PortStats(PortNo::ANY),
        R::Queue(QueueStatsRequest { port: PortNo::ANY, queue: QueueId::ALL }),
        R::Group(crate::GroupId::ALL),
        R::GroupDesc,
        R::GroupFeatures,
        R::Meter(MeterId::ALL),
        R::MeterConfig(MeterId(1)),
        R::MeterFeatures,
        R::table_features(),
        R::PortDesc,
    ] {
        let kind = request.kind();
        assert_eq!(it.ask(request).kind(), kind);
    }
    let MultipartBody::Aggregate(sum) = it.ask(R::Aggregate(FlowStatsRequest::table(0))) else { panic!() };
    assert_eq!((sum.flow_count, sum.packet_count, sum.byte_count), (1, 1, 46));
    let MultipartBody::Table(tables) = it.ask(R::Table) else { panic!() };
    assert_eq!((tables.len(), tables[0].active_count, tables[0].matched_count), (254, 1, 1));
    let MultipartBody::PortStats(ports) = it.ask(R::PortStats(PortNo(2))) else { panic!() };
    assert_eq!((ports.len(), ports[0].tx_packets, ports[0].tx_bytes), (1, 1, 46));
}

#[test]
fn long_answers_come_in_parts_that_fit() {
    let mut it = bench();
    for n in 0..1000u64 {
        let mut wanted = flow("actions=output:2,output:3,output:4");
        wanted.match_ = wanted.match_.metadata(n);
        it.tell(wanted).unwrap();
    }
    for (request, expected) in
        [(MultipartRequest::Flow(FlowStatsRequest::all()), 1000), (MultipartRequest::table_features(), 254)]
    {
        let replies = it.tell(request).unwrap().replies;
        assert!(replies.len() > 1);
        let mut entries = 0;
        for (n, body) in replies.iter().enumerate() {
            let mut wire = BytesMut::new();
            body.encode(Xid(1), &mut wire).unwrap();
            let again = Message::decode(wire.freeze()).unwrap().body;
            assert_eq!(again, *body);
            let Body::MultipartReply(reply) = body else { panic!("{body:?}") };
            assert_eq!(reply.more, n + 1 < replies.len());
            entries += match &reply.body {
                MultipartBody::Flow(flows) => flows.len(),
                MultipartBody::TableFeatures(tables) => tables.len(),
                other => panic!("{other:?}"),
            };
        }
        assert_eq!(entries, expected);
    }
}

#[test]
fn what_can_not_be_answered_is_refused_by_name() {
    let port_mod = |port: u32, mac: [u8; 6], mask: u32, advertise: PortFeatures| {
        Body::PortMod(PortMod {
            port: PortNo(port),
            hw_addr: MacAddr(mac),
            config: PortConfig::empty(),
            mask: PortConfig::from_bits_retain(mask),
            advertise,
        })
    };
    let multipart = Body::MultipartRequest;
    let experimenter = || Experimenter { experimenter: 1, exp_type: 1, data: Bytes::new() };
    let queue = |port: u32, queue: u32| {
        multipart(MultipartRequest::Queue(QueueStatsRequest { port: PortNo(port), queue: QueueId(queue) }))
    };
    let features = MultipartRequest::TableFeatures { more: false, tables: vec![TableFeatures::default()] };
    let unknown = MultipartRequest::Unknown { kind: 99, flags: 0, body: Bytes::new() };
    let reassemble = SwitchConfig::new(Fragments::Reassemble, 128);
    let cases: Vec<(Body, ErrorKind)> = vec![
        (port_mod(9, [0; 6], 1, PortFeatures::empty()), PortModFailed::BadPort.into()),
        (port_mod(1, [1; 6], 1, PortFeatures::empty()), PortModFailed::BadHwAddr.into()),
        (port_mod(1, [0; 6], 2, PortFeatures::empty()), PortModFailed::BadConfig.into()),
        (port_mod(1, [0; 6], 1, PortFeatures::COPPER), PortModFailed::BadAdvertise.into()),
        (Body::TableMod(TableMod { table: TableId(254), config: 0 }), TableModFailed::BadTable.into()),
        (Body::TableMod(TableMod { table: TableId(1), config: 8 }), TableModFailed::BadConfig.into()),
        (Body::SetConfig(reassemble), SwitchConfigFailed::BadFlags.into()),
        (Body::QueueGetConfigRequest(PortNo(9)), QueueOpFailed::BadPort.into()),
        (Body::Experimenter(experimenter()), BadRequest::BadExperimenter.into()),
        (Body::Unknown { msg_type: 99, payload: Bytes::new() }, BadRequest::BadType.into()),
        (Body::BarrierReply, BadRequest::BadType.into()),
        (multipart(unknown), BadRequest::BadMultipart.into()),
        (multipart(MultipartRequest::Experimenter(experimenter())), BadRequest::BadExperimenter.into()),
        (multipart(MultipartRequest::PortStats(PortNo(9))), BadRequest::BadPort.into()),
        (multipart(MultipartRequest::Meter(MeterId(9))), MeterModFailed::UnknownMeter.into()),
        (multipart(MultipartRequest::MeterConfig(MeterId(9))), MeterModFailed::UnknownMeter.into()),
        (multipart(MultipartRequest::Flow(FlowStatsRequest::table(254))), BadRequest::BadTableId.into()),
        (multipart(features), TableFeaturesFailed::Eperm.into()),
        (queue(9, u32::MAX), QueueOpFailed::BadPort.into()),
        (queue(1, 5), QueueOpFailed::BadQueue.into()),
    ];
    let mut it = bench();
    for (request, error) in cases {
        assert_eq!(it.tell(request.clone()).err(), Some(error), "{request:?}");
    }
}

#[test]
fn a_slave_changes_nothing() {
    let mut it = bench();
    let role = |kind, generation_id| Body::RoleRequest(Role { kind, generation_id });
    let out = it.tell(role(RoleKind::Master, 5)).unwrap();
    assert!(out.one_master);
    assert_eq!(out.replies, [Body::RoleReply(Role { kind: RoleKind::Master, generation_id: 5 })]);
    it.tell(role(RoleKind::Slave, 6)).unwrap();
    assert_eq!(it.tell(role(RoleKind::Master, 5)).err(), Some(RoleRequestFailed::Stale.into()));
    assert_eq!(it.tell(role(RoleKind::Unknown(9), 9)).err(), Some(RoleRequestFailed::BadRole.into()));
    let slave = Some(ErrorKind::from(BadRequest::IsSlave));
    assert_eq!(it.tell(flow("actions=output:2")).err(), slave);
    assert_eq!(it.tell(Body::SetConfig(SwitchConfig::new(Fragments::Drop, 0))).err(), slave);
    assert!(it.tell(MultipartRequest::PortDesc).is_ok());
    // Numbers wrap around.
    it.tell(role(RoleKind::Equal, 0)).unwrap();
    it.tell(role(RoleKind::Master, i64::MAX as u64)).unwrap();
    it.tell(role(RoleKind::Master, u64::MAX - 1)).unwrap();
    it.tell(role(RoleKind::Master, 1)).unwrap();
    assert!(it.tell(flow("actions=output:2")).is_ok());
}

#[test]
fn ports_come_change_and_go() {
    use crate::msg::port::PortStatusReason::{Add, Delete, Modify};
    let mut it = bench();
    let mut out = Out::default();
    let port = Port { number: PortNo(9), curr_speed: 10, ..Port::default() };
    it.switch.set_port(port.clone(), it.now, &mut out);
    it.switch.set_port(port.clone(), it.now, &mut out);
    it.switch.set_port(Port { curr_speed: 100, ..port }, it.now, &mut out);
    assert_eq!(it.switch.ports().count(), 5);
    it.switch.remove_port(PortNo(9), &mut out);
    it.switch.remove_port(PortNo(9), &mut out);
    let told: Vec<_> = out.port_status.iter().map(|status| status.reason).collect();
    assert_eq!(told, [Add, Modify, Delete]);
    assert!(it.controller.wants(&Effect::PortStatus(out.port_status.remove(0))));
    assert!(it.switch.port(PortNo(9)).is_none());
}
