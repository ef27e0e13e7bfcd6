//! Messages on standard output, complaints on standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use openflow::Message;
use openflow::capture::Seen;

use super::time::Utc;
use crate::cli::Outcome;

#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Text,
    Hex,
}

pub(super) struct Printer {
    out: BufWriter<StdoutLock<'static>>,
    format: Format,
    outcome: Outcome,
}

impl Printer {
    pub(super) fn new(format: Format) -> Printer {
        Printer { out: BufWriter::new(io::stdout().lock()), format, outcome: Outcome::Good }
    }

    /// Whether all could be read.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Tells what can't be read, behind all that could before.
    pub(super) fn complain(&mut self, what: &str) -> Result<()> {
        self.flush()?;
        self.outcome = Outcome::Failed;
        eprintln!("flowbed: {what}");
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().context("cannot write to standard output")
    }

    fn line(&mut self, line: impl Display) -> Result<()> {
        writeln!(self.out, "{line}").context("cannot write to standard output")
    }

    /// Prints a message, or complains of it, naming its place. Of a captured one it is told when it
    /// was seen, and who sent it to whom.
    pub(super) fn message(&mut self, frame: Bytes, place: impl Display, seen: Option<&Route>) -> Result<()> {
        let message = match Message::decode(frame) {
            Ok(message) => message,
            Err(error) => return self.complain(&format!("{place}: {error}")),
        };
        match self.format {
            Format::Text => {
                if let Some(route) = seen {
                    self.line(route)?;
                }
                self.line(&message)
            }
            Format::Hex => {
                let mut wire = BytesMut::new();
                match message.encode(&mut wire) {
                    Ok(()) => self.line(wire.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
                    Err(error) => self.complain(&format!("{place}: {error}")),
                }
            }
        }
    }
}

/// When a message was seen, from whom and to whom.
pub(super) struct Route {
    pub(super) time: String,
    pub(super) source: String,
    pub(super) destination: String,
    /// Whether it is the controller who sent it.
    pub(super) from_controller: bool,
}

impl Route {
    pub(super) fn new(seen: &Seen, controller_ports: &[u16]) -> Route {
        Route {
            time: Utc(seen.time).to_string(),
            source: seen.from.to_string(),
            destination: seen.to.to_string(),
            from_controller: controller_ports.contains(&seen.from.port()),
        }
    }
}

impl Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Route { time, source, destination, from_controller } = self;
        let direction = if *from_controller { "to switch" } else { "to controller" };
        write!(f, "{time} {source} > {destination} {direction}")
    }
}
