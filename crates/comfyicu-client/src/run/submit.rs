//! Submitting a run.

use std::pin::Pin;

use comfyicu_model::json::Object;
use comfyicu_model::{Accelerator, DestPath, Files, Prompt, RunRequest, WorkflowId};
use url::Url;

use crate::client::Client;
use crate::endpoint::{self, Call};
use crate::error::Error;
use crate::run::RunHandle;

/// A run to be submitted: what is sent is set here, and sent when this is awaited. It gives the
/// [`RunHandle`].
///
/// # Errors
/// - [`Rejected`](crate::ErrorKind::Rejected): the prompt or the files must change;
/// - [`KeyMissing`](crate::ErrorKind::KeyMissing), [`Unauthorized`](crate::ErrorKind::Unauthorized): the key;
/// - [`Transport`](crate::ErrorKind::Transport), [`Server`](crate::ErrorKind::Server): later, but when
///   [`may_have_been_applied`](Error::may_have_been_applied) says so, the run may exist all the same.
///
/// A submit is never sent twice: a run costs money.
///
/// # Cancel safety
/// When the future is dropped before it ends, the run may have been submitted.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct SubmitRun {
    client: Client,
    workflow_id: WorkflowId,
    prompt: Prompt,
    files: Files,
    accelerator: Option<Accelerator>,
    webhook: Option<Url>,
    extra_data: Option<Object>,
}

impl SubmitRun {
    pub(crate) fn new(client: Client, workflow_id: WorkflowId, prompt: Prompt) -> Self {
        let files = Files::new();
        Self { client, workflow_id, prompt, files, accelerator: None, webhook: None, extra_data: None }
    }

    /// Adds a file that the run needs: where it goes, and where the service gets it from.
    pub fn file(mut self, path: DestPath, source: Url) -> Self {
        self.files.insert(path, source);
        self
    }

    /// Sets all files at once, in place of those set before.
    pub fn files(mut self, files: Files) -> Self {
        self.files = files;
        self
    }

    /// Asks for an accelerator; without one the service chooses.
    pub fn accelerator(mut self, accelerator: Accelerator) -> Self {
        self.accelerator = Some(accelerator);
        self
    }

    /// Sets the URL that is notified when the run starts and ends.
    pub fn webhook(mut self, webhook: Url) -> Self {
        self.webhook = Some(webhook);
        self
    }

    /// Sets what ComfyUI calls extra data; `extra_pnginfo.workflow` in it goes into the images.
    pub fn extra_data(mut self, extra_data: Object) -> Self {
        self.extra_data = Some(extra_data);
        self
    }

    /// The body that will be sent.
    pub fn to_request(&self) -> RunRequest {
        let mut request = RunRequest::new(self.prompt.clone()).workflow_id(self.workflow_id.clone());
        request = request.files(self.files.clone());
        if let Some(accelerator) = &self.accelerator {
            request = request.accelerator(accelerator.clone());
        }
        if let Some(webhook) = &self.webhook {
            request = request.webhook(webhook.clone());
        }
        if let Some(extra_data) = &self.extra_data {
            request = request.extra_data(extra_data.clone());
        }
        request
    }

    async fn send(self) -> Result<RunHandle, Error> {
        let request = self.to_request();
        endpoint::check_finite(&request)?;
        let call = Call::submit(&self.client.inner.base, &self.workflow_id, &request);
        // The answer may be no more than the id: nothing else of it is relied on.
        let answer = self.client.exchange(&call).await?.into_run();
        let run = answer.map_err(|error| error.maybe_applied(true))?;
        Ok(RunHandle::new(self.client, self.workflow_id, run.id().clone()))
    }
}

impl IntoFuture for SubmitRun {
    type Output = Result<RunHandle, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

#[cfg(test)]
mod tests {
    use comfyicu_transport::{TransportError, TransportErrorKind};

    use super::*;
    use crate::ErrorKind;
    use crate::fake::{self, PROMPT, json};

    fn submit(client: &Client) -> SubmitRun {
        let prompt = Prompt::parse(PROMPT.as_bytes()).unwrap();
        client.workflow(WorkflowId::parse("w").unwrap()).run(prompt)
    }

