//! Reading and changing what stands at inputs: everything untouched stays as it was.

use super::place::{Step, ToPlace, items_mut, no_input};
use super::{EditError, NamedBy, NodeList, Place, Prompt};
use crate::json::{Object, Value};
use crate::nearest::nearest;

/// What setting an input did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edited {
    /// The input was there; this was its value.
    Replaced(Value),
    /// The input was not there, and is now. Where its name is like that of another, that one may have been meant.
    Added {
        /// The input with a name like it.
        similar: Option<String>,
    },
}

impl Prompt {
    /// The value that stands at a place, literal or link: see [`Selector`](super::Selector) for how it is
    /// named.
    ///
    /// # Errors
    /// When there is no such node, input or part.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let prompt = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"seed": 7}}}"#)?;
    /// assert_eq!(prompt.get("KSampler.seed")?.to_json(), "7");
    /// let error = prompt.get("3.sede").unwrap_err().to_string();
    /// assert_eq!(error, "node 3 (KSampler) has no input `sede` (did you mean `seed`?); it has: seed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get(&self, place: impl ToPlace) -> Result<&Value, EditError> {
        place.to_place(self)?.value_in(self)
    }

    /// Sets what stands at a place: see [`Selector`](super::Selector) for how it is named. An input, or a key
    /// of an object, that is not there is added; an item of a list has to be there.
    ///
    /// # Errors
    /// When there is no such node, list or item.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let mut prompt = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"steps": 20}}}"#)?;
    /// prompt.set("3.steps", 8_u64)?;
    /// assert_eq!(prompt.to_json(), r#"{"3":{"class_type":"KSampler","inputs":{"steps":8}}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&mut self, place: impl ToPlace, value: impl Into<Value>) -> Result<Edited, EditError> {
        let place = place.to_place(self)?;
        self.check_parent(&place)?;
        let inputs = self.inputs_mut(&place)?;
        let Some((last, steps)) = place.steps().split_last() else {
            return Ok(insert(inputs, place.input(), value.into()));
        };
        // All is there: it was checked.
        let parent = inputs.get_mut(place.input());
        let parent = parent.and_then(|value| steps.iter().try_fold(value, |value, step| step.of_mut(value)));
        let edited = match (last, parent) {
            (Step::Key(key), Some(Value::Object(object))) => Some(insert(object, key, value.into())),
            (step, Some(parent)) => {
                step.of_mut(parent).map(|item| Edited::Replaced(std::mem::replace(item, value.into())))
            }
            (_, None) => None,
        };
        edited.ok_or_else(|| place.no_part(steps.len(), &Value::Null))
    }

    /// Takes an input away, or a part of what stands at it, and returns what it was. What follows an item of a
    /// list moves up.
    ///
    /// # Errors
    /// When there is no such node, input or part.
    ///
    /// ```
    /// # use comfyicu_model::Prompt;
    /// let mut prompt = Prompt::parse(br#"{"3": {"class_type": "KSampler", "inputs": {"steps": 20, "seed": 7}}}"#)?;
    /// assert_eq!(prompt.remove_input("3.steps")?.to_json(), "20");
    /// assert_eq!(prompt.to_json(), r#"{"3":{"class_type":"KSampler","inputs":{"seed":7}}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_input(&mut self, place: impl ToPlace) -> Result<Value, EditError> {
        let place = place.to_place(self)?;
        place.value_in(self)?;
        let inputs = self.inputs_mut(&place)?;
        let removed = match place.steps().split_last() {
            None => inputs.remove(place.input()),
            Some((last, steps)) => {
                let value = inputs.get_mut(place.input());
                let parent =
                    value.and_then(|value| steps.iter().try_fold(value, |value, step| step.of_mut(value)));
                parent.and_then(|parent| match last {
                    Step::Key(key) => parent.as_object_mut()?.remove(key),
                    Step::Item(index) => items_mut(parent)
                        .filter(|items| *index < items.len())
                        .map(|items| items.remove(*index)),
                })
            }
        };
        // It was there a moment ago.
        removed.ok_or_else(|| place.no_part(place.steps().len(), &Value::Null))
    }

    /// That what a place is a part of is there, and the part too where it cannot be added.
    fn check_parent(&self, place: &Place) -> Result<(), EditError> {
        let node = self.find_id(place.node_id().as_str())?;
        let Some((last, steps)) = place.steps().split_last() else { return Ok(()) };
        if node.value(place.input()).is_none() {
            return Err(no_input(node, place.input()));
        }
        let parent = place.clone().with_steps(steps.to_vec());
        match (last, parent.value_in(self)?) {
            (Step::Key(_), Value::Object(_)) => Ok(()),
            _ => place.value_in(self).map(drop),
        }
    }

    /// The inputs of the node, made where it has none.
    fn inputs_mut(&mut self, place: &Place) -> Result<&mut Object, EditError> {
        let id = place.node_id().as_str();
        let node = self.find_id(id)?;
        match node.as_object().get("inputs") {
            None => self.node_mut(id).map(|node| node.insert("inputs", Object::new())),
            Some(Value::Object(_)) => None,
            Some(other) => {
                return Err(EditError::BadInputs { node: Box::new(node.into()), found: other.kind() });
            }
        };
        // It is there: it was found above.
        let missing = || EditError::NoNode {
            by: NamedBy::Id,
            name: id.to_owned(),
            nearest: None,
            nodes: NodeList::default(),
        };
        self.node_mut(id).and_then(|node| node.get_mut("inputs")?.as_object_mut()).ok_or_else(missing)
    }

    pub(super) fn node_mut(&mut self, id: &str) -> Option<&mut Object> {
        self.node(id)?;
        self.0.get_mut(id)?.as_object_mut()
    }
}

fn insert(object: &mut Object, key: &str, value: Value) -> Edited {
    if let Some(place) = object.get_mut(key) {
        return Edited::Replaced(std::mem::replace(place, value));
    }
    let similar = nearest(key, object.keys()).map(str::to_owned);
    object.insert(key, value);
    Edited::Added { similar }
}
