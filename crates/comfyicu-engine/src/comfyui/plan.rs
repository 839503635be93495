//! What a run needs on a ComfyUI: its prompt with the names that its files have there, and those files.
//!
//! An input gets a name made of its bytes, so that equal bytes share what ComfyUI keeps and different bytes never
//! meet, whatever two runs call them. What is saved goes to a folder of the run's own, so that a cached
//! `SaveImage` never names a file of somebody else.

use std::collections::HashSet;

use comfyicu_model::json::Value;
use comfyicu_model::object_info::InputKind;
use comfyicu_model::{DestPath, ObjectInfo, Prompt};

use super::names::Names;
use super::prefix::{self, PREFIX};
use crate::{InputFile, InputFiles, Job};

/// How much of a digest is in a name: 64 bits.
const DIGEST_DIGITS: usize = 16;
/// The most bytes of a file's own name behind it; file systems take 255 in all.
const NAME_BYTES: usize = 200;

/// What a run needs on a ComfyUI.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) prompt: Prompt,
    pub(super) names: Names,
    /// Files under names made of their bytes.
    pub(super) shared: Vec<Placed>,
    /// Files that no input of the prompt names: a node may look for them under their plain names, so the run
    /// gets the ComfyUI for itself.
    pub(super) plain: Vec<Placed>,
    /// Files of models, by destination.
    pub(super) models: Vec<(DestPath, InputFile)>,
}

/// A file, and the name that it gets in ComfyUI's input folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) file: InputFile,
}

impl Plan {
    /// Plans a run that saves into this folder. Without definitions every text may name a file.
    pub(super) fn new(job: &Job, folder: String, definitions: Option<&ObjectInfo>) -> Self {
        let mut plan = Self {
            prompt: job.prompt.clone(),
            names: Names::new(folder),
            shared: Vec::new(),
            plain: Vec::new(),
            models: Vec::new(),
        };
        let used = plan.rewrite(&job.inputs, definitions);
        for (destination, file) in job.inputs.iter() {
            let Some(given) = destination.input_name() else {
                plan.models.push((destination.clone(), file.clone()));
                continue;
            };
            if used.contains(given) {
                let name = placed_name(given, file);
                plan.names.add(name.clone(), given.to_owned());
                plan.shared.push(Placed { name, file: file.clone() });
            } else {
                plan.plain.push(Placed { name: given.to_owned(), file: file.clone() });
            }
        }
        plan
    }

    /// Whether no other run may be on the same ComfyUI meanwhile.
    pub(super) const fn is_exclusive(&self) -> bool {
        !self.plain.is_empty()
    }

    /// Takes the name that an input got in place of the one that was asked for.
    pub(super) fn rename(&mut self, asked: &str, got: &str) {
        if asked == got {
            return;
        }
        let mut nodes = self.prompt.clone().into_object();
        for node in nodes.values_mut() {
            replace(node, asked, got);
        }
        if let Ok(prompt) = Prompt::from_value(nodes.into()) {
            self.prompt = prompt;
        }
        self.names.rename(asked, got);
    }

    /// Gives inputs and outputs their names on ComfyUI, and tells which inputs are used.
    fn rewrite(&mut self, files: &InputFiles, definitions: Option<&ObjectInfo>) -> HashSet<String> {
        let mut used = HashSet::new();
        let mut nodes = self.prompt.clone().into_object();
        for node in nodes.values_mut().filter_map(Value::as_object_mut) {
            let definition = node
                .get_str("class_type")
                .and_then(|class_type| definitions.and_then(|all| all.definition(class_type)));
            let Some(inputs) = node.get_mut("inputs").and_then(Value::as_object_mut) else { continue };
            for (name, value) in inputs.iter_mut() {
                if name == PREFIX {
                    if let Value::String(prefix) = value {
                        *prefix = self.names.prefix(prefix);
                    }
                    // One that comes over a link is not known before the run.
                    continue;
                }
                let kind = definition.and_then(|definition| definition.input(name));
                let is_prose = kind.is_some_and(|input| {
                    !matches!(input.kind(), InputKind::Combo(_)) && input.is_multiline()
                });
                if !is_prose {
                    place(value, files, &mut used);
                }
            }
        }
        prefix::relink(&mut nodes, &mut self.names, definitions);
        if let Ok(prompt) = Prompt::from_value(nodes.into()) {
            self.prompt = prompt;
        }
        used
    }
}

/// Gives the files that a value names their names on ComfyUI. Some nodes take lists of files.
fn place(value: &mut Value, files: &InputFiles, used: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            let (name, annotation) = match text.strip_suffix(" [input]") {
                Some(name) => (name, " [input]"),
                None => (&**text, ""),
            };
            let given = name.replace('\\', "/");
            if let Some(file) = files.get(&format!("/input/{given}")) {
                *text = format!("{}{annotation}", placed_name(&given, file));
                used.insert(given);
            }
        }
        // A link holds a text too, but that of a node.
        Value::Array(items) if items.iter().all(|item| item.as_str().is_some()) => {
            for item in items {
                place(item, files, used);
            }
        }
        _ => {}
    }
}

