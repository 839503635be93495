//! Prompts as found in the wild: the copies under `tests/data/prompts` always, the whole corpus where it is
//! beside the repository.

#![cfg(test)]

use std::path::{Path, PathBuf};

use comfyicu_model::json::{Limits, Number, Value, read};
use comfyicu_model::{ParsePromptError, Prompt, ReadOptions};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The copied prompts, with their names.
fn copied() -> Vec<(String, Vec<u8>)> {
    let folder = repository().join("tests/data/prompts");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut prompts: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    prompts.sort();
    assert!(prompts.len() > 10, "{}", folder.display());
    prompts
}

/// The files of one kind, `api` or `ui`, that the corpus lists.
fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = repository().join("../shared/corpus");
    let Ok(index) = std::fs::read_to_string(folder.join("INDEX.tsv")) else {
        println!("skipped: there is no corpus at {}", folder.display());
        return Vec::new();
    };
    let lines = index.lines().filter_map(|line| line.split_once('\t'));
    let names = lines.filter(|(_, rest)| rest.split('\t').next() == Some(kind)).map(|(name, _)| name);
    let files: Vec<_> =
        names.map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap())).collect();
    assert!(files.len() > 100, "the corpus lists only {} {kind} files", files.len());
    files
}

/// Whether another reader found the same; of integers that it cannot hold it has the nearest double.
fn agree(ours: &Value, theirs: &serde_json::Value) -> bool {
    match (ours, theirs) {
        (Value::Null, serde_json::Value::Null) => true,
        (Value::Bool(ours), serde_json::Value::Bool(theirs)) => ours == theirs,
        (Value::Number(ours), serde_json::Value::Number(theirs)) => agree_on_number(ours, theirs),
        (Value::String(ours), serde_json::Value::String(theirs)) => ours == theirs,
        (Value::Array(ours), serde_json::Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| agree(ours, theirs))
        }
        (Value::Object(ours), serde_json::Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, value)| theirs.get(key).is_some_and(|theirs| agree(value, theirs)))
        }
        _ => false,
    }
}

fn agree_on_number(ours: &Number, theirs: &serde_json::Number) -> bool {
    if ours.as_u64().is_some() || ours.as_i64().is_some() {
        return (ours.as_u64(), ours.as_i64()) == (theirs.as_u64(), theirs.as_i64());
    }
    // As it is built here, serde_json may be one unit off in the last place of a double.
    let off = |theirs: f64| theirs.to_bits().abs_diff(ours.as_f64().to_bits());
    theirs.is_f64() && theirs.as_f64().is_some_and(|theirs| off(theirs) <= 1)
}

/// Reads a prompt, writes it and reads it again.
fn check_round_trip(name: &str, bytes: &[u8]) {
    let value = read(bytes, Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let prompt = Prompt::parse(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(Value::Object(prompt.as_object().clone()), value, "{name}");
    for written in [prompt.to_json(), prompt.to_json_pretty()] {
        let again = Prompt::parse(written.as_bytes()).unwrap();
        assert_eq!(again, prompt, "{name}");
        assert_eq!(again.to_json(), prompt.to_json(), "{name}: the order of the keys too");
    }
    if let Ok(theirs) = serde_json::from_slice(bytes) {
        assert!(agree(&value, &theirs), "{name}: serde_json reads something else");
    }
}

/// Checks that each place in the source map is that of the value.
fn check_positions(name: &str, bytes: &[u8]) {
    let read_prompt = Prompt::read(bytes, ReadOptions::default().source_map(true)).unwrap();
    assert_eq!(read_prompt.wrapper, None, "{name}");
    let map = read_prompt.source_map.expect("it was asked for");
    let at = |position: comfyicu_model::json::Position| {
        read(&bytes[position.range()], Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    for node in read_prompt.prompt.nodes() {
        assert_eq!(at(map.node(node.id()).unwrap().key), Value::from(node.id()), "{name}");
        assert_eq!(at(map.node(node.id()).unwrap().value), Value::Object(node.as_object().clone()), "{name}");
        let inputs = node.as_object().get("inputs").and_then(Value::as_object);
        for (input, value) in inputs.into_iter().flat_map(comfyicu_model::json::Object::iter) {
            let place = map.input(node.id(), input).unwrap();
            assert_eq!((at(place.key), &at(place.value)), (Value::from(input), value), "{name}");
        }
    }
}

/// Reads what is left of a file when it is cut off, and what it is when bytes of it are others: an error or a
/// prompt, and never a panic.
fn check_damaged(bytes: &[u8], most: usize) {
    let options = ReadOptions::default().source_map(true);
    let step = (bytes.len() / most).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let cut = Prompt::read(&bytes[..at], options).map(drop);
        let mut flipped = bytes.to_vec();
        // Each place gets another bit, always the same one.
        flipped[at] ^= 1 << (at / step % 8);
        let flipped = Prompt::read(&flipped, options).map(drop);
        for error in [cut, flipped].into_iter().filter_map(Result::err) {
            if let ParsePromptError::Json(error) = error {
                assert!(error.line() > 0 && error.column() > 0 && error.position().offset <= bytes.len());
            }
        }
    }
}

#[test]
fn every_copied_prompt_comes_back_with_its_values() {
    for (name, bytes) in copied() {
        check_round_trip(&name, &bytes);
        check_positions(&name, &bytes);
    }
}

#[test]
fn no_damage_to_a_copied_prompt_makes_the_reader_panic() {
    for (_, bytes) in copied() {
        check_damaged(&bytes, 300);
    }
}

#[test]
fn what_is_special_in_a_copied_prompt_is_kept() {
    let prompts = copied();
    let prompt = |name: &str| {
        let (_, bytes) = prompts.iter().find(|(file, _)| file == name).unwrap_or_else(|| panic!("{name}"));
        Prompt::read(bytes, ReadOptions::default()).unwrap()
    };
    insta::assert_snapshot!(prompt("number_spellings.json").prompt.to_json());
    let spelled = prompt("number_spellings.json").prompt;
    let places: Vec<_> = spelled.non_finite().iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!(places, ["1.inputs.too_large", "1.inputs.nan", "1.inputs.infinity", "1.inputs.below"]);
    let doubled = prompt("doubled_class.json").findings;
    insta::assert_snapshot!(doubled[0], @"node 3 (KSampler): the key `class_type` stands twice, at 15:5 and 15:31; the last one counts");
    assert_eq!(prompt("bom_crlf.json").prompt.nodes().count(), 2);
    assert!(prompt("unicode_escapes.json").prompt.to_json().contains(r#""lone":"\ud83d x""#));
}

#[test]
fn every_prompt_of_the_corpus_comes_back_with_its_values() {
    for (name, bytes) in corpus("api") {
        check_round_trip(&name, &bytes);
        check_positions(&name, &bytes);
    }
}

#[test]
fn every_ui_workflow_of_the_corpus_is_told_from_a_prompt() {
    for (name, bytes) in corpus("ui") {
        let error = Prompt::read(&bytes, ReadOptions::default()).map(drop).unwrap_err();
        assert!(matches!(&error, ParsePromptError::UiWorkflow { path } if path.is_root()), "{name}: {error}");
    }
}

#[test]
fn no_damage_to_a_prompt_of_the_corpus_makes_the_reader_panic() {
    for (_, bytes) in corpus("api") {
        check_damaged(&bytes, 6);
    }
}
