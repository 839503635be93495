//! The types of sockets: what an output gives, what an input takes.

use std::fmt;

use crate::json::Value;

/// The type of a socket, such as `IMAGE`, `IMAGE,MASK` (either of them) or `*` (anything).
///
/// Old definitions name no type but list the options; such a socket is a `COMBO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotType<'a> {
    /// A type by name, or several with commas between them.
    Named(&'a str),
    /// A choice of these.
    Options(&'a [Value]),
}

/// A socket that takes what any other gives.
const ANY: &str = "*";
/// A socket whose type is that of others of the same node; the editor sees to it.
const MATCH: &str = "COMFY_MATCHTYPE_V3";
/// A choice, where the definition names its type.
const COMBO: &str = "COMBO";

impl<'a> SlotType<'a> {
    /// Reads a type as it stands in a definition.
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::String(name) => Self::Named(name),
            Value::Array(options) => Self::Options(options),
            // ComfyUI's editor takes what it does not understand for a socket of any type.
            _ => Self::Named(ANY),
        }
    }

    /// The name of the type; `COMBO` for a list of options.
    pub const fn name(self) -> &'a str {
        match self {
            Self::Named(name) => name,
            Self::Options(_) => COMBO,
        }
    }

    /// The types that it stands for, one after the other.
    pub fn alternatives(self) -> impl Iterator<Item = &'a str> {
        self.name().split(',').map(str::trim)
    }

    /// Whether it goes with every other type: `*`, or one that matches others of its node.
    pub fn is_any(self) -> bool {
        matches!(self.name(), ANY | MATCH)
    }

    /// Whether an input of this type takes what an output of type `given` gives, as ComfyUI decides it: the
    /// same type, one alternative in common, or either of any type. A list of options takes the same list
    /// only.
    ///
    /// ```
    /// use comfyicu_model::object_info::SlotType;
    ///
    /// assert!(SlotType::Named("IMAGE,MASK").accepts(SlotType::Named("MASK")));
    /// assert!(SlotType::Named("*").accepts(SlotType::Named("LATENT")));
    /// assert!(!SlotType::Named("IMAGE").accepts(SlotType::Named("LATENT")));
    /// ```
    pub fn accepts(self, given: SlotType<'_>) -> bool {
        match (self, given) {
            _ if self.is_any() || given.is_any() => true,
            (Self::Options(wanted), SlotType::Options(given)) => wanted == given,
            (Self::Named(wanted), SlotType::Named(given)) => {
                wanted == given
                    || self.alternatives().any(|one| given.split(',').any(|other| one == other.trim()))
            }
            _ => false,
        }
    }
}

impl fmt::Display for SlotType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
