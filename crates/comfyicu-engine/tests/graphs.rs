//! Random graphs of all nodes: nothing panics, bounds are kept, and any number of threads gives the same.

#![cfg(test)]
use std::sync::OnceLock;

use comfyicu_engine::{
    ExecutionError, Executor as _, InputFile, InputFiles, Job, MemoryLimits, MemoryOutputs, NativeExecutor,
    NoEvents,
};
use comfyicu_model::json::{Number, Object, Value};
use comfyicu_model::{DestPath, ObjectInfo, Prompt, RunId};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/pixels");

/// The files that graphs load, one of each format.
const FILES: [(&str, &str); 5] = [
    ("a.png", "load_rgba_checker_png/rgba_checker.png"),
    ("b.jpg", "load_exif2_jpg/exif2.jpg"),
    ("c.webp", "load_animalpha_webp/animalpha.webp"),
    ("d.tiff", "load_pages_tiff/pages.tiff"),
    ("e.png", "load_corrupt_truncated_png/corrupt_truncated.png"),
];

/// How far a number of a graph lies above its minimum at most, so that most images are small.
const SPREAD: usize = 70;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn definitions() -> &'static ObjectInfo {
    static DEFINITIONS: OnceLock<std::sync::Arc<ObjectInfo>> = OnceLock::new();
    DEFINITIONS.get_or_init(|| runtime().block_on(NativeExecutor::new().object_info()).unwrap())
}

/// What decides about a node: its class, and a number for each choice that it needs.
type Seed = (prop::sample::Index, Vec<prop::sample::Index>);

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let choices = prop::collection::vec(any::<prop::sample::Index>(), 16);
    prop::collection::vec((any::<prop::sample::Index>(), choices), 1..14)
}

/// A valid prompt: each node takes what nodes before it give; what nobody gives yet is made first.
#[derive(Default)]
struct Graph {
    nodes: Object,
    /// The type, the node and the slot of each value.
    values: Vec<(String, String, usize)>,
}

impl Graph {
    fn of(seeds: &[Seed]) -> Prompt {
        let mut graph = Self::default();
        graph.add("LoadImage", &mut [].iter());
        graph.add("SolidMask", &mut [].iter());
        let classes: Vec<&str> = definitions().class_types().collect();
        for (class, choices) in seeds {
            graph.add(class.get::<&str>(&classes), &mut choices.iter());
        }
        // Everything that nobody needs would not run.
        for (kind, node, slot) in graph.values.clone() {
            let (class, input) = match kind.as_str() {
                "IMAGE" => ("PreviewImage", "images"),
                "MASK" => ("MaskPreview", "mask"),
                _ => ("PreviewAny", "source"),
            };
            let inputs = Object::from_iter([(input, link(&node, slot))]);
            graph.insert(class, inputs);
        }
        Prompt::parse(Value::from(graph.nodes).to_json().as_bytes()).unwrap()
    }

    fn insert(&mut self, class: &str, inputs: Object) -> String {
        let id = (self.nodes.len() + 1).to_string();
        let node = Object::from_iter([("class_type", Value::from(class)), ("inputs", inputs.into())]);
        self.nodes.insert(id.clone(), node);
        id
    }

    fn add(&mut self, class: &str, choices: &mut std::slice::Iter<'_, prop::sample::Index>) {
        let definition = definitions().get(class).unwrap();
        let group = |name| definition.get("input")?.as_object()?.get(name)?.as_object();
        let required = group("required").into_iter().flat_map(Object::iter);
        let optional = group("optional").into_iter().flat_map(Object::iter);
        let mut inputs = Object::new();
        for (name, specification) in required.chain(optional) {
            let choose = |length: usize| choices.next().map_or(0, |choice| choice.index(length.max(1)));
            inputs.insert(name, self.input(specification.as_array().unwrap(), choose));
        }
        let id = self.insert(class, inputs);
        let outputs = definition.get("output").and_then(Value::as_array).unwrap();
        for (slot, kind) in outputs.iter().filter_map(Value::as_str).enumerate() {
            self.values.push((kind.to_owned(), id.clone(), slot));
        }
    }

