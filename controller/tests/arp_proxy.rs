//! The proxy for address resolution on a scripted switch, under virtual time.

#[allow(dead_code, reason = "each suite uses a part of it")]
mod scripted;

use bytes::Bytes;
use flowbed_controller::apps::{ArpProxy, Tables};
use flowbed_controller::{App, AppResult, Controller, Discovery, PacketIn, Switch, Verdict};
use openflow::{Action, Body, PacketOut, PortNo, TableId};
use scripted::{ScriptedSwitch, packet_in};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The app behind.
struct Behind(UnboundedSender<PortNo>);

impl App for Behind {
    async fn packet_in(&mut self, _: &Switch, packet: &PacketIn) -> AppResult<Verdict> {
        self.0.send(packet.in_port())?;
        Ok(Verdict::Consume)
    }
}

/// An ARP request of host `from` for host `target`: their addresses end in these numbers.
fn request(from: u8, target: u8, tag: &str) -> Bytes {
    let text = format!(
        "ffffffffffff 0200000000{from:02x} {tag} 0806 0001080006040001 0200000000{from:02x} 0a0000{from:02x} \
         000000000000 0a0000{target:02x}"
    );
    bytes(&text)
}

fn bytes(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}

async fn connected() -> (Controller, ScriptedSwitch, UnboundedReceiver<PortNo>) {
    let (tell, told) = unbounded_channel();
    let tables = Tables { own: TableId(0), next: TableId(1) };
    let builder = Controller::builder().discovery(Discovery::Off);
    let controller = builder
        .per_switch("proxy", move || ArpProxy::new(tables))
        .per_switch("behind", move || Behind(tell.clone()))
        .start_without_listener();
    let mut peer = ScriptedSwitch::connect(&controller, 1).await;
    peer.tell(Vec::new()).await;
    peer.until_barrier().await;
    (controller, peer, told)
}

async fn sent_out(peer: &mut ScriptedSwitch) -> PacketOut {
    peer.until(|message| match &message.body {
        Body::PacketOut(out) => Some(out.clone()),
        _ => None,
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn known_hosts_are_answered_for_and_others_are_for_the_app_behind() {
    let (_controller, mut peer, mut told) = connected().await;
    peer.send(packet_in(1, request(1, 2, ""))).await;
    assert_eq!(told.recv().await, Some(PortNo(1)), "nobody knows the second host yet");
    peer.send(packet_in(2, request(2, 1, ""))).await;
    let answer = sent_out(&mut peer).await;
    assert_eq!(answer.actions[..], [Action::output(PortNo(2))]);
    let expected =
        "020000000002 020000000001 0806 0001080006040002 020000000001 0a000001 020000000002 0a000002";
    assert_eq!(answer.data, bytes(expected));
    // In its own VLAN, too.
    peer.send(packet_in(2, request(2, 1, "8100 0005"))).await;
    assert_eq!(
        sent_out(&mut peer).await.actions.to_string(),
        "push_vlan:0x8100,set_field:4101->vlan_vid,output:2"
    );
    assert!(told.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn probes_announcements_and_neighbours_at_the_same_port_are_left_alone() {
    let (_controller, mut peer, mut told) = connected().await;
    for (port, asked) in [
        (1, request(1, 9, "")),
        // The first host asks for itself: it announces its address.
        (1, request(1, 1, "")),
        // The third is at the port of the first.
        (1, request(3, 1, "")),
        // Somebody probes the address of the first before using it: its own is 0.0.0.0.
        (
            2,
            bytes(
                "ffffffffffff 020000000004 0806 0001080006040001 020000000004 00000000 000000000000 0a000001",
            ),
        ),
    ] {
        peer.send(packet_in(port, asked)).await;
        assert_eq!(told.recv().await, Some(PortNo(port)));
    }
}
