//! What the tests of the prompt share, and what holds for any prompt.

mod diffs;
mod editing;
mod laws;
mod settings;

use super::Prompt;

/// Makes a prompt of `node: needs…` lines.
pub(super) fn prompt_of(lines: &[(&str, &[&str])]) -> Prompt {
    let node = |(id, needs): &(&str, &[&str])| {
        let inputs: Vec<_> =
            needs.iter().enumerate().map(|(at, need)| format!(r#""in{at}":["{need}",0]"#)).collect();
        format!(r#""{id}":{{"class_type":"N","inputs":{{{}}}}}"#, inputs.join(","))
    };
    Prompt::parse(format!("{{{}}}", lines.iter().map(node).collect::<Vec<_>>().join(",")).as_bytes()).unwrap()
}
