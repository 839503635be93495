//! The command `comfyicu-server`, as the tests start it.

fn main() -> std::process::ExitCode {
    comfyicu_server::main()
}
