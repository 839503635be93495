//! `comfyicu prompt …`: no service, no key.

use std::fs;
use std::io::Write as _;

use comfyicu_model::{ImageMetadata, Prompt};

use crate::{Command, Response, Service, command};

const WRAPPED: &str = "{\n  \"prompt\": {\"9\": {\"class_type\": \"SaveImage\", \"inputs\": {\"images\": [\"8\", 0]}}},\n  \"extra\": 18446744073709551616\n}\n";

#[test]
fn show_gives_the_prompt_back_as_json() {
    let command = Command::bare();
    let outcome = command.run(&["prompt", "show", "--json", "prompt.json"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let json = |text: &str| Prompt::parse(text.as_bytes()).unwrap();
    assert_eq!(json(&outcome.stdout), json(command::PROMPT));
}

#[test]
fn show_and_nodes_are_for_people() {
    let command = Command::bare();
    insta::assert_snapshot!(command.run(&["prompt", "show", "prompt.json"]).stdout, @"
    3 KSampler
      seed  = 1
      steps = 20

    9 SaveImage
    ");
    insta::assert_snapshot!(command.run(&["prompt", "nodes", "prompt.json"]).stdout, @"
    3	KSampler	
    9	SaveImage
    ");
    insta::assert_snapshot!(command.run(&["prompt", "nodes", "--json", "prompt.json"]).stdout, @r#"{"nodes":[{"id":"3","class_type":"KSampler","title":null},{"id":"9","class_type":"SaveImage","title":null}]}"#);
}

#[test]
fn stdin_is_a_file_too() {
    let outcome = Command::bare().run_with(&["prompt", "nodes", "-"], WRAPPED);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "9\tSaveImage\t\n"), "{outcome:?}");
}

#[test]
fn what_is_no_prompt_is_2_and_says_why() {
    let command = Command::bare();
    fs::write(command.path("bad.json"), "{\"3\": {\"class_type\": \"A\",\n  \"inputs\": {\"x\": }}}")
        .unwrap();
    let outcome = command.run(&["prompt", "show", "bad.json"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    insta::assert_snapshot!(outcome.stderr, @"
    error: `bad.json` holds no prompt
      caused by: the prompt is not valid JSON
      caused by: expected a value, found `}` at line 2, column 19, in 3.inputs.x
    hint: correct it there, or export it again: in ComfyUI, Workflow → Export (API)
    ");
    let missing = command.run(&["prompt", "show", "gone.json"]);
    assert_eq!(missing.code, Some(2));
    insta::assert_snapshot!(missing.stderr, @"
    error: `gone.json` cannot be read
      caused by: No such file or directory (os error 2)
    hint: give the path of a prompt: in ComfyUI, Workflow → Export (API) writes one
    ");
}

const SPACED: &str = "{ \"3\" :\t{\"class_type\": \"KSampler\",\r\n\t\"inputs\": {\"seed\": 1,  \"cfg\": 7.50, \"at\": [1, 2.50]}, \"_meta\": {\"title\": \"Main\"}},\n \"note\": \"\\u00e9\" }";

#[test]
fn set_changes_the_values_and_nothing_else() {
    let command = Command::bare();
    fs::write(command.path("a.json"), SPACED).unwrap();
    let changed = SPACED
        .replace("\"seed\": 1,", "\"seed\": 18446744073709551616,")
        .replace("[1, 2.50]", "[3, 2.50]")
        .replace("2.50]}", "2.50],  \"text\": \"a \\\"red\\\" fox\"}");
    let edits = ["3.seed=18446744073709551616", "@Main.at[0]=3", "KSampler.text=a \"red\" fox"];
    let outcome = command.run(&[&["prompt", "set", "a.json"], &edits[..]].concat());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), changed.as_str()));
    assert_eq!(outcome.stderr, "note: KSampler.text: the node had no such input, it is added\n");
    assert_eq!(fs::read_to_string(command.path("a.json")).unwrap(), SPACED);
    let outcome = command.run(&[&["prompt", "set", "-i", "a.json"], &edits[..]].concat());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(command.path("a.json")).unwrap(), changed);
}

#[test]
fn an_edit_that_fails_changes_nothing() {
    let command = Command::bare();
    let outcome = command.run(&["prompt", "set", "-i", "prompt.json", "3.seed=2", "LoadImage.image=x"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr, @"
    error: LoadImage.image: no node has the id or class `LoadImage`; the prompt has: 3 (KSampler), 9 (SaveImage)
    hint: see the nodes and their inputs: comfyicu prompt show prompt.json
    ");
    assert_eq!(fs::read_to_string(command.path("prompt.json")).unwrap(), command::PROMPT);
    let outcome = command.run(&["prompt", "set", "-i", "-", "3.seed=2"]);
    insta::assert_snapshot!(outcome.stderr, @"
    error: stdin cannot be changed in place
    hint: leave -i out
    ");
}

#[test]
fn get_writes_one_value() {
    let command = Command::bare();
    fs::write(command.path("a.json"), SPACED).unwrap();
    let get = |args: &[&str]| command.run(&[&["prompt", "get", "a.json"], args].concat()).stdout;
    assert_eq!(get(&["3.cfg"]), "7.5\n");
    assert_eq!(get(&["@Main.at[1]"]), "2.5\n");
    assert_eq!(get(&["KSampler.seed", "--json"]), "{\"input\":\"3.seed\",\"value\":1}\n");
    let missing = command.run(&["prompt", "get", "a.json", "3.sead"]);
    assert_eq!(missing.code, Some(2));
    insta::assert_snapshot!(missing.stderr, @r#"
    error: node 3 (KSampler, "Main") has no input `sead` (did you mean `seed`?); it has: seed, cfg, at
    hint: see the nodes and their inputs: comfyicu prompt show a.json
    "#);
}

#[test]
fn check_shows_the_line_and_ends_with_7() {
    let command = Command::bare();
    let prompt = "{\n  \"8\": {\"class_type\": \"VAEDecode\", \"inputs\": {\"samples\": [\"3\", 0]}},\n  \"9\": {\"class_type\": \"SaveImage\", \"inputs\": {\"images\": [\"8\", 0]}}\n}\n";
    fs::write(command.path("a.json"), prompt).unwrap();
    let outcome = command.run(&["prompt", "check", "a.json"]);
    assert_eq!(outcome.code, Some(7));
    insta::assert_snapshot!(outcome.stdout, @r#"
    error[dangling_link]: node 8 (VAEDecode), input samples: it is linked to node 3, which the prompt does not have
     --> a.json:2:58
      |
    2 |   "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0]}},
      |                                                          ^^^^^^^^
    "#);
    insta::assert_snapshot!(outcome.stderr, @"
    error: `a.json` has 1 error
    hint: correct what is shown; an input is set with: comfyicu prompt set FILE NODE.INPUT=VALUE -i
    ");
    let outcome = command.run(&["prompt", "check", "--json", "a.json"]);
    assert_eq!(outcome.code, Some(7));
    insta::assert_snapshot!(outcome.stdout, @r#"{"errors":1,"warnings":0,"findings":[{"code":"dangling_link","severity":"error","message":"it is linked to node 3, which the prompt does not have","node_id":"8","class_type":"VAEDecode","input":"samples","position":{"line":2,"column":58,"offset":59,"len":8}}]}"#);
    let outcome = command.run(&["prompt", "check", "prompt.json"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "no problems found\n"), "{outcome:?}");
}

#[test]
fn check_knows_the_node_definitions_of_a_file_or_a_server() {
    const DEFINITIONS: &str = r#"{"KSampler": {"input": {"required": {"seed": ["INT", {"min": 2}], "steps": ["INT", {}]}}, "output": ["LATENT"], "output_node": false},
        "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}}"#;
    let service = Service::start(|_, _| Response::new(200, DEFINITIONS));
    let command = Command::on(&service);
    fs::write(command.path("object_info.json"), DEFINITIONS).unwrap();
    let by_file = command.run(&["prompt", "check", "prompt.json", "--object-info", "object_info.json"]);
    assert_eq!(by_file.code, Some(7));
    insta::assert_snapshot!(by_file.stdout, @r#"
    warning[value_smaller_than_min]: node 3 (KSampler), input seed: 1 is smaller than the minimum of 2, but no output needs the node
     --> prompt.json:1:53
      |
    1 | {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}, "9": {"class_type": "SaveImage", "inputs": {}}}
      |                                                     ^

    error[required_input_missing]: node 9 (SaveImage), input images: the required input is missing
     --> prompt.json:1:71
      |
    1 | {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}, "9": {"class_type": "SaveImage", "inputs": {}}}
      |                                                                       ^^^
      |
      = help: link it to an output that gives IMAGE
    "#);
    let by_url = command.run(&["prompt", "check", "prompt.json", "--object-info", &service.url]);
    assert_eq!(by_url, by_file);
}

#[test]
fn images_carry_prompts_and_can_be_stripped() {
    let command = Command::bare();
    let pixels = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/pixels/animpng_0/gradient.png");
    let mut image = Vec::new();
    let prompt = Prompt::parse(command::PROMPT.as_bytes()).unwrap();
    let metadata = ImageMetadata::new().with_prompt(&prompt);
    metadata.write_png(fs::File::open(pixels).unwrap(), &mut image).unwrap();
    fs::write(command.path("a.png"), image).unwrap();

    let extracted = command.run(&["prompt", "extract", "a.png"]);
    assert_eq!(Prompt::parse(extracted.stdout.as_bytes()).as_ref(), Ok(&prompt));
    let shown = command.run(&["prompt", "show", "--json", "a.png"]);
    assert_eq!(Prompt::parse(shown.stdout.as_bytes()).as_ref(), Ok(&prompt));
    let workflow = command.run(&["prompt", "extract", "a.png", "--workflow"]);
    assert_eq!(workflow.code, Some(2));
    insta::assert_snapshot!(workflow.stderr, @"
    error: `a.png` carries no UI workflow
    hint: it carries a prompt: leave --workflow out
    ");
    let in_place = command.run(&["prompt", "set", "-i", "a.png", "3.seed=2"]);
    insta::assert_snapshot!(in_place.stderr, @"
    error: a prompt is not changed inside an image
    hint: leave -i out: the changed prompt goes to stdout, and what made the image stays in it
    ");

    let mut piped = command.start(&["prompt", "strip", "-", "-o", "piped.png"]);
    piped.stdin.take().unwrap().write_all(&fs::read(command.path("a.png")).unwrap()).unwrap();
    assert_eq!(command.end(piped).code, Some(0));
    assert_eq!(fs::read(command.path("piped.png")).unwrap(), fs::read(pixels).unwrap());
    assert_eq!(command.run(&["prompt", "strip", "-i", "a.png"]).code, Some(0));
    assert_eq!(fs::read(command.path("a.png")).unwrap(), fs::read(pixels).unwrap());
    let nothing = command.run(&["prompt", "show", "a.png"]);
    assert_eq!(nothing.code, Some(2));
    insta::assert_snapshot!(nothing.stderr, @"
    error: `a.png` carries no prompt
    hint: take the image that ComfyUI saved: copies from websites and chats have lost it
    ");
    let text = command.run(&["prompt", "strip", "prompt.json", "-o", "b.png"]);
    insta::assert_snapshot!(text.stderr, @"
    error: `prompt.json` cannot be stripped
      caused by: this is a JSON text, but texts are read from PNG, WebP and JPEG images
    hint: give a PNG, WebP or JPEG image that ComfyUI saved
    ");
    assert!(!command.path("b.png").exists());
}

#[test]
fn diff_and_hash_compare_what_prompts_do() {
    let command = Command::bare();
    fs::write(command.path("b.json"), command::PROMPT.replace("\"seed\": 1", "\"seed\": 2")).unwrap();
    insta::assert_snapshot!(command.run(&["prompt", "diff", "prompt.json", "b.json"]).stdout, @"
    ~ 3 (KSampler)
        seed: 1 → 2
    ");
    insta::assert_snapshot!(command.run(&["prompt", "diff", "--json", "prompt.json", "b.json"]).stdout, @r#"{"added":[],"removed":[],"changed":[{"id":"3","class_type":"KSampler","title":null,"inputs":{"seed":{"old":1,"new":2}}}],"renumbered":{}}"#);
    assert_eq!(command.run(&["prompt", "diff", "prompt.json", "prompt.json"]).stdout, "");
    let hash =
        |args: &[&str], stdin: &str| command.run_with(&[&["prompt", "hash"], args].concat(), stdin).stdout;
    assert_eq!(hash(&["prompt.json"], ""), hash(&["-"], &command::PROMPT.replace("20", "  20 ")));
    assert_ne!(hash(&["prompt.json"], ""), hash(&["b.json"], ""));
    insta::assert_snapshot!(hash(&["--json", "prompt.json"], ""), @r#"{"hash":"81420616a6683f4aec32dec1d9f749327302d140d87a9c65bd5cc9f7a718cbe4"}"#);
}

#[test]
fn a_run_takes_an_image_and_says_what_it_leaves_aside() {
    let service = Service::start(|_, _| Response::new(200, r#"{"id": "r1"}"#));
    let outcome = Command::on(&service).run_with(&["run", "-", "--detach", "--no-check"], WRAPPED);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "r1\n"));
    assert_eq!(outcome.stderr, "note: stdin: the prompt in `prompt` is run; what is around it is not used\n");
}

const LOADS_A_PHOTO: &str = r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;

const LOADERS: &str = r#"{
    "LoadImage": {"input": {"required": {"image": [["example.png"], {"image_upload": true}]}}, "output": ["IMAGE", "MASK"]},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}}, "output": [], "output_node": true}
}"#;

#[test]
fn check_looks_whether_the_files_of_a_run_are_there_and_used() {
    let command = Command::bare();
    fs::write(command.path("photo.json"), LOADS_A_PHOTO).unwrap();
    fs::write(command.path("loaders.json"), LOADERS).unwrap();
    let check = |files: &[&str]| {
        let mut arguments = vec!["prompt", "check", "photo.json", "--object-info", "loaders.json", "--json"];
        arguments.extend(files.iter().flat_map(|file| ["--file", *file]));
        let outcome = command.run(&arguments);
        let codes = outcome.stdout.split(r#""code":""#).skip(1).filter_map(|rest| rest.split('"').next());
        (outcome.code, codes.map(str::to_owned).collect::<Vec<_>>())
    };
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    assert_eq!(check(&[]), (Some(7), codes(&["custom_validation_failed"])));
    assert_eq!(check(&["/input/photo.png"]), (Some(0), codes(&[])));
    assert_eq!(check(&["input/photo.png=https://example.com/x.png"]), (Some(0), codes(&[])));
    assert_eq!(check(&["/input/photo.png", "/input/other.png"]), (Some(0), codes(&["unused_file"])));
    assert_eq!(command.run(&["prompt", "check", "photo.json", "--file", "photo.png"]).code, Some(2));
}

#[test]
fn convert_keeps_what_depends_on_more_than_the_file_unless_it_is_told() {
    let command = Command::bare();
    let workflow = r#"{"version": 0.4, "links": [], "nodes": [{"id": 1, "type": "Text", "widgets_values": ["a {red|red} car", "%date:yyyy-MM-dd%/%Text.text%"], "properties": {"Node name for S&R": "Text"}}]}"#;
    let definitions = r#"{"Text": {"input": {"required": {"text": ["STRING", {"dynamicPrompts": true}], "filename_prefix": ["STRING"]}}, "output": [], "output_node": true}}"#;
    fs::write(command.path("workflow.json"), workflow).unwrap();
    fs::write(command.path("definitions.json"), definitions).unwrap();
    let convert = |more: &[&str]| {
        let base = ["prompt", "convert", "workflow.json", "--object-info", "definitions.json"];
        let outcome = command.run(&[&base, more].concat());
        let prompt = Prompt::parse(outcome.stdout.as_bytes()).ok();
        let inputs = prompt.as_ref().and_then(|prompt| prompt.node("1")).map(|node| {
            ["text", "filename_prefix"].map(|name| node.literal(name).unwrap().as_str().unwrap().to_owned())
        });
        (outcome.code, inputs, outcome.stderr.lines().count())
    };
    let texts = |text: &str, prefix: &str| Some([text.to_owned(), prefix.to_owned()]);
    let kept = texts("a {red|red} car", "%date:yyyy-MM-dd%/%Text.text%");
    assert_eq!(convert(&[]), (Some(0), kept, 2));
    assert_eq!(convert(&["--strict"]).0, Some(7));
    assert_eq!(
        convert(&["--choose", "1"]),
        (Some(0), texts("a red car", "%date:yyyy-MM-dd%/%Text.text%"), 1)
    );
    let filled = texts("a red car", "2026-11-28/a {red_red} car");
    let all = ["--choose", "1", "--date", "2026-11-28T14:03:00", "--strict"];
    assert_eq!(convert(&all), (Some(0), filled, 0));
    assert_eq!(convert(&["--date", "tomorrow"]).0, Some(2));
}

#[test]
fn a_graph_is_written_in_the_format_that_is_asked_for() {
    let command = Command::bare();
    fs::write(command.path("small.json"), r#"{"8": {"class_type": "VAEDecode", "inputs": {}}, "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}"#).unwrap();
    let graph = |format: &[&str]| {
        let outcome = command.run(&[&["prompt", "graph", "small.json"], format].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
        outcome.stdout
    };
    assert_eq!(graph(&[]), "9 SaveImage\n└─ images ← 8 VAEDecode\n");
    assert!(graph(&["--format", "svg"]).starts_with("<svg "));
    assert!(graph(&["--format", "mermaid"]).starts_with("flowchart LR\n"));
    assert!(graph(&["--format", "dot"]).starts_with("digraph prompt {\n"));
    assert_eq!(command.run(&["prompt", "graph", "small.json", "--format", "png"]).code, Some(2));
}
