//! A place in a prompt: an input of a node, or a part of what stands at it.

use std::fmt;

use super::selector::Selector;
use super::{EditError, Node, Prompt};
use crate::ids::NodeId;
use crate::json::{Object, Value};

/// The key under which ComfyUI wraps a list, so that it is not taken for a link.
const WRAPPED: &str = "__value__";

/// An input of a node, or a part of the value at it: what a [`Selector`] comes to in one prompt.
///
/// Its `Display` is a selector that names the same place again, with quotes where the names need them.
///
/// ```
/// use comfyicu_model::Place;
///
/// assert_eq!(Place::new("6", "text").to_string(), "6.text");
/// assert_eq!(Place::new("7.0", "points").item(2).to_string(), r#""7.0".points[2]"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    node_id: NodeId,
    input: String,
    steps: Vec<Step>,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To an item of a list, from 0. A list that is wrapped, `{"__value__": […]}`, is entered as if it were not.
    Item(usize),
    /// To what an object has under a key.
    Key(String),
}

impl Place {
    /// Names an input of a node.
    pub fn new(node_id: impl Into<NodeId>, input: impl Into<String>) -> Self {
        Self { node_id: node_id.into(), input: input.into(), steps: Vec::new() }
    }

    /// Goes on to an item of the list that stands there, from 0.
    #[must_use]
    pub fn item(self, index: usize) -> Self {
        self.step(Step::Item(index))
    }

    /// Goes on to what the object that stands there has under a key.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }

    pub(super) fn with_steps(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The node's id.
    pub const fn node_id(&self) -> &NodeId {
        &self.node_id
    }

    /// The input's name.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The steps from the value at the input to the part that is meant; none for the whole value.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The selector that names this place in a prompt, without quotes where none are needed there:
    /// `6.values.a`, where the `Display` is `6."values.a"`.
    pub fn selector_in(&self, prompt: &Prompt) -> String {
        let plain = Written { place: self, is_plain: true }.to_string();
        if plain.to_place(prompt).as_ref() == Ok(self) { plain } else { self.to_string() }
    }

    /// The value at this place.
    pub(super) fn value_in<'p>(&self, prompt: &'p Prompt) -> Result<&'p Value, EditError> {
        let node = prompt.find_id(self.node_id.as_str())?;
        let mut value = node.value(&self.input).ok_or_else(|| no_input(node, &self.input))?;
        for (depth, step) in self.steps.iter().enumerate() {
            value = step.of(value).ok_or_else(|| self.no_part(depth, value))?;
        }
        Ok(value)
    }

    /// The error that the step at `depth` cannot be made from `found`.
    pub(super) fn no_part(&self, depth: usize, found: &Value) -> EditError {
        let steps = self.steps.iter().take(depth + 1).cloned().collect();
        let len = items(found).map(<[Value]>::len);
        EditError::NoPart {
            place: Self { steps, ..self.clone() },
            found: if len.is_some() { crate::json::Kind::Array } else { found.kind() },
            len,
        }
    }
}

impl Step {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Item(index) => items(value)?.get(*index),
            Self::Key(key) => value.as_object()?.get(key),
        }
    }

    pub(super) fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        match self {
            Self::Item(index) => items_mut(value)?.get_mut(*index),
            Self::Key(key) => value.as_object_mut()?.get_mut(key),
        }
    }
}

fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Object(wrapper) => wrapper.get(WRAPPED)?.as_array(),
        value => value.as_array(),
    }
}

pub(super) fn items_mut(value: &mut Value) -> Option<&mut Vec<Value>> {
    let value = match value {
        Value::Object(wrapper) => wrapper.get_mut(WRAPPED)?,
        value => value,
    };
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

pub(super) fn no_input(node: Node<'_>, input: &str) -> EditError {
    let inputs: Vec<_> = node.inputs().map(|(name, _)| name.to_owned()).collect();
    let nearest = super::find::nearest_name(input, inputs.iter().map(String::as_str)).map(str::to_owned);
    EditError::NoInput { node: Box::new(node.into()), input: input.to_owned(), nearest, inputs }
}

impl<'a> Node<'a> {
    /// The value at an input, link or not.
    pub fn value(&self, input: &str) -> Option<&'a Value> {
        self.as_object()
            .get("inputs")
            .and_then(Value::as_object)
            .and_then(|inputs: &Object| inputs.get(input))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Written { place: self, is_plain: false }.fmt(f)
    }
}

/// A place as a selector: plain, or with quotes wherever a name could read as something else without.
struct Written<'a> {
    place: &'a Place,
    is_plain: bool,
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name| Name { name, is_plain: self.is_plain };
        write!(f, "{}.{}", name(self.place.node_id.as_str()), name(&self.place.input))?;
        self.place.steps.iter().try_for_each(|step| match step {
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, ".{}", name(key)),
        })
    }
}

struct Name<'a> {
    name: &'a str,
    is_plain: bool,
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_safe =
            !self.name.is_empty() && !self.name.starts_with('@') && !self.name.contains(['.', '[', ']', '"']);
        if self.is_plain || is_safe {
            return f.write_str(self.name);
        }
        f.write_str(&Value::from(self.name).to_json())
    }
}

/// What names a place in a prompt: a text such as `6.text`, a [`Selector`], or a [`Place`] itself.
pub trait ToPlace: sealed::Sealed {
    /// The place in this prompt.
    ///
    /// # Errors
    /// When the text is no selector, or the prompt has no such node, or several.
    fn to_place(&self, prompt: &Prompt) -> Result<Place, EditError>;
}

impl ToPlace for Place {
    fn to_place(&self, _: &Prompt) -> Result<Place, EditError> {
        Ok(self.clone())
    }
}

impl ToPlace for Selector {
    fn to_place(&self, prompt: &Prompt) -> Result<Place, EditError> {
        self.resolve(prompt)
    }
}

impl ToPlace for str {
    fn to_place(&self, prompt: &Prompt) -> Result<Place, EditError> {
        Selector::parse(self)?.resolve(prompt)
    }
}

impl ToPlace for String {
    fn to_place(&self, prompt: &Prompt) -> Result<Place, EditError> {
        self.as_str().to_place(prompt)
    }
}

impl<T: ToPlace + ?Sized> ToPlace for &T {
    fn to_place(&self, prompt: &Prompt) -> Result<Place, EditError> {
        (**self).to_place(prompt)
    }
}

mod sealed {
    /// Only the types of this module name places.
    pub trait Sealed {}

    impl Sealed for super::Place {}
    impl Sealed for super::Selector {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}
