//! `NODE.INPUT`: first the nodes of the prompt that is named on the line, then the inputs of one, then its value.

use std::collections::HashMap;

use clap::builder::StyledStr;
use clap_complete::engine::CompletionCandidate;
use comfyicu_model::json::Value;
use comfyicu_model::{Input, Node, Prompt, SettingKind};

use super::line::Line;
use super::values::paths;

/// A value longer than this is not offered, in characters.
const LONGEST_VALUE: usize = 200;
/// How much of a value is shown beside an input, in characters.
const LONGEST_HELP: usize = 40;

/// What stands behind the name of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing.
    Name,
    /// `=VALUE`.
    Value,
    /// `=VALUES` or `=@PATH`.
    Values,
    /// `=@PATH`.
    File,
}

impl Form {
    const fn sign(self) -> &'static str {
        match self {
            Self::Name => "",
            Self::Value | Self::Values => "=",
            Self::File => "=@",
        }
    }
}

/// What the word can become.
pub(super) fn candidates(line: &Line, word: &str, form: Form) -> Vec<CompletionCandidate> {
    if form != Form::Name
        && let Some((name, path)) = word.split_once("=@")
    {
        return if form == Form::Value { Vec::new() } else { paths(&format!("{name}=@"), path) };
    }
    let Some(prompt) = line.prompt() else { return Vec::new() };
    let nodes: Vec<Named<'_>> = named(&prompt);
    match word.split_once('=') {
        Some((name, value)) if form != Form::Name => as_it_is(&prompt, name, value),
        _ => {
            let begun: Vec<&Named<'_>> = nodes.iter().filter(|node| word.starts_with(&node.stem)).collect();
            if begun.is_empty() {
                return nodes
                    .iter()
                    .filter(|node| node.stem.starts_with(word))
                    .map(Named::candidate)
                    .collect();
            }
            begun.into_iter().flat_map(|node| node.inputs(&prompt, word, form)).collect()
        }
    }
}

/// The places where files are expected: those that the prompt loads, and where others go.
pub(super) fn destinations(line: &Line) -> Vec<CompletionCandidate> {
    let mut names = Vec::new();
    if let Some(prompt) = line.prompt() {
        let files = prompt.settings().filter(|setting| setting.kind == SettingKind::File);
        names.extend(files.filter_map(|file| Some(format!("/input/{}=", file.value.as_str()?))));
    }
    names.extend(["/input/", "/models/checkpoints/", "/models/loras/"].map(str::to_owned));
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// A node by one of its names: its id, `@` and its title, or its class.
struct Named<'a> {
    node: Node<'a>,
    /// The name, and the dot behind it.
    stem: String,
}

/// The nodes by their ids, then by titles and classes that only one of them has.
fn named(prompt: &Prompt) -> Vec<Named<'_>> {
    let by = |name: fn(Node<'_>) -> Option<&str>, sign: &'static str| {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for name in prompt.nodes().filter_map(name) {
            *uses.entry(name).or_default() += 1;
        }
        prompt.nodes().filter_map(move |node| {
            let name = name(node).filter(|name| is_plain(name) && uses.get(name) == Some(&1))?;
            Some(Named { node, stem: format!("{sign}{name}.") })
        })
    };
    by(|node| Some(node.id()), "")
        .chain(by(|node| node.title(), "@"))
        .chain(by(|node| node.class_type(), ""))
        .collect()
}

/// Whether a name can stand on a command line as it is.
fn is_plain(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains(['=', '"']) && !name.contains(char::is_control)
}

impl Named<'_> {
    fn candidate(&self) -> CompletionCandidate {
        let class = self.node.class_type().unwrap_or_default();
        let help = match self.node.title().filter(|title| *title != class) {
            Some(title) => format!("{} {class} “{title}”", self.node.id()),
            None => format!("{} {class}", self.node.id()),
        };
        helped(&self.stem, &help)
    }

    /// The inputs that the word can go on with.
    fn inputs(&self, prompt: &Prompt, word: &str, form: Form) -> Vec<CompletionCandidate> {
        let names = self.node.inputs().filter(|(name, _)| is_plain(name));
        let names = names.filter_map(|(name, input)| {
            let text = format!("{}{name}", self.stem);
            text.starts_with(word).then(|| helped(&format!("{text}{}", form.sign()), &shown(prompt, input)))
        });
        names.collect()
    }
}

/// What stands at an input.
fn shown(prompt: &Prompt, input: Input<'_>) -> String {
    match input {
        Input::Link(link) => {
            let class = prompt.node(link.node_id).and_then(|node| node.class_type()).unwrap_or("missing");
            format!("← {} {class}", link.node_id)
        }
        Input::Literal(value) => value.to_json().chars().take(LONGEST_HELP).collect(),
    }
}

/// The value that the input has now, to change it.
fn as_it_is(prompt: &Prompt, name: &str, begun: &str) -> Vec<CompletionCandidate> {
    let Ok(value) = prompt.get(name) else { return Vec::new() };
    // A text needs no quotes unless it could be taken for something else.
    let text = value.as_str().filter(|text| Value::from_argument(text).as_str() == Some(*text));
    let text = text.map_or_else(|| value.to_json(), str::to_owned);
    let is_offered =
        text.starts_with(begun) && !text.contains(char::is_control) && text.chars().count() <= LONGEST_VALUE;
    if is_offered { vec![helped(&format!("{name}={text}"), "as it is")] } else { Vec::new() }
}

fn helped(value: &str, help: &str) -> CompletionCandidate {
    let help: String = help.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    CompletionCandidate::new(value).help(Some(StyledStr::from(help)))
}
