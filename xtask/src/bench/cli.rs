//! `cargo xtask bench cli`: how long whole processes of the command take, beside the Python tools that do the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cargo::{Workspace, executable};
use crate::failure::Failure;
use crate::process::{self, Interrupt};

/// How often each is run; the median counts.
const TIMES: usize = 21;
/// How many nodes the prompt has.
const NODES: usize = 250;

/// The definitions of the classes in it.
const OBJECT_INFO: &str = r#"{
"EmptyImage": {"input": {"required": {"width": ["INT", {"default": 512, "min": 1, "max": 16384}], "height": ["INT", {"default": 512, "min": 1, "max": 16384}], "batch_size": ["INT", {"default": 1, "min": 1, "max": 4096}], "color": ["INT", {"default": 0, "min": 0, "max": 16777215}]}}, "output": ["IMAGE"], "output_is_list": [false], "output_name": ["IMAGE"], "name": "EmptyImage", "output_node": false},
"ImageScale": {"input": {"required": {"image": ["IMAGE"], "upscale_method": [["nearest-exact", "bilinear", "area", "bicubic", "lanczos"]], "width": ["INT", {"default": 512, "min": 0, "max": 16384}], "height": ["INT", {"default": 512, "min": 0, "max": 16384}], "crop": [["disabled", "center"]]}}, "output": ["IMAGE"], "output_is_list": [false], "output_name": ["IMAGE"], "name": "ImageScale", "output_node": false},
"SaveImage": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI"}]}}, "output": [], "output_is_list": [], "output_name": [], "name": "SaveImage", "output_node": true}
}"#;

/// Measures the command, and the Python tools of a virtual environment where one is named.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let venv = match args {
        [] => None,
        [flag, folder] if flag == "--python" => Some(Path::new(folder)),
        _ => {
            return Err(Failure::usage(
                "the only flag is --python VENV: a virtual environment with comfy-lint and comfy-cli",
            ));
        }
    };
    let (workspace, interrupt) = (Workspace::find()?, Interrupt::watch()?);
    let cli = build(&workspace, &interrupt)?;
    let folder = workspace.target_dir(&interrupt)?.join("bench-cli");
    fs::create_dir_all(&folder).map_err(|error| Failure::new(format!("{}: {error}", folder.display())))?;
    let prompt = folder.join("prompt.json");
    fs::write(&prompt, chain(NODES))
        .map_err(|error| Failure::new(format!("{}: {error}", prompt.display())))?;
    let definitions = folder.join("object_info.json");
    fs::write(&definitions, OBJECT_INFO)
        .map_err(|error| Failure::new(format!("{}: {error}", definitions.display())))?;
    let (prompt, definitions) =
        (prompt.to_string_lossy().into_owned(), definitions.to_string_lossy().into_owned());
    let version = time(&cli, &["--version"], &interrupt)?;
    let check = time(&cli, &["prompt", "check", &prompt, "--object-info", &definitions], &interrupt)?;
    println!("comfyicu --version                  {}", shown(version));
    println!("comfyicu prompt check, {NODES} nodes    {}", shown(check));
    for (tool, args, own) in [
        ("comfy-lint", vec!["--schema-cache", &definitions, &prompt], check),
        ("comfy", vec!["--version"], version),
    ] {
        let Some(venv) = venv else { continue };
        let program = venv.join("bin").join(tool);
        if !program.exists() {
            println!("{tool}: not in {}", venv.display());
            continue;
        }
        let taken = time(&program, &args, &interrupt)?;
        let ratio = taken.as_secs_f64() / own.as_secs_f64();
        let args: Vec<&str> = args.into_iter().map(shortened).collect();
        println!("{tool} {}    {}, {ratio:.0} times as long", args.join(" "), shown(taken));
    }
    Ok(())
}

fn build(workspace: &Workspace, interrupt: &Interrupt) -> Result<PathBuf, Failure> {
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--message-format=json-render-diagnostics", "-p", "comfyicu-cli"]);
    let messages = process::capture(&mut build, interrupt)?;
    executable(&messages, "comfyicu").ok_or_else(|| Failure::new("cargo built no program `comfyicu`"))
}

/// The median time of a whole process, from its start to its end.
fn time(program: &Path, args: &[&str], interrupt: &Interrupt) -> Result<Duration, Failure> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        interrupt.check()?;
        let began = Instant::now();
        // How it ends does not matter here: a linter that finds something has worked too.
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
            .status()
            .map_err(|error| Failure::new(format!("cannot start `{}`: {error}", program.display())))?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(TIMES / 2).copied().unwrap_or_default())
}

/// A prompt of so many nodes, each of which takes the image of the one before.
fn chain(nodes: usize) -> String {
    let first =
        r#""1":{"class_type":"EmptyImage","inputs":{"width":64,"height":64,"batch_size":1,"color":0}}"#;
    let inner = (2..nodes).map(|id| {
        format!(r#""{id}":{{"class_type":"ImageScale","inputs":{{"image":["{}",0],"upscale_method":"bilinear","width":{id},"height":{id},"crop":"disabled"}},"_meta":{{"title":"Scale {id}"}}}}"#, id - 1)
    });
    let last = format!(
        r#""{nodes}":{{"class_type":"SaveImage","inputs":{{"images":["{}",0],"filename_prefix":"x"}}}}"#,
        nodes - 1
    );
    let all: Vec<String> = std::iter::once(first.to_owned()).chain(inner).chain([last]).collect();
    format!("{{{}}}", all.join(",\n"))
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

fn shortened(argument: &str) -> &str {
    argument.rsplit('/').next().unwrap_or(argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_has_as_many_nodes_as_it_says() {
        let prompt: serde_json::Value = serde_json::from_str(&chain(NODES)).unwrap();
        assert_eq!(prompt.as_object().unwrap().len(), NODES);
        assert_eq!(prompt["250"]["inputs"]["images"][0], "249");
    }
}
