//! The widgets that an instance of a subgraph shows for inputs inside, and their own values.

use std::collections::HashMap;

use super::graph::{Graph, GraphAt, Node, NodeAt, Role, Slot};
use super::load::Graphs;
use super::view::{SavedValues, id_text};
use super::{ConvertError, limits};
use crate::json::Value;

/// Where a widget is: the graph, the node in it, and the input that is the widget's socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct WidgetAt {
    pub(super) graph: GraphAt,
    pub(super) node: NodeAt,
    pub(super) slot: usize,
}

/// Gives each instance the inputs of its definition, with the links and values that the file has for them.
pub(super) fn connect_instances(graphs: &mut Graphs<'_>) -> Result<(), ConvertError> {
    let mut connected = Vec::new();
    let mut inputs = 0;
    for (at, graph) in graphs.all.iter().enumerate() {
        for (node_at, node) in graph.nodes.iter().enumerate() {
            if let Role::Instance(definition) = node.role {
                inputs += graphs.all.get(definition).map_or(0, |graph| graph.inputs.len());
                limits::INSTANCE_INPUTS.check(inputs)?;
                connected.push((at, node_at, instance(graphs, node, definition)));
            }
        }
    }
    for (at, node_at, instance) in connected {
        if let Some(node) = graphs.all.get_mut(at).and_then(|graph| graph.nodes.get_mut(node_at)) {
            node.inputs = instance.slots;
            node.overrides = instance.overrides;
        }
    }
    for graph in &mut graphs.all {
        graph.index();
    }
    Ok(())
}

/// What an instance has beside its definition.
#[derive(Default)]
struct Instance<'a> {
    slots: Vec<Slot<'a>>,
    overrides: HashMap<NodeAt, Vec<(String, Value)>>,
}

fn instance<'a>(graphs: &Graphs<'a>, node: &Node<'a>, definition: GraphAt) -> Instance<'a> {
    let Some(graph) = graphs.all.get(definition) else { return Instance::default() };
    let behind: Vec<_> =
        (0..graph.inputs.len()).map(|input| widget_behind(graphs, definition, input)).collect();
    let slots = graph.inputs.iter().zip(&behind).map(|(input, behind)| Slot {
        name: input.name.clone(),
        type_name: input.type_name.clone(),
        link: node.inputs.iter().find(|slot| slot.name == input.name).and_then(|slot| slot.link),
        widget: behind.is_some().then(|| input.name.clone()),
        promoted: None,
    });
    let mut instance = Instance { slots: slots.collect(), overrides: HashMap::new() };
    if graph.is_group {
        return instance;
    }
    let targets = targets(graphs, node, definition, &behind);
    let values = match node.view.saved_values() {
        SavedValues::Listed(values) => values.to_vec(),
        SavedValues::Named(values) => {
            let own = |slot: &Slot<'_>| values.get(&slot.name).cloned();
            instance.slots.iter().filter(|slot| slot.widget.is_some()).filter_map(own).collect()
        }
    };
    for (target, value) in targets.into_iter().zip(values) {
        instance.set(target, value);
    }
    instance
}

/// What one of an instance's values is for.
enum Target {
    /// The input in that place.
    Input(usize),
    /// A widget inside.
    Inside(NodeAt, String),
    Nothing,
}

impl Instance<'_> {
    fn set(&mut self, target: Target, value: Value) {
        match target {
            Target::Input(at) => {
                if let Some(slot) = self.slots.get_mut(at) {
                    slot.promoted = Some(value);
                }
            }
            Target::Inside(node, widget) => self.overrides.entry(node).or_default().push((widget, value)),
            Target::Nothing => {}
        }
    }
}

/// What the values of an instance are for: in the order of `proxyWidgets` where the file has them, else in the
/// order of the definition's inputs.
fn targets(
    graphs: &Graphs<'_>,
    node: &Node<'_>,
    definition: GraphAt,
    behind: &[Option<WidgetAt>],
) -> Vec<Target> {
    let Some(proxies) = node.view.property("proxyWidgets").and_then(Value::as_array) else {
        let shown = behind.iter().enumerate().filter(|(_, behind)| behind.is_some());
        return shown.map(|(at, _)| Target::Input(at)).collect();
    };
    proxies.iter().map(|proxy| target(graphs, definition, behind, proxy).unwrap_or(Target::Nothing)).collect()
}

/// What `[node id, widget]` names: the instance's own input where the id is -1, or where an input stands for
/// that widget; else the widget itself. A primitive node inside stands for the input of the widget's name.
fn target(
    graphs: &Graphs<'_>,
    definition: GraphAt,
    behind: &[Option<WidgetAt>],
    proxy: &Value,
) -> Option<Target> {
    let [id, name, ..] = proxy.as_array()? else { return None };
    let (id, name) = (id_text(id)?, name.as_str()?);
    let graph = graphs.all.get(definition)?;
    let by_name = || graph.inputs.iter().position(|input| input.name == name).map(Target::Input);
    let Some(at) = graph.find(&id).filter(|_| id != "-1") else { return by_name() };
    let node = graph.node(at)?;
    let stands_for = |behind: &Option<WidgetAt>| {
        behind.is_some_and(|behind| {
            behind.graph == definition
                && behind.node == at
                && node.inputs.get(behind.slot).is_some_and(|slot| slot.widget.as_deref() == Some(name))
        })
    };
    if let Some(input) = behind.iter().position(stands_for) {
        return Some(Target::Input(input));
    }
    match node.role {
        Role::Plain => Some(Target::Inside(at, name.to_owned())),
        _ => by_name(),
    }
}

/// The first widget inside that an input of a definition is linked to.
pub(super) fn widget_behind(graphs: &Graphs<'_>, definition: GraphAt, input: usize) -> Option<WidgetAt> {
    let (mut definition, mut input) = (definition, input);
    for _ in 0..limits::LEVELS.limit() {
        let graph = graphs.all.get(definition)?;
        let (node_at, slot_at) = first_target(graph, input)?;
        let node = graph.node(node_at)?;
        let slot = node.inputs.get(slot_at)?;
        let Role::Instance(inner) = node.role else {
            slot.widget.as_ref()?;
            return Some(WidgetAt { graph: definition, node: node_at, slot: slot_at });
        };
        input = graphs.all.get(inner)?.inputs.iter().position(|input| input.name == slot.name)?;
        definition = inner;
    }
    None
}

/// The first input of a node inside that is linked to an input of the definition, widgets' sockets first.
fn first_target(graph: &Graph<'_>, input: usize) -> Option<(NodeAt, usize)> {
    let links = &graph.inputs.get(input)?.links;
    let targets = || links.iter().filter_map(|link| graph.consumers.get(link).copied());
    let may_have_widget = |(node, slot): &(NodeAt, usize)| {
        let node = graph.node(*node);
        let has_widget = |node: &Node<'_>| node.inputs.get(*slot).is_some_and(|slot| slot.widget.is_some());
        node.is_some_and(|node| matches!(node.role, Role::Instance(_)) || has_widget(node))
    };
    targets().find(may_have_widget).or_else(|| targets().next())
}
