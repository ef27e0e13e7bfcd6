//! Waiting for a descriptor of ours to become readable.

use std::io;
use std::os::fd::AsRawFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers `owner` with the runtime. `owner` must own the descriptor that it shows, and show
/// the same one for life: so do `OwnedFd` and the sockets of this crate.
pub(crate) fn readable<T: AsRawFd + 'static>(owner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: the AsyncFd takes `owner`, which keeps the descriptor open until it is dropped
    // with the registration.
    unsafe { AsyncFd::register_with_interest(owner, Interest::READABLE) }.map_err(io::Error::from)
}
