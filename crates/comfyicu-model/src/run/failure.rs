//! Why a run failed.

use crate::field;
use crate::json::{Object, Value};

/// Why a run failed: ComfyUI's own account of the exception, or of what its check refused.
///
/// The hosted service puts it into `output.error` and leaves `error` null; both places are looked at.
///
/// ```
/// use comfyicu_model::Run;
///
/// let run = Run::parse(br#"{"id": "r", "status": "ERROR", "error": null, "output": {"error": {
///     "node_id": "3", "node_type": "KSampler", "exception_type": "RuntimeError",
///     "exception_message": "out of memory\n", "traceback": []}}}"#)?;
/// let failure = run.failure().expect("it says why");
/// assert_eq!((failure.message(), failure.node_id()), ("out of memory", Some("3")));
/// # Ok::<(), comfyicu_model::ParseRunError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFailure(Object);

/// What ComfyUI's check holds against a node or one of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// The node.
    pub node_id: &'a str,
    /// Its class.
    pub class_type: Option<&'a str>,
    /// The input that it is about.
    pub input: Option<&'a str>,
    /// ComfyUI's name for it, such as `value_not_in_list`.
    pub error_type: Option<&'a str>,
    /// What is wrong.
    pub message: Option<&'a str>,
    /// More about it, such as the value.
    pub details: Option<&'a str>,
}

impl RunFailure {
    /// Finds the account of the failure in an `output` or `error`: under the key `error`, a level deeper, or
    /// the object itself.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let inner = object.get("error").and_then(Self::of_account);
        let deeper = || field::object(object, "output")?.get("error").and_then(Self::of_account);
        inner.or_else(deeper).or_else(|| Self::of_object(object))
    }

    /// Takes an account: an object, or a text alone.
    pub(super) fn of_account(value: &Value) -> Option<Self> {
        match value {
            Value::Object(object) => Self::of_object(object),
            Value::String(text) if !text.trim().is_empty() => {
                Some(Self(Object::from_iter([("message", text.as_str())])))
            }
            _ => None,
        }
    }

    fn of_object(object: &Object) -> Option<Self> {
        let is_account = ["exception_message", "exception_type", "message", "details"];
        is_account.iter().any(|key| object.contains_key(key)).then(|| Self(object.clone()))
    }

    /// What went wrong, in the words of whoever noticed.
    pub fn message(&self) -> &str {
        let own = || field::text(&self.0, "exception_message").or_else(|| field::text(&self.0, "message"));
        let nested = || field::text(self.refusal()?, "message");
        own().or_else(nested).map_or("the service gave no reason", str::trim)
    }

    /// The kind of error: a Python exception's class, `invalid_prompt`, or what else ComfyUI calls it.
    pub fn exception_type(&self) -> Option<&str> {
        let nested = || field::text(self.refusal()?, "type");
        field::text(&self.0, "exception_type").or_else(nested)
    }

    /// The node that failed, or the one that could not be run.
    pub fn node_id(&self) -> Option<&str> {
        field::text(&self.0, "node_id")
            .or_else(|| field::text(self.extra_info()?, "node_id"))
            .or_else(|| named_node(self.details()?))
            .or_else(|| self.refusals().next().map(|error| error.node_id))
    }

    /// The class of the node that failed, where it is told; [`Run::failing_node`](super::Run::failing_node)
    /// looks into the prompt too.
    pub fn node_type(&self) -> Option<&str> {
        field::text(&self.0, "node_type")
            .or_else(|| field::text(self.extra_info()?, "class_type"))
            .or_else(|| self.refusals().next()?.class_type)
    }

    /// More about it, beside the message, such as `Node ID '#7'`.
    pub fn details(&self) -> Option<&str> {
        field::text(&self.0, "details").or_else(|| field::text(self.refusal()?, "details"))
    }

    /// The lines of the traceback.
    pub fn traceback(&self) -> impl Iterator<Item = &str> {
        field::texts(&self.0, "traceback")
    }

    /// The nodes that had been executed before it, by id.
    pub fn executed(&self) -> impl Iterator<Item = &str> {
        field::texts(&self.0, "executed")
    }

    /// What ComfyUI's check holds against each node and input, when the prompt was refused.
    pub fn refusals(&self) -> impl Iterator<Item = Refusal<'_>> {
        let nodes =
            field::object(&self.0, "details").and_then(|details| field::object(details, "node_errors"));
        let nodes = nodes.into_iter().flat_map(Object::iter);
        let nodes = nodes.filter_map(|(node_id, node)| Some((node_id, node.as_object()?)));
        nodes.flat_map(|(node_id, node)| {
            let class_type = field::text(node, "class_type");
            let errors = field::items(node, "errors").iter().filter_map(Value::as_object);
            errors.map(move |error| Refusal::of(node_id, class_type, error))
        })
    }

    /// The whole account as it was answered.
    pub const fn as_object(&self) -> &Object {
        &self.0
    }

    /// ComfyUI's answer to a prompt that it refused.
    fn refusal(&self) -> Option<&Object> {
        field::object(field::object(&self.0, "details")?, "error")
    }

    fn extra_info(&self) -> Option<&Object> {
        field::object(self.refusal()?, "extra_info")
    }
}

