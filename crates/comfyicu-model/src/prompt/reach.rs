//! What a node needs, what needs it, and the part of a prompt that belongs to some outputs.

use super::{EditError, Graph, Node, Prompt};

impl<'a> Graph<'a> {
    /// The nodes that some nodes need, directly or not, in the order of the file. The nodes themselves are
    /// among them only where they need each other. Ids that the prompt does not have are passed over, here
    /// and below.
    pub fn ancestors(&self, ids: impl IntoIterator<Item: AsRef<str>>) -> Vec<Node<'a>> {
        self.marked(&self.reached(self.indices_of(ids), Direction::Up), true)
    }

    /// The nodes that need some nodes, directly or not, in the order of the file.
    pub fn descendants(&self, ids: impl IntoIterator<Item: AsRef<str>>) -> Vec<Node<'a>> {
        self.marked(&self.reached(self.indices_of(ids), Direction::Down), true)
    }

    /// Some nodes and all that they need, in the order of the file.
    pub fn needed(&self, ids: impl IntoIterator<Item: AsRef<str>>) -> Vec<Node<'a>> {
        self.marked(&self.needed_marks(ids), true)
    }

    /// The nodes that none of the outputs needs, in the order of the file: they never run.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{
    ///     "1": {"class_type": "EmptyImage", "inputs": {}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    ///     "3": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}}
    /// }"#)?;
    /// let idle: Vec<_> = prompt.graph().unneeded(["2"]).iter().map(|node| node.id()).collect();
    /// assert_eq!(idle, ["3"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unneeded(&self, outputs: impl IntoIterator<Item: AsRef<str>>) -> Vec<Node<'a>> {
        self.marked(&self.needed_marks(outputs), false)
    }

    fn needed_marks(&self, ids: impl IntoIterator<Item: AsRef<str>>) -> Vec<bool> {
        let roots = self.indices_of(ids);
        let mut marks = self.reached(roots.clone(), Direction::Up);
        for root in roots {
            mark(&mut marks, root);
        }
        marks
    }

    fn indices_of(&self, ids: impl IntoIterator<Item: AsRef<str>>) -> Vec<usize> {
        ids.into_iter().filter_map(|id| self.index_of(id.as_ref())).collect()
    }

    /// Marks each node that is reached from some nodes by at least one link.
    fn reached(&self, mut stack: Vec<usize>, direction: Direction) -> Vec<bool> {
        let mut marks = vec![false; self.len()];
        while let Some(at) = stack.pop() {
            let edges = match direction {
                Direction::Up => self.links_of(at),
                Direction::Down => self.uses_of(at),
            };
            stack.extend(edges.iter().filter_map(|edge| edge.other).filter(|at| mark(&mut marks, *at)));
        }
        marks
    }

    fn marked(&self, marks: &[bool], wanted: bool) -> Vec<Node<'a>> {
        self.nodes().zip(marks).filter(|(_, mark)| **mark == wanted).map(|(node, _)| node).collect()
    }
}

#[derive(Clone, Copy)]
enum Direction {
    /// To what a node needs.
    Up,
    /// To what needs it.
    Down,
}

/// Whether this is the first time.
fn mark(marks: &mut [bool], at: usize) -> bool {
    marks.get_mut(at).is_some_and(|mark| !std::mem::replace(mark, true))
}

impl Prompt {
    /// The part of the prompt that some nodes need, themselves included: their entries as they are, in the
    /// order of the file. Top-level entries that are no nodes stay behind.
    ///
    /// The nodes are named as for [`find`](Self::find).
    ///
    /// # Errors
    /// When one of the nodes cannot be found.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{
    ///     "1": {"class_type": "EmptyImage", "inputs": {}},
    ///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    ///     "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    /// }"#)?;
    /// let saved = prompt.subprompt(["SaveImage"])?;
    /// assert_eq!(saved.nodes().map(|node| node.id()).collect::<Vec<_>>(), ["1", "2"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subprompt(&self, nodes: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, EditError> {
        let roots = nodes.into_iter().map(|node| self.find(node.as_ref()).map(|node| node.id()));
        let roots = roots.collect::<Result<Vec<_>, _>>()?;
        let kept = self.graph().needed(roots);
        Ok(Self(kept.into_iter().map(|node| (node.id(), node.as_object().clone())).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::prompt_of;
    use super::*;

    fn ids(nodes: &[Node<'_>]) -> String {
        nodes.iter().map(Node::id).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_needed_and_what_needs_it() {
        let prompt = prompt_of(&[
            ("save", &["b"]),
            ("b", &["a", "gone"]),
            ("idle", &["a"]),
            ("a", &[]),
            ("x", &["y"]),
            ("y", &["x"]),
        ]);
        let graph = prompt.graph();
        assert_eq!(ids(&graph.ancestors(["save"])), "b a");
        assert_eq!(ids(&graph.ancestors(["save", "b"])), "b a");
        assert_eq!(ids(&graph.ancestors(["x"])), "x y", "in a cycle a node needs itself");
        assert_eq!(ids(&graph.descendants(["a", "nobody"])), "save b idle");
        assert_eq!(ids(&graph.needed(["b", "y"])), "b a x y");
        assert_eq!(ids(&graph.unneeded(["save"])), "idle x y");
        assert_eq!(ids(&graph.unneeded([""; 0])), "save b idle a x y");
    }

    #[test]
    fn a_subprompt_is_whole_and_in_order() {
        let prompt = prompt_of(&[("save", &["b"]), ("other", &["b"]), ("b", &["gone"])]);
        let part = prompt.subprompt(["save"]).unwrap();
        assert_eq!(part.to_json(), prompt_of(&[("save", &["b"]), ("b", &["gone"])]).to_json());
        assert!(matches!(prompt.subprompt(["nobody"]), Err(EditError::NoNode { .. })));
    }
}
