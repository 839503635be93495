//! The file as it was read: a node, its slots and its links, seen in place.

use std::borrow::Cow;

use crate::json::{Number, Object, Value};

/// A link's number in its graph.
pub(super) type LinkId = i64;

/// A node of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeView<'a>(pub(super) &'a Object);

/// Whether a node takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Active,
    Muted,
    Bypassed,
}

/// What a file says of a node's widgets.
#[derive(Clone, Copy, Debug)]
pub(super) enum SavedValues<'a> {
    /// One after the other, in the order of the widgets.
    Listed(&'a [Value]),
    /// Under the names of the widgets.
    Named(&'a Object),
}

impl<'a> NodeView<'a> {
    pub(super) fn id(self) -> Option<String> {
        self.0.get("id").and_then(id_text)
    }

    pub(super) fn class(self) -> Option<&'a str> {
        self.0.get_str("type")
    }

    /// The node's title; what the editor shows when it has none is up to the class.
    pub(super) fn title(self) -> Option<&'a str> {
        self.0.get_str("title")
    }

    pub(super) fn mode(self) -> Mode {
        match self.0.get("mode").and_then(integer) {
            Some(2) => Mode::Muted,
            Some(4) => Mode::Bypassed,
            _ => Mode::Active,
        }
    }

    /// The place in the execution order that the editor computed when it saved the file.
    pub(super) fn order(self) -> Option<i64> {
        self.0.get("order").and_then(integer)
    }

    pub(super) fn inputs(self) -> impl Iterator<Item = SlotView<'a>> {
        slots(self.0.get("inputs"))
    }

    pub(super) fn outputs(self) -> impl Iterator<Item = SlotView<'a>> {
        slots(self.0.get("outputs"))
    }

    pub(super) fn property(self, name: &str) -> Option<&'a Value> {
        self.0.get("properties")?.as_object()?.get(name)
    }

    /// The values of the widgets; by name where the file has only names.
    pub(super) fn saved_values(self) -> SavedValues<'a> {
        match self.0.get("widgets_values") {
            Some(Value::Array(values)) => SavedValues::Listed(values),
            Some(Value::Object(values)) => SavedValues::Named(values),
            _ => self.named_values().map_or(SavedValues::Listed(&[]), SavedValues::Named),
        }
    }

    /// The values by name that newer files have beside the list.
    pub(super) fn named_values(self) -> Option<&'a Object> {
        self.0.get("widgets_values_named").and_then(Value::as_object)
    }
}

/// An input or output of a node, or of a subgraph.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotView<'a>(pub(super) &'a Object);

impl<'a> SlotView<'a> {
    pub(super) fn name(self) -> &'a str {
        self.0.get_str("name").unwrap_or_default()
    }

    /// The slot's type: the choices of a combo stand for `COMBO`.
    pub(super) fn type_name(self) -> Cow<'a, str> {
        match self.0.get("type") {
            Some(Value::String(name)) => Cow::Borrowed(name),
            Some(Value::Array(_)) => Cow::Borrowed("COMBO"),
            Some(Value::Number(number)) => Cow::Owned(number.to_string()),
            _ => Cow::Borrowed("*"),
        }
    }

    pub(super) fn link(self) -> Option<LinkId> {
        self.0.get("link").and_then(integer)
    }

    /// The links of a subgraph's own slot.
    pub(super) fn link_ids(self) -> impl Iterator<Item = LinkId> {
        self.0.get("linkIds").and_then(Value::as_array).unwrap_or_default().iter().filter_map(integer)
    }

    /// The widget that this socket stands for.
    pub(super) fn widget_name(self) -> Option<&'a str> {
        self.widget()?.get_str("name")
    }

    fn widget(self) -> Option<&'a Object> {
        self.0.get("widget").and_then(Value::as_object)
    }
}

/// A link: what it joins, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkView {
    pub(super) id: LinkId,
    pub(super) origin_id: String,
    pub(super) origin_slot: usize,
    pub(super) target_id: String,
    pub(super) target_slot: Option<usize>,
}

impl LinkView {
    /// Reads `[id, origin, slot, target, slot, type]`, or the same as an object.
    pub(super) fn read(link: &Value) -> Option<Self> {
        let field = |at: usize, name: &str| match link {
            Value::Array(items) => items.get(at),
            Value::Object(object) => object.get(name),
            _ => None,
        };
        let slot =
            |value: Option<&Value>| value.and_then(integer).and_then(|slot| usize::try_from(slot).ok());
        Some(Self {
            id: field(0, "id").and_then(integer)?,
            origin_id: field(1, "origin_id").and_then(id_text)?,
            origin_slot: slot(field(2, "origin_slot"))?,
            target_id: field(3, "target_id").and_then(id_text)?,
            target_slot: slot(field(4, "target_slot")),
        })
    }
}

/// The objects of a list; whatever else stands in it is passed over.
pub(super) fn objects(list: Option<&Value>) -> impl Iterator<Item = &Object> {
    list.and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_object)
}

pub(super) fn slots(list: Option<&Value>) -> impl Iterator<Item = SlotView<'_>> {
    objects(list).map(SlotView)
}

/// An id as text: files have numbers and strings.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(whole(number).map_or_else(|| number.to_string(), |id| id.to_string())),
        _ => None,
    }
}

/// A whole number, also as text or written like `3.0`.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => whole(number),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and below 2^53")]
fn whole(number: &Number) -> Option<i64> {
    let value = number.as_f64();
    let exact = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
    number.as_i64().or_else(|| exact.then_some(value as i64))
}
