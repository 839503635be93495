//! The prompt as a graph: what must run before what.

use std::collections::HashSet;

use super::{Link, Node, Prompt};
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

/// A node that is being visited, and the links of it that are still to be followed.
struct Visit<'a> {
    id: &'a str,
    links: Vec<(&'a str, Link<'a>)>,
}

impl Prompt {
    /// The nodes that `outputs` need, themselves included, each after what it needs and each once.
    ///
    /// The order is the same for the same prompt: inputs are followed as they stand in the file.
    ///
    /// # Errors
    /// When some of them need each other, or a link names a node that is not there.
    pub fn execution_order<'a>(
        &'a self,
        outputs: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Node<'a>>, GraphError> {
        let mut order = Vec::new();
        let mut done = HashSet::new();
        for output in outputs {
            if let Some(node) = self.node(output) {
                self.visit(node, &mut done, &mut order)?;
            }
        }
        Ok(order)
    }

    /// A depth-first walk with a stack of its own: a prompt may be deeper than the thread's stack.
    fn visit<'a>(
        &'a self,
        root: Node<'a>,
        done: &mut HashSet<&'a str>,
        order: &mut Vec<Node<'a>>,
    ) -> Result<(), GraphError> {
        if done.contains(root.id()) {
            return Ok(());
        }
        let mut open = HashSet::from([root.id()]);
        let mut stack = vec![Visit::new(root)];
        while let Some(visit) = stack.last_mut() {
            let Some((input, link)) = visit.links.pop() else {
                done.insert(visit.id);
                open.remove(visit.id);
                order.extend(self.node(visit.id));
                stack.pop();
                continue;
            };
            if open.contains(link.node_id) {
                return Err(cycle(&stack, link.node_id));
            }
            if done.contains(link.node_id) {
                continue;
            }
            let node = self.node(link.node_id).ok_or_else(|| dangling(visit.id, input, link))?;
            open.insert(node.id());
            stack.push(Visit::new(node));
        }
        Ok(())
    }
}

impl<'a> Visit<'a> {
    fn new(node: Node<'a>) -> Self {
        // Taken from the end, so that the first input is followed first.
        Self { id: node.id(), links: node.links().rev().collect() }
    }
}

fn cycle(stack: &[Visit<'_>], back_to: &str) -> GraphError {
    let ids = stack.iter().map(|visit| visit.id).skip_while(|id| *id != back_to);
    GraphError::Cycle { path: ids.chain([back_to]).map(NodeId::from).collect() }
}

fn dangling(node_id: &str, input: &str, link: Link<'_>) -> GraphError {
    GraphError::Dangling { node_id: node_id.into(), input: input.to_owned(), target: link.node_id.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a prompt of `node: needs…` lines.
    fn prompt(lines: &[(&str, &[&str])]) -> Prompt {
        let node = |(id, needs): &(&str, &[&str])| {
            let inputs: Vec<_> =
                needs.iter().enumerate().map(|(at, need)| format!(r#""in{at}":["{need}",0]"#)).collect();
            format!(r#""{id}":{{"class_type":"N","inputs":{{{}}}}}"#, inputs.join(","))
        };
        Prompt::parse(format!("{{{}}}", lines.iter().map(node).collect::<Vec<_>>().join(",")).as_bytes())
            .unwrap()
    }

    fn order(prompt: &Prompt, outputs: &[&'static str]) -> Result<Vec<String>, GraphError> {
        let nodes = prompt.execution_order(outputs.iter().copied())?;
        Ok(nodes.iter().map(|node| node.id().to_owned()).collect())
    }

    #[test]
    fn each_needed_node_once_after_what_it_needs() {
        let diamond = prompt(&[
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
    fn a_cycle_is_shown_as_a_path() {
        let cyclic = prompt(&[("out", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])]);
        insta::assert_snapshot!(order(&cyclic, &["out"]).unwrap_err(), @"the nodes form a cycle: a → b → c → a");
        assert!(order(&prompt(&[("a", &["a"])]), &["a"]).is_err());
    }

    #[test]
    fn a_dangling_link_names_both_ends() {
        let dangling = prompt(&[("out", &["gone"])]);
        insta::assert_snapshot!(order(&dangling, &["out"]).unwrap_err(), @"node out, input `in0`: there is no node gone");
    }

    #[test]
    fn a_chain_longer_than_any_stack_has_an_order() {
        let node =
            |id: u32| format!("\"{id}\":{{\"class_type\":\"N\",\"inputs\":{{\"x\":[\"{}\",0]}}}}", id - 1);
        let nodes: Vec<_> = (1..100_000).map(node).collect();
        let json = format!("{{\"0\":{{\"class_type\":\"N\"}},{}}}", nodes.join(","));
        let chain = Prompt::parse(json.as_bytes()).unwrap();
        assert_eq!(chain.execution_order(["99999"]).unwrap().len(), 100_000);
    }
}
