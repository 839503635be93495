//! `comfyicu prompt show` and `nodes`.

use std::path::Path;

use comfyicu_model::json::Object;

use crate::command::Context;
use crate::failure::Failure;
use crate::{input, printer, render};

pub(super) async fn show(context: &Context, path: &Path) -> Result<(), Failure> {
    let printer = &context.printer;
    let file = input::prompt(path, printer).await?;
    let mut findings = file.read.findings.clone();
    findings.extend(file.read.prompt.check());
    file.locate(&mut findings);
    for finding in &findings {
        printer.remark(&render::findings::finding(finding, file.source()));
    }
    if printer.is_json() {
        return printer.print_object(file.read.prompt.into_object());
    }
    printer.print(render::prompt::overview(&file.read.prompt).trim_end())
}

pub(super) async fn nodes(context: &Context, path: &Path) -> Result<(), Failure> {
    let printer = &context.printer;
    let prompt = input::prompt(path, printer).await?.read.prompt;
    if printer.is_json() {
        return printer.print_object(Object::from_iter([("nodes", render::prompt::nodes(&prompt))]));
    }
    printer.print(&render::prompt::list(&prompt, printer::is_for_people()))
}
