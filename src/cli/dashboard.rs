//! `--web ADDR`: the dashboard beside a network or a controller.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use testbed::{LinkState, Testbed};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use web::collect::Sources;
use web::{Command, Refusal};

/// A dashboard that is being served. It ends when this is dropped.
pub(crate) struct Dashboard {
    /// Its address, with the token.
    pub(crate) url: String,
    _stop: oneshot::Sender<()>,
    collecting: JoinHandle<()>,
}

/// The dashboard's address, taken before there is anything to show there: that it is in use is known before a
/// network is up.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot serve the dashboard on {address}; choose another address, or port 0 for any free port"
        )
    })
}

impl Dashboard {
    /// Serves on `listener`. What the page asks for comes out of the returned channel.
    pub(crate) fn start(listener: TcpListener, sources: Sources) -> Result<(Dashboard, Receiver<Command>)> {
        let token = web::Token::generate()?;
        let url = web::url(listener.local_addr()?, &token);
        let (publisher, feed) = web::feed();
        let (commands, inbox) = channel(16);
        let (stop, stopped) = oneshot::channel::<()>();
        let collecting = tokio::spawn(web::collect::run(sources, publisher));
        tokio::spawn(async move {
            let shutdown = async {
                // Sent or dropped: either way it is over.
                let _ = stopped.await;
            };
            if let Err(error) = web::Server::new(feed, commands, token).serve(listener, shutdown).await {
                tracing::error!(%error, "the dashboard has failed");
            }
        });
        Ok((Dashboard { url, _stop: stop, collecting }, inbox))
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.collecting.abort();
    }
}

/// Carries out what the page asks for, on an emulated network.
pub(crate) async fn obey(testbed: &Testbed, mut inbox: Receiver<Command>) {
    while let Some(command) = inbox.recv().await {
        match command {
            Command::SetLink { id, state, reply } => {
                // Who asked may have stopped waiting.
                let _ = reply.send(set_link(testbed, id, state).await);
            }
            other => tracing::warn!(?other, "unknown command from the page"),
        }
    }
}

async fn set_link(testbed: &Testbed, id: String, state: web::view::LinkState) -> Result<(), Refusal> {
    let link = testbed.links().iter().position(|link| web::collect::link_id(link) == id);
    let Some(link) = link else {
        return Err(Refusal::UnknownLink { id });
    };
    let state = match state {
        web::view::LinkState::Up => LinkState::Up,
        web::view::LinkState::Down => LinkState::Down,
    };
    testbed.set_link(link, state).await.map_err(|error| Refusal::Failed { id, reason: error.with_sources() })
}

/// Refuses what the page asks for, on a network that is not ours.
pub(crate) async fn refuse(mut inbox: Receiver<Command>) {
    while let Some(command) = inbox.recv().await {
        match command {
            Command::SetLink { id, reply, .. } => {
                // Who asked may have stopped waiting.
                let _ = reply.send(Err(Refusal::NotControllable { id }));
            }
            other => tracing::warn!(?other, "unknown command from the page"),
        }
    }
}
