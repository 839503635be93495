//! Objects: keys in the order in which they were written.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use super::Value;

/// How many keys are looked through one by one: up to here that is faster than a table.
const FEW: usize = 16;

/// A JSON object that keeps the order of its keys. Equality does not look at the order.
// Nearly all objects have a handful of keys: a list of them is smaller than a map, and read faster.
#[derive(Clone, Default)]
pub struct Object {
    entries: Vec<(String, Value)>,
    /// Where there are more than a few.
    places: Option<Box<Places>>,
}

/// Where in the entries of an object each key is.
#[derive(Clone)]
struct Places(HashMap<Box<str>, usize>);

impl Object {
    /// Makes an empty object.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an object of entries, and says whether a key stands twice among them: its last value wins, at the place
    /// of the first.
    pub(super) fn of_entries(entries: Vec<(String, Value)>) -> (Self, bool) {
        let keys = || entries.iter().map(|(key, _)| key.as_str());
        let mut places = None;
        let has_doubled_keys = if entries.len() > FEW {
            let table: HashMap<Box<str>, usize> =
                keys().enumerate().map(|(place, key)| (key.into(), place)).collect();
            let is_doubled = table.len() < entries.len();
            places = Some(Box::new(Places(table)));
            is_doubled
        } else {
            keys().enumerate().any(|(place, key)| keys().take(place).any(|other| other == key))
        };
        if has_doubled_keys {
            return (entries.into_iter().collect(), true);
        }
        (Self { entries, places }, false)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.get_key_value(key).map(|(_, value)| value)
    }

    /// The key as it stands in the object, and the value under it.
    pub fn get_key_value(&self, key: &str) -> Option<(&str, &Value)> {
        self.entries.get(self.place(key)?).map(|(key, value)| (key.as_str(), value))
    }

    /// The value under a key, to change in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.place(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// The text under a key, when it is a string.
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    /// Puts a value under a key and returns the one it replaces, whose place it takes; a new key comes last.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if let Some(place) = self.get_mut(&key) {
            return Some(std::mem::replace(place, value));
        }
        if let Some(places) = &mut self.places {
            places.0.insert(key.as_str().into(), self.entries.len());
        }
        self.entries.push((key, value));
        if self.places.is_none() && self.entries.len() > FEW {
            let places = self.keys().enumerate().map(|(place, key)| (key.into(), place));
            self.places = Some(Box::new(Places(places.collect())));
        }
        None
    }

    /// Takes a key out; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let removed = self.place(key)?;
        if let Some(places) = &mut self.places {
            places.0.remove(key);
            places.0.values_mut().filter(|place| **place > removed).for_each(|place| *place -= 1);
        }
        Some(self.entries.remove(removed).1)
    }

    /// The keys and values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys and values, in order, the values to change in place.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&str, &mut Value)> + ExactSizeIterator {
        self.entries.iter_mut().map(|(key, value)| (key.as_str(), value))
    }

    /// The values, in order, to change in place.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> + ExactSizeIterator {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Where in `entries` a key is.
    fn place(&self, key: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.0.get(key).copied(),
            None => self.keys().position(|other| other == key),
        }
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = Self::new();
        for (key, value) in entries {
            object.insert(key, value);
        }
        object
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
