//! `comfyicu completions`.

use super::Context;
use crate::args::Completions;
use crate::complete;
use crate::failure::Failure;

pub(super) fn completions(context: &Context, arguments: &Completions) -> Result<(), Failure> {
    let script = complete::script(arguments.shell);
    let script =
        script.map_err(|error| Failure::unexpected("the script cannot be written").because(&error))?;
    context.printer.write(&script)
}
