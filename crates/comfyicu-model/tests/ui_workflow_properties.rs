//! What holds for every UI workflow and every prompt.

#![cfg(test)]

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{ConvertOptions, LocalTime, ObjectInfo, Prompt, UiWorkflow};
use proptest::prelude::*;

const CLASSES: &[u8] = br#"{
    "Sample": {"input": {"required": {
        "model": ["MODEL"], "seed": ["INT", {"default": 0, "control_after_generate": true}], "name": [["a", "b"]],
        "text": ["STRING", {"multiline": true, "dynamicPrompts": true}], "filename_prefix": ["STRING", {"default": "x"}],
        "curve": ["CURVE", {"default": {"points": []}}], "view": ["IMAGECOMPARE", {}]
    }, "optional": {"forced": ["INT", {"forceInput": true}]}}, "output": ["MODEL", "LATENT"]},
    "Grow": {"input": {"required": {
        "images": ["COMFY_AUTOGROW_V3", {"template": {"input": {"required": {"image": ["IMAGE", {}]}}, "prefix": "image"}}],
        "mode": ["COMFY_DYNAMICCOMBO_V3", {"options": [
            {"key": "a", "inputs": {"required": {"width": ["INT", {"default": 64}], "mask": ["MASK"]}}}, {"key": "b", "inputs": {}}
        ]}], "last": ["FLOAT", {"default": 1.0}]
    }}, "output": ["IMAGE"]},
    "CustomCombo": {"input": {"required": {"choice": ["COMBO", {"options": []}]}}, "output": ["STRING"]}
}"#;

fn object_info() -> ObjectInfo {
    ObjectInfo::parse(CLASSES).unwrap()
}

fn class() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Sample",
        "Grow",
        "CustomCombo",
        "Unknown",
        "Note",
        "Reroute",
        "PrimitiveNode",
        "SetNode",
        "GetNode",
        "Anything Everywhere",
        "Anything Everywhere?",
        "Seed Everywhere",
        "Prompts Everywhere",
        "workflow>g",
        "workflow/g",
        "s1",
        "s2",
    ])
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "model",
        "seed",
        "name",
        "text",
        "filename_prefix",
        "curve",
        "view",
        "forced",
        "images.image0",
        "images.image1",
        "mode",
        "mode.width",
        "mode.mask",
        "last",
        "choice",
        "index",
        "option1",
        "option2",
        "other",
        "",
    ])
}

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["1", "2", "3", "01", "-10", "-20", "12:3", "9223372036854775807", "a"])
}

fn literal() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec!["a", "b", "fixed", "randomize", "%date:s%", "{x|y}", "%1.seed%", "\\{"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(vec!["__value__", "__type__", "x"]), inner), 0..2)
                .prop_map(|entries| entries.into_iter().collect::<Object>().into()),
        ]
    })
}

fn link() -> impl Strategy<Value = Value> {
    (id(), -1_i64..3).prop_map(|(id, slot)| Value::Array(vec![id.into(), slot.into()]))
}

fn prompt() -> impl Strategy<Value = Object> {
    let inputs = prop::collection::vec((name(), prop_oneof![literal(), link()]), 0..6);
    let meta = prop::option::of(prop_oneof![
        literal(),
        Just(Object::from_iter([("title", Value::from("t")), ("cnr_id", 7_u64.into())]).into())
    ]);
    let node = (class(), inputs, meta).prop_map(|(class, inputs, meta)| {
        let mut node = Object::from_iter([
            ("class_type", Value::from(class)),
            ("inputs", inputs.into_iter().collect::<Object>().into()),
        ]);
        if let Some(meta) = meta {
            node.insert("_meta", meta);
        }
        Value::from(node)
    });
    prop::collection::vec((id(), prop_oneof![4 => node, 1 => literal()]), 1..6)
        .prop_map(|nodes| nodes.into_iter().collect())
}

fn slot() -> impl Strategy<Value = Value> {
    (name(), prop::option::of(0_u64..6), any::<bool>()).prop_map(|(name, link, has_widget)| {
        let mut slot =
            Object::from_iter([("name", Value::from(name)), ("type", "*".into()), ("link", link.into())]);
        if has_widget {
            slot.insert("widget", Object::from_iter([("name", name)]));
        }
        slot.into()
    })
}

