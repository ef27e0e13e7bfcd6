//! Limits of this process that a large network would run into.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Lets the process, and the daemons that it starts, have as many descriptors as the machine
/// allows: a host takes two while it is made, Open vSwitch five for a bridge and four for a port,
/// and the usual limit is 1024.
pub(crate) fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| match soft < hard {
        true => setrlimit(Resource::RLIMIT_NOFILE, hard, hard),
        false => Ok(()),
    });
    if let Err(error) = raised {
        tracing::debug!(%error, "cannot raise the limit of descriptors");
    }
}
