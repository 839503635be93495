//! The calls of the API, as data: what is sent, and what its failures are called. No I/O.

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{RunId, RunRequest, WorkflowId};
use comfyicu_transport::{Request, RequestBody};
use http::{HeaderValue, Method, header};
use url::Url;

use crate::base_url::BaseUrl;
use crate::error::{Error, ErrorKind, Source};

/// One call of the API.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Method,
    url: Url,
    body: RequestBody,
    content_type: Option<&'static str>,
    /// What is missing when the answer is 404.
    pub(crate) missing: String,
    /// What is wrong when the answer is 400 or 422.
    pub(crate) subject: &'static str,
    /// What may have come into being when the answer is lost.
    pub(crate) creates: Option<&'static str>,
}

impl Call {
    fn get(url: Url, missing: String) -> Self {
        let body = RequestBody::empty();
        let subject = "the request";
        Self { method: Method::GET, url, body, content_type: None, missing, subject, creates: None }
    }

    /// Creates a run.
    pub(crate) fn submit(base: &BaseUrl, workflow: &WorkflowId, request: &RunRequest) -> Self {
        Self {
            method: Method::POST,
            url: base.endpoint(&["workflows", workflow.as_str(), "runs"]),
            body: RequestBody::from(request.to_json()),
            content_type: Some("application/json"),
            missing: format!("there is no workflow {workflow} at {base}"),
            subject: "the run",
            creates: Some("the run"),
        }
    }

    /// Gets a run.
    pub(crate) fn get_run(base: &BaseUrl, workflow: &WorkflowId, run: &RunId) -> Self {
        let url = base.endpoint(&["workflows", workflow.as_str(), "runs", run.as_str()]);
        Self::get(url, format!("there is no run {run} in the workflow {workflow} at {base}"))
    }

    /// Asks what the server offers (extension).
    pub(crate) fn capabilities(base: &BaseUrl) -> Self {
        Self::get(base.endpoint(&["capabilities"]), format!("{base} does not say what it offers"))
    }

    /// Gets node definitions, from this service or from another server.
    pub(crate) fn object_info(url: Url, missing: String) -> Self {
        Self::get(url, missing)
    }

    /// Asks whether the server has the bytes of a digest (extension).
    pub(crate) fn find_upload(base: &BaseUrl, sha256: &str) -> Self {
        let url = Self::upload_url(base, sha256);
        Self { method: Method::HEAD, ..Self::get(url, format!("{base} does not have {sha256}")) }
    }

    /// Stores bytes by their digest (extension).
    pub(crate) fn upload(base: &BaseUrl, body: RequestBody) -> Self {
        Self {
            method: Method::POST,
            url: base.endpoint(&["uploads"]),
            body,
            content_type: Some("application/octet-stream"),
            missing: format!("{base} does not accept uploads"),
            subject: "the file",
            creates: None,
        }
    }

    /// Where an upload stands once the server has it.
    pub(crate) fn upload_url(base: &BaseUrl, sha256: &str) -> Url {
        base.endpoint(&["uploads", sha256])
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
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(self.url.as_str())
            .header(header::ACCEPT, "application/json");
        if let Some(content_type) = self.content_type {
            request = request.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
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
        let call = Call::submit(&base, &workflow, &request(prompt));
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
