//! Selectors and edits: what they do, and what they say when they cannot.

use super::super::*;
use super::prompt_of;

const PROMPT: &str = r#"{"3":{"inputs":{"seed":1,"images.a":2},"class_type":"K"},"7.0":{"class_type":"M","inputs":{"x":0}},"9":{"class_type":"N"}}"#;

const TITLED: &str = r#"{
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "positive": ["6", 0], "negative": ["7", 0], "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}, "_meta": {"title": "Flux.1 [pro]"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}, "_meta": {"title": "Positive Prompt"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}, "_meta": {"title": "Negative Prompt"}},
    "@x": {"class_type": "Curve", "inputs": {"points": {"__value__": [[0, 0], [1, 1]]}, "list": [1, 2, 3], "lora_1": {"on": true, "lora": "b.safetensors"}}},
    "broken": {"class_type": "B", "inputs": 5}
}"#;

fn parse(json: &str) -> Prompt {
    Prompt::parse(json.as_bytes()).unwrap()
}

fn set(path: &str, value: &str) -> Result<String, EditError> {
    let mut prompt = parse(PROMPT);
    prompt.set(path, Value::from_argument(value)).map(|_| prompt.to_json())
}

fn get(path: &str) -> String {
    match parse(TITLED).get(path) {
        Ok(value) => value.to_json(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn only_the_input_changes() {
    assert_eq!(
        set("3.seed", "18446744073709551616").unwrap(),
        PROMPT.replace("\"seed\":1", "\"seed\":18446744073709551616")
    );
    assert_eq!(set("3.images.a", "[1]").unwrap(), PROMPT.replace("\"images.a\":2", "\"images.a\":[1]"));
    assert_eq!(set("7.0.x", "5").unwrap(), PROMPT.replace("\"x\":0", "\"x\":5"));
    assert_eq!(
        set("9.new.name", "true").unwrap(),
        PROMPT.replace(r#""class_type":"N""#, r#""class_type":"N","inputs":{"new.name":true}"#)
    );
}

#[test]
fn an_added_input_is_told_from_a_replaced_one() {
    let mut prompt = parse(PROMPT);
    assert_eq!(prompt.set("3.seed", 2_u64), Ok(Edited::Replaced(Value::from(1_u64))));
    assert_eq!(prompt.set("3.sead2", 2_u64).unwrap(), Edited::Added { similar: None });
    assert_eq!(prompt.set("3.imagesa", 2_u64), Ok(Edited::Added { similar: Some("images.a".to_owned()) }));
}

#[test]
fn a_node_is_named_by_id_title_or_class() {
    for selector in ["6.text", "@Positive Prompt.text", r#"@"Positive Prompt".text"#, r#""6"."text""#] {
        assert_eq!(get(selector), r#""a fox""#, "{selector}");
    }
    for selector in ["@Flux.1 [pro].ckpt_name", "CheckpointLoaderSimple.ckpt_name"] {
        assert_eq!(get(selector), r#""a.safetensors""#, "{selector}");
    }
    insta::assert_snapshot!(get("CLIPTextEncode.text"), @r#"2 nodes have the class `CLIPTextEncode`, name one by its id: 6 (CLIPTextEncode, "Positive Prompt"), 7 (CLIPTextEncode, "Negative Prompt")"#);
    insta::assert_snapshot!(get("8.text"), @r#"no node has the id `8`; the prompt has: 3 (KSampler), 4 (CheckpointLoaderSimple, "Flux.1 [pro]"), 6 (CLIPTextEncode, "Positive Prompt"), 7 (CLIPTextEncode, "Negative Prompt"), @x (Curve), broken (B)"#);
    insta::assert_snapshot!(get("KSampler2.seed").split(';').next().unwrap(), @"no node has the id or class `KSampler2` (did you mean `KSampler`?)");
    insta::assert_snapshot!(get("@Flux.1 [pru].seed").split(';').next().unwrap(), @"no node has the title `Flux.1 [pru]` (did you mean `Flux.1 [pro]`?)");
}

#[test]
fn parts_of_lists_and_objects_are_reached() {
    assert_eq!(get("@x.list[2]"), "3");
    assert_eq!(get("@x.points[1][0]"), "1", "a wrapped list is entered");
    assert_eq!(get("@x.lora_1.lora"), r#""b.safetensors""#);
    assert_eq!(get("Curve.lora_1"), r#"{"on":true,"lora":"b.safetensors"}"#);
    assert_eq!(get(r#""@x"."lora_1"."on""#), "true");
    insta::assert_snapshot!(get("@x.list[3]"), @r#"there is no `"@x".list[3]`: what it would be a part of is an array of 3 items, [0] to [2]"#);
    insta::assert_snapshot!(get("@x.list[0][0]"), @r#"there is no `"@x".list[0][0]`: what it would be a part of is a number"#);
    insta::assert_snapshot!(get("@x.lust[0]"), @"node @x (Curve) has no input `lust` (did you mean `list`?); it has: points, list, lora_1");
    let mut prompt = parse(TITLED);
    assert_eq!(prompt.set("Curve.points[1][0]", 9_u64), Ok(Edited::Replaced(Value::from(1_u64))));
    assert_eq!(prompt.get("Curve.points").unwrap().to_json(), r#"{"__value__":[[0,0],[9,1]]}"#);
    assert_eq!(prompt.set("Curve.lora_1.strength", 0.5), Ok(Edited::Added { similar: None }));
    assert!(matches!(prompt.set("Curve.list[3]", 0_u64), Err(EditError::NoPart { len: Some(3), .. })));
    assert!(matches!(prompt.set("Curve.lost[3]", 0_u64), Err(EditError::NoInput { .. })));
    assert_eq!(prompt.remove_input("Curve.list[0]").unwrap().to_json(), "1");
    assert_eq!(prompt.remove_input("Curve.lora_1.on").unwrap().to_json(), "true");
    assert_eq!(prompt.get("Curve.list").unwrap().to_json(), "[2,3]");
}

#[test]
fn a_place_is_named_without_quotes_where_none_are_needed() {
    let prompt = parse(PROMPT);
    let named = |place: Place| (place.to_string(), place.selector_in(&prompt));
    assert_eq!(named(Place::new("3", "images.a")), (r#"3."images.a""#.to_owned(), "3.images.a".to_owned()));
    assert_eq!(named(Place::new("7", "0.x")).1, r#"7."0.x""#, "without quotes it is the node 7.0");
}

#[test]
fn what_is_no_selector_is_named() {
    for bad in
        ["seed", "", ".", "3.", ".seed", "@.x", "\"6.text", "\"6\"text", "\"6\".", "6.\"text", "6.\"a\"b"]
    {
        assert!(matches!(Selector::parse(bad), Err(EditError::Path { .. })), "{bad:?}");
    }
    assert!(Selector::parse(&format!("6.{}", "x".repeat(5000))).is_err());
    insta::assert_snapshot!(Selector::parse("seed").unwrap_err(), @"`seed` is not NODE.INPUT, such as 6.text");
}

#[test]
fn what_is_in_the_way_is_never_overwritten() {
    let mut prompt = parse(TITLED);
    insta::assert_snapshot!(prompt.set("broken.x", 1_u64).unwrap_err(), @"the `inputs` of node broken (B) are a number, and not an object");
    insta::assert_snapshot!(prompt.insert_node("3", NewNode::new("X")).unwrap_err(), @"the id `3` is taken");
    insta::assert_snapshot!(prompt.remove_node("@Positive Prompt").unwrap_err(), @r#"node 6 (CLIPTextEncode, "Positive Prompt") is in use: it feeds 3.positive"#);
    assert_eq!(prompt, parse(TITLED));
}

#[test]
fn nodes_are_removed_with_the_links_to_them() {
    let mut prompt = parse(TITLED);
    let removed = prompt.remove_nodes_and_links(["6", "@Negative Prompt"]).unwrap();
    assert_eq!(removed.nodes.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["6", "7"]);
    assert_eq!(removed.inputs, [Place::new("3", "positive"), Place::new("3", "negative")]);
    assert_eq!(
        prompt.node("3").unwrap().inputs().map(|(name, _)| name).collect::<Vec<_>>(),
        ["seed", "model"]
    );
    assert!(prompt.graph().dangling().next().is_none());
}

#[test]
fn a_replaced_node_keeps_its_links_and_title() {
    let mut prompt = parse(TITLED);
    let before = prompt.replace_node("KSampler", NewNode::new("Other").input("noise", 5_u64)).unwrap();
    assert_eq!(before.get_str("class_type"), Some("KSampler"));
    let json = Value::from(prompt.node("3").unwrap().as_object().clone()).to_json();
    assert_eq!(
        json,
        r#"{"class_type":"Other","inputs":{"positive":["6",0],"negative":["7",0],"model":["4",0],"noise":5}}"#
    );
    prompt.replace_node("6", NewNode::new("X").title("New")).unwrap();
    assert_eq!(prompt.find("@New").unwrap().class_type(), Some("X"));
}

#[test]
fn rewiring_never_closes_a_cycle() {
    let mut prompt = parse(
        r#"{"1":{"class_type":"Load","inputs":{}},
            "2":{"class_type":"A","inputs":{"model":["1",0]}},
            "3":{"class_type":"B","inputs":{"model":["2",0],"again":["1",0]}},
            "4":{"class_type":"Use","inputs":{"model":["1",0],"clip":["1",1],"lost":["8",0]}}}"#,
    );
    let places = |places: Vec<Place>| places.iter().map(Place::to_string).collect::<Vec<_>>();
    assert_eq!(places(prompt.rewire(("1", 0), ("B", 0)).unwrap()), ["4.model"]);
    assert_eq!(places(prompt.rewire(("8", 0), ("1", 2)).unwrap()), ["4.lost"]);
    assert_eq!(prompt.get("4.lost").unwrap().to_json(), r#"["1",2]"#);
    assert!(matches!(prompt.rewire(("8", 0), ("1", 2)), Err(EditError::NoNode { .. })));
    assert!(prompt.graph().order().is_ok());
}

#[test]
fn ids_are_swapped_and_never_shared() {
    let mut prompt = parse(TITLED);
    prompt.relabel([("6", "7"), ("7", "6")]).unwrap();
    assert_eq!(prompt.get("6.text").unwrap().to_json(), r#""blurry""#);
    assert_eq!(prompt.get("3.positive").unwrap().to_json(), r#"["7",0]"#);
    for (old, new) in [("6", "3"), ("nobody", "5")] {
        assert!(prompt.clone().relabel([(old, new)]).is_err(), "{old} {new}");
    }
    insta::assert_snapshot!(prompt.relabel([("6", "5"), ("7", "5")]).unwrap_err(), @"the id `5` is taken");
    let mut dangling = prompt_of(&[("1", &["9"]), ("2", &[])]);
    assert!(dangling.relabel([("2", "9")]).is_err(), "the lost link of 1 would lead to it");
}

#[test]
fn a_fresh_id_is_nobodys() {
    let fresh = |lines: &[(&str, &[&str])]| prompt_of(lines).add_node(NewNode::new("X")).as_str().to_owned();
    assert_eq!(fresh(&[("7", &[]), ("12:3", &[])]), "13");
    assert_eq!(fresh(&[("7", &["40"])]), "41", "a link that leads nowhere must not be caught");
    assert_eq!(fresh(&[("a", &[])]), "1");
    assert_eq!(fresh(&[("18446744073709551615", &[]), ("1", &[])]), "2");
}

#[test]
fn merging_never_connects_what_led_nowhere() {
    let mut prompt = prompt_of(&[("1", &["3"]), ("2", &[])]);
    let ids = prompt.merge(prompt_of(&[("2", &["1", "5"]), ("3", &["2"]), ("5", &[])]));
    let ids: Vec<_> = ids.iter().map(|(old, new)| format!("{old}→{new}")).collect();
    assert_eq!(ids, ["2→6", "3→7", "5→5"]);
    let lost: Vec<_> = prompt.graph().dangling().map(|used| used.link.node_id.to_owned()).collect();
    assert_eq!(lost, ["3", "8"]);
}
