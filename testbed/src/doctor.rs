//! What this machine can do for a testbed.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::mpsc;

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::tc::{TcAttribute, TcHandle, TcMessage};

use crate::cgroup;
use crate::netlink::{Intent, Netlink};
use crate::ovs;
use crate::sandbox::privileges::{lacking, machine_uid, obstacle};
use crate::wiring::{self, FIRST_INDEX, NewInterface};

/// One line of the table that `flowbed doctor` prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub what: &'static str,
    /// How it stands.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What can be done about it; empty when all is well.
    pub remedy: String,
}

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Not there; what needs it does not work.
    Missing,
    /// Not there, but something else takes its place.
    Degraded,
}

/// Looks at the machine. Call [`crate::enter`] before, for the view of a testbed; where that
/// failed, the checks say why. It changes nothing: what it tries, it tries in a namespace that
/// ends with the trial.
#[must_use]
pub fn doctor() -> Vec<Check> {
    let mut checks = vec![privileges(), user_namespaces()];
    checks.extend(in_scratch_namespace());
    checks.extend([tun(), open_vswitch(), kernel_datapath(), cgroups()]);
    checks
}

fn check(what: &'static str, status: Status, detail: impl Into<String>, remedy: &str) -> Check {
    Check { what, status, detail: detail.into(), remedy: remedy.to_owned() }
}

fn privileges() -> Check {
    let what = "privileges";
    match lacking() {
        Ok(none) if none.is_empty() => {
            let how = match machine_uid() {
                0 => "all that are needed, as root",
                _ => "all that are needed, in a user namespace",
            };
            check(what, Status::Ok, how, "")
        }
        Ok(missing) => check(
            what,
            Status::Missing,
            format!("without {}", missing.join(", ")),
            "run as root, or allow user namespaces (next line)",
        ),
        Err(error) => check(what, Status::Missing, error.to_string(), "mount /proc"),
    }
}

fn user_namespaces() -> Check {
    let what = "user namespaces";
    match obstacle() {
        None => check(what, Status::Ok, "an ordinary user may have them", ""),
        Some((why, remedy)) => check(what, Status::Degraded, why, remedy),
    }
}

/// Network namespaces, veth, bridges and netem: tried out.
fn in_scratch_namespace() -> Vec<Check> {
    let (sender, receiver) = mpsc::channel();
    // A thread of its own: it ends in the namespace that it made, and with it.
    let trial = std::thread::spawn(move || {
        let result = unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from);
        let entered = result.is_ok();
        let _ = sender.send(verdict(
            "network namespaces",
            result,
            "the kernel is built without them (CONFIG_NET_NS)",
            Status::Missing,
            "run as root, or allow user namespaces",
        ));
        if !entered {
            return;
        }
        let mut socket = match Netlink::open() {
            Ok(socket) => socket,
            Err(error) => {
                let _ = sender.send(verdict(
                    "netlink",
                    Err(error),
                    "the kernel has no netlink",
                    Status::Missing,
                    "",
                ));
                return;
            }
        };
        let new = |name: &str, offset| NewInterface {
            name: name.to_owned(),
            index: FIRST_INDEX + offset,
            mac: None,
            bridge: None,
        };
        let pair = wiring::veth(&new("a", 0), &new("b", 1), None);
        let _ = sender.send(verdict(
            "veth",
            socket.request(Intent::Create, pair),
            "the kernel has no virtual Ethernet pairs",
            Status::Missing,
            "every link is one: modprobe veth",
        ));
        let bridge = wiring::bridge(&new("c", 2));
        let _ = sender.send(verdict(
            "Linux bridge",
            socket.request(Intent::Create, bridge),
            "the kernel has no bridges",
            Status::Degraded,
            "only `--switch bridge` needs them: modprobe bridge",
        ));
        let _ = sender.send(verdict(
            "netem",
            socket.request(Intent::Create, netem(FIRST_INDEX)),
            "the kernel has no netem queue (sch_netem)",
            Status::Degraded,
            "links are shaped by Flowbed itself instead; `tc qdisc add … netem` in hosts needs it: modprobe sch_netem",
        ));
    });
    let checks = receiver.into_iter().collect();
    // Its only panic would be ours to see in the checks that are missing.
    let _ = trial.join();
    checks
}

/// `absent`: what to say where the kernel does not know such a thing at all.
fn verdict(
    what: &'static str,
    tried: io::Result<()>,
    absent: &str,
    otherwise: Status,
    remedy: &str,
) -> Check {
    let unknown = [libc::ENOENT, libc::EOPNOTSUPP, libc::ENODEV, libc::EINVAL, libc::EPROTONOSUPPORT];
    match tried {
        Ok(()) => check(what, Status::Ok, "works", ""),
        Err(error) if error.raw_os_error().is_some_and(|errno| unknown.contains(&errno)) => {
            check(what, otherwise, absent, remedy)
        }
        Err(error) => check(what, otherwise, error.to_string(), remedy),
    }
}

/// A netem queue without any property (`tc-netem(8)`): `struct tc_netem_qopt` of
/// `linux/pkt_sched.h`, all zero but the limit of packets.
fn netem(interface: u32) -> RouteNetlinkMessage {
    let mut message = TcMessage::default();
    message.header.index = interface.cast_signed();
    message.header.parent = TcHandle::ROOT;
    let mut options = [0; 24];
    options[4..8].copy_from_slice(&1000_u32.to_ne_bytes());
    message.attributes = vec![
        TcAttribute::Kind("netem".to_owned()),
        TcAttribute::Other(rtnetlink::packet_core::DefaultNla::new(2, options.to_vec())),
    ];
    RouteNetlinkMessage::NewQueueDiscipline(message)
}

fn tun() -> Check {
    let what = "/dev/net/tun";
    match OpenOptions::new().read(true).write(true).open(what) {
        Ok(_) => check(what, Status::Ok, "can be opened", ""),
        Err(error) => check(
            what,
            Status::Missing,
            error.to_string(),
            "Open vSwitch's userspace datapath needs it: modprobe tun, and let root run \
             chmod 0666 /dev/net/tun (its default on most distributions)",
        ),
    }
}

fn open_vswitch() -> Check {
    let what = "Open vSwitch";
    match ovs::Installation::find().and_then(|found| found.version()) {
        Ok(version) => check(what, Status::Ok, version, ""),
        Err(error) => check(what, Status::Missing, error.to_string(), "apt install openvswitch-switch"),
    }
}

fn kernel_datapath() -> Check {
    let what = "openvswitch module";
    match Path::new("/sys/module/openvswitch").exists() {
        true => check(what, Status::Ok, "loaded", ""),
        false => check(
            what,
            Status::Degraded,
            "not loaded; Open vSwitch's slower userspace datapath takes its place",
            "modprobe openvswitch",
        ),
    }
}

fn cgroups() -> Check {
    let what = "control groups";
    match cgroup::found() {
        Ok(found) if !found.is_empty() => check(what, Status::Ok, found.join(", "), ""),
        Ok(_) => check(
            what,
            Status::Degraded,
            "none that can limit a host",
            "only limits of hosts need them: run as root, or by systemd-run --scope -p Delegate=yes",
        ),
        Err(error) => {
            check(what, Status::Degraded, error.to_string(), "only limits of hosts need them: mount /proc")
        }
    }
}
