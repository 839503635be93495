//! How long reading a prompt of 250 nodes takes, beside `serde_json::Value` on the same bytes.
//!
//! `cargo bench -p comfyicu-model --bench prompt`

#![expect(clippy::expect_used, clippy::panic, reason = "a benchmark may end")]

mod inputs;

use std::hint::black_box;

use comfyicu_model::json::{Limits, read};
use comfyicu_model::{Prompt, ReadOptions};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn reading(criterion: &mut Criterion) {
    let text = inputs::large_prompt();
    let json = text.as_bytes();
    let mut group = criterion.benchmark_group("prompt of 250 nodes");
    group.throughput(Throughput::Bytes(u64::try_from(json.len()).expect("a length")));
    group.bench_function("serde_json::Value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(json)).expect("JSON"));
    });
    group.bench_function("json::Value", |bencher| {
        bencher.iter(|| read(black_box(json), Limits::default()).expect("JSON"));
    });
    group.bench_function("Prompt::parse", |bencher| {
        bencher.iter(|| Prompt::parse(black_box(json)).expect("a prompt"));
    });
    let options = ReadOptions::default().source_map(true);
    group.bench_function("Prompt::read with a source map", |bencher| {
        bencher.iter(|| Prompt::read(black_box(json), options).expect("a prompt"));
    });
    group.bench_function("serde_json::Value written", |bencher| {
        let value: serde_json::Value = serde_json::from_slice(json).expect("JSON");
        bencher.iter(|| black_box(&value).to_string());
    });
    group.bench_function("Prompt::to_json", |bencher| {
        let prompt = Prompt::parse(json).expect("a prompt");
        bencher.iter(|| black_box(&prompt).to_json());
    });
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
