//! A switch that costs next to nothing: it answers the handshake, sends packet-ins out of templates, and looks of the
//! responses only at type, length and buffer id.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::{Bytes, BytesMut};
use openflow::{
    Body, BufferId, DatapathId, Features, Fragments, MacAddr, Match, Message, MultipartBody, MultipartReply,
    MultipartRequest, PacketIn, PacketInReason, Port, PortNo, SwitchConfig, TableId, Xid,
};

use crate::Result;

const HEADER: usize = 8;
const PACKET_OUT: u8 = 13;
const FLOW_MOD: u8 = 14;
/// Hosts on each switch, spread over its ports. Each sends to the next.
const HOSTS: u32 = 64;
const PORTS: u32 = 4;
const FRAME: usize = 64;

pub struct FakeSwitch {
    pub stream: TcpStream,
    id: u64,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
    written: usize,
    /// Buffer id of the next packet-in.
    next: u32,
    /// Buffer ids without a response, by their remainder; `None` is a free place.
    outstanding: Vec<Option<u32>>,
    /// The controller has asked what we are.
    pub known: bool,
    /// When the controller last sent anything but a response.
    pub chatter: std::time::Instant,
    pub responses: u64,
}

/// The packet-ins of all switches, with the buffer id left open.
pub struct Templates(Vec<Bytes>);

impl Templates {
    pub fn new() -> Result<Templates> {
        let host = |number: u32| {
            let [a, b, c, d] = number.to_be_bytes();
            MacAddr([2, 0, a, b, c, d])
        };
        let one = |from: u32| -> Result<Bytes> {
            let mut frame = vec![0; FRAME];
            frame[..6].copy_from_slice(&host((from + 1) % HOSTS).0);
            frame[6..12].copy_from_slice(&host(from).0);
            frame[12..14].copy_from_slice(&[0x08, 0x00]);
            let packet_in = PacketIn {
                buffer: Some(BufferId(0)),
                total_len: FRAME as u16,
                reason: PacketInReason::NoMatch,
                table: TableId(0),
                cookie: 0,
                match_: Match::new().in_port(PortNo(from % PORTS + 1)),
                data: frame.into(),
            };
            let mut bytes = BytesMut::new();
            Body::PacketIn(packet_in).encode(Xid(0), &mut bytes)?;
            Ok(bytes.freeze())
        };
        Ok(Templates((0..HOSTS).map(one).collect::<Result<_>>()?))
    }
}

impl FakeSwitch {
    pub fn connect(address: SocketAddr, id: u64, window: usize) -> Result<FakeSwitch> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut switch = FakeSwitch {
            stream,
            id,
            input: vec![0; 2048],
            filled: 0,
            output: Vec::new(),
            written: 0,
            next: 0,
            outstanding: vec![None; window],
            known: false,
            chatter: std::time::Instant::now(),
            responses: 0,
        };
        switch.put(Xid(1), &Body::Hello(openflow::msg::hello::Hello::new([4])))?;
        switch.flush()?;
        Ok(switch)
    }

    fn put(&mut self, xid: Xid, body: &Body) -> Result<()> {
        let mut bytes = BytesMut::new();
        body.encode(xid, &mut bytes)?;
        self.output.extend_from_slice(&bytes);
        Ok(())
    }

    /// Makes room to read as much as a full window of responses.
    pub fn widen(&mut self) {
        self.input.resize(64 * 1024, 0);
    }

    /// Fills the window.
    pub fn begin(&mut self, templates: &Templates) -> Result<()> {
        for _ in 0..self.outstanding.len() {
            self.packet_in(templates);
        }
        self.flush()
    }

    fn packet_in(&mut self, templates: &Templates) {
        let start = self.output.len();
        self.output.extend_from_slice(&templates.0[(self.next % HOSTS) as usize]);
        self.output[start + HEADER..start + HEADER + 4].copy_from_slice(&self.next.to_be_bytes());
        let place = self.next as usize % self.outstanding.len();
        self.outstanding[place] = Some(self.next);
        self.next = (self.next + 1) & 0x7fff_ffff;
    }

    /// Reads what has come, once, and answers it.
    pub fn serve(&mut self, templates: &Templates) -> Result<()> {
        let count = match self.stream.read(&mut self.input[self.filled..]) {
            Ok(0) => return Err("the controller closed a connection".into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        self.filled += count;
        let mut at = 0;
        while self.filled - at >= HEADER {
            let length = usize::from(u16::from_be_bytes([self.input[at + 2], self.input[at + 3]]));
            if length > self.filled - at {
                if length > self.input.len() {
                    self.input.resize(length, 0);
                }
                break;
            }
            self.message(at, length, templates)?;
            at += length;
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
        self.flush()
    }

    fn message(&mut self, at: usize, length: usize, templates: &Templates) -> Result<()> {
        let frame = &self.input[at..at + length];
        let buffer = match frame[1] {
            PACKET_OUT => frame.get(8..12),
            FLOW_MOD => frame.get(32..36),
            _ => None,
        };
        if let Some(&[a, b, c, d]) = buffer {
            let buffer = u32::from_be_bytes([a, b, c, d]);
            let place = buffer as usize % self.outstanding.len();
            if self.outstanding[place] == Some(buffer) {
                self.outstanding[place] = None;
                self.responses += 1;
                self.packet_in(templates);
            }
            return Ok(());
        }
        self.chatter = std::time::Instant::now();
        let message = Message::decode(Bytes::copy_from_slice(frame))?;
        let reply = match message.body {
            Body::FeaturesRequest => {
                self.known = true;
                Body::FeaturesReply(Features {
                    datapath_id: DatapathId(self.id),
                    n_buffers: 256,
                    n_tables: 1,
                    auxiliary_id: 0,
                    capabilities: Default::default(),
                })
            }
            Body::MultipartRequest(MultipartRequest::PortDesc) => {
                let port = |number| {
                    let mut port = Port { number: PortNo(number), ..Port::default() };
                    port.hw_addr = MacAddr([2, 1, 0, 0, 0, number as u8]);
                    port
                };
                let body = MultipartBody::PortDesc((1..=PORTS).map(port).collect());
                Body::MultipartReply(MultipartReply::last(body))
            }
            Body::BarrierRequest => Body::BarrierReply,
            Body::EchoRequest(data) => Body::EchoReply(data),
            Body::GetConfigRequest => Body::GetConfigReply(SwitchConfig::new(Fragments::Normal, 0xffff)),
            _ => return Ok(()),
        };
        self.put(message.xid, &reply)
    }

    pub fn flush(&mut self) -> Result<()> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                // The rest goes with the next answer: a window is far smaller than a socket's buffer.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }
}
