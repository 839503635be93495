//! The calls of the API, as data: what is sent, and what its failures are called. No I/O.

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunRequest, WorkflowId};
use comfyicu_transport::{Repeat, Request, RequestBody, Route, WholeBody};
use http::{HeaderValue, Method, header};
use url::Url;

use crate::base_url::BaseUrl;
use crate::error::{Error, ErrorKind, Source};
use crate::run::SubmitKey;
use crate::send::MAX_ANSWER_BYTES;

const RUNS: &str = "/workflows/{workflow_id}/runs";
const RUN: &str = "/workflows/{workflow_id}/runs/{run_id}";

/// One call of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    url: Url,
    body: RequestBody,
    content_type: Option<&'static str>,
    /// The path with names in place of ids.
    route: &'static str,
    /// How often it may be sent; by its method, where it does not say.
    repeat: Option<Repeat>,
    idempotency_key: Option<SubmitKey>,
    /// Whether the answer is a stream of events.
    is_stream: bool,
    /// The last event that was seen.
    last_event_id: Option<String>,
    /// What is missing when the answer is 404.
    pub(crate) missing: String,
    /// What is wrong when the answer is 400 or 422.
    pub(crate) subject: &'static str,
    /// What may have come into being when the answer is lost.
    pub(crate) creates: Option<&'static str>,
}

impl Call {
    fn get(route: &'static str, url: Url, missing: String) -> Self {
        Self {
            method: Method::GET,
            url,
            body: RequestBody::empty(),
            content_type: None,
            route,
            repeat: None,
            idempotency_key: None,
            is_stream: false,
            last_event_id: None,
            missing,
            subject: "the request",
            creates: None,
        }
    }

    /// Creates a run. With a key, the server knows it again.
    pub(crate) fn submit(
        base: &BaseUrl,
        workflow: &WorkflowId,
        body: String,
        key: Option<SubmitKey>,
    ) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str(), "runs"]);
        Self {
            method: Method::POST,
            body: RequestBody::from(body),
            content_type: Some("application/json"),
            idempotency_key: key,
            subject: "the run",
            creates: Some("the run"),
            ..Self::get(RUNS, url, format!("there is no workflow {workflow} at {base}"))
        }
    }

    /// Gets a run.
    pub(crate) fn get_run(base: &BaseUrl, workflow: &WorkflowId, run: &RunId) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str(), "runs", run.as_str()]);
        Self::get(RUN, url, format!("there is no run {run} in the workflow {workflow} at {base}"))
    }

    /// Lists the runs of a workflow, as far as `query` says.
    pub(crate) fn list_runs(base: &BaseUrl, workflow: &WorkflowId, query: &[(&str, String)]) -> Self {
        let mut url = base.endpoint(&["workflows", workflow.as_str(), "runs"]);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Self::get(RUNS, url, format!("there is no workflow {workflow} at {base}"))
    }

    /// Goes on with a list where the service says.
    pub(crate) fn next_page(base: &BaseUrl, url: Url) -> Self {
        Self::get("", url, format!("the list does not go on at {base}"))
    }

    /// Lists the workflows.
    pub(crate) fn list_workflows(base: &BaseUrl) -> Self {
        let url = base.endpoint(&["workflows"]);
        Self::get("/workflows", url, format!("{base} does not list its workflows"))
    }

    /// Gets a workflow.
    pub(crate) fn get_workflow(base: &BaseUrl, workflow: &WorkflowId) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str()]);
        Self::get("/workflows/{workflow_id}", url, format!("there is no workflow {workflow} at {base}"))
    }

    /// Cancels a run (extension). Again does nothing more.
    pub(crate) fn cancel_run(base: &BaseUrl, workflow: &WorkflowId, run: &RunId) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str(), "runs", run.as_str(), "cancel"]);
        let missing = format!("there is no run {run} in the workflow {workflow} at {base}");
        let route = "/workflows/{workflow_id}/runs/{run_id}/cancel";
        Self { method: Method::POST, repeat: Some(Repeat::Freely), ..Self::get(route, url, missing) }
    }

    /// Reads what happens to a run (extension), after the last event seen.
    pub(crate) fn run_events(
        base: &BaseUrl,
        workflow: &WorkflowId,
        run: &RunId,
        after: Option<String>,
    ) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str(), "runs", run.as_str(), "events"]);
        let missing = format!("there is no run {run} in the workflow {workflow} at {base}");
        let call = Self::get("/workflows/{workflow_id}/runs/{run_id}/events", url, missing);
        Self { repeat: Some(Repeat::Never), is_stream: true, last_event_id: after, ..call }
    }

    /// Reads what happens to the runs of a workflow (extension), after the last event seen.
    pub(crate) fn workflow_events(base: &BaseUrl, workflow: &WorkflowId, after: Option<String>) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str(), "events"]);
        let missing = format!("there is no workflow {workflow} at {base}");
        let call = Self::get("/workflows/{workflow_id}/events", url, missing);
        Self { repeat: Some(Repeat::Never), is_stream: true, last_event_id: after, ..call }
    }

    /// Whatever a user of the client asks for.
    pub(crate) fn raw(url: Url, method: Method, body: RequestBody) -> Self {
        let content_type = (body.length() > 0).then_some("application/json");
        let missing = format!("there is nothing at {}", url.path());
        Self { method, body, content_type, ..Self::get("", url, missing) }
    }

    /// Asks what the server offers (extension).
    pub(crate) fn capabilities(base: &BaseUrl) -> Self {
        let url = base.endpoint(&["capabilities"]);
        Self::get("/capabilities", url, format!("{base} does not say what it offers"))
    }

    /// Gets node definitions, from this service or from another server.
    pub(crate) fn object_info(url: Url, missing: String) -> Self {
        Self::get("/object_info", url, missing)
    }

    /// Asks whether the server has the bytes of a digest (extension).
    pub(crate) fn find_upload(base: &BaseUrl, sha256: &str) -> Self {
        let missing = format!("{base} does not have {sha256}");
        let call = Self::get("/uploads/{sha256}", Self::upload_url(base, sha256), missing);
        Self { method: Method::HEAD, ..call }
    }

    /// Stores bytes by their digest (extension). Again does nothing more.
    pub(crate) fn upload(base: &BaseUrl, body: RequestBody) -> Self {
        Self {
            method: Method::POST,
            body,
            content_type: Some("application/octet-stream"),
            repeat: Some(Repeat::Freely),
            subject: "the file",
            ..Self::get("/uploads", base.endpoint(&["uploads"]), format!("{base} does not accept uploads"))
        }
    }

    /// The same, but sent once: whoever sends it repeats it on its own terms.
    pub(crate) fn once(self) -> Self {
        Self { repeat: Some(Repeat::Never), ..self }
    }

    /// Where an upload stands once the server has it.
    pub(crate) fn upload_url(base: &BaseUrl, sha256: &str) -> Url {
        base.endpoint(&["uploads", sha256])
    }

    /// Where it goes.
    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    /// What the request is called in texts. A query may hold a secret and is left out.
    pub(crate) fn name(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        format!("{} {url}", self.method)
    }

    /// Whether the call goes to the service itself, which alone gets the key.
    pub(crate) fn is_to(&self, base: &BaseUrl) -> bool {
        self.url.origin() == base.as_url().origin()
    }

    /// Whom the call goes to, for texts.
    pub(crate) fn receiver(&self, base: &BaseUrl) -> String {
        if self.is_to(base) { base.to_string() } else { self.url.origin().ascii_serialization() }
    }

    /// The request, but for the key.
    pub(crate) fn to_request(&self) -> Result<Request, Error> {
        let accept = if self.is_stream { "text/event-stream" } else { "application/json" };
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(self.url.as_str())
            .header(header::ACCEPT, accept);
        if let Some(last) = &self.last_event_id {
            request = request.header("last-event-id", last);
        }
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key.as_str());
        }
        if let Some(repeat) = self.repeat {
            request = request.extension(repeat);
        }
        request = request.extension(Route(self.route));
        if !self.is_stream {
            request = request.extension(WholeBody(MAX_ANSWER_BYTES));
        }
        request.body(self.body.clone()).map_err(|error| {
            let text = format!("{} is no request that can be sent", self.name());
            Error::new(ErrorKind::Setup, text).with_source(Source::Other(error.into()))
        })
    }
}