fn replace(value: &mut Value, asked: &str, got: &str) {
    match value {
        Value::String(text) if text == asked || text.strip_suffix(" [input]") == Some(asked) => {
            *text = text.replacen(asked, got, 1);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, asked, got)),
        Value::Object(object) => object.values_mut().for_each(|item| replace(item, asked, got)),
        _ => {}
    }
}

/// The name of an input on ComfyUI: flat, since its lists of files do not look into folders.
fn placed_name(given: &str, file: &InputFile) -> String {
    let digest = file.sha256.get(..DIGEST_DIGITS).unwrap_or(&file.sha256);
    let flat = given.replace(['/', '"'], "_");
    // The end has what kind of file it is.
    let surplus = flat.len().saturating_sub(NAME_BYTES);
    let begin = flat.char_indices().map(|(at, _)| at).find(|at| *at >= surplus).unwrap_or(0);
    format!("{digest}_{}", flat.get(begin..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use comfyicu_model::RunId;

    use super::*;

    fn plan(prompt: &str, files: &[&str], definitions: Option<&ObjectInfo>) -> Plan {
        let file = |digit: usize| InputFile::new(PathBuf::from("x"), digit.to_string().repeat(64), 1);
        let files = files.iter().enumerate();
        let inputs = files.map(|(digit, path)| (DestPath::parse(path).unwrap(), file(digit))).collect();
        let job = Job::new(RunId::parse("r1").unwrap(), Prompt::parse(prompt.as_bytes()).unwrap());
        Plan::new(&job.inputs(inputs), "r1.00".to_owned(), definitions)
    }

    #[test]
    fn inputs_and_prefixes_get_names_of_their_own() {
        let prompt = r#"{
            "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
            "2": {"class_type": "LoadImageMask", "inputs": {"image": "sub\\mask.png [input]", "channel": "red"}},
            "3": {"class_type": "Many", "inputs": {"list": ["photo.png", "other.png"], "link": ["photo.png", 0]}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "rec/x"}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": ["6", 0]}},
            "7": null
        }"#;
        let plan =
            plan(prompt, &["/input/photo.png", "/input/sub/mask.png", "/models/loras/a.safetensors"], None);
        insta::assert_snapshot!(plan.prompt.to_json(), @r#"{"1":{"class_type":"LoadImage","inputs":{"image":"0000000000000000_photo.png"}},"2":{"class_type":"LoadImageMask","inputs":{"image":"1111111111111111_sub_mask.png [input]","channel":"red"}},"3":{"class_type":"Many","inputs":{"list":["0000000000000000_photo.png","other.png"],"link":["photo.png",0]}},"4":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"r1.00/rec/x"}},"5":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":["6",0]}},"7":null}"#);
        let names: Vec<_> = plan.shared.iter().map(|placed| &*placed.name).collect();
        assert_eq!(names, ["0000000000000000_photo.png", "1111111111111111_sub_mask.png"]);
        assert_eq!((plan.is_exclusive(), plan.models.len()), (false, 1));
        assert_eq!(plan.names.restored("1111111111111111_sub_mask.png"), "sub/mask.png");
    }

    #[test]
    fn a_file_that_no_input_names_keeps_its_name_and_wants_the_comfyui_for_itself() {
        let plan =
            plan(r#"{"1": {"class_type": "X", "inputs": {"folder": "set"}}}"#, &["/input/set/a.png"], None);
        assert!(plan.is_exclusive() && plan.shared.is_empty());
        assert_eq!(plan.plain[0].name, "set/a.png");
    }

    #[test]
    fn prose_is_no_name() {
        let definitions = br#"{"CLIPTextEncode": {"input": {"required": {"text": ["STRING", {"multiline": true}]}}, "output": []}}"#;
        let definitions = ObjectInfo::parse(definitions).unwrap();
        let prompt = r#"{"1": {"class_type": "CLIPTextEncode", "inputs": {"text": "cat"}}}"#;
        let plan = plan(prompt, &["/input/cat"], Some(&definitions));
        assert_eq!(plan.prompt.to_json(), Prompt::parse(prompt.as_bytes()).unwrap().to_json());
        assert!(plan.is_exclusive());
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let file = InputFile::new(PathBuf::from("x"), "a".repeat(64), 1);
        let name = placed_name(&format!("{}.png", "ü".repeat(150)), &file);
        assert!(name.len() <= 17 + NAME_BYTES && name.ends_with("ü.png"), "{name}");
    }
}
