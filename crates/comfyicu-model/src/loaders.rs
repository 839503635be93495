//! Which inputs are names of files, and in which folders ComfyUI looks for them.

use crate::files::DestPath;
use crate::object_info::{InputDefinition, InputKind};

/// An input that is the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileInput {
    /// The folders that are looked in, as destinations begin: `/input/`, `/models/loras/`; none where it can
    /// be any folder of models.
    pub(crate) folders: &'static [&'static str],
    /// Whether ComfyUI looks for the file itself when it checks a prompt, and not in the list of options.
    pub(crate) is_looked_for: bool,
}

const INPUT: &[&str] = &["/input/"];
const OUTPUT: &[&str] = &["/output/"];

/// Loaders of files that people bring: class, input, folders.
const UPLOADS: &[(&str, &str, &[&str])] = &[
    ("LoadImage", "image", INPUT),
    ("LoadImageMask", "image", INPUT),
    ("LoadImageOutput", "image", OUTPUT),
    ("LoadAudio", "audio", INPUT),
    ("LoadVideo", "file", INPUT),
    ("LoadLatent", "latent", INPUT),
    ("VHS_LoadVideo", "video", INPUT),
    ("VHS_LoadAudioUpload", "audio", INPUT),
];

/// Loaders of models whose input is called like those of other folders.
const MODELS_BY_CLASS: &[(&str, &str, &[&str])] = &[
    ("CLIPVisionLoader", "clip_name", &["/models/clip_vision/"]),
    ("UpscaleModelLoader", "model_name", &["/models/upscale_models/"]),
    ("LatentUpscaleModelLoader", "model_name", &["/models/latent_upscale_models/"]),
    ("ModelPatchLoader", "name", &["/models/model_patches/"]),
    ("LTXAVTextEncoderLoader", "text_encoder", TEXT_ENCODERS),
    ("FrameInterpolationModelLoader", "model_name", &["/models/frame_interpolation/"]),
    ("OpticalFlowLoader", "model_name", &["/models/optical_flow/"]),
    ("LoadMediaPipeFaceLandmarker", "model_name", &["/models/detection/"]),
];

const TEXT_ENCODERS: &[&str] = &["/models/text_encoders/", "/models/clip/"];

/// Inputs that custom nodes, too, call alike.
const MODELS_BY_INPUT: &[(&str, &[&str])] = &[
    ("ckpt_name", &["/models/checkpoints/"]),
    ("lora_name", &["/models/loras/"]),
    ("vae_name", &["/models/vae/", "/models/vae_approx/"]),
    ("control_net_name", &["/models/controlnet/", "/models/t2i_adapter/"]),
    ("unet_name", &["/models/diffusion_models/", "/models/unet/"]),
    ("clip_name", TEXT_ENCODERS),
    ("clip_name1", TEXT_ENCODERS),
    ("clip_name2", TEXT_ENCODERS),
    ("clip_name3", TEXT_ENCODERS),
    ("clip_name4", TEXT_ENCODERS),
    ("style_model_name", &["/models/style_models/"]),
    ("gligen_name", &["/models/gligen/"]),
    ("hypernetwork_name", &["/models/hypernetworks/"]),
    ("photomaker_model_name", &["/models/photomaker/"]),
    ("audio_encoder_name", &["/models/audio_encoders/"]),
];

/// What the files of models end in.
const MODEL_ENDINGS: &[&str] =
    &[".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".pt2", ".bin", ".gguf", ".onnx", ".pkl"];

/// Whether an input of a class is the name of a file: by its definition where there is one, else by name.
pub(crate) fn file_input(
    class_type: &str,
    input: &str,
    definition: Option<&InputDefinition<'_>>,
) -> Option<FileInput> {
    let of_class = |table: &[(&str, &str, &'static [&'static str])]| {
        table
            .iter()
            .find(|(class, name, _)| *class == class_type && *name == input)
            .map(|(.., folders)| *folders)
    };
    if definition.is_some_and(|definition| !matches!(definition.kind(), InputKind::Combo(_))) {
        return None;
    }
    if let Some(folders) = of_class(UPLOADS) {
        return Some(FileInput { folders, is_looked_for: true });
    }
    if let Some(definition) = definition.filter(|definition| definition.is_upload()) {
        let folders = if definition.upload_folder() == "output" { OUTPUT } else { INPUT };
        // What is neither image, sound nor film is held to the list.
        let is_looked_for = definition.setting("file_upload").is_none();
        return Some(FileInput { folders, is_looked_for });
    }
    let by_input = || MODELS_BY_INPUT.iter().find(|(name, _)| *name == input).map(|(_, folders)| *folders);
    let folders = of_class(MODELS_BY_CLASS).or_else(by_input)?;
    Some(FileInput { folders, is_looked_for: false })
}

/// Whether a text is the name of a model's file, by what it ends in.
pub(crate) fn is_model_name(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    MODEL_ENDINGS.iter().any(|ending| text.len() > ending.len() && text.ends_with(ending))
}

/// A model that some input names, in whichever folder.
pub(crate) const ANY_MODEL: FileInput = FileInput { folders: &[], is_looked_for: false };

/// The name of a file as an input has it, without `[input]`, `[output]` or `[temp]` behind it, and with the
/// folder that it names.
pub(crate) fn annotated(name: &str) -> (&str, Option<&'static str>) {
    for (annotation, folder) in [(" [input]", "/input/"), (" [output]", "/output/"), (" [temp]", "/temp/")] {
        if let Some(name) = name.strip_suffix(annotation) {
            return (name, Some(folder));
        }
    }
    (name, None)
}

impl FileInput {
    /// Where a file of this name belongs, as a destination; `None` where no destination is looked in.
    pub(crate) fn destination(self, name: &str) -> Option<String> {
        let (name, annotated) = annotated(name);
        let folder = match annotated {
            Some(folder) => folder,
            None => self.folders.first().copied().unwrap_or("/models/FOLDER/"),
        };
        let path = format!("{folder}{}", name.replace('\\', "/"));
        DestPath::parse(&path).is_ok().then_some(path)
    }
}
