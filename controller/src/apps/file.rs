//! Files that configure apps: TOML, with errors that point at the place.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

/// More than any configuration of an app; bounds what a device file such as `/dev/zero` can take.
const MOST_BYTES: u64 = 16 << 20;

/// Why an app's file cannot be taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file itself cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file's text does not configure the app.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong and what was expected.
        what: String,
    },
}

/// The text of a file that is not too large for one.
pub(super) fn read(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MOST_BYTES {
        let source = io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 16 MiB");
        return Err(FileError::Read { path: path.to_owned(), source });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        text_error(path, &String::from_utf8_lossy(valid), "this is not UTF-8".to_owned())
    })
}

/// What the text says, which is TOML.
pub(super) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, FileError> {
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        text_error(path, text.get(..offset).unwrap_or(text), error.message().replace('\n', ", "))
    })
}

/// What is wrong behind the text `before`.
pub(super) fn text_error(path: &Path, before: &str, what: String) -> FileError {
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    FileError::Text {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        what,
    }
}
