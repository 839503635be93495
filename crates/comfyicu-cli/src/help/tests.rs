//! The help of every command: the book's page of it is up to date, and fits a terminal.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;

use crate::args::Arguments;

/// Where the page is.
const PAGE: &str = "../../docs/src/reference/cli.md";

/// Each command with its path and its help, as on a terminal of 100 columns, below the one it belongs to.
fn commands() -> Vec<(String, String)> {
    fn collect(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        found.push((path.clone(), command.clone().render_long_help().to_string()));
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            collect(sub, &path, found);
        }
    }
    let mut root = Arguments::command().term_width(100);
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

/// The help without what every command takes.
fn own_part(help: &str) -> &str {
    help.split("\nConnection:\n").next().unwrap_or(help).trim_end()
}

/// What stands below the options that every command takes.
fn remarks(help: &str) -> &str {
    help.split_once("Shows no progress\n").map_or("", |(_, behind)| behind.trim())
}

fn page() -> String {
    let mut page = String::from(
        "# The command line\n\nThis is what `--help` says of each command. What all commands take stands once, at `comfyicu`.\n",
    );
    for (index, (path, help)) in commands().into_iter().enumerate() {
        let level = path.split(' ').count() + 1;
        let text = if index == 0 {
            help.trim_end().to_owned()
        } else {
            format!("{}\n\n{}", own_part(&help), remarks(&help))
        };
        let text: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        writeln!(page, "\n{} `{path}`\n\n```text\n{}\n```", "#".repeat(level.min(4)), text.join("\n"))
            .unwrap();
    }
    page
}

#[test]
fn the_page_of_the_book_is_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let (is, should) = (std::fs::read_to_string(&path).unwrap_or_default(), page());
    if is != should {
        let new = path.with_extension("md.new");
        std::fs::write(&new, should).unwrap();
        panic!("{} is stale: look at {} and put it in its place", path.display(), new.display());
    }
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    for (path, help) in commands() {
        let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > 100).collect();
        assert_eq!(wide, Vec::<&str>::new(), "{path}");
    }
}

#[test]
fn every_command_says_what_it_does_and_every_flag_too() {
    let mut root = Arguments::command();
    root.build();
    let mut commands = vec![root];
    while let Some(command) = commands.pop() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let has_help = argument.get_help().is_some() || argument.is_positional();
            assert!(has_help, "{} {}", command.get_name(), argument.get_id());
        }
        commands.extend(command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned());
    }
}
