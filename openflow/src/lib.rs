//! OpenFlow 1.3 (1.3.5, wire version 4): the codec, Open vSwitch's text, and the protocol as a
//! machine. No input or output, no clock, no tasks, no unsafe code.
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | splits a byte stream into messages |
//! | [`message`], [`msg`], [`multipart`] | every message of OpenFlow 1.3, read and written |
//! | [`oxm`] | matches: all forty basic fields and Open vSwitch's, with masks, prerequisites and builders |
//! | [`action`], [`instruction`] | what becomes of packets |
//! | [`nicira`], [`extension`] | actions and messages that Open vSwitch speaks beyond OpenFlow 1.3 |
//! | [`error`] | what is wrong with bytes; the protocol's own errors by name |
//! | [`pipeline`] | what a switch does with packets and with messages |
//! | [`session`] | one end of a connection as a machine |
//! | [`capture`] | messages out of pcap and pcapng |
//! | [`text`] | the words of `ovs-ofctl(8)`: messages printed; flows, groups and meters printed and read |
//! | [`json`] | messages as JSON |
//!
//! # Reading what a peer sent
//! ```
//! # use flowbed_openflow as openflow;
//! use bytes::BytesMut;
//! use openflow::{Body, Message, frame};
//!
//! // A flow-mod as ovs-ofctl sends it for "priority=0,actions=CONTROLLER:65535".
//! let captured = "040e0050000000020000000000000000000000000000000000000000000000\
//!     00ffffffffffffffffffffffff000000000001000400000000000400180000000000000010\
//!     fffffffdffff000000000000";
//! let mut stream = BytesMut::from(&hex::decode(captured)?[..]);
//! let frame = frame::next(&mut stream)?.expect("a whole message");
//! let Body::FlowMod(flow) = Message::decode(frame)?.body else {
//!     panic!("a flow-mod was captured")
//! };
//! assert_eq!(flow.to_string(), "priority=0 actions=CONTROLLER:65535");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reading a capture
//! A file as tcpdump writes it, pcap or pcapng: TCP connections are put together again.
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::Message;
//! use openflow::capture::{Capture, Content, PORTS};
//!
//! // A live Open vSwitch and its controller.
//! let file = include_bytes!("../tests/golden/ovs_session.pcap");
//! let mut names = Vec::new();
//! for seen in Capture::read(file, &PORTS)? {
//!     match seen?.content {
//!         Content::Message(frame) => names.push(Message::decode(frame)?.body.name()),
//!         Content::Lost(bytes) => eprintln!("{bytes} bytes are not in the capture"),
//!     }
//! }
//! assert_eq!(names[..3], ["OFPT_HELLO", "OFPT_HELLO", "OFPT_FEATURES_REQUEST"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Building a flow
//! ```
//! # use flowbed_openflow as openflow;
//! use bytes::BytesMut;
//! use openflow::action::Action;
//! use openflow::ids::{PortNo, Xid};
//! use openflow::msg::flow_mod::FlowMod;
//! use openflow::oxm::{Masked, Match};
//! use openflow::Body;
//! use std::net::Ipv4Addr;
//!
//! let net: Masked<Ipv4Addr> = "10.0.0.0/8".parse()?;
//! let flow = FlowMod::add()
//!     .priority(10)
//!     .matching(Match::new().eth_type(0x0800).ipv4_dst(net))
//!     .apply([Action::output(PortNo(2))])
//!     .idle_timeout(60);
//! flow.match_.check()?;
//! let mut wire = BytesMut::new();
//! Body::from(flow).encode(Xid(1), &mut wire)?;
//! assert_eq!(wire.len(), 96);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reading what ovs-ofctl writes
//! ```
//! # use flowbed_openflow as openflow;
//! use openflow::FlowMod;
//! use openflow::text::{Parser, parse_flows};
//!
//! let flow: FlowMod = "priority=10,tcp,tp_dst=80,actions=mod_vlan_vid:5,output:2".parse()?;
//! assert_eq!(
//!     flow.to_string(),
//!     "priority=10,tcp,tp_dst=80 actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2"
//! );
//!
//! // What dump-flows printed: flows with their counters.
//! let dump = "OFPST_FLOW reply (OF1.3) (xid=0x2):\n \
//!     cookie=0x0, duration=3.5s, table=0, n_packets=7, n_bytes=420, priority=1,arp actions=FLOOD\n";
//! let flows = Parser::new().dump(dump).map_err(|errors| errors[0].clone())?;
//! assert_eq!(flows[0].packet_count, 7);
//!
//! // A file: every error is told, not only the first.
//! let errors = parse_flows("arp actions=flod\nip_dst=10.0.0.1 actions=drop\n").unwrap_err();
//! let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     told,
//!     [
//!         "flow 1, column 13: unknown action \"flod\"; did you mean \"FLOOD\"?",
//!         "flow 2, column 1: match field ip_dst needs eth_type=0x0800; add it to the match",
//!     ]
//! );
//! # Ok::<(), openflow::text::TextError>(())
//! ```
//!
//! # Running a session over any transport
//! A [`Session`](session::Session) takes the bytes that came and the time, and leaves bytes to be written. Whatever reads
//! and writes will do: here a pair of sockets with a thread at each end; a TLS stream or an async task is no different.
//! ```
//! # use flowbed_openflow as openflow;
//! use std::io::{self, Read, Write};
//! use std::os::unix::net::UnixStream;
//! use std::time::Instant;
//! use bytes::BytesMut;
//! use openflow::ids::DatapathId;
//! use openflow::msg::features::Features;
//! use openflow::session::{Config, Event, Reply, Session};
//! use openflow::{Body, FlowMod, Message};
//!
//! /// The next event: what is to be written is written, and bytes are read until there is one.
//! fn next(session: &mut Session, input: &mut BytesMut, stream: &mut (impl Read + Write)) -> io::Result<Event> {
//!     loop {
//!         let event = session.next_event(Instant::now(), input);
//!         stream.write_all(&session.output().split())?;
//!         if let Some(event) = event {
//!             return Ok(event);
//!         }
//!         let mut chunk = [0; 4096];
//!         match stream.read(&mut chunk)? {
//!             0 => return Err(io::ErrorKind::UnexpectedEof.into()),
//!             n => input.extend_from_slice(&chunk[..n]),
//!         }
//!     }
//! }
//!
//! fn switch(mut stream: UnixStream) -> io::Result<()> {
//!     let (mut session, mut input) = (Session::new(Config::switch(), Instant::now()), BytesMut::new());
//!     loop {
//!         if let Event::Message(Message { xid, body }) = next(&mut session, &mut input, &mut stream)? {
//!             let reply = match body {
//!                 Body::FeaturesRequest => Features { datapath_id: DatapathId(7), ..Features::default() }.into(),
//!                 Body::BarrierRequest => Body::BarrierReply,
//!                 _ => continue, // a flow-mod has no reply; a real switch would take it
//!             };
//!             session.reply(xid, &reply).map_err(io::Error::other)?;
//!         }
//!     }
//! }
//!
//! let (mut stream, other) = UnixStream::pair()?;
//! std::thread::spawn(move || switch(other));
//!
//! let (mut session, mut input) = (Session::new(Config::controller(), Instant::now()), BytesMut::new());
//! let Event::Ready(features) = next(&mut session, &mut input, &mut stream)? else { panic!("a switch") };
//! assert_eq!(features.datapath_id, DatapathId(7));
//!
//! // A flow-mod that is acknowledged: by the barrier that commit puts behind it, or by the switch's error.
//! let flow: FlowMod = "arp actions=FLOOD".parse()?;
//! let asked = session.modify(Instant::now(), &flow.into())?;
//! session.commit(Instant::now());
//! let Event::Answer { xid, result } = next(&mut session, &mut input, &mut stream)? else { panic!("an answer") };
//! assert_eq!((xid, result), (asked, Ok(Reply::Done)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! A driver that is to notice a silent peer also waits for [`Session::next_deadline`](session::Session::next_deadline).
//!
//! # What survives a round trip
//! What has no name in OpenFlow 1.3 (messages, actions, instructions, match fields, multipart
//! kinds, hello elements, experimenters') is kept and written back byte for byte. Bytes that the
//! specification wants to be zero are written as zeros, whatever a peer sent: padding and reserved
//! members; flags without a name are kept. A hello's version bitmap is written in front of its other
//! elements.
//!
//! Lengths are held to strictly: every structure must fill exactly what its parent gives it.
//! Opaque parts share the memory of the frame they came in; copy what is to be kept for long.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

