//! The command as a process, against a scripted service on a socket.

#![cfg(test)]

mod command;
mod failures;
mod interrupt;
mod lists;
mod prompt;
mod run;
mod runs;
mod service;
mod settings;

use command::Command;
use service::{Request, Response, Service};
