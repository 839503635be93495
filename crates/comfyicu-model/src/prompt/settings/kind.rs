//! What a setting is, told from the names of inputs and files.

use std::fmt;

use super::Node;
use crate::json::Value;
use crate::loaders;

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SettingKind {
    /// What the randomness begins with: `seed`, `noise_seed`, and whole numbers whose name ends in `_seed`.
    Seed,
    /// What a text encoder or a language model reads: `text`, `prompt`, `negative_prompt`, `text_g`, `clip_l`,
    /// `t5xxl`, `tags`, `lyrics` and the like.
    Text,
    /// The file of a model: `ckpt_name`, `unet_name`, `vae_name`, `clip_name1`, `lora_name`,
    /// `control_net_name` and the like, and what ends as such files do (`.safetensors`, `.gguf`, …).
    Model,
    /// A file that is given to the run: what `LoadImage`, `LoadImageMask`, `LoadVideo`, `LoadAudio` and the like
    /// load, and what ends as such files do (`.png`, `.mp4`, …) where nothing is saved.
    File,
    /// How wide the picture becomes: `width` where a picture begins, as in `EmptyLatentImage`, `EmptyImage` or
    /// `WanImageToVideo`, and not where one is scaled or cut.
    Width,
    /// How high the picture becomes; see [`Width`](Self::Width).
    Height,
    /// What the names of saved files begin with: `filename_prefix`.
    FilenamePrefix,
}

impl SettingKind {
    /// The word for it in JSON: `seed`, `text`, `model`, `file`, `width`, `height`, `filename_prefix`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Text => "text",
            Self::Model => "model",
            Self::File => "file",
            Self::Width => "width",
            Self::Height => "height",
            Self::FilenamePrefix => "filename_prefix",
        }
    }

    /// Whether a value is of the type that such a setting has.
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::Seed => value.as_number().is_some_and(crate::json::Number::is_integer),
            Self::Width | Self::Height => value.as_number().is_some(),
            Self::Text | Self::Model | Self::File | Self::FilenamePrefix => value.as_str().is_some(),
        }
    }
}

impl fmt::Display for SettingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const TEXTS: [&str; 20] = [
    "text",
    "text_g",
    "text_l",
    "text_a",
    "text_b",
    "text_c",
    "text_d",
    "text_positive",
    "text_negative",
    "prompt",
    "prompts",
    "prompt_text",
    "positive",
    "negative",
    "clip_l",
    "clip_g",
    "t5xxl",
    "llama",
    "tags",
    "lyrics",
];
const FILE_ENDINGS: [&str; 24] = [
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".exr", ".mp4", ".webm", ".mov",
    ".mkv", ".avi", ".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a", ".glb", ".gltf", ".obj", ".latent",
];
/// Inputs that a node has beside a width where a picture or a video begins.
const BESIDE_SIZES: [&str; 4] = ["batch_size", "length", "video_frames", "num_frames"];

/// What a literal is.
pub(super) fn of_literal(node: Node<'_>, input: &str, value: &Value) -> Option<SettingKind> {
    let by_name = of_input(node, input).filter(|kind| kind.fits(value) || is_open_seed(input, value));
    let by_ending = || {
        let is_model = is_model_file(value).then_some(SettingKind::Model);
        is_model.or_else(|| is_input_file(node, value).then_some(SettingKind::File))
    };
    by_name.or_else(by_ending)
}

/// Templates have `null` and such texts as `%seed%` where the seed comes.
fn is_open_seed(input: &str, value: &Value) -> bool {
    matches!(last_part(input), "seed" | "noise_seed") && matches!(value, Value::Null | Value::String(_))
}

/// What a literal at this input would be, whatever stands there.
pub(super) fn of_input(node: Node<'_>, input: &str) -> Option<SettingKind> {
    let name = last_part(input).to_ascii_lowercase();
    if name == "seed" || name.ends_with("_seed") {
        Some(SettingKind::Seed)
    } else if TEXTS.contains(&&*name) || name.ends_with("_prompt") || name.ends_with("_text") {
        Some(SettingKind::Text)
    } else if name == "filename_prefix" {
        Some(SettingKind::FilenamePrefix)
    } else if let Some(file) = file_kind(node, input) {
        Some(file)
    } else {
        size_kind(node, input)
    }
}

fn size_kind(node: Node<'_>, input: &str) -> Option<SettingKind> {
    let kind = match input {
        "width" => SettingKind::Width,
        "height" => SettingKind::Height,
        _ => return None,
    };
    is_beginning(node).then_some(kind)
}

/// What a file is whose name stands at this input.
fn file_kind(node: Node<'_>, input: &str) -> Option<SettingKind> {
    // `lora_name_2` is as `lora_name`.
    let stem = input.trim_end_matches(|character: char| character.is_ascii_digit() || character == '_');
    let class_type = node.class_type().unwrap_or_default();
    let known = |name| loaders::file_input(class_type, name, None);
    let folder = *known(input).or_else(|| known(stem))?.folders.first()?;
    Some(if folder.starts_with("/models/") { SettingKind::Model } else { SettingKind::File })
}

/// Whether it is the name of a model's file, by its ending.
pub(super) fn is_model_file(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.contains('\n') && loaders::is_model_name(text))
}

fn is_input_file(node: Node<'_>, value: &Value) -> bool {
    let class_type = node.class_type().unwrap_or_default();
    let writes = ["Save", "Preview", "Combine"].iter().any(|word| class_type.contains(word));
    let name = value.as_str().map(|text| loaders::annotated(text).0);
    !writes && name.is_some_and(|name| !name.contains("://") && ends_as(name, &FILE_ENDINGS))
}

/// Whether a text is one line that ends like this, in any case.
fn ends_as(text: &str, endings: &[&str]) -> bool {
    let ends = |ending: &&str| {
        let at = text.len().checked_sub(ending.len()).filter(|at| *at > 0);
        at.and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    endings.iter().any(ends) && !text.contains('\n')
}

/// Whether pictures begin at this node, so that its sizes are theirs.
fn is_beginning(node: Node<'_>) -> bool {
    node.class_type().is_some_and(|class_type| class_type.contains("Empty"))
        || BESIDE_SIZES.iter().any(|name| node.value(name).is_some())
}

/// Of a dotted name, such as `model.prompt`, what is behind the last dot.
fn last_part(input: &str) -> &str {
    input.rsplit('.').next().unwrap_or(input)
}
