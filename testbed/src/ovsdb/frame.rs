//! Cuts a byte stream into JSON objects: JSON-RPC 1.0 over a stream has no other framing
//! (RFC 7047 §4).

use bytes::{Buf, BytesMut};
use serde_json::{Map, Value as Json};

/// The stream is no sequence of JSON objects, or not one that we are ready to hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a message does not start with '{{' but with byte 0x{0:02x}")]
    Start(u8),
    #[error("a message is longer than {0} bytes")]
    TooLong(usize),
    #[error("a message is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Finds the end of each object by its braces, looking at every byte once; what lies between is
/// left to `serde_json`.
#[derive(Debug)]
pub(super) struct Splitter {
    /// Longest message, in bytes.
    limit: usize,
    /// How much of the buffer has been looked at.
    scanned: usize,
    depth: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Structure,
    Text,
    Escape,
}

impl Splitter {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, scanned: 0, depth: 0, place: Place::Structure }
    }

    /// Takes the next whole object off the front of `buffer`, if there is one.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Map<String, Json>>, FrameError> {
        if self.depth == 0 {
            let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            buffer.advance(blank);
            match buffer.first() {
                None => return Ok(None),
                Some(b'{') => {}
                Some(&other) => return Err(FrameError::Start(other)),
            }
        }
        while let Some(&byte) = buffer.get(self.scanned) {
            self.scanned += 1;
            self.place = match (self.place, byte) {
                (Place::Structure, b'"') => Place::Text,
                (Place::Text, b'"') => Place::Structure,
                (Place::Text, b'\\') => Place::Escape,
                (Place::Escape, _) => Place::Text,
                (Place::Structure, b'{') => {
                    self.depth += 1;
                    Place::Structure
                }
                (Place::Structure, b'}') => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        let message = buffer.split_to(self.scanned);
                        self.scanned = 0;
                        return Ok(Some(serde_json::from_slice(&message)?));
                    }
                    Place::Structure
                }
                (place, _) => place,
            };
            if self.scanned >= self.limit {
                return Err(FrameError::TooLong(self.limit));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = br#" {"a":"}\"{","b":{"c":[{}]}}{"id":"echo"} {"x":"\\"}"#;

    fn split(chunks: impl Iterator<Item = &'static [u8]>) -> Vec<String> {
        let mut splitter = Splitter::new(1024);
        let mut buffer = BytesMut::new();
        let mut messages = Vec::new();
        for chunk in chunks {
            buffer.extend_from_slice(chunk);
            while let Some(message) = splitter.next(&mut buffer).unwrap() {
                messages.push(Json::from(message).to_string());
            }
        }
        messages
    }

    #[test]
    fn messages_are_the_same_however_the_stream_is_cut() {
        let whole = split(std::iter::once(STREAM));
        assert_eq!(whole, [r#"{"a":"}\"{","b":{"c":[{}]}}"#, r#"{"id":"echo"}"#, r#"{"x":"\\"}"#]);
        for size in 1..STREAM.len() {
            assert_eq!(split(STREAM.chunks(size)), whole, "chunks of {size}");
        }
    }

    #[test]
    fn what_is_no_object_or_too_long_is_an_error() {
        let next = |text: &str, limit| Splitter::new(limit).next(&mut BytesMut::from(text));
        assert!(matches!(next("[]", 99), Err(FrameError::Start(b'['))));
        assert!(matches!(next("\0", 99), Err(FrameError::Start(0))));
        assert!(matches!(next("{]}", 99), Err(FrameError::Json(_))));
        assert!(matches!(next("{\"a\":\"bcdefgh", 8), Err(FrameError::TooLong(8))));
        let deep = format!("{}{}", "{\"a\":".repeat(500), "}".repeat(500));
        assert!(matches!(next(&deep, 9999), Err(FrameError::TooLong(_) | FrameError::Json(_))));
    }
}
