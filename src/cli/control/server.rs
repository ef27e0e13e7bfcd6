//! The side of the running network.

use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use flowbed::Lab;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{LONGEST_LINE, Reply, Request, SOCKET};
use crate::cli::{shell, trace};

/// More than people have shells. Who comes then waits until another has left.
const MOST_CONNECTIONS: usize = 64;

/// The socket of a network that is up.
pub(crate) struct Server {
    listener: UnixListener,
}

impl Server {
    /// Makes the socket in a run directory; it goes with the directory.
    pub(crate) fn open(directory: &Path) -> Result<Server> {
        let path = directory.join(SOCKET);
        let listener = UnixListener::bind(&path)
            .with_context(|| format!("cannot make the socket {}", path.display()))?;
        Ok(Server { listener })
    }

    /// Answers whoever asks, for ever; `inspect` describes the network. What a line does is done to its end even if the
    /// asker goes away meanwhile.
    pub(crate) async fn serve(self, lab: &Lab, inspect: impl Fn() -> Value) -> Result<()> {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                    Ok((stream, _)) => connections.push(attend(stream, lab, &inspect)),
                    // The one that came has gone again, or descriptors are short: the next may fare better.
                    Err(error) => {
                        tracing::warn!(%error, "cannot take a connection to the control socket");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    }
                },
                Some(ended) = connections.next() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection to the control socket broke");
                    }
                }
            }
        }
    }
}

/// Answers one who asks until they have no more questions.
async fn attend(stream: UnixStream, lab: &Lab, inspect: &impl Fn() -> Value) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read).take(LONGEST_LINE);
    let mut line = Vec::new();
    loop {
        line.clear();
        read.set_limit(LONGEST_LINE);
        read.read_until(b'\n', &mut line).await?;
        if line.pop() != Some(b'\n') {
            // The end, or a line beyond all measure.
            return Ok(());
        }
        let reply = match serde_json::from_slice(&line) {
            Ok(request) => answer(request, lab, inspect).await,
            Err(error) => Reply::Unknown(error.to_string()),
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        write.write_all(&text).await?;
    }
}

async fn answer(request: Request, lab: &Lab, inspect: &impl Fn() -> Value) -> Reply {
    match request {
        Request::Line(line) => {
            let mut output = Vec::new();
            let next = shell::perform(lab, &line, &mut output).await.map_err(|error| format!("{error:#}"));
            Reply::Line { output: String::from_utf8_lossy(&output).into_owned(), next }
        }
        Request::Words => Reply::Words(shell::words(lab)),
        Request::Inspect => Reply::Network(inspect()),
        Request::Trace(packet) => {
            Reply::Trace(trace::in_lab(lab, &packet).await.map_err(|error| format!("{error:#}")))
        }
    }
}