fn ui_node() -> impl Strategy<Value = Value> {
    let values = prop_oneof![
        prop::collection::vec(literal(), 0..5).prop_map(Value::Array),
        prop::collection::vec((name(), literal()), 0..4)
            .prop_map(|values| values.into_iter().collect::<Object>().into()),
    ];
    let proxies =
        prop::collection::vec((id(), name()).prop_map(|(id, name)| Value::from(vec![id, name])), 0..3);
    (
        id(),
        class(),
        prop::sample::select(vec![0_u64, 2, 4]),
        prop::collection::vec(slot(), 0..4),
        values,
        prop::option::of(proxies),
    )
        .prop_map(|(id, class, mode, inputs, values, proxies)| {
            let mut properties = Object::new();
            properties.insert("proxyWidgets", proxies);
            Object::from_iter([
                ("id", Value::from_argument(id)),
                ("type", class.into()),
                ("mode", mode.into()),
                ("inputs", inputs.into()),
                ("outputs", vec![Object::from_iter([("name", "o"), ("type", "MODEL")])].into()),
                ("widgets_values", values),
                ("properties", properties.into()),
            ])
            .into()
        })
}

fn ui_link() -> impl Strategy<Value = Value> {
    (0_u64..6, id(), 0_u64..3, id(), 0_u64..3).prop_map(|(link, origin, slot, target, target_slot)| {
        Value::Array(vec![
            link.into(),
            Value::from_argument(origin),
            slot.into(),
            Value::from_argument(target),
            target_slot.into(),
            "*".into(),
        ])
    })
}

fn boundary() -> impl Strategy<Value = Vec<Value>> {
    let slot = (name(), prop::collection::vec(0_u64..6, 0..3)).prop_map(|(name, links)| {
        Object::from_iter([("name", Value::from(name)), ("type", "*".into()), ("linkIds", links.into())])
            .into()
    });
    prop::collection::vec(slot, 0..3)
}

fn graph() -> impl Strategy<Value = Object> {
    let nodes = prop::collection::vec(ui_node(), 0..6);
    let links = prop::collection::vec(ui_link(), 0..7);
    (nodes, links, boundary(), boundary()).prop_map(|(nodes, links, inputs, outputs)| {
        Object::from_iter([
            ("nodes", Value::from(nodes)),
            ("links", links.into()),
            ("inputs", inputs.into()),
            ("outputs", outputs.into()),
            ("version", 1_u64.into()),
        ])
    })
}

fn workflow() -> impl Strategy<Value = Object> {
    (graph(), prop::collection::vec(graph(), 0..3), graph()).prop_map(|(mut root, definitions, group)| {
        let named = definitions.into_iter().zip(["s1", "s2", "s2"]).map(|(mut definition, id)| {
            definition.insert("id", id);
            Value::from(definition)
        });
        root.insert("definitions", Object::from_iter([("subgraphs", named.collect::<Vec<_>>())]));
        root.insert("extra", Object::from_iter([("groupNodes", Object::from_iter([("g", group)]))]));
        root
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_prompt_comes_back_from_the_workflow_that_is_drawn_of_it(object in prompt()) {
        if let Ok(prompt) = Prompt::try_from(object) {
            for object_info in [object_info(), ObjectInfo::default()] {
                let workflow = UiWorkflow::from_prompt(&prompt, &object_info).unwrap();
                let workflow = UiWorkflow::parse(workflow.to_json().as_bytes()).unwrap();
                let back = workflow.to_prompt(&object_info, &ConvertOptions::default()).unwrap().prompt;
                prop_assert_eq!(&back, &prompt);
            }
        }
    }

    #[test]
    fn every_workflow_is_converted_or_refused(object in workflow()) {
        let workflow = UiWorkflow::try_from(object).unwrap();
        let now = LocalTime { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5 };
        for options in [ConvertOptions::new(), ConvertOptions::new().choose_alternatives(7).fill_in_names(now)] {
            if let Ok(conversion) = workflow.to_prompt(&object_info(), &options) {
                let again = workflow.to_prompt(&object_info(), &options).unwrap();
                prop_assert_eq!(&conversion.prompt, &again.prompt);
                prop_assert!(conversion.prompt.nodes().all(|node| node.class_type() != Some("Reroute")));
            }
        }
    }
}
