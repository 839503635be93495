//! What people change from run to run: seeds, texts, file names, sizes.

mod carried;
mod kind;

use std::collections::HashMap;

pub use kind::SettingKind;

use super::{Graph, Link, Node, Place, Prompt};
use crate::json::{Object, Value};

/// A literal that people change from run to run: see [`Prompt::settings`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Setting<'a> {
    /// The node that has it.
    pub node: Node<'a>,
    /// The input at which it stands.
    pub input: &'a str,
    /// Where the value at the input is an object, the key in it.
    pub key: Option<&'a str>,
    /// What it is.
    pub kind: SettingKind,
    /// The value.
    pub value: &'a Value,
}

/// A setting, to change in place: see [`Prompt::settings_mut`].
#[derive(Debug)]
#[non_exhaustive]
pub struct SettingMut<'a> {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub kind: SettingKind,
    /// The value.
    pub value: &'a mut Value,
}

impl Setting<'_> {
    /// Where it stands; [`Prompt::set`] takes it, and [`Place::selector_in`] writes it.
    pub fn place(&self) -> Place {
        let place = Place::new(self.node.id(), self.input);
        self.key.into_iter().fold(place, Place::key)
    }
}

impl Prompt {
    /// The literals that people change from run to run, in the order of the file: seeds, texts, model files,
    /// input files, sizes, prefixes; [`SettingKind`] says for each kind which they are. They are known by the
    /// names that ComfyUI and common node packs give their inputs, or by the ending of a file's name, so an
    /// unusual node may have others.
    ///
    /// A link is no setting. But the value of a node that only hands a value on, such as `PrimitiveInt` or
    /// `StringConcatenate`, is one when that value comes to where a setting would stand.
    ///
    /// ```
    /// use comfyicu_model::{Prompt, SettingKind};
    ///
    /// let prompt = Prompt::parse(br#"{
    ///     "3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "positive": ["6", 0]}},
    ///     "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0]}},
    ///     "8": {"class_type": "PrimitiveString", "inputs": {"value": "a red fox"}}
    /// }"#)?;
    /// let settings: Vec<_> = prompt.settings().map(|setting| (setting.place().to_string(), setting.kind)).collect();
    /// assert_eq!(settings, [
    ///     ("3.seed".to_owned(), SettingKind::Seed),
    ///     ("8.value".to_owned(), SettingKind::Text),
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settings(&self) -> impl Iterator<Item = Setting<'_>> {
        let graph = self.graph();
        let carried = carried::kinds(&graph);
        let settings = graph.nodes().zip(carried).flat_map(|(node, carried)| settings_of(node, carried));
        settings.collect::<Vec<_>>().into_iter()
    }

    /// The settings, to change in place; see [`settings`](Self::settings).
    ///
    /// ```
    /// use comfyicu_model::{Prompt, SettingKind};
    ///
    /// let mut prompt = Prompt::parse(br#"{"4": {"class_type": "LoraLoader", "inputs": {"lora_name": "a.safetensors"}}}"#)?;
    /// for setting in prompt.settings_mut().filter(|setting| setting.kind == SettingKind::Model) {
    ///     *setting.value = format!("sdxl/{}", setting.value.as_str().unwrap_or_default()).into();
    /// }
    /// assert_eq!(prompt.get("4.lora_name")?.to_json(), r#""sdxl/a.safetensors""#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settings_mut(&mut self) -> impl Iterator<Item = SettingMut<'_>> {
        let places = self.settings().map(|setting| (setting.place(), setting.kind));
        let mut kinds: HashMap<_, _> = places.collect();
        let mut settings = Vec::with_capacity(kinds.len());
        for (id, entry) in self.0.iter_mut() {
            let inputs = entry.as_object_mut().and_then(|node| node.get_mut("inputs")?.as_object_mut());
            for (input, value) in inputs.into_iter().flat_map(Object::iter_mut) {
                let place = Place::new(id, input);
                if let Some(kind) = kinds.remove(&place) {
                    settings.push(SettingMut { place, kind, value });
                } else if let Value::Object(parts) = value {
                    let parts = parts.iter_mut().map(|(key, value)| (place.clone().key(key), value));
                    let parts =
                        parts.filter_map(|(place, value)| Some((kinds.remove(&place)?, place, value)));
                    settings.extend(parts.map(|(kind, place, value)| SettingMut { place, kind, value }));
                }
            }
        }
        settings.into_iter()
    }

    /// Sets all settings of one kind to one value, and returns where they stand.
    ///
    /// ```
    /// use comfyicu_model::{Prompt, SettingKind};
    ///
    /// let mut prompt = Prompt::parse(br#"{
    ///     "3": {"class_type": "KSampler", "inputs": {"seed": 1}},
    ///     "5": {"class_type": "RandomNoise", "inputs": {"noise_seed": 2}}
    /// }"#)?;
    /// assert_eq!(prompt.set_all(SettingKind::Seed, 42_u64).len(), 2);
    /// assert_eq!(prompt.get("5.noise_seed")?.to_json(), "42");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_all(&mut self, kind: SettingKind, value: impl Into<Value>) -> Vec<Place> {
        let value = value.into();
        let settings = self.settings_mut().filter(|setting| setting.kind == kind);
        let set = settings.map(|setting| {
            setting.value.clone_from(&value);
            setting.place
        });
        set.collect()
    }
}

/// The settings of one node; `carried` is what its output is to those who take it.
fn settings_of(node: Node<'_>, carried: Option<SettingKind>) -> impl Iterator<Item = Setting<'_>> {
    let literals = node.inputs().filter_map(move |(input, _)| {
        let value = node.value(input)?;
        Link::of(value).is_none().then_some((input, value))
    });
    literals.flat_map(move |(input, value)| {
        let own = kind::of_literal(node, input, value);
        let own = own.or_else(|| carried.filter(|kind| carried::is_handed_on(input) && kind.fits(value)));
        let whole = own.map(|kind| Setting { node, input, key: None, kind, value });
        let parts = value.as_object().into_iter().flat_map(Object::iter);
        let parts = parts.filter(|(_, value)| kind::is_model_file(value)).map(move |(key, value)| Setting {
            node,
            input,
            key: Some(key),
            kind: SettingKind::Model,
            value,
        });
        whole.into_iter().chain(parts)
    })
}
