//! The node definitions of several ComfyUIs as one.

use std::sync::{Arc, Mutex, PoisonError};

use comfyicu_model::ObjectInfo;
use comfyicu_model::json::{Object, Value};

/// What several ComfyUIs define, joined once for as long as none of them defines anything else: it is a lot of work
/// for every submit.
#[derive(Debug, Default)]
pub(super) struct Joined(Mutex<Option<Join>>);

#[derive(Debug)]
struct Join {
    parts: Vec<Arc<ObjectInfo>>,
    whole: Arc<ObjectInfo>,
    are_same: bool,
}

impl Joined {
    /// Everything that one of them defines, and whether they all define the same.
    pub(super) fn of(&self, parts: Vec<Arc<ObjectInfo>>) -> (Arc<ObjectInfo>, bool) {
        let mut joined = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |kept: &&Join| {
            kept.parts.len() == parts.len()
                && kept.parts.iter().zip(&parts).all(|(kept, part)| Arc::ptr_eq(kept, part))
        };
        if let Some(kept) = joined.as_ref().filter(is_same) {
            return (Arc::clone(&kept.whole), kept.are_same);
        }
        let (whole, are_same) = match parts.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => (Arc::clone(first), true),
            all => (Arc::new(merge(all)), false),
        };
        *joined = Some(Join { parts, whole: Arc::clone(&whole), are_same });
        (whole, are_same)
    }
}

/// All classes, each as the first one defines it that has it, with the choices of all: a model that lies on one of
/// them is one that runs can name.
fn merge(all: &[Arc<ObjectInfo>]) -> ObjectInfo {
    let mut merged = Object::new();
    for definitions in all {
        for (class_type, definition) in definitions.as_object().iter() {
            match merged.get_mut(class_type).and_then(Value::as_object_mut) {
                Some(known) => add_choices(known, definition),
                None => drop(merged.insert(class_type, definition.clone())),
            }
        }
    }
    ObjectInfo::new(merged)
}

fn add_choices(known: &mut Object, other: &Value) {
    let Some(inputs) = known.get_mut("input").and_then(Value::as_object_mut) else { return };
    let others = other.as_object().and_then(|other| other.get("input")?.as_object());
    for group in ["required", "optional"] {
        let Some(group_inputs) = inputs.get_mut(group).and_then(Value::as_object_mut) else { continue };
        for (name, input) in group_inputs.iter_mut() {
            let other = others.and_then(|others| others.get(group)?.as_object()?.get(name)?.as_array());
            if let (Some(known), Some(other)) = (choices_mut(input), other.and_then(choices)) {
                let new: Vec<Value> =
                    other.iter().filter(|choice| !known.contains(choice)).cloned().collect();
                known.extend(new);
            }
        }
    }
}

/// The choices of an input: a list in place of its type, or among its settings.
fn choices(input: &[Value]) -> Option<&[Value]> {
    match input {
        [Value::Array(choices), ..] => Some(choices),
        [_, Value::Object(settings), ..] => settings.get("options")?.as_array(),
        _ => None,
    }
}

fn choices_mut(input: &mut Value) -> Option<&mut Vec<Value>> {
    let Value::Array(input) = input else { return None };
    match input.as_mut_slice() {
        [Value::Array(choices), ..] => Some(choices),
        [_, Value::Object(settings), ..] => match settings.get_mut("options")? {
            Value::Array(choices) => Some(choices),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(json: &str) -> Arc<ObjectInfo> {
        Arc::new(ObjectInfo::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn the_choices_of_all_are_there_once() {
        let one = definitions(
            r#"{"L": {"input": {"required": {"name": [["a", "b"]], "mode": ["COMBO", {"options": ["x"]}]}}, "output": []}}"#,
        );
        let two = definitions(
            r#"{"L": {"input": {"required": {"name": [["b", "c"]], "mode": ["COMBO", {"options": ["x", "y"]}], "new": ["INT"]}}, "output": []},
                "M": {"input": {}, "output": []}}"#,
        );
        let joined = Joined::default();
        let (whole, are_same) = joined.of(vec![Arc::clone(&one), Arc::clone(&two)]);
        insta::assert_snapshot!(whole.as_object().to_json(), @r#"{"L":{"input":{"required":{"name":[["a","b","c"]],"mode":["COMBO",{"options":["x","y"]}]}},"output":[]},"M":{"input":{},"output":[]}}"#);
        assert!(!are_same);
        let (again, _) = joined.of(vec![Arc::clone(&one), two]);
        assert!(Arc::ptr_eq(&whole, &again), "it is joined once");
        let copy = Arc::new(ObjectInfo::clone(&one));
        assert!(joined.of(vec![one, copy]).1);
    }
}
