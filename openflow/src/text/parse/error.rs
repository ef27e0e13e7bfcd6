//! What is wrong with text, and where.

use std::borrow::Cow;
use std::fmt;

/// Text that is no flow, group or meter in the words of `ovs-ofctl(8)`.
///
/// ```
/// # use flowbed_openflow as openflow;
/// use openflow::text::parse_flow;
/// let error = parse_flow("in_port=1 actions=otput:2").unwrap_err();
/// assert_eq!(error.to_string(), "column 19: unknown action \"otput\"; did you mean \"output\"?");
/// assert_eq!((error.column(), error.length()), (19, 5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TextError {
    place: Box<Place>,
    problem: Box<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    subject: Subject,
    ordinal: Option<usize>,
    line: Option<usize>,
    column: usize,
    length: usize,
}

/// What the text was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A match.
    Match,
    /// Actions or instructions.
    Actions,
    /// A flow, or a change of one.
    Flow,
    /// A group, or a change of one.
    Group,
    /// A meter, or a change of one.
    Meter,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subject::Match => "match",
            Subject::Actions => "actions",
            Subject::Flow => "flow",
            Subject::Group => "group",
            Subject::Meter => "meter",
        })
    }
}

/// What is wrong with a word of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A word that nobody knows here.
    Unknown {
        /// What it was to name: `action`, `field`, ...
        what: &'static str,
        /// The word.
        found: String,
        /// A known word that is like it.
        suggestion: Option<&'static str>,
    },
    /// A value that can't be read, or that is out of range.
    Value {
        /// What it is the value of.
        of: String,
        /// The value.
        found: String,
        /// What it must be.
        expected: Cow<'static, str>,
    },
    /// A field is matched without what makes it mean something.
    Prerequisite {
        /// The field, as it was written.
        field: String,
        /// What is missing, in Open vSwitch's words.
        needs: String,
    },
    /// Something must be there and is not.
    Missing {
        /// What is missing.
        what: Cow<'static, str>,
    },
    /// Well written, but not to be: what, why, and what to do about it.
    Refused {
        /// The word.
        found: String,
        /// The reason and the remedy.
        reason: Cow<'static, str>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unknown { what, found, suggestion } => {
                write!(f, "unknown {what} {:?}", Short(found))?;
                match suggestion {
                    Some(word) => write!(f, "; did you mean \"{word}\"?"),
                    None => Ok(()),
                }
            }
            Problem::Value { of, found, expected } => {
                write!(f, "{of} can't be {:?}; expected {expected}", Short(found))
            }
            Problem::Prerequisite { field, needs } => {
                write!(f, "match field {field} needs {needs}; add it to the match")
            }
            Problem::Missing { what } => write!(f, "{what} is missing"),
            Problem::Refused { found, reason } => write!(f, "{:?}: {reason}", Short(found)),
        }
    }
}

/// As much of a word as an error should quote.
struct Short<'a>(&'a str);

impl fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        f.write_str("\"")?;
        for c in self.0.chars().take(MOST) {
            match c {
                // A name in quotes is quoted as it stands.
                '"' => f.write_str("\"")?,
                c => write!(f, "{}", c.escape_debug())?,
            }
        }
        f.write_str(if self.0.chars().nth(MOST).is_some() { "...\"" } else { "\"" })
    }
}

impl TextError {
    /// What the text was to be.
    pub fn subject(&self) -> Subject {
        self.place.subject
    }

    /// Which one of the file it is, from 1 on; `None` where the text held only one.
    pub fn ordinal(&self) -> Option<usize> {
        self.place.ordinal
    }

    /// The line of the file, from 1 on; `None` where the text was no file.
    pub fn line(&self) -> Option<usize> {
        self.place.line
    }

    /// The column in the line, characters, from 1 on.
    pub fn column(&self) -> usize {
        self.place.column
    }

    /// How many characters from the column on are meant; 0 where something is missing.
    pub fn length(&self) -> usize {
        self.place.length
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The known word that is like an unknown one.
    pub fn suggestion(&self) -> Option<&'static str> {
        match *self.problem {
            Problem::Unknown { suggestion, .. } => suggestion,
            _ => None,
        }
    }

