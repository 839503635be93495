//! One node of a prompt, and what stands at its inputs.

use crate::json::{Object, Value};
use crate::python;

/// A node of a prompt, seen in place.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    id: &'a str,
    object: &'a Object,
}

/// What stands at an input of a node: [`Link::of`] has the rule that tells the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A value.
    Literal(&'a Value),
    /// A reference to an output of another node.
    Link(Link<'a>),
}

/// A reference to an output of a node: `[node id, slot]`.
///
/// # What is a link, and what is a literal
///
/// ComfyUI looks at the shape alone. **A link is a list of two: a string, then a number**; for Python `true`
/// and `false` are the numbers 1 and 0. Everything else is a literal here:
///
/// | value | is |
/// |---|---|
/// | `["4", 0]`, `["12:3", 1]` | a link |
/// | `["gone", 0]`, where no node has that id | a link, which dangles |
/// | `["4", true]` | a link to slot 1 |
/// | `["4", 0.0]`, `["4", -1]` | a link whose [`slot`](Self::slot) is no output |
/// | `[4, 0]`, `["a", "b"]`, `["4"]`, `["4", 0, 1]`, `[]`, `[["4", 0]]` | a literal |
///
/// A literal list is not yet an input that runs: where ComfyUI checks a prompt it expects a link in *every*
/// list, and refuses those of another length (`bad_linked_input`). A list that is meant as a value is sent
/// as `{"__value__": [1, 2]}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// The node whose output it is; whether the prompt has that node is another question.
    pub node_id: &'a str,
    /// Which of its outputs, from 0. `None` for what is no slot: a fraction or a float (Python indexes with
    /// whole numbers only, so that `0.0` fails too), or a number below zero.
    pub slot: Option<usize>,
}

impl<'a> Link<'a> {
    /// Reads a value as a link, by ComfyUI's own rule: see [above](Self#what-is-a-link-and-what-is-a-literal).
    ///
    /// ```
    /// use comfyicu_model::{Link, json::Value};
    ///
    /// assert_eq!(Link::of(&Value::from_argument(r#"["4", 1]"#)).and_then(|link| link.slot), Some(1));
    /// assert_eq!(Link::of(&Value::from_argument("[4, 1]")), None);
    /// assert_eq!(Link::of(&Value::from_argument(r#"["a", "b"]"#)), None);
    /// ```
    pub fn of(value: &'a Value) -> Option<Self> {
        let [Value::String(node_id), slot] = value.as_array()? else { return None };
        let slot = match slot {
            Value::Number(slot) => slot.as_u64().and_then(|slot| usize::try_from(slot).ok()),
            Value::Bool(slot) => Some(usize::from(*slot)),
            _ => return None,
        };
        Some(Self { node_id, slot })
    }
}

impl<'a> Node<'a> {
    pub(super) fn of_entry(id: &'a str, entry: &'a Value) -> Option<Self> {
        let object = entry.as_object()?;
        (object.contains_key("class_type") || object.contains_key("inputs")).then_some(Self { id, object })
    }

    /// The node's id.
    pub const fn id(&self) -> &'a str {
        self.id
    }

    /// The node's class, such as `KSampler`; real files have nodes without one.
    pub fn class_type(&self) -> Option<&'a str> {
        self.object.get_str("class_type")
    }

    /// The title that the editor showed, from `_meta`.
    pub fn title(&self) -> Option<&'a str> {
        self.object.get("_meta")?.as_object()?.get_str("title")
    }

    /// The inputs, in the order of the file.
    pub fn inputs(&self) -> impl DoubleEndedIterator<Item = (&'a str, Input<'a>)> + use<'a> {
        let inputs = self.object.get("inputs").and_then(Value::as_object);
        inputs.into_iter().flat_map(Object::iter).map(|(name, value)| (name, Input::of(value)))
    }

    /// What stands at an input.
    pub fn input(&self, name: &str) -> Option<Input<'a>> {
        self.object.get("inputs")?.as_object()?.get(name).map(Input::of)
    }

    /// The value at an input, when it is not a link.
    pub fn literal(&self, name: &str) -> Option<&'a Value> {
        match self.input(name)? {
            Input::Literal(value) => Some(value),
            Input::Link(_) => None,
        }
    }

    /// The link at an input, when it is one.
    pub fn link(&self, name: &str) -> Option<Link<'a>> {
        match self.input(name)? {
            Input::Link(link) => Some(link),
            Input::Literal(_) => None,
        }
    }

    /// Which of so many outputs the link at an input means, as Python counts: `-1` is the last. `None` where
    /// the input is no link, or means none of them.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{"2": {"class_type": "InvertMask", "inputs": {"mask": ["1", -1]}}}"#)?;
    /// assert_eq!(prompt.node("2").and_then(|node| node.linked_slot("mask", 2)), Some(1));
    /// # Ok::<(), comfyicu_model::ParsePromptError>(())
    /// ```
    pub fn linked_slot(&self, input: &str, outputs: usize) -> Option<usize> {
        let value = self.object.get("inputs")?.as_object()?.get(input)?;
        Link::of(value)?;
        python::index(value.as_array()?.get(1)?, outputs).ok()
    }

    /// The links at the inputs, with the inputs' names, in order.
    pub fn links(&self) -> impl DoubleEndedIterator<Item = (&'a str, Link<'a>)> + use<'a> {
        self.inputs().filter_map(|(name, input)| match input {
            Input::Link(link) => Some((name, link)),
            Input::Literal(_) => None,
        })
    }

    /// The whole node as it was read.
    pub const fn as_object(&self) -> &'a Object {
        self.object
    }
}

impl<'a> Input<'a> {
    /// Tells a link from a literal, by ComfyUI's own rule (see [`Link::of`]).
    pub fn of(value: &'a Value) -> Self {
        Link::of(value).map_or(Self::Literal(value), Self::Link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(json: &str) -> Option<usize> {
        Link::of(&Value::from_argument(json)).expect("a link").slot
    }

    #[test]
    fn a_link_is_a_string_and_a_number() {
        assert_eq!(slot(r#"["4", 0]"#), Some(0));
        assert_eq!(slot(r#"["4:1", 2]"#), Some(2));
        assert_eq!(slot(r#"["", 0]"#), Some(0), "any string is an id");
        for literal in [
            "[]",
            r#"["4"]"#,
            r#"["4", 0, 1]"#,
            r#"["4", "0"]"#,
            r#"["4", null]"#,
            r#"["4", [0]]"#,
            r#"["a", "b"]"#,
            "[4, 0]",
            "[4.0, 0]",
            "[true, 0]",
            r#"[["4", 0]]"#,
            r#"{"0": "4", "1": 0}"#,
            r#"{"__value__": ["4", 0]}"#,
            "\"4\"",
        ] {
            let value = Value::from_argument(literal);
            assert_eq!(Link::of(&value), None, "{literal}");
            assert_eq!(Input::of(&value), Input::Literal(&value));
        }
    }

    #[test]
    fn python_counts_with_booleans() {
        assert_eq!(slot(r#"["4", false]"#), Some(0));
        assert_eq!(slot(r#"["4", true]"#), Some(1));
    }

    #[test]
    fn an_impossible_slot_is_still_a_link() {
        for slot_number in ["-1", "0.0", "1.0", "0.5", "1e2", "NaN", "Infinity", "99999999999999999999"] {
            assert_eq!(slot(&format!(r#"["4", {slot_number}]"#)), None, "{slot_number}");
        }
    }
}
