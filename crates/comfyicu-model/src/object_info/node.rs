//! The definition of one node class.

use std::collections::HashSet;

use super::input::{InputDefinition, Section};
use super::slot_type::SlotType;
use crate::json::{Object, Value};

/// The definition of a node class, seen in place.
#[derive(Clone, Copy, Debug)]
pub struct NodeDefinition<'a> {
    class_type: &'a str,
    object: &'a Object,
}

/// One output of a node class, seen in place.
#[derive(Clone, Copy, Debug)]
pub struct OutputDefinition<'a> {
    node: NodeDefinition<'a>,
    slot: usize,
    slot_type: SlotType<'a>,
}

impl<'a> NodeDefinition<'a> {
    pub(super) fn of_entry(class_type: &'a str, definition: &'a Value) -> Option<Self> {
        let object = definition.as_object()?;
        (object.contains_key("input") || object.contains_key("output")).then_some(Self { class_type, object })
    }

    /// The class, as prompts name it.
    pub const fn class_type(&self) -> &'a str {
        self.class_type
    }

    /// The name that the editor shows; the class where there is none.
    pub fn display_name(&self) -> &'a str {
        self.object.get_str("display_name").filter(|name| !name.is_empty()).unwrap_or(self.class_type)
    }

    /// What the node does, in its author's words; empty where they wrote none.
    pub fn description(&self) -> &'a str {
        self.object.get_str("description").unwrap_or_default()
    }

    /// Where the editor's menu has it, such as `image/upscaling`.
    pub fn category(&self) -> &'a str {
        self.object.get_str("category").unwrap_or_default()
    }

    /// The Python module that it comes from, such as `nodes` or `custom_nodes.ComfyUI-Impact-Pack`.
    pub fn python_module(&self) -> &'a str {
        self.object.get_str("python_module").unwrap_or_default()
    }

    /// Whether it is an output node: one for whose sake a prompt runs.
    pub fn is_output(&self) -> bool {
        self.flag("output_node")
    }

    /// Whether its author says that something else should be used.
    pub fn is_deprecated(&self) -> bool {
        self.flag("deprecated")
    }

    /// Whether its author says that it may change.
    pub fn is_experimental(&self) -> bool {
        self.flag("experimental")
    }

    /// Whether it calls a paid service of somebody else.
    pub fn is_api(&self) -> bool {
        self.flag("api_node")
    }

    /// Whether it takes lists as a whole, and does not run once for each item.
    pub fn takes_lists(&self) -> bool {
        self.flag("is_input_list")
    }

    /// Its inputs, required before optional, in the order in which the editor shows them; without what
    /// ComfyUI fills in itself (see [`hidden`](Self::hidden)).
    ///
    /// An autogrow input stands for the inputs that grow from it, see [`InputKind`](super::InputKind).
    pub fn inputs(&self) -> impl Iterator<Item = InputDefinition<'a>> + use<'a> {
        let this = *self;
        [Section::Required, Section::Optional].into_iter().flat_map(move |section| this.section(section))
    }

    /// The inputs that ComfyUI fills in itself, such as `unique_id`.
    pub fn hidden(&self) -> impl Iterator<Item = InputDefinition<'a>> + use<'a> {
        self.section(Section::Hidden)
    }

    /// The input of a name, hidden ones included.
    pub fn input(&self, name: &str) -> Option<InputDefinition<'a>> {
        Section::ALL.into_iter().find_map(|section| {
            let (name, spec) = self.section_object(section)?.get_key_value(name)?;
            Some(InputDefinition::new(name, section, spec))
        })
    }

    /// The outputs, in the order of their slots.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = OutputDefinition<'a>> + use<'a> {
        let node = *self;
        self.output_types().iter().enumerate().map(move |(slot, slot_type)| OutputDefinition {
            node,
            slot,
            slot_type: SlotType::of(slot_type),
        })
    }

    /// The output at a slot, from 0.
    pub fn output(&self, slot: usize) -> Option<OutputDefinition<'a>> {
        let slot_type = SlotType::of(self.output_types().get(slot)?);
        Some(OutputDefinition { node: *self, slot, slot_type })
    }

    /// The whole definition, as it was read.
    pub const fn as_object(&self) -> &'a Object {
        self.object
    }

    fn output_types(&self) -> &'a [Value] {
        self.object.get("output").and_then(Value::as_array).unwrap_or_default()
    }

    /// What a list beside `output` says of a slot.
    fn of_output(&self, list: &str, slot: usize) -> Option<&'a Value> {
        self.object.get(list)?.as_array()?.get(slot)
    }

    fn flag(&self, key: &str) -> bool {
        self.object.get(key).and_then(Value::as_bool) == Some(true)
    }

    fn section_object(&self, section: Section) -> Option<&'a Object> {
        self.object.get("input")?.as_object()?.get(section.as_str())?.as_object()
    }

    fn section(&self, section: Section) -> impl Iterator<Item = InputDefinition<'a>> + use<'a> {
        let inputs = self.section_object(section);
        let order = self.object.get("input_order").and_then(Value::as_object);
        let order = order.and_then(|order| order.get(section.as_str())).and_then(Value::as_array);
        // The two agree nearly always, and then the object's own order is all there is to follow.
        let differing = inputs.zip(order).filter(|(inputs, order)| !inputs.keys().eq(strings(order)));
        let reordered = differing.map(|(inputs, order)| in_order(inputs, order));
        let inputs = inputs.filter(|_| reordered.is_none()).into_iter().flat_map(Object::iter);
        let specs = inputs.chain(reordered.into_iter().flatten());
        specs.map(move |(name, spec)| InputDefinition::new(name, section, spec))
    }
}

fn strings(values: &[Value]) -> impl Iterator<Item = &str> {
    values.iter().filter_map(Value::as_str)
}

/// The entries of an object: those that `order` names first, and as it names them.
fn in_order<'a>(object: &'a Object, order: &'a [Value]) -> Vec<(&'a str, &'a Value)> {
    let mut seen = HashSet::new();
    let names = strings(order).chain(object.keys()).filter(|name| seen.insert(*name));
    names.filter_map(|name| object.get_key_value(name)).collect()
}

impl<'a> OutputDefinition<'a> {
    /// Its slot, from 0: what a link to it names.
    pub const fn slot(&self) -> usize {
        self.slot
    }

    /// Its name; that of its type where it has none of its own.
    pub fn name(&self) -> &'a str {
        let name = self.node.of_output("output_name", self.slot).and_then(Value::as_str);
        name.unwrap_or_else(|| self.slot_type.name())
    }

    /// What it gives.
    pub const fn slot_type(&self) -> SlotType<'a> {
        self.slot_type
    }

    /// Whether it gives a list, for each item of which the nodes behind it run once.
    pub fn is_list(&self) -> bool {
        self.node.of_output("output_is_list", self.slot).and_then(Value::as_bool) == Some(true)
    }

    /// What its author says of it.
    pub fn tooltip(&self) -> Option<&'a str> {
        self.node.of_output("output_tooltips", self.slot)?.as_str()
    }

    /// For an output of any type: the template of the inputs whose type it takes on.
    pub fn match_template(&self) -> Option<&'a str> {
        self.node.of_output("output_matchtypes", self.slot)?.as_str()
    }
}
