//! The shell on a running network.

mod prompt;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use flowbed::Lab;
use openflow::FlowStatsRequest;
use serde::{Deserialize, Serialize};
use testbed::{CaptureReport, CaptureSpec, Change, LinkBackend, LinkState};
use tokio::sync::{mpsc, oneshot};

use super::terminal::Restored;
use super::test::Test;
use super::topology::Format;
use super::trace::{self, Packet};

const HELP: &str = "\
help                      this text
nodes, hosts, links       what there is
flows [SWITCH]            flow tables, in the words of ovs-ofctl
trace HOST PACKET [TO]    the way of a packet, as if HOST sent it: trace h1 tcp,tp_dst=80 h2
topology [toml|json|dot]  the network as text, for other programs and for drawing
pingall, pingall6         every host pings every other, over IPv4 or IPv6
pingallfull               the same with round-trip times
pingpair [A B]            two hosts ping each other; also pingpair6, pingpairfull
iperf [FROM TO]           TCP throughput, from the first host to the last unless told otherwise
iperfudp [RATE [FROM TO]] UDP throughput, 10M sent a second unless told otherwise
link A B up|down          takes a link up or down
link A B bw=10,delay=5ms  changes what a shaped link does; rate=unlimited or plain undo that
add host NAME [ADDRESS/PREFIX], add switch NAME, add link A B [delay=5ms,…]
delete host NAME, delete switch NAME, delete link A B
move HOST FROM TO         has the host's link to FROM lead to TO; it keeps its addresses
switch NAME stop|start    a stopped switch passes nothing
HOST COMMAND…             runs what follows in a host, by sh -c, so that quotes, pipes and redirection work; words that
                          are names of hosts are replaced by their addresses: h1 ping -c 3 h2 | tail -1
capture FILE [INTERFACE…] writes what passes interfaces to a file for tshark and Wireshark; capture stop FILE ends it
captures                  what is being captured
exit                      takes the network down
";
const COMMANDS: [&str; 15] = [
    "help", "nodes", "hosts", "links", "flows", "topology", "link", "add", "delete", "move", "switch",
    "capture", "captures", "trace", "exit",
];

pub(crate) use prompt::{Prompt, words};

/// Where what a line shows goes.
pub(crate) type Out = dyn Write + Send;

/// Writes a line to an [`Out`].
macro_rules! show {
    ($out:expr, $($text:tt)*) => {
        writeln!($out, $($text)*).and_then(|()| $out.flush()).context("cannot show it")
    };
}

/// What a line leads to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Next {
    Go,
    /// The shell goes on as well, but a ping was lost, as has been said.
    GoFailed,
    /// A command is to run in a host, where the terminal is.
    InHost(HostCommand),
    Exit,
}

/// A command for a host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct HostCommand {
    pub(crate) host: String,
    /// For `sh -c`; addresses stand in the place of hosts' names.
    pub(crate) line: String,
}

impl HostCommand {
    pub(crate) fn argv(&self) -> [&str; 3] {
        ["sh", "-c", &self.line]
    }

    /// What a person calls it: its first word.
    pub(crate) fn program(&self) -> &str {
        self.line.split_whitespace().next().unwrap_or_default()
    }
}

/// More than any script has; bounds what a device file such as `/dev/zero` can take.
const MOST_BYTES: u64 = 1 << 20;

