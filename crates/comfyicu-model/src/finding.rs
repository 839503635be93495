//! What a check found: data that a program can act on and a person can read.

use std::borrow::Cow;
use std::fmt;

use crate::ids::NodeId;
use crate::json::{Object, Value};

/// One thing a check found in a prompt or its files.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing it is: ComfyUI's own name where it has one, such as `required_input_missing`.
    pub code: Cow<'static, str>,
    /// The node it is about.
    pub node_id: Option<NodeId>,
    /// The class of that node.
    pub class_type: Option<String>,
    /// The input of that node.
    pub input: Option<String>,
    /// What is wrong, in one clause.
    pub message: String,
    /// What to do about it.
    pub suggestion: Option<String>,
}

impl Finding {
    /// Makes a finding about the whole prompt.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, node_id: None, class_type: None, input: None, message, suggestion: None }
    }

    /// Says which node it is about.
    #[must_use]
    pub fn at_node(mut self, node_id: NodeId, class_type: Option<&str>) -> Self {
        self.node_id = Some(node_id);
        self.class_type = class_type.map(str::to_owned);
        self
    }

    /// Says which input it is about.
    #[must_use]
    pub fn at_input(mut self, input: impl Into<String>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Writes the finding as JSON: `code`, `message`, and what else is known.
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("code", &*self.code);
        object.insert("message", self.message.as_str());
        let optional = [
            ("node_id", self.node_id.as_ref().map(NodeId::as_str)),
            ("class_type", self.class_type.as_deref()),
            ("input", self.input.as_deref()),
            ("suggestion", self.suggestion.as_deref()),
        ];
        for (key, text) in optional {
            if let Some(text) = text {
                object.insert(key, text);
            }
        }
        object
    }

    /// Reads a finding as [`to_object`](Self::to_object) writes it; a code alone stands for its message.
    /// `None` when the value is none.
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let text = |key| object.get_str(key).map(str::to_owned);
        let code = text("code").unwrap_or_default();
        let message = text("message").or_else(|| (!code.is_empty()).then(|| code.clone()))?;
        Some(Self {
            code: code.into(),
            node_id: object.get_str("node_id").map(NodeId::from),
            class_type: text("class_type"),
            input: text("input"),
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
        insta::assert_snapshot!(Value::from(finding.to_object()).to_json(), @r#"{"code":"required_input_missing","message":"a required input is missing","node_id":"3","class_type":"KSampler","input":"seed","suggestion":"set it with --set 3.seed=1"}"#);
        assert_eq!(Finding::from_value(&finding.to_object().into()), Some(finding));
    }
}
