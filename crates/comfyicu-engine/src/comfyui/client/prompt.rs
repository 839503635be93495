//! `POST /prompt`: ComfyUI takes a prompt, or says what is wrong with it.

use std::fmt;

use comfyicu_model::json::{Number, Object, Value, read};
use comfyicu_model::{Finding, NodeId, Prompt};

use super::super::{ComfyError, limit};
use super::{ComfyClient, object};

const CALL: &str = "POST /prompt";

/// A prompt to be submitted.
#[derive(Clone)]
#[must_use = "nothing is sent until it is given to `submit`"]
pub struct PromptRequest {
    prompt_id: String,
    client_id: Option<String>,
    prompt: Object,
    extra_data: Object,
}

impl PromptRequest {
    /// A prompt, and the id that it gets: a UUID of one's own, so that no event can come before it is known. An
    /// id that still waits must not be used again.
    pub fn new(prompt_id: impl Into<String>, prompt: &Prompt) -> Self {
        let prompt = prompt.as_object().clone();
        Self { prompt_id: prompt_id.into(), client_id: None, prompt, extra_data: Object::new() }
    }

    /// The client whose WebSocket hears of it. Without one the events of its nodes go to nobody.
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// What goes with the prompt: `extra_pnginfo`, which is saved in images, and the tokens of API nodes.
    pub fn extra_data(mut self, extra_data: Object) -> Self {
        self.extra_data = extra_data;
        self
    }

    fn into_body(self) -> Object {
        let mut body = Object::from_iter([("prompt_id", Value::from(self.prompt_id))]);
        if let Some(client_id) = self.client_id {
            body.insert("client_id", client_id);
        }
        body.insert("prompt", self.prompt);
        if !self.extra_data.is_empty() {
            body.insert("extra_data", self.extra_data);
        }
        body
    }
}

/// Names the prompt and nothing that goes with it: there may be tokens among that.
impl fmt::Debug for PromptRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PromptRequest");
        debug.field("prompt_id", &self.prompt_id).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A prompt that ComfyUI took.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Accepted {
    /// The id by which ComfyUI knows it.
    pub prompt_id: String,
    /// Its place in the order of execution; smaller ones come first.
    pub number: f64,
    /// What is wrong with the outputs that ComfyUI dropped: it runs the good ones when at least one is good.
    pub node_errors: NodeErrors,
}

impl Accepted {
    /// A prompt that arrived, though its answer did not.
    pub(in crate::comfyui) fn of(prompt_id: &str) -> Self {
        Self { prompt_id: prompt_id.to_owned(), number: 0.0, node_errors: NodeErrors::default() }
    }
}

/// Why ComfyUI does not take a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// What ComfyUI calls it, such as `prompt_outputs_failed_validation`.
    pub code: String,
    /// What it says.
    pub message: String,
    /// What it adds.
    pub details: String,
    /// The node that the whole refusal is about, where ComfyUI names one.
    pub node_id: Option<NodeId>,
    /// The class of that node.
    pub class_type: Option<String>,
    /// What is wrong with each node.
    pub node_errors: NodeErrors,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.details.is_empty() { Ok(()) } else { write!(f, " ({})", self.details) }
    }
}

impl Rejection {
    /// The refusal as findings: one for each error of a node, or one for the whole.
    pub fn findings(&self) -> Vec<Finding> {
        if !self.node_errors.0.is_empty() {
            return self.node_errors.0.clone();
        }
        let finding = match &self.node_id {
            // The details are the node's id once more.
            Some(node_id) => Finding::new(self.code.clone(), self.message.clone())
                .at_node(node_id.clone(), self.class_type.as_deref()),
            None => Finding::new(self.code.clone(), self.to_string()),
        };
        vec![finding]
    }

