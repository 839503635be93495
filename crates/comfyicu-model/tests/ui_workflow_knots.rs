//! UI workflows that lead in circles, are inside of themselves, or unfold without bound: whatever they are made
//! of, the conversion ends, in what is within its bounds or in an error that says what is not.

#![cfg(test)]

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{ConvertError, ConvertOptions, ObjectInfo, Prompt, UiWorkflow};
use proptest::prelude::*;

const CLASSES: &[u8] = br#"{
    "Load": {"input": {"required": {}}, "output": ["MODEL"]},
    "Tune": {"input": {"required": {"model": ["MODEL"]}}, "output": ["MODEL"]},
    "Save": {"input": {"required": {"model": ["MODEL"]}}, "output": [], "output_node": true}
}"#;

/// The most nodes that a conversion makes.
const MOST_NODES: usize = 100_000;
/// The input of a subgraph, seen from inside.
const INLET: i64 = -10;
/// The output of a subgraph, seen from inside.
const OUTLET: i64 = -20;

/// What a link leads through.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Through {
    Reroute,
    /// A node that is passed by.
    Bypassed,
    /// A name under which somebody sets something, and gets it again.
    Name,
    /// A node that runs.
    Node,
}

/// A graph as it is built: nodes and links, numbered as they come.
#[derive(Default)]
struct Graph {
    nodes: Vec<Value>,
    links: Vec<Value>,
    next_id: u64,
}

impl Graph {
    /// Adds a node of a type with one input and one output. Gives its id.
    fn node(&mut self, class: &str, mode: u64, values: Vec<Value>) -> i64 {
        self.next_id += 1;
        let slot = |name: &str| Object::from_iter([("name", Value::from(name)), ("type", "MODEL".into())]);
        self.nodes.push(
            Object::from_iter([
                ("id", Value::from(self.next_id)),
                ("type", class.into()),
                ("mode", mode.into()),
                ("inputs", vec![slot("model")].into()),
                ("outputs", vec![slot("MODEL")].into()),
                ("widgets_values", Value::Array(values)),
            ])
            .into(),
        );
        i64::try_from(self.next_id).unwrap()
    }

    /// Links the output of one node to the input of another.
    fn link(&mut self, from: i64, to: i64) {
        let id = self.links.len() as u64 + 1;
        self.links.push(
            Object::from_iter([
                ("id", Value::from(id)),
                ("origin_id", from.into()),
                ("origin_slot", 0_u64.into()),
                ("target_id", to.into()),
                ("target_slot", 0_u64.into()),
                ("type", "MODEL".into()),
            ])
            .into(),
        );
        if let Some(node) = usize::try_from(to - 1).ok().and_then(|at| self.nodes.get_mut(at)) {
            let Value::Object(node) = node else { unreachable!() };
            let Some(Value::Array(inputs)) = node.get_mut("inputs") else { unreachable!() };
            let Some(Value::Object(input)) = inputs.first_mut() else { unreachable!() };
            input.insert("link", id);
        }
    }

    /// Adds what a link leads through: where it goes in, and where it comes out.
    fn through(&mut self, kind: Through) -> (i64, i64) {
        let (class, mode) = match kind {
            Through::Reroute => ("Reroute", 0),
            Through::Bypassed => ("Tune", 4),
            Through::Node => ("Tune", 0),
            Through::Name => {
                let name = vec![Value::from(format!("name {}", self.next_id))];
                let set = self.node("SetNode", 0, name.clone());
                return (set, self.node("GetNode", 0, name));
            }
        };
        let id = self.node(class, mode, Vec::new());
        (id, id)
    }

    fn into_object(self) -> Object {
        Object::from_iter([("nodes", Value::Array(self.nodes)), ("links", Value::Array(self.links))])
    }

    /// As the definition of a subgraph whose input and output are linked as the graph says.
    fn into_definition(self, id: &str) -> Value {
        let links_at = |end: &str, node: i64| -> Vec<Value> {
            let links = self.links.iter().filter_map(Value::as_object);
            let links = links.filter(|link| link.get(end) == Some(&Value::from(node)));
            links.filter_map(|link| link.get("id").cloned()).collect()
        };
        let slot = |name: &str, links: Vec<Value>| {
            let mut slot = Object::from_iter([("name", Value::from(name)), ("type", "MODEL".into())]);
            slot.insert("linkIds", Value::Array(links));
            vec![Value::from(slot)]
        };
        let inputs = slot("model", links_at("origin_id", INLET));
        let outputs = slot("MODEL", links_at("target_id", OUTLET));
        let mut definition = self.into_object();
        definition.insert("id", id);
        definition.insert("inputs", inputs);
        definition.insert("outputs", outputs);
        definition.into()
    }
}

fn convert(root: Graph, definitions: Vec<Value>) -> Result<Prompt, ConvertError> {
    let mut object = root.into_object();
    object.insert("version", 1_u64);
    object.insert("definitions", Object::from_iter([("subgraphs", definitions)]));
    let workflow = UiWorkflow::try_from(object).unwrap();
    let converted = workflow.to_prompt(&ObjectInfo::parse(CLASSES).unwrap(), &ConvertOptions::new());
    converted.map(|conversion| conversion.prompt)
}

fn through() -> impl Strategy<Value = Through> {
    prop::sample::select(vec![Through::Reroute, Through::Bypassed, Through::Name, Through::Node])
}

/// What runs among the nodes, and nothing that only the editor knows.
fn is_a_prompt(prompt: &Prompt) -> bool {
    let known = ["Load", "Tune", "Save"];
    prompt.nodes().all(|node| node.class_type().is_some_and(|class| known.contains(&class)))
}

