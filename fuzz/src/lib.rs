//! What must hold whatever a peer, a file or a person gives the `openflow` crate. Each target takes any bytes and panics
//! where a property does not hold; the fuzzer (`fuzz/run`) looks for such bytes, and a test replays those that it found
//! worth keeping (`fuzz/corpus`).
//!
//! | target | what it holds to |
//! |---|---|
//! | [`frame()`] | a stream is split alike wherever reads end, and nothing is lost or made up |
//! | [`message()`] | what is read is written and read again the same; it prints, and as valid JSON |
//! | [`text()`] | what is read prints, and what is printed is read the same; errors point into the text |
//! | [`capture()`] | no more comes out of a capture than is in it |
//! | [`session()`] | a hostile peer gets no unbounded answers, every request ends exactly once |
//!
//! All of them bound the memory in use at any time by a multiple of the input.
#![forbid(unsafe_code)]

mod bound;
mod capture;
mod frame;
mod message;
mod session;
mod text;

pub use capture::capture;
pub use frame::frame;
pub use message::message;
pub use session::session;
pub use text::text;

/// A target: panics where a property does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name, which is its folder's in `fuzz/corpus` too.
pub const TARGETS: [(&str, Target); 5] =
    [("frame", frame), ("message", message), ("text", text), ("capture", capture), ("session", session)];
