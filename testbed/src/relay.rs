//! The way from the fabric to a controller outside of it.
//!
//! Switches connect to a listening socket inside the fabric; each connection is carried on by
//! one that this process makes in the machine's own namespace. The controller sees ordinary TCP
//! connections. When it is away, the switch's connection is closed at once, so that the switch
//! knows and tries again by its own rules.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::error::Error;
use crate::fabric::Fabric;
use crate::tasks::Tasks;

/// How long a connection to the controller may take; the switch tries again afterwards.
const PATIENCE: Duration = Duration::from_secs(5);

/// After a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// The controller at the far end.
struct Target {
    host: String,
    port: u16,
    /// Whether the last connection failed.
    away: AtomicBool,
}

/// Starts a relay to `host`:`port` and returns the address in the fabric that stands for it. It
/// runs as long as `tasks`.
pub(crate) fn start(fabric: &Fabric, host: &str, port: u16, tasks: &Tasks) -> Result<SocketAddr, Error> {
    let target = Arc::new(Target { host: host.to_owned(), port, away: AtomicBool::new(false) });
    let object = || format!("a relay to {host}:{port}");
    let listener = fabric.listen((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = listener.local_addr().map_err(Error::system("start", object()))?;
    let listener = TcpListener::from_std(listener).map_err(Error::system("start", object()))?;
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((switch, _)) => {
                        connections.spawn(carry(switch, Arc::clone(&target)));
                    }
                    // Out of descriptors, most likely, which only time can mend.
                    Err(error) => {
                        tracing::warn!(%error, "relay cannot accept a switch");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    });
    Ok(address)
}

async fn carry(mut switch: TcpStream, target: Arc<Target>) {
    let connecting = TcpStream::connect((target.host.as_str(), target.port));
    let connected = tokio::time::timeout(PATIENCE, connecting).await;
    let mut controller = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => stream,
        Err(error) => {
            // Switches try again and again; the first failure in a row says it all.
            if !target.away.swap(true, Ordering::Relaxed) {
                let Target { host, port, .. } = &*target;
                tracing::warn!(%error, host, port, "cannot connect to the controller; switches try again");
            }
            return;
        }
    };
    target.away.store(false, Ordering::Relaxed);
    // OpenFlow messages are small and awaited: no Nagle delays.
    let _ = switch.set_nodelay(true);
    let _ = controller.set_nodelay(true);
    if let Err(error) = copy_bidirectional(&mut switch, &mut controller).await {
        tracing::debug!(%error, "a relayed connection ended");
    }
}
