//! `flowbed decode`: OpenFlow bytes to text, to JSON, or back to hex.

mod captured;
mod hex_dump;
mod hex_text;
mod printer;
mod raw;
mod time;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, Result};
use openflow::capture::{Capture, PORTS};

use self::printer::{Format, Printer};
use super::Outcome;

/// What `flowbed decode --help` says.
pub(crate) const ABOUT: &str = "Print OpenFlow messages: hex text or dumps, a raw stream, or a capture (pcap, pcapng).\n\n\
    What the input is shows in its first bytes. Hex text may have blanks, line ends, 0x and # comments; or it is a hex \
    dump, as ovs-ofctl, hexdump -C and xxd print it. \
    A message that can't be read is told on standard error, the others are printed all the same, and the \
    exit status is 1.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to read; - is standard input
    #[arg(default_value = "-")]
    file: PathBuf,
    /// One JSON object a message (docs/json.md)
    #[arg(long, conflicts_with = "hex")]
    json: bool,
    /// The bytes of each message, encoded anew, in hex, one message a line
    #[arg(long)]
    hex: bool,
    /// The controller's TCP port in a capture, may be given several times [default: 6653 6633]
    #[arg(long = "port", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    ports: Vec<u16>,
}

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let format = match (args.json, args.hex) {
        (true, _) => Format::Json,
        (_, true) => Format::Hex,
        _ => Format::Text,
    };
    let mut printer = Printer::new(format);
    let decoded = decode(args, &mut printer).and_then(|()| printer.flush());
    match decoded {
        // Whoever reads has seen enough.
        Err(error) if is_closed_pipe(&error) => {}
        decoded => decoded?,
    }
    Ok(printer.outcome())
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

fn decode(args: &Args, printer: &mut Printer) -> Result<()> {
    let mut input: Input = if args.file.as_os_str() == "-" {
        Input { name: "standard input".to_owned(), reader: Box::new(io::stdin().lock()) }
    } else {
        let name = args.file.display().to_string();
        let file = File::open(&args.file).with_context(|| cannot_open(&name))?;
        Input { name, reader: Box::new(file) }
    };
    let start = input.start()?;
    match start.first() {
        None => printer.complain(&format!("{} is empty", input.name)),
        Some(_) if Capture::looks_like(&start) => {
            let ports = if args.ports.is_empty() { &PORTS[..] } else { &args.ports };
            captured::print(input, start, ports, printer)
        }
        Some(_) if start.starts_with(&GZIP) => {
            printer.complain(&format!("{} is compressed with gzip; give what zcat makes of it", input.name))
        }
        Some(_) if hex_dump::starts(&start) => hex_dump::print(input, start, printer),
        Some(byte) if hex_text::may_start_with(*byte) => hex_text::print(input, start, printer),
        Some(version @ 1..=6) => {
            debug_assert!(!hex_text::may_start_with(*version));
            raw::print(input, start, printer)
        }
        Some(_) => printer.complain(&format!(
            "{} is neither hex text nor OpenFlow nor a capture: it starts with {}",
            input.name,
            start.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>()
        )),
    }
}

/// How a file that gzip made begins (RFC 1952 §2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A message may have been meant, in hex.
fn cannot_open(name: &str) -> String {
    let is_hex = name.len() >= 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hint = if is_hex {
        "; hex text is read from a file or from standard input: echo HEX | flowbed decode"
    } else {
        ""
    };
    format!("cannot open {name}{hint}")
}

/// What is read, a chunk at a time.
struct Input {
    name: String,
    reader: Box<dyn Read>,
}

impl Input {
    /// The first bytes: at least the four that tell what it is, unless there are fewer.
    fn start(&mut self) -> Result<Vec<u8>> {
        let mut start = Vec::new();
        while start.len() < 4 && self.read_more(&mut start)? > 0 {}
        Ok(start)
    }

    /// Appends what is there to be read; how many bytes, 0 at the end.
    fn read_more(&mut self, to: &mut Vec<u8>) -> Result<usize> {
        let mut chunk = [0; CHUNK];
        let read = loop {
            match self.reader.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.with_context(|| format!("cannot read {}", self.name))?,
            }
        };
        to.extend_from_slice(&chunk[..read]);
        Ok(read)
    }
}
