//! Whether what stands at an input is what the input takes.

use super::live_inputs::{LiveInput, unwrapped};
use super::output_prefix;
use super::placed_files::PlacedFiles;
use super::problem::Problem;
use crate::json::{Number, Object, Value};
use crate::loaders::file_input;
use crate::object_info::{Combo, DynamicOption, InputDefinition, InputKind, ObjectInfo, SlotType};
use crate::python::{self, IndexError};

/// What inputs are judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) entries: &'a Object,
    pub(super) object_info: &'a ObjectInfo,
    pub(super) files: &'a PlacedFiles<'a>,
}

/// What stands at an input, as far as nothing is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound<'a> {
    /// Nothing, and nothing has to.
    Absent,
    /// A value.
    Literal,
    /// A link to this node.
    Link(&'a str),
}

/// Types of which no JSON value is one; widgets of others' making have types of their own.
const DATA_TYPES: &[&str] = &[
    "AUDIO",
    "AUDIO_ENCODER",
    "AUDIO_ENCODER_OUTPUT",
    "CLIP",
    "CLIP_VISION",
    "CLIP_VISION_OUTPUT",
    "CONDITIONING",
    "CONTROL_NET",
    "GLIGEN",
    "GUIDER",
    "HOOKS",
    "IMAGE",
    "LATENT",
    "MASK",
    "MESH",
    "MODEL",
    "MODEL_PATCH",
    "NOISE",
    "SAMPLER",
    "SIGMAS",
    "STYLE_MODEL",
    "UPSCALE_MODEL",
    "VAE",
    "VIDEO",
    "VOXEL",
];

/// Inputs whose values their class judges itself, and takes whatever they are: class, input.
const FREE: &[(&str, &str)] = &[("CustomCombo", "choice")];

impl<'a> Rules<'a> {
    /// Judges what stands at an input of a node, in the order in which ComfyUI looks at it.
    pub(super) fn judge(
        self,
        class_type: &str,
        input: &LiveInput<'a>,
        given: &'a Object,
    ) -> Result<Sound<'a>, Problem<'a>> {
        match given.get(&input.name) {
            None if input.is_required => Err(Problem::Missing),
            None => Ok(Sound::Absent),
            Some(Value::Array(items)) => self.judge_link(items, input.definition.slot_type()),
            Some(value) => self.judge_literal(class_type, input, unwrapped(value)).map(|()| Sound::Literal),
        }
    }

    fn judge_link(self, items: &'a [Value], wanted: SlotType<'a>) -> Result<Sound<'a>, Problem<'a>> {
        let [node_id, slot] = items else { return Err(Problem::LinkLength(items)) };
        let Value::String(node_id) = node_id else { return Err(Problem::LinkNode(node_id)) };
        let entry = self.entries.get(node_id).and_then(Value::as_object).ok_or(Problem::Dangling(node_id))?;
        let class_type = entry.get_str("class_type");
        let Some(target) = class_type.and_then(|class_type| self.object_info.definition(class_type)) else {
            // What is wrong is the node there, and not the link to it.
            return Ok(Sound::Link(node_id));
        };
        let class_type = target.class_type();
        let index = python::index(slot, target.outputs().len()).map_err(|error| match error {
            IndexError::NotWhole => Problem::LinkSlot(slot),
            IndexError::OutOfRange => {
                Problem::SlotOutOfRange { slot, node_id, class_type, outputs: target.outputs().len() }
            }
        })?;
        match target.output(index).map(|output| output.slot_type()) {
            Some(given) if !wanted.accepts(given) => {
                Err(Problem::Mismatch { wanted, given, node_id, class_type, slot: index })
            }
            _ => Ok(Sound::Link(node_id)),
        }
    }

    fn judge_literal(
        self,
        class_type: &str,
        input: &LiveInput<'a>,
        value: &'a Value,
    ) -> Result<(), Problem<'a>> {
        let definition = input.definition;
        let unconvertible = |to| move |reason| Problem::Unconvertible { to, value, reason };
        match definition.kind() {
            InputKind::Int => {
                let number = python::to_int(value).map_err(unconvertible("INT"))?;
                in_bounds(number, definition)
            }
            InputKind::Float => {
                let number = python::to_float(value).map_err(unconvertible("FLOAT"))?;
                in_bounds(Number::from_f64(number), definition)
            }
            InputKind::Combo(combo) => self.judge_choice(class_type, input, value, combo),
            InputKind::DynamicCombo(combo) => {
                let keys = || combo.options().map(DynamicOption::key).collect();
                let is_known = value.as_str().is_some_and(|key| combo.option(key).is_some());
                if is_known { Ok(()) } else { Err(Problem::NoOption { value, keys: keys() }) }
            }
            InputKind::Socket(wanted) => judge_socket(input, value, wanted),
            // Everything is a text or a truth value in Python.
            InputKind::String if input.name == output_prefix::INPUT => output_prefix::judge(value),
            InputKind::String | InputKind::Boolean | InputKind::Match { .. } | InputKind::Autogrow(_) => {
                Ok(())
            }
        }
    }

    fn judge_choice(
        self,
        class_type: &str,
        input: &LiveInput<'a>,
        value: &'a Value,
        combo: Combo<'a>,
    ) -> Result<(), Problem<'a>> {
        if combo.contains(value) || FREE.contains(&(class_type, &*input.name)) {
            return Ok(());
        }
        if combo.is_multiselect()
            && value.as_array().is_some_and(|all| all.iter().all(|one| combo.contains(one)))
        {
            return Ok(());
        }
        let file = file_input(class_type, &input.name, Some(&input.definition));
        if file.zip(value.as_str()).is_some_and(|(file, name)| self.files.has(file, name)) {
            return Ok(());
        }
        match file {
            Some(file) if file.is_looked_for => Err(Problem::NoFile { name: value, file }),
            // Who has the options elsewhere has to judge them, too.
            _ if !combo.is_listed() && combo.remote().is_some() => Ok(()),
            _ => Err(Problem::NotInList { value, combo, file }),
        }
    }
}

fn in_bounds(value: Number, definition: InputDefinition<'_>) -> Result<(), Problem<'_>> {
    if let Some(min) = definition.min()
        && python::compare(&value, min).is_some_and(std::cmp::Ordering::is_lt)
    {
        return Err(Problem::TooSmall { value, min });
    }
    if let Some(max) = definition.max()
        && python::compare(&value, max).is_some_and(std::cmp::Ordering::is_gt)
    {
        return Err(Problem::TooBig { value, max });
    }
    Ok(())
}

fn judge_socket<'a>(
    input: &LiveInput<'a>,
    value: &'a Value,
    wanted: SlotType<'a>,
) -> Result<(), Problem<'a>> {
    let is_left_out = value.is_null() && !input.is_required;
    if is_left_out || !wanted.alternatives().all(|name| DATA_TYPES.contains(&name)) {
        return Ok(());
    }
    Err(Problem::NotALink { wanted, kind: value.kind() })
}
