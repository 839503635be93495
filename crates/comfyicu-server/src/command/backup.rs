//! `comfyicu-server backup` and `restore`.

use std::io::{self, Write as _};
use std::path::Path;

use super::CommandError;
use crate::args::{Backup, Restore};
use crate::backup::{self, Copied};

/// Copies the data directory.
pub(crate) fn backup(args: &Backup) -> Result<(), CommandError> {
    let copied = backup::backup(&args.place.data_dir, &args.to)?;
    tell("backed up", &copied, &args.to)
}

/// Makes a data directory of a copy.
pub(crate) async fn restore(args: Restore) -> Result<(), CommandError> {
    let copied = backup::restore(&args.from, &args.data_dir).await?;
    tell("restored", &copied, &args.data_dir)
}

fn tell(verb: &str, copied: &Copied, to: &Path) -> Result<(), CommandError> {
    let Copied { runs, files } = copied;
    writeln!(
        io::stderr().lock(),
        "{verb} {runs} runs to {}: {} files of {} bytes copied, {} were there, {} removed",
        to.display(),
        files.copied,
        files.bytes,
        files.unchanged,
        files.removed
    )?;
    Ok(())
}
