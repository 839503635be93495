//! What else the service says of a run: what was submitted, whose it is, how it is shown.

use url::Url;

use super::{Run, RunCosts, RunMetadata};
use crate::field;
use crate::files::{Files, InvalidFiles};
use crate::ids::{RunId, WorkflowId};
use crate::json::{Object, Value};
use crate::prompt::{ParsePromptError, Prompt};

impl Run {
    /// What was submitted, as it was sent: the prompt and what went with it.
    pub fn data(&self) -> Option<&Object> {
        field::object(&self.object, "data")
    }

    /// The prompt that was submitted: in `data`, or in `workflow_api`, which is null in all samples.
    ///
    /// # Errors
    /// When what stands there is not a prompt.
    pub fn prompt(&self) -> Result<Option<Prompt>, ParsePromptError> {
        let is_there = |value: &&Value| !value.is_null();
        let prompt = self.data().and_then(|data| data.get("prompt")).filter(is_there);
        let prompt = prompt.or_else(|| self.object.get("workflow_api").filter(is_there));
        prompt.cloned().map(Prompt::from_value).transpose()
    }

    /// The UI workflow that was submitted beside the prompt, to be stored in the images: in `data`, or in
    /// `workflow`, which is null in all samples.
    pub fn ui_workflow(&self) -> Option<&Object> {
        let extra_data = self.data().and_then(|data| field::object(data, "extra_data"));
        let extra_pnginfo = extra_data.and_then(|data| field::object(data, "extra_pnginfo"));
        let submitted = extra_pnginfo.and_then(|info| field::object(info, "workflow"));
        submitted.or_else(|| field::object(&self.object, "workflow"))
    }

    /// The files that were submitted: destination path → source URL.
    ///
    /// # Errors
    /// When an entry is not a destination, or its source not an `http(s)` URL.
    pub fn files(&self) -> Result<Files, InvalidFiles> {
        Files::from_value(self.object.get("files").unwrap_or(&Value::Null))
    }

    /// Who is told of the run's start and end; an empty address is nobody.
    pub fn webhook(&self) -> Option<Url> {
        Url::parse(field::text(&self.object, "webhook")?).ok()
    }

    /// What it cost: time and bytes. An extension of the self-hosted server.
    pub fn costs(&self) -> Option<RunCosts<'_>> {
        field::object(&self.object, "x").map(RunCosts::new)
    }

    /// What is in its prompt.
    pub fn metadata(&self) -> Option<RunMetadata<'_>> {
        field::object(&self.object, "metadata").map(RunMetadata::new)
    }

    /// What kind of run it is; `comfyui` in all samples.
    pub fn kind(&self) -> Option<&str> {
        field::text(&self.object, "kind")
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        field::text(&self.object, "name")
    }

    /// Its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        field::texts(&self.object, "tags")
    }

    /// Who may see it; `PUBLIC` in all samples.
    pub fn visibility(&self) -> Option<&str> {
        field::text(&self.object, "visibility")
    }

    /// Whether what came out is not for everybody.
    pub fn is_nsfw(&self) -> Option<bool> {
        field::flag(&self.object, "is_nsfw")
    }

    /// How often it was looked at.
    pub fn view_count(&self) -> Option<u64> {
        field::count(&self.object, "view_count")
    }

    /// How often its outputs were downloaded.
    pub fn download_count(&self) -> Option<u64> {
        field::count(&self.object, "download_count")
    }

    /// How often it was tried. The hosted service has said 1 of runs that were executed once; the self-hosted
    /// server counts the tries after the first.
    pub fn retry_count(&self) -> Option<u64> {
        field::count(&self.object, "retry_count")
    }

    /// Whose it is.
    pub fn user_id(&self) -> Option<&str> {
        field::text(&self.object, "user_id")
    }

    /// Whose it is, as far as the service shows that.
    pub fn user(&self) -> Option<RunUser<'_>> {
        field::object(&self.object, "user").map(RunUser)
    }

    /// The number of the project that it belongs to.
    pub fn project_id(&self) -> Option<u64> {
        field::count(&self.object, "project_id")
    }

    /// The id of the key that it was submitted with; it is not the key.
    pub fn api_key_id(&self) -> Option<&str> {
        field::text(&self.object, "api_key_id")
    }

    /// The program that it was submitted with.
    pub fn client_agent(&self) -> Option<&str> {
        field::text(&self.object, "client_agent")
    }

    /// The workflow that it was made from.
    pub fn parent_workflow_id(&self) -> Option<WorkflowId> {
        WorkflowId::parse(self.object.get_str("parent_workflow_id")?).ok()
    }

    /// The run that it was made from.
    pub fn parent_run_id(&self) -> Option<RunId> {
        RunId::parse(self.object.get_str("parent_run_id")?).ok()
    }
}

/// Whose a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunUser<'a>(&'a Object);

impl<'a> RunUser<'a> {
    /// The id.
    pub fn id(self) -> Option<&'a str> {
        field::text(self.0, "id")
    }

    /// The name that is shown.
    pub fn name(self) -> Option<&'a str> {
        field::text(self.0, "name")
    }

    /// Where a picture is.
    pub fn image(self) -> Option<Url> {
        Url::parse(field::text(self.0, "image")?).ok()
    }

    /// The plan, such as `FREE`.
    pub fn plan(self) -> Option<&'a str> {
        field::text(self.0, "plan")
    }

    /// All that the service says.
    pub const fn as_object(self) -> &'a Object {
        self.0
    }
}
