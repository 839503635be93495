//! Inputs that bring more inputs with them: a choice that has inputs of its own, a list that grows.

use super::input::{InputDefinition, Section};
use crate::json::{Object, Value};

/// A choice where each option brings inputs of its own: `COMFY_DYNAMICCOMBO_V3`, seen in place.
///
/// The inputs of the chosen option stand in the prompt as `NAME.INPUT`, such as `resize_type.width`.
#[derive(Clone, Copy, Debug)]
pub struct DynamicCombo<'a> {
    options: &'a [Value],
}

/// An option of a [`DynamicCombo`].
#[derive(Clone, Copy, Debug)]
pub struct DynamicOption<'a> {
    key: &'a str,
    inputs: Option<&'a Object>,
}

impl<'a> DynamicCombo<'a> {
    pub(super) fn new(settings: Option<&'a Object>) -> Self {
        let options = settings.and_then(|settings| settings.get("options")).and_then(Value::as_array);
        Self { options: options.unwrap_or_default() }
    }

    /// The options, in order.
    pub fn options(self) -> impl Iterator<Item = DynamicOption<'a>> {
        self.options.iter().filter_map(|option| {
            let option = option.as_object()?;
            Some(DynamicOption {
                key: option.get_str("key")?,
                inputs: option.get("inputs").and_then(Value::as_object),
            })
        })
    }

    /// The option of a key: the value that stands in the prompt.
    pub fn option(self, key: &str) -> Option<DynamicOption<'a>> {
        self.options().find(|option| option.key == key)
    }
}

impl<'a> DynamicOption<'a> {
    /// The value that chooses it.
    pub const fn key(self) -> &'a str {
        self.key
    }

    /// The inputs that it brings, required before optional; their names without the choice's own.
    pub fn inputs(self) -> impl Iterator<Item = InputDefinition<'a>> + use<'a> {
        sections(self.inputs)
    }
}

/// An input that grows into a list of inputs: `COMFY_AUTOGROW_V3`, seen in place.
///
/// Its items stand in the prompt as `NAME.ITEM`, such as `images.image0`; nothing stands under the name
/// itself.
#[derive(Clone, Copy, Debug)]
pub struct Autogrow<'a> {
    template: Option<&'a Object>,
}

/// The most items of an autogrow input that are looked at; ComfyUI's own bound is 100.
const MAX_ITEMS: usize = 1000;

impl<'a> Autogrow<'a> {
    pub(super) fn new(settings: Option<&'a Object>) -> Self {
        Self { template: settings.and_then(|settings| settings.get("template")).and_then(Value::as_object) }
    }

    /// How many items there must be.
    pub fn min(self) -> usize {
        self.count("min").unwrap_or(0).min(self.max())
    }

    /// How many items there can be, at most 1000.
    pub fn max(self) -> usize {
        let bound = self.names().map(<[Value]>::len).or_else(|| self.count("max"));
        bound.unwrap_or(MAX_ITEMS).min(MAX_ITEMS)
    }

    /// The name of an item, from 0, without the input's own: `image0`, or as the definition lists them.
    pub fn item_name(self, index: usize) -> Option<String> {
        if index >= self.max() {
            return None;
        }
        match self.names() {
            Some(names) => names.get(index)?.as_str().map(str::to_owned),
            None => Some(format!("{}{index}", self.prefix())),
        }
    }

    /// What each item is; its name is that of the template.
    pub fn item(self) -> Option<InputDefinition<'a>> {
        sections(self.template?.get("input")?.as_object()).next()
    }

    /// Which item a name stands for, without the input's own: `image3` is 3.
    pub fn index_of(self, item_name: &str) -> Option<usize> {
        if let Some(names) = self.names() {
            return names.iter().position(|name| name.as_str() == Some(item_name));
        }
        let digits = item_name.strip_prefix(self.prefix())?;
        // Not `+1` and not `01`, which name no item.
        let plain =
            digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        digits.parse().ok().filter(|index| plain && *index < self.max())
    }

    fn prefix(self) -> &'a str {
        self.template.and_then(|template| template.get_str("prefix")).unwrap_or_default()
    }

    fn names(self) -> Option<&'a [Value]> {
        self.template?.get("names")?.as_array()
    }

    fn count(self, key: &str) -> Option<usize> {
        let count = self.template?.get(key)?.as_number()?.as_u64()?;
        Some(usize::try_from(count).unwrap_or(usize::MAX))
    }
}

fn sections(inputs: Option<&Object>) -> impl Iterator<Item = InputDefinition<'_>> + use<'_> {
    [Section::Required, Section::Optional].into_iter().flat_map(move |section| {
        let specs = inputs.and_then(|inputs| inputs.get(section.as_str())).and_then(Value::as_object);
        let specs = specs.into_iter().flat_map(Object::iter);
        specs.map(move |(name, spec)| InputDefinition::new(name, section, spec))
    })
}
