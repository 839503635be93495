//! The files of a run: where in ComfyUI's folders each goes, and where it comes from.

mod dest_path;
mod output_path;
mod parts;

use std::collections::HashMap;

use indexmap::IndexMap;
use url::Url;

pub use dest_path::DestPath;
pub use output_path::OutputPath;
pub use parts::{InvalidPath, PathProblem};

use crate::json::{Object, Value};

/// The `files` of a run: destination path → source URL, in the order in which they were given.
///
/// The service downloads each before the run starts and keeps it for later runs (documented).
///
/// ```
/// use comfyicu_model::{DestPath, Files};
///
/// let mut files = Files::new();
/// files.insert(DestPath::parse("/input/photo.jpg")?, "https://example.com/photo.jpg".parse()?);
/// assert!(DestPath::parse("/input/../../etc/passwd").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(IndexMap<DestPath, Url>);

/// Why a `files` object cannot be used. Each names the destination path it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFiles {
    /// The destination is not one.
    #[error(transparent)]
    Path(#[from] InvalidPath),
    /// The source is not an `http` or `https` URL.
    #[error("the source of `{path}` is not an http or https URL")]
    Source {
        /// The destination whose source it is.
        path: Box<str>,
    },
    /// Two destinations are one file where a file system does not tell case or form of letters apart, or the
    /// one is a folder of the other.
    #[error(
        "`{path}` and `{other}` cannot both be destinations: on some systems they are in each other's way"
    )]
    Collision {
        /// The destination that comes later.
        path: Box<str>,
        /// The one before it.
        other: Box<str>,
    },
    /// `files` is something else than an object.
    #[error("`files` must be an object of destination path → URL")]
    NotAnObject,
}

impl Files {
    /// Makes an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces the source of one.
    pub fn insert(&mut self, path: DestPath, source: Url) -> Option<Url> {
        self.0.insert(path, source)
    }

    /// Where a file comes from.
    pub fn get(&self, path: &str) -> Option<&Url> {
        self.0.get(path)
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The destinations and their sources, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&DestPath, &Url)> {
        self.0.iter()
    }

    /// The destinations, in order.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &DestPath> {
        self.0.keys()
    }

    /// Reads the `files` of a request or a run; `null` is none.
    ///
    /// # Errors
    /// When it is not an object, a destination is not one, a source is not an `http(s)` URL, or two destinations
    /// are in each other's way.
    pub fn from_value(value: &Value) -> Result<Self, InvalidFiles> {
        let object = match value {
            Value::Null => return Ok(Self::new()),
            Value::Object(object) => object,
            _ => return Err(InvalidFiles::NotAnObject),
        };
        let entry = |(path, source)| Ok((DestPath::parse(path)?, parse_source(path, source)?));
        let files: Self = object.iter().map(entry).collect::<Result<_, InvalidFiles>>()?;
        files.check_collisions()?;
        Ok(files)
    }

    fn check_collisions(&self) -> Result<(), InvalidFiles> {
        let folded: Vec<_> = self.paths().map(|path| (parts::folded(path.as_str()), path)).collect();
        let mut seen: HashMap<&str, &DestPath> = HashMap::new();
        let collision = |path: &DestPath, other: &DestPath| InvalidFiles::Collision {
            path: path.as_str().into(),
            other: other.as_str().into(),
        };
        for (name, path) in &folded {
            if let Some(other) = seen.insert(name, path) {
                return Err(collision(path, other));
            }
        }
        for (name, path) in &folded {
            let mut folders = name.match_indices('/').filter_map(|(end, _)| name.get(..end));
            if let Some(other) = folders.find_map(|folder| seen.get(folder)) {
                return Err(collision(path, other));
            }
        }
        Ok(())
    }

    /// Writes the map as it stands in a request.
    pub fn to_object(&self) -> Object {
        self.iter().map(|(path, source)| (path.as_str(), source.as_str())).collect()
    }
}

fn parse_source(path: &str, source: &Value) -> Result<Url, InvalidFiles> {
    source
        .as_str()
        .and_then(|text| Url::parse(text).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| InvalidFiles::Source { path: path.into() })
}

impl FromIterator<(DestPath, Url)> for Files {
    fn from_iter<I: IntoIterator<Item = (DestPath, Url)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(json: &str) -> Result<Files, InvalidFiles> {
        Files::from_value(&crate::json::read(json.as_bytes(), crate::json::Limits::default()).unwrap())
    }

    #[test]
    fn order_is_kept_and_null_is_none() {
        let map = files(r#"{"/input/b.png": "http://x/b", "/input/a.png": "https://x/a"}"#).unwrap();
        let order: Vec<_> = map.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(order, ["/input/b.png", "/input/a.png"]);
        assert!(files("null").unwrap().is_empty());
    }

    #[test]
    fn two_destinations_that_some_system_takes_for_one_are_refused() {
        for (one, two) in [
            ("/input/a.png", "/input/A.PNG"),
            ("/input/stra\u{df}e.png", "/input/STRASSE.png"),
            ("/input/\u{e9}.png", "/input/e\u{301}.png"),
            ("/input/\u{212a}.png", "/input/k.png"),
            ("/input/\u{fb01}.png", "/input/fi.png"),
            ("/input/\u{3c3}.png", "/input/\u{3c2}.png"),
            ("/input/a", "/input/a/b.png"),
            ("/input/a/b.png", "/input/A"),
            ("/models/loras/x.safetensors", "/models/LoRAs/x.safetensors"),
        ] {
            let object = format!(r#"{{"{one}": "http://x/1", "{two}": "http://x/2"}}"#);
            assert!(matches!(files(&object), Err(InvalidFiles::Collision { .. })), "{one} {two}");
        }
        assert!(files(r#"{"/input/a": "http://x/1", "/input/ab/c": "http://x/2"}"#).is_ok());
    }

    #[test]
    fn errors_name_the_entry() {
        insta::assert_snapshot!(files(r#"{"/input/a.png": "ftp://x/a"}"#).unwrap_err(), @"the source of `/input/a.png` is not an http or https URL");
        insta::assert_snapshot!(files(r#"{"/etc/a.png": "http://x/a"}"#).unwrap_err(), @"`/etc/a.png` cannot be a destination: it must start with /input/ or /models/FOLDER/");
        insta::assert_snapshot!(files("[]").unwrap_err(), @"`files` must be an object of destination path → URL");
    }
}
