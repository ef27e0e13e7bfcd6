//! The one thread of a testbed that enters namespaces and gives birth to its children.
//!
//! A socket belongs to the namespace in which it was made and works from everywhere, so the rest
//! of the process asks this thread to make sockets, and never enters a namespace itself. Init and
//! the children are started here because `PR_SET_PDEATHSIG` fires when the *thread* that started
//! a process ends (`prctl(2)`): this one lives as long as the testbed.

use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::child::Place;
use super::init::{self, Init};
use super::readiness::readable;
use crate::error::Error;

/// How long the thread waits, at its end, for the namespace's processes to be gone. They have
/// been sent SIGKILL by then and run no more; what waits longer is the kernel closing their
/// sockets, which it does without us.
const END_PATIENCE: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&mut Position) + Send>;

/// In which network namespace the thread stands: the identity of the [`super::NetNs`], if any.
#[derive(Debug, Default)]
pub(super) struct Position(Option<u64>);

impl Position {
    /// Enters `fd` unless the thread stands there already.
    pub(super) fn enter(&mut self, identity: u64, fd: &OwnedFd) -> Result<(), Error> {
        if self.0 == Some(identity) {
            return Ok(());
        }
        setns(fd, CloneFlags::CLONE_NEWNET).map_err(Error::system("enter", "network namespace"))?;
        self.0 = Some(identity);
        Ok(())
    }

    /// The job moved the thread itself.
    pub(super) fn moved_to(&mut self, identity: u64) {
        self.0 = Some(identity);
    }
}

/// Handle of the thread. It ends, and with it every child, when the last handle is dropped.
#[derive(Debug)]
pub struct NamespaceThread {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    done: Mutex<mpsc::Receiver<()>>,
    init: Arc<Init>,
    orphans: Arc<Orphans>,
}

/// Children whose handle was dropped before they were waited for.
#[derive(Debug, Default)]
pub(super) struct Orphans(Mutex<Vec<std::process::Child>>);

impl Orphans {
    pub(super) fn add(&self, child: std::process::Child) {
        if let Ok(mut children) = self.0.lock() {
            children.push(child);
        }
        self.reap();
    }

    /// Waits for those that have ended, without blocking.
    pub(super) fn reap(&self) {
        if let Ok(mut children) = self.0.lock() {
            children.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        }
    }
}

impl NamespaceThread {
    /// Starts the thread, with a pid namespace for all that it will start.
    ///
    /// # Errors
    /// Without `CAP_SYS_ADMIN`: call [`super::enter`] first.
    pub fn start() -> Result<Arc<Self>, Error> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (born, birth) = mpsc::sync_channel(1);
        let (done_sender, done) = mpsc::channel::<()>();
        let orphans = Arc::new(Orphans::default());
        let thread_orphans = Arc::clone(&orphans);
        std::thread::Builder::new()
            .name("namespaces".to_owned())
            .spawn(move || {
                let _done = done_sender;
                let init = match init::start() {
                    Ok(init) => Arc::new(init),
                    Err(error) => {
                        let _ = born.send(Err(error));
                        return;
                    }
                };
                let pid = init.pid;
                if born.send(Ok(init)).is_ok() {
                    let mut position = Position::default();
                    while let Ok(job) = inbox.recv() {
                        job(&mut position);
                    }
                }
                end(pid, &thread_orphans);
            })
            .map_err(Error::system("start", "the namespace thread"))?;
        let init = birth.recv().map_err(|_| Error::Ended)??;
        Ok(Arc::new(Self { jobs: Mutex::new(Some(jobs)), done: Mutex::new(done), init, orphans }))
    }

    /// The pid, as seen from this process, of the first process of the children's pid namespace.
    pub(crate) fn init_pid(&self) -> i32 {
        self.init.pid.as_raw()
    }

    /// Resolves, with the error to show, when the namespace's first process ends though nobody asked it to.
    pub(crate) async fn init_died(&self) -> Error {
        let ended = async { readable(self.init.pidfd.try_clone()?)?.readable().await.map(drop) };
        match ended.await {
            Ok(()) => Error::InitDied,
            Err(error) => Error::system("follow", "the testbed's first process")(error),
        }
    }

    /// Whether children have a `/proc` of their own.
    pub(crate) fn has_own_mounts(&self) -> bool {
        self.init.mounts.is_some()
    }

    /// Where the thread's children come to stand.
    pub(super) fn place(&self) -> Place {
        let mounts = self.init.mounts.as_ref().map(AsRawFd::as_raw_fd);
        Place { mounts, ended_by_init: self.init.ends_children }
    }

    pub(super) fn orphans(&self) -> &Arc<Orphans> {
        &self.orphans
    }

    /// Ends every process of the testbed and then the thread; returns when both are gone.
    /// Later jobs answer [`Error::Ended`]. Blocks for the time that the kernel needs to close
    /// the children's sockets, 2 s at most: then they are left to it.
    pub fn end(&self) {
        if let Ok(mut jobs) = self.jobs.lock() {
            jobs.take();
        }
        if let Ok(done) = self.done.lock() {
            // The sender is never used, only dropped: this returns when the thread has ended.
            let _ = done.recv();
        }
    }

    /// Runs `job` on the thread and hands its result to `reply`. A panic of the job is carried to
    /// the caller by [`landed`].
    fn post<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Position) -> T + Send + 'static,
        reply: impl FnOnce(std::thread::Result<T>) + Send + 'static,
    ) -> Result<(), Error> {
        let jobs = self.jobs.lock().map_err(|_| Error::Ended)?;
        let sender = jobs.as_ref().ok_or(Error::Ended)?;
        sender
            .send(Box::new(move |position| {
                reply(catch_unwind(AssertUnwindSafe(|| job(position))));
            }))
            .map_err(|_| Error::Ended)
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Position) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.post(job, move |result| {
            // The caller may have been cancelled; then nobody wants the result.
            let _ = sender.send(result);
        })?;
        receiver.await.map_err(|_| Error::Ended).map(landed)
    }

    pub(super) fn run_blocking<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Position) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.post(job, move |result| {
            let _ = sender.send(result);
        })?;
        receiver.recv().map_err(|_| Error::Ended).map(landed)
    }
}

fn landed<T>(result: std::thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Ends the pid namespace and waits for those of its processes that nobody else waits for.
fn end(init: Pid, orphans: &Orphans) {
    // Fails only when it is gone already.
    let _ = nix::sys::signal::kill(init, nix::sys::signal::Signal::SIGKILL);
    let deadline = Instant::now() + END_PATIENCE;
    let mut pause = Duration::from_micros(200);
    loop {
        orphans.reap();
        match waitpid(init, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) if Instant::now() < deadline => {}
            _ => return,
        }
        // Two kinds of processes are awaited at once, and init's end is held up by our own
        // unreaped children, which no single descriptor tells: so a short, growing poll.
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}
