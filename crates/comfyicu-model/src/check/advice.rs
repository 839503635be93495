//! Problems in words that people can act on.

use crate::finding::Finding;
use crate::json::Value;
use crate::loaders::FileInput;
use crate::nearest::nearest;
use crate::object_info::{InputDefinition, InputKind, ObjectInfo, SlotType};

use super::problem::Problem;

/// Finds the words, and what was meant.
#[derive(Debug, Default)]
pub(super) struct Advice<'a> {
    object_info: Option<&'a ObjectInfo>,
    searches_left: usize,
}

/// The most searches for what was meant in one check: each looks at a whole list of names.
const MAX_SEARCHES: usize = 100;
/// The most characters of a value that are shown.
const MAX_SHOWN: usize = 60;
/// The most characters of a list of choices that are shown.
const MAX_LIST: usize = 120;

impl<'a> Advice<'a> {
    /// Advice by node definitions.
    pub(super) const fn by(object_info: &'a ObjectInfo) -> Self {
        Self { object_info: Some(object_info), searches_left: MAX_SEARCHES }
    }

    /// Advice without node definitions.
    pub(super) const fn plain() -> Self {
        Self { object_info: None, searches_left: MAX_SEARCHES }
    }

    /// The name that was meant, when one is near enough.
    pub(super) fn nearest<'n>(
        &mut self,
        wanted: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<&'n str> {
        self.searches_left = self.searches_left.checked_sub(1)?;
        nearest(wanted, names)
    }

    /// What is to be said of a problem at an input.
    pub(super) fn finding(
        &mut self,
        problem: &Problem<'_>,
        definition: Option<&InputDefinition<'_>>,
    ) -> Finding {
        let finding = Finding::new(problem.code(), message(problem));
        match self.suggestion(problem, definition) {
            Some(suggestion) => finding.suggest(suggestion),
            None => finding,
        }
    }

    fn suggestion(
        &mut self,
        problem: &Problem<'_>,
        definition: Option<&InputDefinition<'_>>,
    ) -> Option<String> {
        match problem {
            Problem::Missing => definition.and_then(what_to_put),
            Problem::LinkLength(_) => {
                Some(r#"write a list that is meant as a value as {"__value__": […]}"#.to_owned())
            }
            Problem::LinkNode(Value::Number(id)) => Some(format!("node ids are strings: [\"{id}\", slot]")),
            Problem::LinkNode(_) | Problem::LinkSlot(_) => Some("a link is [\"node id\", slot]".to_owned()),
            Problem::Mismatch { wanted, class_type, .. } => self.other_slot(class_type, *wanted),
            Problem::NotInList { value, combo, file } => {
                let meant = self.meant(value, || combo.options().iter().filter_map(Value::as_str));
                let send = || file.and_then(|file| send_along(file, value));
                meant.or_else(send).or_else(|| listed(combo.options()))
            }
            Problem::NoOption { value, keys } => {
                let meant = self.meant(value, || keys.iter().copied());
                meant.or_else(|| choices(keys.len(), keys.iter().map(|key| format!("\"{key}\""))))
            }
            Problem::NoFile { name, file } => send_along(*file, name),
            Problem::LeavesFolder { .. } => {
                Some("begin it with the name of a file or of a folder".to_owned())
            }
            Problem::NotALink { .. } => Some("link it: [\"node id\", slot]".to_owned()),
            Problem::Dangling(_)
            | Problem::SlotOutOfRange { .. }
            | Problem::Unconvertible { .. }
            | Problem::TooSmall { .. }
            | Problem::TooBig { .. } => None,
        }
    }

    fn meant<'n, I: Iterator<Item = &'n str>>(
        &mut self,
        value: &Value,
        names: impl Fn() -> I,
    ) -> Option<String> {
        let wanted = value.as_str()?;
        let base = |name: &'n str| name.rsplit(['/', '\\']).next().unwrap_or(name);
        // The same file in another folder comes before a name that is merely alike.
        let same_file =
            names().find(|name| base(name) == wanted.rsplit(['/', '\\']).next().unwrap_or(wanted));
        let meant = same_file.or_else(|| self.nearest(wanted, names()))?;
        Some(format!("was `{meant}` meant?"))
    }

    /// The slot of the same node that gives what is wanted.
    fn other_slot(&self, class_type: &str, wanted: SlotType<'_>) -> Option<String> {
        let definition = self.object_info?.definition(class_type)?;
        let slot = definition.outputs().find(|output| wanted.accepts(output.slot_type()))?;
        Some(format!("its slot {} gives {}", slot.slot(), slot.slot_type()))
    }
}

