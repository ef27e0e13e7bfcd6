//! Hex dumps, as `ovs-ofctl ofp-print`, `hexdump -C` and `xxd` print them: lines of an offset, bytes and characters.
//! Each dump that begins at offset 0 begins with a message. Lines of another kind, such as what Open vSwitch says of the
//! message, are passed over.

use anyhow::Result;
use bytes::BytesMut;
use openflow::frame;

use super::Input;
use super::printer::Printer;
use super::raw::{broken_off, lost};

/// No line of a dump is longer; of others no more is kept.
const LONG: usize = 256;

/// The most bytes for which a line with an asterisk stands, which says that they are as those before it.
const MOST_REPEATED: usize = 1 << 20;

/// Whether this is how a dump starts: with offset 0, where no message can start, or with a word of Open vSwitch's.
pub(super) fn starts(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    [&b"0000"[..], b"OFP", b"NX", b"ONF"].iter().any(|it| text.starts_with(it))
        || start
            .split(|byte| *byte == b'\n')
            .any(|line| row(line).is_some_and(|(offset, bytes)| offset == 0 && !bytes.is_empty()))
}

pub(super) fn print(mut input: Input, start: Vec<u8>, printer: &mut Printer) -> Result<()> {
    let mut dump = Dump::default();
    let mut line = Vec::new();
    let mut chunk = start;
    while !chunk.is_empty() {
        for byte in &chunk {
            match byte {
                b'\n' => {
                    dump.line(&line, printer)?;
                    line.clear();
                }
                byte if line.len() < LONG => line.push(*byte),
                _ => {}
            }
        }
        printer.flush()?;
        chunk.clear();
        input.read_more(&mut chunk)?;
    }
    dump.line(&line, printer)?;
    dump.end(printer)?;
    if dump.rows == 0 {
        printer.complain(&format!("{} is text without a hex dump of OpenFlow", input.name))?;
    }
    Ok(())
}

/// The offset and the bytes of a line; `None` for one of another kind.
fn row(line: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (offset, rest) = line.split_at_checked(8)?;
    if !offset.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let offset = usize::from_str_radix(std::str::from_utf8(offset).ok()?, 16).ok()?;
    let digits = match rest.trim_ascii_end() {
        [] => return Some((offset, Vec::new())),
        // xxd: two blanks stand before the characters.
        [b':', b' ', rest @ ..] => {
            let end = rest.windows(2).position(|pair| pair == b"  ").unwrap_or(rest.len());
            &rest[..end]
        }
        // The others: the characters stand between bars.
        [b' ', b' ', rest @ ..] => rest.split(|byte| *byte == b'|').next()?,
        _ => return None,
    };
    let digits: Vec<u8> = digits.iter().copied().filter(|byte| !matches!(byte, b' ' | b'-')).collect();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes.filter(|bytes| rest.is_empty() && !bytes.is_empty()).map(|bytes| (offset, bytes))
}

/// A dump so far.
#[derive(Default)]
struct Dump {
    /// Lines before this one; lines that were of a dump.
    lines: usize,
    rows: usize,
    /// The line in which the message begins that waits for its rest.
    begun: usize,
    waiting: BytesMut,
    /// The offset that comes next.
    next: usize,
    /// The bytes of the last line, and whether they are repeated up to the next.
    last: Vec<u8>,
    repeated: bool,
    /// What follows can't be told apart, up to the next dump.
    lost: bool,
}

impl Dump {
    fn line(&mut self, line: &[u8], printer: &mut Printer) -> Result<()> {
        self.lines += 1;
        if line.trim_ascii() == b"*" {
            self.repeated = true;
            return Ok(());
        }
        let Some((offset, bytes)) = row(line) else { return Ok(()) };
        self.rows += 1;
        if offset == 0 && !bytes.is_empty() {
            self.end(printer)?;
            (self.next, self.repeated, self.lost) = (0, false, false);
        }
        if self.lost {
            return Ok(());
        }
        if std::mem::take(&mut self.repeated) {
            self.repeat(offset);
        }
        if offset != self.next {
            let what = format!("line {}: offset {offset:#x} where {:#x} comes next", self.lines, self.next);
            return self.lose(&what, printer);
        }
        self.next += bytes.len();
        self.take(&bytes, printer)?;
        self.last = bytes;
        Ok(())
    }

    /// The last line again, until this offset is reached.
    fn repeat(&mut self, offset: usize) {
        let missing = offset.saturating_sub(self.next);
        if self.last.is_empty() || missing > MOST_REPEATED {
            return;
        }
        while self.next + self.last.len() <= offset {
            self.waiting.extend_from_slice(&self.last);
            self.next += self.last.len();
        }
    }

    /// Prints what is whole.
    fn take(&mut self, bytes: &[u8], printer: &mut Printer) -> Result<()> {
        if self.waiting.is_empty() {
            self.begun = self.lines;
        }
        self.waiting.extend_from_slice(bytes);
        loop {
            match frame::next(&mut self.waiting) {
                Ok(Some(frame)) => {
                    printer.message(frame, format_args!("line {}", self.begun), None)?;
                    self.begun = self.lines;
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    let what = format!("line {}: {}", self.begun, lost(&error));
                    return self.lose(&what, printer);
                }
            }
        }
    }

    fn lose(&mut self, what: &str, printer: &mut Printer) -> Result<()> {
        self.lost = true;
        self.waiting.clear();
        printer.complain(what)
    }

    /// What waits for its rest has been cut.
    fn end(&mut self, printer: &mut Printer) -> Result<()> {
        match std::mem::take(&mut self.waiting).len() {
            0 => Ok(()),
            left => printer.complain(&format!("line {}: {}", self.begun, broken_off(left))),
        }
    }
}
