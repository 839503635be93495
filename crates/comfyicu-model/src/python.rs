//! Values as Python sees them: ComfyUI checks a prompt with Python's own conversions and comparisons.

mod compare;
mod convert;
mod index;
mod text;

pub(crate) use compare::{compare, equal};
pub(crate) use convert::{Conversion, to_float, to_int};
pub(crate) use index::{IndexError, index};
