//! Runs the `flowbed` binary as a user does, in a run directory of the test's own.

#![allow(dead_code, reason = "each tier uses a part")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// Long enough for a loaded machine; no test waits for it unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A run directory, shared by the commands of one test.
pub struct Place {
    dir: TempDir,
}

impl Place {
    pub fn new() -> Place {
        // Short: paths of sockets in it must stay below 108 bytes.
        Place { dir: tempfile::Builder::new().prefix("fb").tempdir_in("/tmp").expect("a temporary folder") }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A command with this run directory.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("FLOWBED_RUN_DIR", self.path()).env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    /// `flowbed` with these arguments, split at spaces.
    pub fn flowbed(&self, arguments: &str) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_flowbed"));
        command.args(arguments.split_whitespace());
        command
    }

    /// Runs `flowbed` to its end.
    pub fn run(&self, arguments: &str) -> Output {
        self.flowbed(arguments).output().expect("flowbed starts")
    }

    /// Runs `flowbed … --json` to its end: whether it exited with 0, and the object that it printed.
    pub fn run_json(&self, arguments: &str) -> (bool, Value) {
        json(self.run(&format!("{arguments} --json")))
    }

    /// Starts `flowbed up …` and waits until the network is up.
    pub fn up(&self, arguments: &str) -> Running {
        Running::start(self.flowbed(&format!("up {arguments}")))
    }

    /// Nothing of a network is left in the run directory.
    pub fn assert_empty(&self) {
        let left: Vec<_> = std::fs::read_dir(self.path())
            .expect("the run directory")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| self.path().join(name).is_dir())
            .collect();
        assert!(left.is_empty(), "left in the run directory: {left:?}");
    }
}

/// Whether a command exited with 0, and the JSON object that it printed.
pub fn json(output: Output) -> (bool, Value) {
    let text = String::from_utf8_lossy(&output.stdout);
    let value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.success(), value)
}

/// The standard error of a command that failed.
pub fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "it did not fail: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A `flowbed` that stays up. Ended with SIGTERM when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// What it has printed so far.
    pub printed: String,
}

impl Running {
    pub fn start(command: Command) -> Running {
        Running::start_until(command, "up until")
    }

    /// Starts a command and waits until it has printed a line with `mark`.
    pub fn start_until(mut command: Command, mark: &str) -> Running {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let lines = read_lines(child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let mut running = Running { child, lines, printed: String::new() };
        running.wait_for(mark);
        running
    }

    /// Waits until it has printed a line with `mark`, and returns the line.
    pub fn wait_for(&mut self, mark: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.printed.push_str(&line);
                    self.printed.push('\n');
                    if line.contains(mark) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it has not printed \"{mark}\" in time: {}", self.printed)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended without \"{mark}\": {}", self.printed)
                }
            }
        }
    }

    /// What its REST API answers to a program that has the token; `path` is behind `/api/v1`.
    pub fn api(&self, path: &str) -> Value {
        let url = self.printed.split_whitespace().find_map(|word| word.strip_prefix("http://"));
        let (address, token) =
            url.and_then(|url| url.split_once("/?token=")).expect("it printed its address");
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        write!(
            stream,
            "GET /api/v1{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\n\r\n"
        )
        .expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).expect("JSON")
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"))
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the process is ours");
    }

    /// Waits for its end; whether it exited with 0.
    pub fn wait(&mut self) -> bool {
        self.child.wait().expect("our child").success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

fn read_lines(out: ChildStdout, err: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    let also = sender.clone();
    std::thread::spawn(move || {
        BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| sender.send(l))
    });
    std::thread::spawn(move || {
        BufReader::new(err).lines().map_while(Result::ok).try_for_each(|l| also.send(l))
    });
    lines
}

/// Waits until `done`, which is asked again and again: for states of the machine that nothing announces.
pub fn eventually(within: Duration, what: &str, mut done: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + within;
    loop {
        match done() {
            Ok(()) => return,
            Err(state) if Instant::now() > deadline => {
                panic!("{what}: not within {within:?}: {state}")
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
