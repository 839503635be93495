//! Nodes that give to every input of a type, by the rules of their pack.

use crate::ui_workflow::tests::{LOAD, convert, convert_whole, object_info};

#[test]
fn what_comes_into_anything_everywhere_goes_to_every_input_of_its_type() {
    let nodes = |rest: &str| {
        format!(
            r#"{LOAD}, {{"id": 2, "type": "Anything Everywhere", "inputs": [{{"name": "anything", "type": "*", "link": 1}}]}},
            {{"id": 3, "type": "Sample", "inputs": [{{"name": "model", "type": "MODEL", "link": null}}]}}, {rest}"#
        )
    };
    let by_type =
        nodes(r#"{"id": 4, "type": "Sample", "inputs": [{"name": "model", "type": "MODEL", "link": 1}]}"#);
    insta::assert_snapshot!(convert(&by_type, r#"[1, 1, 0, 2, 0, "*"]"#), @r#"
    1 Load {"name":"b.safetensors"}
    2 Anything Everywhere {"anything":["1",0]}
    3 Sample {"seed":0,"steps":20,"model":["1",0]}
    4 Sample {"seed":0,"steps":20,"model":["1",0]}
    unknown_class: node 2 (Anything Everywhere): the node definitions lack the class; what the file says was used (take the definitions from the server that will run it)
    "#);
    let listed = format!(
        r#"{{"version": 0.4, "nodes": [{}], "links": [[1, 1, 0, 2, 0, "*"]], "extra": {{"ue_links": [
            {{"downstream": 4, "downstream_slot": 0, "upstream": "1", "upstream_slot": 0, "controller": 2, "type": "MODEL"}}
        ]}}}}"#,
        nodes(r#"{"id": 4, "type": "Sample", "inputs": [{"name": "model", "type": "MODEL"}]}"#)
    );
    insta::assert_snapshot!(convert_whole(&listed), @r#"
    1 Load {"name":"b.safetensors"}
    2 Anything Everywhere {"anything":["1",0]}
    3 Sample {"seed":0,"steps":20}
    4 Sample {"seed":0,"steps":20,"model":["1",0]}
    unknown_class: node 2 (Anything Everywhere): the node definitions lack the class; what the file says was used (take the definitions from the server that will run it)
    "#);
}

/// What the inputs of a prompt are linked to, one node a line: `3: model=1`. Broadcasters are left out.
fn linked(nodes: &str, links: &str) -> String {
    let prompt = convert(nodes, links);
    let is_told = |line: &&str| !line.contains("Everywhere") || line.starts_with("ambiguous");
    prompt.lines().filter(is_told).collect::<Vec<_>>().join("\n")
}

const SAMPLE: &str = r#"{"id": 3, "type": "Sample", "title": "first", "inputs": [{"name": "model", "type": "MODEL", "link": null}]},
    {"id": 4, "type": "Sample", "title": "second", "inputs": [{"name": "model", "type": "MODEL", "link": null}]}"#;

/// A broadcaster of a model, with whatever else it says.
fn broadcaster(id: u8, class: &str, rest: &str) -> String {
    format!(
        r#"{{"id": {id}, "type": "{class}", "inputs": [{{"name": "anything", "type": "*", "link": 1}}], {rest}}}"#
    )
}

const LINK: &str = r#"[1, 1, 0, 2, 0, "*"]"#;