/// A chain of these, closed to a ring or fed by a node, with something at its end that is saved.
fn chain(kinds: &[Through], is_closed: bool) -> Graph {
    let mut graph = Graph::default();
    let load = graph.node("Load", 0, Vec::new());
    let ends: Vec<(i64, i64)> = kinds.iter().map(|kind| graph.through(*kind)).collect();
    for pair in ends.windows(2) {
        graph.link(pair[0].1, pair[1].0);
    }
    let (first, last) = (ends[0].0, ends[ends.len() - 1].1);
    graph.link(if is_closed { last } else { load }, first);
    let save = graph.node("Save", 0, Vec::new());
    graph.link(last, save);
    graph
}

/// Definitions, each with a list of instances of others (or of itself) one behind the other between its input and
/// its output, with a node that runs among them.
fn definitions(instances: &[Vec<usize>]) -> Vec<Value> {
    let of = |(at, inside): (usize, &Vec<usize>)| {
        let mut graph = Graph::default();
        let mut from = INLET;
        let node = graph.node("Tune", 0, Vec::new());
        graph.link(from, node);
        from = node;
        for definition in inside {
            let instance = graph.node(&format!("s{}", definition % instances.len()), 0, Vec::new());
            graph.link(from, instance);
            from = instance;
        }
        graph.link(from, OUTLET);
        graph.into_definition(&format!("s{at}"))
    };
    instances.iter().enumerate().map(of).collect()
}

/// Whether a definition is inside of itself, reached from the first one.
fn contains_itself(instances: &[Vec<usize>], at: usize, above: &mut Vec<usize>) -> bool {
    if above.contains(&at) {
        return true;
    }
    above.push(at);
    let found = instances[at].iter().any(|inner| contains_itself(instances, inner % instances.len(), above));
    above.pop();
    found
}

/// A workflow with instances of the first definition one behind the other.
fn instances_of_the_first(count: usize) -> Graph {
    let mut graph = Graph::default();
    let mut from = graph.node("Load", 0, Vec::new());
    for _ in 0..count {
        let instance = graph.node("s0", 0, Vec::new());
        graph.link(from, instance);
        from = instance;
    }
    let save = graph.node("Save", 0, Vec::new());
    graph.link(from, save);
    graph
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chains_end_and_rings_are_found(
        kinds in prop::collection::vec(through(), 1..40), copies in prop::sample::select(vec![1_usize, 1, 1, 30, 100]), is_closed: bool,
    ) {
        let kinds = kinds.repeat(copies);
        let runs = kinds.iter().filter(|kind| **kind == Through::Node).count();
        match convert(chain(&kinds, is_closed), Vec::new()) {
            Ok(prompt) => {
                prop_assert!(is_a_prompt(&prompt));
                // A ring in which something runs is the prompt's own affair; one of nothing leads nowhere.
                prop_assert!(!is_closed || runs > 0, "nothing feeds it");
                prop_assert_eq!(prompt.nodes().count(), runs + 2);
            }
            Err(ConvertError::Circle { .. }) => prop_assert!(is_closed && runs == 0),
            // A thousand steps may be between an input and its source: one to each, and two through what stands between.
            Err(ConvertError::TooLarge { .. }) => prop_assert!(kinds.len() >= 500, "{} steps", kinds.len()),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn subgraphs_that_are_inside_of_themselves_are_found(
        instances in prop::collection::vec(prop::collection::vec(0_usize..6, 0..3), 1..6),
    ) {
        match convert(instances_of_the_first(1), definitions(&instances)) {
            Ok(prompt) => {
                prop_assert!(is_a_prompt(&prompt) && !contains_itself(&instances, 0, &mut Vec::new()));
                prop_assert!(prompt.nodes().count() <= MOST_NODES);
            }
            Err(ConvertError::ContainsItself { .. }) => {
                prop_assert!(contains_itself(&instances, 0, &mut Vec::new()));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

proptest! {
    // Each case may unfold a hundred thousand nodes before it is refused.
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_unfolds_without_bound_is_refused(
        levels in 1_usize..80, wide in 1_usize..5, count in prop::sample::select(vec![1_usize, 10, 1_000]),
    ) {
        // Each level has so many instances of the next one; the last has none.
        let instances: Vec<Vec<usize>> =
            (0..levels).map(|at| if at + 1 < levels { vec![at + 1; wide] } else { Vec::new() }).collect();
        let nodes = (0..levels).try_fold((0_usize, count), |(sum, of_level), _| {
            Some((sum.checked_add(of_level)?, of_level.checked_mul(wide)?))
        });
        match convert(instances_of_the_first(count), definitions(&instances)) {
            Ok(prompt) => prop_assert_eq!(Some(prompt.nodes().count()), nodes.map(|(sum, _)| sum + 2)),
            Err(ConvertError::TooLarge { .. }) => {
                prop_assert!(levels > 60 || nodes.is_none_or(|(sum, _)| sum > MOST_NODES / 3 || sum > 900));
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}

#[test]
fn ten_thousand_instances_beside_each_other_are_converted_and_inside_each_other_refused() {
    let mut beside = Graph::default();
    for _ in 0..10_000 {
        beside.node("s0", 0, Vec::new());
    }
    let prompt = convert(beside, definitions(&[Vec::new()])).unwrap();
    assert_eq!(prompt.nodes().count(), 10_000);

    let inside: Vec<Vec<usize>> = (1..10_000).map(|next| vec![next]).chain([Vec::new()]).collect();
    let refused = convert(instances_of_the_first(1), definitions(&inside));
    assert!(matches!(refused, Err(ConvertError::TooLarge { limit: 64, .. })), "{refused:?}");
}
