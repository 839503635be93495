//! Selectors: how people name an input, `6.text`, `@Positive Prompt.text`, `KSampler.seed`, `6.points[2]`.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::edit_error::NamedBy;
use super::place::{Place, Step, no_input};
use super::{EditError, Node, Prompt};

/// The most bytes a selector may have.
const MAX_LENGTH: usize = 4096;

/// Names an input of a node, or a part of what stands at it.
///
/// ```text
/// selector = node "." input { step }
/// node     = id | "@" title | class        a class only where one node has it
/// step     = "[" number "]" | "." key      into a list, from 0; into an object
/// ```
///
/// Ids, titles, classes, inputs and keys stand as they are. They may hold dots and brackets themselves, so
/// what the prompt has decides where one ends: the longest id that is in the prompt wins, after it the
/// longest title (behind `@`) or class, and after that the longest input that the node has. An input that the
/// node does not have takes all that is left, unless that ends in `[number]`.
///
/// Each of them can stand in quotes, as JSON writes a string, and then ends where the quotes do:
/// `"7.0"."images.a"[0]`, `@"Flux.1 [pro]".seed`.
///
/// ```
/// use comfyicu_model::{Prompt, Selector};
///
/// let prompt = Prompt::parse(br#"{
///     "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}, "_meta": {"title": "Positive Prompt"}},
///     "8": {"class_type": "Curve", "inputs": {"points": {"__value__": [1, 2, 3]}}}
/// }"#)?;
/// for text in ["6.text", "@Positive Prompt.text", "CLIPTextEncode.text"] {
///     assert_eq!(Selector::parse(text)?.resolve(&prompt)?.to_string(), "6.text");
/// }
/// assert_eq!(prompt.get("8.points[2]")?.to_json(), "3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector {
    text: Box<str>,
    is_title: bool,
    /// Each way in which it can be split at the dot behind the node, the shortest node first; never empty.
    splits: Vec<Split>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Split {
    /// The node's name without `@`.
    node: Box<str>,
    /// Where the rest begins, behind the dot.
    rest: usize,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// When the text has no dot with a name on both sides, a quote is not closed, or it is longer than 4096
    /// bytes.
    pub fn parse(text: &str) -> Result<Self, EditError> {
        let error = || EditError::Path { path: text.chars().take(MAX_LENGTH).collect() };
        if text.len() > MAX_LENGTH {
            return Err(error());
        }
        let is_title = text.starts_with('@');
        let splits = splits(text, usize::from(is_title)).filter(|splits| !splits.is_empty());
        Ok(Self { text: text.into(), is_title, splits: splits.ok_or_else(error)? })
    }

    /// The selector as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The place that it names in a prompt. The node is there; the input need not be.
    ///
    /// # Errors
    /// When the prompt has no such node, or several.
    pub fn resolve(&self, prompt: &Prompt) -> Result<Place, EditError> {
        let (node, split) = self.node(prompt)?;
        let rest = self.text.get(split.rest..).unwrap_or_default();
        let (input, steps) = input_of(node, rest)?;
        Ok(Place::new(node.id(), input).with_steps(steps))
    }

    fn node<'p>(&self, prompt: &'p Prompt) -> Result<(Node<'p>, &Split), EditError> {
        for split in self.splits.iter().rev() {
            // An id may begin with `@` too.
            let whole = self.text.get(..split.rest.saturating_sub(1)).unwrap_or_default();
            let id = if self.is_title { whole } else { &split.node };
            if let Some(node) = prompt.node(id) {
                return Ok((node, split));
            }
        }
        let name_of = |node: Node<'p>| if self.is_title { node.title() } else { node.class_type() };
        let by_name: HashMap<&str, &Split> = self.splits.iter().map(|split| (&*split.node, split)).collect();
        let named = |node: Node<'p>| name_of(node).and_then(|name| by_name.get(name).copied());
        let longest = prompt.nodes().filter_map(named).max_by_key(|split| split.rest);
        let by = if self.is_title { NamedBy::Title } else { NamedBy::Class };
        let Some(split) = longest else { return Err(self.no_node(prompt, by)) };
        let nodes = prompt.nodes().filter(|node| name_of(*node) == Some(&split.node));
        Ok((prompt.only(by, &split.node, nodes)?, split))
    }

    /// The error for the shortest name, unless a longer one is like one that there is.
    fn no_node(&self, prompt: &Prompt, by: NamedBy) -> EditError {
        let errors = self.splits.iter().map(|split| prompt.no_node(by, &split.node));
        let is_like_one = |error: &EditError| matches!(error, EditError::NoNode { nearest: Some(_), .. });
        let mut errors = errors.take(MAX_TRIED);
        let first = errors.next().unwrap_or_else(|| EditError::Path { path: self.text.clone().into() });
        if is_like_one(&first) { first } else { errors.find(is_like_one).unwrap_or(first) }
    }
}