/// Refuses what JSON cannot carry, and says where it stands.
pub(crate) fn check_finite(request: &RunRequest) -> Result<(), Error> {
    for node in request.prompt().nodes() {
        let inputs = node.as_object().get("inputs").and_then(Value::as_object);
        let mut inputs = inputs.into_iter().flat_map(Object::iter);
        if let Some((input, _)) = inputs.find(|(_, value)| value.has_non_finite()) {
            let text = format!(
                "node {}, input `{input}`: NaN and infinities cannot be sent: give it a number",
                node.id()
            );
            return Err(Error::new(ErrorKind::Rejected, text));
        }
    }
    if Value::Object(request.to_object()).has_non_finite() {
        let text =
            "the prompt holds NaN or an infinity outside of its inputs, which cannot be sent: take it out";
        return Err(Error::new(ErrorKind::Rejected, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use comfyicu_model::Prompt;

    use super::*;

    fn request(prompt: &str) -> RunRequest {
        RunRequest::new(Prompt::parse(prompt.as_bytes()).unwrap())
    }

    #[test]
    fn a_submit_is_the_documented_request() {
        let base = BaseUrl::parse("https://comfy.icu").unwrap();
        let workflow = WorkflowId::parse("w").unwrap();
        let prompt = r#"{"9":{"class_type":"SaveImage","inputs":{}}}"#;
        let call = Call::submit(&base, &workflow, request(prompt).to_json(), None);
        let request = call.to_request().unwrap();
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.uri(), "https://comfy.icu/api/v1/workflows/w/runs");
        assert_eq!(request.headers()["content-type"], "application/json");
        assert_eq!(request.headers()["accept"], "application/json");
        assert_eq!(request.body().as_bytes().unwrap(), format!(r#"{{"prompt":{prompt}}}"#).as_bytes());
    }

    #[test]
    fn what_json_cannot_carry_is_refused_with_its_place() {
        let error =
            check_finite(&request(r#"{"3":{"class_type":"K","inputs":{"cfg":[1,NaN]}}}"#)).unwrap_err();
        insta::assert_snapshot!(error, @"node 3, input `cfg`: NaN and infinities cannot be sent: give it a number");
        assert!(error.is_rejected());
        let error = check_finite(&request(r#"{"3":{"class_type":"K","inputs":{},"is_changed":[NaN]}}"#));
        insta::assert_snapshot!(error.unwrap_err(), @"the prompt holds NaN or an infinity outside of its inputs, which cannot be sent: take it out");
        assert!(check_finite(&request(r#"{"3":{"class_type":"K","inputs":{"cfg":1.0}}}"#)).is_ok());
    }
}
