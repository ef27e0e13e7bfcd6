//! Auxiliary connections (OF 1.3.5 §6.3.7): a switch that has its main connection may open more, to spread its
//! packet-ins. What comes in through them goes to the apps of the main connection, and they end with it.

use bytes::BytesMut;
use openflow::session::{self, CloseReason, Session};
use openflow::{Body, Features};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::handshake::turn;
use crate::core::Core;
use crate::event::Event;
use crate::packet::PacketIn;

pub(super) async fn serve<R, W>(
    features: &Features,
    mut session: Session,
    mut input: BytesMut,
    mut read: R,
    mut write: W,
    core: &Core,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let number = features.auxiliary_id;
    let Some(main) = core.switch(features.datapath_id) else {
        warn!(number, "an auxiliary connection without a main one is closed");
        return;
    };
    info!(number, "auxiliary connection");
    let mut main_ended = main.0.ended();
    loop {
        let now = Instant::now().into_std();
        session.handle_deadline(now);
        while let Some(event) = session.next_event(now, &mut input) {
            match event {
                session::Event::Message(message) => match message.body {
                    Body::PacketIn(packet) => {
                        if let Some(packet) = PacketIn::new(packet) {
                            main.0.tell(Event::PacketIn(packet));
                        }
                    }
                    other => debug!(number, message = other.name(), "passed over on an auxiliary connection"),
                },
                session::Event::Closed(reason) => {
                    info!(number, %reason, "auxiliary connection is gone");
                    return;
                }
                session::Event::Undecodable { error, .. } => debug!(number, %error, "unreadable message"),
                session::Event::Answer { .. } | session::Event::Open | session::Event::Ready(_) => {}
            }
        }
        let reason = CloseReason::Local("the main connection has ended");
        turn(&mut session, &mut input, &mut read, &mut write, &mut main_ended, reason).await;
    }
}
