//! Control groups (`cgroups(7)`): what the processes of a host may have together.
//!
//! A testbed makes a group of its own beneath the one that it runs in, and in it one for each host that has limits; with
//! version 1, in the hierarchy of each controller. The kernel does not reclaim groups, so each is in the ledger before
//! it is made.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use nix::libc;

use crate::error::Error;
use crate::ledger::{Entry, Ledger};
use crate::topology::Limits;

/// Microseconds in which a host's processes have their share of processor time: the kernel's default.
const PERIOD: u64 = 100_000;

/// What limits something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Controller {
    Cpu,
    Memory,
    Pids,
}

const ALL: [Controller; 3] = [Controller::Cpu, Controller::Memory, Controller::Pids];

impl Controller {
    fn name(self) -> &'static str {
        match self {
            Controller::Cpu => "cpu",
            Controller::Memory => "memory",
            Controller::Pids => "pids",
        }
    }

    /// Whether the limits say anything that it is there for.
    fn concerns(self, limits: &Limits) -> bool {
        match self {
            Controller::Cpu => limits.cpu.is_some(),
            Controller::Memory => limits.memory.is_some(),
            Controller::Pids => limits.pids.is_some(),
        }
    }

    /// The files that hold the limit, with what to write there; no limit is written as such.
    fn settings(self, limits: &Limits, version: Version) -> Vec<(&'static str, String)> {
        let or_max = |number: Option<u64>| number.map_or("max".to_owned(), |number| number.to_string());
        let quota = limits.cpu.map(|cpu| cpu.quota(PERIOD));
        let memory = limits.memory.map(|memory| memory.0);
        match (self, version) {
            (Controller::Cpu, Version::One) => vec![
                ("cpu.cfs_period_us", PERIOD.to_string()),
                ("cpu.cfs_quota_us", quota.map_or("-1".to_owned(), |quota| quota.to_string())),
            ],
            (Controller::Cpu, Version::Two) => vec![("cpu.max", format!("{} {PERIOD}", or_max(quota)))],
            (Controller::Memory, Version::One) => {
                vec![("memory.limit_in_bytes", memory.map_or("-1".to_owned(), |bytes| bytes.to_string()))]
            }
            (Controller::Memory, Version::Two) => vec![("memory.max", or_max(memory))],
            (Controller::Pids, _) => vec![("pids.max", or_max(limits.pids.map(u64::from)))],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Where a controller's groups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    controller: Controller,
    version: Version,
    parent: PathBuf,
}

/// Finds the places from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup` (`proc(5)`, `cgroups(7)`).
fn places(mounts: &str, own: &str) -> Vec<Place> {
    ALL.iter().filter_map(|controller| place(*controller, mounts, own)).collect()
}

fn place(controller: Controller, mounts: &str, own: &str) -> Option<Place> {
    let mounted = mounts.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(3);
        let mut right = right.split(' ');
        Some((left.next()?, left.next()?, right.next()?, right.nth(1)?))
    });
    // The group that we are in, of one line `number:controllers:path`.
    let group = |wanted: &dyn Fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            wanted(fields.next()?).then(|| fields.next())?
        })
    };
    let name = controller.name();
    let has = |list: &str| list.split(',').any(|word| word == name);
    let mut two = None;
    for (root, point, kind, options) in mounted {
        let beneath = |group: &str| {
            let rest = Path::new(group).strip_prefix(root).ok()?;
            // An empty rest would leave a slash at the end.
            Some(Path::new(point).components().chain(rest.components()).collect::<PathBuf>())
        };
        match kind {
            "cgroup" if has(options) => {
                let parent = beneath(group(&has)?)?;
                return Some(Place { controller, version: Version::One, parent });
            }
            "cgroup2" => {
                let ours = beneath(group(&str::is_empty)?)?;
                // A group with processes, as ours, cannot give controllers to groups in it: so beside it, unless it is
                // the root, which can.
                let parent = if ours == Path::new(point) { ours } else { ours.parent()?.to_owned() };
                two = Some(Place { controller, version: Version::Two, parent });
            }
            _ => {}
        }
    }
    two
}

