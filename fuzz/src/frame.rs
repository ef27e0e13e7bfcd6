//! Splitting a stream.

use bytes::{Bytes, BytesMut};
use openflow::frame::{self, FrameError, HEADER_LEN};

use crate::bound;

/// A stream arrives in pieces: the first byte says how large, the rest is the stream.
pub fn frame(data: &[u8]) {
    let Some((step, stream)) = data.split_first() else { return };
    // The room for one message that has begun, and the pieces' own.
    bound::memory(stream.len(), 16, 256 << 10, || {
        let whole = split(stream, stream.len().max(1));
        let pieces = split(stream, usize::from(*step) + 1);
        assert_eq!(whole, pieces, "where reads end makes no difference");
        let (frames, rest, error) = whole;
        let again: Vec<u8> = frames.iter().flatten().copied().chain(rest.iter().copied()).collect();
        assert_eq!(again, stream, "nothing is lost, nothing made up");
        for frame in &frames {
            assert!(frame.len() >= HEADER_LEN);
            assert_eq!(frame[2..4], u16::try_from(frame.len()).expect("as the header says").to_be_bytes());
        }
        assert!(error.is_none_or(|error| matches!(error, FrameError::Length { .. })), "{error:?}");
    });
}

fn split(stream: &[u8], step: usize) -> (Vec<Bytes>, Bytes, Option<FrameError>) {
    let (mut buf, mut frames) = (BytesMut::new(), Vec::new());
    let mut error = None;
    for piece in stream.chunks(step) {
        buf.extend_from_slice(piece);
        while error.is_none() {
            match frame::next(&mut buf) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(lost) => error = Some(lost),
            }
        }
    }
    (frames, buf.freeze(), error)
}
