//! The native executor beside a real ComfyUI that listens somewhere: measured, or compared.
//!
//! `cargo xtask bench native` and `cargo xtask conformance native` run this.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it talks to the person at the shell, and ends where something is not as it should be"
)]

mod bench;
mod comfyui;
mod conformance;
#[path = "../../tests/pixels/picture.rs"]
mod picture;

/// That of released servers. Here libraries in C have it too: of what they give back, glibc's own keeps some for itself,
/// which would be in the peaks of others.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((what, rest)) if what == "bench" => bench::run(rest),
        Some((what, rest)) if what == "conformance" => conformance::run(rest),
        _ => Err("what? `bench` or `conformance`".into()),
    }
}