/// The lines of a script; empty ones and comments are left out.
pub(crate) fn read_script(file: &Path) -> Result<Vec<String>> {
    let mut text = String::new();
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    read.with_context(|| format!("cannot read {}", file.display()))?;
    if text.len() as u64 > MOST_BYTES {
        bail!("cannot read {}: it has more than 1 MiB", file.display());
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// Reads lines from the terminal and executes them, until `exit` or the end of the input.
pub(crate) async fn run(lab: &Lab) -> Result<()> {
    say!("help lists the commands; exit or Ctrl-D takes the network down")?;
    // The reader cannot be ended in the middle of a line: what it set is undone here, however this ends.
    let _terminal = Restored::when_dropped();
    let (lines, mut inbox) = mpsc::channel::<(String, oneshot::Sender<()>)>(1);
    let words = words(lab);
    // Reading a line blocks, so it has a thread of its own; it waits until each command is done.
    std::thread::spawn(move || read_lines(words, &lines));
    while let Some((line, done)) = inbox.recv().await {
        match execute(lab, &line).await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => eprintln!("{error:#}"),
        }
        // The reader is gone only if the input is.
        let _ = done.send(());
    }
    Ok(())
}

fn read_lines(words: Vec<String>, lines: &mpsc::Sender<(String, oneshot::Sender<()>)>) {
    let mut prompt = match Prompt::new(words) {
        Ok(prompt) => prompt,
        Err(error) => {
            eprintln!("flowbed: cannot use the terminal: {error}");
            return;
        }
    };
    while let Some(line) = prompt.line() {
        let (done, finished) = oneshot::channel();
        if lines.blocking_send((line, done)).is_err() || finished.blocking_recv().is_err() {
            return;
        }
    }
}

/// Executes one line on this terminal; whether all went well, and `None` if the network is to be taken down.
pub(crate) async fn execute(lab: &Lab, line: &str) -> Result<Option<bool>> {
    Ok(match perform(lab, line, &mut io::stdout()).await? {
        Next::Go => Some(true),
        Next::GoFailed => Some(false),
        Next::Exit => None,
        Next::InHost(command) => {
            let status = lab.testbed().host(&command.host)?.interact(&command.argv()).await?;
            if !status.success() {
                eprintln!("{}: {status}", command.program());
            }
            Some(status.success())
        }
    })
}

/// Does what one line says, up to what needs a terminal; what there is to show goes to `out`.
pub(crate) async fn perform(lab: &Lab, line: &str, out: &mut Out) -> Result<Next> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let testbed = lab.testbed();
    match words.as_slice() {
        [] | ["#", ..] => {}
        ["help" | "?"] => show!(out, "{}", HELP.trim_end())?,
        ["exit" | "quit"] => return Ok(Next::Exit),
        ["nodes"] => {
            let hosts = testbed.hosts();
            let hosts = hosts.iter().map(|host| host.name());
            let switches = testbed.switches();
            let switches = switches.iter().map(|switch| switch.name.as_str());
            show!(out, "{}", hosts.chain(switches).collect::<Vec<_>>().join(" "))?;
        }
        ["hosts"] => {
            for host in testbed.hosts() {
                for interface in host.interfaces() {
                    let addresses = [
                        interface.ipv4.map(|net| net.to_string()),
                        interface.ipv6.map(|net| net.to_string()),
                    ];
                    let addresses = addresses.into_iter().flatten().collect::<Vec<_>>().join(" ");
                    show!(out, "{:<8} {:<12} {} {addresses}", host.name(), interface.name, interface.mac)?;
                }
            }
        }
        ["links"] => {
            for link in testbed.links().iter() {
                let state = match link.state {
                    LinkState::Up => "up",
                    LinkState::Down => "down",
                };
                let does = match (link.a_to_b == link.b_to_a, link.backend) {
                    (_, LinkBackend::Veth) => String::new(),
                    (true, backend) => format!(" {backend} {}", link.a_to_b),
                    (false, backend) => format!(" {backend} -> {} <- {}", link.a_to_b, link.b_to_a),
                };
                show!(out, "{} <-> {} {state}{does}", link.a.interface, link.b.interface)?;
            }
        }
        ["topology"] => super::topology::print(&testbed.topology(), Format::Toml, out)?,
        ["topology", format] => {
            let format = Format::from_str(format, true)
                .map_err(|_| anyhow!("expected toml, json or dot, not \"{format}\""))?;
            super::topology::print(&testbed.topology(), format, out)?;
        }
        ["flows"] => {
            for switch in testbed.switches().iter() {
                print_flows(lab, &switch.name, out).await?;
            }
        }
        ["capture", "stop", file] => {
            let CaptureReport { frames, lost } = testbed.end_capture(Path::new(file)).await?;
            show!(out, "{frames} frames in {file}, {lost} lost")?;
        }
        ["capture", file, interfaces @ ..] => {
            let interfaces = interfaces.iter().map(|&name| name.to_owned()).collect();
            testbed.capture(CaptureSpec { file: file.into(), interfaces }).await?;
        }
        ["captures"] => {
            for CaptureSpec { file, interfaces } in testbed.captures() {
                let where_ = if interfaces.is_empty() { "all".to_owned() } else { interfaces.join(" ") };
                show!(out, "{}: {where_}", file.display())?;
            }
        }
        ["trace", host, packet, to @ ..] if to.len() < 2 => {
            let to = to.first().map(|to| (*to).to_owned());
            let packet = Packet { host: (*host).to_owned(), packet: (*packet).to_owned(), to };
            show!(out, "{}", trace::in_lab(lab, &packet).await?.text.trim_end())?;
        }
        ["trace", ..] => bail!("expected trace HOST PACKET [TO]: trace h1 tcp,tp_dst=80 h2"),
        ["flows", switch] => print_flows(lab, switch, out).await?,
        [test, ..] if Test::is_one(test) => {
            let result = Test::from_words(&words)?.run(lab).await?;
            show!(out, "{result}")?;
            if !result.passed() {
                return Ok(Next::GoFailed);
            }
        }
        [word, ..] if Change::begins_with(word) => {
            lab.change(&line.parse().map_err(anyhow::Error::new)?).await?;
        }
        [host, ..] if testbed.host(host).is_ok() => {
            let (_, command) = line.split_once(*host).unwrap_or_default();
            return in_host(lab, host, command.trim());
        }
        [other, ..] => bail!("there is no command or host \"{other}\"; help lists the commands"),
    }
    Ok(Next::Go)
}

