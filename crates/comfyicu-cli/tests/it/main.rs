//! The command as a process, against a scripted service on a socket.

#![cfg(test)]

mod command;
mod failures;
mod interrupt;
mod prompt;
mod run;
mod runs;
mod service;

use command::Command;
use service::{Request, Response, Service};
