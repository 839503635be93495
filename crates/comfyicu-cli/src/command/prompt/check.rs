//! `comfyicu prompt check`.

use std::path::Path;

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Files, Finding, ObjectInfo, Prompt, RunRequest, Severity};
use url::Url;

use crate::args::{Destination, Place};
use crate::command::Context;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::{input, render};

/// What leads on from errors.
const CORRECT_HINT: &str =
    "correct what is shown; an input is set with: comfyicu prompt set FILE NODE.INPUT=VALUE -i";

pub(super) async fn check(
    context: &Context,
    path: &Path,
    object_info: Option<&Place>,
    files: Vec<Destination>,
) -> Result<(), Failure> {
    let printer = &context.printer;
    let file = input::prompt(path, printer).await?;
    let mut findings = file.read.findings.clone();
    let object_info = match object_info {
        Some(place) => Some(input::object_info(place, context).await?),
        None => None,
    };
    findings.extend(found(&file.read.prompt, object_info.as_ref(), files));
    file.locate(&mut findings);
    let count = render::findings::count(&findings);
    if printer.is_json() {
        printer.print_object(report(&findings))?;
    } else if findings.is_empty() {
        printer.print("no problems found")?;
    } else {
        let shown = findings.iter().map(|finding| render::findings::finding(finding, file.source()));
        printer.print(&shown.collect::<Vec<_>>().join("\n\n"))?;
    }
    let (name, count) = (input::name_of(path), count.unwrap_or_default());
    if findings.iter().any(Finding::is_error) {
        return Err(Failure::new(ExitStatus::REJECTED, format!("{name} has {count}")).hint(CORRECT_HINT));
    }
    if !findings.is_empty() {
        printer.note(&format!("{name} has {count}"));
    }
    Ok(())
}

/// What is wrong with a prompt; with its files, too, where they are named.
fn found(prompt: &Prompt, object_info: Option<&ObjectInfo>, files: Vec<Destination>) -> Vec<Finding> {
    if files.is_empty() {
        return object_info.map_or_else(|| prompt.check(), |object_info| prompt.check_with(object_info));
    }
    // Where a file comes from makes no difference to whether it is there.
    let somewhere = Url::parse("file:///").ok();
    let files = files.into_iter().filter_map(|Destination(path)| Some((path, somewhere.clone()?)));
    let request = RunRequest::new(prompt.clone()).files(files.collect::<Files>());
    object_info.map_or_else(|| request.check(), |object_info| request.check_with(object_info))
}

/// What was found as data: `{"errors": 1, "warnings": 0, "findings": […]}`.
pub(in crate::command) fn report(findings: &[Finding]) -> Object {
    let count = |severity| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        Value::from(u64::try_from(count).unwrap_or(u64::MAX))
    };
    let list = findings.iter().map(Finding::to_object).collect::<Vec<_>>();
    Object::from_iter([
        ("errors", count(Severity::Error)),
        ("warnings", count(Severity::Warning)),
        ("findings", list.into()),
    ])
}
