//! The shell on a running network.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use flowbed::Lab;
use openflow::FlowStatsRequest;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::{Config, Editor};
use rustyline::{Helper, Highlighter, Hinter, Validator};
use testbed::{Change, LinkBackend, LinkState};
use tokio::sync::{mpsc, oneshot};

use super::terminal::Restored;
use super::test::Test;
use super::topology::Format;

const HELP: &str = "\
help                      this text
nodes, hosts, links       what there is
flows [SWITCH]            flow tables, in the words of ovs-ofctl
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
exit                      takes the network down
";
const COMMANDS: [&str; 12] = [
    "help", "nodes", "hosts", "links", "flows", "topology", "link", "add", "delete", "move", "switch", "exit",
];

/// What a line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Go,
    /// The shell goes on as well, but a command in a host has failed or a ping was lost, as has been said.
    GoFailed,
    Exit,
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
    let mut words: Vec<String> = COMMANDS.iter().map(|&command| command.to_owned()).collect();
    words.extend(Test::names().map(str::to_owned));
    words.extend(lab.testbed().hosts().iter().map(|host| host.name().to_owned()));
    words.extend(lab.testbed().switches().iter().map(|switch| switch.name.clone()));
    // Reading a line blocks, so it has a thread of its own; it waits until each command is done.
    std::thread::spawn(move || read_lines(words, &lines));
    while let Some((line, done)) = inbox.recv().await {
        match execute(lab, &line).await {
            Ok(Next::Go | Next::GoFailed) => {}
            Ok(Next::Exit) => break,
            Err(error) => eprintln!("{error:#}"),
        }
        // The reader is gone only if the input is.
        let _ = done.send(());
    }
    Ok(())
}

fn read_lines(words: Vec<String>, lines: &mpsc::Sender<(String, oneshot::Sender<()>)>) {
    let mut editor = match Editor::with_config(Config::builder().auto_add_history(true).build()) {
        Ok(editor) => editor,
        Err(error) => {
            eprintln!("flowbed: cannot use the terminal: {error}");
            return;
        }
    };
    editor.set_helper(Some(Words { words }));
    loop {
        match editor.readline("flowbed> ") {
            Ok(line) => {
                let (done, finished) = oneshot::channel();
                if lines.blocking_send((line, done)).is_err() || finished.blocking_recv().is_err() {
                    return;
                }
            }
            // Ctrl-C clears the line, as in any shell.
            Err(ReadlineError::Interrupted) => {}
            Err(_) => return,
        }
    }
}

/// Completes commands and names.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct Words {
    words: Vec<String>,
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let start = line[..at].rfind(' ').map_or(0, |space| space + 1);
        let begun = &line[start..at];
        Ok((start, self.words.iter().filter(|word| word.starts_with(begun)).cloned().collect()))
    }
}

/// Executes one line.
pub(crate) async fn execute(lab: &Lab, line: &str) -> Result<Next> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let testbed = lab.testbed();
    match words.as_slice() {
        [] | ["#", ..] => {}
        ["help" | "?"] => super::write_out(format_args!("{HELP}"))?,
        ["exit" | "quit"] => return Ok(Next::Exit),
        ["nodes"] => {
            let hosts = testbed.hosts();
            let hosts = hosts.iter().map(|host| host.name());
            let switches = testbed.switches();
            let switches = switches.iter().map(|switch| switch.name.as_str());
            say!("{}", hosts.chain(switches).collect::<Vec<_>>().join(" "))?;
        }
        ["hosts"] => {
            for host in testbed.hosts() {
                for interface in host.interfaces() {
                    let addresses = [
                        interface.ipv4.map(|net| net.to_string()),
                        interface.ipv6.map(|net| net.to_string()),
                    ];
                    let addresses = addresses.into_iter().flatten().collect::<Vec<_>>().join(" ");
                    say!("{:<8} {:<12} {} {addresses}", host.name(), interface.name, interface.mac)?;
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
                say!("{} <-> {} {state}{does}", link.a.interface, link.b.interface)?;
            }
        }
        ["topology"] => super::topology::print(&testbed.topology(), Format::Toml)?,
        ["topology", format] => {
            let format = Format::from_str(format, true)
                .map_err(|_| anyhow!("expected toml, json or dot, not \"{format}\""))?;
            super::topology::print(&testbed.topology(), format)?;
        }
        ["flows"] => {
            for switch in testbed.switches().iter() {
                print_flows(lab, &switch.name).await?;
            }
        }
        ["flows", switch] => print_flows(lab, switch).await?,
        [test, ..] if Test::is_one(test) => {
            let result = Test::from_words(&words)?.run(lab).await?;
            say!("{result}")?;
            if !result.passed() {
                return Ok(Next::GoFailed);
            }
        }
        [word, ..] if Change::begins_with(word) => {
            lab.change(&line.parse().map_err(anyhow::Error::new)?).await?;
        }
        [host, ..] if testbed.host(host).is_ok() => {
            let (_, command) = line.split_once(*host).unwrap_or_default();
            return run_in(lab, host, command.trim()).await;
        }
        [other, ..] => bail!("there is no command or host \"{other}\"; help lists the commands"),
    }
    Ok(Next::Go)
}

async fn print_flows(lab: &Lab, name: &str) -> Result<()> {
    let switches = lab.testbed().switches();
    let switch = switches.iter().find(|switch| switch.name == name);
    let switch = switch.ok_or_else(|| anyhow!("there is no switch \"{name}\""))?;
    let connected = lab.controller().and_then(|controller| controller.switch(switch.dpid));
    let connected = connected.ok_or_else(|| anyhow!("{name} is not connected to a controller of ours"))?;
    say!("{name}:")?;
    for flow in connected.flow_stats(FlowStatsRequest::all()).await? {
        say!("{flow}")?;
    }
    Ok(())
}

/// Runs a command line in a host, with the terminal for itself.
async fn run_in(lab: &Lab, host: &str, command: &str) -> Result<Next> {
    let Some(program) = command.split_whitespace().next() else {
        bail!("what shall {host} run? For a shell: {host} bash");
    };
    let testbed = lab.testbed();
    let address = |word: &str| {
        let host = testbed.host(word).ok()?;
        host.interfaces().iter().find_map(|interface| interface.ipv4).map(|net| net.address.to_string())
    };
    let command_line = replace_words(command, address);
    let status = testbed.host(host)?.interact(&["sh", "-c", &command_line]).await?;
    if status.success() {
        return Ok(Next::Go);
    }
    eprintln!("{program}: {status}");
    Ok(Next::GoFailed)
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
