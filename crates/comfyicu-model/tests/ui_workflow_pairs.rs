//! UI workflows and the prompts that ComfyUI made of them: small copies in `tests/data`, and all of those under
//! `../shared/corpus`.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use comfyicu_model::json::{Limits, Object, Value, read};
use comfyicu_model::object_info::{InputDefinition, InputKind, NodeDefinition};
use comfyicu_model::{ConvertOptions, ObjectInfo, Prompt, UiWorkflow};

/// Where the corpus is, or `None` with a word about it where it is not.
fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if folder.join("pairs").is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: no corpus at {}", folder.display());
    None
}

fn read_object(path: &Path) -> Option<Object> {
    match read(&std::fs::read(path).ok()?, Limits::default()) {
        Ok(Value::Object(object)) => Some(object),
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// How many of the pairs of a kind come out right.
#[derive(Debug, Default, PartialEq, Eq)]
struct Score {
    of: usize,
    right: usize,
    wrong: Vec<String>,
}

impl Score {
    fn add(&mut self, name: &str, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
        self.wrong.extend((!right).then(|| name.to_owned()));
    }
}

#[test]
fn small_real_files_come_out_as_comfyui_made_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/ui_workflows");
    let object_info = ObjectInfo::parse(&std::fs::read(folder.join("object_info.json")).unwrap()).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".ui.json")) else {
            continue;
        };
        let workflow = UiWorkflow::parse(&std::fs::read(&path).unwrap()).unwrap();
        let conversion = workflow.to_prompt(&object_info, &ConvertOptions::default()).unwrap();
        let wanted = |kind: &str| read_object(&folder.join(format!("{name}.{kind}.json")));
        let wanted = wanted("editor").or_else(|| wanted("saved")).unwrap();
        let got = conversion.prompt.into_object();
        assert!(same_nodes(&wanted, &got, &|_, _, _, _| false), "{name}: {got:#?}");
        seen += 1;
    }
    assert_eq!(seen, 15);
}

#[test]
fn as_many_pairs_as_ever_come_out_as_the_editor_makes_them() {
    let Some(corpus) = corpus() else { return };
    let object_info = std::fs::read(corpus.join("object_info/comfyui-0.33.0.object_info.json")).unwrap();
    let object_info = ObjectInfo::parse(&object_info).unwrap();
    let (mut editor, mut derived, mut natural) = (Score::default(), Score::default(), Score::default());
    for entry in std::fs::read_dir(corpus.join("pairs")).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".ui.json")) else {
            continue;
        };
        let workflow = UiWorkflow::parse(&std::fs::read(&path).unwrap()).unwrap();
        let got = workflow.to_prompt(&object_info, &ConvertOptions::default()).unwrap().prompt.into_object();
        let other = |extension: &str| read_object(&path.with_file_name(format!("{name}.{extension}.json")));
        if let Some(wanted) = other("fe") {
            let score = if name.starts_with("derived__") { &mut derived } else { &mut editor };
            score.add(name, same_nodes(&wanted, &got, &|_, _, _, _| false));
        }
        if let Some(wanted) = other("api") {
            let known = nodes(&wanted).all(|(_, node)| definition(&object_info, node).is_some());
            if known {
                natural.add(
                    name,
                    same_nodes(&wanted, &got, &|class, input, a, b| {
                        no_matter(&object_info, class, input, a, b)
                    }),
                );
            }
        }
    }
    println!("editor {editor:?}\nderived {derived:?}\nnatural {natural:?}");
    assert!(editor.right >= 452, "of {}: {:?}", editor.of, editor.wrong);
    assert!(derived.right >= 111, "of {}: {:?}", derived.of, derived.wrong);
    assert!(natural.right >= 77, "of {}: {:?}", natural.of, natural.wrong);
}

#[test]
fn where_group_nodes_come_out_otherwise_the_editors_own_prompt_cannot_run() {
    let Some(corpus) = corpus() else { return };
    let object_info = std::fs::read(corpus.join("object_info/comfyui-0.33.0.object_info.json")).unwrap();
    let object_info = ObjectInfo::parse(&object_info).unwrap();
    let missing = |prompt: &Prompt| {
        let findings = prompt.check_with(&object_info);
        findings.iter().filter(|finding| finding.code == "required_input_missing").count()
    };
    for name in [
        "Comfy-Org__example_workflows__flux_1_kontext_dev_grouped",
        "comfyanonymous__ComfyUI_examples__sdxl_edit_model",
    ] {
        let file = |kind: &str| std::fs::read(corpus.join(format!("pairs/{name}.{kind}.json"))).unwrap();
        let editor = Prompt::parse(&file("fe")).unwrap();
        let ours =
            UiWorkflow::parse(&file("ui")).unwrap().to_prompt(&object_info, &ConvertOptions::default());
        assert!(missing(&editor) > 0, "{name}");
        assert_eq!(missing(&ours.unwrap().prompt), 0, "{name}");
    }
}

