//! The handle that callers hold.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use super::driver::{Command, Driver};
use super::error::Error;
use super::monitor::{Columns, Mailbox, Monitor};
use super::operation::Operation;
use super::outcome::{self, Outcome};

/// How many requests may wait in line before callers are held up.
const QUEUE: usize = 64;

/// How a [`Client`] behaves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The database on the server; one server may have several.
    pub database: String,
    /// How long a request may take, from the call to the answer.
    pub request_timeout: Duration,
    /// Silence after which the server is probed with an `echo`; as much silence again ends the
    /// connection.
    pub probe_interval: Duration,
    /// The pause before the second attempt to connect again; it doubles from attempt to attempt.
    pub first_backoff: Duration,
    /// The longest pause between attempts to connect again.
    pub max_backoff: Duration,
    /// The longest message that is accepted from the server, in bytes.
    pub max_message: usize,
}

impl Options {
    /// The defaults: 10 s for a request, probes every 5 s, pauses from 10 ms to 1 s, messages of
    /// 64 MiB at most.
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            request_timeout: Duration::from_secs(10),
            probe_interval: Duration::from_secs(5),
            first_backoff: Duration::from_millis(10),
            max_backoff: Duration::from_secs(1),
            max_message: 64 << 20,
        }
    }
}

/// A connection to a database server that mends itself. Cheap to clone; it ends with the last
/// clone.
///
/// When the connection is lost, requests under way fail with [`Error::Disconnected`], and so do
/// new ones until it is back; monitors go on by themselves with an event that says everything.
#[derive(Debug, Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    options: Arc<Options>,
}

impl Client {
    /// Connects. `connect` is called again whenever the connection is lost.
    ///
    /// # Errors
    /// When the first attempt fails. Later ones are repeated, with growing pauses.
    ///
    /// # Panics
    /// Outside of a tokio runtime with timers.
    pub async fn connect<S, C, F>(mut connect: C, options: Options) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
        C: FnMut() -> F + Send + 'static,
    {
        let stream = connect().await.map_err(Error::Connect)?;
        let (commands, inbox) = mpsc::channel(QUEUE);
        let options = Arc::new(options);
        let driver = Driver::new(connect, Arc::clone(&options), inbox);
        tokio::spawn(driver.run(stream));
        Ok(Self { commands, options })
    }

    /// Carries out all of `operations`, or none (RFC 7047 §4.1.3). The outcomes are in the order
    /// of the operations.
    ///
    /// # Errors
    /// [`Error::Transaction`] names the operation that failed; the others say why there is no
    /// answer.
    pub async fn transact(&self, operations: Vec<Operation>) -> Result<Vec<Outcome>, Error> {
        let mut params = Vec::with_capacity(operations.len() + 1);
        params.push(json!(self.options.database));
        params.extend(operations.iter().map(Operation::to_json));
        let result = self.call("transact", Json::Array(params)).await?;
        outcome::read(&operations, &result)
    }

    /// Watches tables (RFC 7047 §4.1.5).
    ///
    /// # Errors
    /// When the server refuses, or does not answer.
    pub async fn monitor(&self, tables: impl IntoIterator<Item = Columns>) -> Result<Monitor, Error> {
        let mailbox = Arc::new(Mailbox::default());
        let tables: Vec<_> = tables.into_iter().collect();
        let watched = Arc::clone(&mailbox);
        self.ask("monitor", |reply| Command::Monitor { tables, mailbox: watched, reply }).await?;
        Ok(Monitor { mailbox })
    }

    /// Asks the server for a sign of life (RFC 7047 §4.1.11).
    ///
    /// # Errors
    /// When there is none.
    pub async fn echo(&self) -> Result<(), Error> {
        self.call("echo", json!([])).await.map(drop)
    }

    async fn call(&self, method: &'static str, params: Json) -> Result<Json, Error> {
        self.ask(method, |reply| Command::Call { method, params, reply }).await
    }

    async fn ask<T>(
        &self,
        method: &'static str,
        command: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Command,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.commands.send(command(reply)).await.map_err(|_| Error::Ended)?;
            answer.await.map_err(|_| Error::Ended)?
        };
        let after = self.options.request_timeout;
        tokio::time::timeout(after, exchange).await.unwrap_or(Err(Error::TimedOut { method, after }))
    }
}
