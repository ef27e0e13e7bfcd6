//! What a running testbed tells other processes: the state file in its run directory.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::fabric::Fabric;
use crate::host::Host;

const FILE_NAME: &str = "state.json";

/// The state file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process that owns the testbed, as the machine numbers it.
    pub(crate) pid: i32,
    /// The first process of the testbed's pid namespace.
    pub(crate) init: i32,
    /// Whether that process has a mount namespace of its own.
    pub(crate) own_mounts: bool,
    pub(crate) hosts: Vec<HostState>,
}

/// A host, for those who want to enter it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostState {
    pub(crate) name: String,
    /// The descriptor of its network namespace in the process `pid`.
    pub(crate) netns: i32,
    /// Where a process writes `0` to be in the host's control groups.
    #[serde(default)]
    pub(crate) doors: Vec<PathBuf>,
    /// Its IPv4 address with prefix length, where it has one.
    #[serde(default)]
    pub(crate) ipv4: Option<String>,
}

impl State {
    /// What there is to tell of these hosts.
    pub(crate) fn of(fabric: &Fabric, hosts: &[Host]) -> Self {
        let host = |host: &Host| HostState {
            name: host.name().to_owned(),
            netns: host.namespace.raw_fd(),
            doors: host.groups.as_ref().map(|groups| groups.doors()).unwrap_or_default(),
            ipv4: (host.interfaces().iter()).find_map(|interface| interface.ipv4).map(|net| net.to_string()),
        };
        Self {
            pid: std::process::id().cast_signed(),
            init: fabric.thread().init_pid(),
            own_mounts: fabric.thread().has_own_mounts(),
            hosts: hosts.iter().map(host).collect(),
        }
    }
}

/// Writes the state file anew, in one step for its readers.
pub(crate) fn write(directory: &Path, state: &State) -> Result<(), Error> {
    let path = directory.join(FILE_NAME);
    let object = || path.display().to_string();
    let text = serde_json::to_vec(state)
        .map_err(|error| Error::Record { path: path.clone(), why: error.to_string() })?;
    let draft = directory.join("state.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .map_err(Error::system("create", object()))?;
    std::io::Write::write_all(&mut file, &text).map_err(Error::system("write", object()))?;
    fs::rename(&draft, &path).map_err(Error::system("write", object()))
}

/// Reads a state file.
pub(crate) fn read(directory: &Path) -> Result<State, Error> {
    let path = directory.join(FILE_NAME);
    let text = fs::read(&path).map_err(Error::system("read", path.display().to_string()))?;
    serde_json::from_slice(&text).map_err(|error| Error::Record { path, why: error.to_string() })
}
