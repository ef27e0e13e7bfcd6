//! TOML with the place of everything in it.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What is wrong with a scenario file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {what}")]
pub struct ScenarioError {
    /// Where.
    pub place: Place,
    /// What is wrong and what was expected.
    pub what: String,
}

/// A file's text.
pub(super) struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) file: Arc<str>,
}

impl Document<'_> {
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            file: Arc::clone(&self.file),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    pub(super) fn error(&self, span: &Range<usize>, what: impl Into<String>) -> ScenarioError {
        ScenarioError { place: self.place(span.start), what: what.into() }
    }

    /// Where the content of a string begins whose literal this is.
    fn content(&self, span: &Range<usize>) -> usize {
        let literal = self.text.get(span.clone()).unwrap_or_default();
        let quotes = ["'''", "\"\"\""].into_iter().find(|quotes| literal.starts_with(quotes));
        let Some(quotes) = quotes else { return span.start + 1 };
        let inside = &literal[quotes.len()..];
        let newline = ["\r\n", "\n"].into_iter().find(|newline| inside.starts_with(newline));
        span.start + quotes.len() + newline.map_or(0, str::len)
    }

    /// The file's outermost table.
    pub(super) fn parse(&self) -> Result<Spanned<DeTable<'_>>, ScenarioError> {
        DeTable::parse(self.text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            self.error(&at, error.message().replace('\n', ", "))
        })
    }
}

/// A string of a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) value: String,
    /// The literal, quotes included.
    pub(super) span: Range<usize>,
    /// Where its content begins.
    pub(super) place: Place,
}

/// A table of a file, of which entries are taken.
pub(super) struct Table<'d, 't> {
    pub(super) document: &'d Document<'t>,
    pub(super) span: Range<usize>,
    entries: &'d DeTable<'t>,
    /// The keys that it can have.
    known: &'static [&'static str],
}

type Value<'d, 't> = &'d Spanned<DeValue<'t>>;

impl<'d, 't> Table<'d, 't> {
    /// A table with no other keys than these; without any known, of all keys.
    pub(super) fn new(
        document: &'d Document<'t>,
        entries: &'d DeTable<'t>,
        span: Range<usize>,
        known: &'static [&'static str],
    ) -> Result<Table<'d, 't>, ScenarioError> {
        for key in entries.keys() {
            if !known.is_empty() && !known.contains(&key.get_ref().as_ref()) {
                let what = format!("unknown key {:?}; expected one of {}", key.get_ref(), known.join(", "));
                return Err(document.error(&key.span(), what));
            }
        }
        Ok(Table { document, span, entries, known })
    }

    /// A value that must be a table.
    pub(super) fn of(
        document: &'d Document<'t>,
        value: Value<'d, 't>,
        known: &'static [&'static str],
    ) -> Result<Table<'d, 't>, ScenarioError> {
        match value.get_ref() {
            DeValue::Table(entries) => Table::new(document, entries, value.span(), known),
            _ => Err(document.error(&value.span(), format!("expected a table with {}", known.join(", ")))),
        }
    }

    /// Each entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Text, Value<'d, 't>)> + use<'d, 't> {
        let document = self.document;
        self.entries.iter().map(move |(key, value)| {
            let (span, value_of) = (key.span(), key.get_ref().to_string());
            (Text { value: value_of, place: document.place(span.start), span }, value)
        })
    }

    pub(super) fn value(&self, key: &str) -> Option<Value<'d, 't>> {
        debug_assert!(self.known.is_empty() || self.known.contains(&key), "{key}");
        self.entries.get(key)
    }

    pub(super) fn wrong(&self, value: Value<'_, '_>, key: &str, expected: &str) -> ScenarioError {
        self.document.error(&value.span(), format!("{key} is to be {expected}"))
    }

    /// The string of a key.
    pub(super) fn text(&self, key: &str) -> Result<Option<Text>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        text(self.document, value).map(Some).ok_or_else(|| self.wrong(value, key, "a string"))
    }

    /// The string of a key that must be there.
    pub(super) fn needed(&self, key: &str) -> Result<Text, ScenarioError> {
        let missing = || self.document.error(&self.span, format!("{key} is missing"));
        self.text(key)?.ok_or_else(missing)
    }

    /// The number of a key, not negative.
    pub(super) fn number(&self, key: &str, most: u64) -> Result<Option<u64>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        let wrong = || self.wrong(value, key, &format!("a whole number from 0 to {most}"));
        number.filter(|number| *number <= most).map(Some).ok_or_else(wrong)
    }

    /// The elements of a key's array.
    pub(super) fn array(&self, key: &str) -> Result<Vec<Value<'d, 't>>, ScenarioError> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        match value.get_ref() {
            DeValue::Array(elements) => Ok(elements.iter().collect()),
            _ => Err(self.wrong(value, key, "an array")),
        }
    }

    /// The one of these keys that is there.
    pub(super) fn one_of(&self, keys: &[&'static str]) -> Result<&'static str, ScenarioError> {
        let mut there = keys.iter().filter(|key| self.value(key).is_some());
        match (there.next(), there.next()) {
            (Some(key), None) => Ok(key),
            (Some(one), Some(other)) => {
                let at = self.value(other).map_or(self.span.clone(), Spanned::span);
                Err(self.document.error(&at, format!("{one} and {other} exclude each other")))
            }
            _ => Err(self.document.error(&self.span, format!("expected one of {}", keys.join(", ")))),
        }
    }

    /// Refuses keys that have no place here.
    pub(super) fn only(&self, allowed: &[&str], with: &str) -> Result<(), ScenarioError> {
        match self.entries.keys().find(|key| !allowed.contains(&key.get_ref().as_ref())) {
            Some(key) => {
                let what = format!("{} has no place with {with}", key.get_ref());
                Err(self.document.error(&key.span(), what))
            }
            None => Ok(()),
        }
    }
}

pub(super) fn text(document: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Text> {
    let DeValue::String(string) = value.get_ref() else { return None };
    let place = document.place(document.content(&value.span()));
    Some(Text { value: string.to_string(), span: value.span(), place })
}
