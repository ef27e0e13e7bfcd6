//! An Open vSwitch of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::certificates::Identity;

const PATIENCE: Duration = Duration::from_secs(60);
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// Database and switch; they end with this value.
pub struct OpenVSwitch {
    folder: PathBuf,
    daemons: Vec<Child>,
}

impl OpenVSwitch {
    pub fn start(folder: &Path) -> OpenVSwitch {
        let mut ovs = OpenVSwitch { folder: folder.to_owned(), daemons: Vec::new() };
        let database = folder.join("conf.db").display().to_string();
        ovs.run("ovsdb-tool", &["create", &database, SCHEMA]);
        let remote = format!("--remote=p{}", ovs.socket());
        ovs.daemon(
            "ovsdb-server",
            &[
                &database,
                &remote,
                "--private-key=db:Open_vSwitch,SSL,private_key",
                "--certificate=db:Open_vSwitch,SSL,certificate",
            ],
        );
        ovs.vsctl(&["--no-wait", "init"]);
        let socket = ovs.socket();
        ovs.daemon("ovs-vswitchd", &[&socket, "--enable-dummy=override", "--disable-system"]);
        ovs
    }

    fn socket(&self) -> String {
        format!("unix:{}", self.folder.join("db.sock").display())
    }

    fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let mut command = Command::new(program);
        command.env("PATH", path).env("OVS_RUNDIR", &self.folder).env("OVS_LOGDIR", &self.folder);
        command.stdin(Stdio::null());
        command
    }

    fn daemon(&mut self, program: &str, arguments: &[&str]) {
        let log = std::fs::File::create(self.folder.join(format!("{program}.log"))).expect("a log");
        let mut command = self.command(program);
        command.args(arguments).stdout(Stdio::null()).stderr(log);
        self.daemons.push(command.spawn().expect("Open vSwitch is installed"));
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().expect("Open vSwitch is installed");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn vsctl(&self, arguments: &[&str]) -> String {
        let (database, patience) = (format!("--db={}", self.socket()), "--timeout=30");
        let arguments: Vec<&str> =
            [&database, patience].into_iter().chain(arguments.iter().copied()).collect();
        // The database may not be listening yet.
        let begun = Instant::now();
        while !self.folder.join("db.sock").exists() {
            assert!(begun.elapsed() < PATIENCE, "ovsdb-server does not come up");
            std::thread::yield_now();
        }
        self.run("ovs-vsctl", &arguments)
    }

    /// Runs `ovs-ofctl` with OpenFlow 1.3.
    pub fn ofctl(&self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> =
            ["-O", "OpenFlow13"].into_iter().chain(arguments.iter().copied()).collect();
        self.run("ovs-ofctl", &arguments)
    }

    /// A bridge with datapath id 0xab, controlled from there; or listening there, for `ptcp:` and its kin.
    pub fn add_bridge(&self, controller: &str) {
        self.vsctl(&[
            "add-br",
            "br0",
            "--",
            "set",
            "bridge",
            "br0",
            "datapath_type=dummy",
            "protocols=OpenFlow13",
            "other-config:datapath-id=00000000000000ab",
            "fail_mode=secure",
            "--",
            "set-controller",
            "br0",
            controller,
        ]);
    }

    pub fn use_tls(&self, own: &Identity, ca: &Path) {
        let [key, certificate, ca] =
            [&own.key, &own.certificate, &ca.to_owned()].map(|path| path.display().to_string());
        self.vsctl(&["set-ssl", &key, &certificate, &ca]);
    }

    /// What `ovs-vswitchd` says of its connections.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("ovs-vswitchd.log")).unwrap_or_default()
    }
}

impl Drop for OpenVSwitch {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            // It may have ended by itself.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
