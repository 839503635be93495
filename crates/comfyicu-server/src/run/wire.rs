//! The JSON of a run: every field of the hosted service's, in its order.

use comfyicu_model::json::{Object, Value};
use comfyicu_model::{OutputFile, OutputPath, Prompt, RunId, Timestamp, WorkflowId};
use url::Url;

use super::{Outcome, RunRecord, metadata};
use crate::random;
use crate::store::NewDelivery;

/// The project that every run has; the hosted service numbers them.
const LOCAL_PROJECT: u64 = 1;

/// Where outputs are served.
pub(crate) trait Urls {
    /// The address of an output, which opens without a key.
    fn output(&self, workflow_id: &WorkflowId, run_id: &RunId, path: &OutputPath) -> Url;

    /// The address of a small picture of an output; of what is no picture, that of the output.
    fn thumbnail(&self, workflow_id: &WorkflowId, run_id: &RunId, path: &OutputPath) -> Url;
}

/// A run as it is answered and sent to webhooks.
#[derive(Debug)]
pub(crate) struct RunView<'a>(pub(crate) &'a RunRecord);

impl RunView<'_> {
    /// Writes the run. Fields of the hosted service that have no meaning here are null, false, 0 or empty,
    /// as there; our own stand under `x`.
    pub(crate) fn to_object(&self, urls: &dyn Urls) -> Object {
        let run = self.0;
        Object::from_iter([
            ("id", Value::from(run.id.as_str())),
            ("created_at", time(Some(run.created_at))),
            ("updated_at", time(Some(run.updated_at))),
            ("deleted_at", Value::Null),
            ("started_at", time(run.started_at)),
            ("completed_at", time(run.completed_at)),
            ("run_time", run.costs.execution_ms.unwrap_or(0).into()),
            ("status", run.status.as_str().into()),
            ("kind", "comfyui".into()),
            ("data", run.data.clone().into()),
            ("workflow", Value::Null),
            ("workflow_api", Value::Null),
            ("workflow_id", run.workflow_id.as_str().into()),
            ("output", self.output(urls)),
            ("error", Value::Null),
            ("files", run.files.clone().into()),
            ("name", Value::Null),
            ("tags", Value::Array(Vec::new())),
            ("view_count", 0_u64.into()),
            ("download_count", 0_u64.into()),
            ("is_nsfw", false.into()),
            ("user_id", run.owner.as_str().into()),
            ("device", run.device.as_deref().into()),
            ("accelerator", run.accelerator.as_str().into()),
            ("visibility", "PUBLIC".into()),
            ("parent_workflow_id", Value::Null),
            ("parent_run_id", Value::Null),
            ("api_key_id", run.api_key_id.as_deref().into()),
            ("retry_count", u64::from(run.attempt.saturating_sub(1)).into()),
            ("client_agent", Value::Null),
            ("webhook", run.webhook.as_deref().into()),
            ("project_id", LOCAL_PROJECT.into()),
            ("user", Value::Null),
            ("metadata", self.metadata().into()),
            ("x", self.extensions().into()),
        ])
    }

    fn extensions(&self) -> Object {
        let mut extensions = self.0.costs.to_object();
        if let Some(moment) = self.0.outputs_removed_at {
            extensions.insert("outputs_removed_at", moment.to_string());
        }
        extensions
    }

    fn output(&self, urls: &dyn Urls) -> Value {
        let run = self.0;
        match &run.outcome {
            None => Value::Null,
            Some(Outcome::Failure(failure)) => failure.clone().into(),
            Some(Outcome::Files(paths)) => {
                let file = |path: &OutputPath| {
                    let url = urls.output(&run.workflow_id, &run.id, path);
                    let thumbnail = urls.thumbnail(&run.workflow_id, &run.id, path);
                    let filename = format!("/workflows/{}/output/{}/{path}", run.workflow_id, run.id);
                    OutputFile::new(filename, url, thumbnail).to_object()
                };
                paths.iter().map(file).collect::<Vec<_>>().into()
            }
        }
    }

    fn metadata(&self) -> Object {
        let prompt = self.0.data.get("prompt").cloned().map(Prompt::from_value);
        prompt.and_then(Result::ok).map_or_else(Object::new, |prompt| metadata::of_prompt(&prompt))
    }
}

/// The message that tells of a run's last change, for a run that has a webhook, and a change that is told.
pub(crate) fn told(run: &RunRecord, urls: &dyn Urls) -> Option<NewDelivery> {
    let url = run.webhook.clone().filter(|url| !url.is_empty() && run.is_told())?;
    Some(NewDelivery {
        id: random::message_id(),
        url,
        body: Value::from(RunView(run).to_object(urls)).to_json(),
    })
}

fn time(moment: Option<Timestamp>) -> Value {
    moment.map(|moment| moment.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Costs;
    use crate::run::tests::accepted;

    struct Fixed;

    impl Urls for Fixed {
        fn output(&self, _: &WorkflowId, _: &RunId, path: &OutputPath) -> Url {
            Url::parse(&format!("http://localhost/{path}")).unwrap()
        }

        fn thumbnail(&self, _: &WorkflowId, _: &RunId, path: &OutputPath) -> Url {
            Url::parse(&format!("http://localhost/{path}?thumbnail=256")).unwrap()
        }
    }

    fn json(run: &RunRecord) -> String {
        Value::from(RunView(run).to_object(&Fixed)).to_json_pretty()
    }

    #[test]
    fn a_waiting_run_has_every_field() {
        insta::assert_snapshot!(json(&accepted()));
    }

    #[test]
    fn a_completed_run_has_every_field() {
        let started =
            accepted().start("CPU", Timestamp::from_unix_millis(1_000), std::time::Duration::ZERO).unwrap();
        let files = Outcome::Files(vec![OutputPath::parse("a/b_00001_.png").unwrap()]);
        let costs = Costs {
            queue_ms: Some(1),
            download_ms: Some(2),
            execution_ms: Some(3),
            output_bytes: Some(4),
            ..Costs::default()
        };
        insta::assert_snapshot!(json(
            &started.finish(files, costs, Timestamp::from_unix_millis(2_000)).unwrap()
        ));
    }

    #[test]
    fn no_field_of_a_real_run_is_missing() {
        let sample = std::fs::read(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/data/samples/run-completed.json"
        ));
        let real = comfyicu_model::Run::parse(&sample.unwrap()).unwrap();
        let ours = RunView(&accepted()).to_object(&Fixed);
        let missing: Vec<_> = real.as_object().keys().filter(|key| !ours.contains_key(key)).collect();
        assert_eq!(missing, Vec::<&str>::new());
        let additional: Vec<_> = ours.keys().filter(|key| !real.as_object().contains_key(key)).collect();
        assert_eq!(additional, ["x"]);
    }
}
