//! What a check found: data that a program can act on and a person can read.

use std::borrow::Cow;
use std::fmt;

use crate::ids::NodeId;
use crate::json::{JsonPath, Object, PathStep, Position, Value};
use crate::prompt::{Node, Prompt};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It runs, but perhaps not as it was meant.
    Warning,
    /// It will be refused, or will fail.
    Error,
}

impl Severity {
    /// The word for it in JSON: `error`, `warning`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing a check found in a prompt or its files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing it is: ComfyUI's own name where it has one, such as `required_input_missing`.
    pub code: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// The node it is about.
    pub node_id: Option<NodeId>,
    /// The class of that node.
    pub class_type: Option<String>,
    /// The title of that node.
    pub title: Option<String>,
    /// The input of that node.
    pub input: Option<String>,
    /// Where in the file it is, when the source positions were kept.
    pub position: Option<Position>,
    /// What is wrong, in one clause.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl Finding {
    /// Makes an error about the whole prompt.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            node_id: None,
            class_type: None,
            title: None,
            input: None,
            position: None,
            message: message.into(),
            suggestion: None,
        }
    }

    /// Makes a warning about the whole prompt.
    pub fn warning(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(code, message) }
    }

    /// Whether it is an error, and not a warning.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Says which node it is about.
    #[must_use]
    pub fn at_node(mut self, node_id: NodeId, class_type: Option<&str>) -> Self {
        self.node_id = Some(node_id);
        self.class_type = class_type.map(str::to_owned);
        self
    }

    /// Says which node it is about, its title included.
    #[must_use]
    pub fn about(self, node: Node<'_>) -> Self {
        let finding = self.at_node(node.id().into(), node.class_type());
        Self { title: node.title().map(str::to_owned), ..finding }
    }

    /// Says which node and input it is about: those of a path in the prompt.
    pub(crate) fn about_path(self, prompt: &Prompt, path: &JsonPath) -> Self {
        let mut steps = path.steps();
        let node = match steps.next() {
            Some(PathStep::Key(id)) => prompt.node(id),
            _ => None,
        };
        match (node, steps.next(), steps.next()) {
            (Some(node), Some(PathStep::Key("inputs")), Some(PathStep::Key(input))) => {
                self.about(node).at_input(input)
            }
            (Some(node), ..) => self.about(node),
            (None, ..) => self,
        }
    }

    /// Says which input it is about.
    #[must_use]
    pub fn at_input(mut self, input: impl Into<String>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Says where in the file it is.
    #[must_use]
    pub const fn at_position(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Writes the finding as JSON: `code`, `severity`, `message`, and what else is known.
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("code", &*self.code);
        object.insert("severity", self.severity.as_str());
        object.insert("message", self.message.as_str());
        let optional = [
            ("node_id", self.node_id.as_ref().map(NodeId::as_str)),
            ("class_type", self.class_type.as_deref()),
            ("title", self.title.as_deref()),
            ("input", self.input.as_deref()),
            ("suggestion", self.suggestion.as_deref()),
        ];
        for (key, text) in optional {
            if let Some(text) = text {
                object.insert(key, text);
            }
        }
        if let Some(position) = self.position {
            object.insert("position", position.to_object());
        }
        object
    }

    /// Reads a finding as [`to_object`](Self::to_object) writes it; a code alone stands for its message, and
    /// without a severity it is an error.
    /// `None` when the value is none.
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let text = |key| object.get_str(key).map(str::to_owned);
        let code = text("code").unwrap_or_default();
        let message = text("message").or_else(|| (!code.is_empty()).then(|| code.clone()))?;
        Some(Self {
            code: code.into(),
            severity: if object.get_str("severity") == Some("warning") {
                Severity::Warning
            } else {
                Severity::Error
            },
            node_id: object.get_str("node_id").map(NodeId::from),
            class_type: text("class_type"),
            title: text("title"),
            input: text("input"),
            position: object.get("position").and_then(Position::from_value),
            message,
            suggestion: text("suggestion"),
        })
    }
}

/// `node 7 (KSampler), input seed: …`, and the suggestion in brackets behind it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node_id) = &self.node_id {
            write!(f, "node {node_id}")?;
            if let Some(class_type) = &self.class_type {
                write!(f, " ({class_type})")?;
            }
            if let Some(input) = &self.input {
                write!(f, ", input `{input}`")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        self.suggestion.as_ref().map_or(Ok(()), |suggestion| write!(f, " ({suggestion})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_a_sentence_and_as_data() {
        let finding = Finding::new("required_input_missing", "a required input is missing")
            .at_node("3".into(), Some("KSampler"))
            .at_input("seed")
            .suggest("set it with --set 3.seed=1");
        insta::assert_snapshot!(finding, @"node 3 (KSampler), input `seed`: a required input is missing (set it with --set 3.seed=1)");
        insta::assert_snapshot!(Value::from(finding.to_object()).to_json(), @r#"{"code":"required_input_missing","severity":"error","message":"a required input is missing","node_id":"3","class_type":"KSampler","input":"seed","suggestion":"set it with --set 3.seed=1"}"#);
        assert_eq!(Finding::from_value(&finding.to_object().into()), Some(finding));
    }
}
