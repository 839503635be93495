//! Every argument is thought of.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::{Arg, Command, CommandFactory as _, ValueHint};

use super::line::Line;
use super::values;
use crate::args::Arguments;

/// The names of the values of which a command knows nothing.
fn unknown(command: &Command, line: &Arc<Line>, names: &mut BTreeSet<String>) {
    let is_open = |arg: &&Arg| {
        arg.get_action().takes_values()
            && values::completer(arg, line).is_none()
            && arg.get_value_hint() == ValueHint::Unknown
            && arg.get_possible_values().is_empty()
    };
    let open = command.get_arguments().filter(is_open);
    names.extend(open.filter_map(|arg| Some(arg.get_value_names()?.first()?.to_string())));
    command.get_subcommands().for_each(|below| unknown(below, line, names));
}

#[test]
fn every_argument_has_candidates_or_is_known_to_have_none() {
    let mut command = Arguments::command();
    command.build();
    let (line, mut names) = (Arc::new(Line::new(Vec::new(), 0)), BTreeSet::new());
    unknown(&command, &line, &mut names);
    let known: BTreeSet<String> = values::UNKNOWABLE.iter().map(|name| (*name).to_owned()).collect();
    // The key of a flag: the other values of this name are settings, which clap lists.
    names.remove("KEY");
    assert_eq!(names, known);
}
