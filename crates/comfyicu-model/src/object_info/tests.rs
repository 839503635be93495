//! Definitions of each form, as ComfyUI has written them.

use super::*;
use crate::json::Number;

/// Small definitions of our own, in the forms that real ones take.
const DEFINITIONS: &[u8] = br#"{
    "Old": {
        "input": {
            "required": {
                "sampler": [["euler", "ddim"], {"default": "ddim"}],
                "image": [["a.png"], {"image_upload": true}],
                "seed": ["INT", {"default": 0, "min": 0, "max": 18446744073709551615, "control_after_generate": true}]
            },
            "optional": {"mask": ["MASK"], "text": ["STRING", {"forceInput": true, "multiline": true}]},
            "hidden": {"unique_id": "UNIQUE_ID"}
        },
        "input_order": {"required": ["seed", "gone", "sampler", "seed"], "optional": ["mask", "text"]},
        "output": ["IMAGE", ["euler", "ddim"]], "output_is_list": [false, true], "output_name": ["picture"],
        "display_name": "Old one", "output_node": true, "deprecated": true
    },
    "New": {
        "input": {"required": {
            "any": ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t", "allowed_types": "IMAGE,MASK"}, "lazy": true}],
            "mode": ["COMBO", {"multiselect": false, "options": ["on", "off"]}],
            "tags": ["COMBO", {"multiselect": true, "options": ["x", "y"]}],
            "file": ["COMBO", {"remote": {"route": "/files"}, "image_upload": true, "image_folder": "output"}],
            "size": ["COMFY_DYNAMICCOMBO_V3", {"options": [
                {"key": "by width", "inputs": {"required": {"width": ["INT", {"min": 1}]}, "optional": {"crop": ["BOOLEAN"]}}},
                {"key": "as it is", "inputs": {}}
            ]}],
            "images": ["COMFY_AUTOGROW_V3", {"template": {"input": {"required": {"image": ["IMAGE", {}]}}, "prefix": "image", "min": 2, "max": 50}}],
            "values": ["COMFY_AUTOGROW_V3", {"template": {"input": {"required": {"value": ["*", {}]}}, "names": ["a", "b"], "min": 0}}],
            "strength": ["FLOAT", {"round": false, "step": 0.1, "socketless": true}]
        }},
        "output": ["COMFY_MATCHTYPE_V3"], "output_matchtypes": ["t"], "output_tooltips": [null],
        "api_node": true, "experimental": true, "is_input_list": true
    },
    "Broken": "no definition",
    "Odd": {"input": {"required": {"a": 5, "b": [], "c": [7], "d": ["INT", "no settings"]}, "optional": []}, "output": "IMAGE"}
}"#;

fn object_info() -> ObjectInfo {
    ObjectInfo::parse(DEFINITIONS).unwrap()
}

fn names<'a>(inputs: impl Iterator<Item = InputDefinition<'a>>) -> Vec<&'a str> {
    inputs.map(|input| input.name()).collect()
}

#[test]
fn a_definition_goes_back_as_it_came() {
    let read = json::read(DEFINITIONS, Limits::default()).unwrap();
    assert_eq!(Value::Object(object_info().into_object()).to_json(), read.to_json());
}

#[test]
fn classes_are_found_by_name_and_in_order() {
    let object_info = object_info();
    let defined: Vec<_> = object_info.definitions().map(|node| node.class_type()).collect();
    assert_eq!(defined, ["Old", "New", "Odd"]);
    assert!(object_info.definition("Broken").is_none());
    assert_eq!(object_info.len(), 4, "what is no definition is kept");
    let old = object_info.definition("Old").unwrap();
    assert_eq!((old.display_name(), old.is_output(), old.is_deprecated()), ("Old one", true, true));
    let new = object_info.definition("New").unwrap();
    assert_eq!((new.display_name(), new.is_api(), new.is_experimental()), ("New", true, true));
    assert!(new.takes_lists());
}

#[test]
fn inputs_come_as_input_order_says_and_none_is_lost() {
    let object_info = object_info();
    let old = object_info.definition("Old").unwrap();
    assert_eq!(names(old.inputs()), ["seed", "sampler", "image", "mask", "text"]);
    assert_eq!(names(old.hidden()), ["unique_id"]);
    assert_eq!(old.input("mask").map(|input| input.section()), Some(Section::Optional));
    assert_eq!(old.input("unique_id").map(|input| input.section()), Some(Section::Hidden));
    assert!(old.input("nothing").is_none());
}

#[test]
fn settings_are_typed() {
    let object_info = object_info();
    let old = object_info.definition("Old").unwrap();
    let seed = old.input("seed").unwrap();
    assert!(matches!(seed.kind(), InputKind::Int) && seed.has_control_after_generate());
    assert_eq!(seed.max().and_then(Number::as_u64), Some(u64::MAX));
    let text = old.input("text").unwrap();
    assert!(text.is_force_input() && text.is_multiline() && !text.is_socketless() && !text.is_required());
    assert!(old.input("image").unwrap().is_upload());
    let new = object_info.definition("New").unwrap();
    let strength = new.input("strength").unwrap();
    assert_eq!((strength.round(), strength.step().map(Number::as_f64)), (None, Some(0.1)));
    assert!(strength.is_socketless() && new.input("any").unwrap().is_lazy());
}

