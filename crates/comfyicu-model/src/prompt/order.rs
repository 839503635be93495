//! The order in which nodes can run.

use super::{Graph, Link, Node, Prompt};
use crate::ids::NodeId;

/// Why the nodes of a prompt have no order in which they can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// Nodes need each other.
    #[error("the nodes form a cycle: {}", path.iter().map(NodeId::as_str).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// The nodes in the order in which one needs the next; the first is also the last.
        path: Vec<NodeId>,
    },
    /// A link names a node that the prompt does not have.
    #[error("node {node_id}, input `{input}`: there is no node {target}")]
    Dangling {
        /// The node that has the link.
        node_id: NodeId,
        /// The input that it stands at.
        input: String,
        /// The node that is not there.
        target: NodeId,
    },
}

impl Prompt {
    /// The nodes that `outputs` need, themselves included, each after what it needs and each once.
    ///
    /// The order is the same for the same prompt: inputs are followed as they stand in the file. Ids that the
    /// prompt does not have are passed over.
    ///
    /// # Errors
    /// When some of them need each other, or a link names a node that is not there.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{
    ///     "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
    ///     "8": {"class_type": "EmptyImage", "inputs": {}}
    /// }"#)?;
    /// let order: Vec<_> = prompt.execution_order(["9"])?.iter().map(|node| node.id()).collect();
    /// assert_eq!(order, ["8", "9"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn execution_order<'a>(
        &'a self,
        outputs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Node<'a>>, GraphError> {
        let graph = self.graph();
        let roots = outputs.into_iter().filter_map(|id| graph.index_of(id));
        Ok(graph.in_order(&walk(&graph, roots, Strictness::All)?))
    }
}

impl<'a> Graph<'a> {
    /// All nodes, each after what it needs. The order is the same for the same prompt: as in the file, as far
    /// as the links allow. A link to a node that is not there orders nothing.
    ///
    /// # Errors
    /// When nodes need each other; [`cycles`](Self::cycles) has them all.
    pub fn order(&self) -> Result<Vec<Node<'a>>, GraphError> {
        Ok(self.in_order(&walk(self, 0..self.len(), Strictness::Cycles)?))
    }

    /// The nodes at some indices, in the order of these.
    fn in_order(&self, indices: &[usize]) -> Vec<Node<'a>> {
        indices.iter().filter_map(|at| self.at(*at)).collect()
    }
}

/// What ends a walk with an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Cycles, and links to nodes that are not there.
    All,
    /// Cycles only.
    Cycles,
    /// Nothing: a link that closes a cycle is passed over too.
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// What it needs is being visited.
    Open,
    Done,
}

/// A node that is being visited, and how many of its links have been followed.
struct Visit {
    at: usize,
    followed: usize,
}

/// Visits what `roots` need depth first, and returns the nodes in the order in which they were left: each
/// after what it needs. It has a stack of its own: a prompt may be deeper than the thread's.
pub(super) fn walk(
    graph: &Graph<'_>,
    roots: impl IntoIterator<Item = usize>,
    strictness: Strictness,
) -> Result<Vec<usize>, GraphError> {
    let mut walk = Walk { graph, strictness, states: vec![None; graph.len()], left: Vec::new() };
    roots.into_iter().try_for_each(|root| walk.visit(root))?;
    Ok(walk.left)
}

struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    strictness: Strictness,
    states: Vec<Option<State>>,
    left: Vec<usize>,
}

impl Walk<'_, '_> {
    fn visit(&mut self, root: usize) -> Result<(), GraphError> {
        let graph = self.graph;
        let mut stack = Vec::new();
        self.open(root, &mut stack);
        while let Some(visit) = stack.last_mut() {
            let Some(edge) = graph.links_of(visit.at).get(visit.followed) else {
                self.set(visit.at, State::Done);
                self.left.push(visit.at);
                stack.pop();
                continue;
            };
            visit.followed += 1;
            match edge.other {
                Some(source) => {
                    let closes_cycle = self.states.get(source) == Some(&Some(State::Open));
                    if closes_cycle && self.strictness != Strictness::Nothing {
                        return Err(self.cycle(&stack, source));
                    }
                    self.open(source, &mut stack);
                }
                None if self.strictness == Strictness::All => {
                    return Err(self.dangling(visit.at, edge.input, edge.link));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Begins with a node, unless that has happened before.
    fn open(&mut self, at: usize, stack: &mut Vec<Visit>) {
        if self.states.get(at) == Some(&None) {
            self.set(at, State::Open);
            stack.push(Visit { at, followed: 0 });
        }
    }

    fn set(&mut self, at: usize, state: State) {
        if let Some(place) = self.states.get_mut(at) {
            *place = Some(state);
        }
    }

    fn cycle(&self, stack: &[Visit], back_to: usize) -> GraphError {
        let open = stack.iter().map(|visit| visit.at).skip_while(|at| *at != back_to);
        GraphError::Cycle { path: self.graph.ids(open.chain([back_to])) }
    }

    fn dangling(&self, at: usize, input: &str, link: Link<'_>) -> GraphError {
        GraphError::Dangling {
            node_id: self.graph.at(at).map_or("", |node| node.id()).into(),
            input: input.to_owned(),
            target: link.node_id.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::prompt_of;
    use super::*;

    fn order(prompt: &Prompt, outputs: &[&'static str]) -> Result<Vec<String>, GraphError> {
        let nodes = prompt.execution_order(outputs.iter().copied())?;
        Ok(nodes.iter().map(|node| node.id().to_owned()).collect())
    }

    #[test]
    fn each_needed_node_once_after_what_it_needs() {
        let diamond = prompt_of(&[
            ("save", &["b", "a"]),
            ("a", &["load"]),
            ("b", &["load"]),
            ("load", &[]),
            ("idle", &[]),
        ]);
        assert_eq!(order(&diamond, &["save"]).unwrap(), ["load", "b", "a", "save"]);
        assert_eq!(order(&diamond, &["a", "save", "gone"]).unwrap(), ["load", "a", "b", "save"]);
    }

    #[test]
    fn the_order_of_all_is_that_of_the_file_where_links_allow_it() {
        let prompt = prompt_of(&[("a", &[]), ("z", &["y"]), ("b", &["gone"]), ("y", &[])]);
        let order: Vec<_> = prompt.graph().order().unwrap().iter().map(Node::id).collect();
        assert_eq!(order, ["a", "y", "z", "b"]);
    }

    #[test]
    fn a_cycle_is_shown_as_a_path() {
        let cyclic = prompt_of(&[("out", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])]);
        insta::assert_snapshot!(order(&cyclic, &["out"]).unwrap_err(), @"the nodes form a cycle: a → b → c → a");
        assert!(cyclic.graph().order().is_err());
        assert!(order(&prompt_of(&[("a", &["a"])]), &["a"]).is_err());
    }

    #[test]
    fn a_dangling_link_names_both_ends() {
        let dangling = prompt_of(&[("out", &["gone"])]);
        insta::assert_snapshot!(order(&dangling, &["out"]).unwrap_err(), @"node out, input `in0`: there is no node gone");
    }
}