#[test]
fn every_prompt_comes_back_from_the_workflow_that_is_drawn_of_it() {
    let Some(corpus) = corpus() else { return };
    let object_info = std::fs::read(corpus.join("object_info/comfyui-0.33.0.object_info.json")).unwrap();
    let object_info = ObjectInfo::parse(&object_info).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(corpus.join("api")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(prompt) = Prompt::parse(&std::fs::read(&path).unwrap()) else { continue };
        for object_info in [&object_info, &ObjectInfo::default()] {
            let workflow = UiWorkflow::from_prompt(&prompt, object_info).unwrap();
            let workflow = UiWorkflow::parse(workflow.to_json().as_bytes()).unwrap();
            let back = workflow.to_prompt(object_info, &ConvertOptions::default()).unwrap().prompt;
            assert_eq!(back, prompt, "{}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 100, "only {seen} prompts were found");
}

fn definition<'a>(object_info: &'a ObjectInfo, node: &Object) -> Option<NodeDefinition<'a>> {
    object_info.definition(node.get_str("class_type")?)
}

fn nodes(prompt: &Object) -> impl Iterator<Item = (&str, &Object)> {
    prompt.iter().filter_map(|(id, entry)| {
        let node = entry.as_object()?;
        node.get_str("class_type")?;
        Some((id, node))
    })
}

type Excuse<'a> = &'a dyn Fn(&str, &str, Option<&Value>, Option<&Value>) -> bool;

/// Whether two prompts have the same nodes: classes, and inputs but for those that are excused.
fn same_nodes(wanted: &Object, got: &Object, excused: Excuse<'_>) -> bool {
    let ids = |prompt| nodes(prompt).map(|(id, _)| id.to_owned()).collect::<BTreeSet<_>>();
    ids(wanted) == ids(got)
        && nodes(wanted).all(|(id, node)| {
            let other = got.get(id).and_then(Value::as_object).unwrap();
            let class = node.get_str("class_type").unwrap();
            class == other.get_str("class_type").unwrap()
                && same_inputs(class, &inputs(node), &inputs(other), excused)
        })
}

fn inputs(node: &Object) -> Object {
    node.get("inputs").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn same_inputs(class: &str, wanted: &Object, got: &Object, excused: Excuse<'_>) -> bool {
    let names: BTreeSet<_> = wanted.keys().chain(got.keys()).collect();
    names.into_iter().all(|name| {
        let (a, b) = (wanted.get(name), got.get(name));
        a.zip(b).is_some_and(|(a, b)| same_value(a, b)) || excused(class, name, a, b)
    })
}

/// Values are the same when the editor could not tell them apart: it has doubles only.
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().total_cmp(&b.as_f64()).is_eq(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)))
        }
        _ => a == b,
    }
}

/// Old prompts lack inputs that came later, which then have their defaults, and hold inputs that were only the
/// editor's.
fn no_matter(
    object_info: &ObjectInfo,
    class: &str,
    name: &str,
    a: Option<&Value>,
    b: Option<&Value>,
) -> bool {
    let Some(definition) = object_info.definition(class) else { return false };
    let Some(declared) = definition.input(name.split('.').next().unwrap_or(name)) else { return true };
    let ((Some(only), None) | (None, Some(only))) = (a, b) else { return false };
    only.is_null() || default_of(declared).is_some_and(|default| same_value(&default, only))
}

fn default_of(input: InputDefinition<'_>) -> Option<Value> {
    if let Some(default) = input.default() {
        return Some(default.clone());
    }
    match input.kind() {
        InputKind::Combo(combo) => combo.options().first().cloned(),
        InputKind::String => Some("".into()),
        InputKind::Int | InputKind::Float => Some(0_u64.into()),
        InputKind::Boolean => Some(false.into()),
        _ => None,
    }
}
