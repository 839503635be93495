//! The `output` of a run: an array of files, or an object that says what went wrong.

use url::Url;

use super::{OutputKind, RunFailure};
use crate::files::OutputPath;
use crate::json::{Object, Value};

/// What came out of a run. The field has a different shape with each ending.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunOutput {
    /// Nothing yet.
    None,
    /// The files that the run saved.
    Files(Vec<OutputFile>),
    /// Why it failed.
    Failure(RunFailure),
    /// A shape that this version does not know.
    Other(Value),
}

impl RunOutput {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::None,
            // One entry that cannot be read makes the whole another shape: nothing is left out unseen.
            Value::Array(items) => items
                .iter()
                .map(OutputFile::of)
                .collect::<Option<_>>()
                .map_or_else(|| Self::Other(value.clone()), Self::Files),
            other => RunFailure::of(other).map_or_else(|| Self::Other(other.clone()), Self::Failure),
        }
    }

    /// The files that the run saved; none when it saved none, or did not end well.
    pub fn files(&self) -> &[OutputFile] {
        match self {
            Self::Files(files) => files,
            _ => &[],
        }
    }
}

const FILENAME: &str = "filename";
const URL: &str = "url";
const THUMBNAIL_URL: &str = "thumbnail_url";

/// A file that a run saved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputFile {
    /// The service's name for it: `/workflows/{workflow_id}/output/{run_id}/ComfyUI_00001_.png`.
    pub filename: String,
    /// Where it can be fetched without a key.
    pub url: Option<Url>,
    /// Where a smaller picture of it can be fetched.
    pub thumbnail_url: Option<Url>,
    /// What else the service says of it, addresses that are none included.
    pub other: Object,
}

impl OutputFile {
    /// Makes an output file.
    pub fn new(filename: impl Into<String>, url: Url, thumbnail_url: Url) -> Self {
        let (url, thumbnail_url) = (Some(url), Some(thumbnail_url));
        Self { filename: filename.into(), url, thumbnail_url, other: Object::new() }
    }

    fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let filename = object.get_str(FILENAME)?.to_owned();
        let url = |key| object.get_str(key).and_then(|text| Url::parse(text).ok());
        let (url, thumbnail_url) = (url(URL), url(THUMBNAIL_URL));
        let is_other = |key: &str, value: &Value| match key {
            FILENAME => false,
            URL => url.is_none() && !value.is_null(),
            THUMBNAIL_URL => thumbnail_url.is_none() && !value.is_null(),
            _ => true,
        };
        let other = object.iter().filter(|(key, value)| is_other(key, value));
        let other = other.map(|(key, value)| (key, value.clone())).collect();
        Some(Self { filename, url, thumbnail_url, other })
    }

    /// What it is, by the extension of its name.
    pub fn kind(&self) -> OutputKind {
        OutputKind::of_file_name(&self.filename)
    }

    /// The path below the run's output folder, sub-folder included: what to call the file on disk.
    ///
    /// `None` when the service named it in a way that could leave the folder.
    ///
    /// ```
    /// # use comfyicu_model::Run;
    /// let run = Run::parse(br#"{"id": "r", "output": [{"filename": "/workflows/w/output/r/a/b_00001_.png"}]}"#)?;
    /// # let comfyicu_model::RunOutput::Files(files) = run.output() else { panic!() };
    /// assert_eq!(files[0].path().map(|path| path.to_string()), Some("a/b_00001_.png".to_owned()));
    /// # Ok::<(), comfyicu_model::ParseRunError>(())
    /// ```
    pub fn path(&self) -> Option<OutputPath> {
        path_below_run(&self.filename)
    }

    /// Writes the file as it stands in a run.
    pub fn to_object(&self) -> Object {
        let address = |key: &str, url: &Option<Url>| match url {
            Some(url) => Value::from(url.as_str()),
            None => self.other.get(key).cloned().unwrap_or_default(),
        };
        let mut object = Object::from_iter([
            (FILENAME, Value::from(self.filename.as_str())),
            (URL, address(URL, &self.url)),
            (THUMBNAIL_URL, address(THUMBNAIL_URL, &self.thumbnail_url)),
        ]);
        for (key, value) in self.other.iter().filter(|(key, _)| ![URL, THUMBNAIL_URL].contains(key)) {
            object.insert(key, value.clone());
        }
        object
    }
}

/// The path of an output below its run's folder, from the service's name for it.
pub(super) fn path_below_run(filename: &str) -> Option<OutputPath> {
    let below_run = || {
        let (_, rest) = filename.strip_prefix("/workflows/")?.split_once("/output/")?;
        rest.split_once('/').map(|(_, path)| path)
    };
    let relative = below_run().or_else(|| filename.rsplit('/').next())?;
    OutputPath::parse(relative).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_folders_are_kept_and_nothing_leaves_the_folder() {
        let path = |filename: &str| path_below_run(filename).map(|path| path.to_string());
        assert_eq!(
            path("/workflows/xyz/output/xyz/ComfyUI_00001_.png").as_deref(),
            Some("ComfyUI_00001_.png")
        );
        assert_eq!(path("/workflows/w/output/r/a/b/c.png").as_deref(), Some("a/b/c.png"));
        assert_eq!(path("elsewhere/c.png").as_deref(), Some("c.png"));
        assert_eq!(path("/workflows/w/output/r/../../c.png"), None);
        assert_eq!(path("/workflows/w/output/r/"), None);
    }

    #[test]
    fn a_file_is_written_as_it_was_read() {
        for json in [
            r#"{"filename":"a.png","url":"https://x/a.png","thumbnail_url":"https://x/t"}"#,
            r#"{"filename":"a.png","url":"/relative","thumbnail_url":null,"width":512,"nsfw":{"score":0.1}}"#,
            r#"{"filename":"a.png","url":7,"thumbnail_url":"https://x/t"}"#,
        ] {
            let value = crate::json::read(json.as_bytes(), crate::json::Limits::default()).unwrap();
            let RunOutput::Files(files) = RunOutput::of(&Value::Array(vec![value])) else { panic!("{json}") };
            assert_eq!(Value::from(files[0].to_object()).to_json(), json);
        }
    }

    #[test]
    fn a_shape_that_is_not_known_is_kept_whole() {
        let output = |json: &str| {
            RunOutput::of(&crate::json::read(json.as_bytes(), crate::json::Limits::default()).unwrap())
        };
        for json in [r#"[{"filename":"a.png"},{"name":"b.png"}]"#, r#"{"images":[]}"#, "3"] {
            let RunOutput::Other(value) = output(json) else { panic!("{json}") };
            assert_eq!(value.to_json(), json);
            assert!(output(json).files().is_empty());
        }
    }
}
