//! Keys that stand twice: a node that would be lost is an error, anything else a warning.

use super::{ParsePromptError, Prompt};
use crate::finding::Finding;
use crate::json::{self, DoubledKey, JsonPath, Lines, Object, PathStep};

/// The most doubled keys that are reported one by one.
const MOST_REPORTED: usize = 1000;

/// Fails where two nodes of the prompt that is at `path` of `text` have one id.
///
/// # Errors
/// [`ParsePromptError::DoubledNode`], with both places where the lines are given.
pub(crate) fn refuse_doubled_nodes(
    text: &[u8],
    path: &JsonPath,
    prompt: &Object,
    lines: Option<&Lines>,
) -> Result<(), ParsePromptError> {
    for doubled in json::doubled_keys(text) {
        if let Some(id) = doubled_node(text, &doubled, path, prompt) {
            let place = |lines: &Lines| [doubled.earlier, doubled.later].map(|span| lines.position(span));
            return Err(ParsePromptError::DoubledNode { id, places: lines.map(place).map(Box::new) });
        }
    }
    Ok(())
}

/// The warnings for the keys of `text` that stand twice, in the order of the text.
pub(super) fn findings(text: &[u8], path: &JsonPath, prompt: &Prompt, lines: Option<&Lines>) -> Vec<Finding> {
    let warn = |doubled: DoubledKey| {
        let key = match doubled.path.steps().next_back() {
            Some(PathStep::Key(key)) => key.to_owned(),
            _ => String::new(),
        };
        let places = lines.map(|lines| (lines.position(doubled.earlier), lines.position(doubled.later)));
        let at = places.map_or_else(String::new, |(earlier, later)| format!(", at {earlier} and {later}"));
        let finding =
            Finding::warning("doubled_key", format!("the key `{key}` stands twice{at}; the last one counts"));
        let finding = match doubled.path.below(path) {
            Some(below) => finding.about_path(prompt, &below),
            None => finding,
        };
        places.map_or(finding.clone(), |(_, later)| finding.at_position(later))
    };
    json::doubled_keys(text).take(MOST_REPORTED).map(warn).collect()
}

/// The id, where a doubled key is that of a node: as it stands now, or as it stood before.
fn doubled_node(text: &[u8], doubled: &DoubledKey, path: &JsonPath, prompt: &Object) -> Option<String> {
    let below = doubled.path.below(path)?;
    let mut steps = below.steps();
    let (Some(PathStep::Key(id)), None) = (steps.next(), steps.next()) else { return None };
    let is_object = prompt.get(id).is_some_and(|entry| entry.as_object().is_some());
    (is_object || json::is_object_behind(text, &doubled.earlier)).then(|| id.to_owned())
}
