//! What is printed, as text for people.

pub(crate) mod findings;
pub(crate) mod prompt;
pub(crate) mod run;
pub(crate) mod table;
pub(crate) mod workflow;