/// The groups of one host.
#[derive(Debug)]
pub(crate) struct HostGroups {
    groups: Vec<(Place, PathBuf)>,
    /// Where a process writes to be in them.
    doors: Vec<File>,
}

/// The groups of a testbed.
#[derive(Debug)]
pub(crate) struct Groups {
    places: Vec<Place>,
    name: String,
}

impl Groups {
    /// Looks where groups can be made for a testbed called `name`; makes nothing yet.
    pub(crate) fn find(name: &str) -> Result<Self, Error> {
        let read = |path: &str| fs::read_to_string(path).map_err(Error::system("read", path));
        let places = places(&read("/proc/self/mountinfo")?, &read("/proc/self/cgroup")?);
        Ok(Self { places, name: format!("flowbed-{name}-{}", std::process::id()) })
    }

    /// Makes the groups for a host with these limits.
    pub(crate) fn make(
        &self,
        host: &str,
        limits: &Limits,
        ledger: &Ledger,
    ) -> Result<Arc<HostGroups>, Error> {
        let mut made = HostGroups { groups: Vec::new(), doors: Vec::new() };
        for controller in ALL.into_iter().filter(|controller| controller.concerns(limits)) {
            let unavailable =
                |what: String, remedy: &str| Error::Unavailable { what, remedy: remedy.to_owned() };
            let name = controller.name();
            let place = self.places.iter().find(|place| place.controller == controller).ok_or_else(|| {
                unavailable(
                    format!("{host} cannot be limited: the kernel has no {name} control group mounted"),
                    "mount /sys/fs/cgroup, or leave the limit out",
                )
            })?;
            let ours = place.parent.join(&self.name);
            if place.version == Version::Two {
                offered(&place.parent, name).map_err(|what| {
                    unavailable(
                        format!("{host} cannot be limited: {what}"),
                        "run flowbed by `systemd-run --scope -p Delegate=yes`, or leave the limit out",
                    )
                })?;
            }
            let group = ours.join(host);
            for directory in [&ours, &group] {
                make_group(directory, ledger)?;
                if place.version == Version::Two && directory == &ours {
                    write(&ours.join("cgroup.subtree_control"), &format!("+{name}"))?;
                }
            }
            let door = group.join("cgroup.procs");
            let opened = OpenOptions::new().write(true).open(&door);
            made.doors.push(opened.map_err(Error::system("open", door.display().to_string()))?);
            made.groups.push((place.clone(), group));
        }
        made.set(limits)?;
        Ok(Arc::new(made))
    }
}

