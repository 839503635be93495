//! How much memory a prompt of 250 nodes holds, beside `serde_json::Value` of the same bytes: an allocator
//! counts.
//!
//! `cargo bench -p comfyicu-model --bench prompt_memory`

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may end, and says its figures"
)]

mod inputs;

use std::alloc::System;

use comfyicu_model::Prompt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let text = inputs::large_prompt();
    let json = text.as_bytes();
    let value = held(|| serde_json::from_slice::<serde_json::Value>(json).expect("JSON"));
    let prompt = held(|| Prompt::parse(json).expect("a prompt"));
    println!("{} bytes of JSON", json.len());
    println!("serde_json::Value  {:>8} bytes in {:>5} allocations", value.bytes, value.allocations);
    println!("Prompt             {:>8} bytes in {:>5} allocations", prompt.bytes, prompt.allocations);
    println!("{} % of the Value's bytes", prompt.bytes * 100 / value.bytes);
}

struct Held {
    bytes: usize,
    allocations: usize,
}

/// What is still allocated while the result is there.
fn held<T>(make: impl FnOnce() -> T) -> Held {
    let region = Region::new(ALLOCATOR);
    let made = make();
    let stats = region.change();
    drop(made);
    Held {
        // Growing in place counts as allocated too.
        bytes: stats.bytes_allocated - stats.bytes_deallocated,
        allocations: stats.allocations - stats.deallocations,
    }
}