    #[tokio::test]
    async fn an_answer_that_is_only_an_id_is_enough() {
        let (client, seen) = fake::client(|_| json(200, r#"{"id": "r"}"#));
        let handle = submit(&client)
            .file(DestPath::input("a.png").unwrap(), "https://example.com/a.png".parse().unwrap())
            .accelerator(Accelerator::L4)
            .webhook("https://example.com/hook".parse().unwrap())
            .extra_data(Object::from_iter([("a", 1_u64)]))
            .await
            .unwrap();
        assert_eq!((handle.id().as_str(), handle.workflow_id().as_str()), ("r", "w"));
        insta::assert_snapshot!(seen.lines().join("\n"), @r#"POST http://server:8000/api/v1/workflows/w/runs [key] {"workflow_id":"w","prompt":{"9":{"class_type":"SaveImage","inputs":{"filename_prefix":"x"}}},"files":{"/input/a.png":"https://example.com/a.png"},"webhook":"https://example.com/hook","accelerator":"L4","extra_data":{"a":1}}"#);
    }

    #[tokio::test]
    async fn the_hosted_service_is_not_called_without_a_key() {
        let (client, seen) = fake::hosted_client(|_| json(200, r#"{"id": "r"}"#));
        let error = submit(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyMissing);
        insta::assert_snapshot!(error, @"the hosted service wants an API key, and none was given");
        assert!(seen.lines().is_empty());
    }

    #[tokio::test]
    async fn a_lost_answer_may_have_been_a_run_and_is_not_asked_for_again() {
        for (kind, applied) in [
            (TransportErrorKind::Connect, false),
            (TransportErrorKind::Timeout, true),
            (TransportErrorKind::Interrupted, true),
        ] {
            let (client, seen) = fake::client(move |_| Err(TransportError::new(kind, "boom")));
            let error = submit(&client).await.unwrap_err();
            assert!(error.is_unreachable());
            assert_eq!(error.may_have_been_applied(), applied, "{kind:?}");
            assert_eq!(seen.lines().len(), 1);
        }
        let (client, _) = fake::client(|_| json(503, ""));
        let error = submit(&client).await.unwrap_err();
        assert!(error.may_have_been_applied());
        insta::assert_snapshot!(error, @"the service at http://server:8000 is having problems; the run may exist all the same");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_service_is_given_up_in_time() {
        let client = fake::silent_client();
        let error = submit(&client).await.unwrap_err();
        assert!(error.is_unreachable() && error.may_have_been_applied());
        insta::assert_snapshot!(fake::chain(&error), @"POST http://server:8000/api/v1/workflows/w/runs has no answer; the run may exist all the same: no answer in time: there was no complete answer within 120 s");
    }

    #[tokio::test]
    async fn each_refusal_says_what_to_do() {
        let mut texts = Vec::new();
        for status in [400, 401, 402, 404, 409, 418, 422, 429, 500] {
            let (client, _) = fake::client(move |_| json(status, r#"{"error": {"message": "because"}}"#));
            texts.push(fake::chain(&submit(&client).await.unwrap_err()));
        }
        insta::assert_snapshot!(texts.join("\n"), @"
        the service rejected the run: POST http://server:8000/api/v1/workflows/w/runs answered 400 Bad Request: because
        the service at http://server:8000 refused the API key: POST http://server:8000/api/v1/workflows/w/runs answered 401 Unauthorized: because
        the account has no credit left: POST http://server:8000/api/v1/workflows/w/runs answered 402 Payment Required: because
        there is no workflow w at http://server:8000: POST http://server:8000/api/v1/workflows/w/runs answered 404 Not Found: because
        the run does not fit what is there: POST http://server:8000/api/v1/workflows/w/runs answered 409 Conflict: because
        the service at http://server:8000 answered in a way that this client does not know: POST http://server:8000/api/v1/workflows/w/runs answered 418 I'm a teapot: because
        the service rejected the run: POST http://server:8000/api/v1/workflows/w/runs answered 422 Unprocessable Entity: because
        the service at http://server:8000 is limiting requests: POST http://server:8000/api/v1/workflows/w/runs answered 429 Too Many Requests: because
        the service at http://server:8000 is having problems; the run may exist all the same: POST http://server:8000/api/v1/workflows/w/runs answered 500 Internal Server Error: because
        ");
    }

    #[tokio::test]
    async fn something_else_than_a_run_is_named() {
        let page = "<!doctype html><html><head><title>Welcome to nginx!</title></head></html>";
        let (client, _) = fake::client(move |_| json(200, page));
        let error = submit(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        insta::assert_snapshot!(fake::chain(&error), @"the answer is not the one of a ComfyICU service: check the base URL: POST http://server:8000/api/v1/workflows/w/runs should have answered a run, but what arrived is an HTML page, “Welcome to nginx!”");
    }
}
