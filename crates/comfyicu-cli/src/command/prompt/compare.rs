//! `comfyicu prompt diff` and `hash`.

use std::path::Path;

use comfyicu_model::json::Object;

use crate::command::Context;
use crate::failure::Failure;
use crate::input;

pub(super) async fn diff(context: &Context, before: &Path, after: &Path) -> Result<(), Failure> {
    let printer = &context.printer;
    if input::is_stdin(before) && input::is_stdin(after) {
        return Err(
            Failure::usage("only one of the two prompts can be stdin").hint("name a file for the other")
        );
    }
    let before = input::prompt(before, printer).await?.read.prompt;
    let after = input::prompt(after, printer).await?.read.prompt;
    let diff = before.diff(&after);
    if printer.is_json() {
        return printer.print_object(diff.to_object());
    }
    if diff.is_empty() { Ok(()) } else { printer.print(diff.to_string().trim_end()) }
}

pub(super) async fn hash(context: &Context, path: &Path) -> Result<(), Failure> {
    let hash = input::prompt(path, &context.printer).await?.read.prompt.content_hash().to_string();
    if context.printer.is_json() {
        return context.printer.print_object(Object::from_iter([("hash", hash)]));
    }
    context.printer.print(&hash)
}
