//! One TCP connection, as fast as it gets.

use std::io;
use std::time::Duration;

use socket2::{SockAddr, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::{Figures, ThroughputOptions};

/// Bytes written or read at once.
const CHUNK: usize = 128 << 10;

pub(super) async fn measure(
    sender: Socket,
    receiver: Socket,
    address: &SockAddr,
    options: &ThroughputOptions,
) -> io::Result<Figures> {
    receiver.listen(1)?;
    for socket in [&sender, &receiver] {
        socket.set_nonblocking(true)?;
    }
    let listener = TcpListener::from_std(receiver.into())?;
    let address = address.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
    let socket = TcpSocket::from_std_stream(sender.into());
    let both = async { tokio::try_join!(socket.connect(address), listener.accept()) };
    let connected = tokio::time::timeout(options.patience, both).await;
    let (sending, (receiving, _)) = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    let sending = tokio::spawn(send(sending));
    let figures = receive(receiving, options.warm_up, options.duration).await;
    // It sends until it is stopped.
    sending.abort();
    figures
}

async fn send(mut stream: TcpStream) -> io::Result<()> {
    let chunk = vec![0; CHUNK];
    loop {
        stream.write_all(&chunk).await?;
    }
}

async fn receive(mut stream: TcpStream, warm_up: Duration, duration: Duration) -> io::Result<Figures> {
    let mut chunk = vec![0; CHUNK];
    let start = Instant::now() + warm_up;
    let end = start + duration;
    let mut figures = Figures::default();
    // Counted from one arrival to another: in between, everything that arrived has.
    let mut first: Option<Instant> = None;
    while let Ok(read) = timeout_at(end, stream.read(&mut chunk)).await {
        let length = read?;
        if length == 0 {
            break;
        }
        let now = Instant::now();
        match first {
            Some(first) => {
                figures.bytes += length as u64;
                figures.time = now - first;
            }
            None if now >= start => first = Some(now),
            None => {}
        }
    }
    Ok(figures)
}
