//! The command as a process, against a scripted service on a socket.

#![cfg(test)]

mod batch;
mod command;
mod completions;
mod edges;
mod failures;
mod interrupt;
mod lists;
mod others;
mod prompt;
mod run;
mod runs;
mod schemas;
mod service;
mod settings;
mod terminal;
mod webhooks;

use command::Command;
use service::{Request, Response, Service};
