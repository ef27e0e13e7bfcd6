//! A transport whose peer never stops sending.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use openflow::Xid;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::task::coop;

use super::packet_in;

/// The controller's end of a pipe. Once `on` is set there is always something more to read: packets without end.
pub struct Flooded {
    pipe: DuplexStream,
    on: Arc<AtomicBool>,
    packet: Bytes,
    /// How much of the packet was read.
    at: usize,
}

impl Flooded {
    pub fn new(pipe: DuplexStream, on: Arc<AtomicBool>) -> Flooded {
        let mut packet = bytes::BytesMut::new();
        packet_in(1, vec![2; 32 * 1024].into()).encode(Xid(0), &mut packet).expect("fits");
        Flooded { pipe, on, packet: packet.freeze(), at: 0 }
    }
}

impl AsyncRead for Flooded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.on.load(Ordering::Relaxed) {
            return Pin::new(&mut self.pipe).poll_read(cx, out);
        }
        // As sockets do: a task that finds work without end lets others run now and then.
        let turn = ready!(coop::poll_proceed(cx));
        while out.remaining() > 0 {
            let count = out.remaining().min(self.packet.len() - self.at);
            out.put_slice(&self.packet[self.at..self.at + count]);
            self.at = (self.at + count) % self.packet.len();
        }
        turn.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flooded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
