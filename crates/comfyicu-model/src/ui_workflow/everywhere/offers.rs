//! What the broadcasters of a graph have to give, and who gets it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use super::super::graph::{Graph, Link, Node, NodeAt, Origin, Slot};
use super::super::view::{Mode, SlotView};
use super::super::{ConvertError, limits};
use super::conditions::{Settings, Side, given_label, is_set, label, saved, title};
use super::groups::Groups;
use super::pattern::Pattern;
use crate::json::Object;

/// The inputs that a broadcaster of seeds gives to.
const SEEDS: &str = "seed";

/// The inputs that the two of a broadcaster of prompts give to.
const PROMPTS: [(&str, &str); 2] =
    [("prompt", r"(_|\b)pos(itive|_|\b)|positive"), ("negative", r"(_|\b)neg(ative|_|\b)|negative")];

/// Whether a class gives what it gets to all.
pub(super) fn is_broadcaster(class: &str) -> bool {
    class.starts_with("Anything Everywhere") || matches!(class, "Seed Everywhere" | "Prompts Everywhere")
}

/// One thing that is given, and to whom.
struct Offer {
    link: Link,
    controller: NodeAt,
    title: Option<Pattern>,
    input: Option<Pattern>,
    /// Of each node whether it is for that, where it is not for all.
    only: Option<Rc<[bool]>>,
    /// What the target must be called, because its broadcaster gives several things of the type.
    name: Option<Name>,
    priority: i64,
}

/// A name that the target must have.
struct Name {
    name: String,
    rule: i64,
}

/// Who gives to an input.
pub(super) enum Choice {
    None,
    One(Link),
    /// Several, of which none comes before the others: then the pack gives nothing.
    Several,
}

/// What there is to give, by type.
pub(super) struct Offers {
    by_type: HashMap<String, Vec<Offer>>,
}

/// The type of choices, which texts can be given to.
const COMBO: &str = "COMBO";

impl Offers {
    /// Finds what there is to give.
    pub(super) fn of(graph: &Graph<'_>, source: &Object) -> Result<Self, ConvertError> {
        let mut finder = Finder { graph, source, groups: None, by_type: HashMap::new(), count: 0 };
        for (at, node) in graph.nodes.iter().enumerate() {
            finder.add(at, node)?;
        }
        Ok(Self { by_type: finder.by_type })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_type.is_empty()
    }

    /// What comes first of all that an input can get. `tests` counts how many were looked at.
    pub(super) fn best(&self, at: NodeAt, node: &Node<'_>, slot: &Slot<'_>, tests: &mut usize) -> Choice {
        let type_name = match &slot.widget {
            // A widget's socket may have no type of its own.
            Some(_) => saved(node.view, &slot.name).map_or(slot.type_name.clone(), SlotView::type_name),
            None => slot.type_name.clone(),
        };
        let offers = self.by_type.get(&*type_name).map(Vec::as_slice).unwrap_or_default();
        *tests += offers.len();
        let mut best: Option<(i64, Choice)> = None;
        for offer in offers.iter().filter(|offer| offer.is_for(at, node, slot)) {
            let rank = best.as_ref().map(|(priority, _)| offer.priority.cmp(priority));
            match rank {
                None | Some(Ordering::Greater) => best = Some((offer.priority, Choice::One(offer.link))),
                Some(Ordering::Equal) => best = Some((offer.priority, Choice::Several)),
                Some(Ordering::Less) => {}
            }
        }
        best.map_or(Choice::None, |(_, choice)| choice)
    }
}

impl Offer {
    fn is_for(&self, at: NodeAt, node: &Node<'_>, slot: &Slot<'_>) -> bool {
        let is_own = self.controller == at || self.link.origin == Origin::Node(at);
        !is_own
            && self.only.as_ref().is_none_or(|only| only.get(at) == Some(&true))
            && self.name.as_ref().is_none_or(|name| name.is_of(node, slot))
            && self.title.as_ref().is_none_or(|pattern| pattern.means(title(node)))
            && self.input.as_ref().is_none_or(|pattern| pattern.means(&label(node.view, slot)))
    }
}

impl Name {
    fn is_of(&self, node: &Node<'_>, slot: &Slot<'_>) -> bool {
        let own = saved(node.view, &slot.name).map_or(&*slot.name, given_label);
        let name = self.name.as_str();
        match self.rule {
            1 => own.starts_with(name) || name.starts_with(own),
            2 => own.ends_with(name) || name.ends_with(own),
            3 => node.view.title() == Some(name),
            _ => own == name,
        }
    }
}

/// Something that a broadcaster gets, before it is known whom it is for.
struct Given<'a> {
    link: Link,
    type_name: String,
    /// The place of the broadcaster's input or output, and what that is called.
    place: usize,
    label: &'a str,
}

struct Finder<'g, 'a> {
    graph: &'g Graph<'a>,
    source: &'g Object,
    /// Found when the first one is asked for.
    groups: Option<Groups<'g>>,
    by_type: HashMap<String, Vec<Offer>>,
    count: usize,
}

