//! JSON as ComfyUI files hold it, kept without loss.
//!
//! Seeds go beyond what a double can hold, `1.0` and `1` are different inputs to a node, keys have an
//! order that people rely on, and Python writes `NaN`. [`Value`] keeps all of that; [`read()`] and the
//! writers on [`Value`] are its two ends. Through serde it is lossless too, with `serde_json`.

mod number;
mod object;
mod path;
mod position;
mod read;
mod serde_impl;
mod value;
mod write;

pub use number::Number;
pub use object::Object;
pub use path::JsonPath;
pub use position::Position;
pub(crate) use read::read_document;
pub use read::{JsonError, Limits, read};
pub use value::{Kind, Value};
