//! How switches come to the controller, and it to them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls::pki_types::ServerName;
use tracing::{info, warn};

use crate::core::Core;
use crate::driver;
use crate::server::Controller;
use crate::tls::Tls;

/// A switch that listens for its controllers: `ptcp:`, `pssl:` or `punix:` of ovs-vsctl(8), seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `tcp:IP:PORT`.
    Tcp(SocketAddr),
    /// `ssl:IP:PORT`.
    Ssl(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
}

/// A text that names no switch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected tcp:IP:PORT, ssl:IP:PORT or unix:PATH, such as tcp:192.0.2.1:6653, not {0:?}")]
pub struct ParseTargetError(pub String);

impl FromStr for Target {
    type Err = ParseTargetError;

    fn from_str(text: &str) -> Result<Target, ParseTargetError> {
        let wrong = || ParseTargetError(text.to_owned());
        match text.split_once(':').ok_or_else(wrong)? {
            ("tcp", address) => address.parse().map(Target::Tcp).map_err(|_| wrong()),
            ("ssl", address) => address.parse().map(Target::Ssl).map_err(|_| wrong()),
            ("unix", path) if !path.is_empty() => Ok(Target::Unix(path.into())),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp(address) => write!(f, "tcp:{address}"),
            Target::Ssl(address) => write!(f, "ssl:{address}"),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A connection over TLS was asked for, but nothing to show for it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0} needs a private key, a certificate and the switches' CA")]
pub struct TlsMissing(pub Target);

/// Anything that bytes go through.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Controller {
    /// Accepts switches over TCP, in addition to other listeners.
    pub fn listen(&self, listener: TcpListener) {
        self.spawn(accept_all(self.clone(), listener, |controller, stream: TcpStream, peer| {
            let (read, write) = stream.into_split();
            controller.spawn(driver::run(read, write, peer, controller.core().clone()));
        }));
    }

    /// Accepts switches over TLS: those that show a certificate of the CA.
    pub fn listen_tls(&self, listener: TcpListener, tls: Tls) {
        self.spawn(accept_all(self.clone(), listener, move |controller, stream, peer| {
            let (acceptor, of) = (tls.acceptor.clone(), controller.clone());
            controller.spawn(async move {
                let within = of.core().session.handshake_timeout;
                match timeout(within, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve(&of, stream, format!("ssl:{peer}")).await,
                    Ok(Err(error)) => warn!(%peer, %error, "no TLS handshake"),
                    Err(_) => warn!(%peer, "no TLS handshake in time"),
                }
            });
        }));
    }

    /// Accepts switches on a Unix socket.
    pub fn listen_unix(&self, listener: UnixListener) {
        self.spawn(accept_all(self.clone(), listener, |controller, stream, peer| {
            let of = controller.clone();
            controller.spawn(async move { serve(&of, stream, peer).await });
        }));
    }

    /// Connects to a switch that listens, again and again until the controller is shut down: at once after a
    /// connection that lasted, after failures with growing pauses of at most 8 s.
    ///
    /// # Errors
    /// For an `ssl:` target without `tls`.
    pub fn connect(&self, target: Target, tls: Option<Tls>) -> Result<(), TlsMissing> {
        if matches!(target, Target::Ssl(_)) && tls.is_none() {
            return Err(TlsMissing(target));
        }
        let controller = self.clone();
        self.spawn(async move {
            let mut stop = controller.core().stop.subscribe();
            let work = keep_connected(&controller, &target, tls.as_ref());
            tokio::select! {
                () = work => {}
                // A connection that stands is ended by its driver, in order.
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        Ok(())
    }
}

async fn keep_connected(controller: &Controller, target: &Target, tls: Option<&Tls>) {
    const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(8));
    let mut pause = PAUSES.0;
    loop {
        let within = controller.core().session.handshake_timeout;
        let error = match timeout(within, open(target, tls)).await {
            Ok(Ok(stream)) => {
                pause = PAUSES.0;
                // In a task of its own, which a shutdown waits for.
                let (done, ended) = tokio::sync::oneshot::channel::<()>();
                let (of, peer) = (controller.clone(), target.to_string());
                controller.spawn(async move {
                    serve(&of, stream, peer).await;
                    drop(done);
                });
                // An error is the end that is waited for.
                let _ = ended.await;
                "the connection has ended".to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        info!(%target, error, "connecting again");
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn open(target: &Target, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
    match (target, tls) {
        (Target::Unix(path), _) => Ok(Box::new(UnixStream::connect(path).await?)),
        (Target::Tcp(address), _) => {
            let stream = TcpStream::connect(address).await?;
            set_nodelay(&stream, address);
            Ok(Box::new(stream))
        }
        (Target::Ssl(address), Some(tls)) => {
            let stream = TcpStream::connect(address).await?;
            set_nodelay(&stream, address);
            let name = ServerName::IpAddress(address.ip().into());
            Ok(Box::new(tls.connector.connect(name, stream).await?))
        }
        (Target::Ssl(_), None) => Err(io::Error::other("no key and certificate for TLS")),
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Send + Unpin>(controller: &Controller, stream: S, peer: String) {
    let (read, write) = tokio::io::split(stream);
    driver::run(read, write, peer, controller.core().clone()).await;
}

fn set_nodelay(stream: &TcpStream, peer: &SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        warn!(%peer, %error, "cannot set TCP_NODELAY");
    }
}

/// What connections come from.
trait Listener: Send + Sync {
    type Stream: Send;

    /// The next connection, and who it is.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, String)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, String)> {
        let (stream, peer) = self.accept().await?;
        set_nodelay(&stream, &peer);
        Ok((stream, peer.to_string()))
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, String)> {
        let (stream, _) = self.accept().await?;
        Ok((stream, "unix".to_owned()))
    }
}

/// Accepts until the controller ends.
async fn accept_all<L: Listener>(
    controller: Controller,
    listener: L,
    take: impl Fn(&Controller, L::Stream, String),
) {
    /// After a failure such as too many open files, which only time can mend.
    const PAUSE: Duration = Duration::from_millis(100);
    let core: Arc<Core> = controller.core().clone();
    let mut stop = core.stop.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.next() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => take(&controller, stream, peer),
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_are_written() {
        for text in ["tcp:127.0.0.1:6653", "ssl:[::1]:6653", "unix:/run/openvswitch/s1.mgmt"] {
            assert_eq!(text.parse::<Target>().expect("a target").to_string(), text);
        }
        for wrong in ["127.0.0.1:6653", "tcp:127.0.0.1", "ptcp:6653", "unix:", "ssl:host:6653", ""] {
            assert_eq!(wrong.parse::<Target>(), Err(ParseTargetError(wrong.to_owned())));
        }
    }
}
