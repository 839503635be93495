//! Nodes that need each other.

use std::collections::{HashMap, VecDeque};

use super::Graph;
use super::order::{Strictness, walk};
use crate::ids::NodeId;

impl Graph<'_> {
    /// Each group of nodes that need each other, shown as one cycle through the first of them in the file:
    /// the shortest one, in the order in which one node needs the next; the first is also the last. None when
    /// all nodes can run.
    ///
    /// ```
    /// use comfyicu_model::Prompt;
    ///
    /// let prompt = Prompt::parse(br#"{
    ///     "1": {"class_type": "A", "inputs": {"x": ["2", 0]}},
    ///     "2": {"class_type": "B", "inputs": {"x": ["1", 0]}}
    /// }"#)?;
    /// assert_eq!(prompt.graph().cycles(), [["1".into(), "2".into(), "1".into()]]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cycles(&self) -> Vec<Vec<NodeId>> {
        let mut first_of_group = HashMap::new();
        let groups = self.groups();
        for (at, group) in groups.iter().enumerate() {
            first_of_group.entry(*group).or_insert(at);
        }
        let mut firsts: Vec<_> = first_of_group.into_values().collect();
        firsts.sort_unstable();
        firsts.into_iter().filter_map(|first| self.path_back_to(first, &groups)).collect()
    }

    /// For each node a number that it shares with the nodes which it needs and which need it (the strongly
    /// connected components, by Kosaraju's algorithm).
    pub(super) fn groups(&self) -> Vec<usize> {
        // Without strictness there is no error.
        let left = walk(self, 0..self.len(), Strictness::Nothing).unwrap_or_default();
        let mut groups = vec![None; self.len()];
        for (number, root) in left.into_iter().rev().enumerate() {
            let mut stack = vec![root];
            while let Some(at) = stack.pop() {
                if let Some(group @ None) = groups.get_mut(at) {
                    *group = Some(number);
                    stack.extend(self.links_towards_roots(at));
                }
            }
        }
        groups.into_iter().flatten().collect()
    }

    /// The walk goes from a node to what it needs, so the second pass goes from a node to what needs it.
    fn links_towards_roots(&self, at: usize) -> impl Iterator<Item = usize> {
        self.uses_of(at).iter().filter_map(|edge| edge.other)
    }

    /// The shortest way from a node along links back to itself.
    fn path_back_to(&self, first: usize, groups: &[usize]) -> Option<Vec<NodeId>> {
        let mut came_from = HashMap::new();
        let mut queue = VecDeque::from([first]);
        while let Some(at) = queue.pop_front() {
            for source in self.links_of(at).iter().filter_map(|edge| edge.other) {
                if source == first {
                    let way = std::iter::successors(Some(at), |at| came_from.get(at).copied());
                    let mut path: Vec<_> = std::iter::once(first).chain(way).collect();
                    path.reverse();
                    return Some(self.ids(path));
                }
                if groups.get(source) == groups.get(first) && !came_from.contains_key(&source) {
                    came_from.insert(source, at);
                    queue.push_back(source);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::prompt_of;

    fn cycles(lines: &[(&str, &[&str])]) -> Vec<String> {
        let cycles = prompt_of(lines).graph().cycles();
        cycles
            .iter()
            .map(|path| path.iter().map(crate::NodeId::as_str).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn each_group_is_shown_once_by_its_shortest_cycle() {
        let lines: &[(&str, &[&str])] = &[
            ("self", &["self"]),
            ("free", &["a", "b"]),
            ("a", &["b", "c"]),
            ("b", &["c", "d"]),
            ("c", &["a"]),
            ("d", &["leaf"]),
            ("y", &["x", "a"]),
            ("x", &["y"]),
            ("leaf", &["gone"]),
        ];
        assert_eq!(cycles(lines), ["self self", "a c a", "y x y"]);
    }

    #[test]
    fn without_cycles_there_are_none() {
        assert!(cycles(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]).is_empty());
    }
}
