//! The inputs that a node has, given what stands in the prompt: those of the definition, and those that
//! dynamic combos and autogrow inputs bring with them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::json::{Object, Value};
use crate::object_info::{Autogrow, DynamicOption, InputDefinition, InputKind, NodeDefinition};

/// An input of a node, under the name that it has in the prompt.
#[derive(Clone, Debug)]
pub(super) struct LiveInput<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) definition: InputDefinition<'a>,
    pub(super) is_required: bool,
}

/// The most inputs that are looked at in one node: definitions that grow within definitions that grow would
/// be more than any memory holds.
const MAX_INPUTS: usize = 4096;

/// The inputs of a node, in the order of its definition.
pub(super) fn live_inputs<'a>(node: NodeDefinition<'a>, given: &Object) -> Vec<LiveInput<'a>> {
    let mut growth = Growth { given, inputs: Vec::new(), left: MAX_INPUTS };
    for input in node.inputs() {
        let is_required = input.is_required();
        growth.add(Cow::Borrowed(input.name()), input, is_required);
    }
    growth.inputs
}

struct Growth<'a, 'g> {
    given: &'g Object,
    inputs: Vec<LiveInput<'a>>,
    left: usize,
}

impl<'a> Growth<'a, '_> {
    fn add(&mut self, name: Cow<'a, str>, definition: InputDefinition<'a>, is_required: bool) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        match definition.kind() {
            InputKind::Autogrow(autogrow) => self.add_items(&name, autogrow, is_required),
            InputKind::DynamicCombo(combo) => {
                let chosen = self.given.get(&name).map(unwrapped).and_then(Value::as_str);
                let option = chosen.and_then(|key| combo.option(key));
                let prefix = name.clone();
                self.inputs.push(LiveInput { name, definition, is_required });
                for input in option.into_iter().flat_map(DynamicOption::inputs) {
                    let name = format!("{prefix}.{}", input.name());
                    self.add(name.into(), input, input.is_required());
                }
            }
            _ => self.inputs.push(LiveInput { name, definition, is_required }),
        }
    }

    /// The items that must be there, and those that are.
    fn add_items(&mut self, name: &str, autogrow: Autogrow<'a>, is_required: bool) {
        let Some(item) = autogrow.item() else { return };
        let below = |key: &str| {
            let rest = key.strip_prefix(name)?.strip_prefix('.')?;
            autogrow.index_of(rest.split('.').next().unwrap_or(rest))
        };
        let needed = if is_required { autogrow.min() } else { 0 };
        let indices: BTreeSet<usize> = self.given.keys().filter_map(below).chain(0..needed).collect();
        for index in indices.into_iter().take(self.left) {
            if let Some(item_name) = autogrow.item_name(index) {
                self.add(format!("{name}.{item_name}").into(), item, index < needed);
            }
        }
    }
}

/// Editors wrap a list that is meant as a value in an object, and ComfyUI takes it out.
pub(super) fn unwrapped(value: &Value) -> &Value {
    value.as_object().and_then(|object| object.get("__value__")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_info::ObjectInfo;

    const DEFINITIONS: &[u8] = br#"{"Resize": {
        "input": {
            "required": {
                "input": ["IMAGE"],
                "by": ["COMFY_DYNAMICCOMBO_V3", {"options": [
                    {"key": "width", "inputs": {"required": {"width": ["INT"]}, "optional": {"crop": ["BOOLEAN"]}}},
                    {"key": "others", "inputs": {"required": {"images": ["COMFY_AUTOGROW_V3", {"template":
                        {"input": {"required": {"image": ["IMAGE"]}}, "prefix": "image", "min": 2, "max": 9}}]}}}
                ]}]
            },
            "optional": {"masks": ["COMFY_AUTOGROW_V3", {"template":
                {"input": {"required": {"mask": ["MASK"]}}, "names": ["a", "b"], "min": 1}}]}
        },
        "output": ["IMAGE"]
    }}"#;

    fn inputs(given: &str) -> Vec<(String, bool)> {
        let object_info = ObjectInfo::parse(DEFINITIONS).unwrap();
        let given = Value::from_argument(given);
        let inputs = live_inputs(object_info.definition("Resize").unwrap(), given.as_object().unwrap());
        inputs.into_iter().map(|input| (input.name.into_owned(), input.is_required)).collect()
    }

    fn owned(inputs: &[(&str, bool)]) -> Vec<(String, bool)> {
        inputs.iter().map(|(name, required)| ((*name).to_owned(), *required)).collect()
    }

    #[test]
    fn a_choice_brings_the_inputs_of_its_option() {
        let plain = owned(&[("input", true), ("by", true)]);
        assert_eq!(inputs("{}"), plain);
        assert_eq!(inputs(r#"{"by": "nothing known"}"#), plain);
        assert_eq!(inputs(r#"{"by": ["1", 0]}"#), plain);
        let width = [("input", true), ("by", true), ("by.width", true), ("by.crop", false)];
        assert_eq!(inputs(r#"{"by": "width"}"#), owned(&width));
        assert_eq!(inputs(r#"{"by": {"__value__": "width"}}"#), owned(&width));
    }

    #[test]
    fn a_list_grows_by_what_is_given_and_has_what_it_needs() {
        let expected = [
            ("input", true),
            ("by", true),
            ("by.images.image0", true),
            ("by.images.image1", true),
            ("by.images.image7", false),
            ("masks.b", false),
        ];
        let given = r#"{"by": "others", "by.images.image7": ["1", 0], "by.images.image9": 1, "masks.b": 1, "masks.c": 1}"#;
        assert_eq!(inputs(given), owned(&expected));
    }

    #[test]
    fn growth_has_an_end() {
        for innermost in [r#"["IMAGE"]"#, r#"["COMFY_AUTOGROW_V3"]"#] {
            let mut item = innermost.to_owned();
            for _ in 0..20 {
                item = format!(
                    r#"["COMFY_AUTOGROW_V3", {{"template": {{"input": {{"required": {{"x": {item}}}}}, "prefix": "x", "min": 1000, "max": 1000}}}}]"#
                );
            }
            let json = format!(r#"{{"A": {{"input": {{"required": {{"x": {item}}}}}, "output": []}}}}"#);
            let object_info = ObjectInfo::parse(json.as_bytes()).unwrap();
            assert!(live_inputs(object_info.definition("A").unwrap(), &Object::new()).len() <= MAX_INPUTS);
        }
    }
}
