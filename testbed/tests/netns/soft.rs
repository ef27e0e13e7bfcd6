//! Soft switches under a controller that is a session of the test's own.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use flowbed_testbed::{ControllerTarget, Fabric, FailMode, LinkState, Options, SwitchKind, Testbed};
use openflow::msg::port::{PortState, PortStatus};
use openflow::session::{Config, Event, Reply, Session};
use openflow::{Body, FlowMod, Message};
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

    async fn port_status(&mut self) -> PortStatus {
        self.until(|event| match event {
            Event::Message(Message { body: Body::PortStatus(status), .. }) => Some(status),
            _ => None,
        })
        .await
    }
}

/// Two switches between two hosts that keep a tag on what passes between them: long segments whose
/// checksums are unfinished get through whole. A link that goes down is told to both its switches.
pub(crate) async fn tagged_segments_get_through_and_links_are_told() {
    let address = SocketAddr::from(([127, 0, 0, 1], 6653));
    let fabric = Fabric::create(Some(&format!("tagged-{}", std::process::id()))).await.unwrap();
    let listener = TcpListener::from_std(fabric.listen(address).unwrap()).unwrap();
    let options = Options {
        switch: SwitchKind::Soft,
        fail_mode: FailMode::Secure,
        controllers: vec![ControllerTarget::Fabric(address)],
        ..Options::default()
    };
    let starting = Testbed::start(fabric, "linear,2".parse().unwrap(), options);
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
