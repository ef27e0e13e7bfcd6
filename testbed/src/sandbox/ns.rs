//! A network namespace, owned by descriptor.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sched::{CloneFlags, unshare};

use super::child::{self, Child};
use super::thread::NamespaceThread;
use super::{Output, loopback_up, processes};
use crate::error::Error;

static NEXT_IDENTITY: AtomicU64 = AtomicU64::new(0);

/// A network namespace of this process's own. Cheap to clone; the namespace ends when the last
/// clone, the last socket made in it and the last process in it are gone.
#[derive(Debug, Clone)]
pub struct NetNs {
    inner: Arc<Inner>,
    thread: Arc<NamespaceThread>,
}

#[derive(Debug)]
struct Inner {
    fd: OwnedFd,
    identity: u64,
}

impl NetNs {
    /// Makes a namespace, with `lo` up.
    ///
    /// # Errors
    /// Without `CAP_SYS_ADMIN`, or when the kernel's limit of namespaces is reached
    /// (`/proc/sys/user/max_net_namespaces`).
    pub async fn create(thread: &Arc<NamespaceThread>) -> Result<Self, Error> {
        let inner = thread
            .run(|position| {
                let inner = create_here()?;
                position.moved_to(inner.identity);
                Ok::<_, Error>(inner)
            })
            .await??;
        Ok(Self { inner: Arc::new(inner), thread: Arc::clone(thread) })
    }

    /// Makes `count` namespaces side by side, each with `lo` up, and runs `also(i)` in the i-th.
    ///
    /// Blocks. The work is done by short-lived threads of its own, one a core: making a
    /// namespace takes the kernel about a millisecond, and it can make several at once.
    pub(crate) fn create_many<T: Send>(
        thread: &Arc<NamespaceThread>,
        count: usize,
        also: impl Fn(usize) -> Result<T, Error> + Sync,
    ) -> Result<Vec<(Self, T)>, Error> {
        let makers = std::thread::available_parallelism().map_or(2, usize::from);
        let share = count.div_ceil(makers.max(1)).max(1);
        let also = &also;
        let parts = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..count)
                .step_by(share)
                .map(|first| {
                    scope.spawn(move || {
                        (first..count.min(first + share))
                            .map(|i| Ok((create_here()?, also(i)?)))
                            .collect::<Result<Vec<_>, Error>>()
                    })
                })
                .collect();
            let join = |handle: std::thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            handles.into_iter().map(join).collect::<Result<Vec<_>, Error>>()
        })?;
        let wrap = |(inner, extra)| {
            let namespace = Self { inner: Arc::new(inner), thread: Arc::clone(thread) };
            (namespace, extra)
        };
        Ok(parts.into_iter().flatten().map(wrap).collect())
    }

    /// The descriptor's number in this process, as another process finds it in `/proc/PID/fd`.
    #[must_use]
    pub fn raw_fd(&self) -> i32 {
        self.inner.fd.as_raw_fd()
    }

    /// The thread that enters this namespace.
    #[must_use]
    pub fn thread(&self) -> &Arc<NamespaceThread> {
        &self.thread
    }

    /// Runs `f` on the namespace thread, inside this namespace. `f` should be brief (make a
    /// socket, send a request): everybody's jobs run one after the other. It must not start
    /// threads.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or the testbed is being taken down.
    ///
    /// # Panics
    /// With `f`'s panic, if it panics.
    pub async fn run<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        self.thread
            .run(move |position| {
                position.enter(inner.identity, &inner.fd)?;
                Ok(f())
            })
            .await?
    }

    /// [`run`](Self::run) for callers outside of async code. Blocks.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Panics
    /// With `f`'s panic, if it panics.
    pub fn run_blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(&self.inner);
        self.thread.run_blocking(move |position| {
            position.enter(inner.identity, &inner.fd)?;
            Ok(f())
        })?
    }

    /// Starts `command` inside this namespace (and the testbed's pid namespace). It dies with
    /// this process, and when its [`Child`] is dropped. Standard streams are as `command` says.
    ///
    /// # Errors
    /// When the program cannot be started; the error names it.
    pub async fn spawn(&self, command: Command) -> Result<Child, Error> {
        let thread = Arc::clone(&self.thread);
        let program = command.get_program().to_string_lossy().into_owned();
        let (place, orphans) = (self.thread.place(), Arc::clone(thread.orphans()));
        self.run(move || child::spawn(command, place, &orphans))
            .await?
            .map_err(Error::system("start", program))
    }

    /// Kills every process of the testbed that stands in this namespace, and waits until they have ended. Who starts
    /// others there meanwhile may keep this busy for two seconds; then they are left.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) async fn end_processes(&self) -> Result<(), Error> {
        let (inner, init) = (Arc::clone(&self.inner), self.thread.init_pid());
        let work = tokio::task::spawn_blocking(move || processes::end_all(&inner.fd, init));
        work.await.map_err(|_| Error::Ended)?.map_err(Error::system("end", "a host's processes"))
    }

    /// Runs `command` to its end with no input, and gathers what it writes.
    ///
    /// # Errors
    /// When the program cannot be started or waited for.
    pub async fn output(&self, mut command: Command) -> Result<Output, Error> {
        use std::process::Stdio;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        self.spawn(command).await?.output().await.map_err(Error::system("wait for", program))
    }
}

/// Moves the calling thread into a new namespace and takes its descriptor.
fn create_here() -> Result<Inner, Error> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(Error::system("create", "a network namespace"))?;
    let path = "/proc/thread-self/ns/net";
    let file = File::open(path).map_err(Error::system("open", path))?;
    loopback_up().map_err(Error::system("set up", "lo"))?;
    Ok(Inner { fd: file.into(), identity: NEXT_IDENTITY.fetch_add(1, Ordering::Relaxed) })
}
