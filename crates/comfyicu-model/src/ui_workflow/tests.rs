//! UI workflows in small: each peculiarity of the editor's format, and what becomes of it.

use super::*;

/// A few classes as ComfyUI defines classes, in small.
const CLASSES: &str = r#"{
    "Load": {"input": {"required": {"name": [["a.safetensors", "b.safetensors"]]}}, "output": ["MODEL", "VAE"]},
    "Tune": {"input": {"required": {"model": ["MODEL"], "strength": ["FLOAT", {"default": 1.0}]}}, "output": ["MODEL"]},
    "Sample": {"input": {"required": {
        "model": ["MODEL"], "seed": ["INT", {"default": 0, "control_after_generate": true}], "steps": ["INT", {"default": 20}]
    }}, "output": ["LATENT"]},
    "Save": {"input": {"required": {"latent": ["LATENT"], "prefix": ["STRING", {"default": "out"}]}}, "output": [], "output_node": true},
    "Int": {"input": {"required": {"value": ["INT", {"default": 1}]}}, "output": ["INT"]},
    "Grow": {"input": {"required": {
        "images": ["COMFY_AUTOGROW_V3", {"template": {"input": {"required": {"image": ["LATENT", {}]}}, "prefix": "image", "min": 1, "max": 9}}],
        "mode": ["COMFY_DYNAMICCOMBO_V3", {"options": [
            {"key": "plain", "inputs": {"required": {}}},
            {"key": "sized", "inputs": {"required": {"width": ["INT", {"default": 64}], "mask": ["LATENT"]}}}
        ]}],
        "last": ["STRING", {"default": "z"}]
    }}, "output": ["LATENT"]}
}"#;

pub(super) fn object_info() -> ObjectInfo {
    ObjectInfo::parse(CLASSES.as_bytes()).unwrap()
}

/// Converts a workflow of these nodes and links, and gives the inputs of the prompt's nodes, one a line.
pub(super) fn convert(nodes: &str, links: &str) -> String {
    convert_whole(&format!(
        r#"{{"version": 0.4, "last_node_id": 90, "nodes": [{nodes}], "links": [{links}]}}"#
    ))
}

pub(super) fn convert_whole(workflow: &str) -> String {
    convert_with(workflow, &ConvertOptions::default())
}

/// Gives the findings too, each on a line behind the nodes.
fn convert_with(workflow: &str, options: &ConvertOptions) -> String {
    let workflow = UiWorkflow::parse(workflow.as_bytes()).unwrap();
    let Conversion { prompt, findings } = workflow.to_prompt(&object_info(), options).unwrap();
    let line = |node: crate::Node<'_>| {
        let inputs = node.as_object().get("inputs").map(Value::to_json).unwrap_or_default();
        format!("{} {} {inputs}", node.id(), node.class_type().unwrap_or("?"))
    };
    let findings = findings.iter().map(|finding| format!("{}: {finding}", finding.code));
    prompt.nodes().map(line).chain(findings).collect::<Vec<_>>().join("\n")
}

pub(super) const LOAD: &str =
    r#"{"id": 1, "type": "Load", "mode": 0, "order": 0, "widgets_values": ["b.safetensors"]}"#;

#[test]
fn a_node_called_nodes_is_not_a_ui_workflow() {
    let prompt: Object = [("nodes", Object::from_iter([("class_type", "X")]))].into_iter().collect();
    assert!(!is_ui_workflow(&prompt));
}

