//! Links that nobody drew: the pack “Use Everywhere” gives what comes into its nodes to every input of the type
//! that has no link, as far as the node says which.

mod conditions;
mod groups;
mod offers;
mod pattern;

use super::doubt::Doubt;
use super::graph::{Graph, Link, NodeAt, Origin};
use super::view::{LinkId, SlotView, id_text, integer, objects};
use super::{ConvertError, limits};
use crate::json::{Object, Value};
use offers::{Choice, Offers};

/// The number of the first link that is drawn: the files' own stay below.
const FIRST_LINK: LinkId = 1 << 60;

/// The id of what stands for a subgraph's inputs in the pack's list.
const INPUT_NODE: &str = "-10";

/// Draws the links of a graph. Newer files list those that the pack made; for others they are found as the pack
/// finds them.
pub(super) fn draw_links(graph: &mut Graph<'_>, source: &Object) -> Result<(), ConvertError> {
    let extra = source.get("extra").and_then(|extra| extra.as_object());
    match extra.and_then(|extra| extra.get("ue_links")) {
        Some(listed) => draw_listed(graph, listed),
        None => find(graph, source)?,
    }
    Ok(())
}

/// `{"downstream": 8, "downstream_slot": 1, "upstream": "4", "upstream_slot": 2}`; the slot counts the inputs as
/// the file has them.
fn draw_listed(graph: &mut Graph<'_>, listed: &Value) {
    for link in objects(Some(listed)) {
        let id = |key| link.get(key).and_then(id_text);
        let slot = |key| link.get(key).and_then(integer).and_then(|slot| usize::try_from(slot).ok());
        let origin = id("upstream").and_then(|id| match graph.find(&id) {
            Some(node) => Some(Origin::Node(node)),
            None => (id == INPUT_NODE).then_some(Origin::Boundary),
        });
        let target = id("downstream").and_then(|id| graph.find(&id));
        let ends = (origin, slot("upstream_slot"), target, slot("downstream_slot"));
        let (Some(origin), Some(origin_slot), Some(target), Some(slot)) = ends else { continue };
        let Some(node) = graph.nodes.get(target) else { continue };
        let name = node.view.inputs().nth(slot).map(SlotView::name);
        let by_name = name.and_then(|name| node.inputs.iter().position(|slot| slot.name == name));
        draw(graph, Link { origin, origin_slot }, (target, by_name.unwrap_or(slot)));
    }
}

/// Finds for each input without a link what is given to it.
fn find(graph: &mut Graph<'_>, source: &Object) -> Result<(), ConvertError> {
    let offers = Offers::of(graph, source)?;
    if offers.is_empty() {
        return Ok(());
    }
    let (mut drawn, mut ambiguous, mut tests) = (Vec::new(), Vec::new(), 0);
    for (at, node) in graph.nodes.iter().enumerate() {
        if offers::is_broadcaster(node.class) || !conditions::takes_links(node.view) {
            continue;
        }
        for (slot_at, slot) in node.inputs.iter().enumerate() {
            let is_linked = slot.link.is_some_and(|link| graph.links.contains_key(&link));
            if is_linked || !conditions::is_open(node, slot) {
                continue;
            }
            match offers.best(at, node, slot, &mut tests) {
                Choice::None => {}
                Choice::One(link) => drawn.push((link, (at, slot_at))),
                Choice::Several => ambiguous.push((at, slot.name.to_string())),
            }
            limits::BROADCAST_TESTS.check(tests)?;
        }
    }
    for (link, target) in drawn {
        draw(graph, link, target);
    }
    for (node, input) in ambiguous {
        if let Some(node) = graph.nodes.get_mut(node) {
            node.doubts.push(Doubt::Ambiguous { input });
        }
    }
    Ok(())
}

/// Draws a link to an input that has none.
fn draw(graph: &mut Graph<'_>, link: Link, target: (NodeAt, usize)) {
    let linked = |link: LinkId| graph.links.contains_key(&link);
    let Some(slot) = graph.nodes.get(target.0).and_then(|node| node.inputs.get(target.1)) else { return };
    if slot.link.is_some_and(linked) {
        return;
    }
    let id = FIRST_LINK + LinkId::try_from(graph.links.len()).unwrap_or(0);
    graph.links.insert(id, link);
    if let Some(slot) = graph.nodes.get_mut(target.0).and_then(|node| node.inputs.get_mut(target.1)) {
        slot.link = Some(id);
    }
}

#[cfg(test)]
mod tests;