    fn input(&self, specification: &[Value], mut choose: impl FnMut(usize) -> usize) -> Value {
        let [kind, rest @ ..] = specification else { panic!("{specification:?}") };
        let options = rest.first().and_then(Value::as_object);
        let option = |name: &str| options.and_then(|options| options.get(name));
        let number = |name: &str| option(name).and_then(Value::as_number);
        let int = |name: &str| number(name).and_then(Number::as_i64);
        let names = kind.as_array().or_else(|| option("options").and_then(Value::as_array));
        if option("image_upload").is_some() {
            return FILES[choose(FILES.len())].0.into();
        }
        if let Some(names) = names {
            return names[choose(names.len())].clone();
        }
        let given: Vec<_> =
            self.values.iter().filter(|(own, ..)| kind.as_str() == Some(own.as_str())).collect();
        let linked = !given.is_empty() && choose(3) == 0;
        match kind.as_str().unwrap() {
            "INT" | "FLOAT" | "STRING" | "BOOLEAN" if linked => {
                let (_, node, slot) = given[choose(given.len())];
                link(node, *slot)
            }
            // Now and then a number that no input's bounds allow, which can still be linked to each.
            "INT" if option("min").is_some() && option("default").is_none() && choose(3) == 0 => {
                [i64::MAX, -i64::MAX, 1 << 40, 5000, -1][choose(5)].into()
            }
            "INT" => {
                let lowest = int("min").filter(|min| *min > i64::from(i32::MIN)).unwrap_or(-3);
                let above = i64::try_from(choose(SPREAD)).unwrap();
                lowest.saturating_add(above).min(int("max").unwrap_or(i64::MAX)).into()
            }
            "FLOAT" => {
                let bound = |name: &str, otherwise: f64| number(name).map_or(otherwise, Number::as_f64);
                let (min, max) = (bound("min", 0.0).max(-9.0), bound("max", 9.0).min(9.0));
                (min + (max - min) * f64::from(u8::try_from(choose(101)).unwrap()) / 100.0).into()
            }
            "STRING" => ["", "a", "x/%width%", "Zwölf ab"][choose(4)].into(),
            "BOOLEAN" => (choose(2) == 0).into(),
            "*" | "COMFY_MATCHTYPE_V3" => {
                let (_, node, slot) = &self.values[choose(self.values.len())];
                link(node, *slot)
            }
            _ => {
                let (_, node, slot) = given[choose(given.len())];
                link(node, *slot)
            }
        }
    }
}

fn link(node: &str, slot: usize) -> Value {
    Value::Array(vec![node.into(), i64::try_from(slot).unwrap().into()])
}

fn inputs() -> InputFiles {
    let file = |(name, path): (&str, &str)| {
        (DestPath::input(name).unwrap(), InputFile::of(format!("{CASES}/{path}").into()).unwrap())
    };
    FILES.map(file).into_iter().collect()
}

/// What a run gave: its files, or how it failed.
fn run(executor: &NativeExecutor, prompt: &Prompt) -> Result<Vec<(String, Vec<u8>)>, String> {
    let outputs = MemoryOutputs::default();
    let job = Job::new(RunId::parse("r").unwrap(), prompt.clone()).inputs(inputs());
    let cancel = CancellationToken::new();
    let result = runtime().block_on(executor.execute(job, &NoEvents, &outputs, &cancel));
    match result {
        Ok(()) => Ok(outputs
            .take()
            .into_iter()
            .map(|output| (output.path.as_str().to_owned(), output.content.as_bytes().unwrap().to_vec()))
            .collect()),
        Err(ExecutionError::Node(failure)) => Err(format!("{}: {}", failure.node_id, failure.message)),
        Err(error) => panic!("{error}: {}", Value::from(prompt.clone().into_object()).to_json()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_gives_the_same_on_any_number_of_threads(seeds in seeds()) {
        let prompt = Graph::of(&seeds);
        let mut limits = MemoryLimits::default();
        limits.run_bytes = 64 << 20;
        limits.cache_bytes = 0;
        let [one, many] = [1, 4].map(|threads| {
            run(&NativeExecutor::with_limits(limits).threads(threads).unwrap(), &prompt)
        });
        if let Err(message) = &one {
            prop_assert!(!message.contains("broke off"), "a node panicked: {message}");
        }
        prop_assert_eq!(one, many);
    }

    #[test]
    fn what_is_kept_between_runs_changes_nothing(seeds in seeds()) {
        let prompt = Graph::of(&seeds);
        let mut limits = MemoryLimits::default();
        limits.run_bytes = 64 << 20;
        let executor = NativeExecutor::with_limits(limits);
        let first = run(&executor, &prompt);
        prop_assert_eq!(first, run(&executor, &prompt));
    }
}
