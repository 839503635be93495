//! What the end-to-end tests are made of: a real server, the real command line, hosts on loopback.
//!
//! Nothing here sleeps to give something time: what has to happen is waited for, with a bound.

#![expect(clippy::expect_used, clippy::panic, reason = "a fixture that cannot be set up ends its test")]
#![expect(clippy::indexing_slicing, reason = "indexing JSON never panics: what is missing is null")]
#![expect(clippy::print_stderr, reason = "what a child said belongs into the report of the test that failed")]

mod bench;
mod chaos;
mod child;
mod cli;
mod comfyui;
mod conformance;
mod connection;
mod environment;
mod fault_proxy;
mod host;
mod hostile;
mod http;
mod image;
mod s3;
mod server;
mod soak;
mod wait;

pub use bench::{BenchOptions, FilesBenchOptions, RealComfy, bench, bench_files, bench_gateway};
pub use chaos::{ChaosReport, chaos};
pub use child::{Background, Finished, run_bounded};
pub use cli::Cli;
pub use comfyui::{ComfyFault, ComfyMessage, FakeComfy, RecordedEnd, RecordedPrompt, recordings};
pub use conformance::{ComfyFolder, Conformance, ConformanceOptions, conformance};
pub use environment::{in_ci, repository, without_package_variables};
pub use fault_proxy::{Fault, FaultProxy};
pub use host::{Host, Received, Reply};
pub use hostile::{Attack, AttackReport, Served, attack};
pub use http::{Answer, get, request, try_request};
pub use image::Image;
pub use s3::S3;
pub use server::{Programs, Server, ServerOptions};
pub use soak::{Measure, Sample, SoakReport, soak};
pub use wait::{PATIENCE, eventually};

/// The Rust in the README and in the book has to compile.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    pub struct Readme;
    #[doc = include_str!("../../docs/src/rust.md")]
    pub struct FromRust;
    #[doc = include_str!("../../docs/src/rust/submitting.md")]
    pub struct Submitting;
    #[doc = include_str!("../../docs/src/rust/waiting.md")]
    pub struct Waiting;
    #[doc = include_str!("../../docs/src/rust/outputs.md")]
    pub struct Outputs;
    #[doc = include_str!("../../docs/src/rust/webhooks.md")]
    pub struct Webhooks;
    #[doc = include_str!("../../docs/src/rust/batches.md")]
    pub struct Batches;
    #[doc = include_str!("../../docs/src/rust/transport.md")]
    pub struct Transport;
    #[doc = include_str!("../../docs/src/prompts.md")]
    pub struct Prompts;
    #[doc = include_str!("../../docs/src/checking.md")]
    pub struct CheckingPrompts;
}