impl<'g, 'a> Finder<'g, 'a> {
    /// Adds what a node gives to others.
    fn add(&mut self, at: NodeAt, node: &Node<'a>) -> Result<(), ConvertError> {
        let gives_outputs = node.view.property("ue_convert").is_some_and(is_set);
        if node.mode != Mode::Active || !(gives_outputs || is_broadcaster(node.class)) {
            return Ok(());
        }
        let given = match node.class {
            _ if gives_outputs => of_outputs(at, node),
            "Seed Everywhere" => vec![Given {
                link: Link { origin: Origin::Node(at), origin_slot: 0 },
                type_name: "INT".to_owned(),
                place: 0,
                label: SEEDS,
            }],
            _ => self.of_inputs(node),
        };
        self.count += given.len();
        limits::BROADCASTS.check(self.count)?;
        let settings = Settings::of(node.view);
        let only = self.only(at, node, &settings)?;
        for one in &given {
            let is_repeated = given.iter().filter(|other| other.type_name == one.type_name).count() > 1;
            let rule = settings.repeated_type_rule();
            let needs_name = is_repeated && node.class != "Prompts Everywhere";
            let offer = || Offer {
                link: one.link,
                controller: at,
                title: settings.pattern("title"),
                input: input_pattern(node.class, one.place, &settings),
                only: only.clone(),
                name: needs_name.then(|| Name { name: one.label.to_owned(), rule }),
                priority: settings.priority().unwrap_or_else(|| default_priority(node.class, &settings)),
            };
            if one.type_name == "STRING" && settings.gives_text_to_choices() {
                self.by_type.entry(COMBO.to_owned()).or_default().push(offer());
            }
            self.by_type.entry(one.type_name.clone()).or_default().push(offer());
        }
        Ok(())
    }

    /// What comes in. What a muted node would give is not given.
    fn of_inputs(&self, node: &Node<'a>) -> Vec<Given<'a>> {
        let mut all = Vec::new();
        for (place, saved) in node.view.inputs().enumerate() {
            let slot = node.inputs.iter().find(|slot| slot.name == saved.name());
            let link = slot.and_then(|slot| slot.link).and_then(|link| self.graph.links.get(&link));
            if let Some((link, type_name)) = link.and_then(|link| Some((*link, self.type_of(*link)?))) {
                all.push(Given { link, type_name, place, label: given_label(saved) });
            }
        }
        all
    }

    /// The type of what a link gives; none where its node is muted.
    fn type_of(&self, link: Link) -> Option<String> {
        let type_name = match link.origin {
            Origin::Boundary => &self.graph.inputs.get(link.origin_slot)?.type_name,
            Origin::Node(origin) => {
                let origin = self.graph.node(origin).filter(|origin| origin.mode != Mode::Muted)?;
                origin.outputs.get(link.origin_slot)?
            }
        };
        Some(type_name.to_string())
    }

    /// Which nodes a broadcaster is for, by group and colour.
    fn only(
        &mut self,
        at: NodeAt,
        node: &Node<'a>,
        settings: &Settings<'a>,
    ) -> Result<Option<Rc<[bool]>>, ConvertError> {
        let mut masks = Vec::new();
        if let Some(side) = settings.side("group_restricted") {
            masks.push((self.groups().around(at)?, side));
        }
        if let Some(side) = settings.side("color_restricted") {
            let color = |node: &Node<'a>| node.view.0.get_str("color");
            masks.push((self.graph.nodes.iter().map(|other| color(other) == color(node)).collect(), side));
        }
        if let Some(pattern) = settings.pattern("group") {
            masks.push((self.groups().titled(&pattern)?, Side::Within));
        }
        if masks.is_empty() {
            return Ok(None);
        }
        let is_meant = |at: NodeAt| {
            masks.iter().all(|(mask, side)| (mask.get(at) == Some(&true)) == (*side == Side::Within))
        };
        Ok(Some((0..self.graph.nodes.len()).map(is_meant).collect()))
    }

    fn groups(&mut self) -> &mut Groups<'g> {
        let (graph, source) = (self.graph, self.source);
        self.groups.get_or_insert_with(|| Groups::of(graph, source))
    }
}

/// What comes out of a node that is told to give it.
fn of_outputs<'a>(at: NodeAt, node: &Node<'a>) -> Vec<Given<'a>> {
    let output = |(place, (type_name, saved)): (usize, (&Cow<'a, str>, _))| Given {
        link: Link { origin: Origin::Node(at), origin_slot: place },
        type_name: type_name.to_string(),
        place,
        label: given_label(saved),
    };
    node.outputs.iter().zip(node.view.outputs()).enumerate().map(output).collect()
}

/// The inputs that something is for, by their names.
fn input_pattern(class: &str, place: usize, settings: &Settings<'_>) -> Option<Pattern> {
    match class {
        "Seed Everywhere" => settings.pattern("input").or_else(|| Pattern::new(SEEDS, false)),
        "Prompts Everywhere" => {
            let (key, usual) = PROMPTS.get(place)?;
            settings.pattern(key).or_else(|| Pattern::new(usual, false))
        }
        _ => settings.pattern("input"),
    }
}

/// The more particular a broadcaster is, the earlier it comes.
fn default_priority(class: &str, settings: &Settings<'_>) -> i64 {
    let has_pattern = ["title", "input", "group"].iter().any(|of| settings.has_pattern(of));
    10 + [
        (matches!(class, "Seed Everywhere" | "Prompts Everywhere"), 10),
        // A broadcaster of seeds always has a pattern for inputs.
        (has_pattern || class == "Seed Everywhere", 20),
        (settings.side("group_restricted").is_some(), 3),
        (settings.side("color_restricted").is_some(), 6),
    ]
    .into_iter()
    .filter_map(|(is_so, more)| is_so.then_some(more))
    .sum::<i64>()
}
