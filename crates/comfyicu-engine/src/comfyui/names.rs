//! The names that a run has on a ComfyUI, and those that its user gave: there and back.

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Finding, Link, NodeId, Prompt};

/// What was renamed for a run, so that everything that the user sees can have the user's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// The folder below ComfyUI's output folder that the run has for itself.
    folder: String,
    /// The name of each input on ComfyUI, and the user's.
    inputs: Vec<(String, String)>,
    /// Nodes that were put in.
    added: Vec<AddedNode>,
}

/// A node that was put into a prompt, between a link and the input that had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddedNode {
    /// Its id.
    pub(super) id: String,
    /// The node that has the input.
    pub(super) of: NodeId,
    /// The link that the user gave.
    pub(super) link: Value,
}

impl Names {
    pub(super) const fn new(folder: String) -> Self {
        Self { folder, inputs: Vec::new(), added: Vec::new() }
    }

    /// Notes the name of an input, there and here.
    pub(super) fn add(&mut self, placed: String, given: String) {
        self.inputs.push((placed, given));
    }

    /// Notes a node that was put in.
    pub(super) fn add_node(&mut self, node: AddedNode) {
        self.added.push(node);
    }

    /// Whether a node was put in, and is none of the user's.
    pub(super) fn is_added(&self, node: &NodeId) -> bool {
        self.added.iter().any(|added| added.id == node.as_str())
    }

    /// Notes that an input got another name than was asked for.
    pub(super) fn rename(&mut self, asked: &str, got: &str) {
        for (placed, _) in self.inputs.iter_mut().filter(|(placed, _)| placed == asked) {
            got.clone_into(placed);
        }
    }

    /// The run's own folder below the output folder.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// A prefix of output files, as it is given to ComfyUI.
    pub(super) fn prefix(&self, given: &str) -> String {
        format!("{}/{given}", self.folder)
    }

    /// A text in which the names are the user's again.
    pub(super) fn restored(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (placed, given) in &self.inputs {
            if text.contains(placed.as_str()) {
                text = text.replace(placed.as_str(), given);
            }
        }
        if text.contains(&self.folder) {
            // `/` behind it on most systems, `\` on Windows, twice in JSON; nothing where the folder itself is named.
            for end in ["/", "\\\\", "\\", ""] {
                text = text.replace(&format!("{}{end}", self.folder), "");
            }
        }
        text
    }

    /// A finding in which the names are the user's again.
    pub(super) fn restored_finding(&self, mut finding: Finding) -> Finding {
        finding.message = self.restored(&finding.message);
        finding.suggestion = finding.suggestion.map(|text| self.restored(&text));
        let added = self
            .added
            .iter()
            .find(|added| finding.node_id.as_ref().is_some_and(|id| id.as_str() == added.id));
        if let Some(added) = added {
            finding.node_id = Some(added.of.clone());
            finding.class_type = None;
        }
        finding
    }

    /// A prompt in which the names are the user's again.
    pub(super) fn restored_prompt(&self, prompt: Prompt) -> Option<Prompt> {
        let mut nodes = prompt.into_object();
        for added in &self.added {
            nodes.remove(&added.id);
            let inputs = nodes.get_mut(added.of.as_str()).and_then(Value::as_object_mut);
            let inputs = inputs.and_then(|node| node.get_mut("inputs")).and_then(Value::as_object_mut);
            for value in inputs.into_iter().flat_map(Object::values_mut) {
                if Link::of(value).is_some_and(|link| link.node_id == added.id) {
                    *value = added.link.clone();
                }
            }
        }
        let mut value = Value::Object(nodes);
        self.restore_in(&mut value);
        Prompt::from_value(value).ok()
    }

    fn restore_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let restored = self.restored(text);
                *text = restored;
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.restore_in(item)),
            Value::Object(object) => object.values_mut().for_each(|item| self.restore_in(item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_sees_has_the_names_of_the_user() {
        let mut names = Names::new("r1.a1b2c3".to_owned());
        names.add("0123456789abcdef_photo.png".to_owned(), "photo.png".to_owned());
        names.add("fedcba9876543210_a_b.png".to_owned(), "a/b.png".to_owned());
        assert_eq!(names.prefix("rec/x"), "r1.a1b2c3/rec/x");
        for (there, here) in [
            (
                "cannot identify image file '/srv/input/0123456789abcdef_photo.png'",
                "cannot identify image file '/srv/input/photo.png'",
            ),
            ("fedcba9876543210_a_b.png [input]", "a/b.png [input]"),
            ("r1.a1b2c3/rec/x", "rec/x"),
            (r"C:\output\r1.a1b2c3\rec", r"C:\output\rec"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(names.restored(there), here);
        }
        let prompt = br#"{"1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "r1.a1b2c3/a", "images": ["2", 0]}},
            "2": {"class_type": "LoadImage", "inputs": {"image": "0123456789abcdef_photo.png"}, "is_changed": [NaN]}}"#;
        let restored = names.restored_prompt(Prompt::parse(prompt).unwrap()).unwrap();
        insta::assert_snapshot!(restored.to_json(), @r#"{"1":{"class_type":"SaveImage","inputs":{"filename_prefix":"a","images":["2",0]}},"2":{"class_type":"LoadImage","inputs":{"image":"photo.png"},"is_changed":[NaN]}}"#);
    }
}
