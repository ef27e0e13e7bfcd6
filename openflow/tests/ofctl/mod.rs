//! What Debian's ovs-ofctl makes of texts: which it takes, and the bytes that it sends for them.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use bytes::{Bytes, BytesMut};
use flowbed_openflow as openflow;
use openflow::frame;
use openflow::ids::{DatapathId, Xid};
use openflow::msg::features::{Capabilities, Features};
use openflow::msg::hello::Hello;
use openflow::{Body, Message};

fn ofctl(args: &[&str]) -> Command {
    let mut command = Command::new("ovs-ofctl");
    command.args(["--no-names", "-O", "OpenFlow13"]).args(args);
    command
}

/// For each flow to be added the message that ovs-ofctl makes of it; `None` where it refuses.
pub fn flow_mods(texts: &[String]) -> io::Result<Vec<Option<Bytes>>> {
    let mut all = Vec::new();
    // A file is refused as a whole, so short ones are given.
    for some in texts.chunks(40) {
        parse_flows(some, &mut all)?;
    }
    Ok(all)
}

fn parse_flows(texts: &[String], all: &mut Vec<Option<Bytes>>) -> io::Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all((texts.join("\n") + "\n").as_bytes())?;
    let path = file.path().display().to_string();
    let output = ofctl(&["-mmmmm", "parse-flows", &path]).output()?;
    if output.status.success() {
        let messages = hex_dumps(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(messages.len(), texts.len(), "{texts:?}");
        all.extend(messages.into_iter().map(Some));
        return Ok(());
    }
    let wrong = match wrong_line(&output, &path) {
        Some(line) => line - 1,
        // All can be read and there is no protocol that has all: which one is it?
        None if texts.len() > 1 => {
            let (some, others) = texts.split_at(texts.len() / 2);
            parse_flows(some, all)?;
            return parse_flows(others, all);
        }
        None => 0,
    };
    parse_flows(&texts[..wrong], all)?;
    all.push(None);
    parse_flows(&texts[wrong + 1..], all)
}

/// The line of a file of which ovs-ofctl complains.
fn wrong_line(output: &Output, path: &str) -> Option<usize> {
    let said = String::from_utf8_lossy(&output.stderr);
    let (_, behind) = said.rsplit_once(&format!("{path}:"))?;
    behind.split(':').next()?.parse().ok()
}

/// The messages that were printed with all their bytes.
fn hex_dumps(printed: &str) -> Vec<Bytes> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in printed.lines() {
        let Some((offset, bytes)) = line.split_once("  ").filter(|(offset, _)| offset.len() == 8) else {
            continue;
        };
        let Ok(offset) = usize::from_str_radix(offset, 16) else { continue };
        if offset == 0 {
            messages.push(Vec::new());
        }
        let bytes = bytes.split('|').next().unwrap_or_default().replace(['-', ' '], "");
        let message = messages.last_mut().expect("offsets start at 0");
        message.extend(hex::decode(bytes).expect("hex"));
    }
    messages.into_iter().map(Bytes::from).collect()
}

/// What ovs-ofctl sends to a switch when it is told this; `None` where it refuses.
///
/// The switch is played here: it says hello, what it can, and that barriers are reached.
pub fn sent(args: &[&str], text: &str) -> io::Result<Option<Bytes>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let switch = format!("tcp:{}", listener.local_addr()?);
    let mut args = args.to_vec();
    args.extend([&switch[..], text]);
    let mut child = ofctl(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // It calls only once it has read the text; if it ends instead, this knock makes accept return.
    let ours = listener.local_addr()?;
    let knock = std::thread::spawn(move || {
        let ended = child.wait();
        drop(std::net::TcpStream::connect(ours));
        ended
    });
    let (mut stream, _) = listener.accept()?;
    let kept = play_switch(&mut stream)?;
    drop(stream);
    drop(listener);
    knock.join().expect("it only waits")?;
    Ok(kept)
}

fn play_switch(stream: &mut (impl Read + Write)) -> io::Result<Option<Bytes>> {
    let mut out = BytesMut::new();
    let mut kept = None;
    let mut buf = BytesMut::new();
    let mut chunk = [0; 4096];
    let mut send = |xid, body: Body, stream: &mut dyn Write| -> io::Result<()> {
        out.clear();
        Message { xid, body }.encode(&mut out).map_err(io::Error::other)?;
        stream.write_all(&out)
    };
    // Whoever only knocks is gone before the hello.
    if send(Xid(1), Body::Hello(Hello::new([4])), stream).is_err() {
        return Ok(None);
    }
    loop {
        while let Some(frame) = frame::next(&mut buf).map_err(io::Error::other)? {
            let message = Message::decode(frame.clone()).map_err(io::Error::other)?;
            match message.body {
                Body::FlowMod(_) | Body::GroupMod(_) | Body::MeterMod(_) => kept = Some(frame),
                Body::EchoRequest(data) => send(message.xid, Body::EchoReply(data), stream)?,
                Body::BarrierRequest => send(message.xid, Body::BarrierReply, stream)?,
                Body::FeaturesRequest => {
                    let features = Features {
                        datapath_id: DatapathId(1),
                        n_buffers: 0,
                        n_tables: 254,
                        auxiliary_id: 0,
                        capabilities: Capabilities::empty(),
                    };
                    send(message.xid, Body::FeaturesReply(features), stream)?;
                }
                _ => {}
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Ok(kept),
            Ok(n) => buf.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(kept),
            Err(error) => return Err(error),
        }
    }
}
