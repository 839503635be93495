//! What pictures show.

use crate::json::Value;
use crate::{ObjectInfo, Prompt};

const PROMPT: &[u8] = br#"{
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a \"red\" fox\nin {the} snow", "clip": ["4", 1]}, "_meta": {"title": "Positive <prompt>"}},
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0], "positive": ["6", 0], "latent_image": ["gone", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}
}"#;

fn prompt() -> Prompt {
    Prompt::parse(PROMPT).unwrap()
}

#[test]
fn a_text_shows_below_each_node_what_it_needs() {
    insta::assert_snapshot!(prompt().drawing(None).to_text());
}

#[test]
fn what_is_in_a_circle_is_shown_once() {
    let json = br#"{"a": {"class_type": "A", "inputs": {"x": ["b", 0]}}, "b": {"class_type": "B", "inputs": {"x": ["a", 0], "y": ["b", 1]}}}"#;
    let prompt = Prompt::parse(json).unwrap();
    insta::assert_snapshot!(prompt.drawing(None).to_text());
}

#[test]
fn a_flowchart_for_mermaid() {
    insta::assert_snapshot!(prompt().drawing(None).to_mermaid());
}

#[test]
fn a_graph_for_graphviz() {
    insta::assert_snapshot!(prompt().drawing(None).to_dot());
}

#[test]
fn data_has_the_nodes_and_the_links_between_them() {
    let mut lines = Vec::new();
    let object = prompt().drawing(None).to_object();
    for list in ["nodes", "links"] {
        lines.extend(object.get(list).and_then(Value::as_array).unwrap().iter().map(Value::to_json));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"id":"4","class_type":"CheckpointLoaderSimple","title":null}
    {"id":"6","class_type":"CLIPTextEncode","title":"Positive <prompt>"}
    {"id":"3","class_type":"KSampler","title":null}
    {"id":"8","class_type":"VAEDecode","title":null}
    {"id":"9","class_type":"SaveImage","title":null}
    {"from":"4","slot":1,"to":"6","input":"clip","type":"CLIP"}
    {"from":"4","slot":0,"to":"3","input":"model","type":"MODEL"}
    {"from":"6","slot":0,"to":"3","input":"positive","type":"CONDITIONING"}
    {"from":"3","slot":0,"to":"8","input":"samples","type":"LATENT"}
    {"from":"4","slot":2,"to":"8","input":"vae","type":"VAE"}
    {"from":"8","slot":0,"to":"9","input":"images","type":"IMAGE"}
    "#);
}

#[test]
fn definitions_name_the_types_and_outputs() {
    let definitions = br#"{"CheckpointLoaderSimple": {"input": {}, "output": ["MODEL", "CLIP", "ODD"], "output_name": ["MODEL", "CLIP", "the vae"]}}"#;
    let object_info = ObjectInfo::parse(definitions).unwrap();
    let (plain, exact) = (prompt(), prompt());
    let (plain, exact) = (plain.drawing(None).to_dot(), exact.drawing(Some(&object_info)).to_dot());
    let vae =
        |dot: &str| dot.lines().find(|line| line.contains("label=\"vae\"")).unwrap_or_default().to_owned();
    assert_ne!(vae(&plain), vae(&exact));
}

#[cfg(feature = "svg")]
mod svg {
    use proptest::prelude::*;

    use super::*;
    use crate::json::Object;

    fn texts(svg: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        let texts = document.descendants().filter(|node| node.has_tag_name("text"));
        texts.filter_map(|node| node.text()).map(str::to_owned).collect()
    }

    #[test]
    fn an_image_has_a_box_for_each_node_and_a_curve_for_each_link() {
        let svg = prompt().drawing(None).to_svg();
        let texts = texts(&svg);
        for text in ["KSampler", "Positive <prompt>", "ckpt_name: v1-5.safetensors", "seed: 1", "images"] {
            assert!(texts.iter().any(|shown| shown == text), "{text}: {texts:?}");
        }
        assert_eq!(svg.matches("<path class=\"l").count(), 6);
        assert_eq!(svg.matches("<g ").count(), 5);
    }

    #[test]
    fn boxes_do_not_lie_on_each_other_and_links_lead_to_the_right() {
        let prompt = prompt();
        let drawing = prompt.drawing(None);
        let size = super::super::layout::Size { width: 100.0, height: 60.0 };
        let places = super::super::layout::places(&drawing, &vec![size; drawing.nodes.len()]);
        for edge in &drawing.edges {
            assert!(places[edge.from.0].x + size.width <= places[edge.to.0].x, "{edge:?} {places:?}");
        }
        for (at, one) in places.iter().enumerate() {
            for other in &places[at + 1..] {
                let (dx, dy) = ((one.x - other.x).abs(), (one.y - other.y).abs());
                assert!(dx >= size.width || dy >= size.height, "{places:?}");
            }
        }
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        let json = br#"{"<a&\"'>]]>": {"class_type": "\u0000\u0001\uffff<!--", "inputs": {"</svg>": "\u001b[31m", "b": "\ud83e\udd8a"}}}"#;
        let prompt = Prompt::parse(json).unwrap();
        assert!(texts(&prompt.drawing(None).to_svg()).iter().any(|text| text.contains("</svg>")));
    }

    #[test]
    fn a_large_prompt_is_drawn_too() {
        let node =
            |at: usize| format!(r#""{at}": {{"class_type": "A", "inputs": {{"x": ["{}", 0]}}}}"#, at / 2);
        let nodes: Vec<_> = (1..3_000).map(node).collect();
        let prompt = Prompt::parse(format!("{{{}}}", nodes.join(",")).as_bytes()).unwrap();
        assert_eq!(prompt.drawing(None).to_svg().matches("<g ").count(), 2_999);
    }

    /// Prompts with any texts, and links between any two nodes.
    fn any_prompt() -> impl Strategy<Value = Prompt> {
        let input = prop_oneof![
            any::<String>().prop_map(Value::from),
            (0..6_u64, 0..3_u64)
                .prop_map(|(node, slot)| vec![Value::from(node.to_string()), slot.into()].into()),
        ];
        let node = (any::<String>(), prop::collection::vec((any::<String>(), input), 0..5), any::<String>());
        let node = node.prop_map(|(class, inputs, title)| {
            Value::from(Object::from_iter([
                ("class_type", Value::from(class)),
                ("inputs", inputs.into_iter().collect::<Object>().into()),
                ("_meta", Object::from_iter([("title", title)]).into()),
            ]))
        });
        prop::collection::vec(node, 1..6).prop_map(|nodes| {
            let nodes = nodes.into_iter().enumerate().map(|(at, node)| (at.to_string(), node));
            Prompt::try_from(nodes.collect::<Object>()).unwrap()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_prompt_has_its_pictures(prompt in any_prompt()) {
            let drawing = prompt.drawing(None);
            texts(&drawing.to_svg());
            let is_whole = drawing.to_mermaid().starts_with("flowchart") && drawing.to_dot().ends_with("}\n");
            prop_assert!(is_whole);
            prop_assert_eq!(drawing.to_text().is_empty(), prompt.nodes().next().is_none());
        }
    }
}
