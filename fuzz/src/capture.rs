//! Reading captures.

use openflow::Message;
use openflow::capture::{Capture, Content, PORTS};

use crate::bound;

/// Reads a capture, pcap or pcapng, as `flowbed decode` does.
pub fn capture(data: &[u8]) {
    bound::memory(data.len(), 64, 128 << 10, || {
        let Ok(capture) = Capture::read(data, &PORTS) else { return };
        let mut bytes = 0;
        for seen in capture {
            match seen {
                Ok(seen) => {
                    assert!([seen.from, seen.to].iter().any(|end| PORTS.contains(&end.port())));
                    match seen.content {
                        Content::Message(frame) => {
                            bytes += frame.len();
                            drop(Message::decode(frame));
                        }
                        Content::Lost(lost) => assert!(lost > 0),
                    }
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        assert!(bytes <= data.len(), "{bytes} bytes of messages in {}", data.len());
    });
}
