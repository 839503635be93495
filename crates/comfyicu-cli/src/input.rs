//! Reading what a command is given: prompts, the images that carry them, node definitions.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read};
use std::path::Path;

use comfyicu_client::{Client, ErrorKind};
use comfyicu_model::json::Limits;
use comfyicu_model::{
    Finding, ImageError, ImageFormat, ImageMetadata, ObjectInfo, ParsePromptError, Prompt, ReadOptions,
    ReadPrompt, UiWorkflow,
};

use crate::args::Place;
use crate::command::Context;
use crate::connect;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::render::findings::Source;
use crate::runtime;
use crate::shell_word::shell_word;

/// What messages call stdin.
const STDIN: &str = "stdin";

/// Where prompts come from.
const PROMPT_HINT: &str = "give the path of a prompt: in ComfyUI, Workflow → Export (API) writes one";
/// What to do about one that is broken.
const BROKEN_HINT: &str = "correct it there, or export it again: in ComfyUI, Workflow → Export (API)";
/// Which images carry texts.
pub(crate) const IMAGE_HINT: &str = "give a PNG, WebP or JPEG image that ComfyUI saved";
/// How long a file may be to be read in one go.
const SHORT: u64 = 1 << 20;

/// What else can be read.
const TEXT_HINT: &str = "give the path of a text file; - is stdin";

/// What a file holds.
#[derive(Debug)]
enum Contents {
    Text(Vec<u8>),
    Image(Result<ImageMetadata, ImageError>),
}

/// A prompt, and the file that it was read from.
#[derive(Debug)]
pub(crate) struct PromptFile {
    /// The path as it was given, or `stdin`.
    pub(crate) path: String,
    /// The JSON that the prompt was read from.
    pub(crate) text: String,
    /// Whether that is the file itself, and not a text in an image.
    pub(crate) is_whole_file: bool,
    pub(crate) read: ReadPrompt,
}

impl PromptFile {
    /// The text, to quote from.
    pub(crate) fn source(&self) -> Source<'_> {
        Source { name: &self.path, text: &self.text }
    }

    /// Puts findings where they are in the text.
    pub(crate) fn locate(&self, findings: &mut [Finding]) {
        if findings.iter().all(|finding| finding.position.is_some()) {
            return;
        }
        // To note where everything stands takes longer than to read it, and mostly there is nothing to find.
        let read = Prompt::read(self.text.as_bytes(), ReadOptions::default().source_map(true));
        if let Some(source_map) = read.ok().and_then(|read| read.source_map) {
            source_map.locate(findings);
        }
    }
}

/// Whether a path stands for stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What a file holds that can be run.
#[derive(Debug)]
pub(crate) enum Runnable {
    Prompt(PromptFile),
    /// It has to be converted first.
    UiWorkflow(UiWorkflow),
}

/// Reads the prompt that a file holds: a text or an image; `-` is stdin.
pub(crate) async fn prompt(path: &Path, printer: &Printer) -> Result<PromptFile, Failure> {
    match runnable(path, printer).await? {
        Runnable::Prompt(prompt) => Ok(prompt),
        Runnable::UiWorkflow(_) => Err(Failure::usage(format!(
            "{} holds a UI workflow, the editor's own file, and no prompt",
            name_of(path)
        ))
        .hint("make one of it with `comfyicu prompt convert`, or in ComfyUI with Workflow → Export (API)")),
    }
}

/// Reads the prompt or the UI workflow that a file holds: a text or an image, which may carry both, and then the
/// prompt is what made it; `-` is stdin.
pub(crate) async fn runnable(path: &Path, printer: &Printer) -> Result<Runnable, Failure> {
    let name = name_of(path);
    let contents = contents(path, "a prompt", printer)
        .await
        .map_err(|error| unreadable(&name, &error).hint(PROMPT_HINT))?;
    let (bytes, is_whole_file) = match contents {
        Contents::Text(bytes) => (bytes, true),
        Contents::Image(metadata) => (carried(metadata, &name)?.into_bytes(), false),
    };
    match Prompt::read(&bytes, ReadOptions::default()) {
        Ok(read) => {
            // A prompt that was read is UTF-8.
            let text = String::from_utf8(bytes).unwrap_or_default();
            Ok(Runnable::Prompt(PromptFile { path: plain_name(path), text, is_whole_file, read }))
        }
        Err(ParsePromptError::UiWorkflow { path }) if path.is_root() => {
            let workflow = UiWorkflow::parse(&bytes);
            let failed = |error| {
                Failure::usage(format!("{name} holds no UI workflow")).because(&error).hint(PROMPT_HINT)
            };
            workflow.map(Runnable::UiWorkflow).map_err(failed)
        }
        Err(error) => {
            let hint = match &error {
                ParsePromptError::Json(_) | ParsePromptError::DoubledNode { .. } => BROKEN_HINT,
                _ => PROMPT_HINT,
            };
            Err(Failure::usage(format!("{name} holds no prompt")).because(&error).hint(hint))
        }
    }
}

/// The prompt that a file holds, where it does; nothing is said of what is wrong, and stdin is left alone.
pub(crate) fn prompt_in(path: &Path) -> Option<Prompt> {
    if is_stdin(path) {
        return None;
    }
    let contents = short(path).unwrap_or_else(|| File::open(path).and_then(sniff));
    let bytes = match contents.ok()? {
        Contents::Text(bytes) => bytes,
        Contents::Image(metadata) => metadata.ok()?.prompt_text()?.into_owned().into_bytes(),
    };
    Prompt::read(&bytes, ReadOptions::default()).ok().map(|read| read.prompt)
}