impl<'a> Refusal<'a> {
    fn of(node_id: &'a str, class_type: Option<&'a str>, error: &'a Object) -> Self {
        Self {
            node_id,
            class_type,
            input: field::object(error, "extra_info").and_then(|info| field::text(info, "input_name")),
            error_type: field::text(error, "type"),
            message: field::text(error, "message"),
            details: field::text(error, "details"),
        }
    }
}

/// The node in a text such as `Node ID '#7'`, which is all that older versions of ComfyUI tell of it.
fn named_node(details: &str) -> Option<&str> {
    details.strip_prefix("Node ID '#")?.strip_suffix('\'').filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Run;
    use super::*;

    fn failure(fields: &str) -> Option<RunFailure> {
        Run::parse(format!(r#"{{"id": "r", "status": "ERROR", {fields}}}"#).as_bytes()).unwrap().failure()
    }

    #[test]
    fn the_account_is_found_wherever_it_stands() {
        let account = r#"{"exception_message": "no memory"}"#;
        for fields in [
            format!(r#""output": {{"error": {account}}}, "error": null"#),
            format!(r#""output": {{"output": {{"error": {account}}}}}"#),
            format!(r#""output": {account}"#),
            format!(r#""output": null, "error": {account}"#),
            format!(r#""output": [], "error": {{"error": {account}}}"#),
            r#""output": {}, "error": "no memory""#.to_owned(),
            r#""output": {"error": "no memory\n"}"#.to_owned(),
            r#""output": {"error": {"details": {"error": {"message": "no memory"}}}}"#.to_owned(),
        ] {
            assert_eq!(
                failure(&fields).unwrap_or_else(|| panic!("{fields}")).message(),
                "no memory",
                "{fields}"
            );
        }
        for fields in [r#""output": null"#, r#""output": [], "error": """#, r#""output": {"images": []}"#] {
            assert_eq!(failure(fields), None, "{fields}");
        }
        assert_eq!(failure(r#""error": {"details": 1}"#).unwrap().message(), "the service gave no reason");
    }

    /// What ComfyUI 0.21.0 and 0.3.75 answered, under the keys in which the hosted service puts it.
    #[test]
    fn the_node_is_found_in_what_each_version_says() {
        let refused = |error: &str, nodes: &str| {
            let fields = format!(
                r#""output": {{"error": {{"details": {{"error": {error}, "node_errors": {nodes}}}}}}}"#
            );
            let failure = failure(&fields).unwrap();
            (failure.node_id().map(str::to_owned), failure.node_type().map(str::to_owned))
        };
        let node = |id: &str, class: &str| (Some(id.to_owned()), Some(class.to_owned()));
        let newer = r#"{"type": "missing_node_type", "message": "Node 'Upscale Image' not found.", "details": "Node ID '#2'", "extra_info": {"node_id": "2", "class_type": "NoSuchNode", "node_title": "Upscale Image"}}"#;
        assert_eq!(refused(newer, "{}"), node("2", "NoSuchNode"));
        let older = r#"{"type": "invalid_prompt", "message": "Cannot execute because node NoSuchNode does not exist.", "details": "Node ID '#12:3'", "extra_info": {}}"#;
        assert_eq!(refused(older, "{}"), (Some("12:3".to_owned()), None));
        let outputs = r#"{"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": "", "extra_info": {}}"#;
        let nodes = r#"{"4": {"errors": [{"type": "value_not_in_list", "message": "Value not in list", "details": "crop: 'x' not in ['disabled', 'center']", "extra_info": {"input_name": "crop"}}], "dependent_outputs": ["9"], "class_type": "ImageScale"}}"#;
        assert_eq!(refused(outputs, nodes), node("4", "ImageScale"));
        assert_eq!(refused(outputs, "{}"), (None, None));
    }

    #[test]
    fn each_input_that_was_refused_is_listed() {
        let failure = failure(
            r#""output": {"error": {"details": {"error": {"type": "prompt_outputs_failed_validation"}, "node_errors": {
                "4": {"class_type": "ImageScale", "errors": [
                    {"type": "value_not_in_list", "message": "Value not in list", "details": "crop: 'x'", "extra_info": {"input_name": "crop"}},
                    {"type": "required_input_missing", "message": "Required input is missing"}]},
                "5": null, "6": {"errors": 3}}}}}"#,
        )
        .unwrap();
        let errors: Vec<_> = failure.refusals().collect();
        assert_eq!(
            errors.iter().map(|error| (error.node_id, error.input)).collect::<Vec<_>>(),
            [("4", Some("crop")), ("4", None)]
        );
        assert_eq!((errors[0].error_type, errors[0].details), (Some("value_not_in_list"), Some("crop: 'x'")));
        assert_eq!(failure.exception_type(), Some("prompt_outputs_failed_validation"));
    }
}
