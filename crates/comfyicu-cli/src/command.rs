//! The commands: each reads its arguments, calls the client and prints.

mod run;
mod runs;

use crate::args::{Arguments, Command};
use crate::failure::Failure;
use crate::session::Session;

/// Does what the command line asks for; Ctrl-C ends it at once.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let session = Session::new(&arguments.global)?;
    let command = async {
        match arguments.command {
            Command::Run(arguments) => run::run(&session, *arguments).await,
            Command::Runs(command) => runs::run(&session, command).await,
        }
    };
    tokio::select! {
        result = command => result,
        Ok(()) = tokio::signal::ctrl_c() => Err(session.interrupted()),
    }
}
