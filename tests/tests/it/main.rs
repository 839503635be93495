//! The whole way through: a real server, the real command line, real sockets, files and processes.
#![cfg(test)]

mod api;
mod architecture;
mod backups;
mod chaos;
mod client;
mod clock;
mod comfyui;
mod commands;
mod crash;
mod documentation_clients;
mod documents;
mod faults;
mod faults_on_purpose;
mod files;
mod hostile;
mod keys;
mod lifecycle;
mod live;
mod operating;
mod outputs;
#[cfg(target_os = "linux")]
mod power_loss;
mod prompts;
mod quickstart;
mod refusals;
mod security;
mod shell_page;
mod shutdown;
mod tutorial_pages;
mod ui_workflows;
mod webhooks;

use comfyicu_tests::Programs;

/// The programs under test, built together with the tests.
const PROGRAMS: Programs =
    Programs { cli: env!("CARGO_BIN_EXE_e2e-comfyicu"), server: env!("CARGO_BIN_EXE_e2e-comfyicu-server") };
