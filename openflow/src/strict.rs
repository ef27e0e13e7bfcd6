//! Whether a message keeps to OpenFlow 1.3, beyond what must hold to read it.

use crate::error::{
    BadRequest, DecodeError, ErrorKind, FlowModFailed, GroupModFailed, MeterModFailed, RoleRequestFailed,
};
use crate::extension::{Extension, FlowUpdate};
use crate::msg::flow_mod::FlowModCommand;
use crate::msg::group_mod::{GroupKind, GroupModCommand};
use crate::msg::meter_mod::MeterModCommand;
use crate::msg::role::{Role, RoleKind};
use crate::multipart::{MultipartBody, MultipartRequest};
use crate::{Body, Match, Message};

fn unnamed(what: &'static str, number: impl Into<u32>, refusal: impl Into<ErrorKind>) -> DecodeError {
    DecodeError::Unnamed { what, number: number.into(), refusal: refusal.into() }
}

fn sound(matched: &Match) -> Result<(), DecodeError> {
    matched.check().map_err(DecodeError::Unsound)
}

fn role(role: &Role) -> Result<(), DecodeError> {
    match role.kind {
        RoleKind::Unknown(number) => Err(unnamed("role", number, RoleRequestFailed::BadRole)),
        _ => Ok(()),
    }
}

impl Message {
    /// Whether types, kinds, commands and roles are ones that OpenFlow 1.3 names, and matches make sense as a whole
    /// ([`Match::check`]). [`Message::decode`] reads a message that fails here all the same, and keeps what is odd about
    /// it; a session with [`Strictness::Strict`](crate::session::Strictness) does not let it pass.
    ///
    /// A packet-in's fields are those of one packet and need no others (OF 1.3.5 §7.4.1).
    ///
    /// # Errors
    /// [`DecodeError::Unnamed`] or [`DecodeError::Unsound`], whose [`DecodeError::to_error_kind`] is the refusal that the
    /// specification asks for.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.body.check()
    }
}

impl Body {
    fn check(&self) -> Result<(), DecodeError> {
        match self {
            Body::Unknown { msg_type, .. } => Err(unnamed("message type", *msg_type, BadRequest::BadType)),
            Body::FlowRemoved(flow) => sound(&flow.match_),
            Body::FlowMod(flow) => match flow.command {
                FlowModCommand::Unknown(number) => {
                    Err(unnamed("flow-mod command", number, FlowModFailed::BadCommand))
                }
                _ => sound(&flow.match_),
            },
            Body::GroupMod(group) => match (group.command, group.kind) {
                (GroupModCommand::Unknown(number), _) => {
                    Err(unnamed("group-mod command", number, GroupModFailed::BadCommand))
                }
                (_, GroupKind::Unknown(number)) => {
                    Err(unnamed("group type", number, GroupModFailed::BadType))
                }
                _ => Ok(()),
            },
            Body::MeterMod(meter) => match meter.command {
                MeterModCommand::Unknown(number) => {
                    Err(unnamed("meter-mod command", number, MeterModFailed::BadCommand))
                }
                _ => Ok(()),
            },
            Body::RoleRequest(it) | Body::RoleReply(it) => role(it),
            Body::MultipartRequest(request) => check_request(request),
            Body::MultipartReply(reply) => check_reply(&reply.body),
            Body::Extension(it) => match &**it {
                Extension::BundleAdd(add) => add.body.check(),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn check_request(request: &MultipartRequest) -> Result<(), DecodeError> {
    match request {
        MultipartRequest::Unknown { kind, .. } => {
            Err(unnamed("multipart kind", *kind, BadRequest::BadMultipart))
        }
        MultipartRequest::Flow(it) | MultipartRequest::Aggregate(it) => sound(&it.match_),
        MultipartRequest::FlowMonitor(all) => all.iter().try_for_each(|it| sound(&it.match_)),
        _ => Ok(()),
    }
}

fn check_reply(reply: &MultipartBody) -> Result<(), DecodeError> {
    match reply {
        MultipartBody::Unknown { kind, .. } => {
            Err(unnamed("multipart kind", *kind, BadRequest::BadMultipart))
        }
        MultipartBody::Flow(all) => all.iter().try_for_each(|it| sound(&it.match_)),
        MultipartBody::FlowMonitor(all) => all.iter().try_for_each(|it| match it {
            FlowUpdate::Full(flow) => sound(&flow.match_),
            FlowUpdate::Abbreviated(_) => Ok(()),
        }),
        _ => Ok(()),
    }
}
