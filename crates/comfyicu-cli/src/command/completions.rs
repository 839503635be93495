//! `comfyicu completions`.

use clap::CommandFactory as _;

use super::Context;
use crate::args::{Arguments, Completions};
use crate::failure::Failure;

pub(super) fn completions(context: &Context, arguments: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "comfyicu", &mut script);
    context.printer.write(&script)
}