pub mod action;
pub mod capture;
mod consistency;
pub mod error;
pub mod extension;
pub mod frame;
pub mod ids;
pub mod instruction;
pub mod json;
pub mod message;
pub mod msg;
pub mod multipart;
pub mod nicira;
pub mod oxm;
pub mod pipeline;
pub mod session;
mod strict;
pub mod text;

mod wire;

pub use action::{Action, Actions};
pub use error::{DecodeError, EncodeError, ErrorKind, ErrorMsg};
pub use ids::{BufferId, DatapathId, GroupId, MacAddr, MeterId, PortNo, QueueId, TableId, Xid};
pub use instruction::{Instruction, Instructions};
pub use message::{Body, Message};
pub use msg::config::{Fragments, SwitchConfig};
pub use msg::features::Features;
pub use msg::flow_mod::{FlowMod, FlowModCommand, FlowModFlags};
pub use msg::flow_removed::FlowRemoved;
pub use msg::packet_in::{PacketIn, PacketInReason};
pub use msg::packet_out::PacketOut;
pub use msg::port::{Port, PortMod, PortStatus, PortStatusReason};
pub use msg::role::{Role, RoleKind};
pub use multipart::{
    AggregateStats, Desc, FlowStats, FlowStatsRequest, MultipartBody, MultipartReply, MultipartRequest,
    PortStats, TableStats,
};
pub use oxm::{Masked, Match, OxmField, VlanVid};
