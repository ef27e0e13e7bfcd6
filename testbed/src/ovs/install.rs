//! Where Open vSwitch is on this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::Error;

/// Searched after `PATH`, which for ordinary users often lacks the `sbin`s.
const PROGRAM_DIRECTORIES: [&str; 6] =
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/// Debian's place, and that of a build from source.
const SCHEMAS: [&str; 2] =
    ["/usr/share/openvswitch/vswitch.ovsschema", "/usr/local/share/openvswitch/vswitch.ovsschema"];

/// The parts of Open vSwitch that an instance is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// `ovsdb-tool(1)`
    pub ovsdb_tool: PathBuf,
    /// `ovsdb-server(1)`
    pub ovsdb_server: PathBuf,
    /// `ovs-vswitchd(8)`
    pub ovs_vswitchd: PathBuf,
    /// The database's schema, `ovs-vswitchd.conf.db(5)`.
    pub schema: PathBuf,
}

impl Installation {
    /// Looks for all parts, in `PATH` and where packages put them.
    ///
    /// # Errors
    /// [`Error::Missing`] names the first that is not there, and the package.
    pub fn find() -> Result<Self, Error> {
        let mut directories: Vec<PathBuf> =
            std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        directories.extend(PROGRAM_DIRECTORIES.map(PathBuf::from));
        Self::find_in(&directories, &SCHEMAS.map(PathBuf::from))
    }

    fn find_in(directories: &[PathBuf], schemas: &[PathBuf]) -> Result<Self, Error> {
        let program = |what: &'static str| {
            directories
                .iter()
                .map(|directory| directory.join(what))
                .find(|path| is_executable(path))
                .ok_or(Error::Missing { what })
        };
        let schema = schemas.iter().find(|path| path.is_file());
        Ok(Self {
            ovsdb_tool: program("ovsdb-tool")?,
            ovsdb_server: program("ovsdb-server")?,
            ovs_vswitchd: program("ovs-vswitchd")?,
            schema: schema.cloned().ok_or(Error::Missing { what: "vswitch.ovsschema" })?,
        })
    }

    /// The version that `ovs-vswitchd` says it has, such as `3.1.0`. Blocks for some
    /// milliseconds.
    ///
    /// # Errors
    /// When the program cannot be run or says nothing of the kind.
    pub fn version(&self) -> Result<String, Error> {
        let program = self.ovs_vswitchd.display().to_string();
        let output = Command::new(&self.ovs_vswitchd)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(Error::system("run", &program))?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines()
            .next()
            .and_then(|line| line.rsplit(' ').next())
            .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
            .map(str::to_owned)
            .ok_or_else(|| {
                let said = std::io::Error::other("it does not say");
                Error::system("learn the version of", &program)(said)
            })
    }
}

/// The version of Open vSwitch on this machine, if all of it is there.
///
/// # Errors
/// As [`Installation::find`] and [`Installation::version`].
pub fn installed() -> Result<String, Error> {
    Installation::find()?.version()
}

fn is_executable(path: &Path) -> bool {
    use nix::unistd::{AccessFlags, access};
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let scratch = tempfile::tempdir().unwrap();
        let directories = [scratch.path().to_owned()];
        let schema = [scratch.path().join("vswitch.ovsschema")];
        let missing = || {
            let error = Installation::find_in(&directories, &schema).unwrap_err();
            error.to_string()
        };
        for (what, mode) in [
            ("ovsdb-tool", 0o755),
            ("ovsdb-server", 0o755),
            ("ovs-vswitchd", 0o755),
            ("vswitch.ovsschema", 0o644),
        ] {
            assert_eq!(missing(), format!("{what} is not installed; install the package openvswitch-switch"));
            let path = scratch.path().join(what);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let found = Installation::find_in(&directories, &schema).unwrap();
        assert_eq!(found.schema, schema[0]);
    }
}