#[test]
fn what_is_not_a_ui_workflow_is_named() {
    let error = |json: &str| UiWorkflow::parse(json.as_bytes()).unwrap_err();
    insta::assert_snapshot!(error("[]"), @"a UI workflow is an object, but this is an array");
    insta::assert_snapshot!(error(r#"{"1": {"class_type": "X"}}"#), @"this is not a UI workflow: it has no list of nodes");
    assert!(matches!(error("{"), ParseUiWorkflowError::Json(_)));
}

#[test]
fn everything_in_a_file_is_kept() {
    let json = r#"{"nodes":[{"id":1,"pos":{"0":1.0,"1":2}}],"links":[null,[1]],"version":0.4,"seed_widgets":{"1":18446744073709551616}}"#;
    assert_eq!(UiWorkflow::parse(json.as_bytes()).unwrap().to_json(), json);
}

#[test]
fn values_follow_the_widgets_and_the_control_after_a_seed_is_left_out() {
    let sample = |values: &str, inputs: &str| {
        let node = format!(
            r#"{{"id": 2, "type": "Sample", "order": 1, "inputs": [{inputs}], "widgets_values": {values}}}"#
        );
        convert(&format!("{LOAD}, {node}"), r#"[5, 1, 0, 2, 0, "MODEL"]"#)
    };
    let model = r#"{"name": "model", "type": "MODEL", "link": 5}"#;
    insta::assert_snapshot!(sample(r#"[18446744073709551615, "randomize", 30]"#, model), @r#"
    1 Load {"name":"b.safetensors"}
    2 Sample {"seed":18446744073709551615,"steps":30,"model":["1",0]}
    "#);
    insta::assert_snapshot!(sample("[7, true, 30]", model), @r#"
    1 Load {"name":"b.safetensors"}
    2 Sample {"seed":7,"steps":30,"model":["1",0]}
    "#);
    insta::assert_snapshot!(sample("[7]", model), @r#"
    1 Load {"name":"b.safetensors"}
    2 Sample {"seed":7,"steps":20,"model":["1",0]}
    "#);
    insta::assert_snapshot!(sample("[7, \"fixed\", 30, 1, 2, 3]", model), @r#"
    1 Load {"name":"b.safetensors"}
    2 Sample {"seed":7,"steps":30,"model":["1",0]}
    "#);
    insta::assert_snapshot!(sample(r#"{"steps": 3, "seed": 9, "other": 1}"#, model), @r#"
    1 Load {"name":"b.safetensors"}
    2 Sample {"seed":9,"steps":3,"model":["1",0]}
    "#);
}

#[test]
fn a_link_takes_the_place_of_a_widgets_value() {
    let nodes = r#"{"id": 1, "type": "Int", "widgets_values": [5]},
        {"id": 2, "type": "Sample", "inputs": [{"name": "steps", "type": "INT", "widget": {"name": "steps"}, "link": 1}], "widgets_values": [7, "fixed", 30]}"#;
    insta::assert_snapshot!(convert(nodes, r#"[1, 1, 0, 2, 99, "INT"]"#), @r#"
    1 Int {"value":5}
    2 Sample {"seed":7,"steps":["1",0]}
    "#);
}

#[test]
fn links_lead_through_nodes_of_the_editor_and_bypassed_ones() {
    let nodes = |mode: u8| {
        format!(
            r#"{LOAD},
            {{"id": 2, "type": "Tune", "mode": {mode}, "inputs": [{{"name": "model", "type": "MODEL", "link": 1}}], "widgets_values": [0.5]}},
            {{"id": 3, "type": "Reroute", "inputs": [{{"name": "", "type": "*", "link": 2}}]}},
            {{"id": 4, "type": "Sample", "inputs": [{{"name": "model", "type": "MODEL", "link": 3}}], "widgets_values": [1, "fixed", 2]}},
            {{"id": 5, "type": "Note", "widgets_values": ["words"]}}"#
        )
    };
    let links = r#"[1, 1, 0, 2, 0, "MODEL"], [2, 2, 0, 3, 0, "MODEL"], [3, 3, 0, 4, 0, "MODEL"]"#;
    insta::assert_snapshot!(convert(&nodes(0), links), @r#"
    1 Load {"name":"b.safetensors"}
    2 Tune {"strength":0.5,"model":["1",0]}
    4 Sample {"seed":1,"steps":2,"model":["2",0]}
    "#);
    insta::assert_snapshot!(convert(&nodes(4), links), @r#"
    1 Load {"name":"b.safetensors"}
    4 Sample {"seed":1,"steps":2,"model":["1",0]}
    "#);
    insta::assert_snapshot!(convert(&nodes(2), links), @r#"
    1 Load {"name":"b.safetensors"}
    4 Sample {"seed":1,"steps":2}
    "#);
}

#[test]
fn a_primitive_node_gives_its_value_to_widgets() {
    let nodes = r#"{"id": 1, "type": "PrimitiveNode", "widgets_values": [77, "randomize"]},
        {"id": 2, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 1}]},
        {"id": 3, "type": "Sample", "inputs": [{"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 2}], "widgets_values": [1, "fixed", 2]}"#;
    insta::assert_snapshot!(convert(nodes, r#"[1, 1, 0, 2, 0, "INT"], [2, 2, 0, 3, 0, "INT"]"#), @r#"3 Sample {"seed":77,"steps":2}"#);
}

#[test]
fn a_circle_of_reroutes_is_an_error() {
    let nodes = r#"{"id": 1, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 2}]},
        {"id": 2, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 1}]},
        {"id": 3, "type": "Save", "inputs": [{"name": "latent", "type": "LATENT", "link": 3}]}"#;
    let links = r#"[1, 1, 0, 2, 0, "*"], [2, 2, 0, 1, 0, "*"], [3, 2, 0, 3, 0, "*"]"#;
    let json = format!(r#"{{"version": 0.4, "nodes": [{nodes}], "links": [{links}]}}"#);
    let error = UiWorkflow::parse(json.as_bytes())
        .unwrap()
        .to_prompt(&object_info(), &ConvertOptions::default())
        .unwrap_err();
    insta::assert_snapshot!(error, @"node 3, input `latent`: the link leads in a circle");
}

#[test]
fn a_choice_brings_its_own_inputs_and_a_list_only_those_that_are_linked() {
    let nodes = r#"{"id": 1, "type": "Sample"},
        {"id": 2, "type": "Grow", "inputs": [
            {"name": "images.image0", "type": "LATENT", "link": 1}, {"name": "images.image1", "type": "LATENT", "link": null},
            {"name": "mode.mask", "type": "LATENT", "link": 2}
        ], "widgets_values": ["sized", 128, "end"]},
        {"id": 3, "type": "Grow", "widgets_values": ["plain", "end"]}"#;
    insta::assert_snapshot!(convert(nodes, r#"[1, 1, 0, 2, 0, "LATENT"], [2, 1, 0, 2, 2, "LATENT"]"#), @r#"
    1 Sample {"seed":0,"steps":20}
    2 Grow {"mode":"sized","mode.width":128,"last":"end","images.image0":["1",0],"mode.mask":["1",0]}
    3 Grow {"mode":"plain","last":"end"}
    "#);
}

/// A workflow with two instances of one subgraph, in which a sampler's steps and seed are shown outside.
fn subgraph(instances: &str, links: &str) -> String {
    convert_whole(&format!(
        r#"{{"version": 0.4, "last_node_id": 9, "nodes": [{LOAD}, {instances}], "links": [{links}], "definitions": {{"subgraphs": [{{
            "id": "sub", "name": "Sampling",
            "inputs": [{{"name": "model", "type": "MODEL", "linkIds": [1]}}, {{"name": "steps", "type": "INT", "linkIds": [2]}}],
            "outputs": [{{"name": "LATENT", "type": "LATENT", "linkIds": [3]}}],
            "nodes": [{{"id": 1, "type": "Sample", "inputs": [
                {{"name": "model", "type": "MODEL", "link": 1}}, {{"name": "steps", "type": "INT", "widget": {{"name": "steps"}}, "link": 2}}
            ], "widgets_values": [5, "fixed", 20]}}],
            "links": [
                {{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": "MODEL"}},
                {{"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 1, "target_slot": 1, "type": "INT"}},
                {{"id": 3, "origin_id": 1, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "LATENT"}}
            ]
        }}]}}}}"#
    ))
}

#[test]
fn a_subgraph_is_unfolded_and_its_instances_have_values_of_their_own() {
    let save = r#"{"id": 4, "type": "Save", "inputs": [{"name": "latent", "type": "LATENT", "link": 2}]}"#;
    let instance = |id: u8, mode: u8, rest: &str| {
        format!(
            r#"{{"id": {id}, "type": "sub", "mode": {mode}, "inputs": [{{"name": "model", "type": "MODEL", "link": 1}}], {rest}}}"#
        )
    };
    let links = r#"[1, 1, 0, 2, 0, "MODEL"], [2, 2, 0, 4, 0, "LATENT"]"#;
    let of_own = format!(
        "{}, {}, {save}",
        instance(2, 0, r#""widgets_values": [33]"#),
        instance(3, 0, r#""widgets_values": [44]"#)
    );
    insta::assert_snapshot!(subgraph(&of_own, links), @r#"
    1 Load {"name":"b.safetensors"}
    4 Save {"prefix":"out","latent":["2:10",0]}
    2:10 Sample {"seed":5,"steps":33,"model":["1",0]}
    3:10 Sample {"seed":5,"steps":44,"model":["1",0]}
    "#);
    let proxies = instance(
        2,
        0,
        r#""properties": {"proxyWidgets": [["1", "seed"], ["-1", "steps"]]}, "widgets_values": [8, 9]"#,
    );
    insta::assert_snapshot!(subgraph(&format!("{proxies}, {save}"), links), @r#"
    1 Load {"name":"b.safetensors"}
    4 Save {"prefix":"out","latent":["2:10",0]}
    2:10 Sample {"seed":8,"steps":9,"model":["1",0]}
    "#);
    let shown = instance(2, 0, r#""properties": {"proxyWidgets": [["1", "steps"]]}, "widgets_values": []"#);
    insta::assert_snapshot!(subgraph(&format!("{shown}, {save}"), links), @r#"
    1 Load {"name":"b.safetensors"}
    4 Save {"prefix":"out","latent":["2:10",0]}
    2:10 Sample {"seed":5,"steps":20,"model":["1",0]}
    "#);
    insta::assert_snapshot!(subgraph(&format!("{}, {save}", instance(2, 2, r#""widgets_values": [1]"#)), links), @r#"
    1 Load {"name":"b.safetensors"}
    4 Save {"prefix":"out"}
    "#);
}

#[test]
fn a_subgraph_in_itself_is_an_error() {
    let json = r#"{"version": 0.4, "nodes": [{"id": 1, "type": "a"}], "links": [], "definitions": {"subgraphs": [
        {"id": "a", "nodes": [{"id": 2, "type": "b"}]}, {"id": "b", "nodes": [{"id": 3, "type": "a"}]}
    ]}}"#;
    let error = UiWorkflow::parse(json.as_bytes())
        .unwrap()
        .to_prompt(&object_info(), &ConvertOptions::default())
        .unwrap_err();
    insta::assert_snapshot!(error, @"node 1:2:3 is an instance of a subgraph that it is in itself");
}

#[test]
fn subgraphs_that_grow_without_bound_are_an_error() {
    let definition = |at: u32| {
        let inner = at + 1;
        format!(
            r#"{{"id": "s{at}", "nodes": [{{"id": 1, "type": "s{inner}"}}, {{"id": 2, "type": "s{inner}"}}]}}"#
        )
    };
    let definitions: Vec<_> = (0..60).map(definition).collect();
    let json = format!(
        r#"{{"version": 1, "nodes": [{{"id": 1, "type": "s0"}}], "links": [], "definitions": {{"subgraphs": [{}]}}}}"#,
        definitions.join(",")
    );
    let error = UiWorkflow::parse(json.as_bytes())
        .unwrap()
        .to_prompt(&object_info(), &ConvertOptions::default())
        .unwrap_err();
    insta::assert_snapshot!(error, @"the workflow has more than 100000 nodes, those in its subgraphs counted as often as they are used");
}

#[test]
fn ids_that_stand_twice_are_renumbered_as_the_editor_does() {
    let json = r#"{"version": 0.4, "last_node_id": 5, "nodes": [{"id": 5, "type": "sub"}, {"id": 1, "type": "Load"}], "links": [],
        "definitions": {"subgraphs": [{"id": "sub", "nodes": [{"id": 7, "type": "Int"}, {"id": 5, "type": "Int"}, {"id": 8, "type": "Int"}]}]}}"#;
    insta::assert_snapshot!(convert_whole(json), @r#"
    1 Load {"name":"a.safetensors"}
    5:7 Int {"value":1}
    5:8 Int {"value":1}
    5:9 Int {"value":1}
    "#);
}

#[test]
fn a_group_node_is_unfolded_with_the_values_that_it_lists() {
    let json = r#"{"version": 0.4, "last_node_id": 5, "nodes": [
        {"id": 1, "type": "Load", "widgets_values": ["b.safetensors"]},
        {"id": 5, "type": "workflow>Pair", "inputs": [{"name": "model", "type": "MODEL", "link": 1}], "widgets_values": [0.25, 123, "randomize", 40]},
        {"id": 6, "type": "Save", "inputs": [{"name": "latent", "type": "LATENT", "link": 2}]}
    ], "links": [[1, 1, 0, 5, 0, "MODEL"], [2, 5, 0, 6, 0, "LATENT"]], "extra": {"groupNodes": {"Pair": {
        "nodes": [
            {"index": 0, "type": "Tune", "inputs": [{"name": "model", "type": "MODEL"}], "outputs": [{"name": "MODEL", "type": "MODEL"}], "widgets_values": [1]},
            {"index": 1, "type": "Sample", "inputs": [{"name": "model", "type": "MODEL"}], "outputs": [{"name": "LATENT", "type": "LATENT"}], "widgets_values": [0, "fixed", 20]}
        ],
        "links": [[0, 0, 1, 0, 1, "MODEL"]], "external": []
    }}}}"#;
    insta::assert_snapshot!(convert_whole(json), @r#"
    1 Load {"name":"b.safetensors"}
    6 Save {"prefix":"out","latent":["5:1",0]}
    5:0 Tune {"strength":0.25,"model":["1",0]}
    5:1 Sample {"seed":123,"steps":40,"model":["5:0",0]}
    "#);
}

#[test]
fn a_name_stands_for_what_was_given_that_name() {
    let nodes = r#"{"id": 1, "type": "Sample"},
        {"id": 2, "type": "SetNode", "inputs": [{"name": "LATENT", "type": "LATENT", "link": 1}], "widgets_values": ["first"]},
        {"id": 3, "type": "GetNode", "widgets_values": ["first"]}, {"id": 4, "type": "GetNode", "widgets_values": ["second"]},
        {"id": 5, "type": "Save", "inputs": [{"name": "latent", "type": "LATENT", "link": 2}]},
        {"id": 6, "type": "Save", "inputs": [{"name": "latent", "type": "LATENT", "link": 3}]}"#;
    let links = r#"[1, 1, 0, 2, 0, "LATENT"], [2, 3, 0, 5, 0, "LATENT"], [3, 4, 0, 6, 0, "LATENT"]"#;
    insta::assert_snapshot!(convert(nodes, links), @r#"
    1 Sample {"seed":0,"steps":20}
    5 Save {"prefix":"out","latent":["1",0]}
    6 Save {"prefix":"out"}
    missing_set_node: node 6 (Save), input `latent`: no node gives anything the name "second"
    "#);
}

#[test]
fn a_class_without_definition_is_converted_from_what_the_file_says() {
    let nodes = r#"{"id": 1, "type": "Named", "widgets_values": {"seed": 5, "control_after_generate": "fixed", "size": 2}},
        {"id": 2, "type": "Beside", "widgets_values": [7, 8], "widgets_values_named": {"x": 7, "y": 8}},
        {"id": 3, "type": "Sockets", "inputs": [
            {"name": "in", "type": "X", "link": 1}, {"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": null},
            {"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": null}
        ], "widgets_values": [9, "randomize", "words"]},
        {"id": 4, "type": "Old", "inputs": [{"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 2}], "widgets_values": [1, "fixed", 3]},
        {"id": 5, "type": "Fast Muter (rgthree)"}"#;
    insta::assert_snapshot!(convert(nodes, r#"[1, 1, 0, 3, 0, "X"], [2, 1, 1, 4, 0, "INT"]"#), @r#"
    1 Named {"seed":5,"size":2}
    2 Beside {"x":7,"y":8}
    3 Sockets {"seed":9,"text":"words","in":["1",0]}
    4 Old {"seed":["1",1]}
    unknown_class: node 1 (Named): the node definitions lack the class; what the file says was used (take the definitions from the server that will run it)
    unknown_class: node 2 (Beside): the node definitions lack the class; what the file says was used (take the definitions from the server that will run it)
    unknown_class: node 3 (Sockets): the node definitions lack the class; what the file says was used (take the definitions from the server that will run it)
    unknown_class: node 4 (Old): the node definitions lack the class; what the file says was used (take the definitions from the server that will run it)
    unknown_widgets: node 4 (Old): the file does not tell the names of its 2 widgets; their values were left out
    "#);
}

#[test]
fn what_a_file_leaves_open_is_said() {
    let nodes = r#"{"id": 1, "type": "Grow", "widgets_values": ["new", 1, "end"]},
        {"id": 2, "type": "Save", "inputs": [{"name": "latent", "type": "LATENT", "link": 44}]}"#;
    insta::assert_snapshot!(convert(nodes, ""), @r#"
    1 Grow {"mode":"new","last":1}
    2 Save {"prefix":"out"}
    unknown_choice: node 1 (Grow), input `mode`: "new" is no choice that the definitions know; values after it may be out of place
    lost_link: node 2 (Save), input `latent`: the file has no such link, or not the node that it is from
    "#);
    insta::assert_snapshot!(convert(r#"{"id": 1, "type": "Note"}"#, ""), @"prompt_no_nodes: nothing in the workflow runs");
}

#[test]
fn texts_are_kept_or_filled_in_as_asked() {
    let workflow = r#"{"version": 0.4, "links": [], "nodes": [
        {"id": 1, "type": "Text", "title": "Prompt", "widgets_values": ["a {red|red} car // or bus"]},
        {"id": 2, "type": "Save2", "widgets_values": ["%date:yyyy%/%Prompt.text%"]}
    ]}"#;
    let object_info = ObjectInfo::parse(
        br#"{"Text": {"input": {"required": {"text": ["STRING", {"multiline": true, "dynamicPrompts": true}]}}, "output": []},
        "Save2": {"input": {"required": {"filename_prefix": ["STRING", {"default": "x"}]}}, "output": []}}"#,
    )
    .unwrap();
    let show = |options: &ConvertOptions| {
        let conversion =
            UiWorkflow::parse(workflow.as_bytes()).unwrap().to_prompt(&object_info, options).unwrap();
        let values = conversion.prompt.nodes().flat_map(|node| node.inputs()).map(|(_, input)| match input {
            crate::Input::Literal(value) => value.to_json(),
            crate::Input::Link(_) => unreachable!("there are no links"),
        });
        values.chain(conversion.findings.iter().map(ToString::to_string)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(show(&ConvertOptions::new()), @r#"
    "a {red|red} car // or bus"
    "%date:yyyy%/%Prompt.text%"
    node 1 (Text), input `text`: the editor would choose between the alternatives in the text; they were kept
    node 2 (Save2), input `filename_prefix`: the editor would fill in what is between percent signs; it was kept
    "#);
    let now = LocalTime { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5 };
    insta::assert_snapshot!(show(&ConvertOptions::new().choose_alternatives(1).fill_in_names(now)), @r#"
    "a red car "
    "2026/a {red_red} car __ or bus"
    "#);
}

#[test]
fn more_inputs_or_levels_than_people_make_are_an_error() {
    let error = |json: String| {
        UiWorkflow::parse(json.as_bytes())
            .unwrap()
            .to_prompt(&object_info(), &ConvertOptions::new())
            .unwrap_err()
    };
    let inputs = vec![r#"{"name": "x"}"#; 1001].join(",");
    insta::assert_snapshot!(error(format!(r#"{{"version": 1, "nodes": [{{"id": 1, "type": "X", "inputs": [{inputs}]}}]}}"#)), @"the workflow has more than 1000 inputs at one node");
    let levels: Vec<_> = (0..10_000)
        .map(|at| format!(r#"{{"id": "s{at}", "nodes": [{{"id": 1, "type": "s{}"}}]}}"#, at + 1))
        .collect();
    insta::assert_snapshot!(error(format!(r#"{{"version": 1, "nodes": [{{"id": 1, "type": "s0"}}], "definitions": {{"subgraphs": [{}]}}}}"#, levels.join(","))), @"the workflow has more than 64 subgraphs inside each other");
}
