//! The side of those who ask.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use testbed::Running;

use super::{LONGEST_LINE, Reply, Request, SOCKET};
use crate::cli::shell::Next;
use crate::cli::trace::{Packet, Way};

/// A connection to a running network.
pub(crate) struct Client {
    stream: BufReader<UnixStream>,
    name: String,
}

impl Client {
    /// Connects to the network.
    pub(crate) fn connect(network: &Running) -> Result<Client> {
        let path = network.directory.join(SOCKET);
        let stream = UnixStream::connect(&path).with_context(|| {
            format!("{} is not up yet, or cannot be reached by {}", network.name, path.display())
        })?;
        Ok(Client { stream: BufReader::new(stream), name: network.name.clone() })
    }

    /// Has a line of the shell done: what it shows, and what is to be done next.
    pub(crate) fn line(&mut self, line: &str) -> Result<(String, Result<Next>)> {
        match self.ask(&Request::Line(line.to_owned()))? {
            Reply::Line { output, next } => Ok((output, next.map_err(anyhow::Error::msg))),
            other => self.surprised(&other),
        }
    }

    /// The words that the shell completes.
    pub(crate) fn words(&mut self) -> Result<Vec<String>> {
        match self.ask(&Request::Words)? {
            Reply::Words(words) => Ok(words),
            other => self.surprised(&other),
        }
    }

    /// What the network is.
    pub(crate) fn inspect(&mut self) -> Result<Value> {
        match self.ask(&Request::Inspect)? {
            Reply::Network(value) => Ok(value),
            other => self.surprised(&other),
        }
    }

    /// The way of a packet through the network as it is.
    pub(crate) fn trace(&mut self, packet: &Packet) -> Result<Way> {
        match self.ask(&Request::Trace(packet.clone()))? {
            Reply::Trace(way) => way.map_err(anyhow::Error::msg),
            other => self.surprised(&other),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Reply> {
        let gone = || format!("{} has ended", self.name);
        let mut text = serde_json::to_vec(request)?;
        text.push(b'\n');
        self.stream.get_mut().write_all(&text).with_context(gone)?;
        let mut line = Vec::new();
        self.stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).with_context(gone)?;
        if line.last() != Some(&b'\n') {
            bail!(gone());
        }
        serde_json::from_slice(&line).with_context(|| self.other_version())
    }

    fn surprised<T>(&self, reply: &Reply) -> Result<T> {
        tracing::debug!(?reply, "an answer to another question");
        bail!(self.other_version())
    }

    fn other_version(&self) -> String {
        format!("{} is run by another version of flowbed; use that one", self.name)
    }
}
