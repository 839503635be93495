//! The graph, the hashes, diffs and settings of real prompts: every one under `../shared/corpus`, where that is.

#![cfg(test)]

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{GraphError, Link, NewNode, Place, Prompt};

/// The prompts of the corpus with their files; none where there is no corpus.
fn corpus() -> Vec<(PathBuf, Prompt)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !folder.is_dir() {
        eprintln!("SKIPPED: there is no corpus at {}", folder.display());
        return Vec::new();
    }
    let files = ["api", "pairs"].iter().flat_map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let is_prompt = |path: &Path| {
        let name = path.to_string_lossy();
        name.ends_with(".json") && !name.ends_with(".ui.json")
    };
    let prompts = files.into_iter().filter(|path| is_prompt(path)).filter_map(|path| {
        let prompt = Prompt::parse(&std::fs::read(&path).unwrap()).ok()?;
        Some((path, prompt))
    });
    let prompts: Vec<_> = prompts.collect();
    assert!(prompts.len() > 700, "only {} prompts were read", prompts.len());
    prompts
}

#[test]
fn each_prompt_has_an_order_or_a_cycle() {
    let (mut ordered, mut cyclic, mut dangling) = (0, 0, 0);
    for (path, prompt) in corpus() {
        let graph = prompt.graph();
        dangling += graph.dangling().count();
        match graph.order() {
            Ok(order) => {
                ordered += 1;
                assert!(graph.cycles().is_empty(), "{}", path.display());
                let mut seen = HashSet::new();
                for node in order {
                    let known = node.links().filter(|(_, link)| prompt.node(link.node_id).is_some());
                    assert!(
                        known.into_iter().all(|(_, link)| seen.contains(link.node_id)),
                        "{}",
                        path.display()
                    );
                    seen.insert(node.id());
                }
                assert_eq!(seen.len(), prompt.nodes().count(), "{}", path.display());
            }
            Err(GraphError::Cycle { .. }) => {
                cyclic += 1;
                assert!(!graph.cycles().is_empty(), "{}", path.display());
            }
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    println!("{ordered} in order, {cyclic} with a cycle, {dangling} links to nowhere");
}

#[test]
fn each_prompt_differs_in_nothing_from_itself_however_it_is_written() {
    for (path, prompt) in corpus() {
        let again = Prompt::parse(prompt.to_json_pretty().as_bytes()).unwrap();
        let reversed = Prompt::try_from(
            prompt.as_object().iter().rev().map(|(id, node)| (id, node.clone())).collect::<Object>(),
        )
        .unwrap();
        for other in [&again, &reversed] {
            assert!(prompt.diff(other).is_empty(), "{}: {}", path.display(), prompt.diff(other));
            assert_eq!(prompt.content_hash(), other.content_hash(), "{}", path.display());
            assert_eq!(prompt.document_hash(), other.document_hash(), "{}", path.display());
            assert_eq!(prompt.graph_hash(), other.graph_hash(), "{}", path.display());
        }
    }
}

#[test]
fn each_prompt_comes_back_from_a_relabelling() {
    for (path, prompt) in corpus() {
        let ids: Vec<_> = prompt.nodes().map(|node| node.id().to_owned()).collect();
        let new: Vec<_> = (0..ids.len()).map(|at| format!("new:{at}")).collect();
        let mut relabelled = prompt.clone();
        relabelled.relabel(ids.iter().map(String::as_str).zip(new.iter().map(String::as_str))).unwrap();
        assert_eq!(relabelled.graph_hash(), prompt.graph_hash(), "{}", path.display());
        let diff = prompt.diff(&relabelled);
        assert_eq!(diff.renumbered.len(), ids.len(), "{}", path.display());
        assert!(diff.changes.is_empty() || !prompt.graph().cycles().is_empty(), "{}: {diff}", path.display());
        relabelled.relabel(new.into_iter().zip(ids)).unwrap();
        assert_eq!(relabelled.to_json(), prompt.to_json(), "{}", path.display());
    }
}

#[test]
fn each_prompt_comes_back_from_edits_and_a_merge() {
    for (path, prompt) in corpus() {
        let mut edited = prompt.clone();
        for node in prompt.nodes() {
            for (input, _) in node.inputs() {
                let place = Place::new(node.id(), input);
                let before = edited.get(&place).unwrap().clone();
                assert_eq!(
                    prompt.get(place.selector_in(&prompt).as_str()),
                    Ok(&before),
                    "{}: {place}",
                    path.display()
                );
                edited.set(&place, Value::Null).unwrap();
                edited.set(place.to_string().as_str(), before).unwrap();
            }
        }
        let id = edited.add_node(NewNode::new("New"));
        edited.set(Place::new(id.clone(), "x"), Link::value("1", 0)).unwrap();
        edited.remove_node(id.as_str()).unwrap();
        assert_eq!(edited.to_json(), prompt.to_json(), "{}", path.display());
        let new_ids = edited.merge(prompt.clone());
        let second = edited.subprompt(new_ids.values()).unwrap();
        assert_eq!(second.graph_hash(), prompt.graph_hash(), "{}", path.display());
    }
}

#[test]
fn most_prompts_have_settings() {
    let (mut prompts, mut with_any, mut kinds) = (0, 0, BTreeMap::new());
    for (_, prompt) in corpus() {
        prompts += 1;
        with_any += usize::from(prompt.settings().next().is_some());
        for setting in prompt.settings() {
            *kinds.entry(setting.kind.as_str()).or_insert(0) += 1;
        }
    }
    println!("{with_any} of {prompts} prompts have settings: {kinds:?}");
    assert!(with_any * 10 >= prompts * 9);
}

#[cfg(feature = "svg")]
#[test]
fn each_prompt_has_a_picture() {
    for (path, prompt) in corpus() {
        let drawing = prompt.drawing(None);
        let svg = drawing.to_svg();
        let document = roxmltree::Document::parse(&svg);
        let document = document.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let groups = document.descendants().filter(|node| node.has_tag_name("g")).count();
        assert_eq!(groups, prompt.nodes().count(), "{}", path.display());
        assert!(drawing.to_text().lines().count() >= groups, "{}", path.display());
    }
}
