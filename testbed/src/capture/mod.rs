//! What passes interfaces, written to a file that `tcpdump`, `tshark` and Wireshark read (pcapng, `draft-ietf-opsawg-pcapng`).

mod file;
mod socket;

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::Error;
use crate::sandbox::NetNs;
use file::CaptureFile;
use socket::{Buffer, Listener};

/// So many frames of an interface are written before it is the next one's turn.
const TURN: u64 = 1024;

/// What is captured where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureSpec {
    /// The file to write; one that exists is written anew.
    pub file: PathBuf,
    /// The interfaces by their names, `h1-eth0`; none: all there are.
    pub interfaces: Vec<String>,
}

impl CaptureSpec {
    /// With the file's path as it is from everywhere.
    pub(crate) fn absolute(self) -> CaptureSpec {
        CaptureSpec { file: std::path::absolute(&self.file).unwrap_or(self.file), ..self }
    }
}

/// What a capture has written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaptureReport {
    /// Frames in the file.
    pub frames: u64,
    /// Frames that the kernel could not keep until they were written.
    pub lost: u64,
}

/// An interface, where it is.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) namespace: NetNs,
}

/// A capture that goes on. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Capture {
    spec: CaptureSpec,
    /// Closed to end it.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<io::Result<CaptureReport>>>,
}

impl Capture {
    /// Begins to capture: frames that pass from now on are in the file. Blocks.
    pub(crate) fn start(spec: CaptureSpec, taps: Vec<Tap>) -> Result<Capture, Error> {
        let object = || spec.file.display().to_string();
        let file = File::create(&spec.file).map_err(Error::system("create", object()))?;
        let mut sources = Vec::with_capacity(taps.len());
        for Tap { name, index, namespace } in taps {
            let opened = namespace.run_blocking(move || Listener::open(index))?;
            sources.push((opened.map_err(Error::system("listen at", name.clone()))?, name));
        }
        let (stopped, stop) = io::pipe().map_err(Error::system("make", "a pipe"))?;
        let record = move || record(file, &sources, &stopped);
        let thread = std::thread::Builder::new().name("flowbed-capture".to_owned()).spawn(record);
        let thread = thread.map_err(Error::system("start", "a thread"))?;
        Ok(Capture { spec, stop: Some(stop), thread: Some(thread) })
    }

    /// What is captured.
    pub(crate) fn spec(&self) -> &CaptureSpec {
        &self.spec
    }

    /// Ends it; what has passed until now is in the file. Blocks.
    pub(crate) fn end(mut self) -> Result<CaptureReport, Error> {
        self.finish().unwrap_or(Ok(CaptureReport::default()))
    }

    fn finish(&mut self) -> Option<Result<CaptureReport, Error>> {
        self.stop = None;
        let written = self.thread.take()?.join();
        let object = || self.spec.file.display().to_string();
        Some(match written {
            Ok(written) => written.map_err(Error::system("write", object())),
            Err(_) => Err(Error::Ended),
        })
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.finish() {
            tracing::warn!(error = error.with_sources(), "a capture is not whole");
        }
    }
}

/// Writes what the sources hear until `stopped` closes.
fn record(file: File, sources: &[(Listener, String)], stopped: &PipeReader) -> io::Result<CaptureReport> {
    let mut file = CaptureFile::begin(file, sources.iter().map(|(_, name)| name.as_str()))?;
    let (mut buffer, mut report) = (Buffer::new(), CaptureReport::default());
    let mut end = None;
    while end.is_none() {
        end = wait(sources, stopped)?.then(now);
        for (id, (source, _)) in sources.iter().enumerate() {
            let mut turn = 0;
            // At the end, all that has passed until then.
            while turn < TURN || end.is_some() {
                let Some(heard) = source.receive(&mut buffer)? else { break };
                if end.is_some_and(|end| heard.at > end) {
                    break;
                }
                file.write(id, &heard)?;
                turn += 1;
            }
            report.frames += turn;
        }
        // Who follows the file sees all that has passed.
        file.flush()?;
    }
    for (id, (source, _)) in sources.iter().enumerate() {
        let lost = u64::from(source.lost()?);
        report.lost += lost;
        file.conclude(id, now(), lost)?;
    }
    file.flush()?;
    Ok(report)
}

/// Waits until a source has something or `stopped` is closed; whether that is so.
fn wait(sources: &[(Listener, String)], stopped: &PipeReader) -> io::Result<bool> {
    let mut ready: Vec<PollFd<'_>> =
        sources.iter().map(|(source, _)| PollFd::new(source.as_fd(), PollFlags::POLLIN)).collect();
    ready.push(PollFd::new(stopped.as_fd(), PollFlags::POLLIN));
    match poll(&mut ready, PollTimeout::NONE) {
        Err(nix::Error::EINTR) => Ok(false),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(ready.last().and_then(PollFd::any).unwrap_or(false)),
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