#[test]
fn patterns_say_which_nodes_get_it() {
    let old = broadcaster(2, "Anything Everywhere?", r#""widgets_values": ["^sec", "mod.l", ""]"#);
    insta::assert_snapshot!(linked(&format!("{LOAD}, {old}, {SAMPLE}"), LINK), @r#"
    1 Load {"name":"b.safetensors"}
    3 Sample {"seed":0,"steps":20}
    4 Sample {"seed":0,"steps":20,"model":["1",0]}
    "#);
    let inverted = broadcaster(
        2,
        "Anything Everywhere",
        r#""properties": {"ue_properties": {"version": "7.0", "title_regex": "^sec", "title_regex_invert": true}}"#,
    );
    insta::assert_snapshot!(linked(&format!("{LOAD}, {inverted}, {SAMPLE}"), LINK), @r#"
    1 Load {"name":"b.safetensors"}
    3 Sample {"seed":0,"steps":20,"model":["1",0]}
    4 Sample {"seed":0,"steps":20}
    "#);
}

#[test]
fn of_two_the_more_particular_gives_and_of_two_equal_ones_none() {
    let load = r#"{"id": 9, "type": "Load", "widgets_values": ["a.safetensors"]}"#;
    let other = |rest: &str| {
        format!(
            r#"{{"id": 5, "type": "Anything Everywhere", "inputs": [{{"name": "anything", "type": "*", "link": 2}}], {rest}}}"#
        )
    };
    let both = |rest: &str| {
        let one = broadcaster(2, "Anything Everywhere", r#""mode": 0"#);
        linked(
            &format!("{LOAD}, {load}, {one}, {}, {SAMPLE}", other(rest)),
            &format!(r#"{LINK}, [2, 9, 0, 5, 0, "*"]"#),
        )
    };
    insta::assert_snapshot!(both(r#""properties": {"ue_properties": {"version": "7.0", "title_regex": "first"}}"#), @r#"
    1 Load {"name":"b.safetensors"}
    3 Sample {"seed":0,"steps":20,"model":["9",0]}
    4 Sample {"seed":0,"steps":20,"model":["1",0]}
    9 Load {"name":"a.safetensors"}
    "#);
    insta::assert_snapshot!(both(r#""properties": {"ue_properties": {"version": "7.0", "priority": 5}}"#), @r#"
    1 Load {"name":"b.safetensors"}
    3 Sample {"seed":0,"steps":20,"model":["1",0]}
    4 Sample {"seed":0,"steps":20,"model":["1",0]}
    9 Load {"name":"a.safetensors"}
    "#);
    insta::assert_snapshot!(both(r#""mode": 0"#), @r#"
    1 Load {"name":"b.safetensors"}
    3 Sample {"seed":0,"steps":20}
    4 Sample {"seed":0,"steps":20}
    9 Load {"name":"a.safetensors"}
    ambiguous_broadcast: node 3 (Sample), input `model`: several nodes give something to every such input, so that it gets nothing (link it, or let one of them come first)
    ambiguous_broadcast: node 4 (Sample), input `model`: several nodes give something to every such input, so that it gets nothing (link it, or let one of them come first)
    "#);
    insta::assert_snapshot!(both(r#""mode": 4"#), @r#"
    1 Load {"name":"b.safetensors"}
    3 Sample {"seed":0,"steps":20,"model":["1",0]}
    4 Sample {"seed":0,"steps":20,"model":["1",0]}
    9 Load {"name":"a.safetensors"}
    "#);
}

#[test]
fn a_seed_goes_to_seeds_that_have_been_turned_into_inputs() {
    let seed = r#"{"id": 2, "type": "Seed Everywhere", "inputs": [], "outputs": [{"name": "int", "type": "INT"}], "widgets_values": [7, "fixed"]}"#;
    let sample = |id: u8, inputs: &str, properties: &str| {
        format!(r#"{{"id": {id}, "type": "Sample", "inputs": [{inputs}], "properties": {{{properties}}}}}"#)
    };
    let socket = |name: &str| {
        format!(r#"{{"name": "{name}", "type": "INT", "link": null, "widget": {{"name": "{name}"}}}}"#)
    };
    let nodes = [
        seed.to_owned(),
        sample(3, &socket("seed"), ""),
        sample(4, &socket("steps"), ""),
        sample(5, &socket("seed"), r#""ue_properties": {"widget_ue_connectable": {}}"#),
        sample(6, &socket("seed"), r#""ue_properties": {"widget_ue_connectable": {"seed": true}}"#),
        sample(7, &socket("seed"), r#""rejects_ue_links": true"#),
        sample(8, "", ""),
    ];
    insta::assert_snapshot!(linked(&nodes.join(", "), ""), @r#"
    3 Sample {"seed":["2",0],"steps":20}
    4 Sample {"seed":0,"steps":20}
    5 Sample {"seed":0,"steps":20}
    6 Sample {"seed":["2",0],"steps":20}
    7 Sample {"seed":0,"steps":20}
    8 Sample {"seed":0,"steps":20}
    "#);
}

#[test]
fn prompts_go_to_what_is_called_after_them() {
    let nodes = r#"{"id": 1, "type": "Text", "outputs": [{"name": "C", "type": "CONDITIONING"}]},
        {"id": 2, "type": "Text", "outputs": [{"name": "C", "type": "CONDITIONING"}]},
        {"id": 3, "type": "Prompts Everywhere", "inputs": [{"name": "positive", "type": "*", "link": 1}, {"name": "negative", "type": "*", "link": 2}]},
        {"id": 4, "type": "Use", "inputs": [
            {"name": "positive", "type": "CONDITIONING"}, {"name": "cond_neg", "type": "CONDITIONING"}, {"name": "other", "type": "CONDITIONING"}
        ]}"#;
    let links = r#"[1, 1, 0, 3, 0, "CONDITIONING"], [2, 2, 0, 3, 1, "CONDITIONING"]"#;
    let prompt = linked(nodes, links);
    assert!(prompt.contains(r#"4 Use {"positive":["1",0],"cond_neg":["2",0]}"#), "{prompt}");
}

#[test]
fn several_of_a_type_go_by_name() {
    let give = |rule: u8| {
        let nodes = format!(
            r#"{{"id": 1, "type": "Int"}}, {{"id": 2, "type": "Int"}},
            {{"id": 3, "type": "Anything Everywhere", "inputs": [
                {{"name": "anything", "label": "width", "type": "INT", "link": 1}}, {{"name": "anything2", "label": "height", "type": "INT", "link": 2}}
            ], "properties": {{"ue_properties": {{"version": "7.0", "repeated_type_rule": {rule}}}}}}},
            {{"id": 4, "type": "Use", "title": "height", "inputs": [{{"name": "width", "type": "INT"}}, {{"name": "height_out", "type": "INT"}}, {{"name": "my_width", "type": "INT"}}]}}"#
        );
        let prompt = linked(&nodes, r#"[1, 1, 0, 3, 0, "INT"], [2, 2, 0, 3, 1, "INT"]"#);
        prompt.lines().find(|line| line.starts_with("4 Use")).unwrap_or_default().to_owned()
    };
    assert_eq!(give(0), r#"4 Use {"width":["1",0]}"#);
    assert_eq!(give(1), r#"4 Use {"width":["1",0],"height_out":["2",0]}"#);
    assert_eq!(give(2), r#"4 Use {"width":["1",0],"my_width":["1",0]}"#);
    assert_eq!(give(3), r#"4 Use {"width":["2",0],"height_out":["2",0],"my_width":["2",0]}"#);
}

#[test]
fn groups_and_colours_say_which_nodes_get_it() {
    let place = |x: u16, rest: &str| format!(r#""pos": [{x}, 100], "size": [100, 100]{rest}"#);
    let sample = |id: u8, x: u16, rest: &str| {
        format!(
            r#"{{"id": {id}, "type": "Sample", "inputs": [{{"name": "model", "type": "MODEL", "link": null}}], {}}}"#,
            place(x, rest)
        )
    };
    let give = |properties: &str| {
        let from = broadcaster(
            2,
            "Anything Everywhere",
            &place(0, &format!(r##", "color": "#111", "properties": {{{properties}}}"##)),
        );
        let nodes = [
            LOAD.to_owned(),
            from,
            sample(3, 200, ""),
            sample(4, 1000, r##", "color": "#111""##),
            sample(5, 3000, ""),
        ];
        let prompt = convert_whole(&format!(
            r#"{{"version": 0.4, "nodes": [{}], "links": [{LINK}], "groups": [
                {{"title": "left", "bounding": [-10, 0, 500, 300]}}, {{"title": "right", "bounding": [900, 0, 500, 300]}}
            ]}}"#,
            nodes.join(", ")
        ));
        let gets = |line: &&str| line.contains("Sample") && line.contains("model");
        prompt.lines().filter(gets).filter_map(|line| line.chars().next()).collect::<String>()
    };
    assert_eq!(give(""), "345");
    assert_eq!(give(r#""group_restricted": true"#), "3", "as it was before version 7");
    assert_eq!(give(r#""ue_properties": {"version": "7.0", "group_restricted": 2}"#), "45");
    assert_eq!(give(r#""ue_properties": {"version": "7.0", "color_restricted": 1}"#), "4");
    assert_eq!(give(r#""ue_properties": {"version": "7.0", "color_restricted": 2}"#), "35");
    assert_eq!(give(r#""ue_properties": {"version": "7.0", "group_regex": "^r"}"#), "4");
    assert_eq!(
        give(r#""ue_properties": {"version": "7.0", "group_regex": "^r", "group_restricted": 1}"#),
        ""
    );
}

#[test]
fn a_node_can_give_its_outputs_and_a_text_can_be_a_choice() {
    let nodes = format!(
        r#"{{"id": 1, "type": "Load", "outputs": [{{"name": "MODEL", "type": "MODEL"}}, {{"name": "VAE", "type": "VAE"}}],
            "properties": {{"ue_convert": true, "ue_properties": {{"title_regex": "second"}}}}}}, {SAMPLE},
        {{"id": 5, "type": "Words", "outputs": [{{"name": "text", "type": "STRING"}}]}},
        {{"id": 6, "type": "Anything Everywhere", "inputs": [{{"name": "anything", "type": "STRING", "link": 1}}],
            "properties": {{"ue_properties": {{"version": "7.0", "string_to_combo": 1}}}}}},
        {{"id": 7, "type": "Load", "inputs": [{{"name": "name", "type": "COMBO", "widget": {{"name": "name"}}, "link": null}}]}}"#
    );
    let prompt = linked(&nodes, r#"[1, 5, 0, 6, 0, "STRING"]"#);
    for line in [
        r#"3 Sample {"seed":0,"steps":20}"#,
        r#"4 Sample {"seed":0,"steps":20,"model":["1",0]}"#,
        r#"7 Load {"name":["5",0]}"#,
    ] {
        assert!(prompt.contains(line), "{line} is not in {prompt}");
    }
}

#[test]
fn what_comes_into_a_subgraph_can_be_given_in_it() {
    let json = format!(
        r#"{{"version": 0.4, "last_node_id": 9, "nodes": [{LOAD}, {{"id": 2, "type": "sub", "inputs": [{{"name": "model", "type": "MODEL", "link": 1}}]}}],
        "links": [[1, 1, 0, 2, 0, "MODEL"]], "definitions": {{"subgraphs": [{{
            "id": "sub", "inputs": [{{"name": "model", "type": "MODEL", "linkIds": [1]}}], "outputs": [],
            "nodes": [
                {{"id": 3, "type": "Anything Everywhere", "inputs": [{{"name": "anything", "type": "*", "link": 1}}]}},
                {{"id": 4, "type": "Sample", "inputs": [{{"name": "model", "type": "MODEL", "link": null}}]}}
            ],
            "links": [{{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 3, "target_slot": 0, "type": "MODEL"}}]
        }}]}}}}"#
    );
    let prompt = convert_whole(&json);
    assert!(prompt.contains(r#"2:4 Sample {"seed":0,"steps":20,"model":["1",0]}"#), "{prompt}");
}

#[test]
fn more_than_people_make_is_refused() {
    let one = r#"{"name": "x", "type": "*", "link": 1}"#;
    let json = format!(
        r#"{{"version": 0.4, "nodes": [{LOAD}, {{"id": 2, "type": "Anything Everywhere", "inputs": [{}]}}], "links": [{LINK}]}}"#,
        vec![one; 300].join(",")
    );
    let workflow = crate::UiWorkflow::parse(json.as_bytes()).unwrap();
    let error = workflow.to_prompt(&object_info(), &crate::ConvertOptions::new()).unwrap_err();
    insta::assert_snapshot!(error, @"the workflow has more than 256 things that are given everywhere");
}
