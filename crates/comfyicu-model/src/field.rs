//! The fields of an answer: each may be missing, null, or something else than it should be.

use crate::json::{Object, Value};
use crate::timestamp::Timestamp;

/// The text of a field, unless it is empty.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get_str(key).filter(|text| !text.is_empty())
}

/// The number of a field, when it is an integer that is not below zero.
pub(crate) fn count(object: &Object, key: &str) -> Option<u64> {
    object.get(key).and_then(Value::as_number)?.as_u64()
}

/// The boolean of a field.
pub(crate) fn flag(object: &Object, key: &str) -> Option<bool> {
    object.get(key).and_then(Value::as_bool)
}

/// The moment of a field.
pub(crate) fn moment(object: &Object, key: &str) -> Option<Timestamp> {
    object.get_str(key)?.parse().ok()
}

/// The object of a field.
pub(crate) fn object<'a>(object: &'a Object, key: &str) -> Option<&'a Object> {
    object.get(key).and_then(Value::as_object)
}

/// The items of a field; none when it is no list.
pub(crate) fn items<'a>(object: &'a Object, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).unwrap_or_default()
}

/// The texts in the list of a field; what is no text is passed over.
pub(crate) fn texts<'a>(object: &'a Object, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    items(object, key).iter().filter_map(Value::as_str)
}
