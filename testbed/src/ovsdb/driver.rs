//! The task behind a [`Client`](super::Client): one connection at a time, mended when it breaks.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use serde_json::{Map, Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::client::Options;
use super::error::Error;
use super::frame::Splitter;
use super::monitor::{self, Columns, End, Mailbox};

/// Requests without an answer at which no more are sent.
const MAX_WAITING: usize = 1024;

/// Unsent bytes at which nothing more is taken in: a server that does not read is not read.
const MAX_UNSENT: usize = 1 << 20;

/// The server's `id` is ours, written back: requests have numbers, our probes have this.
const PROBE_ID: &str = "probe";

type Reply<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Command {
    Call { method: &'static str, params: Json, reply: Reply<Json> },
    Monitor { tables: Vec<Columns>, mailbox: Arc<Mailbox>, reply: Reply<()> },
}

impl Command {
    /// Answers without asking the server.
    fn fail(self, why: &str) {
        let disconnected = |method| Error::Disconnected { method, why: why.to_owned() };
        // Who has given up waiting does not miss the answer.
        match self {
            Command::Call { method, reply, .. } => {
                let _ = reply.send(Err(disconnected(method)));
            }
            Command::Monitor { reply, .. } => {
                let _ = reply.send(Err(disconnected("monitor")));
            }
        }
    }
}

/// A request that the server has not answered.
enum Waiting {
    Call {
        method: &'static str,
        reply: Reply<Json>,
    },
    /// The first time with a caller who waits, after a reconnection without.
    Monitor {
        number: u64,
        reply: Option<Reply<()>>,
    },
}

impl Waiting {
    fn is_given_up(&self) -> bool {
        match self {
            Waiting::Call { reply, .. } => reply.is_closed(),
            Waiting::Monitor { reply, .. } => reply.as_ref().is_some_and(Reply::is_closed),
        }
    }

    fn fail(self, error: impl FnOnce(&'static str) -> Error) {
        match self {
            Waiting::Call { method, reply } => {
                let _ = reply.send(Err(error(method)));
            }
            Waiting::Monitor { reply: Some(reply), .. } => {
                let _ = reply.send(Err(error("monitor")));
            }
            Waiting::Monitor { reply: None, .. } => {}
        }
    }
}

struct Watch {
    tables: Vec<Columns>,
    mailbox: Arc<Mailbox>,
    /// Whether the server ever granted it; only then it is asked for again.
    granted: bool,
}

impl Watch {
    /// The monitor itself is the other holder.
    fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.mailbox) == 1
    }
}

pub(super) struct Driver<C> {
    connect: C,
    options: Arc<Options>,
    commands: mpsc::Receiver<Command>,
    waiting: HashMap<u64, Waiting>,
    watches: HashMap<u64, Watch>,
    next_number: u64,
    unsent: BytesMut,
    /// Whether the present connection has said anything sensible.
    heard: bool,
}

impl<C> Drop for Driver<C> {
    fn drop(&mut self) {
        for watch in self.watches.values() {
            watch.mailbox.end(End::Client);
        }
    }
}

