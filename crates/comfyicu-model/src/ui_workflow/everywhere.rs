//! Links that nobody drew: the pack “Use Everywhere” gives what comes into its nodes to every input of the type
//! that has no link.

use std::collections::HashMap;

use super::graph::{Graph, Link, NodeAt, Origin};
use super::view::{LinkId, SlotView, id_text, integer, objects};
use crate::json::{Object, Value};

/// The nodes that give what they get to all.
const BROADCASTERS: [&str; 3] = ["Anything Everywhere", "Anything Everywhere3", "Prompts Everywhere"];

/// The number of the first link that is drawn: the files' own stay below.
const FIRST_LINK: LinkId = 1 << 60;

/// Draws the links of a graph. Newer files list those that the pack made; for others they are found by type.
pub(super) fn draw_links(graph: &mut Graph<'_>, source: &Object) {
    let extra = source.get("extra").and_then(|extra| extra.as_object());
    match extra.and_then(|extra| extra.get("ue_links")) {
        Some(listed) => draw_listed(graph, listed),
        None => draw_by_type(graph),
    }
}

/// `{"downstream": 8, "downstream_slot": 1, "upstream": "4", "upstream_slot": 2}`; the slot counts the inputs as
/// the file has them.
fn draw_listed(graph: &mut Graph<'_>, listed: &Value) {
    for link in objects(Some(listed)) {
        let node = |key| link.get(key).and_then(id_text).and_then(|id| graph.find(&id));
        let slot = |key| link.get(key).and_then(integer).and_then(|slot| usize::try_from(slot).ok());
        let ends = (node("upstream"), slot("upstream_slot"), node("downstream"), slot("downstream_slot"));
        let (Some(origin), Some(origin_slot), Some(target), Some(slot)) = ends else { continue };
        let Some(node) = graph.nodes.get(target) else { continue };
        let name = node.view.inputs().nth(slot).map(SlotView::name);
        let by_name = name.and_then(|name| node.inputs.iter().position(|slot| slot.name == name));
        draw(graph, (origin, origin_slot), (target, by_name.unwrap_or(slot)));
    }
}

/// What a broadcaster has to give: where it comes from, and whether it is for certain inputs only.
struct Offer {
    origin: (NodeAt, usize),
    broadcaster: NodeAt,
    only_named: Option<&'static str>,
}

fn draw_by_type(graph: &mut Graph<'_>) {
    let offers = offers(graph);
    if offers.is_empty() {
        return;
    }
    let mut drawn = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        for (slot_at, slot) in node.inputs.iter().enumerate() {
            if slot.link.is_some() || slot.widget.is_some() || BROADCASTERS.contains(&node.class) {
                continue;
            }
            let fits = offers.get(&*slot.type_name).into_iter().flatten().filter(|offer| {
                offer.broadcaster != at
                    && offer.origin.0 != at
                    && offer.only_named.is_none_or(|start| slot.name.starts_with(start))
            });
            drawn.extend(fits.take(1).map(|offer| (offer.origin, (at, slot_at))));
        }
    }
    for (origin, target) in drawn {
        draw(graph, origin, target);
    }
}

/// What there is to give, by type. Of two that give the same type the more particular comes first.
fn offers(graph: &Graph<'_>) -> HashMap<String, Vec<Offer>> {
    let mut offers: HashMap<String, Vec<Offer>> = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        if !BROADCASTERS.contains(&node.class) || node.mode != super::view::Mode::Active {
            continue;
        }
        for (slot_at, slot) in node.inputs.iter().enumerate() {
            let Some(link) = slot.link.and_then(|link| graph.links.get(&link)) else { continue };
            let Origin::Node(origin) = link.origin else { continue };
            let given = graph.node(origin).and_then(|node| node.outputs.get(link.origin_slot));
            let only_named = match (node.class, slot_at) {
                ("Prompts Everywhere", 0) => Some("pos"),
                ("Prompts Everywhere", _) => Some("neg"),
                _ => None,
            };
            let offer = Offer { origin: (origin, link.origin_slot), broadcaster: at, only_named };
            offers.entry(given.map_or_else(String::new, ToString::to_string)).or_default().push(offer);
        }
    }
    for offers in offers.values_mut() {
        offers.sort_by_key(|offer| offer.only_named.is_none());
    }
    offers
}

/// Draws a link to an input that has none.
fn draw(graph: &mut Graph<'_>, origin: (NodeAt, usize), target: (NodeAt, usize)) {
    let linked = |link: LinkId| graph.links.contains_key(&link);
    let Some(slot) = graph.nodes.get(target.0).and_then(|node| node.inputs.get(target.1)) else { return };
    if slot.link.is_some_and(linked) {
        return;
    }
    let id = FIRST_LINK + LinkId::try_from(graph.links.len()).unwrap_or(0);
    graph.links.insert(id, Link { origin: Origin::Node(origin.0), origin_slot: origin.1 });
    if let Some(slot) = graph.nodes.get_mut(target.0).and_then(|node| node.inputs.get_mut(target.1)) {
        slot.link = Some(id);
    }
}
