//! The inputs of a node: what may stand at each.

use comfyicu_model::json::{Object, Value as Json};

use super::Form;
use crate::native::value::ValueType;

/// An input of a node.
#[derive(Debug)]
pub(in crate::native) struct Input {
    pub(in crate::native) name: &'static str,
    pub(in crate::native) kind: Kind,
    /// Whether the node cannot do without.
    pub(in crate::native) required: bool,
    tooltip: &'static str,
}

/// What may stand at an input.
#[derive(Clone, Copy, Debug)]
pub(in crate::native) enum Kind {
    /// A result of another node.
    Value(ValueType),
    Int(Int),
    /// A number that random numbers follow from, of 64 bits without a sign.
    Seed,
    Float(Float),
    Bool {
        default: Option<bool>,
    },
    Text(Text),
    Choice(Choice),
    /// An image among the run's input files.
    InputImage,
}

/// The bounds of an integer.
#[derive(Clone, Copy, Debug)]
pub(in crate::native) struct Int {
    default: Option<i64>,
    pub(in crate::native) min: i64,
    pub(in crate::native) max: i64,
    /// Whether the editor is told the bounds.
    bounded: bool,
    step: Option<i64>,
    /// Whether the editor offers to change it after each run.
    changes: bool,
    /// How the editor shows it, where that is special.
    display: Option<&'static str>,
}

/// The bounds of a number.
#[derive(Clone, Copy, Debug)]
pub(in crate::native) struct Float {
    /// What it starts with; of none there are no bounds either.
    default: Option<f64>,
    /// By how much the editor changes it.
    step: Option<f64>,
    pub(in crate::native) min: f64,
    pub(in crate::native) max: f64,
}

/// What the editor is told of a text.
#[derive(Clone, Copy, Debug)]
pub(in crate::native) struct Text {
    default: Option<&'static str>,
    multiline: Option<bool>,
}

/// The largest integer that ComfyUI's editor is told, and as a negative the smallest.
const LARGEST: i64 = i64::MAX;

/// What ComfyUI calls the inputs and outputs of a switch that have one type.
pub(in crate::native) const MATCHED: &str = "switch";

/// One of some names.
#[derive(Clone, Copy, Debug)]
pub(in crate::native) struct Choice {
    pub(in crate::native) names: &'static [&'static str],
    default: Option<&'static str>,
}

impl Int {
    pub(in crate::native) const fn new(default: i64, min: i64, max: i64) -> Self {
        Self { default: Some(default), min, max, bounded: true, step: None, changes: false, display: None }
    }

    /// Any integer.
    pub(in crate::native) const ANY: Self =
        Self { default: None, bounded: false, ..Self::new(0, i64::MIN, LARGEST) };

    /// Any integer, which the editor offers to change after each run.
    pub(in crate::native) const CHANGING: Self =
        Self { default: None, changes: true, ..Self::new(0, -LARGEST, LARGEST) };

    pub(in crate::native) const fn step(self, step: i64) -> Self {
        Self { step: Some(step), ..self }
    }

    pub(in crate::native) const fn shown_as(self, display: &'static str) -> Self {
        Self { display: Some(display), ..self }
    }
}

impl Float {
    pub(in crate::native) const fn new(default: f64, min: f64, max: f64, step: f64) -> Self {
        Self { step: Some(step), ..Self::stepless(default, min, max) }
    }

    /// A number that the editor changes as it likes.
    pub(in crate::native) const fn stepless(default: f64, min: f64, max: f64) -> Self {
        Self { default: Some(default), step: None, min, max }
    }

    /// Any number between the largest integer and its negative. Python compares with these as they are, so the
    /// bounds are the last doubles within.
    pub(in crate::native) const ANY: Self = Self {
        default: None,
        step: None,
        min: -9_223_372_036_854_774_784.0,
        max: 9_223_372_036_854_774_784.0,
    };
}

impl Kind {
    /// The name of the type, as ComfyUI's messages have it.
    pub(in crate::native) const fn name(self) -> &'static str {
        match self {
            Self::Value(kind) => kind.name(),
            Self::Int(_) | Self::Seed => "INT",
            Self::Float(_) => "FLOAT",
            Self::Bool { .. } => "BOOLEAN",
            Self::Text(_) => "STRING",
            Self::Choice(_) | Self::InputImage => "COMBO",
        }
    }
}

impl Input {
    const fn new(name: &'static str, kind: Kind, tooltip: &'static str) -> Self {
        Self { name, kind, required: true, tooltip }
    }

