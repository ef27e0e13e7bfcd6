//! Files: a flow, group or meter a line, as `ovs-ofctl` reads and prints them.

use super::error::TextError;

/// A line of a file that says something.
pub(super) struct Line<'t> {
    /// From 1 on.
    pub(super) number: usize,
    /// Without what is a comment.
    pub(super) text: &'t str,
}

/// The lines of a file; comments, blank lines and the heads of replies are left out.
pub(super) fn lines(file: &str) -> impl Iterator<Item = Line<'_>> {
    file.lines().enumerate().filter_map(|(index, line)| {
        let text = line.split_once('#').map_or(line, |(text, _)| text);
        let said = !text.trim().is_empty() && !is_head(text);
        said.then_some(Line { number: index + 1, text })
    })
}

/// Whether a line is what `ovs-ofctl` prints above flows and the like:
/// `OFPST_FLOW reply (OF1.3) (xid=0x2):`.
fn is_head(line: &str) -> bool {
    let line = line.trim_start();
    ["OFPST_", "NXST_", "OFPT_"].iter().any(|start| line.starts_with(start)) && line.contains(" reply")
}

/// Reads every line; all that is right, or all that is wrong.
pub(super) fn read<T>(
    file: &str,
    mut one: impl FnMut(&str) -> Result<T, TextError>,
) -> Result<Vec<T>, Vec<TextError>> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for (index, line) in lines(file).enumerate() {
        match one(line.text) {
            Ok(one) => all.push(one),
            Err(error) => errors.push(error.in_file(index + 1, line.number, 0)),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// A word in front of a line that says what to do, and what follows it.
///
/// As with Open vSwitch the beginning of a word will do; the first that fits counts.
pub(super) fn command<'t, C: Copy>(text: &'t str, words: &[(&str, C)]) -> Option<(C, &'t str)> {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    let end = text.find([',', ' ', '\t', '\r', '\n']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let fits = |(known, _): &&(&str, C)| !word.is_empty() && known.starts_with(word);
    words.iter().find(fits).map(|(_, command)| (*command, rest))
}
