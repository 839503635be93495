//! `comfyicu prompt extract` and `strip`: images, and the texts in them.

use std::fs::File;
use std::io::{self, Read, Seek, Write as _};
use std::path::Path;

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{ImageError, ImageMetadata};

use crate::command::Context;
use crate::failure::Failure;
use crate::replace::Replacement;
use crate::{input, printer, runtime};

pub(super) async fn extract(context: &Context, path: &Path, workflow: bool) -> Result<(), Failure> {
    let metadata = input::image(path, &context.printer).await?;
    let (prompt, ui_workflow) = (metadata.prompt_text(), metadata.workflow_text());
    let (wanted, other) = if workflow { (ui_workflow, prompt) } else { (prompt, ui_workflow) };
    if let Some(text) = wanted {
        return context.printer.write(format!("{}\n", text.trim_end()).as_bytes());
    }
    let what = if workflow { "UI workflow" } else { "prompt" };
    let failure = Failure::usage(format!("{} carries no {what}", input::name_of(path)));
    Err(match (other, workflow) {
        (Some(_), false) => failure.hint("it carries a UI workflow: --workflow writes that"),
        (Some(_), true) => failure.hint("it carries a prompt: leave --workflow out"),
        (None, _) => {
            failure.hint("take the image that ComfyUI saved: copies from websites and chats have lost it")
        }
    })
}

pub(super) async fn strip(
    context: &Context,
    path: &Path,
    output: Option<&Path>,
    in_place: bool,
) -> Result<(), Failure> {
    let target = if in_place { Some(path) } else { output };
    if in_place && input::is_stdin(path) {
        return Err(Failure::usage("stdin cannot be changed in place").hint("leave -i out"));
    }
    if target.is_none() && printer::is_for_people() {
        return Err(Failure::usage("an image is nothing for a terminal").hint("name a file: -o FILE"));
    }
    let (source, to) = (path.to_owned(), target.map(Path::to_owned));
    runtime::needed().await;
    // A pipe may say nothing for ever: meanwhile Ctrl-C is listened to.
    let stripped = tokio::task::spawn_blocking(move || strip_to(&source, to.as_deref())).await;
    let stripped = stripped.unwrap_or_else(|error| Err(ImageError::Read(io::Error::other(error))));
    let taken = stripped.map_err(|error| {
        let failure = Failure::usage(format!("{} cannot be stripped", input::name_of(path)));
        let failure = failure.because(&error);
        match error {
            ImageError::Write(_) => failure.hint("write it elsewhere: -o FILE"),
            _ => failure.hint(input::IMAGE_HINT),
        }
    })?;
    if taken.prompt_text().is_none() && taken.workflow_text().is_none() {
        context.printer.note(&format!("{} carried neither a prompt nor a UI workflow", input::name_of(path)));
    }
    match target {
        // Else stdout is the image.
        Some(target) if context.printer.is_json() => context.printer.print_object(to_object(&taken, target)),
        _ => Ok(()),
    }
}

/// What was taken out of the image at `target`: `{"path": …, "removed": ["prompt", "workflow"]}`.
fn to_object(taken: &ImageMetadata, target: &Path) -> Object {
    let texts = [("prompt", taken.prompt_text()), ("workflow", taken.workflow_text())];
    let removed: Vec<Value> =
        texts.into_iter().filter(|(_, text)| text.is_some()).map(|(name, _)| name.into()).collect();
    Object::from_iter([("path", Value::from(target.display().to_string())), ("removed", removed.into())])
}

fn strip_to(source: &Path, target: Option<&Path>) -> Result<ImageMetadata, ImageError> {
    if input::is_stdin(source) {
        return write(spooled(io::stdin().lock()).map_err(ImageError::Read)?, target);
    }
    write(File::open(source).map_err(ImageError::Read)?, target)
}

/// A pipe as a file without a name: one can go back in it, and it takes no memory.
fn spooled(mut pipe: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut pipe, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Writes the stripped image to a file, whole or not at all, or to stdout.
fn write(image: impl Read + Seek, target: Option<&Path>) -> Result<ImageMetadata, ImageError> {
    let Some(target) = target else {
        let mut stdout = io::stdout().lock();
        let taken = ImageMetadata::strip(image, &mut stdout)?;
        stdout.flush().map_err(ImageError::Write)?;
        return Ok(taken);
    };
    let mut file = Replacement::of(target).map_err(ImageError::Write)?;
    let taken = ImageMetadata::strip(image, &mut file)?;
    file.commit().map_err(ImageError::Write)?;
    Ok(taken)
}
