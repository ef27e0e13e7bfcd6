//! Auxiliary connections (OF 1.3.5 §6.3.6): a switch that has its main connection may open more, to spread its
//! packet-ins. What comes in through them goes to the apps of the main connection, and they end with it.

use bytes::{Buf, BytesMut};
use openflow::session::{self, CloseReason, Session};
use openflow::{Body, Features};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::{READ, ended};
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
        let deadline = session.next_deadline().map_or_else(Instant::now, Instant::from_std);
        let output = session.output();
        input.reserve(READ);
        tokio::select! {
            written = write.write_buf(output), if output.has_remaining() => {
                if let Err(error) = written {
                    session.handle_disconnect(CloseReason::Transport(error.to_string()));
                }
            }
            count = read.read_buf(&mut input) => if let Some(reason) = ended(count) {
                session.handle_disconnect(reason);
            },
            () = tokio::time::sleep_until(deadline) => {}
            _ = main_ended.wait_for(|ended| *ended) => {
                session.handle_disconnect(CloseReason::Local("the main connection has ended"));
            }
        }
    }
}
