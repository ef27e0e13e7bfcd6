//! Each way in which a switch and the controller come together.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use flowbed_controller::{Controller, Discovery, Switch, Tls, apps};
use libtest_mimic::Failed;
use openflow::{DatapathId, FlowStatsRequest};
use tokio::net::{TcpListener, UnixListener};

use super::certificates::{Authority, Identity};
use super::open_vswitch::OpenVSwitch;

const DPID: DatapathId = DatapathId(0xab);
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::runtime::Runtime::new()?.block_on(test);
    Ok(())
}

fn controller() -> Controller {
    let hub = apps::by_name("hub").expect("it ships");
    Controller::builder().app(hub).discovery(Discovery::Off).start_without_listener()
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.local_addr().expect("bound").port()
}

pub async fn ready(controller: &Controller, ovs: &OpenVSwitch) -> Switch {
    if let Err(error) = controller.wait_ready(&[DPID], PATIENCE).await {
        panic!("{error}\n{}", ovs.log());
    }
    controller.switch(DPID).expect("connected")
}

/// The hub's flow is there: messages go both ways.
async fn talks(controller: &Controller, ovs: &OpenVSwitch) -> Switch {
    let switch = ready(controller, ovs).await;
    let flows = switch.flow_stats(FlowStatsRequest::all()).await.expect("an answer");
    assert_eq!(flows.len(), 1, "{flows:?}");
    assert!(switch.desc().await.expect("an answer").software.to_string().starts_with("3."));
    switch
}

struct Ends {
    ca: Authority,
    controller: Identity,
    switch: Identity,
}

fn ends(folder: &Path) -> Ends {
    let ca = Authority::new(folder, "ca");
    Ends { controller: ca.sign(folder, "controller"), switch: ca.sign(folder, "switch"), ca }
}

fn tls_of(own: &Identity, ca: &Authority) -> Tls {
    Tls::from_files(&own.key, &own.certificate, &ca.certificate).expect("sound files")
}

async fn listen_tls(controller: &Controller, tls: Tls) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
    let address = listener.local_addr().expect("bound");
    controller.listen_tls(listener, tls);
    address
}

pub fn tls() -> Result<(), Failed> {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let Ends { ca, controller: own, switch } = ends(folder.path());
        let controller = controller();
        let address = listen_tls(&controller, tls_of(&own, &ca)).await;
        let ovs = OpenVSwitch::start(folder.path());
        ovs.use_tls(&switch, &ca.certificate);
        ovs.add_bridge(&format!("ssl:{address}"));
        let switch = talks(&controller, &ovs).await;
        assert!(switch.peer().starts_with("ssl:127.0.0.1:"), "{}", switch.peer());
        controller.shutdown().await;
    })
}

pub fn stranger() -> Result<(), Failed> {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let Ends { ca, controller: own, .. } = ends(folder.path());
        let strangers = Authority::new(folder.path(), "strangers");
        let stranger = strangers.sign(folder.path(), "stranger");
        let controller = controller();
        let address = listen_tls(&controller, tls_of(&own, &ca)).await;
        let ovs = OpenVSwitch::start(folder.path());
        // The switch believes the controller; the controller does not believe the switch.
        ovs.use_tls(&stranger, &ca.certificate);
        ovs.add_bridge(&format!("ssl:{address}"));
        let refused = async {
            while !ovs.log().contains("alert") {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.expect("refused in time");
        assert!(controller.switch(DPID).is_none());
        controller.shutdown().await;
    })
}

pub fn connecting_out() -> Result<(), Failed> {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let controller = controller();
        let port = free_port();
        // The switch comes later than the first attempts.
        let target = format!("tcp:127.0.0.1:{port}").parse().expect("a target");
        controller.connect(target, None).expect("no TLS");
        let ovs = OpenVSwitch::start(folder.path());
        ovs.add_bridge(&format!("ptcp:{port}:127.0.0.1"));
        talks(&controller, &ovs).await;
        controller.shutdown().await;
    })
}

pub fn connecting_out_with_tls() -> Result<(), Failed> {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let Ends { ca, controller: own, switch } = ends(folder.path());
        let controller = controller();
        let port = free_port();
        let target = format!("ssl:127.0.0.1:{port}");
        controller.connect(target.parse().expect("a target"), None).expect_err("TLS is missing");
        controller.connect(target.parse().expect("a target"), Some(tls_of(&own, &ca))).expect("TLS is there");
        let ovs = OpenVSwitch::start(folder.path());
        ovs.use_tls(&switch, &ca.certificate);
        ovs.add_bridge(&format!("pssl:{port}:127.0.0.1"));
        talks(&controller, &ovs).await;
        controller.shutdown().await;
    })
}

pub fn unix() -> Result<(), Failed> {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let controller = controller();
        // Open vSwitch accepts controllers' sockets inside its run directory only.
        let path = folder.path().join("controller.sock");
        controller.listen_unix(UnixListener::bind(&path).expect("a socket"));
        let ovs = OpenVSwitch::start(folder.path());
        ovs.add_bridge(&format!("unix:{}", path.display()));
        talks(&controller, &ovs).await;
        controller.shutdown().await;
    })
}
