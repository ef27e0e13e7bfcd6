//! Tests that need privileges or programs. One that cannot run here shows as ignored, with the reason in its name;
//! under `CI` it fails instead, so that a missing tool is not overlooked.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// A test: panics or returns an error if it fails.
pub type Test = fn() -> Result<(), Failed>;

/// What a tier needs: `None` where it is there, else what is missing and how to get it.
pub type Requirement = fn() -> Option<String>;

/// Runs a tier as libtest would.
pub fn run(requirements: &[Requirement], tests: &[(&str, Test)]) -> ExitCode {
    let arguments = Arguments::from_args();
    let missing: Vec<String> = requirements.iter().filter_map(|check| check()).collect();
    let in_ci = std::env::var_os("CI").is_some();
    let trials = tests
        .iter()
        .map(|&(name, test)| {
            if missing.is_empty() {
                return Trial::test(name, test);
            }
            let reason = missing.join("; ");
            if in_ci {
                return Trial::test(name, move || Err(Failed::from(format!("cannot run: {reason}"))));
            }
            Trial::test(format!("{name} [{reason}]"), test).with_ignored_flag(true)
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Root, in a user namespace that may make others.
#[allow(dead_code, reason = "not every tier needs it")]
pub fn root() -> Option<String> {
    (!nix::unistd::geteuid().is_root()).then(|| "needs root: sudo -E make test".to_owned())
}

/// A program on the PATH or among the system's.
#[allow(dead_code, reason = "not every tier needs it")]
pub fn program(name: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = path.split(':').any(|folder| std::path::Path::new(folder).join(name).is_file());
    (!found).then(|| format!("needs {name}: .ci/install test"))
}
