//! Splits a byte stream into messages; knows the header and nothing of the bodies.

use bytes::{Bytes, BytesMut};

use crate::ids::Xid;

/// Wire version of OpenFlow 1.3.
pub const VERSION: u8 = 4;

/// Bytes in the header that starts each message.
pub const HEADER_LEN: usize = 8;

/// The header that starts each message (OF 1.3.5 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Protocol version; 4 is OpenFlow 1.3.
    pub version: u8,
    /// Type of the message (`OFPT_*`).
    pub msg_type: u8,
    /// Length of the message with this header, bytes.
    pub length: u16,
    /// Transaction id, by which a reply names its request.
    pub xid: Xid,
}

impl Header {
    /// Reads a header from the first eight bytes.
    ///
    /// # Errors
    /// [`FrameError::Short`] when there are fewer.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Header, FrameError> {
        let Some(&[version, msg_type, l0, l1, x0, x1, x2, x3]) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(FrameError::Short { len: bytes.len() });
        };
        Ok(Header {
            version,
            msg_type,
            length: u16::from_be_bytes([l0, l1]),
            xid: Xid(u32::from_be_bytes([x0, x1, x2, x3])),
        })
    }
}

/// What can be wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than a header has; [`next`] waits for more and never says this.
    #[error("{len} bytes are too few for the header of 8")]
    Short {
        /// How many bytes there were.
        len: usize,
    },
    /// The stream can't be followed any further.
    #[error(
        "stream lost: a message of type {} (wire version {}) states a length of {}, below the 8 of its header; close the connection",
        .header.msg_type, .header.version, .header.length
    )]
    Length {
        /// The header that can't be true.
        header: Header,
    },
}

/// Splits one whole message off the front of `buf`, without a copy.
///
/// `None` means that more bytes are needed. Any version byte passes; what it says is for
/// [`crate::Message::decode`] to judge.
///
/// # Errors
/// [`FrameError::Length`] when the header states a length below 8. `buf` is left as it was.
///
/// ```
/// use bytes::BytesMut;
/// # use flowbed_openflow as openflow;
/// let mut stream = BytesMut::from(&[4, 2, 0, 8, 0, 0, 0, 7, 4, 3, 0][..]);
/// let echo = openflow::frame::next(&mut stream)?.expect("a whole echo request");
/// assert_eq!(&echo[..], [4, 2, 0, 8, 0, 0, 0, 7]);
/// assert_eq!(openflow::frame::next(&mut stream)?, None);
/// # Ok::<(), openflow::frame::FrameError>(())
/// ```
#[inline]
pub fn next(buf: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
    let Ok(header) = Header::parse(buf) else {
        return Ok(None);
    };
    let length = usize::from(header.length);
    if length < HEADER_LEN {
        return Err(FrameError::Length { header });
    }
    if buf.len() < length {
        // One message is at most 65535 bytes, so this never asks for more than that.
        buf.reserve(length - buf.len());
        return Ok(None);
    }
    Ok(Some(buf.split_to(length).freeze()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn splits_messages_that_arrive_byte_by_byte() {
        let stream = [4, 2, 0, 10, 0, 0, 0, 1, 0xaa, 0xbb, 4, 20, 0, 8, 0, 0, 0, 2];
        let mut buf = BytesMut::new();
        let mut seen = Vec::new();
        for byte in stream {
            buf.extend_from_slice(&[byte]);
            while let Some(frame) = next(&mut buf).unwrap() {
                seen.push(frame.to_vec());
            }
        }
        assert_eq!(seen, [stream[..10].to_vec(), stream[10..].to_vec()]);
        assert!(buf.is_empty());
    }

    #[test]
    fn a_length_below_the_header_loses_the_stream() {
        let mut buf = BytesMut::from(&[4, 2, 0, 7, 0, 0, 0, 1, 9][..]);
        let error = next(&mut buf).unwrap_err();
        assert!(matches!(error, FrameError::Length { header } if header.length == 7));
        assert_eq!(buf.len(), 9);
    }

    #[test]
    fn other_versions_pass() {
        let mut buf = BytesMut::from(&[1, 0, 0, 8, 0, 0, 0, 1][..]);
        assert!(next(&mut buf).unwrap().is_some());
    }
}
