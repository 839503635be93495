//! `comfyicu batch`: many runs of one prompt.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use comfyicu_client::{BatchItem, BatchProgress, BatchResult, Client, SavedFile, Sweep, WaitError, Workflow};
use comfyicu_model::Run;
use comfyicu_model::json::{Object, Value};
use futures_util::StreamExt as _;

use super::request::{self, Edited};
use super::run::make_folder;
use super::{Context, outcome};
use crate::args::{Batch, Values, Vary};
use crate::connect;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::input;
use crate::progress::{Line, Progress};

/// How much of an item's name becomes part of its folder's name, in characters.
const FOLDER_NAME: usize = 60;

pub(super) async fn batch(context: &Context, arguments: Batch) -> Result<(), Failure> {
    let edited = request::prompt(context, &arguments.prompt, &arguments.request).await?;
    let items = items(context, &edited, &arguments).await?;
    if arguments.dry_run {
        return planned(context, &items);
    }
    check_manifest(&arguments)?;
    let client = connect::client(context)?;
    let workflow = client.workflow(connect::workflow(context, &client, &arguments.request.workflow)?);
    make_folder(&arguments.folder.path)?;
    let check = request::Check::of(context, &client, &arguments.request).await?;
    for (index, item) in items.iter().enumerate() {
        let one = Edited::of(item.prompt.clone());
        check
            .told(context, &one, index == 0)
            .map_err(|failure| failure.hint(format!("it is the item `{}`", item.name)))?;
    }
    let count = items.len();
    let done = run(context, &client, &workflow, items, arguments).await?;
    context.printer.note(&format!("{} of {count} done", done.completed));
    outcome::of_several(done.first_failure)
}

/// What came of all.
#[derive(Debug, Default)]
struct Done {
    completed: usize,
    first_failure: Option<ExitStatus>,
}

async fn items(context: &Context, edited: &Edited, arguments: &Batch) -> Result<Vec<BatchItem>, Failure> {
    let mut sweep = if arguments.zip { Sweep::zip() } else { Sweep::product() };
    for Vary { path, values } in &arguments.vary {
        sweep = match values {
            Values::List(values) => sweep.vary(path.clone(), values.iter().cloned()),
            Values::File(file) => {
                let text = input::text(file, &context.printer).await?;
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                sweep.vary(path.clone(), lines.map(Value::from_argument).collect::<Vec<_>>())
            }
        };
    }
    if let Some(file) = &arguments.csv {
        sweep = sweep.rows(table(context, file).await?);
    }
    sweep.items(&edited.prompt).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("say what varies: --vary 3.seed=1..4, or --csv FILE; `comfyicu prompt show` has the inputs")
    })
}

/// The lines of a table: for each cell that is not empty, the input that the heading names, and its value.
async fn table(context: &Context, file: &Path) -> Result<Vec<Vec<(String, Value)>>, Failure> {
    let text = input::text(file, &context.printer).await?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let unreadable = |error: csv::Error| {
        Failure::usage(format!("{} cannot be read as CSV", input::name_of(file)))
            .because(&error)
            .hint("its first line names inputs, such as 3.seed,6.text; each of the others is a run")
    };
    let headings = reader.headers().map_err(unreadable)?.clone();
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(unreadable)?;
        let cells = headings.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
        Ok(cells.map(|(path, cell)| (path.to_owned(), Value::from_argument(cell))).collect())
    };
    reader.records().map(row).collect()
}

fn planned(context: &Context, items: &[BatchItem]) -> Result<(), Failure> {
    if context.printer.is_json() {
        let names = items.iter().map(|item| Value::from(item.name.as_str())).collect();
        return context.printer.print_object(Object::from_iter([("items", Value::Array(names))]));
    }
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    context.printer.print(&names.join("\n"))
}

/// A manifest that is there is gone on with only when that is asked for.
fn check_manifest(arguments: &Batch) -> Result<(), Failure> {
    let Some(path) = &arguments.manifest else { return Ok(()) };
    match (path.exists(), arguments.resume) {
        (true, false) => Err(Failure::usage(format!("there is a manifest `{}` already", path.display()))
            .hint("go on with it: --resume; or begin anew with another file")),
        (false, true) => {
            Err(Failure::usage(format!("there is no manifest `{}` to go on with", path.display()))
                .hint("leave out --resume to begin"))
        }
        _ => Ok(()),
    }
}

