//! Messages on standard output, complaints on standard error.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use openflow::Message;
use openflow::capture::Seen;
use openflow::json::Json;
use serde::Serialize;

use super::time::Utc;
use crate::cli::Outcome;

#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Text,
    Json,
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
        self.out.flush().context(CANNOT_WRITE)
    }

    fn line(&mut self, line: impl Display) -> Result<()> {
        writeln!(self.out, "{line}").context(CANNOT_WRITE)
    }

    /// Prints a message, or complains of it, naming its place. Of a captured one it is told when it
    /// was seen, and who sent it to whom.
    pub(super) fn message(&mut self, frame: Bytes, place: impl Display, route: Option<&Route>) -> Result<()> {
        let message = match Message::decode(frame) {
            Ok(message) => message,
            Err(error) => return self.complain(&format!("{place}: {error}")),
        };
        match self.format {
            Format::Text => {
                if let Some(route) = route {
                    self.line(route)?;
                }
                self.line(&message)
            }
            Format::Json => self.json(&message, route),
            Format::Hex => {
                let mut wire = BytesMut::new();
                match message.encode(&mut wire) {
                    Ok(()) => self.line(wire.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
                    Err(error) => self.complain(&format!("{place}: {error}")),
                }
            }
        }
    }

    fn json(&mut self, message: &Message, route: Option<&Route>) -> Result<()> {
        let object = Line { route, message: Json(message) };
        serde_json::to_writer(&mut self.out, &object).map_err(io::Error::from).context(CANNOT_WRITE)?;
        self.line("")
    }
}

const CANNOT_WRITE: &str = "cannot write to standard output";

/// A message as an object, of a captured one with its route in front.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    route: Option<&'a Route>,
    #[serde(flatten)]
    message: Json<'a>,
}

/// When a message was seen, from whom and to whom.
#[derive(Serialize)]
pub(super) struct Route {
    pub(super) time: String,
    pub(super) source: String,
    pub(super) destination: String,
    /// Whether it is the controller who sent it.
    #[serde(skip)]
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
