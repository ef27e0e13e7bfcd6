//! A whole message: transaction id and body (OF 1.3.5 §7.1).

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError, ErrorMsg, Part};
use crate::extension::Extension;
use crate::frame::{HEADER_LEN, Header, VERSION};
use crate::ids::{PortNo, Xid};
use crate::msg::async_config::AsyncConfig;
use crate::msg::config::SwitchConfig;
use crate::msg::experimenter::Experimenter;
use crate::msg::features::Features;
use crate::msg::flow_mod::FlowMod;
use crate::msg::flow_removed::FlowRemoved;
use crate::msg::group_mod::GroupMod;
use crate::msg::hello::Hello;
use crate::msg::meter_mod::MeterMod;
use crate::msg::packet_in::PacketIn;
use crate::msg::packet_out::PacketOut;
use crate::msg::port::{PortMod, PortStatus};
use crate::msg::queue::QueueConfig;
use crate::msg::role::Role;
use crate::msg::table_mod::TableMod;
use crate::multipart::{MultipartReply, MultipartRequest};
use crate::wire::{Reader, Wire, put_zeros, tail_of};

/// One OpenFlow message (OF 1.3.5 §7.1).
///
/// ```
/// # use flowbed_openflow as openflow;
/// use bytes::{Bytes, BytesMut};
/// use openflow::ids::Xid;
/// use openflow::{Body, Message};
///
/// let ask = Message { xid: Xid(7), body: Body::BarrierRequest };
/// let mut wire = BytesMut::new();
/// ask.encode(&mut wire)?;
/// assert_eq!(&wire[..], [4, 20, 0, 8, 0, 0, 0, 7]);
/// assert_eq!(Message::decode(wire.freeze())?, ask);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By which a reply names its request.
    pub xid: Xid,
    /// What the message says.
    pub body: Body,
}

impl Message {
    /// Reads a frame that holds exactly one message, as [`crate::frame::next`] splits them. Packets
    /// and opaque parts share the frame's memory.
    ///
    /// Messages of other versions than 1.3 are refused, but for hello and error, whose bodies read
    /// the same in all of them.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    #[inline]
    pub fn decode(frame: Bytes) -> Result<Message, DecodeError> {
        let header =
            Header::parse(&frame).map_err(|_| DecodeError::Frame { stated: 0, actual: frame.len() })?;
        if usize::from(header.length) != frame.len() {
            return Err(DecodeError::Frame { stated: usize::from(header.length), actual: frame.len() });
        }
        if header.version != VERSION && !matches!(header.msg_type, HELLO | ERROR) {
            return Err(DecodeError::Version { version: header.version, msg_type: header.msg_type });
        }
        Ok(Message { xid: header.xid, body: Body::decode(header, frame)? })
    }

    /// Appends the message to `out`.
    ///
    /// # Errors
    /// When it can't be said on the wire, say because it is longer than 65535 bytes. Then `out` is
    /// left as it was.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        self.body.encode(self.xid, out)
    }
}

const HELLO: u8 = 0;
const ERROR: u8 = 1;
const EXPERIMENTER: u8 = 4;

