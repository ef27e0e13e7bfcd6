//! Hex text: digits with blanks, line ends, `0x` and comments between.

use anyhow::Result;
use bytes::BytesMut;
use openflow::frame::{self, Header};

use super::Input;
use super::printer::Printer;
use super::raw::{broken_off, lost};

/// A line that is longer than this can't be told from several.
const LONG: usize = 256 << 10;

/// Whether hex text can start with this byte; no version of OpenFlow has its number.
pub(super) fn may_start_with(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte.is_ascii_whitespace() || byte == b'#'
}

pub(super) fn print(mut input: Input, start: Vec<u8>, printer: &mut Printer) -> Result<()> {
    let mut text = HexText::new();
    let mut chunk = start;
    while !chunk.is_empty() {
        for byte in &chunk {
            text.take(*byte, printer)?;
        }
        printer.flush()?;
        chunk.clear();
        input.read_more(&mut chunk)?;
    }
    if text.is_bare {
        return printer.complain(&format!("{} is empty but for comments", input.name));
    }
    text.finish(printer)
}

/// What the next character of a line is part of.
#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    /// Nothing so far.
    #[default]
    Between,
    /// Half a byte, the first of its word or not.
    Half { digit: u8, first: bool },
    /// A word of whole bytes.
    Word,
    /// A comment, or what follows a mistake.
    Skip,
}

/// Messages in lines of hex. A message may go on in the next line; but where that line holds whole
/// messages by itself, the one before it has been cut.
struct HexText {
    state: State,
    /// Whether there was nothing but blanks and comments.
    is_bare: bool,
    /// Lines before this one, and characters of this one.
    line: usize,
    column: usize,
    /// The line in which the message begins that waits for its rest.
    begun: usize,
    waiting: BytesMut,
    here: BytesMut,
    /// Whether the line goes beyond what `here` holds.
    long: bool,
}

impl HexText {
    fn new() -> HexText {
        HexText {
            state: State::Between,
            is_bare: true,
            line: 0,
            column: 0,
            begun: 0,
            waiting: BytesMut::new(),
            here: BytesMut::new(),
            long: false,
        }
    }

    fn take(&mut self, byte: u8, printer: &mut Printer) -> Result<()> {
        self.column += 1;
        self.state = match (self.state, byte) {
            (_, b'\n') => return self.end_line(printer),
            (State::Skip, _) => State::Skip,
            (State::Half { .. }, b'#' | b' ' | b'\t' | b'\r' | b':' | b',' | b'-') => {
                return self.mistake("an odd number of digits", printer);
            }
            (_, b'#') => State::Skip,
            (_, b' ' | b'\t' | b'\r' | b':' | b',' | b'-') => State::Between,
            (State::Half { digit: 0, first: true }, b'x' | b'X') => State::Between,
            (state, byte) => match (state, char::from(byte).to_digit(16)) {
                (_, None) => {
                    self.is_bare = false;
                    let what = format!("{:?} is no hex digit", char::from(byte));
                    return self.mistake(&what, printer);
                }
                (State::Half { digit, .. }, Some(low)) => {
                    self.here.extend_from_slice(&[digit << 4 | low as u8]);
                    State::Word
                }
                (state, Some(high)) => {
                    self.is_bare = false;
                    State::Half { digit: high as u8, first: state == State::Between }
                }
            },
        };
        if self.here.len() > LONG {
            self.long = true;
            self.join(printer)?;
        }
        Ok(())
    }

    /// What stands whole before it is printed; the rest of the line is not read.
    fn mistake(&mut self, what: &str, printer: &mut Printer) -> Result<()> {
        self.join(printer)?;
        self.state = State::Skip;
        self.waiting.clear();
        let (line, column) = (self.line + 1, self.column);
        printer.complain(&format!("line {line}, column {column}: {what}"))
    }

    fn end_line(&mut self, printer: &mut Printer) -> Result<()> {
        if let State::Half { .. } = self.state {
            self.mistake("an odd number of digits", printer)?;
        }
        if !self.waiting.is_empty() && !self.long && holds_whole_messages(&self.here) {
            self.cut(printer)?;
        }
        self.join(printer)?;
        (self.state, self.column, self.long) = (State::Between, 0, false);
        self.line += 1;
        Ok(())
    }

    fn cut(&mut self, printer: &mut Printer) -> Result<()> {
        let left = self.waiting.len();
        self.waiting.clear();
        printer.complain(&format!("line {}: {}", self.begun + 1, broken_off(left)))
    }

    /// Prints what is whole of the bytes that wait and those of this line.
    fn join(&mut self, printer: &mut Printer) -> Result<()> {
        if self.waiting.is_empty() {
            self.begun = self.line;
        }
        self.waiting.unsplit(self.here.split());
        loop {
            match frame::next(&mut self.waiting) {
                Ok(Some(frame)) => {
                    printer.message(frame, format_args!("line {}", self.begun + 1), None)?;
                    self.begun = self.line;
                }
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.waiting.clear();
                    self.state = State::Skip;
                    return printer.complain(&format!("line {}: {}", self.begun + 1, lost(&error)));
                }
            }
        }
    }

    fn finish(mut self, printer: &mut Printer) -> Result<()> {
        self.end_line(printer)?;
        if self.waiting.is_empty() { Ok(()) } else { self.cut(printer) }
    }
}

/// Whether these bytes are messages from the first to the last.
fn holds_whole_messages(mut bytes: &[u8]) -> bool {
    let some = !bytes.is_empty();
    while let Ok(header) = Header::parse(bytes) {
        let length = usize::from(header.length);
        if !(1..=6).contains(&header.version) || length < frame::HEADER_LEN {
            return false;
        }
        match bytes.get(length..) {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    some && bytes.is_empty()
}
