//! Soft switches under a controller that is a session of the test's own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use flowbed_testbed::{
    ControllerTarget, Fabric, FailMode, LinkState, Options, SwitchKind, Testbed, Topology,
};
use openflow::msg::port::{PortState, PortStatus, PortStatusReason};
use openflow::session::{Config, Event, Reply, Session};
use openflow::{Body, FlowMod, MacAddr, Message, MultipartBody, MultipartRequest, Port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Long enough for a loaded machine; no test waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The controller's end of a connection.
struct Peer {
    stream: TcpStream,
    session: Session,
    input: BytesMut,
}

impl Peer {
    /// The next event that `wanted` finds something in.
    async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let found = async {
            loop {
                while let Some(event) = self.session.next_event(Instant::now(), &mut self.input) {
                    if let Some(found) = wanted(event) {
                        return found;
                    }
                }
                let output = self.session.output().split();
                self.stream.write_all(&output).await.unwrap();
                assert_ne!(self.stream.read_buf(&mut self.input).await.unwrap(), 0, "it hung up");
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }

    async fn accept(listener: &TcpListener) -> Peer {
        let (stream, _) = tokio::time::timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let session = Session::new(Config::controller(), Instant::now());
        let mut peer = Peer { stream, session, input: BytesMut::new() };
        peer.until(|event| matches!(event, Event::Ready(_)).then_some(())).await;
        peer
    }

    /// Adds a flow; whether the switch takes it.
    async fn add(&mut self, flow: &str) -> bool {
        let flow: FlowMod = flow.parse().unwrap();
        let asked = self.session.modify(Instant::now(), &Body::FlowMod(flow)).unwrap();
        self.session.commit(Instant::now());
        self.until(|event| match event {
            Event::Answer { xid, result } if xid == asked => Some(result == Ok(Reply::Done)),
            _ => None,
        })
        .await
    }

    /// The switch's ports, as it describes them.
    async fn ports(&mut self) -> Vec<Port> {
        let request = Body::MultipartRequest(MultipartRequest::PortDesc);
        let asked = self.session.request(Instant::now(), &request).unwrap();
        self.until(|event| match event {
            Event::Answer { xid, result: Ok(Reply::Multipart(MultipartBody::PortDesc(ports))) }
                if xid == asked =>
            {
                Some(ports)
            }
            _ => None,
        })
        .await
    }

    /// Waits until the switch hangs up.
    async fn until_end(&mut self) {
        let end = async { while self.stream.read_buf(&mut self.input).await.is_ok_and(|count| count > 0) {} };
        tokio::time::timeout(PATIENCE, end).await.unwrap();
    }

    async fn port_status(&mut self) -> PortStatus {
        self.until(|event| match event {
            Event::Message(Message { body: Body::PortStatus(status), .. }) => Some(status),
            _ => None,
        })
        .await
    }
}

fn under(address: SocketAddr) -> Options {
    Options {
        switch: SwitchKind::Soft,
        fail_mode: FailMode::Secure,
        controllers: vec![ControllerTarget::Fabric(address)],
        ..Options::default()
    }
}

/// Two switches between two hosts that keep a tag on what passes between them: long segments whose
/// checksums are unfinished get through whole. A link that goes down is told to both its switches.
pub(crate) async fn tagged_segments_get_through_and_links_are_told() {
    let address = SocketAddr::from(([127, 0, 0, 1], 6653));
    let fabric = Fabric::create(Some(&format!("tagged-{}", std::process::id()))).await.unwrap();
    let listener = TcpListener::from_std(fabric.listen(address).unwrap()).unwrap();
    let starting = Testbed::start(fabric, "linear,2".parse().unwrap(), under(address));
    let accepting = async { [Peer::accept(&listener).await, Peer::accept(&listener).await] };
    let (testbed, mut peers) = tokio::join!(starting, accepting);
    let testbed = testbed.unwrap();
    testbed.wait_connected(PATIENCE).await.unwrap();
    for peer in &mut peers {
        for flow in [
            "in_port=1,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2",
            "in_port=2,dl_vlan=5,actions=pop_vlan,output:1",
        ] {
            assert!(peer.add(flow).await, "{flow}");
        }
        assert!(!peer.add("in_port=1,actions=group:9").await, "there is no such group");
    }
    crate::network::tcp(&testbed, 3_000_000).await;

    testbed.set_link(("s1", "s2"), LinkState::Down).await.unwrap();
    for state in [LinkState::Down, LinkState::Up] {
        for peer in &mut peers {
            let status = peer.port_status().await;
            assert_eq!(status.port.number.0, 2);
            assert_eq!(status.port.state.contains(PortState::LINK_DOWN), state == LinkState::Down);
        }
        testbed.set_link(("s1", "s2"), LinkState::Up).await.unwrap();
    }
    testbed.stop().await.unwrap();
}

/// The first soft switch of a network comes when it is up already. Its controller hears of ports that come and go, and
/// of none that only come up; a switch that starts again has its links as they are now.
pub(crate) async fn ports_are_told_and_switches_come_late() {
    let address = SocketAddr::from(([127, 0, 0, 1], 6653));
    let fabric = Fabric::create(Some(&format!("late-{}", std::process::id()))).await.unwrap();
    let listener = TcpListener::from_std(fabric.listen(address).unwrap()).unwrap();
    let topology = "hosts = [{ name = 'h1' }, { name = 'h2' }]\nlinks = [{ a = 'h1', b = 'h2' }]";
    let topology = Topology::from_toml(topology, "net.toml".as_ref()).unwrap();
    let testbed = Testbed::start(fabric, topology, under(address)).await.unwrap();
    let change = async |line: &str| testbed.change(&line.parse().unwrap()).await.unwrap();

    change("add switch s1").await;
    let mut peer = Peer::accept(&listener).await;
    testbed.wait_connected(PATIENCE).await.unwrap();
    change("add link h1 s1").await;
    change("add link s1 h2:7 delay=1ms").await;
    change("delete link h1 s1").await;
    for (reason, port, name) in [
        (PortStatusReason::Add, 1, "s1-eth1"),
        (PortStatusReason::Add, 2, "s1-eth2"),
        (PortStatusReason::Delete, 1, "s1-eth1"),
    ] {
        let status = peer.port_status().await;
        assert_eq!((status.reason, status.port.number.0), (reason, port), "{status:?}");
        assert_eq!(status.port.name.to_string(), name);
        assert_ne!(status.port.hw_addr, MacAddr::default());
        assert!(!status.port.state.contains(PortState::LINK_DOWN));
    }

    change("link s1 h2 down").await;
    assert_eq!(peer.port_status().await.reason, PortStatusReason::Modify);
    change("switch s1 stop").await;
    peer.until_end().await;
    change("switch s1 start").await;
    let mut peer = Peer::accept(&listener).await;
    let ports = peer.ports().await;
    assert_eq!(ports.iter().map(|port| port.number.0).collect::<Vec<_>>(), [2]);
    assert!(ports[0].state.contains(PortState::LINK_DOWN));
    change("delete switch s1").await;
    peer.until_end().await;
    testbed.wait_connected(PATIENCE).await.unwrap();
    testbed.stop().await.unwrap();
}
