//! What can be wrong at an input: found once, said in two ways, as ComfyUI does and as people need it.

use crate::json::{Kind, Number, Value};
use crate::loaders::FileInput;
use crate::object_info::{Combo, SlotType};
use crate::python::Conversion;

/// What is wrong at an input. Making one costs nothing; words are found when somebody reads them.
#[derive(Clone, Debug)]
pub(super) enum Problem<'a> {
    /// Nothing stands there.
    Missing,
    /// A list that is no link by its length.
    LinkLength(&'a [Value]),
    /// The link's node is no string, and so no id.
    LinkNode(&'a Value),
    /// The link's node is not in the prompt.
    Dangling(&'a str),
    /// The link's slot is no whole number.
    LinkSlot(&'a Value),
    /// The link's node has no such slot.
    SlotOutOfRange { slot: &'a Value, node_id: &'a str, class_type: &'a str, outputs: usize },
    /// What the link gives is not what the input takes.
    Mismatch { wanted: SlotType<'a>, given: SlotType<'a>, node_id: &'a str, class_type: &'a str, slot: usize },
    /// The value cannot be converted to the type.
    Unconvertible { to: &'static str, value: &'a Value, reason: Conversion },
    /// The value is below the minimum.
    TooSmall { value: Number, min: &'a Number },
    /// The value is above the maximum.
    TooBig { value: Number, max: &'a Number },
    /// The value is none of the choices.
    NotInList { value: &'a Value, combo: Combo<'a>, file: Option<FileInput> },
    /// There is no such file.
    NoFile { name: &'a Value, file: FileInput },
    /// The prefix of saved files leads out of the output folder; ComfyUI lets it pass, and the node fails.
    LeavesFolder { prefix: &'a str },
    /// The value is none of the choices that bring inputs; ComfyUI lets it pass, and the node fails.
    NoOption { value: &'a Value, keys: Vec<&'a str> },
    /// A value where only a link makes sense; ComfyUI lets it pass, and the node fails.
    NotALink { wanted: SlotType<'a>, kind: Kind },
}

impl Problem<'_> {
    /// The code of a finding about it.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "required_input_missing",
            Self::LinkLength(_) | Self::LinkNode(_) | Self::LinkSlot(_) => "bad_linked_input",
            Self::Dangling(_) => "dangling_link",
            Self::SlotOutOfRange { .. } => "slot_out_of_range",
            Self::Mismatch { .. } => "return_type_mismatch",
            Self::Unconvertible { .. } | Self::NotALink { .. } => "invalid_input_type",
            Self::TooSmall { .. } => "value_smaller_than_min",
            Self::TooBig { .. } => "value_bigger_than_max",
            Self::NotInList { .. } | Self::NoOption { .. } => "value_not_in_list",
            Self::NoFile { .. } => "custom_validation_failed",
            Self::LeavesFolder { .. } => "output_outside_folder",
        }
    }

    /// What ComfyUI makes of it when it checks the prompt.
    pub(super) const fn verdict(&self) -> ComfyVerdict {
        match self {
            Self::LinkNode(_) | Self::Dangling(_) | Self::LinkSlot(_) | Self::SlotOutOfRange { .. } => {
                ComfyVerdict::Exception
            }
            Self::NoOption { .. } | Self::NotALink { .. } | Self::LeavesFolder { .. } => ComfyVerdict::Pass,
            _ => ComfyVerdict::Error,
        }
    }

    /// What ComfyUI calls it.
    pub(super) fn comfy_message(&self) -> String {
        match self {
            Self::Missing => "Required input is missing".to_owned(),
            Self::LinkLength(_) => {
                "Bad linked input, must be a length-2 list of [node_id, slot_index]".to_owned()
            }
            Self::Mismatch { .. } => "Return type mismatch between linked nodes".to_owned(),
            Self::Unconvertible { to, .. } => format!("Failed to convert an input value to a {to} value"),
            Self::TooSmall { value, min } => format!("Value {value} smaller than min of {min}"),
            Self::TooBig { value, max } => format!("Value {value} bigger than max of {max}"),
            Self::NoFile { .. } => "Custom validation failed for node".to_owned(),
            Self::NotInList { .. } | Self::NoOption { .. } => "Value not in list".to_owned(),
            Self::LinkNode(_)
            | Self::Dangling(_)
            | Self::LinkSlot(_)
            | Self::SlotOutOfRange { .. }
            | Self::LeavesFolder { .. }
            | Self::NotALink { .. } => "Exception when validating node".to_owned(),
        }
    }
}

/// What ComfyUI makes of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComfyVerdict {
    /// It does not see it.
    Pass,
    /// It notes it, and looks at the next input.
    Error,
    /// Its check of the node ends in an exception, and what it had noted is lost.
    Exception,
}