/// In how many ways a selector that names no node is split in search of what was meant.
const MAX_TRIED: usize = 8;

impl FromStr for Selector {
    type Err = EditError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// All ways to split a text, from `start` on, into a node's name and a rest; `None` when a quote is not closed.
fn splits(text: &str, start: usize) -> Option<Vec<Split>> {
    let names = text.get(start..)?;
    if names.starts_with('"') {
        let (node, after) = quoted(names)?;
        let rest = start + names.len() - after.len() + 1;
        let has_rest = after.starts_with('.') && after.len() > 1 && well_quoted(after);
        return has_rest.then(|| vec![Split { node: node.into(), rest }]);
    }
    let mut splits = Vec::new();
    for (at, _) in names.match_indices('.') {
        let (node, rest) = (names.get(..at)?, names.get(at + 1..)?);
        if !node.is_empty() && !rest.is_empty() {
            splits.push(Split { node: node.into(), rest: start + at + 1 });
        }
        if rest.starts_with('"') {
            // What follows a dot in quotes is a name of its own: no node's name goes on into it.
            return well_quoted(names.get(at..)?).then_some(splits);
        }
    }
    Some(splits)
}

/// Whether each quote behind a dot is closed, with a dot, a bracket or nothing behind it.
fn well_quoted(mut text: &str) -> bool {
    while let Some(at) = text.find(".\"") {
        let Some((_, after)) = text.get(at + 1..).and_then(quoted) else { return false };
        if !(after.is_empty() || after.starts_with(['.', '['])) {
            return false;
        }
        text = after;
    }
    true
}

/// Reads a JSON string at the start of a text; the second part is what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut is_escaped = false;
    let end = text.strip_prefix('"')?.char_indices().find_map(|(at, character)| {
        let closes = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        closes.then_some(at)
    })?;
    let (name, after) = text.split_at_checked(end + "\"\"".len())?;
    Some((serde_json::from_str(name).ok()?, after))
}

/// A text that is a JSON string as a whole.
pub(super) fn read_quoted(text: &str) -> Option<String> {
    serde_json::from_str(text).ok().filter(|_| text.starts_with('"'))
}

/// Tells the input's name from the steps behind it.
fn input_of(node: Node<'_>, rest: &str) -> Result<(String, Vec<Step>), EditError> {
    if rest.starts_with('"') {
        let Some((name, after)) = quoted(rest) else { return Err(EditError::Path { path: rest.to_owned() }) };
        let steps = steps(after).ok_or_else(|| no_input(node, rest))?;
        return Ok((name, steps));
    }
    let ends = rest.rmatch_indices(['.', '[']).map(|(at, _)| at).filter(|at| *at > 0);
    for (name, after) in std::iter::once(rest.len()).chain(ends).filter_map(|end| rest.split_at_checked(end))
    {
        if let Some(steps) = node.value(name).and_then(|_| steps(after)) {
            return Ok((name.to_owned(), steps));
        }
    }
    let name_end =
        rest.rfind('[').filter(|at| *at > 0 && steps(rest.get(*at..).unwrap_or_default()).is_some());
    let quote = rest.find(".\"").filter(|at| *at > 0);
    match quote.or(name_end) {
        Some(end) => Err(no_input(node, rest.get(..end).unwrap_or(rest))),
        None => Ok((rest.to_owned(), Vec::new())),
    }
}

/// Reads `[2].key."other key"`; `None` when it is something else.
fn steps(mut text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !text.is_empty() {
        let after = if let Some(inside) = text.strip_prefix('[') {
            let (number, after) = inside.split_once(']')?;
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            steps.push(Step::Item(is_number.then(|| number.parse().ok())??));
            after
        } else {
            let name = text.strip_prefix('.')?;
            if name.starts_with('"') {
                let (key, after) = quoted(name)?;
                steps.push(Step::Key(key));
                after
            } else {
                let (key, after) = name.split_at_checked(name.find(['.', '[']).unwrap_or(name.len()))?;
                steps.push(Step::Key((!key.is_empty()).then(|| key.to_owned())?));
                after
            }
        };
        text = after;
    }
    Some(steps)
}