async fn print_flows(lab: &Lab, name: &str, out: &mut Out) -> Result<()> {
    let switches = lab.testbed().switches();
    let switch = switches.iter().find(|switch| switch.name == name);
    let switch = switch.ok_or_else(|| anyhow!("there is no switch \"{name}\""))?;
    let connected = lab.controller().and_then(|controller| controller.switch(switch.dpid));
    let connected = connected.ok_or_else(|| anyhow!("{name} is not connected to a controller of ours"))?;
    show!(out, "{name}:")?;
    for flow in connected.flow_stats(FlowStatsRequest::all()).await? {
        show!(out, "{flow}")?;
    }
    Ok(())
}

/// The command line for a host.
fn in_host(lab: &Lab, host: &str, command: &str) -> Result<Next> {
    if command.is_empty() {
        bail!("what shall {host} run? For a shell: {host} bash");
    }
    let address = |word: &str| {
        let host = lab.testbed().host(word).ok()?;
        host.interfaces().iter().find_map(|interface| interface.ipv4).map(|net| net.address.to_string())
    };
    Ok(Next::InHost(HostCommand { host: host.to_owned(), line: replace_words(command, address) }))
}

/// Replaces words by what `by` has for them and leaves the space between them as it is.
fn replace_words(text: &str, by: impl Fn(&str) -> Option<String>) -> String {
    let parts = text.split_inclusive(char::is_whitespace).map(|part| {
        let word = part.trim_end();
        by(word).map_or_else(|| part.to_owned(), |found| found + &part[word.len()..])
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_replaced_and_space_is_kept() {
        let by = |word: &str| (word == "h2").then(|| "10.0.0.2".to_owned());
        assert_eq!(replace_words("ping  h2 -c 1\t| tail -1", by), "ping  10.0.0.2 -c 1\t| tail -1");
        assert_eq!(replace_words("echo 'to h2' h22 h2", by), "echo 'to h2' h22 10.0.0.2");
    }
}
