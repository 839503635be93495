//! The bounds within which a workflow is converted, each far beyond what people make. A file can say in a few
//! lines what would fill the memory: subgraphs in subgraphs double with each level.

use super::ConvertError;

/// One of the bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    limit: usize,
    what: &'static str,
}

/// A hundred times the largest workflow seen.
pub(super) const NODES: Bound =
    Bound { limit: 100_000, what: "nodes, those in its subgraphs counted as often as they are used" };

/// People make three.
pub(super) const LEVELS: Bound = Bound { limit: 64, what: "subgraphs inside each other" };

/// The editor's own lists grow to a hundred.
pub(super) const INPUTS: Bound = Bound { limit: 1_000, what: "inputs at one node" };

/// Each instance has all inputs of its definition.
pub(super) const INSTANCE_INPUTS: Bound = Bound { limit: 1_000_000, what: "inputs at its subgraphs" };

/// From an input through reroutes, bypassed nodes and subgraphs to what feeds it.
pub(super) const STEPS: Bound = Bound { limit: 1_000, what: "steps from an input to its source" };

/// People make a dozen, and each is looked at for every input.
pub(super) const BROADCASTS: Bound = Bound { limit: 256, what: "things that are given everywhere" };

/// Ten of them at each input of ten thousand nodes.
pub(super) const BROADCAST_TESTS: Bound =
    Bound { limit: 500_000, what: "inputs to look at for each of the things that are given everywhere" };

/// A thousand nodes in a hundred groups, for a hundred things.
pub(super) const GROUP_TESTS: Bound =
    Bound { limit: 10_000_000, what: "places of nodes in groups to look at" };

impl Bound {
    /// How many there may be.
    pub(super) const fn limit(self) -> usize {
        self.limit
    }

    /// Refuses more than there may be.
    pub(super) const fn check(self, count: usize) -> Result<(), ConvertError> {
        if count > self.limit {
            Err(ConvertError::TooLarge { what: self.what, limit: self.limit })
        } else {
            Ok(())
        }
    }
}
