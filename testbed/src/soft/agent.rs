//! A switch's connection to one of its controllers, made again whenever it ends.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use openflow::session::{CloseReason, Config, Event, Session};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::datapath::Ports;
use super::switch::{Connection, Overrun, SoftSwitch};
use crate::sandbox::NetNs;

/// Pauses between attempts; Open vSwitch's longest is 8 s too (`ovs-vswitchd.conf.db(5)`,
/// Controller, `max_backoff`).
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes that are read at a time.
const READ: usize = 64 << 10;

/// While more than this waits to be written, in bytes, the controller is not read.
const MAX_OUTPUT: usize = 1 << 20;

/// Keeps a switch connected to the controller at `address` of the fabric, for ever.
pub(super) async fn run(switch: Arc<SoftSwitch>, ports: Ports, fabric: NetNs, address: SocketAddr) {
    let mut pause = FIRST_PAUSE;
    loop {
        match tokio::time::timeout(PATIENCE, connect(&fabric, address)).await {
            Ok(Ok(stream)) => {
                let mut link = Link::new(&switch, &ports, stream);
                let reason = link.serve().await;
                if link.connection.is_some() {
                    pause = FIRST_PAUSE;
                }
                tracing::info!(switch = switch.name, %address, %reason, "controller gone");
            }
            Ok(Err(error)) => tracing::debug!(switch = switch.name, %address, %error, "no controller"),
            Err(_) => tracing::debug!(switch = switch.name, %address, "no controller: no answer"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn connect(fabric: &NetNs, address: SocketAddr) -> io::Result<TcpStream> {
    let open = move || -> io::Result<OwnedFd> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking().cloexec(), None)?;
        // OpenFlow messages are small and awaited: no Nagle delays.
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    };
    let socket = fabric.run(open).await.map_err(io::Error::other)??;
    TcpSocket::from_std_stream(socket.into()).connect(address).await
}

/// A connection at work.
struct Link<'a> {
    switch: &'a Arc<SoftSwitch>,
    ports: &'a Ports,
    stream: TcpStream,
    session: Session,
    input: BytesMut,
    output: BytesMut,
    /// There once the versions are agreed.
    connection: Option<Connection>,
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            self.switch.close(connection, std::time::Instant::now());
        }
    }
}

impl<'a> Link<'a> {
    fn new(switch: &'a Arc<SoftSwitch>, ports: &'a Ports, stream: TcpStream) -> Link<'a> {
        Link {
            switch,
            ports,
            stream,
            session: Session::new(Config::switch(), std::time::Instant::now()),
            input: BytesMut::new(),
            output: BytesMut::new(),
            connection: None,
        }
    }

    /// Serves the controller to the end of the connection.
    async fn serve(&mut self) -> CloseReason {
        let mut timer = std::pin::pin!(tokio::time::sleep_until(Instant::now()));
        loop {
            if let Some(reason) = self.handle() {
                return reason;
            }
            match self.take_output() {
                Ok(()) => {}
                Err(Overrun) => return CloseReason::Local("it does not read what it is sent"),
            }
            if let Some(deadline) = self.session.next_deadline().map(Instant::from_std) {
                timer.as_mut().reset(deadline);
            }
            self.input.reserve(READ);
            let (mut read, mut write) = self.stream.split();
            let woken = async {
                match &self.connection {
                    Some(connection) => connection.wake.notified().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                written = write.write_buf(&mut self.output), if self.output.has_remaining() => {
                    if let Err(error) = written {
                        return CloseReason::Transport(error.to_string());
                    }
                }
                count = read.read_buf(&mut self.input), if self.output.len() < MAX_OUTPUT => match count {
                    Ok(0) => return CloseReason::Transport("the controller has closed it".to_owned()),
                    Ok(_) => {}
                    Err(error) => return CloseReason::Transport(error.to_string()),
                },
                () = woken => {}
                () = &mut timer => self.session.handle_deadline(std::time::Instant::now()),
            }
        }
    }

    /// Carries out what has arrived. Why the connection ends, if it does.
    fn handle(&mut self) -> Option<CloseReason> {
        let now = std::time::Instant::now();
        while let Some(event) = self.session.next_event(now, &mut self.input) {
            match (event, &self.connection) {
                (Event::Open, None) => {
                    self.connection = Some(self.switch.open());
                    tracing::info!(switch = self.switch.name, "controller connected");
                }
                (Event::Message(message), Some(connection)) => {
                    let frame = self.session.last_frame();
                    self.switch.handle(connection, message, frame, now, &mut &*self.ports);
                }
                (Event::Undecodable { frame, error }, Some(connection)) => {
                    self.switch.refuse(connection, &frame, &error);
                }
                (Event::Closed(reason), _) => return Some(reason),
                _ => {}
            }
        }
        None
    }

    fn take_output(&mut self) -> Result<(), Overrun> {
        if !self.session.output().is_empty() {
            self.output.unsplit(self.session.output().split());
        }
        if let Some(connection) = self.connection.as_ref().filter(|_| self.output.len() < MAX_OUTPUT) {
            self.output.unsplit(self.switch.take_output(connection)?);
        }
        Ok(())
    }
}
