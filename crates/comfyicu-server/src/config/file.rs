//! The settings that stand in a file: TOML, one key a setting.

use std::path::Path;

use comfyicu_model::nearest;
use toml_edit::{Document, Item, Value};

use super::resolve::{ConfigError, Origin};
use super::{Kind, Setting};

/// The most bytes of a file; one with every setting explained has a few thousand.
const MAX_BYTES: u64 = 1024 * 1024;

/// What a file says of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) values: Vec<String>,
    pub(super) origin: Origin,
}

/// Reads a file; everything that is wrong with it is found.
pub(super) fn read(path: &Path, settings: &[Setting]) -> Result<Vec<Entry>, Vec<ConfigError>> {
    let unreadable = |source| vec![ConfigError::Read { path: path.to_owned(), source }];
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_BYTES {
        return Err(vec![ConfigError::TooLarge { path: path.to_owned(), limit: MAX_BYTES }]);
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(path, &text, settings)
}

fn parse(path: &Path, text: &str, settings: &[Setting]) -> Result<Vec<Entry>, Vec<ConfigError>> {
    let place = |span: Option<std::ops::Range<usize>>| {
        let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
        Origin::File { path: path.to_owned(), line: before.matches('\n').count() + 1 }
    };
    let document = Document::parse(text).map_err(|error| {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        vec![ConfigError::Syntax { origin: place(error.span()), message }]
    })?;
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for (key, item) in document.as_table() {
        let origin = place(document.as_table().key(key).and_then(toml_edit::Key::span));
        let known = settings.iter().filter(|setting| setting.is_in_file());
        let name = key.to_owned();
        let Some(setting) = known.clone().find(|setting| setting.name == key) else {
            let nearest = nearest(key, known.map(|setting| setting.name.as_str())).map(str::to_owned);
            problems.push(ConfigError::Unknown { origin, name, nearest });
            continue;
        };
        match values(item, setting.kind) {
            Some(values) => entries.push(Entry { name, values, origin }),
            None => problems.push(ConfigError::Kind { origin, name, expected: setting.kind }),
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// The values of a setting, as a flag would have them; nothing where it is of another kind.
fn values(item: &Item, kind: Kind) -> Option<Vec<String>> {
    match (kind, item.as_value()?) {
        (Kind::Switch, Value::Boolean(on)) => Some(vec![on.value().to_string()]),
        (Kind::Switch, _) => None,
        (Kind::Many, Value::Array(values)) => values.iter().map(text).collect(),
        (_, value) => Some(vec![text(value)?]),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Float(number) => Some(number.value().to_string()),
        Value::Boolean(on) => Some(on.value().to_string()),
        _ => None,
    }
}

/// A file beside nothing: for tests of what is in it.
#[cfg(test)]
pub(super) fn parse_text(text: &str) -> Result<Vec<Entry>, Vec<ConfigError>> {
    parse(Path::new("server.toml"), text, &super::settings())
}