async fn run(
    context: &Context,
    client: &Client,
    workflow: &Workflow,
    items: Vec<BatchItem>,
    arguments: Batch,
) -> Result<Done, Failure> {
    let files = request::files(context, client, &arguments.request.file).await?;
    let settings = request::Settled::of(context, &arguments.request)?;
    context.stage.batch(arguments.manifest.clone());
    let (jobs, width) = (usize::from(arguments.jobs), items.len().to_string().len());
    let mut batch = workflow.batch(items).at_once(jobs).max_wait(context.max_wait());
    batch = batch.set_up(move |submit, _| settings.set_up(submit, files.clone()));
    if let Some(path) = arguments.manifest {
        batch = batch.manifest(path);
    }
    let lines = Lines::new(context.printer.progress());
    let seen = lines.clone();
    let results =
        batch.observe(move |index, name, progress| seen.observe(index, name, progress)).stream().await?;
    let folder = &arguments.folder.path;
    let mut ends = results
        .map(|result| finish(context, client, workflow, result, folder, width, &lines))
        .buffer_unordered(jobs);
    let mut done = Done::default();
    while let Some(end) = ends.next().await {
        match end {
            Ok(()) => done.completed += 1,
            Err(failure) => context.tell(&failure, &mut done.first_failure),
        }
    }
    Ok(done)
}

/// Saves the outputs of an item that is complete, and prints it.
async fn finish(
    context: &Context,
    client: &Client,
    workflow: &Workflow,
    result: BatchResult,
    folder: &Path,
    width: usize,
    lines: &Lines,
) -> Result<(), Failure> {
    let line = lines.take(result.index, &result.name);
    let known = Item { index: result.index, name: &result.name };
    let run = match (result.outcome, result.run_id) {
        (Ok(run), _) => run,
        (Err(error), Some(id)) => {
            let handle = client.run(workflow.id().clone(), id);
            let (failure, run) = context.not_completed(&handle, error);
            known.print(context, run, &[])?;
            return Err(failure.finding(format!("the item `{}`", known.name)));
        }
        (Err(WaitError::Request(error)), None) => {
            known.print(context, None, &[])?;
            return Err(Failure::from(error).finding(format!("the item `{}`", known.name)));
        }
        (Err(error), None) => return Err(Failure::unexpected(error.to_string())),
    };
    let handle = client.run(workflow.id().clone(), run.id().clone());
    let folder = folder.join(folder_name(result.index, &result.name, width));
    let saved = context.save_one(&handle, run.clone(), &folder, &line).await?;
    drop(line);
    known.print(context, Some(run), &saved)
}

struct Item<'a> {
    index: usize,
    name: &'a str,
}

impl Item<'_> {
    fn print(&self, context: &Context, run: Option<Run>, saved: &[SavedFile]) -> Result<(), Failure> {
        let paths: Vec<String> = saved.iter().map(|file| file.path.display().to_string()).collect();
        if !context.printer.is_json() {
            return if paths.is_empty() { Ok(()) } else { context.printer.print(&paths.join("\n")) };
        }
        let mut object = Object::from_iter([
            ("index", Value::from(u64::try_from(self.index).unwrap_or(u64::MAX))),
            ("item", self.name.into()),
            ("run", run.map_or(Value::Null, |run| run.into_object().into())),
        ]);
        object.insert("downloaded", paths.into_iter().map(Value::from).collect::<Vec<_>>());
        context.printer.print_line(object)
    }
}

/// The folder of an item: its number and what can be seen of its name.
fn folder_name(index: usize, name: &str, width: usize) -> String {
    let letters = name.chars().take(FOLDER_NAME);
    let plain =
        letters.map(|letter| if letter.is_alphanumeric() || "._=-".contains(letter) { letter } else { '_' });
    format!("{:0width$}-{}", index + 1, plain.collect::<String>().trim_matches('_'))
}

/// A line for each item that is on its way.
#[derive(Clone, Debug)]
struct Lines {
    progress: Progress,
    lines: Arc<Mutex<HashMap<usize, Line>>>,
}

impl Lines {
    fn new(progress: &Progress) -> Self {
        Self { progress: progress.clone(), lines: Arc::default() }
    }

    fn observe(&self, index: usize, name: &str, progress: BatchProgress<'_>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(index).or_insert_with(|| self.progress.named(name, "submitting"));
        match progress {
            BatchProgress::Submitting => {}
            BatchProgress::Event(event) => line.event(event),
            BatchProgress::Looked(run) => line.run(run),
            _ => line.say("waiting"),
        }
    }

    /// Takes the line of an item; another one where there was none.
    fn take(&self, index: usize, name: &str) -> Line {
        let line = self.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(&index);
        line.unwrap_or_else(|| self.progress.named(name, "downloading"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_which_item_it_is_of() {
        assert_eq!(folder_name(0, "3.seed=1, 3.cfg=5.5", 2), "01-3.seed=1__3.cfg=5.5");
        assert_eq!(folder_name(11, "6.text=\"../狐 / fox\"", 2), "12-6.text=_.._狐___fox");
        assert!(folder_name(0, &"x".repeat(500), 1).len() < 70);
    }
}
