//! Files that configure apps: TOML, with errors that point at the place.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use openflow::text::Parser;
use openflow::{DatapathId, MacAddr, Match, PortNo};
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use toml::Spanned;

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

/// A match in the words of `ovs-ofctl(8)`; what is wrong with it is told by its place in the file.
pub(super) fn matching(text: &str, path: &Path, words: &Spanned<String>) -> Result<Match, FileError> {
    let (start, words) = (words.span().start, words.get_ref());
    Parser::new().matching(words).map_err(|error| {
        let place = place_in(text, start, words, error.column());
        error_at(path, text, place, error.problem().to_string())
    })
}

/// Where in the text the column of a string is that begins at `start`; its beginning, if it is not written as it reads.
fn place_in(text: &str, start: usize, words: &str, column: usize) -> usize {
    let inside = start + 1;
    if !text.get(inside..).is_some_and(|rest| rest.starts_with(words)) {
        return start;
    }
    inside + words.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum::<usize>()
}

/// What is wrong at this place of a text.
pub(super) fn error_at(path: &Path, text: &str, offset: usize, what: String) -> FileError {
    text_error(path, text.get(..offset).unwrap_or(text), what)
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

/// A datapath id as a file writes it: a number, or hex digits in a string as Open vSwitch prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Dpid(pub(super) DatapathId);

impl<'de> Deserialize<'de> for Dpid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dpid, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = Dpid;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a datapath id: a number, or hex digits such as \"000000000000001f\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Dpid, E> {
                let number = u64::try_from(number);
                number
                    .map(|number| Dpid(DatapathId(number)))
                    .map_err(|_| E::custom("a datapath id is not negative"))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Dpid, E> {
                Ok(Dpid(DatapathId(number)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Dpid, E> {
                text.parse().map(Dpid).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The number of a port that a cable can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct OrdinaryPort(pub(super) PortNo);

impl<'de> Deserialize<'de> for OrdinaryPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OrdinaryPort, D::Error> {
        let number = PortNo(u32::deserialize(deserializer)?);
        if number.is_ordinary() {
            return Ok(OrdinaryPort(number));
        }
        Err(de::Error::custom("a port's number is from 1 to 0xffffff00"))
    }
}

/// The id of a VLAN that frames can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Vlan(pub(super) u16);

impl<'de> Deserialize<'de> for Vlan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Vlan, D::Error> {
        // 0 is no VLAN, 4095 is reserved (IEEE 802.1Q §9.6).
        match u16::deserialize(deserializer)? {
            id @ 1..=4094 => Ok(Vlan(id)),
            _ => Err(de::Error::custom("a VLAN's id is from 1 to 4094")),
        }
    }
}

/// A text that [`FromStr`] reads, such as an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Word<T>(pub(super) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word<T>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Word).map_err(|error| de::Error::custom(format!("\"{text}\": {error}")))
    }
}

/// The Ethernet address of one station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Station(pub(super) MacAddr);

impl<'de> Deserialize<'de> for Station {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Station, D::Error> {
        let Word(mac) = Word::<MacAddr>::deserialize(deserializer)?;
        if mac.is_multicast() || mac == MacAddr::default() {
            return Err(de::Error::custom(format!("{mac} is not the address of one station")));
        }
        Ok(Station(mac))
    }
}
