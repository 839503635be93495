//! The definition of one input.

use super::combo::Combo;
use super::dynamic::{Autogrow, DynamicCombo};
use super::slot_type::SlotType;
use crate::json::{Number, Object, Value};

/// Where an input stands in a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// It must be given.
    Required,
    /// It can be given.
    Optional,
    /// ComfyUI fills it in itself.
    Hidden,
}

impl Section {
    pub(super) const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::Hidden];

    /// The key of the section: `required`, `optional`, `hidden`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Hidden => "hidden",
        }
    }
}

/// The definition of an input, seen in place: its name, and its type with settings.
#[derive(Clone, Copy, Debug)]
pub struct InputDefinition<'a> {
    name: &'a str,
    section: Section,
    spec: &'a Value,
}

/// What an input takes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum InputKind<'a> {
    /// An integer.
    Int,
    /// A number with a fraction.
    Float,
    /// Text.
    String,
    /// Yes or no.
    Boolean,
    /// One of several values, however the definition writes it.
    Combo(Combo<'a>),
    /// One of several values, each with inputs of its own.
    DynamicCombo(DynamicCombo<'a>),
    /// As many inputs as are linked.
    Autogrow(Autogrow<'a>),
    /// The type that the others of its template have, one of `allowed`.
    Match {
        /// What the inputs and outputs have in common that must be of one type.
        template: &'a str,
        /// Which types that can be.
        allowed: SlotType<'a>,
    },
    /// A socket, or a widget of somebody's own making.
    Socket(SlotType<'a>),
}

impl<'a> InputDefinition<'a> {
    pub(super) const fn new(name: &'a str, section: Section, spec: &'a Value) -> Self {
        Self { name, section, spec }
    }

    /// Its name, as prompts have it.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Where it stands.
    pub const fn section(&self) -> Section {
        self.section
    }

    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.section == Section::Required
    }

    /// Its type as a socket; what a link to it must give.
    pub fn slot_type(&self) -> SlotType<'a> {
        SlotType::of(self.spec.as_array().and_then(<[Value]>::first).unwrap_or(self.spec))
    }

    /// What it takes.
    pub fn kind(&self) -> InputKind<'a> {
        let slot_type = self.slot_type();
        let name = match slot_type {
            SlotType::Options(options) => {
                return InputKind::Combo(Combo::new(Some(options), self.settings()));
            }
            SlotType::Named(name) => name,
        };
        match name {
            "INT" => InputKind::Int,
            "FLOAT" => InputKind::Float,
            "STRING" => InputKind::String,
            "BOOLEAN" => InputKind::Boolean,
            "COMBO" => {
                let options = self.setting("options").and_then(Value::as_array);
                InputKind::Combo(Combo::new(options, self.settings()))
            }
            "COMFY_DYNAMICCOMBO_V3" => InputKind::DynamicCombo(DynamicCombo::new(self.settings())),
            "COMFY_AUTOGROW_V3" => InputKind::Autogrow(Autogrow::new(self.settings())),
            "COMFY_MATCHTYPE_V3" => {
                let template = self.setting("template").and_then(Value::as_object);
                let text = |key| template.and_then(|template| template.get_str(key));
                InputKind::Match {
                    template: text("template_id").unwrap_or_default(),
                    allowed: SlotType::Named(text("allowed_types").unwrap_or("*")),
                }
            }
            _ => InputKind::Socket(slot_type),
        }
    }

    /// Its settings: whatever the definition says beside the type.
    pub fn settings(&self) -> Option<&'a Object> {
        self.spec.as_array()?.get(1)?.as_object()
    }

    /// One of its settings.
    pub fn setting(&self, key: &str) -> Option<&'a Value> {
        self.settings()?.get(key)
    }

    /// The value that the editor puts there first.
    pub fn default(&self) -> Option<&'a Value> {
        self.setting("default")
    }

    /// The smallest number allowed.
    pub fn min(&self) -> Option<&'a Number> {
        self.setting("min")?.as_number()
    }

    /// The largest number allowed.
    pub fn max(&self) -> Option<&'a Number> {
        self.setting("max")?.as_number()
    }

    /// By how much the editor moves a number at a time; ComfyUI does not hold a prompt to it.
    pub fn step(&self) -> Option<&'a Number> {
        self.setting("step")?.as_number()
    }

    /// To what the editor rounds a number; ComfyUI does not hold a prompt to it. `false` is none.
    pub fn round(&self) -> Option<&'a Number> {
        self.setting("round")?.as_number()
    }

    /// What its author says of it.
    pub fn tooltip(&self) -> Option<&'a str> {
        self.setting("tooltip")?.as_str()
    }

    /// The name that the editor shows; the input's own where there is none.
    pub fn display_name(&self) -> &'a str {
        self.setting("display_name").and_then(Value::as_str).unwrap_or(self.name)
    }

    /// Whether the editor offers a socket only, and no widget.
    pub fn is_force_input(&self) -> bool {
        self.flag("forceInput")
    }

    /// Whether the editor offers a widget only, and no socket.
    pub fn is_socketless(&self) -> bool {
        self.flag("socketless")
    }

    /// Whether the node may do without it: what it is linked to runs only when it is asked for.
    pub fn is_lazy(&self) -> bool {
        self.flag("lazy")
    }

    /// Whether the node gets the link itself, and not what it leads to.
    pub fn is_raw_link(&self) -> bool {
        self.flag("rawLink")
    }

    /// Whether the text has more than one line.
    pub fn is_multiline(&self) -> bool {
        self.flag("multiline")
    }

    /// Whether the editor replaces `{a|b}` in the text by one of them.
    pub fn has_dynamic_prompts(&self) -> bool {
        self.flag("dynamicPrompts")
    }

    /// Whether the editor has a second widget that changes the value after each run, as seeds have it.
    pub fn has_control_after_generate(&self) -> bool {
        match self.setting("control_after_generate") {
            Some(Value::Bool(control)) => *control,
            Some(Value::String(control)) => !control.is_empty(),
            _ => false,
        }
    }

    /// Whether it is the name of a file that the editor can upload.
    pub fn is_upload(&self) -> bool {
        const UPLOADS: [&str; 5] =
            ["image_upload", "animated_image_upload", "audio_upload", "video_upload", "file_upload"];
        UPLOADS.iter().any(|upload| self.flag(upload))
    }

    /// The folder below ComfyUI's own in which an [upload](Self::is_upload) is looked for: `input` where the
    /// definition does not say.
    pub fn upload_folder(&self) -> &'a str {
        self.setting("image_folder").and_then(Value::as_str).unwrap_or("input")
    }

    /// Type and settings, as they were read.
    pub const fn as_value(&self) -> &'a Value {
        self.spec
    }

    fn flag(&self, key: &str) -> bool {
        self.setting(key).and_then(Value::as_bool) == Some(true)
    }
}
