//! Namespaces held by descriptor, the one thread that enters them, and the children born there.
//!
//! * [`NamespaceThread`] is the only thread of a testbed that does `setns`; no tokio worker ever
//!   enters a namespace.
//! * [`NetNs`] is a network namespace, owned by a descriptor: the kernel reclaims it when the
//!   last descriptor, socket and process in it are gone, however this process ends.
//! * [`Child`] is a process started in a namespace. Every child lives in the testbed's own pid
//!   namespace, whose first process dies with us: so do its daemons and grandchildren.

mod child;
mod init;
mod interface;
mod last_act;
mod limits;
mod ns;
pub(crate) mod privileges;
mod processes;
mod readiness;
mod thread;

pub use child::{Child, Output};
pub use ns::NetNs;
pub use privileges::{Privileges, enter};
pub use thread::NamespaceThread;

pub(crate) use child::{open_pidfd, send_signal};
pub(crate) use interface::loopback_up;
pub(crate) use limits::raise_descriptor_limit;
pub(crate) use readiness::readable;
