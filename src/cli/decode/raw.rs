//! A raw stream: messages one behind the other.

use anyhow::Result;
use bytes::BytesMut;
use openflow::frame::{self, FrameError};

use super::Input;
use super::printer::Printer;

pub(super) fn print(mut input: Input, start: Vec<u8>, printer: &mut Printer) -> Result<()> {
    let mut stream = BytesMut::from(&start[..]);
    let mut chunk = start;
    let mut offset = 0;
    loop {
        loop {
            match frame::next(&mut stream) {
                Ok(Some(frame)) => {
                    let at = offset;
                    offset += frame.len() as u64;
                    printer.message(frame, format_args!("byte {at}"), None)?;
                }
                Ok(None) => break,
                Err(error) => return printer.complain(&format!("byte {offset}: {}", lost(&error))),
            }
        }
        printer.flush()?;
        chunk.clear();
        if input.read_more(&mut chunk)? == 0 {
            break;
        }
        stream.extend_from_slice(&chunk);
    }
    match stream.len() {
        0 => Ok(()),
        left => printer.complain(&format!("byte {offset}: {}", broken_off(left))),
    }
}

/// What is wrong with a header by which the next message can't be found.
pub(super) fn lost(error: &FrameError) -> String {
    match error {
        FrameError::Length { header } => format!(
            "a message of type {} states a length of {}, below the 8 of its header; what follows it can't be told apart",
            header.msg_type, header.length
        ),
        short @ FrameError::Short { .. } => short.to_string(),
    }
}

pub(super) fn broken_off(left: usize) -> String {
    format!("the input breaks off in the middle of a message, {left} bytes after its beginning")
}
