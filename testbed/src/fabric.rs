//! The fabric: the network namespace in which a testbed's switches live, and its run directory.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::ledger::Ledger;
use crate::rundir::RunDir;
use crate::sandbox::{NamespaceThread, NetNs, raise_descriptor_limit};

/// A testbed's private ground, before and while a network stands on it. Dropping it ends every
/// process of the testbed and removes the run directory.
#[derive(Debug)]
pub struct Fabric {
    namespace: NetNs,
    thread: Arc<NamespaceThread>,
    directory: RunDir,
}

impl Fabric {
    /// Makes a fabric called `name`, or by the first free of `net1`, `net2`, ... Sweeps first
    /// what dead testbeds left.
    ///
    /// # Errors
    /// [`Error::NameTaken`]; [`Error::BadName`]; without privileges ([`crate::enter`] gains
    /// them).
    pub async fn create(name: Option<&str>) -> Result<Self, Error> {
        raise_descriptor_limit();
        let name = name.map(str::to_owned);
        let begin = move || {
            let directory = RunDir::claim(name.as_deref())?;
            Ok::<_, Error>((directory, NamespaceThread::start()?))
        };
        let (directory, thread) = tokio::task::spawn_blocking(begin).await.map_err(|_| Error::Ended)??;
        let namespace = NetNs::create(&thread).await?;
        namespace.run(quiet).await?;
        Ok(Self { namespace, thread, directory })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.directory.name()
    }

    /// Its run directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.directory.path()
    }

    /// Where its own Open vSwitch has its sockets, if it has one: `OVS_RUNDIR` for `ovs-ofctl`, `ovs-vsctl` and
    /// `ovs-appctl`.
    #[must_use]
    pub fn ovs_dir(&self) -> PathBuf {
        self.dir().join("ovs")
    }

    /// Its network namespace.
    #[must_use]
    pub fn namespace(&self) -> &NetNs {
        &self.namespace
    }

    /// Where to write down what would outlive this process.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.directory.ledger()
    }

    pub(crate) fn thread(&self) -> &Arc<NamespaceThread> {
        &self.thread
    }

    /// Makes a nonblocking listening socket inside the fabric; it can be used from anywhere.
    /// Every testbed can have the same address.
    ///
    /// # Errors
    /// The kernel's: the port may be in use inside the fabric.
    pub fn listen(&self, address: SocketAddr) -> Result<TcpListener, Error> {
        self.namespace
            .run_blocking(move || {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            })?
            .map_err(Error::system::<std::io::Error>("listen, in the testbed, on", address.to_string()))
    }

    /// Ends every process of the testbed, lets go of the namespace and removes the run directory;
    /// returns what could not be cleaned.
    pub async fn close(self) -> Vec<Error> {
        let closing = tokio::task::spawn_blocking(move || {
            let mut fabric = self;
            fabric.thread.end();
            fabric.directory.remove()
        });
        closing.await.unwrap_or_else(|_| vec![Error::Ended])
    }
}

impl Drop for Fabric {
    fn drop(&mut self) {
        // Before the directory goes: processes still write there.
        self.thread.end();
    }
}

/// Keeps the kernel from speaking IPv6 itself on interfaces made here from now on: they are
/// ports of switches, not hosts. Where `/proc/sys` cannot be written, the ports are merely chatty. The same for
/// the inner halves of shaped links.
pub(crate) fn quiet() {
    let path = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    if let Err(error) = std::fs::write(path, "1") {
        tracing::debug!(%error, path, "switch ports speak IPv6");
    }
}
