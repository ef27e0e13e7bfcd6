//! The controllers that are measured, each in a process of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// Names, in the environment, the port that this program serves as a controller.
pub const PORT: &str = "FLOWBED_BENCH_PORT";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Flowbed,
    TestController,
    OsKen,
    Canned,
}

/// A controller that runs. It ends with this value.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Flowbed, Kind::TestController, Kind::OsKen, Kind::Canned];

    /// On the command line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Flowbed => "flowbed",
            Kind::TestController => "testcontroller",
            Kind::OsKen => "os-ken",
            Kind::Canned => "canned",
        }
    }

    /// In the table.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Flowbed => "Flowbed, `learning-switch`",
            Kind::TestController => "`ovs-testcontroller` (C)",
            Kind::OsKen => "os-ken (Python)",
            Kind::Canned => "yardstick: answers unread",
        }
    }

    /// What is not installed.
    pub fn missing(self) -> Option<&'static str> {
        let there = match self {
            Kind::Flowbed | Kind::Canned => true,
            Kind::TestController => runs("ovs-testcontroller", &["--version"]),
            Kind::OsKen => runs("osken-manager", &["--help"]),
        };
        (!there).then_some("not installed: `.ci/install bench`")
    }

    /// `ovs-testcontroller` has a fixed table of 16.
    pub fn most_switches(self) -> usize {
        if self == Kind::TestController { 16 } else { usize::MAX }
    }

    fn command(self, port: u16) -> Result<Command> {
        Ok(match self {
            Kind::Flowbed | Kind::Canned => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(if self == Kind::Flowbed { "serve" } else { "canned" });
                command.env(PORT, port.to_string());
                command
            }
            Kind::TestController => {
                let mut command = Command::new("ovs-testcontroller");
                command.args(["--unixctl=none", "-O", "OpenFlow13", &format!("ptcp:{port}:127.0.0.1")]);
                command
            }
            Kind::OsKen => {
                let mut command = Command::new("osken-manager");
                command.args(["--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", &port.to_string()]);
                command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/responses/simple_switch.py"));
                command
            }
        })
    }
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Where this program is to serve as a controller.
pub fn own_address() -> Result<SocketAddr> {
    let port = std::env::var(PORT).map_err(|_| format!("{PORT} is not set"))?.parse()?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

impl Running {
    /// Starts it, and waits until it accepts connections.
    pub fn start(kind: Kind) -> Result<Running> {
        const PATIENCE: Duration = Duration::from_secs(20);
        // The kernel gives out a port that nobody has; it is free again when the socket is closed.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let child = kind
            .command(port)?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", kind.name()))?;
        let mut running = Running { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = running.child.try_wait()? {
                return Err(format!("{} ended at once: {status}", kind.name()).into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("{} does not listen", kind.name()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }
}

impl Running {
    /// Processor time that it has taken so far, all threads together.
    pub fn processor_time(&self) -> Result<Duration> {
        // proc_pid_stat(5): behind the name, which may hold anything, utime and stime are the 12th and 13th, in
        // ticks of 10 ms (USER_HZ is 100 on every platform that Linux still has).
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, behind_name) = stat.rsplit_once(')').ok_or("no name in its stat")?;
        let ticks = behind_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        Ok(Duration::from_millis(10 * ticks.sum::<std::result::Result<u64, _>>()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
