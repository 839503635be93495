//! `comfyicu prompt get` and `set`.

use std::io::Write as _;
use std::path::Path;

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{EditError, Edited, Prompt, Selector};

use crate::args::Edit;
use crate::command::Context;
use crate::failure::Failure;
use crate::input::{self, PromptFile};
use crate::printer::Printer;
use crate::replace::Replacement;

pub(super) async fn get(context: &Context, path: &Path, selector: &str) -> Result<(), Failure> {
    let prompt = input::prompt(path, &context.printer).await?.read.prompt;
    let place = Selector::parse(selector).and_then(|selector| selector.resolve(&prompt));
    let found = place.and_then(|place| prompt.get(&place).map(|value| (place.clone(), value)));
    let failed = |error: EditError| Failure::usage(error.to_string()).hint(input::inputs_hint(path));
    let (place, value) = found.map_err(failed)?;
    if context.printer.is_json() {
        let object = [("input", Value::from(place.to_string())), ("value", value.clone())];
        return context.printer.print_object(object.into_iter().collect::<Object>());
    }
    match value.as_str() {
        Some(text) => context.printer.print(text),
        None => context.printer.print(&value.to_json()),
    }
}

pub(super) async fn set(
    context: &Context,
    path: &Path,
    edits: &[Edit],
    in_place: bool,
) -> Result<(), Failure> {
    if in_place && input::is_stdin(path) {
        return Err(Failure::usage("stdin cannot be changed in place").hint("leave -i out"));
    }
    let file = input::prompt(path, &context.printer).await?;
    if in_place && !file.is_whole_file {
        return Err(Failure::usage("a prompt is not changed inside an image")
            .hint("leave -i out: the changed prompt goes to stdout, and what made the image stays in it"));
    }
    let mut prompt = file.read.prompt.clone();
    for edit in edits {
        let set = set_input(&mut prompt, edit, &edit.path, &context.printer);
        set.map_err(|failure| failure.hint(input::inputs_hint(path)))?;
    }
    let text = rewritten(&file, &prompt)?;
    if !in_place {
        return context.printer.write(text.as_bytes());
    }
    replace(path, &text).map_err(|error| {
        Failure::usage(format!("{} cannot be written", input::name_of(path)))
            .because(&error)
            .hint("it is as it was; leave -i out, and the changed prompt goes to stdout")
    })
}

/// Makes one edit, and says when it made an input that was not there. Messages call it by its label.
pub(in crate::command) fn set_input(
    prompt: &mut Prompt,
    edit: &Edit,
    label: &str,
    printer: &Printer,
) -> Result<(), Failure> {
    let edited = prompt.set(edit.path.as_str(), Value::from_argument(&edit.value));
    let edited = edited.map_err(|error| Failure::usage(format!("{label}: {error}")))?;
    if let Edited::Added { similar } = edited {
        let meant = similar.map(|similar| format!("; did you mean `{similar}`?")).unwrap_or_default();
        printer.note(&format!("{label}: the node had no such input, it is added{meant}"));
    }
    Ok(())
}

/// The text of the file with the changed prompt in it.
fn rewritten(file: &PromptFile, prompt: &Prompt) -> Result<String, Failure> {
    let text = prompt.write_into(&file.text);
    // It was read before.
    text.map_err(|error| Failure::unexpected("the prompt cannot be written").because(&error))
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = Replacement::of(path)?;
    file.write_all(text.as_bytes())?;
    file.commit()
}
