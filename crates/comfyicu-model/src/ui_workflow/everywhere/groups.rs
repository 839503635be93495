//! The groups of a canvas: which nodes lie in which.

use super::super::graph::{Graph, NodeAt};
use super::super::view::{NodeView, objects};
use super::super::{ConvertError, limits};
use super::pattern::Pattern;
use crate::json::{Object, Value};

/// How high a node's title is in the editor; it lies above the node's own place.
const TITLE_HEIGHT: f64 = 30.0;

/// The groups of a graph, and where its nodes lie.
pub(super) struct Groups<'a> {
    all: Vec<Group<'a>>,
    /// The middle of each node.
    middles: Vec<Option<[f64; 2]>>,
    /// How often it was asked whether a node lies in a group.
    tests: usize,
}

struct Group<'a> {
    title: &'a str,
    bounds: Option<[f64; 4]>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(graph: &Graph<'_>, source: &'a Object) -> Self {
        let group = |group: &'a Object| Group {
            title: group.get_str("title").unwrap_or_default(),
            bounds: numbers(group.get("bounding")),
        };
        Self {
            all: objects(source.get("groups")).map(group).collect(),
            middles: graph.nodes.iter().map(|node| middle(node.view)).collect(),
            tests: 0,
        }
    }

    /// Which nodes share a group with one.
    pub(super) fn around(&mut self, node: NodeAt) -> Result<Vec<bool>, ConvertError> {
        let middle = self.middles.get(node).copied().flatten();
        self.nodes_in(|group| group.contains(middle))
    }

    /// Which nodes are in groups whose titles are meant.
    pub(super) fn titled(&mut self, title: &Pattern) -> Result<Vec<bool>, ConvertError> {
        self.nodes_in(|group| title.means(group.title))
    }

    fn nodes_in(&mut self, is_meant: impl Fn(&Group<'_>) -> bool) -> Result<Vec<bool>, ConvertError> {
        self.tests += self.all.len();
        let meant: Vec<_> = self.all.iter().filter(|group| is_meant(group)).collect();
        self.tests += meant.len() * self.middles.len();
        limits::GROUP_TESTS.check(self.tests)?;
        Ok(self.middles.iter().map(|middle| meant.iter().any(|group| group.contains(*middle))).collect())
    }
}

impl Group<'_> {
    /// Whether a node lies in it: its middle does.
    fn contains(&self, middle: Option<[f64; 2]>) -> bool {
        middle.zip(self.bounds).is_some_and(|([x, y], [left, top, width, height])| {
            (left..left + width).contains(&x) && (top..top + height).contains(&y)
        })
    }
}

/// The middle of a node with its title.
fn middle(view: NodeView<'_>) -> Option<[f64; 2]> {
    let [x, y] = numbers(view.0.get("pos"))?;
    let [width, height]: [f64; 2] = numbers(view.0.get("size"))?;
    let flags = view.0.get("flags").and_then(Value::as_object);
    let collapsed = flags.and_then(|flags| flags.get("collapsed")).and_then(Value::as_bool) == Some(true);
    let height = if collapsed { 0.0 } else { height };
    Some([x + width / 2.0, y + (height - TITLE_HEIGHT) / 2.0])
}

/// Numbers in a list, or in an object under their places.
fn numbers<const N: usize>(value: Option<&Value>) -> Option<[f64; N]> {
    let mut all = [0.0; N];
    for (at, place) in all.iter_mut().enumerate() {
        let value = match value? {
            Value::Array(items) => items.get(at),
            Value::Object(object) => object.get(&at.to_string()),
            _ => None,
        };
        *place = value?.as_number()?.as_f64();
    }
    Some(all)
}
