//! The command `comfyicu`, as the tests start it.

fn main() -> std::process::ExitCode {
    comfyicu_cli::main()
}
