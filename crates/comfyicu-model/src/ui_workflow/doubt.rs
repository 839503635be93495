//! What a file leaves open about a node.

use crate::finding::Finding;
use crate::json::Value;

/// What could not be known when a node was laid out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Doubt {
    /// The definitions lack the class.
    Class,
    /// So many values are of widgets whose names the file does not tell.
    Widgets(usize),
    /// A value is none of those that bring inputs with them, so that the values after it may be out of place.
    Choice { widget: String, value: Value },
    /// Several nodes give something to all that an input could get, and none comes before the others.
    Ambiguous { input: String },
}

impl Doubt {
    /// Says it.
    pub(super) fn finding(&self) -> Finding {
        match self {
            Self::Class => Finding::warning(
                "unknown_class",
                "the node definitions lack the class; what the file says was used",
            )
            .suggest("take the definitions from the server that will run it"),
            Self::Widgets(count) => Finding::warning(
                "unknown_widgets",
                format!(
                    "the file does not tell the names of its {count} widgets; their values were left out"
                ),
            ),
            Self::Choice { widget, value } => Finding::warning(
                "unknown_choice",
                format!(
                    "{} is no choice that the definitions know; values after it may be out of place",
                    value.to_json()
                ),
            )
            .at_input(widget.as_str()),
            Self::Ambiguous { input } => Finding::warning(
                "ambiguous_broadcast",
                "several nodes give something to every such input, so that it gets nothing",
            )
            .suggest("link it, or let one of them come first")
            .at_input(input.as_str()),
        }
    }
}
