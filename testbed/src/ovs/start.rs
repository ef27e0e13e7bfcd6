//! How an Open vSwitch comes up.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::watch;

use super::daemon::Daemon;
use super::datapath::{Datapath, tun_device};
use super::error::Error;
use super::install::Installation;
use super::instance::{APPLIED, Instance};
use super::mirror::{self, Mirror};
use super::{rows, sockets, warm};
use crate::ledger::Ledger;
use crate::ovsdb::{self, Client};
use crate::sandbox::{NetNs, raise_descriptor_limit};

/// How long a daemon may take until it listens. It takes some 10 ms; machines can be busy.
const READY: Duration = Duration::from_secs(15);

/// The longest address of a unix socket, in bytes, with its final zero (`unix(7)`).
const SOCKET_ADDRESS: usize = 108;

/// The longest file name in the directory: a bridge's `NAME.mgmt`, `.snoop`, or a daemon's log.
const FILE_NAME: usize = 24;

impl Instance {
    /// Makes `directory` and starts the daemons in it, in the network namespace `fabric`. It
    /// returns when the database answers; bridges can be [applied](Self::apply) at once.
    ///
    /// # Errors
    /// When Open vSwitch is not installed, or does not start: the error has the end of its log.
    pub async fn start(fabric: &NetNs, directory: &Path, ledger: &Ledger) -> Result<Self, Error> {
        let installation = Installation::find()?;
        let datapath = Datapath::detect(fabric).await?;
        if datapath == Datapath::Userspace {
            tun_device()?;
        }
        if directory.as_os_str().as_bytes().len() + 1 + FILE_NAME >= SOCKET_ADDRESS {
            return Err(Error::LongPath(directory.to_owned()));
        }
        raise_descriptor_limit();
        ledger.make_directory(directory)?;
        let database = directory.join("conf.db");
        create_database(fabric, &installation, directory, &database).await?;

        let socket = directory.join("db.sock");
        let mut command = command(&installation.ovsdb_server, directory);
        command
            .arg(&database)
            .arg(option("--remote=punix:", &socket))
            .arg(option("--unixctl=", &directory.join("ovsdb-server.ctl")))
            .arg(option("--pidfile=", &directory.join("ovsdb-server.pid")));
        let log = directory.join("ovsdb-server.log");
        let server = Daemon::start(fabric, "ovsdb-server", command, &log).await?;
        let stream = server.connect(&socket, READY).await?;

        let switch = start_switch(fabric, &installation, directory, &socket, datapath).await?;
        let (client, mirror) = follow(stream, socket, datapath).await?;
        let end = sockets::QuickEnd::new(switch.pid(), switch.pidfd())
            .map_err(Error::system("follow", "ovs-vswitchd"))?;
        let instance = Self {
            end,
            directory: directory.to_owned(),
            datapath,
            server,
            switch,
            client,
            mirror,
            looks: AtomicU64::new(0),
        };
        if datapath == Datapath::Userspace {
            let control = instance.control_socket();
            let control = instance.switch.connect(&control, READY).await?;
            tokio::spawn(warm::userspace_datapath(control));
        }
        Ok(instance)
    }
}

/// A command that finds all of its files in `directory`, nothing in the machine's.
fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
        command.env(variable, directory);
    }
    command.current_dir(directory);
    command
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(path);
    option
}

async fn create_database(
    fabric: &NetNs,
    installation: &Installation,
    directory: &Path,
    database: &Path,
) -> Result<(), Error> {
    let mut command = command(&installation.ovsdb_tool, directory);
    command.arg("create").arg(database).arg(&installation.schema);
    let output = fabric.output(command).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Create {
        status: output.status,
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

async fn start_switch(
    fabric: &NetNs,
    installation: &Installation,
    directory: &Path,
    database: &Path,
    datapath: Datapath,
) -> Result<Daemon, Error> {
    let mut command = command(&installation.ovs_vswitchd, directory);
    command
        .arg(option("unix:", database))
        .arg(option("--unixctl=", &directory.join("ovs-vswitchd.ctl")))
        .arg(option("--pidfile=", &directory.join("ovs-vswitchd.pid")))
        // Only tunnels look at the machine's routes; following them costs with every interface.
        .arg("--disable-system-route");
    if datapath == Datapath::Userspace {
        command.arg("--disable-system");
    }
    let log = directory.join("ovs-vswitchd.log");
    Daemon::start(fabric, "ovs-vswitchd", command, &log).await
}

/// Puts the first row into the database and follows it from there.
async fn follow(
    stream: UnixStream,
    socket: PathBuf,
    datapath: Datapath,
) -> Result<(Client, watch::Receiver<Mirror>), Error> {
    let mut first = Some(stream);
    let connect = move || {
        let (first, socket) = (first.take(), socket.clone());
        async move {
            match first {
                Some(stream) => Ok(stream),
                None => UnixStream::connect(socket).await,
            }
        }
    };
    let failed = |source| Error::database("set the database up")(source);
    let mut options = ovsdb::Options::new("Open_vSwitch");
    options.request_timeout = APPLIED;
    let client = Client::connect(connect, options).await.map_err(failed)?;
    client.transact(vec![rows::root(datapath)]).await.map_err(failed)?;
    let monitor = client.monitor(mirror::columns()).await.map_err(failed)?;
    let (sender, receiver) = watch::channel(Mirror::default());
    tokio::spawn(mirror::keep(monitor, sender));
    Ok((client, receiver))
}
