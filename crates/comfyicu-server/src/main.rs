//! The binary; see the library.

use std::process::ExitCode;

/// The allocator of musl has one lock for all threads, and nodes that work on many pixels wait for it.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    comfyicu_server::main()
}
