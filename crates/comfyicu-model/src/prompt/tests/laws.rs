//! What holds for any prompt.

use std::collections::HashSet;

use proptest::prelude::*;

use super::super::*;

/// Prompts of up to 12 nodes with links of all kinds among their inputs: forwards, back, to themselves, to
/// nowhere.
pub(in super::super) fn any_prompt() -> impl Strategy<Value = Prompt> {
    prop::collection::vec(any_node(), 1..12).prop_map(|nodes| {
        let entries = nodes.into_iter().enumerate().map(|(at, node)| (format!("{}", at + 1), node));
        Prompt::try_from(entries.collect::<Object>()).unwrap()
    })
}

fn any_node() -> impl Strategy<Value = Object> {
    let value = prop_oneof![
        3 => (0..14_usize, 0..3_usize).prop_map(|(id, slot)| Link::value(&id.to_string(), slot)),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => "[a-z .]{0,8}".prop_map(Value::from),
        1 => Just(Value::from_argument(r#"{"__value__":[1,[2,"x"]]}"#)),
    ];
    let inputs = prop::collection::vec(("[a-c]{1,2}(\\.[a-b])?", value), 0..5);
    ("[A-C]", inputs, prop::option::of("[a-c.]{1,3}")).prop_map(|(class_type, inputs, title)| {
        let node =
            inputs.into_iter().fold(NewNode::new(class_type), |node, (name, value)| node.input(name, value));
        title.into_iter().fold(node, NewNode::title).into_object()
    })
}

proptest! {
    #[test]
    fn no_selector_panics_and_what_it_names_can_be_set(prompt in any_prompt(), text in "[@\"1-9a-cA-C.\\[\\]0-2]{0,12}") {
        let mut changed = prompt.clone();
        if let Ok(Edited::Replaced(before)) = changed.set(&text, "new") {
            prop_assert_eq!(changed.get(&text), Ok(&Value::from("new")));
            prop_assert_eq!(prompt.get(&text), Ok(&before));
            changed.set(&text, before).unwrap();
            prop_assert_eq!(changed.to_json(), prompt.to_json());
        }
        if let Ok(place) = Selector::parse(&text).and_then(|selector| selector.resolve(&prompt)) {
            prop_assert_eq!(place.selector_in(&prompt).as_str().to_place(&prompt), Ok(place.clone()));
            prop_assert_eq!(Selector::parse(&place.to_string()).and_then(|again| again.resolve(&prompt)), Ok(place));
        }
        let _ = (prompt.find(&text).is_ok(), prompt.clone().remove_input(&text).is_ok());
    }

    #[test]
    fn each_edit_has_its_undoing(mut prompt in any_prompt(), name in "[x-z]{1,3}", value in any::<u64>()) {
        let before = prompt.clone();
        let id = prompt.add_node(NewNode::new("New").input("seed", value));
        let place = Place::new(id.clone(), name);
        if matches!(prompt.set(&place, 1_u64), Ok(Edited::Added { .. })) {
            prompt.remove_input(&place).unwrap();
        }
        prompt.remove_node(id.as_str()).unwrap();
        prop_assert_eq!(prompt.to_json(), before.to_json());
        prompt.relabel([("1", "one")]).unwrap();
        prompt.relabel([("one", "1")]).unwrap();
        prop_assert_eq!(prompt.to_json(), before.to_json());
    }

    #[test]
    fn hashes_see_what_runs_and_nothing_else(prompt in any_prompt(), title in "[a-z]{1,4}", seed in any::<u64>()) {
        let json = Value::from(reversed(prompt.as_object())).to_json().replace(".0,", ".00e0,");
        let other = Prompt::parse(json.as_bytes()).unwrap();
        prop_assert_eq!(other.content_hash(), prompt.content_hash());
        prop_assert_eq!(other.document_hash(), prompt.document_hash());
        prop_assert_eq!(other.graph_hash(), prompt.graph_hash());
        let mut titled = prompt.clone();
        titled.set_title("1", title.clone()).unwrap();
        prop_assert_eq!(titled.content_hash(), prompt.content_hash());
        prop_assert_eq!(titled.document_hash() == prompt.document_hash(), titled == prompt);
        let mut relabelled = prompt.clone();
        relabelled.relabel([("1", format!("{title}!"))]).unwrap();
        prop_assert_eq!(relabelled.graph_hash(), prompt.graph_hash());
        prop_assert_ne!(relabelled.content_hash(), prompt.content_hash());
        let mut seeded = prompt.clone();
        seeded.set("1.seed", seed).unwrap();
        let seeds = (seeded.content_hash(), seeded.graph_hash());
        seeded.set("1.seed", seed ^ 1).unwrap();
        prop_assert_ne!(seeded.content_hash(), seeds.0);
        prop_assert_ne!(seeded.graph_hash(), seeds.1);
    }

    #[test]
    fn a_diff_is_empty_when_nothing_that_it_shows_differs(a in any_prompt(), b in any_prompt()) {
        prop_assert!(a.diff(&a).is_empty());
        let titles = |prompt: &Prompt| -> Vec<_> {
            prompt.nodes().map(|node| (node.id().to_owned(), node.title().map(str::to_owned))).collect()
        };
        let is_same = a.content_hash() == b.content_hash() && titles(&a) == titles(&b);
        let diff = a.diff(&b);
        prop_assert_eq!(diff.is_empty(), is_same);
        let count = |is_counted: fn(&NodeChange) -> bool| diff.changes.iter().filter(|change| is_counted(change)).count();
        let (added, removed) = (count(|change| matches!(change, NodeChange::Added { .. })), count(|change| matches!(change, NodeChange::Removed { .. })));
        prop_assert_eq!(a.nodes().count() + added, b.nodes().count() + removed);
        prop_assert_eq!(diff.to_string().is_empty(), diff.is_empty());
        prop_assert_eq!(diff.to_object().len(), 4);
    }

    #[test]
    fn a_diff_of_a_relabelled_prompt_is_the_relabelling(prompt in any_prompt()) {
        let mut other = prompt.clone();
        let ids: Vec<_> = prompt.nodes().map(|node| (node.id().to_owned(), format!("n{}", node.id()))).collect();
        other.relabel(ids).unwrap();
        let diff = prompt.diff(&other);
        prop_assert_eq!(diff.renumbered.len(), prompt.nodes().count());
        if prompt.graph().cycles().is_empty() {
            prop_assert_eq!(&diff.changes, &[]);
        }
    }

    #[test]
    fn settings_are_found_again_where_they_stand(mut prompt in any_prompt()) {
        let places: Vec<_> = prompt.settings().map(|setting| (setting.place(), setting.kind, setting.value.clone())).collect();
        for (place, _, value) in &places {
            prop_assert_eq!(prompt.get(place), Ok(value));
        }
        let mutable: Vec<_> = prompt.settings_mut().map(|setting| (setting.place, setting.kind, setting.value.clone())).collect();
        prop_assert_eq!(mutable, places);
    }

    #[test]
    fn an_order_has_each_node_after_what_it_needs(prompt in any_prompt()) {
        let graph = prompt.graph();
        if let Ok(order) = graph.order() {
            prop_assert!(graph.cycles().is_empty());
            let mut seen = HashSet::new();
            for node in &order {
                let present = node.links().filter(|(_, link)| prompt.node(link.node_id).is_some());
                for (_, link) in present {
                    prop_assert!(seen.contains(link.node_id));
                }
                prop_assert!(seen.insert(node.id()));
            }
            prop_assert_eq!(order.len(), prompt.nodes().count());
        } else {
            for cycle in graph.cycles() {
                prop_assert_eq!(cycle.first(), cycle.last());
                for pair in cycle.windows(2) {
                    let node = prompt.node(pair[0].as_str()).unwrap();
                    prop_assert!(node.links().any(|(_, link)| link.node_id == pair[1].as_str()));
                }
            }
            prop_assert!(!graph.cycles().is_empty());
        }
    }

    #[test]
    fn ancestors_and_descendants_mirror_each_other(prompt in any_prompt()) {
        let graph = prompt.graph();
        for node in graph.nodes() {
            for ancestor in graph.ancestors([node.id()]) {
                let descendants = graph.descendants([ancestor.id()]);
                prop_assert!(descendants.iter().any(|descendant| descendant.id() == node.id()));
            }
            let (needed, unneeded) = (graph.needed([node.id()]), graph.unneeded([node.id()]));
            prop_assert_eq!(needed.len() + unneeded.len(), graph.nodes().len());
        }
    }

    #[test]
    fn what_was_merged_is_found_again(a in any_prompt(), b in any_prompt()) {
        let mut merged = a.clone();
        let ids = merged.merge(b.clone());
        prop_assert_eq!(merged.nodes().count(), a.nodes().count() + b.nodes().count());
        let ours = merged.subprompt(a.nodes().map(|node| node.id())).unwrap();
        prop_assert_eq!(ours.to_json(), a.to_json());
        let mut theirs = merged.subprompt(ids.values()).unwrap();
        prop_assert_eq!(theirs.nodes().count(), b.nodes().count(), "no link leads from one to the other");
        let back: Vec<_> = ids.into_iter().map(|(old, new)| (new, old)).collect();
        // Links that lead nowhere may lead elsewhere, and still nowhere.
        let lost = |prompt: &Prompt| prompt.graph().dangling().count();
        prop_assert_eq!(lost(&theirs), lost(&b));
        if lost(&b) == 0 {
            theirs.relabel(back).unwrap();
            prop_assert_eq!(theirs.to_json(), b.to_json());
        }
    }
}

/// The same object with its keys the other way round, and those of its objects.
fn reversed(object: &Object) -> Object {
    let value = |value: &Value| match value {
        Value::Object(object) => reversed(object).into(),
        value => value.clone(),
    };
    object.iter().rev().map(|(key, inner)| (key, value(inner))).collect()
}

/// Nodes 0, 1, 2, …, each of which needs the one before it.
fn chain(len: u32) -> Prompt {
    let node = |id: u32| format!(r#""{id}":{{"class_type":"N","inputs":{{"x":["{}",0]}}}}"#, id - 1);
    let nodes: Vec<_> = (1..len).map(node).collect();
    Prompt::parse(format!(r#"{{"0":{{"class_type":"N","inputs":{{}}}},{}}}"#, nodes.join(",")).as_bytes())
        .unwrap()
}

#[test]
fn a_chain_longer_than_any_stack_is_walked() {
    let mut chain = chain(100_000);
    assert_eq!(chain.execution_order(["99999"]).unwrap().len(), 100_000);
    let graph = chain.graph();
    assert_eq!(graph.order().unwrap().len(), 100_000);
    assert_eq!(graph.ancestors(["99999"]).len(), 99_999);
    assert_eq!(graph.unneeded(["0"]).len(), 99_999);
    chain.set("0.x", Link::value("99999", 0)).unwrap();
    assert_eq!(chain.graph().cycles().iter().map(Vec::len).collect::<Vec<_>>(), [100_001]);
}

#[test]
fn a_long_chain_is_compared_hashed_and_merged() {
    let (old, mut new) = (chain(20_000), chain(20_000));
    assert_eq!(old.graph_hash(), new.graph_hash());
    assert_eq!(old.settings().count(), 0);
    new.set("0.x", 5_u64).unwrap();
    assert_eq!(old.diff(&new).changes.len(), 1);
    assert_eq!(old.subprompt(["5000"]).unwrap().nodes().count(), 5001);
    assert_eq!(new.merge(old).len(), 20_000);
}