    /// The error of the `ordinal`-th thing in a file, which stands in this line and from this column
    /// of it on.
    pub(super) fn in_file(mut self, ordinal: usize, line: usize, columns_before: usize) -> TextError {
        self.place.ordinal = Some(ordinal);
        self.place.line = Some(line);
        self.place.column += columns_before;
        self
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { subject, ordinal, line, column, .. } = *self.place;
        match (ordinal, line) {
            (Some(ordinal), Some(line)) if ordinal != line => {
                write!(f, "{subject} {ordinal} (line {line}), ")?;
            }
            (Some(ordinal), _) => write!(f, "{subject} {ordinal}, ")?,
            (None, _) => {}
        }
        write!(f, "column {column}: {}", self.problem)
    }
}

/// What is wrong, at which part of the text: an error while the text is still at hand.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault<'t> {
    /// A part of the text; empty where something is missing.
    pub(super) at: &'t str,
    pub(super) problem: Box<Problem>,
}

impl<'t> Fault<'t> {
    fn new(at: &'t str, problem: Problem) -> Fault<'t> {
        Fault { at, problem: Box::new(problem) }
    }

    /// An unknown word; of the known ones the likest is suggested.
    pub(super) fn unknown(
        what: &'static str,
        at: &'t str,
        known: impl IntoIterator<Item = &'static str>,
    ) -> Fault<'t> {
        // A word that is known and has no place here is no suggestion.
        let suggestion = likest(at, known).filter(|word| *word != at);
        Fault::new(at, Problem::Unknown { what, found: at.to_owned(), suggestion })
    }

    pub(super) fn value(
        of: impl Into<String>,
        at: &'t str,
        expected: impl Into<Cow<'static, str>>,
    ) -> Fault<'t> {
        let (of, expected) = (of.into(), expected.into());
        Fault::new(at, Problem::Value { of, found: at.to_owned(), expected })
    }

    pub(super) fn prerequisite(at: &'t str, needs: String) -> Fault<'t> {
        Fault::new(at, Problem::Prerequisite { field: at.to_owned(), needs })
    }

    pub(super) fn missing(what: impl Into<Cow<'static, str>>, at: &'t str) -> Fault<'t> {
        Fault::new(at, Problem::Missing { what: what.into() })
    }

    pub(super) fn refused(at: &'t str, reason: impl Into<Cow<'static, str>>) -> Fault<'t> {
        Fault::new(at, Problem::Refused { found: at.to_owned(), reason: reason.into() })
    }

    /// The error, now that the whole text is known of which `at` is a part.
    pub(super) fn within(self, text: &str, subject: Subject) -> TextError {
        let start = (self.at.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
        let before = text.get(..start).unwrap_or(text);
        let place = Place {
            subject,
            ordinal: None,
            line: None,
            column: before.chars().count() + 1,
            length: self.at.chars().count(),
        };
        TextError { place: Box::new(place), problem: self.problem }
    }
}

/// The known word that is a slip of the pen away from `word`.
fn likest(word: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    const LONGEST: usize = 40;
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let most = (word.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, left out, changed or swapped with their neighbour.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let same = x.eq_ignore_ascii_case(y);
            let mut cost = (last[j] + usize::from(!same)).min(last[j + 1] + 1).min(row[j] + 1);
            let swapped =
                i > 0 && j > 0 && x.eq_ignore_ascii_case(&b[j - 1]) && a[i - 1].eq_ignore_ascii_case(y);
            if let (true, Some(two_ago)) = (swapped, before.get(j.wrapping_sub(1))) {
                cost = cost.min(two_ago + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_slips_of_the_pen() {
        for (a, b, n) in [
            ("otput", "output", 1),
            ("tcp", "tcp", 0),
            ("ouptut", "output", 1),
            ("", "ab", 2),
            ("NW_SRC", "nw_dst", 3),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), n, "{a} {b}");
        }
        assert_eq!(likest("otput", ["drop", "output", "group"]), Some("output"));
        assert_eq!(likest("frobnicate", ["drop", "output", "group"]), None);
        assert_eq!(likest("x", ["q"]), None, "nothing of it is alike");
    }

    #[test]
    fn columns_are_characters() {
        let text = "ä=ö,x=1";
        let fault = Fault::missing("something", &text[6..7]);
        let error = fault.within(text, Subject::Flow);
        assert_eq!((error.column(), error.length()), (5, 1));
        assert_eq!(
            error.clone().in_file(2, 7, 3).to_string(),
            "flow 2 (line 7), column 8: something is missing"
        );
        assert_eq!(error.in_file(2, 2, 0).to_string(), "flow 2, column 5: something is missing");
    }
}
