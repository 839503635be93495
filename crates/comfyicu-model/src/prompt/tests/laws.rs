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

#[test]
fn a_chain_longer_than_any_stack_is_no_trap() {
    let last = 99_999;
    let node = |id: u32| format!("\"{id}\":{{\"class_type\":\"N\",\"inputs\":{{\"x\":[\"{}\",0]}}}}", id - 1);
    let nodes: Vec<_> = (1..=last).map(node).collect();
    let json = format!("{{\"0\":{{\"class_type\":\"N\",\"inputs\":{{}}}},{}}}", nodes.join(","));
    let mut chain = Prompt::parse(json.as_bytes()).unwrap();
    assert_eq!(chain.execution_order(["99999"]).unwrap().len(), 100_000);
    assert_eq!(chain.graph().order().unwrap().len(), 100_000);
    assert_eq!(chain.graph().ancestors(["99999"]).len(), 99_999);
    assert_eq!(chain.graph().unneeded(["0"]).len(), 99_999);
    assert_eq!(chain.subprompt(["5000"]).unwrap().nodes().count(), 5001);
    assert_eq!(chain.merge(chain.clone()).len(), 100_000);
    chain.set("0.x", Link::value("99999", 0)).unwrap();
    assert_eq!(chain.graph().cycles().iter().map(Vec::len).collect::<Vec<_>>(), [100_001]);
}
