//! `/upload/image` and `/view`: files of any kind, in and out.

use std::path::PathBuf;

use comfyicu_model::json::Value;
use comfyicu_transport::{RequestBody, Response};
use http::Method;

use super::super::{ComfyError, limit};
use super::multipart::Form;
use super::{ComfyClient, object};

/// How long an upload may take for each MiB, beside what every call may take: a slow network has 1 MiB/s.
const SECONDS_PER_MIB: u64 = 1;

/// Which of ComfyUI's folders a file is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileType {
    /// What nodes load.
    Input,
    /// What is kept.
    Output,
    /// What is not: previews. A start of ComfyUI empties it.
    Temp,
}

impl FileType {
    /// Its name in ComfyUI's API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Temp => "temp",
        }
    }

    /// Takes a name of ComfyUI's API.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Input, Self::Output, Self::Temp].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A file in one of ComfyUI's folders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredFile {
    /// Its name.
    pub name: String,
    /// The folder below ComfyUI's; empty for none.
    pub subfolder: String,
    /// Which of ComfyUI's folders.
    pub kind: FileType,
}

/// A file to be put into ComfyUI's input folder.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until it is given to `upload`"]
pub struct Upload {
    path: PathBuf,
    size_bytes: u64,
    name: String,
    subfolder: String,
    overwrite: bool,
}

impl Upload {
    /// The file at `path`, which has `size_bytes`, under a name.
    pub fn new(path: impl Into<PathBuf>, size_bytes: u64, name: impl Into<String>) -> Self {
        Self { path: path.into(), size_bytes, name: name.into(), subfolder: String::new(), overwrite: false }
    }

    /// The folder below ComfyUI's input folder.
    pub fn subfolder(mut self, subfolder: impl Into<String>) -> Self {
        self.subfolder = subfolder.into();
        self
    }

    /// Replaces a file of this name. Otherwise ComfyUI takes another name, such as `x (1).png`, where the bytes
    /// differ.
    pub const fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }
}

impl ComfyClient {
    /// Puts a file, an image or not, into ComfyUI's input folder, and gives the name that it got there.
    ///
    /// # Errors
    /// When ComfyUI does not take it: it answers 413 to what is larger than its `max_upload_size`, by default
    /// 100 MiB.
    pub async fn upload(&self, upload: Upload) -> Result<StoredFile, ComfyError> {
        const CALL: &str = "POST /upload/image";
        let mut fields = vec![("type", FileType::Input.as_str())];
        if !upload.subfolder.is_empty() {
            fields.push(("subfolder", &upload.subfolder));
        }
        if upload.overwrite {
            fields.push(("overwrite", "true"));
        }
        let form = Form::new(&fields, upload.path, &upload.name, upload.size_bytes);
        let within = limit::CALL_TIMEOUT
            .saturating_add(std::time::Duration::from_secs((upload.size_bytes >> 20) * SECONDS_PER_MIB));
        let url = self.address(&["upload", "image"], &[]);
        let body = (Some(&*Form::content_type()), form.into_body());
        let answer = self.exchange(CALL, Method::POST, &url, body, within).await?.good(CALL)?;
        let stored = object(CALL, answer.json(CALL)?)?;
        let name = stored.get_str("name").ok_or(ComfyError::Shape { call: CALL, problem: "no name" })?;
        Ok(StoredFile {
            name: name.to_owned(),
            subfolder: stored.get("subfolder").and_then(Value::as_str).unwrap_or_default().to_owned(),
            kind: FileType::Input,
        })
    }

    /// Opens a file; its bytes come as they are read. A file that is not there is status 404.
    ///
    /// # Errors
    /// When ComfyUI does not answer as it should.
    pub async fn view(&self, file: &StoredFile) -> Result<Response, ComfyError> {
        const CALL: &str = "GET /view";
        let query =
            [("filename", &*file.name), ("subfolder", &*file.subfolder), ("type", file.kind.as_str())];
        let url = self.address(&["view"], &query);
        let late = |_| ComfyError::Timeout { call: CALL, seconds: limit::CALL_TIMEOUT.as_secs() };
        let nothing = (None, RequestBody::empty());
        let sent = tokio::time::timeout(limit::CALL_TIMEOUT, self.send(CALL, Method::GET, &url, nothing));
        let response = sent.await.map_err(late)??;
        if response.status() == http::StatusCode::OK {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let text = response.into_body().collect_prefix(limit::QUOTED_CHARS).await.unwrap_or_default();
        Err(ComfyError::Status { call: CALL, status, text: String::from_utf8_lossy(&text).into_owned() })
    }
}