/// Reads a text; `-` is stdin.
pub(crate) async fn text(path: &Path, printer: &Printer) -> Result<String, Failure> {
    let name = name_of(path);
    let failed = |error: &(dyn std::error::Error + 'static)| unreadable(&name, error).hint(TEXT_HINT);
    let Contents::Text(bytes) = contents(path, "a text", printer).await.map_err(|error| failed(&error))?
    else {
        return Err(Failure::usage(format!("{name} is an image, and no text")).hint(TEXT_HINT));
    };
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// Reads the texts of an image; `-` is stdin.
pub(crate) async fn image(path: &Path, printer: &Printer) -> Result<ImageMetadata, Failure> {
    let name = name_of(path);
    let read = contents(path, "an image", printer).await;
    let read = match read.map_err(|error| unreadable(&name, &error).hint(IMAGE_HINT))? {
        Contents::Image(read) => read,
        // It is none, and the error says what it is.
        Contents::Text(bytes) => ImageMetadata::read(bytes.as_slice()),
    };
    read.map_err(|error| unreadable(&name, &error).hint(IMAGE_HINT))
}

/// Reads node definitions, from a file or from a server.
pub(crate) async fn object_info(place: &Place, context: &Context) -> Result<ObjectInfo, Failure> {
    let path = match place {
        Place::Url(url) => {
            runtime::needed().await;
            let client: Client = connect::client(context)?;
            return client.object_info_of(url).await.map_err(|error| match error.kind() {
                ErrorKind::Transport | ErrorKind::Protocol | ErrorKind::NotFound => Failure::from(error)
                    .instead("check that a ComfyUI or a server of your own listens there: --object-info URL"),
                _ => error.into(),
            });
        }
        Place::File(path) => path,
    };
    let name = name_of(path);
    let hint = "GET /object_info of a ComfyUI answers node definitions: save that answer, or give the URL";
    let read = contents(path, "node definitions", &context.printer).await;
    match read.map_err(|error| unreadable(&name, &error).hint(hint))? {
        Contents::Text(bytes) => ObjectInfo::parse(&bytes).map_err(|error| {
            Failure::usage(format!("{name} holds no node definitions")).because(&error).hint(hint)
        }),
        Contents::Image(_) => Err(Failure::usage(format!("{name} is an image")).hint(hint)),
    }
}

/// The prompt that an image carries, or the UI workflow where it carries only that.
fn carried(metadata: Result<ImageMetadata, ImageError>, name: &str) -> Result<String, Failure> {
    let metadata = metadata.map_err(|error| unreadable(name, &error).hint(IMAGE_HINT))?;
    let text = metadata.prompt_text().or_else(|| metadata.workflow_text()).map(Cow::into_owned);
    text.ok_or_else(|| {
        Failure::usage(format!("{name} carries no prompt"))
            .hint("take the image that ComfyUI saved: copies from websites and chats have lost it")
    })
}

/// Reads a file, or stdin for `-`: of an image its texts only, of all else no more than is read as JSON.
async fn contents(path: &Path, what: &str, printer: &Printer) -> io::Result<Contents> {
    let is_stdin = is_stdin(path);
    if is_stdin && io::stdin().is_terminal() {
        printer.note(&format!("reading {what} from the terminal; Ctrl-D ends it"));
    }
    if !is_stdin && let Some(contents) = short(path) {
        return contents;
    }
    let path = path.to_owned();
    runtime::needed().await;
    // A pipe may say nothing for ever: meanwhile Ctrl-C is listened to.
    let read = tokio::task::spawn_blocking(move || {
        if is_stdin { sniff(io::stdin().lock()) } else { File::open(path).and_then(sniff) }
    });
    read.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// What a file holds that is read sooner than a thread would be there to do it. What claims to be empty may be no file,
/// but something of the system's that says nothing for ever.
fn short(path: &Path) -> Option<io::Result<Contents>> {
    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    if !(1..=SHORT).contains(&file.len()) {
        return None;
    }
    Some(fs::read(path).map(|bytes| match ImageFormat::sniff(&bytes) {
        Some(_) => Contents::Image(ImageMetadata::read(bytes.as_slice())),
        None => Contents::Text(bytes),
    }))
}

fn sniff(mut source: impl Read) -> io::Result<Contents> {
    let mut bytes = Vec::new();
    let sniffed = u64::try_from(ImageFormat::SNIFFED_BYTES).unwrap_or(u64::MAX);
    source.by_ref().take(sniffed).read_to_end(&mut bytes)?;
    if ImageFormat::sniff(&bytes).is_some() {
        return Ok(Contents::Image(ImageMetadata::read(bytes.as_slice().chain(source))));
    }
    // And one byte more, which says that there is too much.
    let most = u64::try_from(Limits::default().max_bytes).unwrap_or(u64::MAX);
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Contents::Text(bytes))
}

/// What a file is called in messages.
pub(crate) fn name_of(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { format!("`{}`", path.display()) }
}

/// What leads on from the name of an input that a prompt does not have.
pub(crate) fn inputs_hint(path: &Path) -> String {
    let path = if is_stdin(path) { Cow::Borrowed("FILE") } else { path.to_string_lossy() };
    format!("see the nodes and their inputs: comfyicu prompt show {}", shell_word(&path))
}

fn plain_name(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
}

fn unreadable(name: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::usage(format!("{name} cannot be read")).because(error)
}
