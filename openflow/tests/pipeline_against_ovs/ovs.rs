//! An Open vSwitch of the test's own, without a network: its daemons, its OpenFlow connection, its
//! unixctl connection (JSON-RPC, `ovs-appctl(8)`).

use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bytes::BytesMut;
use flowbed_openflow as openflow;
use openflow::error::ErrorKind;
use openflow::frame;
use openflow::ids::Xid;
use openflow::msg::hello::Hello;
use openflow::multipart::{MultipartBody, MultipartRequest};
use openflow::{Body, Message, Port};
use serde_json::{Value, json};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
const PORTS: u32 = 4;

/// Ends with its handle.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A bridge with four ports that lead nowhere.
pub struct Ovs {
    openflow: UnixStream,
    input: BytesMut,
    unixctl: BufReader<UnixStream>,
    requests: u64,
    gone: bool,
    /// Its daemons, the last started first.
    _daemons: [Daemon; 2],
    _dir: tempfile::TempDir,
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn daemon(name: &str, dir: &Path, args: &[String]) -> Result<Daemon> {
    let mut command = Command::new(name);
    command.args(args).env("OVS_RUNDIR", dir).env("OVS_LOGDIR", dir).env("OVS_DBDIR", dir);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(Daemon(child))
}

impl Ovs {
    pub fn is_missing() -> bool {
        let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
        !(there("ovs-vswitchd") && there("ovsdb-server") && there("ovs-vsctl") && Path::new(SCHEMA).exists())
    }

    pub fn start() -> Result<Ovs> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (db, socket) = (path("conf.db"), path("db.sock"));
        run(Command::new("ovsdb-tool").args(["create", &db, SCHEMA]))?;
        let server = daemon(
            "ovsdb-server",
            dir.path(),
            &[format!("--remote=punix:{socket}"), format!("--unixctl={}", path("db.ctl")), db],
        )?;
        let vswitchd = daemon(
            "ovs-vswitchd",
            dir.path(),
            &[
                "--enable-dummy=override".to_owned(),
                "--disable-system".to_owned(),
                format!("--unixctl={}", path("ctl")),
                format!("unix:{socket}"),
            ],
        )?;
        let mut setup = Command::new("ovs-vsctl");
        setup.args(["--timeout=20", "--retry", &format!("--db=unix:{socket}")]);
        setup.args(["--", "set", "Open_vSwitch", ".", "other_config:vlan-limit=2"]);
        setup.args(["--", "add-br", "br0", "--", "set", "Bridge", "br0", "datapath_type=dummy"]);
        setup.args(["fail-mode=secure", "protocols=OpenFlow13"]);
        for n in 1..=PORTS {
            let port = format!("p{n}");
            setup.args(["--", "add-port", "br0", &port, "--", "set", "Interface", &port]);
            setup.arg(format!("ofport_request={n}"));
        }
        // It comes back when the daemon has done what the database says.
        run(&mut setup)?;
        let mut ovs = Ovs {
            openflow: UnixStream::connect(path("br0.mgmt"))?,
            input: BytesMut::new(),
            unixctl: BufReader::new(UnixStream::connect(path("ctl"))?),
            requests: 0,
            gone: false,
            _daemons: [vswitchd, server],
            _dir: dir,
        };
        let mut hello = BytesMut::new();
        Body::Hello(Hello::new([4])).encode(Xid(0), &mut hello)?;
        ovs.openflow.write_all(&hello)?;
        Ok(ovs)
    }

    /// Whether its daemon hung up, and so has ended: it aborts now and then.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Sends messages and waits until they are carried out: the replies that came meanwhile, by
    /// the numbers of the messages.
    pub fn exchange(&mut self, bodies: &[Body]) -> Result<Vec<(usize, Body)>> {
        let mut out = BytesMut::new();
        for (n, body) in (1..).zip(bodies) {
            body.encode(Xid(n), &mut out)?;
        }
        Body::BarrierRequest.encode(Xid(0), &mut out)?;
        self.openflow.write_all(&out)?;
        let mut replies = Vec::new();
        let mut chunk = [0; 1 << 14];
        loop {
            while let Some(frame) = frame::next(&mut self.input)? {
                let Message { xid, body } = Message::decode(frame)?;
                match body {
                    Body::BarrierReply => return Ok(replies),
                    Body::Hello(_) | Body::PacketIn(_) => {}
                    Body::EchoRequest(data) => {
                        let mut out = BytesMut::new();
                        Body::EchoReply(data).encode(xid, &mut out)?;
                        self.openflow.write_all(&out)?;
                    }
                    body => replies.push((xid.0 as usize, body)),
                }
            }
            match self.openflow.read(&mut chunk)? {
                0 => {
                    self.gone = true;
                    return Err("the switch hung up".into());
                }
                n => self.input.extend_from_slice(&chunk[..n]),
            }
        }
    }

    /// For each message the error with which it is refused, if it is.
    pub fn refusals(&mut self, bodies: &[Body]) -> Result<Vec<Option<ErrorKind>>> {
        let mut refused = vec![None; bodies.len()];
        for (n, body) in self.exchange(bodies)? {
            if let (Body::Error(error), Some(place)) = (body, n.checked_sub(1)) {
                refused[place] = Some(error.kind);
            }
        }
        Ok(refused)
    }

    pub fn ports(&mut self) -> Result<Vec<Port>> {
        let replies = self.exchange(&[MultipartRequest::PortDesc.into()])?;
        let mut ports = Vec::new();
        for (_, body) in replies {
            if let Body::MultipartReply(reply) = body
                && let MultipartBody::PortDesc(part) = reply.body
            {
                ports.extend(part);
            }
        }
        if ports.len() == PORTS as usize + 1 { Ok(ports) } else { Err(format!("{ports:?}").into()) }
    }

    /// What `ovs-appctl` would print (RFC 7047 has the form of the messages).
    pub fn appctl(&mut self, method: &str, params: &[&str]) -> Result<String> {
        self.requests += 1;
        let request = json!({ "method": method, "params": params, "id": self.requests });
        self.unixctl.get_mut().write_all(request.to_string().as_bytes())?;
        let mut replies = serde_json::Deserializer::from_reader(&mut self.unixctl).into_iter::<Value>();
        let Some(reply) = replies.next() else {
            self.gone = true;
            return Err("unixctl hung up".into());
        };
        let reply = reply?;
        match &reply["result"] {
            Value::String(text) => Ok(text.clone()),
            _ => Err(format!("{method} {params:?}: {}", reply["error"]).into()),
        }
    }
}