impl<S, C, F> Driver<C>
where
    S: AsyncRead + AsyncWrite,
    F: Future<Output = io::Result<S>>,
    C: FnMut() -> F,
{
    pub(super) fn new(connect: C, options: Arc<Options>, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            connect,
            options,
            commands,
            waiting: HashMap::new(),
            watches: HashMap::new(),
            next_number: 0,
            unsent: BytesMut::new(),
            heard: false,
        }
    }

    /// Until the last client is gone.
    pub(super) async fn run(mut self, first: S) {
        let mut stream = Some(first);
        let mut backoff = self.options.first_backoff;
        let mut why = String::new();
        loop {
            if let Some(stream) = stream.take() {
                match self.converse(stream).await {
                    ControlFlow::Break(()) => return,
                    ControlFlow::Continue(reason) => why = reason,
                }
                tracing::debug!(%why, "lost the database server");
                self.disconnected(&why);
                if self.heard {
                    backoff = self.options.first_backoff;
                }
            }
            if self.refuse_until(Instant::now() + backoff, &why).await.is_break() {
                return;
            }
            backoff = (backoff * 2).min(self.options.max_backoff);
            match (self.connect)().await {
                Ok(connected) => stream = Some(connected),
                Err(error) => why = format!("cannot connect again: {error}"),
            }
        }
    }

    /// Answers requests with why they cannot be sent, until `pause` is over or all clients gone.
    async fn refuse_until(&mut self, pause: Instant, why: &str) -> ControlFlow<()> {
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => command.fail(why),
                    None => return ControlFlow::Break(()),
                },
                () = tokio::time::sleep_until(pause) => return ControlFlow::Continue(()),
            }
        }
    }

    /// Serves one connection. Breaks when all clients are gone, continues with the reason when
    /// the connection is.
    async fn converse(&mut self, stream: S) -> ControlFlow<(), String> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut splitter = Splitter::new(self.options.max_message);
        let mut received = BytesMut::new();
        let mut silence = Silence::Heard;
        let mut patience = Instant::now() + self.options.probe_interval;
        self.heard = false;
        self.watch_again();
        loop {
            let takes_more = self.unsent.len() < MAX_UNSENT;
            // Where both sides wait for the other to read, the probe's deadline ends it.
            tokio::select! {
                count = reader.read_buf(&mut received), if takes_more => {
                    match count {
                        Ok(0) => return ControlFlow::Continue("the server closed the connection".to_owned()),
                        Ok(_) => {}
                        Err(error) => return ControlFlow::Continue(error.to_string()),
                    }
                    loop {
                        match splitter.next(&mut received) {
                            Ok(Some(message)) => self.receive(message),
                            Ok(None) => break,
                            Err(error) => return ControlFlow::Continue(error.to_string()),
                        }
                    }
                    silence = Silence::Heard;
                    patience = Instant::now() + self.options.probe_interval;
                }
                count = writer.write(&self.unsent), if !self.unsent.is_empty() => {
                    match count {
                        Ok(0) => return ControlFlow::Continue("the server takes no more".to_owned()),
                        Ok(count) => self.unsent.advance(count),
                        Err(error) => return ControlFlow::Continue(error.to_string()),
                    }
                }
                command = self.commands.recv(), if takes_more && self.waiting.len() < MAX_WAITING => {
                    match command {
                        Some(command) => self.send(command),
                        None => return ControlFlow::Break(()),
                    }
                }
                () = tokio::time::sleep_until(patience) => {
                    if silence == Silence::Probed {
                        return ControlFlow::Continue("the server answers no probe".to_owned());
                    }
                    silence = Silence::Probed;
                    patience = Instant::now() + self.options.probe_interval;
                    self.waiting.retain(|_, waiting| !waiting.is_given_up());
                    self.post(&json!({"method": "echo", "params": [], "id": PROBE_ID}));
                }
            }
        }
    }
}

/// What the server's silence has led to.
#[derive(PartialEq)]
enum Silence {
    Heard,
    Probed,
}

impl<C> Driver<C> {
    fn post(&mut self, message: &Json) {
        self.unsent.extend_from_slice(message.to_string().as_bytes());
    }

