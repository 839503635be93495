//! The graphs as they are unfolded: the root, and one for each instance of a subgraph, at any depth.

use std::collections::HashMap;

use super::graph::{Graph, GraphAt, Node, NodeAt, Role};
use super::load::Graphs;
use super::{ConvertError, limits};
use crate::ids::NodeId;
use crate::json::{Object, Value};

/// The place of a scope in a tree of them; 0 is the root.
pub(super) type ScopeAt = usize;

/// One unfolding of a graph.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) graph: GraphAt,
    /// The scope that the instance is in, and the instance.
    pub(super) parent: Option<(ScopeAt, NodeAt)>,
    /// How many instances it is in.
    level: usize,
    /// What stands before the ids of its nodes: the instances' ids, each with a colon behind it.
    prefix: String,
}

/// All scopes of a workflow.
#[derive(Debug)]
pub(super) struct Scopes<'a> {
    /// The whole file.
    pub(super) workflow: &'a Object,
    pub(super) graphs: Graphs<'a>,
    all: Vec<Scope>,
    inner: HashMap<(ScopeAt, NodeAt), ScopeAt>,
}

impl<'a> Scopes<'a> {
    /// Unfolds the instances.
    ///
    /// # Errors
    /// When a definition contains itself, or the whole would be beyond the bounds.
    pub(super) fn unfold(workflow: &'a Object, graphs: Graphs<'a>) -> Result<Self, ConvertError> {
        let root = Scope { graph: 0, parent: None, level: 0, prefix: String::new() };
        let mut scopes = Self { workflow, graphs, all: vec![root], inner: HashMap::new() };
        let mut nodes = 0;
        let mut at = 0;
        while let Some(scope) = scopes.all.get(at) {
            let Some(graph) = scopes.graphs.all.get(scope.graph) else { break };
            nodes += graph.nodes.len();
            limits::NODES.check(nodes)?;
            limits::LEVELS.check(scope.level)?;
            let mut found = Vec::new();
            for (node_at, node) in graph.nodes.iter().enumerate() {
                if let Role::Instance(definition) = node.role {
                    if scopes.is_inside(at, definition) {
                        return Err(ConvertError::ContainsItself {
                            node_id: NodeId::new(format!("{}{}", scope.prefix, node.id)),
                        });
                    }
                    let prefix = format!("{}{}:", scope.prefix, node.id);
                    found.push(Scope {
                        graph: definition,
                        parent: Some((at, node_at)),
                        level: scope.level + 1,
                        prefix,
                    });
                }
            }
            for scope in found {
                if let Some(parent) = scope.parent {
                    scopes.inner.insert(parent, scopes.all.len());
                }
                scopes.all.push(scope);
            }
            at += 1;
        }
        Ok(scopes)
    }

    /// Whether a scope is, or is in, an unfolding of a definition.
    fn is_inside(&self, at: ScopeAt, definition: GraphAt) -> bool {
        let mut next = Some(at);
        while let Some(scope) = next.and_then(|at| self.all.get(at)) {
            if scope.graph == definition {
                return true;
            }
            next = scope.parent.map(|(parent, _)| parent);
        }
        false
    }

    pub(super) fn scope(&self, at: ScopeAt) -> Option<&Scope> {
        self.all.get(at)
    }

    pub(super) fn graph(&self, at: ScopeAt) -> Option<&Graph<'a>> {
        self.graphs.all.get(self.all.get(at)?.graph)
    }

    pub(super) fn node(&self, at: ScopeAt, node: NodeAt) -> Option<&Node<'a>> {
        self.graph(at)?.node(node)
    }

    /// The scope that an instance unfolds to.
    pub(super) fn inside(&self, at: ScopeAt, instance: NodeAt) -> Option<ScopeAt> {
        self.inner.get(&(at, instance)).copied()
    }

    /// The value that the instance around a scope holds for a widget of a node in it.
    pub(super) fn override_of(&self, at: ScopeAt, node: NodeAt, widget: &str) -> Option<&Value> {
        let (outer, instance) = self.all.get(at)?.parent?;
        let overrides = self.node(outer, instance)?.overrides.get(&node)?;
        overrides.iter().find(|(name, _)| name == widget).map(|(_, value)| value)
    }

    /// The id of a node in the prompt: the path of instances to it.
    pub(super) fn prompt_id(&self, at: ScopeAt, node: &Node<'_>) -> String {
        self.all.get(at).map_or_else(|| node.id.clone(), |scope| format!("{}{}", scope.prefix, node.id))
    }
}
