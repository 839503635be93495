//! `NaN` and the infinities: Python writes them, JSON has none.

use super::{JsonPath, Number, Object, Value};

impl Value {
    /// Whether `NaN` or an infinity is anywhere in the value, so that it is not JSON as others read it.
    pub fn has_non_finite(&self) -> bool {
        match self {
            Self::Number(number) => number.is_non_finite(),
            Self::Array(items) => items.iter().any(Self::has_non_finite),
            Self::Object(object) => object.iter().any(|(_, value)| value.has_non_finite()),
            Self::Null | Self::Bool(_) | Self::String(_) | Self::IllFormed(_) => false,
        }
    }

    /// Each `NaN` and infinity in the value, and where it is, in the order of the document.
    ///
    /// ```
    /// use comfyicu_model::json::{Limits, read};
    ///
    /// let value = read(br#"{"3": {"is_changed": [NaN]}}"#, Limits::default())?;
    /// let (path, number) = &value.non_finite()[0];
    /// assert_eq!((path.to_string(), number.to_string()), ("3.is_changed[0]".to_owned(), "NaN".to_owned()));
    /// # Ok::<(), comfyicu_model::json::JsonError>(())
    /// ```
    pub fn non_finite(&self) -> Vec<(JsonPath, &Number)> {
        let mut places = Vec::new();
        collect(self, &mut JsonPath::default(), &mut places);
        places
    }
}

impl Object {
    /// Each `NaN` and infinity in the object, and where it is: see [`Value::non_finite`].
    pub fn non_finite(&self) -> Vec<(JsonPath, &Number)> {
        let mut places = Vec::new();
        collect_entries(self, &mut JsonPath::default(), &mut places);
        places
    }
}

fn collect<'a>(value: &'a Value, path: &mut JsonPath, places: &mut Vec<(JsonPath, &'a Number)>) {
    match value {
        Value::Number(number) if number.is_non_finite() => places.push((path.clone(), number)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                collect(item, path, places);
                path.pop();
            }
        }
        Value::Object(object) => collect_entries(object, path, places),
        _ => {}
    }
}

fn collect_entries<'a>(object: &'a Object, path: &mut JsonPath, places: &mut Vec<(JsonPath, &'a Number)>) {
    for (key, value) in object.iter() {
        path.push_key(key);
        collect(value, path, places);
        path.pop();
    }
}
