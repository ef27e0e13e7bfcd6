//! A connection before anything is known of its switch.

use bytes::{Buf, BytesMut};
use openflow::Features;
use openflow::session::{self, CloseReason, Session};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::READ;

/// Brings a session to the end of its handshake.
pub(super) async fn handshake<R, W>(
    session: &mut Session,
    input: &mut BytesMut,
    read: &mut R,
    write: &mut W,
    mut stop: watch::Receiver<bool>,
) -> Result<Features, CloseReason>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    loop {
        let now = Instant::now().into_std();
        session.handle_deadline(now);
        match session.next_event(now, input) {
            Some(session::Event::Ready(features)) => return Ok(features),
            Some(session::Event::Closed(reason)) => return Err(reason),
            Some(_) => continue,
            None => {}
        }
        turn(session, input, read, write, &mut stop, STOPPED).await;
    }
}

/// Writes what the session has to say and waits for what it must know next: bytes, a deadline, or that `is_over` turns true,
/// which closes the session for this reason.
pub(super) async fn turn<R, W>(
    session: &mut Session,
    input: &mut BytesMut,
    read: &mut R,
    write: &mut W,
    is_over: &mut watch::Receiver<bool>,
    reason: CloseReason,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let deadline = session.next_deadline().map_or_else(Instant::now, Instant::from_std);
    let output = session.output();
    input.reserve(READ);
    tokio::select! {
        written = write.write_buf(output), if output.has_remaining() => {
            if let Err(error) = written {
                session.handle_disconnect(CloseReason::Transport(error.to_string()));
            }
        }
        count = read.read_buf(input) => if let Some(reason) = ended(count) {
            session.handle_disconnect(reason);
        },
        () = tokio::time::sleep_until(deadline) => {}
        _ = is_over.wait_for(|over| *over) => session.handle_disconnect(reason),
    }
}

/// Why sessions end with the controller.
pub(super) const STOPPED: CloseReason = CloseReason::Local("the controller ends");

/// Why the session is over, where this is how a read ended.
pub(super) fn ended(count: std::io::Result<usize>) -> Option<CloseReason> {
    match count {
        Ok(0) => Some(CloseReason::Eof),
        Ok(_) => None,
        Err(error) => Some(CloseReason::Transport(error.to_string())),
    }
}