#[test]
fn combos_are_read_in_both_forms() {
    let object_info = object_info();
    let combo = |class, input| match object_info.definition(class).unwrap().input(input).unwrap().kind() {
        InputKind::Combo(combo) => combo,
        other => panic!("{other:?}"),
    };
    assert!(combo("Old", "sampler").contains(&"euler".into()));
    assert!(combo("New", "mode").contains(&"on".into()) && !combo("New", "mode").contains(&"up".into()));
    assert!(combo("New", "tags").is_multiselect() && !combo("New", "mode").is_multiselect());
    let file = combo("New", "file");
    assert!(!file.is_listed() && file.options().is_empty());
    assert_eq!(file.remote().and_then(|remote| remote.get_str("route")), Some("/files"));
    assert_eq!(object_info.definition("New").unwrap().input("file").unwrap().upload_folder(), "output");
}

#[test]
fn a_dynamic_combo_brings_inputs() {
    let object_info = object_info();
    let size = object_info.definition("New").unwrap().input("size").unwrap();
    let InputKind::DynamicCombo(size) = size.kind() else { panic!("{size:?}") };
    assert_eq!(size.options().map(DynamicOption::key).collect::<Vec<_>>(), ["by width", "as it is"]);
    let by_width: Vec<_> = size.option("by width").unwrap().inputs().collect();
    assert_eq!(names(by_width.iter().copied()), ["width", "crop"]);
    assert_eq!(by_width.iter().map(InputDefinition::is_required).collect::<Vec<_>>(), [true, false]);
    assert!(size.option("by height").is_none());
}

#[test]
fn an_autogrow_input_names_its_items() {
    let object_info = object_info();
    let new = object_info.definition("New").unwrap();
    let autogrow = |name| match new.input(name).unwrap().kind() {
        InputKind::Autogrow(autogrow) => autogrow,
        other => panic!("{other:?}"),
    };
    let images = autogrow("images");
    assert_eq!((images.min(), images.max()), (2, 50));
    assert_eq!(images.item_name(49).as_deref(), Some("image49"));
    assert_eq!(images.item_name(50), None);
    assert_eq!(images.item().map(|item| item.slot_type().name()), Some("IMAGE"));
    for (name, index) in [
        ("image0", Some(0)),
        ("image10", Some(10)),
        ("image50", None),
        ("image01", None),
        ("image+1", None),
        ("image", None),
    ] {
        assert_eq!(images.index_of(name), index, "{name}");
    }
    let values = autogrow("values");
    assert_eq!((values.min(), values.max(), values.index_of("b")), (0, 2, Some(1)));
    assert_eq!(values.item_name(1).as_deref(), Some("b"));
}

#[test]
fn outputs_have_names_types_and_slots() {
    let object_info = object_info();
    let old = object_info.definition("Old").unwrap();
    let outputs: Vec<_> =
        old.outputs().map(|output| (output.slot(), output.name(), output.is_list())).collect();
    assert_eq!(outputs, [(0, "picture", false), (1, "COMBO", true)]);
    assert!(old.output(2).is_none());
    let any = object_info.definition("New").unwrap().output(0).unwrap();
    assert_eq!((any.slot_type().is_any(), any.match_template(), any.tooltip()), (true, Some("t"), None));
}

#[test]
fn types_meet_where_they_share_an_alternative() {
    let options = [Value::from("a")];
    let (image, either) = (SlotType::Named("IMAGE"), SlotType::Named("IMAGE, MASK"));
    assert!(either.accepts(image) && image.accepts(either));
    assert!(!either.accepts(SlotType::Named("LATENT")));
    assert!(SlotType::Options(&options).accepts(SlotType::Options(&options)));
    assert!(!SlotType::Options(&options).accepts(SlotType::Named("COMBO")));
    assert!(!SlotType::Options(&options).accepts(SlotType::Options(&[])));
    assert!(SlotType::Options(&options).accepts(SlotType::Named("*")));
    assert!(SlotType::Named("COMFY_MATCHTYPE_V3").accepts(image));
}

#[test]
fn what_is_malformed_is_looked_at_without_harm() {
    let object_info = object_info();
    let odd = object_info.definition("Odd").unwrap();
    assert_eq!(names(odd.inputs()), ["a", "b", "c", "d"]);
    assert!(
        odd.inputs()
            .take(3)
            .all(|input| input.slot_type().is_any() || input.slot_type() == SlotType::Options(&[]))
    );
    assert!(matches!(odd.input("d").unwrap().kind(), InputKind::Int));
    assert_eq!(odd.outputs().len(), 0);
}

#[test]
fn what_is_no_object_info_is_named() {
    let error = |json: &str| ObjectInfo::parse(json.as_bytes()).expect_err("must be refused");
    insta::assert_snapshot!(error("[]"), @"node definitions are an object of class → definition, but this is an array");
    insta::assert_snapshot!(error(r#"{"1": {"class_type": "A", "inputs": {}}}"#), @"no entry is a node definition: a definition is an object with `input` and `output`");
    assert!(matches!(error("{"), ParseObjectInfoError::Json(_)));
    assert!(ObjectInfo::parse(b"{}").unwrap().is_empty());
}
