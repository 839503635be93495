//! How a run ended.

use std::time::Duration;

use comfyicu_engine::ExecutionError;
use comfyicu_model::json::{Object, Value};
use comfyicu_model::{Finding, OutputPath, RunId, RunStatus};

use crate::report::with_causes;

/// How a run ended: with files, or with an account of what went wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Files(Vec<OutputPath>),
    /// In the shape of the hosted service's `output`: `{error: {…}, output: {}}`.
    Failure(Object),
}

impl Outcome {
    pub(crate) const fn status(&self) -> RunStatus {
        match self {
            Self::Files(_) => RunStatus::Completed,
            Self::Failure(_) => RunStatus::Error,
        }
    }

    /// The failure of an execution, as ComfyUI would account for it.
    pub(crate) fn of_error(run_id: &RunId, error: &ExecutionError) -> Self {
        let mut failure = match error {
            ExecutionError::Node(node) => {
                let mut failure = account(run_id, &node.exception_type, &node.message);
                failure.insert("traceback", node.traceback.iter().map(String::as_str).collect::<Vec<_>>());
                failure.insert("node_id", node.node_id.as_str());
                failure.insert("node_type", node.class_type.as_str());
                failure
            }
            ExecutionError::Refused(findings) => {
                let mut failure = account(run_id, "invalid_prompt", &error.to_string());
                failure.insert("findings", findings.iter().map(Finding::to_object).collect::<Vec<_>>());
                failure
            }
            other => account(run_id, "server_error", &with_causes(other)),
        };
        failure.insert("executed", Vec::<Value>::new());
        Self::failure(failure)
    }

    /// The failure of a run whose worker, or whose server, was gone each time before its end.
    pub(crate) fn of_losses(run_id: &RunId, attempts: u32) -> Self {
        let message = format!(
            "the run was begun {attempts} times, and each time its worker was gone before the end, so it is not tried again"
        );
        Self::failure(account(run_id, "server_error", &message))
    }

    /// The failure of a run that was executed for too long.
    pub(crate) fn of_timeout(run_id: &RunId, limit: Duration) -> Self {
        let message = format!(
            "the run was executed for longer than the {} seconds that this server allows",
            limit.as_secs()
        );
        Self::failure(account(run_id, "execution_timeout", &message))
    }

    /// The failure of a run whose tokens are gone: they are in memory only, and the server was started again.
    pub(crate) fn of_lost_tokens(run_id: &RunId, names: &[&str]) -> Self {
        let message = format!(
            "the run came with `{}`, which the server never writes down, and the server was started again before the run ended: submit it once more",
            names.join("` and `")
        );
        Self::failure(account(run_id, "tokens_lost", &message))
    }

    /// A failure before the execution: a file that could not be fetched.
    pub(crate) fn of_files(run_id: &RunId, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::failure(account(run_id, "file_download_error", &with_causes(error)))
    }

    fn failure(account: Object) -> Self {
        Self::Failure(Object::from_iter([("error", account), ("output", Object::new())]))
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Files(paths) => paths.iter().map(OutputPath::as_str).collect::<Vec<_>>().into(),
            Self::Failure(failure) => failure.clone().into(),
        }
    }

    pub(crate) fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Array(items) => {
                let paths = items.iter().map(|item| OutputPath::parse(item.as_str()?).ok());
                paths.collect::<Option<_>>().map(Self::Files)
            }
            Value::Object(failure) => Some(Self::Failure(failure)),
            _ => None,
        }
    }
}

fn account(run_id: &RunId, exception_type: &str, message: &str) -> Object {
    let error = Object::from_iter([
        ("type", Value::from(exception_type)),
        ("message", Value::from(message)),
        ("details", Value::from("")),
        ("extra_info", Value::from(Object::new())),
    ]);
    let details = Object::from_iter([("error", error), ("node_errors", Object::new())]);
    Object::from_iter([
        ("details", Value::from(details)),
        ("prompt_id", Value::from(run_id.as_str())),
        ("traceback", Value::Array(Vec::new())),
        ("exception_type", Value::from(exception_type)),
        ("exception_message", Value::from(message)),
    ])
}

#[cfg(test)]
mod tests {
    use comfyicu_engine::NodeFailure;
    use comfyicu_model::Run;

    use super::*;

    #[test]
    fn a_failure_reads_as_the_hosted_service_writes_it() {
        let id = RunId::parse("r1").unwrap();
        let node = NodeFailure::new("7".into(), "LoadImage", "FileNotFoundError", "there is no /input/a.png");
        let outcome = Outcome::of_error(&id, &ExecutionError::Node(Box::new(node)));
        let json = Object::from_iter([("id", Value::from("r1")), ("output", outcome.to_value())]);
        let run = Run::from_value(json.into()).unwrap();
        let failure = run.failure().unwrap();
        assert_eq!(failure.message(), "there is no /input/a.png");
        assert_eq!((failure.node_id(), failure.node_type()), (Some("7"), Some("LoadImage")));
        assert_eq!(failure.exception_type(), Some("FileNotFoundError"));
        insta::assert_snapshot!(outcome.to_value().to_json_pretty());
    }
}
