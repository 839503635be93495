//! A diff as people read it.

use std::fmt;

use super::text::Changed;
use super::{GivenInput, InputChange, NodeChange, PromptDiff};
use crate::json::Value;
use crate::prompt::NodeSummary;
use crate::prompt::summary::Printable;

/// The most characters of a value that are shown.
const MAX_SHOWN: usize = 120;

/// One line for each node, behind `+`, `-` or `~`, and under it one for each input; nothing when nothing changed.
///
/// ```text
/// ~ 6 (CLIPTextEncode, "Positive Prompt")
///     text: "a [-red-]{+blue+} fox"
/// + 10 (LoraLoader)
///     lora_name: "ink.safetensors"
/// renumbered: 3 → 13
/// ```
impl fmt::Display for PromptDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes.iter().try_for_each(|change| write!(f, "{change}"))?;
        if self.renumbered.is_empty() {
            return Ok(());
        }
        f.write_str("renumbered: ")?;
        for (position, (old, new)) in self.renumbered.iter().enumerate() {
            f.write_str(if position > 0 { ", " } else { "" })?;
            write!(f, "{} → {}", Printable(old.as_str()), Printable(new.as_str()))?;
        }
        writeln!(f)
    }
}

/// The lines about one node.
impl fmt::Display for NodeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { node, inputs } => whole(f, '+', node, inputs),
            Self::Removed { node, inputs } => whole(f, '-', node, inputs),
            Self::Changed { old, new, inputs } => {
                writeln!(f, "~ {new}")?;
                if old.class_type != new.class_type {
                    let name =
                        |node: &NodeSummary| node.class_type.clone().unwrap_or_else(|| "none".to_owned());
                    writeln!(f, "    class: {} → {}", Printable(&name(old)), Printable(&name(new)))?;
                }
                if old.title != new.title {
                    let title = |node: &NodeSummary| node.title.as_deref().map_or("none".to_owned(), quoted);
                    writeln!(f, "    title: {} → {}", title(old), title(new))?;
                }
                inputs.iter().try_for_each(|input| writeln!(f, "    {input}"))
            }
        }
    }
}

fn whole(
    f: &mut fmt::Formatter<'_>,
    sign: char,
    node: &NodeSummary,
    inputs: &[(String, GivenInput)],
) -> fmt::Result {
    writeln!(f, "{sign} {node}")?;
    inputs.iter().try_for_each(|(name, given)| writeln!(f, "    {}: {given}", Printable(name)))
}

/// `seed: 7 → 8`; of long texts only what changed; `+` or `-` before an input that is new or gone.
impl fmt::Display for InputChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Printable(&self.name);
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => match (&old.value, &new.value) {
                (Value::String(old), Value::String(new)) => write!(f, "{name}: {}", Changed { old, new }),
                _ => write!(f, "{name}: {old} → {new}"),
            },
            (Some(old), None) => write!(f, "- {name}: {old}"),
            (None, Some(new)) => write!(f, "+ {name}: {new}"),
            (None, None) => write!(f, "{name}"),
        }
    }
}

/// A value as JSON, shortened when it is long; a link as the output of a node.
impl fmt::Display for GivenInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(source), Some([_, slot])) = (&self.source, self.value.as_array()) {
            return write!(f, "output {} of {source}", Printable(&slot.to_json()));
        }
        let json = self.value.to_json();
        let shown: String = json.chars().take(MAX_SHOWN).collect();
        let more = if shown.len() < json.len() { "…" } else { "" };
        write!(f, "{}{more}", Printable(&shown))
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}