/// Whether groups in `parent` get the controller (version 2).
fn offered(parent: &Path, controller: &str) -> Result<(), String> {
    let path = parent.join("cgroup.subtree_control");
    match fs::read_to_string(&path) {
        Ok(list) if list.split_whitespace().any(|word| word == controller) => Ok(()),
        Ok(_) => Err(format!("{} does not offer {controller}", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn make_group(directory: &Path, ledger: &Ledger) -> Result<(), Error> {
    if directory.is_dir() {
        return Ok(());
    }
    ledger.record(&Entry::Cgroup(directory.to_owned()))?;
    fs::create_dir(directory).map_err(Error::system("create", directory.display().to_string()))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let written =
        OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(Error::system("write", format!("{text:?} to {}", path.display())))
}

impl HostGroups {
    /// Sets the limits anew. What the host had no limit of at the start cannot be limited later, since its processes are in
    /// no group for that.
    pub(crate) fn set(&self, limits: &Limits) -> Result<(), Error> {
        for controller in ALL {
            let group = self.groups.iter().find(|(place, _)| place.controller == controller);
            match group {
                Some((place, group)) => {
                    for (file, text) in controller.settings(limits, place.version) {
                        write(&group.join(file), &text)?;
                    }
                }
                None if controller.concerns(limits) => {
                    return Err(Error::Unavailable {
                        what: format!(
                            "the host had no limit of {} when the network came up",
                            controller.name()
                        ),
                        remedy: "give it one in the topology".to_owned(),
                    });
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Where a process writes `0` to be in the groups.
    pub(crate) fn doors(&self) -> Vec<PathBuf> {
        self.groups.iter().map(|(_, group)| group.join("cgroup.procs")).collect()
    }

    /// Has the command enter the groups before it begins.
    pub(crate) fn confine(self: &Arc<Self>, command: &mut Command) {
        let own = Arc::clone(self);
        // SAFETY: the closure makes only system calls on descriptors that it keeps open, as pre_exec demands.
        unsafe {
            command.pre_exec(move || {
                for door in &own.doors {
                    let text = b"0";
                    if libc::write(door.as_raw_fd(), text.as_ptr().cast(), text.len()) < 0 {
                        return Err(io::Error::last_os_error());
                    }
                }
                Ok(())
            });
        }
    }
}

/// Enters groups by their doors: for a process that is about to become a host's.
pub(crate) fn enter(doors: &[PathBuf]) -> io::Result<()> {
    doors.iter().try_for_each(|door| OpenOptions::new().write(true).open(door)?.write_all(b"0"))
}

/// For `flowbed doctor`: which limits there are, and of which version.
pub(crate) fn found() -> io::Result<Vec<String>> {
    let mut own = String::new();
    File::open("/proc/self/cgroup")?.read_to_string(&mut own)?;
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let usable = |place: &Place| {
        place.version == Version::One || offered(&place.parent, place.controller.name()).is_ok()
    };
    let word = |place: &Place| {
        let version = if place.version == Version::One { 1 } else { 2 };
        format!("{} (version {version})", place.controller.name())
    };
    Ok(places(&mounts, &own).iter().filter(|place| usable(place)).map(word).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Bytes;

    const V1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 /docker/4711 /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
34 31 0:32 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

    fn found(mounts: &str, own: &str) -> Vec<(Controller, Version, String)> {
        let text = |place: Place| (place.controller, place.version, place.parent.display().to_string());
        places(mounts, own).into_iter().map(text).collect()
    }

    #[test]
    fn groups_are_made_beneath_our_own_or_beside_it() {
        let own = "5:memory:/docker/4711/inner\n4:cpu,cpuacct:/user\n0::/user.slice/a.scope\n";
        let expected = [
            (Controller::Cpu, Version::One, "/sys/fs/cgroup/cpu,cpuacct/user".to_owned()),
            (Controller::Memory, Version::One, "/sys/fs/cgroup/memory/inner".to_owned()),
            (Controller::Pids, Version::Two, "/sys/fs/cgroup/unified/user.slice".to_owned()),
        ];
        assert_eq!(found(V1, own), expected);
        let v2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";
        let root = found(v2, "0::/\n");
        assert!(
            root.iter().all(|(_, version, path)| *version == Version::Two && path == "/sys/fs/cgroup"),
            "{root:?}"
        );
        assert_eq!(root.len(), 3);
        assert_eq!(found("", own), []);
        assert_eq!(found(V1, "garbage"), []);
    }

    #[test]
    fn limits_are_written_as_each_version_has_them() {
        let limits =
            Limits { cpu: crate::topology::Cores::new(0.5), memory: Some(Bytes(1 << 20)), pids: None };
        let text = |version| {
            let settings = ALL.iter().flat_map(|controller| controller.settings(&limits, version));
            settings.map(|(file, text)| format!("{file}={text}")).collect::<Vec<_>>().join(" ")
        };
        let one =
            "cpu.cfs_period_us=100000 cpu.cfs_quota_us=50000 memory.limit_in_bytes=1048576 pids.max=max";
        assert_eq!(text(Version::One), one);
        assert_eq!(text(Version::Two), "cpu.max=50000 100000 memory.max=1048576 pids.max=max");
    }
}