    pub(in crate::native) const fn image(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Value(ValueType::Image), tooltip)
    }

    pub(in crate::native) const fn mask(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Value(ValueType::Mask), tooltip)
    }

    pub(in crate::native) const fn int(name: &'static str, bounds: Int, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Int(bounds), tooltip)
    }

    pub(in crate::native) const fn seed(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Seed, tooltip)
    }

    pub(in crate::native) const fn float(name: &'static str, bounds: Float, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Float(bounds), tooltip)
    }

    pub(in crate::native) const fn boolean(name: &'static str, default: bool, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Bool { default: Some(default) }, tooltip)
    }

    /// A boolean that starts with nothing.
    pub(in crate::native) const fn any_boolean(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Bool { default: None }, tooltip)
    }

    pub(in crate::native) const fn any(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Value(ValueType::Any), tooltip)
    }

    /// Whatever is there at the other inputs of this kind.
    pub(in crate::native) const fn matched(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::Value(ValueType::Matched), tooltip)
    }

    pub(in crate::native) const fn text(
        name: &'static str,
        default: &'static str,
        tooltip: &'static str,
    ) -> Self {
        Self::new(name, Kind::Text(Text { default: Some(default), multiline: None }), tooltip)
    }

    /// A text that starts with nothing, of one line or several.
    pub(in crate::native) const fn any_text(
        name: &'static str,
        multiline: bool,
        tooltip: &'static str,
    ) -> Self {
        Self::new(name, Kind::Text(Text { default: None, multiline: Some(multiline) }), tooltip)
    }

    /// A text of one line.
    pub(in crate::native) const fn line(
        name: &'static str,
        default: &'static str,
        tooltip: &'static str,
    ) -> Self {
        Self::new(name, Kind::Text(Text { default: Some(default), multiline: Some(false) }), tooltip)
    }

    pub(in crate::native) const fn choice(
        name: &'static str,
        names: &'static [&'static str],
        tooltip: &'static str,
    ) -> Self {
        Self::new(name, Kind::Choice(Choice { names, default: None }), tooltip)
    }

    /// A choice that starts with one of its names.
    pub(in crate::native) const fn choice_from(
        name: &'static str,
        names: &'static [&'static str],
        default: &'static str,
        tooltip: &'static str,
    ) -> Self {
        Self::new(name, Kind::Choice(Choice { names, default: Some(default) }), tooltip)
    }

    pub(in crate::native) const fn input_image(name: &'static str, tooltip: &'static str) -> Self {
        Self::new(name, Kind::InputImage, tooltip)
    }

    /// The node can do without it.
    pub(in crate::native) const fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    pub(super) fn to_value(&self, form: Form) -> Json {
        let mut options = Object::new();
        let kind = match self.kind {
            Kind::Value(ValueType::Matched) => {
                options.insert("lazy", true);
                let template = Object::from_iter([("template_id", MATCHED), ("allowed_types", "*")]);
                options.insert("template", template);
                self.kind.name().into()
            }
            Kind::Value(_) => self.kind.name().into(),
            Kind::Seed => {
                options.insert("default", 0_u64);
                options.insert("min", 0_u64);
                options.insert("max", u64::MAX);
                options.insert("control_after_generate", true);
                self.kind.name().into()
            }
            Kind::Int(int) => {
                int.add_to(&mut options);
                self.kind.name().into()
            }
            Kind::Float(float) => {
                float.add_to(&mut options);
                self.kind.name().into()
            }
            Kind::Bool { default } => {
                if let Some(default) = default {
                    options.insert("default", default);
                }
                self.kind.name().into()
            }
            Kind::Text(Text { default, multiline }) => {
                if let Some(default) = default {
                    options.insert("default", default);
                }
                if let Some(multiline) = multiline {
                    options.insert("multiline", multiline);
                }
                self.kind.name().into()
            }
            Kind::Choice(choice) => choice.to_value(form, &mut options),
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

impl Int {
    fn add_to(self, options: &mut Object) {
        let bounds = [("min", self.min), ("max", self.max)].into_iter().filter(|_| self.bounded);
        let default = self.default.map(|default| ("default", default));
        for (name, value) in default.into_iter().chain(bounds).chain(self.step.map(|step| ("step", step))) {
            options.insert(name, value);
        }
        if self.changes {
            options.insert("control_after_generate", true);
        }
        if let Some(display) = self.display {
            options.insert("display", display);
        }
    }
}

impl Float {
    fn add_to(self, options: &mut Object) {
        let Some(default) = self.default else {
            options.insert("min", -LARGEST);
            options.insert("max", LARGEST);
            return;
        };
        let step = self.step.map(|step| ("step", step));
        for (name, value) in
            [("default", default), ("min", self.min), ("max", self.max)].into_iter().chain(step)
        {
            options.insert(name, value);
        }
    }
}

impl Choice {
    /// The names stand where the type stands, or among the options.
    fn to_value(self, form: Form, options: &mut Object) -> Json {
        if let Some(default) = self.default {
            options.insert("default", default);
        }
        match form {
            Form::Classic => self.names.to_vec().into(),
            Form::Schema => {
                options.insert("multiselect", false);
                options.insert("options", self.names.to_vec());
                "COMBO".into()
            }
        }
    }
}
