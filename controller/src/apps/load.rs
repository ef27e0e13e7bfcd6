//! Apps as the command line names them, put behind each other.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use openflow::TableId;
use thiserror::Error;

use super::{Acl, AclFirewall, FileError, NAMES, in_table};
use crate::app::AppFactory;

/// The app that lets through to the one behind it.
const FIREWALL: &str = "acl-firewall";

/// The name of an app that ships, and its file if it takes one: `NAME` or `NAME=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSpec {
    name: &'static str,
    file: Option<PathBuf>,
}

/// Why a text names no app.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseAppSpecError {
    /// No app has the name; the message lists those that there are.
    #[error("there is no such app; there are{}", known())]
    Unknown,
    /// The app needs a file.
    #[error("{0} needs a file; write {0}=FILE")]
    NeedsFile(&'static str),
    /// The app takes no file.
    #[error("{0} takes no file; write {0}")]
    TakesNone(&'static str),
}

/// Why the apps cannot run behind each other as they are named.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file cannot be taken.
    #[error(transparent)]
    File(#[from] FileError),
    /// What a firewall lets through has nowhere to go.
    #[error("{FIREWALL} forwards nothing; name an app that does behind it, such as learning-switch")]
    NothingBehind,
    /// What the first app forwards would not pass the firewall.
    #[error("{FIREWALL} stands behind {0}, which has forwarded by then; name it before {0}")]
    Behind(&'static str),
    /// A switch has no more tables.
    #[error("there are more than {} firewalls, and a switch has no more tables; leave some out", TableId::MAX.0)]
    TooMany,
}

/// A line for each app.
fn known() -> String {
    NAMES.iter().map(|(name, what)| format!("\n  {name}: {what}")).collect()
}

impl FromStr for AppSpec {
    type Err = ParseAppSpecError;

    fn from_str(text: &str) -> Result<AppSpec, ParseAppSpecError> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(file)),
            None => (text, None),
        };
        let known = NAMES.iter().map(|(known, _)| *known).find(|known| *known == name);
        let name = known.ok_or(ParseAppSpecError::Unknown)?;
        match (name == FIREWALL, file) {
            (true, None | Some("")) => Err(ParseAppSpecError::NeedsFile(name)),
            (false, Some(_)) => Err(ParseAppSpecError::TakesNone(name)),
            (_, file) => Ok(AppSpec { name, file: file.map(PathBuf::from) }),
        }
    }
}

impl fmt::Display for AppSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}={}", self.name, file.display()),
            None => f.write_str(self.name),
        }
    }
}

/// Makes the apps, which run in this order. A firewall has the first free table, and the apps behind it have the next, so
/// that its rules hold for all that they do.
///
/// # Errors
/// For a file that cannot be taken, and an order in which a firewall would be none.
///
/// ```
/// use flowbed_controller::apps::{AppSpec, load};
///
/// let apps: Vec<AppSpec> = vec!["learning-switch".parse()?];
/// assert_eq!(load(&apps)?[0].name(), "learning-switch");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(specs: &[AppSpec]) -> Result<Vec<AppFactory>, LoadError> {
    let (mut table, mut forwarding) = (TableId(0), None);
    let mut apps = Vec::new();
    for spec in specs {
        if let Some(app) = in_table(spec.name, table) {
            forwarding = Some(spec.name);
            apps.push(app);
            continue;
        }
        if let Some(before) = forwarding {
            return Err(LoadError::Behind(before));
        }
        // An app that is not made by its name alone has a file: see `from_str`.
        let Some(file) = &spec.file else { continue };
        if table == TableId::MAX {
            return Err(LoadError::TooMany);
        }
        let next = TableId(table.0 + 1);
        let firewall = AclFirewall::new(&Acl::from_file(file)?, table, next).expect("one table, not all");
        apps.push(AppFactory::new(spec.name, move || firewall.clone()));
        table = next;
    }
    if table != TableId(0) && forwarding.is_none() {
        return Err(LoadError::NothingBehind);
    }
    Ok(apps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(texts: &[&str]) -> Vec<AppSpec> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn every_named_app_is_there() {
        for (name, _) in NAMES {
            let text = if name == FIREWALL { format!("{name}=a=b.toml") } else { name.to_owned() };
            assert_eq!(text.parse::<AppSpec>().unwrap().to_string(), text);
            assert_eq!(super::super::by_name(name).is_none(), name == FIREWALL);
        }
    }

    #[test]
    fn a_file_is_for_who_takes_one() {
        let complaint = |text: &str| text.parse::<AppSpec>().unwrap_err().to_string();
        assert_eq!(complaint("acl-firewall"), "acl-firewall needs a file; write acl-firewall=FILE");
        assert_eq!(complaint("acl-firewall="), "acl-firewall needs a file; write acl-firewall=FILE");
        assert_eq!(complaint("hub=x.toml"), "hub takes no file; write hub");
        assert!(complaint("learning").contains("\n  learning-switch: learns"));
    }

    #[test]
    fn a_firewall_stands_before_an_app_that_forwards() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("acl.toml");
        std::fs::write(&file, "default = \"allow\"\n").unwrap();
        let firewall = format!("{FIREWALL}={}", file.display());
        let names = |texts: &[&str]| {
            load(&specs(texts)).map(|apps| apps.iter().map(|app| app.name().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(names(&[&firewall, &firewall, "hub"]).unwrap(), [FIREWALL, FIREWALL, "hub"]);
        assert!(matches!(names(&[&firewall]), Err(LoadError::NothingBehind)));
        assert!(matches!(names(&["hub", &firewall]), Err(LoadError::Behind("hub"))));
        let many = vec![firewall.as_str(); 255];
        assert!(matches!(names(&many), Err(LoadError::TooMany)));
        std::fs::write(&file, "defaults = \"allow\"\n").unwrap();
        let error = names(&[&firewall, "hub"]).unwrap_err().to_string();
        assert!(error.contains("acl.toml:1:1: unknown field `defaults`"), "{error}");
    }
}
