//! A switch that does what the test says, over a pipe in memory.

mod flood;
pub mod flows;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flowbed_controller::Controller;
use openflow::session::{Config, Event, Session};
use openflow::{
    Body, DatapathId, Features, MacAddr, Match, Message, MultipartBody, MultipartReply, MultipartRequest,
    PacketIn, PacketInReason, Port, PortNo, TableId, Xid,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

/// Bytes that the pipe holds in each direction.
const PIPE: usize = 1 << 20;

pub struct ScriptedSwitch {
    pub id: DatapathId,
    stream: DuplexStream,
    session: Session,
    input: BytesMut,
    ports: Vec<Port>,
    auxiliary_id: u8,
    /// What arrived and was not looked at yet.
    inbox: Vec<Message>,
}

pub fn port(number: u32) -> Port {
    Port {
        number: PortNo(number),
        hw_addr: MacAddr([2, 0, 0, 0, 1, number as u8]),
        name: format!("p{number}").as_str().try_into().expect("short"),
        ..Port::default()
    }
}

/// A frame from one address to another.
pub fn frame(dst: MacAddr, src: MacAddr) -> Bytes {
    let mut frame = vec![0; 60];
    frame[..6].copy_from_slice(&dst.0);
    frame[6..12].copy_from_slice(&src.0);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    frame.into()
}

pub fn packet_in(in_port: u32, data: Bytes) -> Body {
    Body::PacketIn(PacketIn {
        buffer: None,
        total_len: data.len() as u16,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: 0,
        match_: Match::new().in_port(PortNo(in_port)),
        data,
    })
}

impl ScriptedSwitch {
    /// Connects and goes through the handshake, features and ports.
    pub async fn connect(controller: &Controller, id: u64) -> ScriptedSwitch {
        ScriptedSwitch::attach(controller, id).shake_hands().await
    }

    /// Opens an auxiliary connection, as far as its features.
    pub async fn connect_auxiliary(controller: &Controller, id: u64, number: u8) -> ScriptedSwitch {
        let mut switch = ScriptedSwitch::attach(controller, id);
        switch.auxiliary_id = number;
        switch.shake_hands().await
    }

    async fn shake_hands(mut self) -> ScriptedSwitch {
        let switch = &mut self;
        loop {
            let message = switch.receive().await;
            match message.body {
                Body::FeaturesRequest => {
                    let features = Features {
                        datapath_id: switch.id,
                        n_buffers: 0,
                        n_tables: 1,
                        auxiliary_id: switch.auxiliary_id,
                        capabilities: Default::default(),
                    };
                    switch.reply(message.xid, Body::FeaturesReply(features)).await;
                    if switch.auxiliary_id != 0 {
                        return self;
                    }
                }
                Body::MultipartRequest(MultipartRequest::PortDesc) => {
                    let body = MultipartBody::PortDesc(switch.ports.clone());
                    let reply = Body::MultipartReply(MultipartReply::last(body));
                    switch.reply(message.xid, reply).await;
                    return self;
                }
                _ => {}
            }
        }
    }

    /// Connects; once the returned flag is set it sends packets without end.
    pub async fn connect_flooding(controller: &Controller, id: u64) -> (ScriptedSwitch, Arc<AtomicBool>) {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let on = Arc::new(AtomicBool::new(false));
        controller.attach(flood::Flooded::new(theirs, on.clone()), format!("flood {id}"));
        (ScriptedSwitch::over(ours, id).shake_hands().await, on)
    }

    /// Connects and says hello.
    pub fn attach(controller: &Controller, id: u64) -> ScriptedSwitch {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        controller.attach(theirs, format!("script {id}"));
        ScriptedSwitch::over(ours, id)
    }

    fn over(ours: DuplexStream, id: u64) -> ScriptedSwitch {
        ScriptedSwitch {
            id: DatapathId(id),
            stream: ours,
            session: Session::new(Config::switch(), Instant::now().into_std()),
            input: BytesMut::new(),
            ports: (1..=3).map(port).collect(),
            auxiliary_id: 0,
            inbox: Vec::new(),
        }
    }

    pub async fn flush(&mut self) {
        let output = self.session.output().split();
        self.stream.write_all(&output).await.expect("the controller reads");
    }

    /// Bytes as they are.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.flush().await;
        self.stream.write_all(bytes).await.expect("the controller reads");
    }

    pub async fn send(&mut self, body: Body) {
        self.session.send(&body).expect("open");
        self.flush().await;
    }

    pub async fn reply(&mut self, xid: Xid, body: Body) {
        self.session.reply(xid, &body).expect("open");
        self.flush().await;
    }

    /// The next message; `None` when the controller has closed the connection.
    pub async fn try_receive(&mut self) -> Option<Message> {
        loop {
            if !self.inbox.is_empty() {
                return Some(self.inbox.remove(0));
            }
            let now = Instant::now().into_std();
            while let Some(event) = self.session.next_event(now, &mut self.input) {
                match event {
                    Event::Message(message) => self.inbox.push(message),
                    Event::Open | Event::Answer { .. } | Event::Ready(_) => {}
                    Event::Undecodable { error, .. } => {
                        panic!("the controller sent nonsense: {error}")
                    }
                    Event::Closed(_) => return None,
                }
            }
            self.flush().await;
            if self.inbox.is_empty() && self.stream.read_buf(&mut self.input).await.expect("readable") == 0 {
                return None;
            }
        }
    }

    pub async fn receive(&mut self) -> Message {
        tokio::time::timeout(Duration::from_secs(60), self.try_receive())
            .await
            .expect("a message in time")
            .expect("the connection stands")
    }

    /// Receives messages until `wanted` says what it looked for; answers barriers on the way.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(&Message) -> Option<T>) -> T {
        loop {
            let message = self.receive().await;
            if let Some(found) = wanted(&message) {
                return found;
            }
            if message.body == Body::BarrierRequest {
                self.reply(message.xid, Body::BarrierReply).await;
            }
        }
    }

    /// Receives until the next barrier and answers it; what came before.
    pub async fn until_barrier(&mut self) -> Vec<Message> {
        let mut before = Vec::new();
        loop {
            let message = self.receive().await;
            if message.body == Body::BarrierRequest {
                self.reply(message.xid, Body::BarrierReply).await;
                return before;
            }
            before.push(message);
        }
    }
}