/// One row a message: number, variant, what it carries, name in Open vSwitch's words.
macro_rules! bodies {
    (
        special { $($sn:literal $sv:ident($st:ty) $sname:literal, $sdoc:literal;)* }
        empty { $($en:literal $ev:ident $ename:literal, $edoc:literal;)* }
        wire { $($wn:literal $wv:ident($wt:ty) $wname:literal, $wdoc:literal;)* }
    ) => {
        /// What a message says (OF 1.3.5 §7.1).
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Body {
            $(#[doc = $sdoc] $sv($st),)*
            $(#[doc = $edoc] $ev,)*
            $(#[doc = $wdoc] $wv($wt),)*
            /// An experimenter's message that this crate knows.
            Extension(Box<Extension>),
            /// A message of a type without a name in OpenFlow 1.3, kept as it came.
            Unknown {
                /// Type of the message.
                msg_type: u8,
                /// All that follows the header.
                payload: Bytes,
            },
        }

        impl Body {
            /// The type on the wire (`OFPT_*`).
            pub fn msg_type(&self) -> u8 {
                match self {
                    $(Body::$sv(_) => $sn,)*
                    $(Body::$ev => $en,)*
                    $(Body::$wv(_) => $wn,)*
                    Body::Extension(_) => EXPERIMENTER,
                    Body::Unknown { msg_type, .. } => *msg_type,
                }
            }

            /// The name of the type in Open vSwitch's words (`OFPT_FLOW_MOD`).
            pub fn name(&self) -> &'static str {
                match self {
                    $(Body::$sv(_) => $sname,)*
                    $(Body::$ev => $ename,)*
                    $(Body::$wv(_) => $wname,)*
                    Body::Extension(it) => it.name(),
                    Body::Unknown { .. } => "OFPT of an unknown type",
                }
            }

            /// The name of a type on the wire in Open vSwitch's words.
            pub(crate) fn type_name(msg_type: u8) -> Option<&'static str> {
                match msg_type {
                    $($sn => Some($sname),)*
                    $($en => Some($ename),)*
                    $($wn => Some($wname),)*
                    _ => None,
                }
            }

            #[inline]
            pub(crate) fn decode(header: Header, frame: Bytes) -> Result<Body, DecodeError> {
                match header.msg_type {
                    $($sn => decode_special(header, frame),)*
                    $($en => {
                        Reader::new(&frame, HEADER_LEN, Part::Message($ename)).finish()?;
                        Ok(Body::$ev)
                    })*
                    $($wn => {
                        let mut r = Reader::new(&frame, HEADER_LEN, Part::Message($wname));
                        let body = Wire::decode(&mut r)?;
                        r.finish()?;
                        Ok(Body::$wv(body))
                    })*
                    msg_type => Ok(Body::Unknown {
                        msg_type,
                        payload: tail_of(frame, HEADER_LEN),
                    }),
                }
            }

            #[inline]
            fn encode_payload(&self, xid: Xid, out: &mut BytesMut) -> Result<(), EncodeError> {
                match self {
                    Body::Hello(hello) => hello.encode(out),
                    Body::Error(error) => {
                        error.encode(out);
                        Ok(())
                    }
                    Body::EchoRequest(data) | Body::EchoReply(data) => {
                        out.put_slice(data);
                        Ok(())
                    }
                    Body::PacketIn(packet_in) => packet_in.encode(out),
                    Body::QueueGetConfigRequest(port) => {
                        out.put_u32(port.0);
                        put_zeros(out, 4);
                        Ok(())
                    }
                    $(Body::$ev => Ok(()),)*
                    $(Body::$wv(body) => Wire::encode(body, out),)*
                    Body::Experimenter(it) => it.encode(out),
                    Body::Extension(it) => it.write(xid, out),
                    Body::Unknown { payload, .. } => {
                        out.put_slice(payload);
                        Ok(())
                    }
                }
            }
        }
    };
}

bodies! {
    special {
        0 Hello(Hello) "OFPT_HELLO", "Which versions the sender speaks; the first message each way.";
        1 Error(ErrorMsg) "OFPT_ERROR", "A message could not be carried out.";
        2 EchoRequest(Bytes) "OFPT_ECHO_REQUEST", "Are you there? Any payload.";
        3 EchoReply(Bytes) "OFPT_ECHO_REPLY", "The payload of the echo request.";
        4 Experimenter(Experimenter) "OFPT_EXPERIMENTER", "An experimenter's message, kept as it came.";
        10 PacketIn(PacketIn) "OFPT_PACKET_IN", "A packet for the controller.";
        22 QueueGetConfigRequest(PortNo) "OFPT_QUEUE_GET_CONFIG_REQUEST",
            "Which queues has a port? `PortNo::ANY` is all of them.";
    }
    empty {
        5 FeaturesRequest "OFPT_FEATURES_REQUEST", "What are you?";
        7 GetConfigRequest "OFPT_GET_CONFIG_REQUEST", "How are you configured?";
        20 BarrierRequest "OFPT_BARRIER_REQUEST", "Finish all that came before.";
        21 BarrierReply "OFPT_BARRIER_REPLY", "All that came before is finished.";
        26 GetAsyncRequest "OFPT_GET_ASYNC_REQUEST", "Which asynchronous messages do I get?";
    }
    wire {
        6 FeaturesReply(Features) "OFPT_FEATURES_REPLY", "What the switch is.";
        8 GetConfigReply(SwitchConfig) "OFPT_GET_CONFIG_REPLY", "How the switch is configured.";
        9 SetConfig(SwitchConfig) "OFPT_SET_CONFIG", "Configures the switch.";
        11 FlowRemoved(FlowRemoved) "OFPT_FLOW_REMOVED", "A flow went.";
        12 PortStatus(PortStatus) "OFPT_PORT_STATUS", "A port came, went or changed.";
        13 PacketOut(PacketOut) "OFPT_PACKET_OUT", "A packet to send.";
        14 FlowMod(FlowMod) "OFPT_FLOW_MOD", "A change of a flow table.";
        15 GroupMod(GroupMod) "OFPT_GROUP_MOD", "A change of the group table.";
        16 PortMod(PortMod) "OFPT_PORT_MOD", "A change of a port.";
        17 TableMod(TableMod) "OFPT_TABLE_MOD", "A change of a table's configuration.";
        18 MultipartRequest(MultipartRequest) "OFPT_MULTIPART_REQUEST",
            "A question about the state of the switch.";
        19 MultipartReply(MultipartReply) "OFPT_MULTIPART_REPLY", "A part of the answer.";
        23 QueueGetConfigReply(QueueConfig) "OFPT_QUEUE_GET_CONFIG_REPLY", "The queues of a port.";
        24 RoleRequest(Role) "OFPT_ROLE_REQUEST", "Asks for a role.";
        25 RoleReply(Role) "OFPT_ROLE_REPLY", "The role in force.";
        27 GetAsyncReply(AsyncConfig) "OFPT_GET_ASYNC_REPLY", "Which asynchronous messages are sent.";
        28 SetAsync(AsyncConfig) "OFPT_SET_ASYNC", "Chooses the asynchronous messages.";
        29 MeterMod(MeterMod) "OFPT_METER_MOD", "A change of the meter table.";
    }
}

/// Messages that need their header, or give their frame away.
#[inline]
fn decode_special(header: Header, frame: Bytes) -> Result<Body, DecodeError> {
    let name = match header.msg_type {
        2 => return Ok(Body::EchoRequest(tail_of(frame, HEADER_LEN))),
        3 => return Ok(Body::EchoReply(tail_of(frame, HEADER_LEN))),
        10 => return PacketIn::decode(frame).map(Body::PacketIn),
        EXPERIMENTER => "OFPT_EXPERIMENTER",
        HELLO => "OFPT_HELLO",
        ERROR => "OFPT_ERROR",
        _ => "OFPT_QUEUE_GET_CONFIG_REQUEST",
    };
    let mut r = Reader::new(&frame, HEADER_LEN, Part::Message(name));
    let body = match header.msg_type {
        HELLO => Body::Hello(Hello::decode(header.version, &mut r)?),
        ERROR => Body::Error(ErrorMsg::decode(header.version, &mut r)?),
        EXPERIMENTER => {
            let message = Experimenter::decode(&mut r)?;
            Extension::read(&message, header.xid)?
                .map_or(Body::Experimenter(message), |known| Body::Extension(Box::new(known)))
        }
        _ => {
            let port = PortNo(r.u32()?);
            r.skip(4)?;
            Body::QueueGetConfigRequest(port)
        }
    };
    r.finish()?;
    Ok(body)
}

impl Body {
    /// Appends the message with this body to `out`.
    ///
    /// # Errors
    /// As [`Message::encode`].
    #[inline]
    pub fn encode(&self, xid: Xid, out: &mut BytesMut) -> Result<(), EncodeError> {
        let start = out.len();
        let result = self.encode_at(xid, start, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    #[inline]
    fn encode_at(&self, xid: Xid, start: usize, out: &mut BytesMut) -> Result<(), EncodeError> {
        let version = match self {
            Body::Hello(hello) => hello.version,
            _ => VERSION,
        };
        let [x0, x1, x2, x3] = xid.0.to_be_bytes();
        out.put_slice(&[version, self.msg_type(), 0, 0, x0, x1, x2, x3]);
        self.encode_payload(xid, out)?;
        crate::wire::patch_len(out, start, start + 2, Part::Message(self.name()))
    }
}

impl From<Extension> for Body {
    fn from(message: Extension) -> Body {
        Body::Extension(Box::new(message))
    }
}

macro_rules! body_from {
    ($($variant:ident($body:ty)),* $(,)?) => {$(
        impl From<$body> for Body {
            fn from(body: $body) -> Body {
                Body::$variant(body)
            }
        }
    )*};
}

body_from! {
    Hello(Hello),
    Error(ErrorMsg),
    Experimenter(Experimenter),
    FeaturesReply(Features),
    PacketIn(PacketIn),
    FlowRemoved(FlowRemoved),
    PortStatus(PortStatus),
    PacketOut(PacketOut),
    FlowMod(FlowMod),
    GroupMod(GroupMod),
    PortMod(PortMod),
    TableMod(TableMod),
    MultipartRequest(MultipartRequest),
    MultipartReply(MultipartReply),
    MeterMod(MeterMod),
}
