//! What a node is: its definition and its code, in one value.

use comfyicu_model::json::{Object, Value as Json};

use super::call::{Call, Failure, Yield};
use super::value::ValueType;

/// A node that the executor knows.
#[derive(Debug)]
pub(super) struct Definition {
    /// The name in prompts.
    pub(super) class_type: &'static str,
    /// The name that people see.
    pub(super) display_name: &'static str,
    pub(super) description: &'static str,
    /// Where the editor's menu has it.
    pub(super) category: &'static str,
    /// Where ComfyUI has it.
    pub(super) python_module: &'static str,
    pub(super) inputs: &'static [Input],
    pub(super) outputs: &'static [ValueType],
    pub(super) role: Role,
    /// The node's code: a pure function, which may block and take long.
    pub(super) run: fn(Call) -> Result<Yield, Failure>,
}

/// Whether a node makes values for others, or is what a prompt is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It runs when a node needs its results.
    Inner,
    /// It always runs. Its files carry the prompt.
    Output,
}

/// An input of a node; each is required.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) tooltip: &'static str,
}

/// What may stand at an input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A result of another node.
    Value(ValueType),
    Int(Int),
    Text {
        default: &'static str,
    },
    /// One of some names.
    Choice(&'static [&'static str]),
    /// An image among the run's input files.
    InputImage,
}

/// The bounds of an integer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Int {
    pub(super) default: i64,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) step: Option<i64>,
    /// How the editor shows it, where that is special.
    pub(super) display: Option<&'static str>,
}

impl Kind {
    /// The name of the type, as ComfyUI's messages have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Value(kind) => kind.name(),
            Self::Int(_) => "INT",
            Self::Text { .. } => "STRING",
            Self::Choice(_) | Self::InputImage => "COMBO",
        }
    }
}

impl Definition {
    /// The definition in the form of ComfyUI's `/object_info`.
    pub(super) fn to_object(&self) -> Object {
        let required: Object = self.inputs.iter().map(|input| (input.name, input.to_value())).collect();
        let names: Vec<&str> = self.inputs.iter().map(|input| input.name).collect();
        let mut input = Object::from_iter([("required", required)]);
        let mut order = Object::from_iter([("required", names)]);
        if self.role == Role::Output {
            let hidden = [("prompt", "PROMPT"), ("extra_pnginfo", "EXTRA_PNGINFO")];
            order.insert("hidden", hidden.map(|(name, _)| name).to_vec());
            input.insert("hidden", hidden.into_iter().collect::<Object>());
        }
        let types: Vec<&str> = self.outputs.iter().map(|output| output.name()).collect();
        let mut object = Object::new();
        object.insert("input", input);
        object.insert("input_order", order);
        object.insert("output", types.clone());
        object.insert("output_is_list", vec![false; types.len()]);
        object.insert("output_name", types);
        object.insert("name", self.class_type);
        object.insert("display_name", self.display_name);
        object.insert("description", self.description);
        object.insert("python_module", self.python_module);
        object.insert("category", self.category);
        object.insert("output_node", self.role == Role::Output);
        object
    }
}

impl Input {
    fn to_value(&self) -> Json {
        let mut options = Object::new();
        let kind = match self.kind {
            Kind::Value(kind) => kind.name().into(),
            Kind::Int(int) => {
                options.insert("default", int.default);
                options.insert("min", int.min);
                options.insert("max", int.max);
                if let Some(step) = int.step {
                    options.insert("step", step);
                }
                if let Some(display) = int.display {
                    options.insert("display", display);
                }
                "INT".into()
            }
            Kind::Text { default } => {
                options.insert("default", default);
                "STRING".into()
            }
            Kind::Choice(names) => Json::from(names.to_vec()),
            Kind::InputImage => {
                options.insert("image_upload", true);
                // Which files there are depends on the run.
                Json::Array(Vec::new())
            }
        };
        options.insert("tooltip", self.tooltip);
        Json::Array(vec![kind, options.into()])
    }
}
