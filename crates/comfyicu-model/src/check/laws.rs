//! What holds for any prompt and any definitions, however odd.

use proptest::prelude::*;

use crate::files::Files;
use crate::json::{Number, Object, Value};
use crate::object_info::{InputKind, ObjectInfo};
use crate::prompt::Prompt;
use crate::run::RunRequest;

/// Names that meet each other, so that links and definitions fit now and then.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "1",
        "2",
        "3",
        "a",
        "b",
        "a.x0",
        "a.x1",
        "a.b",
        "image",
        "COMBO",
        "INT",
        "IMAGE",
        "IMAGE,MASK",
        "*",
        "",
    ])
    .prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        any::<f64>().prop_map(|double| Number::from_f64(double).into()),
        Just(Value::from_argument("99999999999999999999")),
    ]
}

/// Any JSON, with names of the few.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        name().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4)
                .prop_map(|entries| entries.into_iter().collect::<Object>().into()),
        ]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((name(), value), 0..5)
        .prop_map(|entries| entries.into_iter().collect::<Object>().into())
}

fn of(keys: &'static [&'static str], values: Vec<Value>) -> Value {
    keys.iter().copied().zip(values).collect::<Object>().into()
}

/// What stands at an input: a link that may lead somewhere, or anything.
fn input() -> impl Strategy<Value = Value> {
    let link = (name(), number()).prop_map(|(id, slot)| vec![id.into(), slot].into());
    let simple_link = (name(), 0..2_u64).prop_map(|(id, slot)| vec![Value::from(id), slot.into()].into());
    prop_oneof![3 => simple_link, 1 => link, 2 => value()]
}

fn prompt() -> impl Strategy<Value = Prompt> {
    let class = prop_oneof![4 => name().prop_map(Value::from), 1 => value()];
    let inputs = prop_oneof![6 => object(input()), 1 => value()];
    let node = (class, inputs).prop_map(|(class, inputs)| of(&["class_type", "inputs"], vec![class, inputs]));
    let entry = prop_oneof![8 => node, 1 => value()];
    object(entry).prop_filter_map("no prompt", |value| Prompt::from_value(value).ok())
}

/// The definition of an input: one that could be real, or anything.
fn spec() -> impl Strategy<Value = Value> {
    let socket = (name(), object(value())).prop_map(|(name, settings)| vec![name.into(), settings].into());
    let bounds = (number(), number()).prop_map(|(min, max)| of(&["min", "max"], vec![min, max]));
    let kind = prop::sample::select(vec!["INT", "FLOAT", "STRING", "BOOLEAN"]);
    let widget = (kind, bounds).prop_map(|(kind, bounds)| vec![kind.into(), bounds].into());
    let simple = prop_oneof![socket, widget, value()];
    simple.prop_recursive(3, 12, 3, |inner| {
        let sections = |inner| object(inner).prop_map(|inputs| of(&["required"], vec![inputs]));
        let grow = (name(), sections(inner.clone()), 0..3_u64).prop_map(|(prefix, input, min)| {
            let template = of(&["prefix", "input", "min"], vec![prefix.into(), input, min.into()]);
            vec!["COMFY_AUTOGROW_V3".into(), of(&["template"], vec![template])].into()
        });
        let option = (name(), sections(inner))
            .prop_map(|(key, inputs)| of(&["key", "inputs"], vec![key.into(), inputs]));
        let choose = prop::collection::vec(option, 0..3).prop_map(|options| {
            vec!["COMFY_DYNAMICCOMBO_V3".into(), of(&["options"], vec![options.into()])].into()
        });
        prop_oneof![grow, choose]
    })
}

fn object_info() -> impl Strategy<Value = ObjectInfo> {
    let inputs =
        (object(spec()), object(spec())).prop_map(|(a, b)| of(&["required", "optional"], vec![a, b]));
    let outputs = prop::collection::vec(name().prop_map(Value::from), 0..3).prop_map(Value::from);
    let definition = (inputs, outputs, any::<bool>()).prop_map(|(inputs, outputs, is_output)| {
        of(&["input", "output", "output_node"], vec![inputs, outputs, is_output.into()])
    });
    let entry = prop_oneof![8 => definition, 1 => value()];
    object(entry).prop_filter_map("no definitions", |value| match value {
        Value::Object(definitions) => Some(ObjectInfo::new(definitions)),
        _ => None,
    })
}

fn files() -> Files {
    let source = || "https://example.com/x".parse().expect("an address");
    ["/input/a", "/models/a/b"]
        .map(|path| (path.parse().expect("a destination"), source()))
        .into_iter()
        .collect()
}

proptest! {
    /// The same is found each time, in the order of the prompt, and nothing panics.
    #[test]
    fn findings_are_the_same_each_time(prompt in prompt(), object_info in object_info()) {
        let found = prompt.check_with(&object_info);
        prop_assert_eq!(&found, &prompt.check_with(&object_info));
        prop_assert_eq!(prompt.check(), prompt.check());
        let place = |id: &str| prompt.as_object().keys().position(|key| key == id);
        let places: Vec<_> = found.iter().map(|finding| {
            finding.node_id.as_ref().and_then(|id| place(id.as_str())).unwrap_or(usize::MAX)
        }).collect();
        prop_assert!(places.is_sorted(), "{:?}", places);
        let request = RunRequest::new(prompt).files(files());
        prop_assert_eq!(request.check_with(&object_info), request.check_with(&object_info));
        prop_assert_eq!(request.check_files(None), request.check_files(None));
    }

    /// What ComfyUI refuses is found: a prompt without errors is accepted, with all its outputs.
    #[test]
    fn what_is_refused_is_found(prompt in prompt(), object_info in object_info()) {
        let verdict = prompt.verdict(&object_info);
        prop_assert_eq!(&verdict, &prompt.verdict(&object_info));
        let is_clean = !prompt.check_with(&object_info).iter().any(crate::Finding::is_error);
        if is_clean {
            prop_assert!(verdict.is_accepted() && verdict.node_errors().is_empty(), "{:?}", verdict);
        }
        prop_assert_eq!(verdict.is_accepted(), !verdict.outputs().is_empty());
        let readiness = prompt.readiness(&object_info, &[]);
        prop_assert_eq!(readiness.outputs(), verdict.outputs());
        let has_error = readiness.findings().iter().any(crate::Finding::is_error);
        prop_assert!(verdict.is_accepted() || has_error, "refused without a word");
    }

    /// The views of definitions show what is there, and harm nothing.
    #[test]
    fn definitions_can_be_looked_at(object_info in object_info()) {
        for node in object_info.definitions() {
            for input in node.inputs() {
                prop_assert_eq!(node.input(input.name()).map(|found| found.name()), Some(input.name()));
                if let InputKind::Autogrow(autogrow) = input.kind() {
                    for index in 0..autogrow.max().min(3) {
                        let name = autogrow.item_name(index);
                        let found = name.as_deref().and_then(|name| autogrow.index_of(name));
                        prop_assert!(found.is_some_and(|found| found <= index) || name.is_none());
                    }
                }
            }
            for output in node.outputs() {
                prop_assert!(output.slot_type().accepts(output.slot_type()));
            }
        }
        let again = ObjectInfo::new(object_info.clone().into_object());
        prop_assert_eq!(again, object_info);
    }
}
