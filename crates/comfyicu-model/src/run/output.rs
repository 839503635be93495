//! The `output` of a run: an array of files, or an object that says what went wrong.

use url::Url;

use super::RunFailure;
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
}

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
}

impl OutputFile {
    /// Makes an output file.
    pub fn new(filename: impl Into<String>, url: Url, thumbnail_url: Url) -> Self {
        Self { filename: filename.into(), url: Some(url), thumbnail_url: Some(thumbnail_url) }
    }

    fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let url = |key| object.get_str(key).and_then(|text| Url::parse(text).ok());
        let filename = object.get_str("filename")?.to_owned();
        Some(Self { filename, url: url("url"), thumbnail_url: url("thumbnail_url") })
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
        let below_run = || {
            let (_, rest) = self.filename.strip_prefix("/workflows/")?.split_once("/output/")?;
            rest.split_once('/').map(|(_, path)| path)
        };
        let relative = below_run().or_else(|| self.filename.rsplit('/').next())?;
        OutputPath::parse(relative).ok()
    }

    /// Writes the file as it stands in a run.
    pub fn to_object(&self) -> Object {
        let url = |url: &Option<Url>| Value::from(url.as_ref().map(Url::as_str));
        Object::from_iter([
            ("filename", Value::from(self.filename.as_str())),
            ("url", url(&self.url)),
            ("thumbnail_url", url(&self.thumbnail_url)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(filename: &str) -> Option<String> {
        let file = OutputFile { filename: filename.to_owned(), url: None, thumbnail_url: None };
        file.path().map(|path| path.to_string())
    }

    #[test]
    fn sub_folders_are_kept_and_nothing_leaves_the_folder() {
        assert_eq!(
            path("/workflows/xyz/output/xyz/ComfyUI_00001_.png").as_deref(),
            Some("ComfyUI_00001_.png")
        );
        assert_eq!(path("/workflows/w/output/r/a/b/c.png").as_deref(), Some("a/b/c.png"));
        assert_eq!(path("elsewhere/c.png").as_deref(), Some("c.png"));
        assert_eq!(path("/workflows/w/output/r/../../c.png"), None);
        assert_eq!(path("/workflows/w/output/r/"), None);
    }
}
