//! Apps as the command line names them, put behind each other.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use openflow::TableId;
use thiserror::Error;

use super::FileError;
use super::catalogue::{AppInfo, CATALOGUE, Make, Place};
use super::config::{Files, Tables};
use crate::app::AppFactory;

/// The name of an app that ships, and its file if it takes one: `NAME` or `NAME=FILE`.
#[derive(Clone, Debug)]
pub struct AppSpec {
    app: &'static AppInfo,
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
    /// What an app lets through has nowhere to go.
    #[error("{0} forwards nothing; name an app that does behind it, such as learning-switch")]
    NothingBehind(&'static str),
    /// No packet would come to an app.
    #[error("{app} stands behind {before}, which has forwarded by then; name it before {before}")]
    Behind {
        /// The app.
        app: &'static str,
        /// Who has forwarded.
        before: &'static str,
    },
    /// A switch has no more tables.
    #[error("the apps need more tables than the {} of a switch; leave some out", usize::from(TableId::MAX.0) + 1)]
    TooMany,
}

/// A line for each app.
fn known() -> String {
    CATALOGUE.iter().map(|app| format!("\n  {}: {}", app.usage(), app.what)).collect()
}

impl FromStr for AppSpec {
    type Err = ParseAppSpecError;

    fn from_str(text: &str) -> Result<AppSpec, ParseAppSpecError> {
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(file)),
            None => (text, None),
        };
        let app = CATALOGUE.iter().find(|app| app.name == name).ok_or(ParseAppSpecError::Unknown)?;
        match (app.takes_file(), file) {
            (true, None | Some("")) => Err(ParseAppSpecError::NeedsFile(app.name)),
            (false, Some(_)) => Err(ParseAppSpecError::TakesNone(app.name)),
            (_, file) => Ok(AppSpec { app, file: file.map(PathBuf::from) }),
        }
    }
}

impl fmt::Display for AppSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}={}", self.app.name, file.display()),
            None => f.write_str(self.app.name),
        }
    }
}

/// Apps that are ready to run, in this order.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    /// The apps.
    pub factories: Vec<AppFactory>,
    /// Their files.
    pub files: Files,
}

/// Makes the apps, which run in this order. An app has the first free tables, and the apps behind it have the next, so that
/// what it does to packets holds for all that they do.
///
/// # Errors
/// For a file that cannot be taken, and an order in which packets would not come to an app, or have nowhere to go.
///
/// ```
/// use flowbed_controller::apps::{AppSpec, load};
///
/// let apps: Vec<AppSpec> = vec!["learning-switch".parse()?];
/// assert_eq!(load(&apps)?.factories[0].name(), "learning-switch");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(specs: &[AppSpec]) -> Result<Apps, LoadError> {
    let mut apps = Apps::default();
    let (mut own, mut forwarding, mut waiting) = (TableId(0), None, None);
    for AppSpec { app, file } in specs {
        let (Place::Last(tables) | Place::Before(tables) | Place::Anywhere(tables)) = app.place;
        match (app.place, forwarding) {
            (Place::Last(_), _) => forwarding = Some(app.name),
            (_, Some(before)) => return Err(LoadError::Behind { app: app.name, before }),
            (Place::Before(_), None) => waiting = Some(app.name),
            (Place::Anywhere(_), None) => waiting = None,
        }
        let next = own.0.checked_add(tables).map(TableId);
        // Who stands last has no table behind it, but for another that does.
        let most = if matches!(app.place, Place::Last(_)) { TableId::ALL } else { TableId::MAX };
        let next = next.filter(|next| *next <= most).ok_or(LoadError::TooMany)?;
        match (app.make, file) {
            (Make::Plain(make), _) => apps.factories.push(make(app.name, Tables { own, next })),
            (Make::File(make), Some(file)) => {
                let (factory, source) = make(app.name, file, Tables { own, next })?;
                apps.factories.push(factory);
                apps.files.0.push(source);
            }
            // An app that needs a file has one: see `from_str`.
            (Make::File(_), None) => {}
        }
        if !matches!(app.place, Place::Last(_)) {
            own = next;
        }
    }
    match (waiting, forwarding) {
        (Some(app), None) => Err(LoadError::NothingBehind(app)),
        _ => Ok(apps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREWALL: &str = "acl-firewall";

    fn specs(texts: &[&str]) -> Vec<AppSpec> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn every_named_app_is_there() {
        for app in CATALOGUE {
            let text = if app.takes_file() { format!("{}=a=b.toml", app.name) } else { app.name.to_owned() };
            assert_eq!(text.parse::<AppSpec>().unwrap().to_string(), text);
            assert_eq!(
                super::super::by_name(app.name).is_some(),
                matches!(app.place, Place::Last(_)) && !app.takes_file()
            );
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
            load(&specs(texts))
                .map(|apps| apps.factories.iter().map(|app| app.name().to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(names(&[&firewall, &firewall, "hub"]).unwrap(), [FIREWALL, FIREWALL, "hub"]);
        assert!(matches!(names(&[&firewall]), Err(LoadError::NothingBehind(FIREWALL))));
        let behind = names(&["hub", &firewall]);
        assert!(matches!(behind, Err(LoadError::Behind { app: FIREWALL, before: "hub" })));
        let many = vec![firewall.as_str(); 255];
        assert!(matches!(names(&many), Err(LoadError::TooMany)));
        std::fs::write(&file, "defaults = \"allow\"\n").unwrap();
        let error = names(&[&firewall, "hub"]).unwrap_err().to_string();
        assert!(error.contains("acl.toml:1:1: unknown field `defaults`"), "{error}");
    }
}
