//! The line that is typed.

use flowbed::Lab;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Context, Editor, Helper, Highlighter, Hinter, Validator};

use super::COMMANDS;
use crate::cli::test::Test;

/// What the shell completes on this network.
pub(crate) fn words(lab: &Lab) -> Vec<String> {
    let mut words: Vec<String> = COMMANDS.iter().map(|&command| command.to_owned()).collect();
    words.extend(Test::names().map(str::to_owned));
    words.extend(lab.testbed().hosts().iter().map(|host| host.name().to_owned()));
    words.extend(lab.testbed().switches().iter().map(|switch| switch.name.clone()));
    words
}

/// The terminal, as a place where lines are typed.
pub(crate) struct Prompt {
    editor: Editor<Words, DefaultHistory>,
}

impl Prompt {
    /// Completes these words.
    pub(crate) fn new(words: Vec<String>) -> rustyline::Result<Prompt> {
        let mut editor = Editor::with_config(Config::builder().auto_add_history(true).build())?;
        editor.set_helper(Some(Words { words }));
        Ok(Prompt { editor })
    }

    /// The next line; `None` at the end of the input.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            match self.editor.readline("flowbed> ") {
                Ok(line) => return Some(line),
                // Ctrl-C clears the line, as in any shell.
                Err(ReadlineError::Interrupted) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Completes commands and names.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct Words {
    words: Vec<String>,
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let start = line[..at].rfind(' ').map_or(0, |space| space + 1);
        let begun = &line[start..at];
        Ok((start, self.words.iter().filter(|word| word.starts_with(begun)).cloned().collect()))
    }
}
