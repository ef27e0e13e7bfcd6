//! Error messages as `ovs-ofctl ofp-print` prints them, with the message that failed.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::bits::Dump;
use super::message::{write_head, write_message};
use super::multipart::stats_name;
use crate::error::{ErrorKind, ErrorMsg};
use crate::frame::{HEADER_LEN, Header, VERSION};
use crate::multipart::kind_name;
use crate::{Body, Message};

/// How deep errors about errors about errors are taken apart; what lies deeper is dumped.
const DEEPEST: usize = 3;

pub(super) fn write_error(f: &mut fmt::Formatter<'_>, error: &ErrorMsg, depth: usize) -> fmt::Result {
    write!(f, " {}", error.kind)?;
    match error.kind {
        // What is told about these is text.
        ErrorKind::HelloFailed(_) if error.data.is_empty() => Ok(()),
        ErrorKind::HelloFailed(_) => write!(f, "\n{}", Octal(&error.data)),
        // What an unknown error is about nobody can say.
        ErrorKind::Experimenter { .. } | ErrorKind::Unknown { .. } => write!(f, "{}", Dump(&error.data)),
        _ if depth >= DEEPEST => write!(f, "{}", Dump(&error.data)),
        _ => write_failed(f, &error.data, depth + 1),
    }
}

/// The message that failed, or the beginning of it.
fn write_failed(f: &mut fmt::Formatter<'_>, data: &Bytes, depth: usize) -> fmt::Result {
    let Ok(header) = Header::parse(data) else {
        return match data.len() {
            0 => f.write_str("\nOpenFlow message is empty"),
            len => write!(f, "\nOpenFlow packet too short (only {len} bytes):{}", Dump(data)),
        };
    };
    let stated = usize::from(header.length);
    if stated > data.len() {
        if let Some(name) = name_of(data, header) {
            f.write_str("\n")?;
            write_head(f, &name, header.version, header.xid)?;
        }
        return write!(f, "\n(***truncated to {} bytes from {stated}***){}", data.len(), Dump(data));
    }
    if stated < data.len() {
        return write!(f, "\n(***only uses {stated} bytes out of {}***){}", data.len(), Dump(data));
    }
    f.write_str("\n")?;
    match Message::decode(data.clone()) {
        Ok(message) => write_message(f, message.xid, &message.body, depth),
        Err(error) => {
            if let Some(name) = name_of(data, header) {
                write_head(f, &name, header.version, header.xid)?;
                f.write_str(" ")?;
            }
            write!(f, "***decode error: {}***{}", error.to_error_kind(), Dump(data))
        }
    }
}

/// The name of a message that can't be read, by its type, and by its kind if it is a multipart.
fn name_of(data: &[u8], header: Header) -> Option<Cow<'static, str>> {
    let name = Body::type_name(header.msg_type).filter(|_| header.version == VERSION)?;
    let asks = match header.msg_type {
        18 => true,
        19 => false,
        _ => return Some(name.into()),
    };
    // Kind, flags and padding: without all of them it is none yet.
    let kind = data.get(HEADER_LEN..HEADER_LEN + 8)?.first_chunk()?;
    stats_name(kind_name(u16::from_be_bytes(*kind)), asks).map(Cow::Owned)
}

/// Printable ASCII as it is, all else in octal.
struct Octal<'a>(&'a [u8]);

impl fmt::Display for Octal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            b'"' | b'\\' => write!(f, "\\{byte:03o}"),
            b' '..=b'~' => write!(f, "{}", char::from(*byte)),
            byte => write!(f, "\\{byte:03o}"),
        })
    }
}