    fn request(&mut self, method: &'static str, params: &Json, waiting: Waiting) {
        let number = self.number();
        self.waiting.insert(number, waiting);
        self.post(&json!({"method": method, "params": params, "id": number}));
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn send(&mut self, command: Command) {
        match command {
            Command::Call { method, params, reply } => {
                self.request(method, &params, Waiting::Call { method, reply })
            }
            Command::Monitor { tables, mailbox, reply } => {
                let number = self.number();
                let watch = Watch { tables, mailbox, granted: false };
                self.watches.insert(number, watch);
                self.watch(number, Some(reply));
            }
        }
    }

    fn watch(&mut self, number: u64, reply: Option<Reply<()>>) {
        let Some(watch) = self.watches.get(&number) else {
            return;
        };
        let params = json!([self.options.database, number, monitor::requests(&watch.tables)]);
        self.request("monitor", &params, Waiting::Monitor { number, reply });
    }

    /// On a new connection: the server has forgotten the monitors of the one before.
    fn watch_again(&mut self) {
        self.watches.retain(|_, watch| watch.granted && !watch.is_abandoned());
        let numbers: Vec<_> = self.watches.keys().copied().collect();
        for number in numbers {
            self.watch(number, None);
        }
    }

    fn disconnected(&mut self, why: &str) {
        self.unsent.clear();
        for (_, waiting) in self.waiting.drain() {
            waiting.fail(|method| Error::Disconnected { method, why: why.to_owned() });
        }
    }

    /// Takes one message (RFC 7047 §4: request, response or notification).
    fn receive(&mut self, mut message: Map<String, Json>) {
        self.heard = true;
        let id = message.remove("id").unwrap_or(Json::Null);
        let Some(method) = message.remove("method") else {
            self.respond(&id, message);
            return;
        };
        let params = message.remove("params").unwrap_or(Json::Null);
        match (method.as_str(), &id) {
            (Some("echo"), id) if !id.is_null() => {
                self.post(&json!({"result": params, "error": null, "id": id}));
            }
            (Some("update"), _) => self.update(&params),
            (_, Json::Null) => tracing::debug!(%method, "notification ignored"),
            (_, id) => {
                self.post(&json!({"result": null, "error": "unknown method", "id": id}));
            }
        }
    }

    /// RFC 7047 §4.1.6: params are the monitor's name (the number that we gave) and the changes.
    fn update(&mut self, params: &Json) {
        let number = params.get(0).and_then(Json::as_u64);
        let Some((number, watch)) = number.and_then(|number| Some((number, self.watches.get(&number)?)))
        else {
            tracing::debug!("update of an unknown monitor ignored");
            return;
        };
        if watch.is_abandoned() {
            self.watches.remove(&number);
            // The answer bears a number that nobody waits for, and is ignored.
            let id = self.number();
            self.post(&json!({"method": "monitor_cancel", "params": [number], "id": id}));
            return;
        }
        match monitor::updates_from_json(params.get(1).unwrap_or(&Json::Null)) {
            Ok(tables) => watch.mailbox.changes(tables),
            Err(error) => tracing::warn!(%error, "update ignored"),
        }
    }

    fn respond(&mut self, id: &Json, mut message: Map<String, Json>) {
        // Not ours (any more): given up, or a probe's answer.
        let Some(waiting) = id.as_u64().and_then(|id| self.waiting.remove(&id)) else {
            return;
        };
        let result = message.remove("result").unwrap_or(Json::Null);
        let refusal = match message.remove("error") {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text),
            Some(other) => Some(match (&other["error"], &other["details"]) {
                (Json::String(error), Json::String(details)) => format!("{error}: {details}"),
                _ => other.to_string(),
            }),
        };
        match (waiting, refusal) {
            (Waiting::Call { method, reply }, Some(reason)) => {
                let _ = reply.send(Err(Error::Refused { method, reason }));
            }
            (Waiting::Call { reply, .. }, None) => {
                let _ = reply.send(Ok(result));
            }
            (Waiting::Monitor { number, reply }, Some(reason)) => {
                self.unwatch(number, reply, reason);
            }
            (Waiting::Monitor { number, reply }, None) => {
                self.watched(number, reply, &result);
            }
        }
    }

    fn watched(&mut self, number: u64, reply: Option<Reply<()>>, result: &Json) {
        let Some(watch) = self.watches.get_mut(&number) else {
            return;
        };
        match monitor::updates_from_json(result) {
            Ok(tables) => {
                watch.granted = true;
                watch.mailbox.everything(tables);
                if let Some(reply) = reply {
                    let _ = reply.send(Ok(()));
                }
            }
            Err(error) => self.unwatch(number, reply, error.to_string()),
        }
    }

    fn unwatch(&mut self, number: u64, reply: Option<Reply<()>>, reason: String) {
        let watch = self.watches.remove(&number);
        match (reply, watch) {
            (Some(reply), _) => {
                let _ = reply.send(Err(Error::Refused { method: "monitor", reason }));
            }
            (None, Some(watch)) => watch.mailbox.end(End::Refused(reason)),
            (None, None) => {}
        }
    }
}