/// How a file comes to where it is looked for.
pub(super) fn send_along(file: FileInput, name: &Value) -> Option<String> {
    let destination = file.destination(name.as_str()?)?;
    Some(format!("send it among the `files` of the run, as {}", cut(&destination)))
}

/// What belongs at an input where there is nothing.
fn what_to_put(definition: &InputDefinition<'_>) -> Option<String> {
    if let Some(default) = definition.default() {
        return Some(format!("the editor puts {} there", shown(default)));
    }
    match definition.kind() {
        InputKind::Combo(combo) => listed(combo.options()),
        InputKind::DynamicCombo(combo) => {
            choices(combo.options().count(), combo.options().map(|option| format!("\"{}\"", option.key())))
        }
        InputKind::Socket(wanted) => Some(format!("link it to an output that gives {wanted}")),
        InputKind::Match { allowed, .. } if !allowed.is_any() => {
            Some(format!("link it to an output that gives {allowed}"))
        }
        _ => None,
    }
}

/// The values of a choice.
fn listed(options: &[Value]) -> Option<String> {
    choices(options.len(), options.iter().map(shown))
}

/// The first of so many choices; the rest as a number.
fn choices(count: usize, all: impl Iterator<Item = String>) -> Option<String> {
    let (mut shown, mut length) = (Vec::new(), 0);
    for choice in all {
        length += choice.len();
        if !shown.is_empty() && length > MAX_LIST {
            break;
        }
        shown.push(choice);
    }
    let left_out = count.saturating_sub(shown.len());
    if left_out > 0 && !shown.is_empty() {
        shown.push(format!("and {left_out} more"));
    }
    (!shown.is_empty()).then(|| format!("it takes {}", shown.join(", ")))
}

fn message(problem: &Problem<'_>) -> String {
    match problem {
        Problem::Missing => "the required input is missing".to_owned(),
        Problem::LinkLength(items) => {
            let length = items.len();
            format!("a list of {length} is no link: a link is [node id, slot]")
        }
        Problem::LinkNode(id) => format!("{} is no node id", shown(id)),
        Problem::Dangling(id) => format!("it is linked to node {id}, which the prompt does not have"),
        Problem::LinkSlot(slot) => format!("{} is no slot: slots are whole numbers", shown(slot)),
        Problem::SlotOutOfRange { slot, node_id, class_type, outputs } => match outputs {
            0 => format!("it is linked to node {node_id} ({class_type}), which has no outputs"),
            _ => format!(
                "it is linked to slot {} of node {node_id} ({class_type}), whose slots are 0 to {}",
                shown(slot),
                outputs - 1
            ),
        },
        Problem::Mismatch { wanted, given, node_id, class_type, slot } => {
            format!("it takes {wanted}, but slot {slot} of node {node_id} ({class_type}) gives {given}")
        }
        Problem::Unconvertible { to, value, reason } => {
            format!("{} cannot be made a {to}: {reason}", shown(value))
        }
        Problem::TooSmall { value, min } => format!("{value} is smaller than the minimum of {min}"),
        Problem::TooBig { value, max } => format!("{value} is bigger than the maximum of {max}"),
        Problem::NotInList { value, combo, .. } => match combo.options().len() {
            0 => format!("{} is not there: the server has nothing to choose from", shown(value)),
            1 => format!("{} is not the one value to choose from", shown(value)),
            count => format!("{} is none of the {count} values to choose from", shown(value)),
        },
        Problem::NoOption { value, keys } => {
            format!("{} is none of the {} values to choose from", shown(value), keys.len())
        }
        Problem::NoFile { name, .. } => format!("the server has no file {}", shown(name)),
        Problem::LeavesFolder { prefix } => {
            format!("{} leads out of the output folder", Value::from(cut(prefix)).to_json())
        }
        Problem::NotALink { wanted, kind } => format!("it takes {wanted} from another node, not {kind}"),
    }
}

/// A value as JSON, cut where it is long.
pub(super) fn shown(value: &Value) -> String {
    match value {
        // Not written out before it is cut: it may be very long.
        Value::String(text) => Value::from(cut(text)).to_json(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(object) => format!("an object of {}", object.len()),
        _ => cut(&value.to_json()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
