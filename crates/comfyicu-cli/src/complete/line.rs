//! The line that is completed, and what has been said on it already.

use std::any::Any;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::{ArgMatches, CommandFactory as _};
use comfyicu_model::Prompt;

use crate::args::{Arguments, ColorWhen, Global};
use crate::input;

/// The words of a line, and which of them is completed.
#[derive(Debug)]
pub(super) struct Line {
    words: Vec<OsString>,
    index: usize,
    matches: OnceLock<ArgMatches>,
}

impl Line {
    /// The first word is the program's name. The word at `index` may be missing: then it is empty.
    pub(super) fn new(mut words: Vec<OsString>, index: usize) -> Self {
        if words.len() == index {
            words.push(OsString::new());
        }
        Self { words, index, matches: OnceLock::new() }
    }

    pub(super) fn words(&self) -> &[OsString] {
        &self.words
    }

    pub(super) const fn index(&self) -> usize {
        self.index
    }

    /// What clap makes of the other words, as far as it can.
    fn matches(&self) -> &ArgMatches {
        self.matches.get_or_init(|| {
            let is_flag =
                |at: usize| self.words.get(at).is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
            // A flag that waits for the word would take the next one.
            let waits = self.index.checked_sub(1).filter(|at| is_flag(*at));
            let others = self.words.iter().enumerate();
            let others =
                others.filter(|(at, _)| *at != self.index && Some(*at) != waits).map(|(_, word)| word);
            Arguments::command().ignore_errors(true).try_get_matches_from(others).unwrap_or_default()
        })
    }

    /// The value of an argument, wherever on the line it stands.
    pub(super) fn value<T: Any + Clone + Send + Sync>(&self, id: &str) -> Option<T> {
        let mut found = None;
        let mut level = Some(self.matches());
        while let Some(matches) = level {
            if let Ok(Some(value)) = matches.try_get_one::<T>(id) {
                found = Some(value.clone());
            }
            level = matches.subcommand().map(|(_, matches)| matches);
        }
        found
    }

    /// The prompt in the file that is named on the line.
    pub(super) fn prompt(&self) -> Option<Prompt> {
        let path = ["prompt", "path"].into_iter().find_map(|id| self.value::<PathBuf>(id))?;
        input::prompt_in(&path)
    }

    /// What all commands take, as far as it matters to where the service is.
    pub(super) fn global(&self) -> Global {
        Global {
            base_url: self.value("base_url"),
            api_key: self.value("api_key"),
            profile: self.value("profile"),
            timeout: None,
            json: false,
            jq: None,
            quiet: true,
            verbose: 0,
            color: ColorWhen::Never,
            no_progress: true,
        }
    }
}
