//! JSON as ComfyUI files hold it, kept without loss.
//!
//! Seeds go beyond what a double can hold, `1.0` and `1` are different inputs to a node, keys have an
//! order that people rely on, and Python writes `NaN`. [`Value`] keeps all of that; [`read()`] and the
//! writers on [`Value`] are its two ends. Through serde it is lossless too, with `serde_json`.

mod encoding;
mod error;
mod ill_formed;
mod limits;
mod lines;
mod non_finite;
mod number;
mod object;
mod path;
mod position;
mod python;
mod read;
mod rewrite;
mod scan;
mod serde_impl;
mod value;
mod write;

pub use error::JsonError;
pub use ill_formed::IllFormedText;
pub use limits::Limits;
pub(crate) use lines::Lines;
pub use number::Number;
pub use object::Object;
pub use path::{JsonPath, PathStep};
pub use position::Position;
pub use read::read;
pub(crate) use read::read_document;
pub(crate) use rewrite::replaced;
pub use rewrite::rewrite;
pub(crate) use scan::{DoubledKey, Scanner, doubled_keys, is_object_behind};
pub use value::{Kind, Value};

#[cfg(test)]
pub(crate) use write::tests::any_value;
