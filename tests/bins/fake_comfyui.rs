//! A fake ComfyUI in a process of its own, as the server starts one: `e2e-fake-comfyui --port PORT …`. In its folder
//! it notes what the tests want to know; while there is a file `hold`, its first prompt waits for ever.

#![expect(clippy::print_stdout, reason = "ComfyUI says things, too")]

use std::fs;
use std::process::{Command, ExitCode};

use comfyicu_tests::{ComfyFault, FakeComfy, recordings};
use serde_json::json;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let port = args.iter().skip_while(|arg| *arg != "--port").nth(1);
    let Some(port) = port else { return ExitCode::from(2) };
    let name = "0.3.75 h_outputs: filename_prefix with tokens";
    let Some(recorded) = recordings().into_iter().find(|recorded| recorded.name.starts_with(name)) else {
        return ExitCode::FAILURE;
    };
    let definitions = json!({
        "EmptyImage": {"input": {}, "output": ["IMAGE"], "output_node": false},
        "SaveImage": {"input": {}, "output": [], "output_node": true}
    });
    let is_held = fs::remove_file("hold").is_ok();
    let fault = if is_held { ComfyFault::Hold } else { ComfyFault::None };
    let _comfy = FakeComfy::start_at(&format!("127.0.0.1:{port}"), vec![recorded], &definitions, fault);
    let Ok(mut child) = Command::new("sleep").arg("600").spawn() else { return ExitCode::FAILURE };
    println!("hello from the fake");
    let notes = [
        ("args", args.join(" ")),
        ("child", child.id().to_string()),
        ("port", port.clone()),
        ("pid", std::process::id().to_string()),
    ];
    for (name, text) in notes {
        if fs::write(name, format!("{text}\n")).is_err() {
            return ExitCode::FAILURE;
        }
    }
    // It lives until it is ended.
    let _ended = child.wait();
    ExitCode::SUCCESS
}
