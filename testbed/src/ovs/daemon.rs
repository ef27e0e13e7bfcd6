//! A daemon of ours: followed to its end, with its log at hand when it ends too early.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::error::Error;
use crate::sandbox::{Child, NetNs};

/// How much of a log an error shows, in bytes.
const LOG_TAIL: u64 = 2048;

/// The first and the longest pause between attempts to connect to a daemon that starts.
const RETRY: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(20));

/// A daemon in the foreground, child of this process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Daemon {
    program: &'static str,
    pid: i32,
    pidfd: OwnedFd,
    log: PathBuf,
    /// Dropped or used: kill.
    kill: Option<oneshot::Sender<()>>,
    ended: watch::Receiver<Option<String>>,
}

impl Daemon {
    /// Starts `command` in `fabric`; its log, and what it writes otherwise, is in `log`.
    pub(super) async fn start(
        fabric: &NetNs,
        program: &'static str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self, Error> {
        let output = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(log)
            .and_then(|file| Ok((file.try_clone()?, file)))
            .map_err(Error::system("create", log.display().to_string()))?;
        let mut argument = std::ffi::OsString::from("--log-file=");
        argument.push(log);
        command
            .arg(argument)
            .args(["-vconsole:off", "-vsyslog:off", "-vfile:info", "--no-chdir"])
            // A group of its own: Ctrl-C at the terminal is not meant for it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.0)
            .stderr(output.1);
        let child = fabric.spawn(command).await?;
        let pidfd = child.pidfd().try_clone_to_owned().map_err(Error::system("follow", program))?;
        let pid = child.pid();
        let (kill, killed) = oneshot::channel();
        let (end, ended) = watch::channel(None);
        tokio::spawn(follow(child, killed, end));
        Ok(Self { program, pid, pidfd, log: log.to_owned(), kill: Some(kill), ended })
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Kills it and waits for its end.
    pub(super) async fn end(mut self) {
        drop(self.kill.take());
        self.wait().await;
    }

    /// Waits for its end; says how it ended.
    async fn wait(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(status) => status.clone().unwrap_or_default(),
            // The runtime has dropped its follower, and with it the child.
            Err(_) => "unknown".to_owned(),
        }
    }

    /// Resolves, with the error to show, when it ends though nobody asked it to.
    pub(super) async fn died(&self) -> Error {
        Error::Died { program: self.program, status: self.wait().await, log: self.log_tail() }
    }

    /// Connects to the socket at `path` as soon as it listens there.
    pub(super) async fn connect(&self, path: &Path, patience: Duration) -> Result<UnixStream, Error> {
        let deadline = Instant::now() + patience;
        let mut pause = RETRY.0;
        loop {
            let error = match UnixStream::connect(path).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            // Not made yet; or bound, but not listening yet.
            let early = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused);
            if !early {
                return Err(Error::system("connect to", path.display().to_string())(error));
            }
            tokio::select! {
                error = self.died() => return Err(error),
                () = tokio::time::sleep_until(deadline) => return Err(Error::NotReady {
                    program: self.program,
                    after: patience,
                    log: self.log_tail(),
                }),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(RETRY.1);
        }
    }

    fn log_tail(&self) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
            let mut bytes = Vec::new();
            file.take(LOG_TAIL).read_to_end(&mut bytes)?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(match text.split_once('\n') {
                // Most likely cut in the middle of its first line.
                Some((_, rest)) if length > LOG_TAIL => rest.to_owned(),
                _ => text,
            })
        };
        read().unwrap_or_else(|error| format!("(cannot read {}: {error})", self.log.display()))
    }
}

/// Owns the child until its end.
async fn follow(mut child: Child, mut kill: oneshot::Receiver<()>, end: watch::Sender<Option<String>>) {
    let status = tokio::select! {
        status = child.wait() => status,
        _ = &mut kill => match child.kill() {
            Ok(()) => child.wait().await,
            Err(error) => Err(error),
        },
    };
    // Nobody need be listening.
    let _ = end.send(Some(match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("cannot be waited for: {error}"),
    }));
}
