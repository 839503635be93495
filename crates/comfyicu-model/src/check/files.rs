//! Whether a run brings the files that its prompt names, and uses those that it brings.

mod mentions;

use std::collections::HashMap;

use super::advice::{Advice, send_along, shown};
use super::findings::Findings;
use super::input::Rules;
use super::live_inputs::live_inputs;
use super::placed_files::PlacedFiles;
use super::problem::Problem;
use super::structure;
use crate::files::DestPath;
use crate::finding::Finding;
use crate::json::Object;
use crate::loaders::{ANY_MODEL, FileInput, annotated, file_input, is_model_name};
use crate::nearest::nearest;
use crate::object_info::{NodeDefinition, ObjectInfo};
use crate::prompt::{Node, Prompt};
use mentions::Mentions;

/// The input file that each ComfyUI comes with.
const EXAMPLE: &str = "example.png";

/// Folders of models of ComfyUI itself.
const MODEL_FOLDERS: &[&str] = &[
    "audio_encoders",
    "checkpoints",
    "clip",
    "clip_vision",
    "configs",
    "controlnet",
    "diffusers",
    "diffusion_models",
    "embeddings",
    "gligen",
    "hypernetworks",
    "latent_upscale_models",
    "loras",
    "model_patches",
    "photomaker",
    "style_models",
    "t2i_adapter",
    "text_encoders",
    "unet",
    "upscale_models",
    "vae",
    "vae_approx",
];

/// Finds the files that inputs name, and that nothing says the server will have.
pub(super) fn check_named(
    prompt: &Prompt,
    object_info: Option<&ObjectInfo>,
    files: &PlacedFiles<'_>,
    findings: &mut Findings,
) {
    for node in prompt.nodes() {
        let Some((class_type, given)) = node.class_type().zip(structure::given(node)) else { continue };
        match object_info.and_then(|object_info| Some((object_info, object_info.definition(class_type)?))) {
            Some((object_info, definition)) => {
                let rules = Rules { entries: prompt.as_object(), object_info, files };
                check_defined(node, definition, given, rules, findings);
            }
            None => check_guessed(node, class_type, given, files, findings),
        }
    }
}

/// Goes by the definition: a file is known where the definition lists it.
fn check_defined(
    node: Node<'_>,
    definition: NodeDefinition<'_>,
    given: &Object,
    rules: Rules<'_>,
    findings: &mut Findings,
) {
    for input in live_inputs(definition, given) {
        let problem = rules.judge(definition.class_type(), &input, given).err();
        let is_of_files = |problem: &Problem<'_>| {
            matches!(problem, Problem::NoFile { .. } | Problem::NotInList { file: Some(_), .. })
        };
        if let Some(problem) = problem.filter(is_of_files) {
            let finding = Advice::plain().finding(&problem, Some(&input.definition));
            findings.push(finding.about(node).at_input(&*input.name));
        }
    }
}

/// Goes by names: what the server has is not known.
fn check_guessed(
    node: Node<'_>,
    class_type: &str,
    given: &Object,
    files: &PlacedFiles<'_>,
    findings: &mut Findings,
) {
    for (input, value) in given.iter() {
        let Some(name) = value.as_str().filter(|name| !matches!(*name, "" | "None" | "none" | EXAMPLE))
        else {
            continue;
        };
        let Some(file) = guessed(class_type, input, name).filter(|file| !files.has(*file, name)) else {
            continue;
        };
        let message = format!("nothing says that the server has {}", shown(value));
        let finding = Finding::warning("file_not_sent", message).about(node).at_input(input);
        findings.push(match send_along(file, value) {
            Some(suggestion) => finding.suggest(format!("where it does not, {suggestion}")),
            None => finding,
        });
    }
}

fn guessed(class_type: &str, input: &str, name: &str) -> Option<FileInput> {
    let file = file_input(class_type, input, None);
    file.or_else(|| is_model_name(name).then_some(ANY_MODEL))
}

/// Finds files that are brought along in vain.
pub(super) fn check_brought(prompt: &Prompt, files: &[&DestPath], findings: &mut Findings) {
    if files.is_empty() {
        return;
    }
    let (mentions, loaders) = (Mentions::of(prompt), loaders(prompt));
    for path in files {
        if let Some(finding) = misplaced(&loaders, path).or_else(|| wrong_folder(path)) {
            findings.push(finding);
        } else if !mentions.has(path) {
            let message = format!("no node uses the file {path}");
            findings.push(about_files("unused_file", message, "take it out, or name it in the prompt"));
        }
    }
}

fn about_files(code: &'static str, message: String, suggestion: impl Into<String>) -> Finding {
    Finding::warning(code, message).at_input("files").suggest(suggestion)
}

/// A folder whose name is nearly that of one that ComfyUI has; custom nodes have any others.
fn wrong_folder(path: &DestPath) -> Option<Finding> {
    let (folder, _) = path.as_str().strip_prefix("/models/")?.split_once('/')?;
    if MODEL_FOLDERS.contains(&folder) {
        return None;
    }
    let meant = nearest(folder, MODEL_FOLDERS.iter().copied())?;
    let message = format!("the file {path} goes to a folder that ComfyUI does not look in");
    Some(about_files("unknown_folder", message, format!("was /models/{meant}/ meant?")))
}

/// An input that names a file.
struct Loader<'a> {
    node: Node<'a>,
    file: FileInput,
    /// As a destination has it.
    name: String,
}

/// The inputs that name files, by the file's own name, without a folder.
fn loaders(prompt: &Prompt) -> HashMap<String, Vec<Loader<'_>>> {
    let mut loaders = HashMap::<_, Vec<_>>::new();
    for node in prompt.nodes() {
        for (input, value) in structure::given(node).into_iter().flat_map(Object::iter) {
            let file = node.class_type().and_then(|class_type| file_input(class_type, input, None));
            if let (Some(file), Some(name)) = (file, value.as_str()) {
                let name = annotated(name).0.replace('\\', "/");
                let loader = Loader { node, file, name };
                loaders.entry(file_name(&loader.name).to_owned()).or_default().push(loader);
            }
        }
    }
    loaders
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A file of which some loader knows the name, but looks for it elsewhere.
fn misplaced(loaders: &HashMap<String, Vec<Loader<'_>>>, path: &DestPath) -> Option<Finding> {
    let looking = loaders.get(file_name(path.as_str()))?;
    let is_there = |loader: &Loader<'_>| {
        let mut folders = loader.file.folders.iter();
        folders.any(|folder| path.as_str().strip_prefix(folder) == Some(&loader.name))
    };
    if looking.iter().any(is_there) {
        return None;
    }
    let wanted = |loader: &Loader<'_>| loader.file.destination(&loader.name);
    let (loader, wanted) = looking.iter().find_map(|loader| Some((loader, wanted(loader)?)))?;
    let (id, class_type) = (loader.node.id(), loader.node.class_type().unwrap_or("?"));
    let message = format!("the file {path} is not where node {id} ({class_type}) looks for it");
    Some(about_files("misplaced_file", message, format!("send it as {wanted}")))
}
