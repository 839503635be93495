//! What a node is: its definition and its code, in one value.

mod input;

use comfyicu_model::json::{Object, Value as Json};

use super::call::{Call, Failure, Yield};
use super::forecast::Given;
use super::image::Shape;
use super::value::ValueType;
pub(super) use input::{Float, Input, Int, Kind, MATCHED};

/// A node that the executor knows.
#[derive(Debug)]
pub(super) struct Definition {
    /// The name in prompts.
    pub(super) class_type: &'static str,
    /// The name that people see, where it is another one.
    pub(super) display_name: Option<&'static str>,
    pub(super) description: &'static str,
    /// Where the editor's menu has it.
    pub(super) category: &'static str,
    /// Where ComfyUI has it.
    pub(super) python_module: &'static str,
    pub(super) form: Form,
    pub(super) inputs: &'static [Input],
    pub(super) outputs: &'static [Output],
    pub(super) role: Role,
    /// What ComfyUI hands to the node beside its inputs.
    pub(super) hidden: &'static [(&'static str, &'static str)],
    /// Whether the code gets whole lists of values. Others are called once for each value of a list.
    pub(super) takes_lists: bool,
    /// Which of its inputs are made only when they are chosen.
    pub(super) switch: Option<Switch>,
    /// Whether ComfyUI calls it experimental.
    pub(super) experimental: bool,
    /// Whether its first result always takes memory of its own: it is never the image that the node got, nor
    /// written over that.
    pub(super) allocates: bool,
    pub(super) effort: Effort,
    /// The shape of its first result, as far as it is known before anything runs.
    pub(super) size: fn(&Given<'_>) -> Option<Shape>,
    /// The node's code: a pure function, which may block and take long.
    pub(super) run: fn(Call) -> Result<Yield, Failure>,
}

/// A boolean input that chooses one of two others: only what is chosen has to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Switch {
    pub(super) input: &'static str,
    pub(super) on_false: &'static str,
    pub(super) on_true: &'static str,
}

impl Switch {
    /// Whether an input may stay without its value.
    pub(super) fn is_lazy(&self, input: &str) -> bool {
        [self.on_false, self.on_true].contains(&input)
    }
}

/// In which of two ways ComfyUI describes a node, after how it is written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A class with attributes.
    Classic,
    /// A schema: choices have a type of their own, and there is more about outputs.
    Schema,
}

/// What nodes get that write the prompt into their files.
pub(super) const METADATA: &[(&str, &str)] = &[("prompt", "PROMPT"), ("extra_pnginfo", "EXTRA_PNGINFO")];

/// Whether a node makes values for others, or is what a prompt is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It runs when a node needs its results.
    Inner,
    /// It always runs.
    Output,
}

/// What a node does with each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Next to nothing: it fills, moves, inverts, scales or compares it, or adds few of them up. The result is as soon made
    /// again as memory is found for it.
    Little,
    /// Work that is worth keeping.
    Some,
}

/// An output of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    pub(super) kind: ValueType,
    name: &'static str,
    is_list: bool,
}

impl Output {
    pub(super) const IMAGE: Self = Self::of(ValueType::Image);
    pub(super) const MASK: Self = Self::of(ValueType::Mask);
    pub(super) const INT: Self = Self::of(ValueType::Int);
    pub(super) const FLOAT: Self = Self::of(ValueType::Float);
    pub(super) const BOOL: Self = Self::of(ValueType::Bool);
    pub(super) const TEXT: Self = Self::of(ValueType::Text);
    /// Of the type of the inputs of [`MATCHED`].
    pub(super) const MATCHED: Self = Self::of(ValueType::Matched);

    /// An output that is named for its type.
    const fn of(kind: ValueType) -> Self {
        Self { kind, name: kind.name(), is_list: false }
    }

    pub(super) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Gives a list of values: nodes behind it run once for each.
    pub(super) const fn list(self) -> Self {
        Self { is_list: true, ..self }
    }
}

impl Definition {
    /// What most nodes have in common; the rest must be filled in.
    pub(super) const BASE: Self = Self {
        class_type: "",
        display_name: None,
        description: "",
        category: "",
        python_module: "nodes",
        form: Form::Classic,
        inputs: &[],
        outputs: &[],
        role: Role::Inner,
        hidden: &[],
        takes_lists: false,
        switch: None,
        experimental: false,
        allocates: false,
        effort: Effort::Some,
        size: |_| None,
        run: |_| Ok(Yield::default()),
    };

    /// The definition in the form of ComfyUI's `/object_info`.
    pub(super) fn to_object(&self) -> Object {
        let outputs = |field: fn(&Output) -> Json| self.outputs.iter().map(field).collect::<Vec<_>>();
        let mut object = self.inputs_to_object();
        object.insert("output", outputs(|output| output.kind.name().into()));
        object.insert("output_is_list", outputs(|output| output.is_list.into()));
        object.insert("output_name", outputs(|output| output.name.into()));
        if self.form == Form::Schema {
            object.insert("output_tooltips", outputs(|_| Json::Null));
        }
        if self.outputs.iter().any(|output| output.kind == ValueType::Matched) {
            object.insert("output_matchtypes", outputs(|_| MATCHED.into()));
        }
        object.insert("name", self.class_type);
        object.insert("display_name", self.display_name_to_value());
        object.insert("description", self.description);
        object.insert("python_module", self.python_module);
        object.insert("category", self.category);
        object.insert("output_node", self.role == Role::Output);
        if self.form == Form::Schema {
            object.insert("deprecated", false);
            object.insert("experimental", self.experimental);
            object.insert("api_node", false);
        }
        object
    }

    fn display_name_to_value(&self) -> Json {
        match (self.display_name, self.form) {
            (Some(name), _) => name.into(),
            (None, Form::Classic) => self.class_type.into(),
            (None, Form::Schema) => Json::Null,
        }
    }

    /// The inputs, and their order apart, those that are required first.
    fn inputs_to_object(&self) -> Object {
        let (mut groups, mut order) = (Object::new(), Object::new());
        for (group, required) in [("required", true), ("optional", false)] {
            let inputs = || self.inputs.iter().filter(move |input| input.required == required);
            if required || inputs().next().is_some() {
                let named = inputs().map(|input| (input.name, input.to_value(self.form)));
                groups.insert(group, named.collect::<Object>());
                order.insert(group, inputs().map(|input| input.name).collect::<Vec<_>>());
            }
        }
        if !self.hidden.is_empty() {
            order.insert("hidden", self.hidden.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            groups.insert("hidden", self.hidden.iter().copied().collect::<Object>());
        }
        Object::from_iter([("input", groups), ("input_order", order)])
    }
}
