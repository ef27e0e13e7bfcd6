//! OpenFlow 1.3: the codec, Open vSwitch's text, and the protocol as a machine.
#![forbid(unsafe_code)]

pub mod action;
pub mod error;
pub mod frame;
pub mod ids;
pub mod instruction;
pub mod message;
pub mod msg;
pub mod multipart;
pub mod oxm;
pub mod session;
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
    AggregateStats, Desc, FlowStats, FlowStatsRequest, MultipartBody, MultipartReply, MultipartRequest, PortStats,
    TableStats,
};
pub use oxm::{Masked, Match, OxmField, VlanVid};
