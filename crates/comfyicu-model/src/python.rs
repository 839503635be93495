//! Values as Python sees them: ComfyUI checks a prompt with Python's own conversions and comparisons.

mod compare;

pub(crate) use compare::equal;
