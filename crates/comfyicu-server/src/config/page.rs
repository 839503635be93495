//! The settings as people read them: a file to begin with, and a page of the book.

use std::fmt::Write as _;

use super::{Kind, Setting, settings};

/// A file with every setting, explained and left out.
pub(crate) fn default_file() -> String {
    let mut text = "\
# Settings of comfyicu-server. What is left out has its default.
# Flags come before the environment (COMFYICU_SERVER_NAME), and that before this file.
"
    .to_owned();
    for setting in settings().iter().filter(|setting| setting.is_in_file()) {
        text.push('\n');
        for line in wrap(&setting.help, 98) {
            text.push_str(&format_line(&line));
        }
        // Writing to a string does not fail.
        let _infallible = writeln!(text, "#{} = {}", setting.name, example(setting));
    }
    text
}

fn format_line(line: &str) -> String {
    format!("# {line}\n")
}

/// What stands behind the sign: the default, or an empty value of its kind.
fn example(setting: &Setting) -> String {
    let is_plain = setting.default.parse::<u64>().is_ok();
    match setting.kind {
        Kind::Switch => setting.default.clone(),
        Kind::Many => "[]".to_owned(),
        Kind::One if is_plain => setting.default.clone(),
        Kind::One if setting.default.contains(' ') || setting.default.is_empty() => {
            format!("\"\"    # {}", setting.value_name)
        }
        Kind::One => format!("\"{}\"", setting.default),
    }
}

/// The page of the book.
#[cfg(test)]
pub(super) fn page() -> String {
    let mut page = "\
# Server settings

Each setting is a flag of `comfyicu-server serve`, a key in the file that `--config FILE` names, and a variable. A flag comes before the variable, and the variable before the file. [Server flags](server.md) says what stands behind them.

In the file the key has the name of the flag without its dashes: `listen = \"0.0.0.0:8288\"`, `no-auth = true`, `allow-host = [\"10.0.0.0/8\"]`. In a variable the values of a list have white space between them, and a switch is `true` or `false`. `comfyicu-server config default` prints a file with every setting explained, and `comfyicu-server config check` says what is wrong with one, and where each setting comes from.

| flag | variable | default | meaning |
|---|---|---|---|
"
    .to_owned();
    for setting in settings() {
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let value =
            if setting.kind == Kind::Switch { String::new() } else { format!(" {}", setting.value_name) };
        let repeated = if setting.kind == Kind::Many { " …" } else { "" };
        let _infallible = writeln!(
            page,
            "| `--{}{}`{repeated} | `{}` | {} | {} |",
            setting.name,
            value.replace('|', "\\|"),
            setting.variable(),
            default_cell(&setting, cell),
            cell(&setting.help),
        );
    }
    page
}

#[cfg(test)]
fn default_cell(setting: &Setting, cell: impl Fn(&str) -> String) -> String {
    match (setting.kind, setting.default.as_str()) {
        (Kind::Switch, _) => "off".to_owned(),
        (_, "") => "none".to_owned(),
        (_, default) if default.contains(' ') => cell(default),
        (_, default) => format!("`{default}`"),
    }
}

/// Breaks a text into lines of at most so many characters, between words.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
