//! How a connection begins: versions are agreed, then the controller asks what the switch is.

use bytes::Bytes;

use super::{CloseReason, End, Event, Phase, Session, VERSION};
use crate::error::{ErrorKind, ErrorMsg, HelloFailed};
use crate::message::{Body, Message};

impl Session {
    /// Version negotiation, OF 1.3.5 §6.3.1: with bitmaps on both sides the highest common version,
    /// else the smaller of the two header versions.
    pub(super) fn handle_hello(&mut self, version: u8, message: Message) -> Option<Event> {
        let hello = match message.body {
            Body::Hello(hello) => hello,
            Body::Error(error) => {
                self.close(CloseReason::Refused(error));
                return None;
            }
            other => {
                self.close(CloseReason::NoHello(other.name()));
                return None;
            }
        };
        let agreed =
            if hello.versions.is_empty() { version >= VERSION } else { hello.versions.contains(&VERSION) };
        if !agreed {
            let reason = CloseReason::Version {
                offered: if hello.versions.is_empty() { vec![version] } else { hello.versions },
            };
            self.put_as(
                message.xid,
                &Body::Error(ErrorMsg {
                    kind: ErrorKind::HelloFailed(HelloFailed::Incompatible),
                    data: Bytes::from(reason.to_string().into_bytes()),
                }),
            );
            self.close(reason);
            return None;
        }
        match self.config.end {
            End::Controller => {
                self.phase = Phase::Features;
                self.put(&Body::FeaturesRequest);
                None
            }
            End::Switch => {
                self.phase = Phase::Open;
                Some(Event::Open)
            }
        }
    }

    pub(super) fn handle_features(&mut self, message: Message) -> Option<Event> {
        match message.body {
            Body::FeaturesReply(features) => {
                self.phase = Phase::Open;
                self.auxiliary_id = Some(features.auxiliary_id);
                Some(Event::Ready(features))
            }
            Body::EchoRequest(data) => {
                self.put_as(message.xid, &Body::EchoReply(data));
                None
            }
            Body::Error(error) => {
                self.close(CloseReason::Refused(error));
                None
            }
            _ => {
                self.early += 1;
                None
            }
        }
    }
}