    fn parse(body: &Object) -> Option<Self> {
        let error = body.get("error")?;
        // Older versions answered a text alone.
        let whole = error.as_object().cloned().unwrap_or_default();
        let text = |key: &str| limit::excerpt(whole.get_str(key).unwrap_or_default(), limit::FAILURE_CHARS);
        let extra = whole.get("extra_info").and_then(Value::as_object);
        let extra = |key: &str| extra.and_then(|extra| extra.get_str(key)).map(str::to_owned);
        Some(Self {
            code: whole.get_str("type").unwrap_or("invalid_prompt").to_owned(),
            message: error.as_str().map_or_else(|| text("message"), str::to_owned),
            details: text("details"),
            node_id: extra("node_id").map(NodeId::from),
            class_type: extra("class_type"),
            node_errors: NodeErrors::parse(body.get("node_errors")),
        })
    }
}

/// What ComfyUI says is wrong with the nodes of a prompt, as findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeErrors(Vec<Finding>);

impl NodeErrors {
    /// The findings, in ComfyUI's order.
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }

    /// Whether nothing is wrong.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn parse(value: Option<&Value>) -> Self {
        let nodes = value.and_then(Value::as_object);
        let mut findings = Vec::new();
        for (id, node) in nodes.into_iter().flat_map(Object::iter) {
            let Some(node) = node.as_object() else { continue };
            let class_type = node.get_str("class_type");
            let errors = node.get("errors").and_then(Value::as_array).unwrap_or_default();
            for error in errors.iter().filter_map(Value::as_object) {
                findings.push(finding(id, class_type, error));
            }
        }
        Self(findings)
    }
}

fn finding(id: &str, class_type: Option<&str>, error: &Object) -> Finding {
    let code = error.get_str("type").unwrap_or("invalid_input").to_owned();
    let (message, details) = (error.get_str("message").unwrap_or(&code), error.get_str("details"));
    let input =
        error.get("extra_info").and_then(Value::as_object).and_then(|extra| extra.get_str("input_name"));
    // Where the detail is only the input's name, the finding has it already.
    let message = match details.filter(|details| !details.is_empty() && Some(*details) != input) {
        Some(details) => format!("{message}: {details}"),
        None => message.to_owned(),
    };
    let message = limit::excerpt(&message, limit::FAILURE_CHARS);
    let finding = Finding::new(code, message).at_node(id.into(), class_type);
    input.into_iter().fold(finding, Finding::at_input)
}

impl ComfyClient {
    /// Submits a prompt. ComfyUI checks it before it answers, and may have begun, or even ended it by then.
    ///
    /// # Errors
    /// [`ComfyError::Rejected`] when ComfyUI refuses it. After any error that is not
    /// [unsent](ComfyError::is_unsent), ComfyUI may have taken it all the same: its queue and its history know.
    pub async fn submit(&self, request: PromptRequest) -> Result<Accepted, ComfyError> {
        let prompt_id = request.prompt_id.clone();
        let answer = self.post(CALL, &["prompt"], request.into_body()).await?;
        if answer.status == 400 {
            let body = read(&answer.body, limit::json(limit::ERROR_BYTES)).ok();
            let rejection = body.as_ref().and_then(Value::as_object).and_then(Rejection::parse);
            return Err(rejection.map_or_else(
                || answer.refusal(CALL),
                |rejection| ComfyError::Rejected(Box::new(rejection)),
            ));
        }
        let answer = answer.good(CALL)?;
        let body = object(CALL, answer.json(CALL)?)?;
        // A version that does not know of ids of one's own makes one up.
        let given =
            body.get_str("prompt_id").ok_or(ComfyError::Shape { call: CALL, problem: "no prompt_id" })?;
        if given != prompt_id {
            tracing::debug!(given, prompt_id, "this ComfyUI gives ids of its own");
        }
        Ok(Accepted {
            prompt_id: limit::excerpt(given, 200),
            number: body.get("number").and_then(Value::as_number).map_or(0.0, Number::as_f64),
            node_errors: NodeErrors::parse(body.get("node_errors")),
        })
    }
}
