//! The command `comfyicu`.

use std::process::ExitCode;

fn main() -> ExitCode {
    comfyicu_cli::main()
}
